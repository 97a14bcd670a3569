//! Changes of a connector: field by field, never half, never at the cost of a secret.

use axum::http::{Method, StatusCode};
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any},
    prop_oneof,
    strategy::ValueTree as _,
    test_runner::TestRunner,
};
use serde_json::{Value, json};

use crate::{Server, request};

const LAB: &str = "/api/v1/connectors/lab";

async fn server_with_lab() -> Server {
    let server = Server::start().await;
    let lab = json!({
        "name": "lab",
        "on_premises": {
            "url": "http://127.0.0.1:9/PowerShell/",
            "authentication": "ntlm",
            "username": "CONTOSO\\gatepost",
        },
        "password": "secret-1",
        "paused": true,
    });
    let added = server.post("/api/v1/connectors", &lab.to_string()).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    server
}

/// Every field that can be wrong is named, with what was expected, and nothing is kept.
#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_is_kept() {
    let server = server_with_lab().await;
    let before = server.get(LAB).await.json();
    let options = |fields: Value| json!({"paused": false, "options": fields});
    let on_premises = |fields: Value| json!({"paused": false, "on_premises": fields});
    for (change, part) in [
        (
            options(json!({"full_schedule": "daily"})),
            "full_schedule: schedule \"daily\" is not understood",
        ),
        (options(json!({"delta_schedule": "30s"})), "delta_schedule: schedule \"30s\""),
        (options(json!({"delta_schedule": "61 * * * *"})), "delta_schedule: "),
        (options(json!({"time_zone": "Berlin"})), "time_zone: time zone \"Berlin\" is not known"),
        (options(json!({"runspaces": 0})), "0 runspaces are not 1 to 9"),
        (options(json!({"runspaces": 300})), "300 runspaces are not 1 to 9"),
        (options(json!({"inactive_days": 0})), "0 days of inactivity"),
        (options(json!({"inactive_days": 70000})), "70000 days of inactivity"),
        (options(json!({"replaces": "Not A Name"})), "replaces: connector name"),
        (options(json!({"replaces": "lab"})), "cannot replace itself"),
        (
            options(json!({"directory": {"server": "dc01", "security": "none"}})),
            "security of the directory is \"none\"",
        ),
        (options(json!({"directory": {"security": "ldaps"}})), "options: missing field `server`"),
        (options(json!({"directory": {"server": "ldap://dc01"}})), "directory server"),
        (
            options(json!({"organizational_units": ["OU=A"], "recipient_filter": "x"})),
            "both organizational units and a recipient filter",
        ),
        (options(json!({"organizational_units": []})), "organizational units"),
        (options(json!({"sites": [{"site": "", "url": "http://x/PS"}]})), "has no name"),
        (options(json!({"sites": [{"site": "A"}]})), "options: missing field `url`"),
        (options(json!({"notification_account": "x"})), "notification account needs"),
        (options(json!({"schedule": "24h"})), "options: unknown field `schedule`"),
        (on_premises(json!({"url": null})), "on_premises: missing field `url`"),
        (on_premises(json!({"url": "ftp://x/"})), "http:// or https://"),
        (on_premises(json!({"authentication": "magic"})), "authentication is \"magic\""),
        (on_premises(json!({"username": null})), "user name"),
        (on_premises(json!({"proxy_username": "x"})), "no proxy"),
        (on_premises(json!({"port": 1})), "on_premises: unknown field `port`"),
        (json!({"name": "other"}), "unknown field `name`"),
        (json!({"password": ""}), "the password is empty"),
    ] {
        for address in [LAB.to_owned(), format!("{LAB}?dry_run=true")] {
            let answer = server.patch(&address, &change.to_string()).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{change}: {}", answer.body);
            let detail = answer.problem().detail;
            assert!(detail.contains(part), "{change}: {detail}");
        }
        assert_eq!(server.get(LAB).await.json(), before, "{change}");
    }
    let nobody = server.patch("/api/v1/connectors/nobody", "{}").await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    server.stop().await;
}

#[tokio::test]
async fn a_dry_run_names_what_would_change_and_no_secret() {
    let server = server_with_lab().await;
    let before = server.get(LAB).await.json();
    let change = json!({
        "on_premises": {"url": "http://127.0.0.3:9/PowerShell/"},
        "options": {"full_schedule": "never"},
        "password": "secret-2",
        "paused": false,
    });
    let would = server.patch(&format!("{LAB}?dry_run=true"), &change.to_string()).await;
    assert_eq!(
        would.json()["would"],
        "change on_premises.url, options.full_schedule, paused, password of the connector lab"
    );
    assert!(!would.body.contains("secret-"));
    assert_eq!(server.get(LAB).await.json(), before);
    assert_eq!(server.patch(LAB, "{}").await.json(), before);
    server.stop().await;
}

#[tokio::test]
async fn a_repeated_key_changes_once() {
    let server = server_with_lab().await;
    let keyed = || {
        let body = json!({"options": {"full_schedule": "12h"}}).to_string();
        let mut request = request(Method::PATCH, LAB, &body);
        request.headers_mut().insert("idempotency-key", "1".parse().unwrap());
        request
    };
    let first = server.send(keyed()).await;
    assert_eq!(first.status, StatusCode::OK);
    server.patch(LAB, "{\"options\": {\"full_schedule\": \"6h\"}}").await;
    assert_eq!(server.send(keyed()).await.body, first.body);
    assert_eq!(server.get(LAB).await.json()["options"]["full_schedule"], "6h");
    server.stop().await;
}

/// Some field of a connector with a value that may stand there beside any other.
fn field() -> impl Strategy<Value = (&'static str, &'static str, Value)> {
    let or_null = |value: Value| prop_oneof![Just(value), Just(Value::Null)];
    let options = |name: &'static str, value: Value| {
        or_null(value).prop_map(move |value| ("options", name, value)).boxed()
    };
    let on_premises = |name: &'static str, value: Value| {
        or_null(value).prop_map(move |value| ("on_premises", name, value)).boxed()
    };
    prop_oneof![
        options("full_schedule", json!("7d")),
        options("delta_schedule", json!("cron */5 * * * *")),
        options("time_zone", json!("Asia/Tokyo")),
        options("recipient_filter", json!("Department -eq 'Sales'")),
        options("inactive_days", json!(90)),
        options("remove_aged_partnerships", json!(true)),
        options("allow_external_management", json!(false)),
        options("runspaces", json!(9)),
        options("replaces", json!("old")),
        options("directory", json!({"server": "dc01", "security": "sealed"})),
        options("sites", json!([{"site": "Bonn", "url": "http://bonn/PowerShell/"}])),
        on_premises("spn", json!("HTTP/exchange")),
        on_premises("kdc", json!(["dc01:88"])),
        on_premises("connect_to", json!("127.0.0.1:99")),
        on_premises("extra_roots_pem", json!("-----BEGIN CERTIFICATE-----")),
        on_premises("authentication", json!("negotiate")),
        any::<bool>().prop_map(|paused| ("", "paused", json!(paused))).boxed(),
    ]
}

/// After any changes a connector shows what was given last, or the default, and all else as before.
/// The password is still there: without one, the connector could not keep its user name.
#[tokio::test]
async fn changes_touch_what_they_name_and_nothing_else() {
    let server = server_with_lab().await;
    let defaults = server.get(LAB).await.json();
    let mut runner = TestRunner::deterministic();
    let mut expected = defaults.clone();
    for _ in 0..60 {
        let fields = vec(field(), 1..5).new_tree(&mut runner).unwrap().current();
        let mut change = json!({});
        for (part, name, value) in fields {
            if part.is_empty() {
                change[name] = value.clone();
                expected[name] = value;
                continue;
            }
            change[part][name] = value.clone();
            let default = match name {
                // It was given when the connector was added.
                "authentication" => &json!("automatic"),
                _ => &defaults[part][name],
            };
            expected[part][name] = if value.is_null() { default.clone() } else { value };
        }
        let answer = server.patch(LAB, &change.to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{change}: {}", answer.body);
        assert!(!answer.body.contains("secret-"), "{}", answer.body);
        let (mut found, mut wanted) = (answer.json(), expected.clone());
        // What the server does meanwhile with a connector that does not rest.
        for moving in ["state", "trouble", "next_install"] {
            found[moving] = Value::Null;
            wanted[moving] = Value::Null;
        }
        assert_eq!(found, wanted, "{change}");
    }
    server.stop().await;
}
