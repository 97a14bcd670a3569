//! The OpenAPI document, as it is checked in and as it is served.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

use crate::Server;

/// Method and path of everything the document describes.
pub(crate) fn routes() -> Vec<String> {
    let document = serde_json::to_value(api::openapi()).unwrap();
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let mut methods: Vec<_> = operations.as_object().unwrap().keys().collect();
        methods.sort();
        routes.extend(methods.iter().map(|method| format!("{} {path}", method.to_uppercase())));
    }
    routes
}

#[test]
fn the_document_checked_in_is_the_one_served() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let mut document = api::openapi().to_pretty_json().unwrap();
    document.push('\n');
    let before = fs::read_to_string(&path).unwrap_or_default();
    if before != document {
        fs::write(&path, document).unwrap();
        panic!("docs/openapi.json was not up to date; it is now: look at the change, commit it");
    }
}

/// Fields of a device stand in the order of the contract, which CSV and JSON lines follow.
#[test]
fn the_fields_of_a_device_are_the_contract() {
    let document = serde_json::to_value(api::openapi()).unwrap();
    let schema = &document["components"]["schemas"]["Device"]["properties"];
    let mut described: Vec<&String> = schema.as_object().unwrap().keys().collect();
    let mut fields = api::Device::FIELDS.to_vec();
    described.sort();
    fields.sort_unstable();
    assert_eq!(described, fields);
}

#[tokio::test]
async fn the_document_is_served_to_everybody() {
    let server = Server::start().await;
    let answer = server.get("/api/v1/openapi.json").await;
    assert_eq!(answer.json(), serde_json::to_value(api::openapi()).unwrap());
    assert_eq!(server.get("/healthz").await.body, "ok\n");
    server.stop().await;
}

/// Generators of clients need an id for each operation; people, a summary.
#[test]
fn every_operation_says_what_it_does() {
    let document = serde_json::to_value(api::openapi()).unwrap();
    let mut ids = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let summary = operation["summary"].as_str().unwrap_or_default();
            assert!(!summary.is_empty(), "{method} {path} has no summary");
            assert_ne!(operation["tags"], Value::Null, "{method} {path} has no tag");
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id), "two operations are called {id}");
        }
    }
}
