//! What a client does with the API, step by step.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::{Server, request};

const CONNECTORS: &str = "/api/v1/connectors";

pub(crate) fn lab() -> String {
    json!({
        "name": "lab",
        "on_premises": {
            "url": "http://127.0.0.1:9/PowerShell/",
            "authentication": "ntlm",
            "username": "CONTOSO\\gatepost",
        },
        "password": "a secret",
        // Nobody answers there: what happens by itself would come in between.
        "paused": true,
    })
    .to_string()
}

#[tokio::test]
async fn a_connector_comes_and_goes() {
    let server = Server::start().await;
    assert_eq!(server.get(CONNECTORS).await.json(), json!({"connectors": []}));

    let answer = server.post(&format!("{CONNECTORS}?dry_run=true"), &lab()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.json(),
        json!({"dry_run": true, "would": "add the connector lab for http://127.0.0.1:9/PowerShell/"})
    );
    assert_eq!(server.get(CONNECTORS).await.json(), json!({"connectors": []}));

    let added = server.post(CONNECTORS, &lab()).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    assert!(!added.body.contains("secret"), "the password came back: {}", added.body);
    let shown = server.get("/api/v1/connectors/lab").await.json();
    assert_eq!(shown, added.json());
    assert_eq!(shown["state"], "flagged");
    assert_eq!(shown["on_premises"]["username"], "CONTOSO\\gatepost");
    assert_eq!(server.get(CONNECTORS).await.json(), json!({"connectors": [shown]}));

    let again = server.post(CONNECTORS, &lab()).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.problem().detail.contains("lab"));

    let answer = server.delete("/api/v1/connectors/lab?dry_run=true").await;
    assert!(answer.json()["would"].as_str().unwrap().starts_with("remove the connector lab"));
    assert_eq!(server.delete("/api/v1/connectors/lab").await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.delete("/api/v1/connectors/lab").await.status, StatusCode::NOT_FOUND);
    server.stop().await;
}

#[tokio::test]
async fn a_repeated_key_adds_once() {
    let server = Server::start().await;
    let keyed = |body: &str| {
        let mut request = request(Method::POST, CONNECTORS, body);
        request.headers_mut().insert("idempotency-key", "1".parse().unwrap());
        request
    };
    let first = server.send(keyed(&lab())).await;
    let second = server.send(keyed(&lab())).await;
    assert_eq!(first.status, StatusCode::CREATED);
    assert_eq!((second.status, second.body), (first.status, first.body));
    assert_eq!(second.content_type, "application/json");

    let other = server.send(keyed(&lab().replace("lab", "other"))).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    other.problem();
    assert_eq!(server.get(CONNECTORS).await.json()["connectors"].as_array().unwrap().len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_sync_is_a_job_that_can_be_followed() {
    let server = Server::start().await;
    server.post(CONNECTORS, &lab()).await;
    let address = "/api/v1/connectors/lab/sync";

    let would = server.post(&format!("{address}?dry_run=true"), "{}").await;
    assert_eq!(would.status, StatusCode::OK);
    assert_eq!(server.get("/api/v1/jobs").await.json(), json!({"jobs": []}));

    for (body, part) in [
        ("{\"kind\": \"half\"}", "the kind of sync is \"half\""),
        ("{\"kind\": \"user\"}", "names no user"),
        ("{\"kind\": \"delta\", \"user\": \"jane\"}", "a delta sync is of everybody"),
    ] {
        let answer = server.post(address, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        let detail = answer.problem().detail;
        assert!(detail.contains(part), "{detail}");
    }

    let answer = server.post(address, "{\"kind\": \"full\"}").await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let job = server.get(&format!("/api/v1/jobs/{id}")).await.json();
    assert_eq!((&job["kind"], &job["connector"]), (&json!("full sync"), &json!("lab")));

    // Nobody answers at that address: the job ends, and says so.
    let caller = domain::Caller::local_administrator();
    server.engine.job_finished(&caller, id.parse().unwrap()).await.unwrap();
    let job = server.get(&format!("/api/v1/jobs/{id}")).await.json();
    assert_eq!(job["state"], "failed", "{job}");
    assert!(!job["outcome"].as_str().unwrap().is_empty());
    let passes = server.get("/api/v1/connectors/lab/passes").await;
    assert_eq!(passes.status, StatusCode::OK);
    server.stop().await;
}

#[tokio::test]
async fn an_empty_inventory_says_so() {
    let server = Server::start().await;
    let devices = server.get("/api/v1/devices?query=state%3Aquarantined&limit=1000").await;
    assert_eq!(devices.json(), json!({"devices": [], "next": null}));
    let status = server.get("/api/v1/status").await.json();
    assert_eq!((&status["devices"], &status["connectors"]), (&json!(0), &json!([])));
    server.stop().await;
}
