//! Connectors to hosted organizations: their own shape beside that of those on premises, which stays.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::Server;

const CLOUD: &str = "/api/v1/connectors/cloud";
const APPLICATION: &str = "b7e7b4a4-2c0c-4a1b-9c0b-1c1f2a3b4c5d";

fn cloud() -> Value {
    json!({
        "name": "cloud",
        "hosted": {
            "tenant": "Contoso.onmicrosoft.com",
            "application_id": APPLICATION,
            "sign_in": "secret",
            "service_url": "https://127.0.0.1:9",
            "login_url": "https://127.0.0.1:9",
        },
        "client_secret": "secret-1",
        "paused": true,
    })
}

async fn server_with_cloud() -> Server {
    let server = Server::start().await;
    let added = server.post("/api/v1/connectors", &cloud().to_string()).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    server
}

#[tokio::test]
async fn a_hosted_connector_shows_how_it_is_reached_and_no_secret() {
    let server = server_with_cloud().await;
    let shown = server.get(CLOUD).await;
    assert!(!shown.body.contains("secret-1"));
    let shown = shown.json();
    assert!(shown.get("on_premises").is_none(), "{shown}");
    insta::assert_snapshot!(serde_json::to_string_pretty(&shown["hosted"]).unwrap(), @r#"
    {
      "application_id": "b7e7b4a4-2c0c-4a1b-9c0b-1c1f2a3b4c5d",
      "certificate": null,
      "cloud": "global",
      "extra_roots_pem": null,
      "login_url": "https://127.0.0.1:9",
      "pinned_sha256": null,
      "proxy": null,
      "proxy_username": null,
      "service_url": "https://127.0.0.1:9",
      "sign_in": "secret",
      "tenant": "contoso.onmicrosoft.com"
    }
    "#);
    let on_premises = json!({
        "name": "lab", "on_premises": {"url": "http://127.0.0.1:9/PowerShell/"}, "paused": true,
    });
    let lab = server.post("/api/v1/connectors", &on_premises.to_string()).await.json();
    assert!(lab.get("hosted").is_none(), "{lab}");
    server.stop().await;
}

#[tokio::test]
async fn a_change_stays_within_its_kind_and_keeps_what_it_does_not_name() {
    let server = server_with_cloud().await;
    let changed = server.patch(CLOUD, &json!({"hosted": {"cloud": "dod"}}).to_string()).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    assert_eq!(changed.json()["hosted"]["cloud"], "dod");
    assert_eq!(changed.json()["hosted"]["application_id"], APPLICATION);
    for (change, part) in [
        (json!({"on_premises": {"url": "http://x/P/"}}), "is hosted"),
        (json!({"hosted": {"tenant": "nowhere"}}), "is no tenant"),
        (json!({"hosted": {"application_id": "me"}}), "is no id"),
        (json!({"hosted": {"application_id": null}}), "no application"),
        (json!({"hosted": {"sign_in": "certificate"}}), "no certificate"),
        (json!({"hosted": {"cloud": "germany"}}), "cloud is \"germany\""),
        (json!({"hosted": {"service_url": "http://x"}}), "https://"),
        (json!({"hosted": {"url": "x"}}), "unknown field `url`"),
        (json!({"certificate": "AAAA"}), "way of signing in is secret"),
        (json!({"certificate_password": "x"}), "no certificate"),
        (json!({"password": "x"}), "leave the password out"),
        (json!({"options": {"organizational_units": ["contoso.com/Staff"]}}), "by a filter"),
        (json!({"options": {"configured_servers_only": true}}), "one service"),
        (
            json!({"hosted": {"sign_in": "certificate"}, "certificate": "no file"}),
            "neither PEM nor",
        ),
        (
            json!({"hosted": {"sign_in": "certificate"}, "certificate": "AAAA"}),
            "certificate: file is neither PEM",
        ),
    ] {
        let answer = server.patch(CLOUD, &change.to_string()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{change}: {}", answer.body);
        let detail = answer.problem().detail;
        assert!(detail.contains(part), "{change}: {detail}");
    }
    server.stop().await;
}

#[tokio::test]
async fn it_is_said_where_the_organization_is_and_once() {
    let server = Server::start().await;
    let mut both = cloud();
    both["on_premises"] = json!({"url": "http://127.0.0.1:9/PowerShell/"});
    for body in [both, json!({"name": "cloud"})] {
        let answer = server.post("/api/v1/connectors", &body.to_string()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.body.contains("not said where the organization is"), "{}", answer.body);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_code_is_asked_for_only_where_a_person_signs_in() {
    let server = server_with_cloud().await;
    let refused = server.post(&format!("{CLOUD}/sign-in"), "").await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
    assert!(refused.problem().detail.contains("device-code"));
    let change = json!({"hosted": {"sign_in": "device-code"}});
    assert_eq!(server.patch(CLOUD, &change.to_string()).await.status, StatusCode::OK);
    let none = server.get(&format!("{CLOUD}/sign-in")).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND, "{}", none.body);
    // Nobody listens there.
    let unreachable = server.post(&format!("{CLOUD}/sign-in"), "").await;
    assert_eq!(unreachable.status, StatusCode::SERVICE_UNAVAILABLE, "{}", unreachable.body);
    server.stop().await;
}

#[tokio::test]
async fn the_role_script_is_for_the_application() {
    let server = server_with_cloud().await;
    let script = server.get(&format!("{CLOUD}/role-script?features=inventory,wipe")).await;
    assert_eq!(script.status, StatusCode::OK);
    assert!(script.body.contains(&format!("$AppId = '{APPLICATION}'")), "{}", script.body);
    assert!(script.body.contains("Cmdlet = 'Clear-MobileDevice'"));
    assert!(!script.body.contains("Cmdlet = 'Set-CASMailbox'"));
    server.stop().await;
}
