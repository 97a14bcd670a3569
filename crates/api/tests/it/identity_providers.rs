//! Identity providers: added, shown without their secret, changed field by field, tried, removed.

use axum::http::StatusCode;
use serde_json::json;

use crate::Server;

const ALL: &str = "/api/v1/identity-providers";
const CORP: &str = "/api/v1/identity-providers/corp";
const SECRET: &str = "hunter2-of-the-client";

fn corp() -> serde_json::Value {
    json!({
        "name": "corp",
        "title": "Contoso account",
        "oidc": {
            // Nobody listens there.
            "issuer": "http://127.0.0.1:9",
            "client_id": "gatepost",
            "public_url": "https://gatepost.contoso.test",
        },
        "secret": SECRET,
    })
}

#[tokio::test]
async fn a_provider_lives_and_its_secret_is_never_told() {
    let server = Server::start().await;
    let rehearsed = server.post(&format!("{ALL}?dry_run=true"), &corp().to_string()).await;
    assert!(rehearsed.body.contains("let people sign in by the identity provider corp"));
    assert_eq!(server.get(CORP).await.status, StatusCode::NOT_FOUND);

    let added = server.post(ALL, &corp().to_string()).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    let redirect = "https://gatepost.contoso.test/sign-in/oidc/callback";
    assert_eq!(added.json()["redirect_uri"], redirect);
    assert_eq!(added.json()["oidc"]["scopes"], json!(["profile", "email"]));
    let again = server.post(ALL, &corp().to_string()).await;
    assert_eq!(again.status, StatusCode::CONFLICT);

    let ends = json!({ "secret_expires": "2027-01-31" }).to_string();
    let ends = server.patch(CORP, &ends).await;
    assert_eq!(ends.json()["secret_expires"], "2027-01-31T00:00:00Z", "{}", ends.body);
    let wrong = server.patch(CORP, &json!({ "secret_expires": "soon" }).to_string()).await;
    assert!(wrong.body.contains("is no day"), "{}", wrong.body);

    let change = json!({ "oidc": { "groups_claim": "roles" }, "enabled": false }).to_string();
    let rehearsed = server.patch(&format!("{CORP}?dry_run=true"), &change).await;
    assert!(rehearsed.body.contains("change enabled, oidc.groups_claim"), "{}", rehearsed.body);
    let changed = server.patch(CORP, &change).await;
    assert_eq!(changed.json()["oidc"]["groups_claim"], "roles", "{}", changed.body);
    assert_eq!(changed.json()["enabled"], false);
    assert_eq!(changed.json()["has_secret"], true);

    let test = server.post(&format!("{CORP}/test"), "{}").await;
    assert_eq!(test.json()["good"], false);
    assert_eq!(test.json()["steps"][0]["state"], "fails");
    for answer in [added, changed, test, server.get(ALL).await, server.get(CORP).await] {
        assert!(!answer.body.contains(SECRET), "{}", answer.body);
    }

    let rehearsed = server.delete(&format!("{CORP}?dry_run=true")).await;
    assert!(rehearsed.body.contains("provider corp: nobody came by it yet"), "{}", rehearsed.body);
    assert_eq!(server.delete(CORP).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.delete(CORP).await.status, StatusCode::NOT_FOUND);
    server.stop().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_named() {
    let server = Server::start().await;
    let with = |field: &str, value: serde_json::Value| {
        let mut body = corp();
        *body.pointer_mut(field).unwrap() = value;
        body
    };
    let ldap = json!({ "servers": ["dc01"], "tls": "none", "domain": "contoso.test" });
    for (body, said) in [
        (with("/name", json!("callback")), "identity provider name"),
        (with("/title", json!("")), "title is not 1 to 60"),
        (with("/oidc/issuer", json!("http://login.contoso.test")), "https://"),
        (with("/oidc/client_id", json!("")), "client id"),
        (with("/secret", json!("")), "client secret is missing"),
        (with("/oidc", json!(null)), "not one of oidc and ldap"),
        (json!({ "name": "ad", "ldap": ldap }), "TLS of the directory is"),
        (json!({ "name": "ad", "ldap": { "servers": ["dc01"] } }), "domain must be named"),
        (json!({ "name": "ad", "ldap": { "servers": [], "domain": "x" } }), "1 to 16 servers"),
    ] {
        let refused = server.post(ALL, &body.to_string()).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.body);
        assert!(refused.body.contains(said), "{}", refused.body);
    }
    server.post(ALL, &corp().to_string()).await;
    let moved = json!({ "oidc": { "issuer": "https://evil.test" } }).to_string();
    let refused = server.patch(CORP, &moved).await;
    assert!(refused.body.contains("give it again with the new one"), "{}", refused.body);
    let half = server.post(&format!("{CORP}/test"), r#"{"user": "jane"}"#).await;
    assert_eq!(half.status, StatusCode::BAD_REQUEST);
    server.stop().await;
}
