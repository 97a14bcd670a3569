//! Why a device gets in or not, asked beside a simulated organization.

use axum::http::{Method, Request, StatusCode, header};
use domain::{AccessReason, AccessState, Device};
use serde_json::{Value, json};
use testkit::TestApp;

use crate::{Answer, Server, request};

const EXPLAIN: &str = "/api/v1/connectors/lab/explain";

/// An organization that was read once, by its administrator's token.
struct House {
    app: TestApp,
    server: Server,
}

impl House {
    async fn synced(devices: usize) -> Self {
        let app = TestApp::connected(devices).await.unwrap();
        app.sync().await.unwrap();
        let (engine, directory) = (app.engine().clone(), tempfile::tempdir().unwrap());
        let router = api::router(engine.clone());
        Self { app, server: Server { router, engine, _directory: directory } }
    }

    /// Reads the rules, as a look that is due does.
    async fn look(&self) {
        self.app.engine().import_wish(&self.app.caller(), &self.app.name(), None).await.unwrap();
    }

    async fn send(&self, mut request: Request<axum::body::Body>) -> Answer {
        let token = format!("Bearer {}", TestApp::TOKEN);
        request.headers_mut().insert(header::AUTHORIZATION, token.parse().unwrap());
        self.server.send(request).await
    }

    async fn explanation(&self, device: &str) -> Value {
        let address = format!("/api/v1/devices/{device}/explanation");
        let answer = self.send(request(Method::GET, &address, "")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.json()
    }

    async fn described(&self, description: &Value) -> Answer {
        self.send(request(Method::POST, EXPLAIN, &description.to_string())).await
    }

    async fn blocked_by_rule(&self) -> Device {
        let devices = self.app.devices().await.unwrap();
        let is_blocked = |device: &Device| {
            device.facts.access_state == AccessState::Blocked
                && device.facts.access_reason == Some(AccessReason::Rule)
        };
        devices.into_iter().find(is_blocked).unwrap()
    }
}

#[tokio::test]
async fn a_blocked_device_is_explained_step_by_step() {
    let house = House::synced(150).await;
    house.look().await;
    let phone = house.blocked_by_rule().await;
    let owner = phone.owner.name.clone().unwrap();
    let told = house.explanation(&phone.id.to_string()).await;
    assert_eq!(told, house.explanation(&phone.facts.guid.to_string()).await);
    let rule = json!({"characteristic": "type", "value": "WP8", "level": "block"});
    assert_eq!(told["decision"], json!({"state": "blocked", "reason": "rule", "rule": rule}));
    let sentence = told["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("Blocked: the rule \"WP8\" (type)"), "{sentence}");
    let steps = told["steps"].as_array().unwrap();
    let words: Vec<_> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    let order = "sign-in activesync mailbox-policy personal-block personal-allow block-rules \
                 quarantine-rules allow-rules default-level";
    assert_eq!(words.join(" "), order);
    let deciding: Vec<_> = steps.iter().filter(|step| step["decides"] == true).collect();
    assert_eq!(deciding.len(), 1);
    assert_eq!(deciding[0]["outcome"], "decided");
    assert_eq!(deciding[0]["rules"], json!([rule]));
    assert_eq!(told["reported"]["state"], "blocked");
    assert!(told["reported"]["rule"].as_str().unwrap().contains("WP8"), "{told}");
    assert_eq!(told["agreement"], json!({"agrees": true, "causes": []}));
    let smallest =
        json!({"sentence": format!("Allow it for {owner}."), "reach": "this device alone"});
    assert_eq!(told["remedies"][0], smallest);
    assert!(told["rules_as_of"].is_string());
    assert!(told["caveats"][0].as_str().unwrap().contains("can say anything"));
}

#[tokio::test]
async fn what_differs_has_its_causes_and_what_was_never_read_is_null() {
    let house = House::synced(60).await;
    let devices = house.app.devices().await.unwrap();
    let is_in = |device: &&Device| device.facts.access_state == AccessState::Allowed;
    let phone = devices.iter().find(is_in).unwrap();
    let unread = house.explanation(&phone.id.to_string()).await;
    assert_eq!(
        (&unread["decision"], &unread["steps"], &unread["rules_as_of"]),
        (&Value::Null, &json!([]), &Value::Null)
    );
    assert_eq!(unread["agreement"]["agrees"], Value::Null);
    assert!(unread["sentence"].as_str().unwrap().starts_with("Allowed"));
    let too_early = house.described(&json!({"model": "x"})).await;
    assert_eq!(too_early.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(too_early.problem().detail.contains("were not read yet"));

    house.look().await;
    assert!(house.app.exchange().organization().autoblock_device(phone.facts.guid));
    let refresh = format!("/api/v1/devices/{}/refresh", phone.id);
    house.send(request(Method::POST, &refresh, "{}")).await;
    let told = house.explanation(&phone.id.to_string()).await;
    assert_eq!(told["decision"]["state"], "allowed");
    assert_eq!(told["reported"]["reason"], "autoblock");
    assert_eq!(told["agreement"]["agrees"], false);
    assert!(told["agreement"]["causes"][0].as_str().unwrap().contains("own protection"));
}

#[tokio::test]
async fn a_described_device_is_explained_and_nonsense_refused() {
    let house = House::synced(60).await;
    house.look().await;
    let phone = json!({"type": "iPhone", "model": "iPhone17C3", "os": "iOS 18.1 22B83"});
    let told = house.described(&phone).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.body);
    let told = told.json();
    assert_eq!((&told["decision"]["state"], &told["reported"]), (&json!("allowed"), &Value::Null));
    assert_eq!(told["agreement"]["agrees"], Value::Null);
    for (described, status, part) in [
        (json!({}), StatusCode::BAD_REQUEST, "nothing is said of the device"),
        (json!({"colour": "red"}), StatusCode::BAD_REQUEST, "unknown field `colour`"),
        (json!({"user": "nobody"}), StatusCode::NOT_FOUND, "nobody with a device in lab"),
    ] {
        let answer = house.described(&described).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        let detail = answer.problem().detail;
        assert!(detail.contains(part), "{detail}");
    }
    let elsewhere = EXPLAIN.replace("lab", "elsewhere");
    let answer = house.send(request(Method::POST, &elsewhere, &phone.to_string())).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}
