//! What is asked of devices by the API: which device is meant.

use axum::http::StatusCode;
use domain::{AccessState, DeviceFacts, DistinguishedName, Permission, device::Owner};
use serde_json::json;
use store::DeviceRow;
use uuid::Uuid;

use crate::{Server, stories::lab};

/// A phone of somebody, as the directory tells it.
fn phone(device_id: &str, of: &str, guid: u128) -> DeviceRow {
    let user_dn = DistinguishedName::parse(&format!("CN={of},DC=contoso,DC=com"));
    let facts = DeviceFacts {
        guid: Uuid::from_u128(guid),
        identity: None,
        distinguished_name: None,
        device_id: Some(device_id.to_owned()),
        friendly_name: None,
        device_type: Some("iPhone".to_owned()),
        model: None,
        os: None,
        os_language: None,
        user_agent: None,
        imei: None,
        phone_number: None,
        operator: None,
        client_type: None,
        client_version: Some("16.1".to_owned()),
        access_state: AccessState::Allowed,
        access_reason: None,
        access_rule: None,
        first_sync: None,
        when_created: None,
        when_changed: None,
        other: Vec::new(),
    };
    let owner = Owner { user_dn, user: Some(of.to_owned()), ..Owner::default() };
    DeviceRow { facts, owner, observed: jiff::Timestamp::UNIX_EPOCH }
}

#[tokio::test]
async fn a_device_id_that_two_people_share_is_asked_back() {
    let server = Server::start().await;
    server.post("/api/v1/connectors", &lab()).await;
    let scope = domain::Caller::local_administrator().scope(Permission::ReadResource).unwrap();
    let store = server.engine.store();
    let connector = store.connectors(&scope).await.unwrap()[0].id;
    // One phone with two mailboxes has one id and two partnerships.
    let rows =
        vec![phone("SHARED1", "ann", 1), phone("SHARED1", "bob", 2), phone("OWN2", "bob", 3)];
    store.write_devices(connector, rows).await.unwrap();
    let block = |device: &str| {
        json!({"action": "block", "devices": [device], "reason": "lost"}).to_string()
    };
    let actions = "/api/v1/actions?dry_run=true";
    let both = server.post(actions, &block("SHARED1")).await;
    assert_eq!(both.status, StatusCode::CONFLICT, "{}", both.body);
    let told = both.problem();
    assert!(told.detail.contains("2 devices have the id"), "{}", told.detail);
    let found = server.get("/api/v1/devices?query=deviceid:SHARED1").await.json();
    for device in found["devices"].as_array().unwrap() {
        assert!(both.body.contains(device["id"].as_str().unwrap()), "{}", both.body);
    }
    let one = server.post(actions, &block(found["devices"][0]["id"].as_str().unwrap())).await;
    assert_eq!(one.status, StatusCode::OK, "{}", one.body);
    assert_eq!(server.post(actions, &block("OWN2")).await.status, StatusCode::OK);
    assert_eq!(server.post(actions, &block("NOBODY")).await.status, StatusCode::NOT_FOUND);
    server.stop().await;
}
