//! The life of a connector: rest, health, ageing, permissions, removal.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{Server, document::routes, request};

const LAB: &str = "/api/v1/connectors/lab";

/// A connector at rest, to an address where nobody answers, with everything there is to set.
fn lab() -> Value {
    json!({
        "name": "lab",
        "on_premises": {
            "url": "http://127.0.0.1:9/PowerShell/",
            "authentication": "ntlm",
            "username": "CONTOSO\\gatepost",
            "proxy": "127.0.0.1:9",
            "proxy_username": "through",
        },
        "options": {
            "sites": [{"site": "Berlin", "url": "http://127.0.0.2:9/PowerShell/"}],
            "directory": {"server": "127.0.0.1:9"},
            "full_schedule": "0 2 * * 1-5",
            "delta_schedule": "90m",
            "time_zone": "europe/berlin",
            "organizational_units": ["OU=Staff,DC=contoso,DC=com"],
            "inactive_days": 60,
            "allow_external_management": true,
            "notification_account": "CONTOSO\\notify",
            "runspaces": 2,
        },
        "paused": true,
        "password": "secret-1",
        "proxy_password": "secret-2",
        "notification_password": "secret-3",
    })
}

async fn server_with_lab() -> Server {
    let server = Server::start().await;
    let added = server.post("/api/v1/connectors", &lab().to_string()).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    assert!(!added.body.contains("secret-"), "a secret came back: {}", added.body);
    server
}

#[tokio::test]
async fn what_was_set_is_shown_and_what_was_not_has_its_default() {
    let server = server_with_lab().await;
    let shown = server.get(LAB).await.json();
    assert_eq!(
        shown["options"],
        json!({
            "sites": [{"site": "Berlin", "url": "http://127.0.0.2:9/PowerShell/"}],
            "directory": {"server": "127.0.0.1:9", "security": "starttls"},
            "configured_servers_only": false,
            "full_schedule": "cron 0 2 * * 1-5",
            "delta_schedule": "1h30m",
            "time_zone": "Europe/Berlin",
            "organizational_units": ["OU=Staff,DC=contoso,DC=com"],
            "recipient_filter": null,
            "inactive_days": 60,
            "remove_aged_partnerships": false,
            "allow_external_management": true,
            "notification_account": "CONTOSO\\notify",
            "runspaces": 2,
            "replaces": null,
        })
    );
    assert_eq!(shown["paused"], true);
    for field in ["last_delta_sync", "next_install", "next_full_sync", "next_delta_sync"] {
        assert_eq!(shown[field], Value::Null, "{field}");
    }
    let mut plain = lab();
    plain["name"] = "plain".into();
    plain.as_object_mut().unwrap().remove("options");
    plain.as_object_mut().unwrap().remove("notification_password");
    let plain = server.post("/api/v1/connectors", &plain.to_string()).await.json();
    assert_eq!(plain["options"]["full_schedule"], "24h");
    assert_eq!(plain["options"]["delta_schedule"], "4h");
    assert_eq!(
        (&plain["options"]["time_zone"], &plain["options"]["runspaces"]),
        (&json!("UTC"), &json!(3))
    );
    server.stop().await;
}

#[tokio::test]
async fn it_rests_and_goes_on() {
    let server = server_with_lab().await;
    let would = server.post(&format!("{LAB}/resume?dry_run=true"), "").await;
    assert_eq!(would.json()["would"], "let the scheduled work of lab go on");
    assert_eq!(server.get(LAB).await.json()["paused"], true);
    let resumed = server.post(&format!("{LAB}/resume"), "").await;
    assert_eq!((resumed.status, &resumed.json()["paused"]), (StatusCode::OK, &json!(false)));
    let would = server.post(&format!("{LAB}/pause?dry_run=true"), "").await;
    assert_eq!(would.json()["would"], "let the scheduled work of lab rest");
    let paused = server.post(&format!("{LAB}/pause"), "").await;
    assert_eq!((paused.status, &paused.json()["paused"]), (StatusCode::OK, &json!(true)));

    let messages = server.get(&format!("{LAB}/messages?limit=1000")).await.json();
    let messages = messages["messages"].as_array().unwrap().clone();
    let of = |number| messages.iter().find(|message| message["number"] == number).unwrap();
    assert_eq!(
        (&of(6404)["event"], &of(6404)["severity"]),
        (&json!("paused"), &json!("information"))
    );
    assert_eq!((&of(6405)["event"], &of(6400)["event"]), (&json!("resumed"), &json!("flagged")));
    assert!(!of(6400)["text"].as_str().unwrap().is_empty());
    let one = server.get(&format!("{LAB}/messages?limit=1")).await.json();
    assert_eq!(one["messages"].as_array().unwrap().len(), 1);
    for verb in ["pause", "resume"] {
        let nobody = server.post(&format!("/api/v1/connectors/nobody/{verb}"), "").await;
        assert_eq!(nobody.status, StatusCode::NOT_FOUND);
        nobody.problem();
    }
    server.stop().await;
}

#[tokio::test]
async fn its_health_is_told() {
    let server = server_with_lab().await;
    let endpoints = server.get(&format!("{LAB}/endpoints")).await.json();
    let of = |at: usize| &endpoints["endpoints"][at];
    assert_eq!(
        (&of(0)["origin"], &of(0)["url"]),
        (&json!("configured"), &json!("http://127.0.0.1:9/PowerShell/"))
    );
    assert_eq!((&of(1)["origin"], &of(1)["site"]), (&json!("site"), &json!("Berlin")));
    assert_eq!((&of(0)["failures"], &of(0)["last_success"]), (&json!(0), &json!(null)));
    let budget = server.get(&format!("{LAB}/budget")).await.json();
    assert_eq!(
        (&budget["allowance"], &budget["most"], &budget["cmdlets"]),
        (&json!(1), &json!(2), &json!(0))
    );

    let would = server.post(&format!("{LAB}/check?dry_run=true"), "").await;
    assert!(would.json()["would"].as_str().unwrap().starts_with("sign in to http://127.0.0.1:9"));
    assert_eq!(server.get(&format!("{LAB}/check")).await.status, StatusCode::NOT_FOUND);
    let report = server.post(&format!("{LAB}/check"), "").await;
    assert_eq!(report.status, StatusCode::OK, "{}", report.body);
    let report = report.json();
    assert_eq!(server.get(&format!("{LAB}/check")).await.json(), report);
    assert_eq!((&report["is_ready"], &report["is_read_only"]), (&json!(false), &json!(false)));
    assert_eq!(
        (&report["steps"][0]["result"], &report["features"]),
        (&json!("failed"), &json!([]))
    );
    let shown = server.get(LAB).await.json();
    assert_eq!(shown["state"], "trouble");
    assert_eq!(shown["trouble"], report["steps"][0]["detail"]);
    let endpoints = server.get(&format!("{LAB}/endpoints")).await.json();
    assert_eq!(endpoints["endpoints"][0]["failures"], 1);

    server.patch(LAB, "{\"password\": \"secret-4\"}").await;
    let none = server.get(&format!("{LAB}/check")).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    assert!(none.problem().detail.contains("not checked since"));
    server.stop().await;
}

#[tokio::test]
async fn its_log_is_told_the_latest_line_first() {
    let server = server_with_lab().await;
    let address = format!("{LAB}/log");
    let log = async |address: &str| {
        let log = server.get(address).await.json();
        log["lines"].as_array().unwrap().clone()
    };
    let lines = log(&address).await;
    assert_eq!(lines.len(), 2);
    let flagged = "Component GATEPOST_EXCHANGE_CONNECTOR flagged for installation";
    assert_eq!((&lines[1]["phrase"], &lines[1]["detail"]), (&json!(flagged), &Value::Null));
    assert_eq!(
        (&lines[0]["phrase"], &lines[0]["is_warning"]),
        (&json!("STATMSG: ID=6400"), &json!(false))
    );
    let messages = server.get(&format!("{LAB}/messages")).await.json();
    assert_eq!(lines[0]["detail"], messages["messages"][0]["text"]);

    let asked = json!({"kind": "user", "user": "jane"}).to_string();
    server.post(&format!("{LAB}/sync"), &asked).await;
    let lines = log(&address).await;
    let unreachable = lines.iter().find(|line| {
        line["phrase"].as_str().unwrap().starts_with("Failed to open runspace for site ")
    });
    let unreachable = unreachable.unwrap();
    assert_eq!(unreachable["is_warning"], true);
    assert!(unreachable["detail"].as_str().unwrap().contains("cannot reach"), "{unreachable}");
    assert_eq!(log(&format!("{address}?limit=1")).await, lines[..1]);
    server.stop().await;
}

#[tokio::test]
async fn ageing_is_previewed_and_done() {
    let server = server_with_lab().await;
    let address = format!("{LAB}/ageing");
    let preview = json!({"inactive_days": 60, "would_leave": 0, "have_left": 0});
    assert_eq!(server.get(&address).await.json(), preview);
    let would = server.post(&format!("{address}?dry_run=true"), "").await.json();
    assert_eq!(would["would"], "let 0 devices leave the inventory of lab");
    assert_eq!(server.post(&address, "").await.json(), json!({"left": 0}));

    server.patch(LAB, &json!({"options": {"inactive_days": null}}).to_string()).await;
    assert_eq!(server.get(&address).await.json()["inactive_days"], Value::Null);
    let refused = server.post(&address, "").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.problem().detail.contains("set a number of days first"));
    server.stop().await;
}

#[tokio::test]
async fn the_role_script_is_plain_text_for_what_is_chosen() {
    let server = server_with_lab().await;
    let address = format!("{LAB}/role-script");
    let all = server.get(&address).await;
    assert_eq!(
        (all.status, all.content_type.as_str()),
        (StatusCode::OK, "text/plain; charset=utf-8")
    );
    assert!(all.body.contains("CONTOSO\\gatepost") && all.body.contains("Clear-MobileDevice"));
    let some = server.get(&format!("{address}?features=inventory,statistics")).await;
    assert!(some.body.contains("Get-MobileDeviceStatistics"));
    assert!(!some.body.contains("Clear-MobileDevice"), "{}", some.body);
    let old = server.get(&format!("{address}?exchange=2010")).await;
    assert!(old.body.contains("Get-ActiveSyncDevice") && !old.body.contains("Get-MobileDevice'"));
    for (query, part) in [
        ("features=flying", "there is no feature \"flying\""),
        ("features=", "there is no feature \"\""),
        ("exchange=2019", "exchange is \"2019\""),
        ("year=2010", "unknown field `year`"),
    ] {
        let answer = server.get(&format!("{address}?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        let detail = answer.problem().detail;
        assert!(detail.contains(part), "{query}: {detail}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_now_says_so() {
    let server = server_with_lab().await;
    let asked = json!({"kind": "user", "user": "jane"}).to_string();
    let would = server.post(&format!("{LAB}/sync?dry_run=true"), &asked).await.json();
    assert_eq!(would["would"], "read the devices of jane again from lab");
    let answer = server.post(&format!("{LAB}/sync"), &asked).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.body);
    answer.problem();
    let empty = json!({"kind": "user", "user": " "}).to_string();
    let answer = server.post(&format!("{LAB}/sync"), &empty).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
    let nil = uuid::Uuid::nil();
    for id in [nil.to_string(), "word".to_owned()] {
        let answer = server.post(&format!("/api/v1/devices/{id}/refresh"), "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        answer.problem();
    }
    server.stop().await;
}

#[tokio::test]
async fn a_removed_connector_keeps_its_inventory_if_that_is_wished() {
    let server = server_with_lab().await;
    let would = server.delete(&format!("{LAB}?keep_inventory=true&dry_run=true")).await.json();
    assert!(would["would"].as_str().unwrap().contains("keep the 0 devices"), "{would}");
    let removed = server.delete(&format!("{LAB}?keep_inventory=true")).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert_eq!(server.get(LAB).await.json()["state"], "removed");
    for (verb, body) in [("sync", "{}"), ("pause", ""), ("resume", "")] {
        let refused = server.post(&format!("{LAB}/{verb}"), body).await;
        assert!(refused.status.is_client_error(), "{verb}: {}", refused.body);
        assert!(refused.problem().detail.contains("was removed"), "{verb}");
    }
    let refused = server.patch(LAB, "{\"password\": \"secret-4\"}").await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(server.delete(LAB).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.get(LAB).await.status, StatusCode::NOT_FOUND);
    server.stop().await;
}

/// Whatever is asked, no secret comes out; and whatever is asked as a dry run, nothing changes.
#[tokio::test]
async fn no_route_gives_a_secret_out_and_no_dry_run_changes_anything() {
    let server = server_with_lab().await;
    let state = async || {
        let mut state = Vec::new();
        for address in [LAB, "/api/v1/jobs", "/api/v1/status"] {
            let mut json = server.get(address).await.json();
            json["time"] = Value::Null;
            state.push(json);
        }
        state
    };
    let before = state().await;
    for route in routes() {
        let (method, path) = route.split_once(' ').unwrap();
        let path = path.replace("{name}", "lab").replace("{id}", &uuid::Uuid::nil().to_string());
        let is_read = method == "GET";
        let path = if is_read { path } else { format!("{path}?dry_run=true") };
        let body = match (method, path.split('?').next()) {
            ("POST", Some("/api/v1/connectors")) => lab().to_string().replace("lab", "other"),
            _ => "{}".to_owned(),
        };
        let method: Method = method.parse().unwrap();
        let answer = server.send(request(method, &path, &body)).await;
        assert!(!answer.body.contains("secret-"), "{route}: {}", answer.body);
        assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{route}");
        if !is_read && answer.status.is_success() {
            assert_eq!(answer.json()["dry_run"], true, "{route}: {}", answer.body);
        }
    }
    assert_eq!(state().await, before);
    server.stop().await;
}
