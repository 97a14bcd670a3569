//! Channels, subscriptions, templates and deliveries, as a client asks for them.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::{Server, request};

const CHANNELS: &str = "/api/v1/notifications/channels";
const SUBSCRIPTIONS: &str = "/api/v1/notifications/subscriptions";
const TEMPLATES: &str = "/api/v1/notifications/templates";

async fn server_with_channels() -> (Server, String) {
    let server = Server::start().await;
    let mail = json!({
        "name": "mail",
        "mail": {"host": "127.0.0.1", "port": 9, "username": "gatepost", "from": "g@contoso.com"},
        "password": "secret-1",
    });
    let added = server.post(CHANNELS, &mail.to_string()).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    assert_eq!(added.json()["channel"]["mail"]["security"], "starttls");
    let pager = json!({"name": "pager", "webhook": {"url": "https://hooks.contoso.com/x"}});
    let added = server.post(CHANNELS, &pager.to_string()).await;
    let secret = added.json()["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"));
    (server, secret)
}

#[tokio::test]
async fn secrets_are_shown_once_and_never_again() {
    let (server, secret) = server_with_channels().await;
    for address in [CHANNELS, "/api/v1/notifications/channels/pager", SUBSCRIPTIONS] {
        let body = server.get(address).await.body;
        assert!(!body.contains(&secret) && !body.contains("secret-1"), "{body}");
    }
    let again = server.patch(&format!("{CHANNELS}/pager"), r#"{"enabled": false}"#).await;
    assert_eq!(again.json()["enabled"], false);
    assert!(!again.body.contains("whsec_"), "{}", again.body);
    server.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let (server, _) = server_with_channels().await;
    let subscription = |more: serde_json::Value| {
        let mut body = json!({"name": "night", "channel": "mail", "topics": ["device.new"],
            "addresses": ["help@contoso.com"]});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body.to_string()
    };
    for (address, body, said) in [
        (CHANNELS, json!({"name": "x"}).to_string(), "either mail or webhook"),
        (
            CHANNELS,
            json!({"name": "A", "mail": {"host": "h", "from": "a@b"}}).to_string(),
            "no name",
        ),
        (
            CHANNELS,
            json!({"name": "x", "mail": {"host": "h", "from": "a@b", "security": "ssl"}})
                .to_string(),
            "starttls, tls, none",
        ),
        (
            CHANNELS,
            json!({"name": "x", "webhook": {"url": "http://10.0.0.1/"}}).to_string(),
            "https://",
        ),
        (SUBSCRIPTIONS, subscription(json!({"topics": ["device.lost"]})), "device.quarantined"),
        (SUBSCRIPTIONS, subscription(json!({"topics": []})), "no topic"),
        (SUBSCRIPTIONS, subscription(json!({"addresses": []})), "to whom?"),
        (SUBSCRIPTIONS, subscription(json!({"addresses": ["a@b\r\nBcc: c@d"]})), "no mail address"),
        (SUBSCRIPTIONS, subscription(json!({"channel": "pager"})), "no recipients"),
        (SUBSCRIPTIONS, subscription(json!({"query": "state:"})), "expected"),
        (SUBSCRIPTIONS, subscription(json!({"audience": "boss"})), "approve"),
    ] {
        let answer = server.post(address, &body).await;
        let problem = answer.problem();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}: {problem}");
        assert!(problem.detail.contains(said), "{body}: {problem}");
    }
    let missing = server.post(SUBSCRIPTIONS, &subscription(json!({"connectors": ["lab"]}))).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(server.get(SUBSCRIPTIONS).await.json()["subscriptions"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn a_dry_run_does_nothing() {
    let (server, _) = server_with_channels().await;
    let subscription =
        json!({"name": "night", "channel": "pager", "topics": ["device.quarantined"]}).to_string();
    let words = json!({"subject": "{count}", "body": "{list}"}).to_string();
    for (method, address, body, would) in [
        (
            Method::POST,
            SUBSCRIPTIONS.to_owned(),
            subscription.as_str(),
            "add the subscription night",
        ),
        (Method::DELETE, format!("{CHANNELS}/mail"), "", "remove the channel mail"),
        (Method::POST, format!("{CHANNELS}/pager/test"), "{}", "send a test message"),
        (Method::POST, format!("{CHANNELS}/pager/rotate-secret"), "", "another secret"),
        (Method::PUT, format!("{TEMPLATES}/device.new/en"), &words, "set the words"),
    ] {
        let answer = server.send(request(method, &format!("{address}?dry_run=true"), body)).await;
        assert_eq!(answer.status, StatusCode::OK, "{address}: {}", answer.body);
        assert_eq!(answer.json()["dry_run"], true);
        assert!(answer.json()["would"].as_str().unwrap().contains(would), "{}", answer.body);
    }
    assert_eq!(server.get(SUBSCRIPTIONS).await.json()["subscriptions"], json!([]));
    assert_eq!(server.get(CHANNELS).await.json()["channels"].as_array().unwrap().len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn a_subscription_lives_and_its_channel_stays_as_long() {
    let (server, _) = server_with_channels().await;
    let new = json!({"name": "approvers", "channel": "mail", "topics": ["approval.wanted"],
        "audience": "approve", "language": "zh-Hant"});
    let added = server.post(SUBSCRIPTIONS, &new.to_string()).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    let address = format!("{SUBSCRIPTIONS}/approvers");
    assert_eq!(server.get(&address).await.json(), added.json());
    let used = server.delete(&format!("{CHANNELS}/mail")).await;
    assert_eq!(used.status, StatusCode::CONFLICT);
    assert!(used.problem().detail.contains("approvers"), "{}", used.body);
    let changed = json!({"channel": "pager", "topics": ["action.failed"]}).to_string();
    let changed = server.send(request(Method::PUT, &address, &changed)).await;
    assert_eq!(changed.json()["topics"], json!(["action.failed"]), "{}", changed.body);
    assert_eq!(changed.json()["audience"], json!(null));
    assert_eq!(server.delete(&format!("{CHANNELS}/mail")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.delete(&address).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.get(&address).await.status, StatusCode::NOT_FOUND);
    server.stop().await;
}

#[tokio::test]
async fn words_of_ones_own_are_tried_kept_and_given_up() {
    let (server, _) = server_with_channels().await;
    let address = format!("{TEMPLATES}/device.quarantined/en");
    let words = |subject: &str| json!({"subject": subject, "body": "Look:\n\n{list}"}).to_string();
    let wrong = server.post(&format!("{address}/preview"), &words("{users}")).await;
    assert!(wrong.problem().detail.contains("{users}"), "{}", wrong.body);
    let tried = server.post(&format!("{address}/preview"), &words("{count} here")).await;
    assert_eq!(tried.json()["subject"], "1 here");
    let built_in = server.get(&format!("{address}/preview")).await.json();
    assert_ne!(built_in["subject"], "1 here");
    let kept = server.send(request(Method::PUT, &address, &words("{count} here"))).await;
    assert_eq!(kept.json()["subject"], "1 here", "{}", kept.body);
    assert_eq!(server.delete(&address).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.get(&format!("{address}/preview")).await.json(), built_in);
    assert_eq!(server.delete(&address).await.status, StatusCode::NOT_FOUND);
    let nowhere = server.get(&format!("{TEMPLATES}/device.lost/en/preview")).await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    server.stop().await;
}

#[tokio::test]
async fn deliveries_are_listed_page_by_page() {
    let (server, _) = server_with_channels().await;
    let list = "/api/v1/notifications/deliveries";
    let page = server.get(&format!("{list}?state=failed&limit=5")).await;
    assert_eq!(page.json(), json!({"deliveries": [], "next": null}));
    for wrong in ["?state=lost", "?cursor=x", "?limit=0", "?color=red"] {
        let answer = server.get(&format!("{list}{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let nothing = server.get(&format!("{list}/0195a1b2-0000-7000-8000-000000000001")).await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
    server.stop().await;
}
