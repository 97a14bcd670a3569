//! People over the wire: who may do what is the same as everywhere.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use serde_json::{Value, json};

use crate::{Answer, Server};

const PASSWORD: &str = "correct horse battery";

/// As somebody with another token asks.
async fn as_other(
    server: &Server,
    token: &str,
    method: Method,
    address: &str,
    body: &str,
) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(address)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_owned()));
    server.send(request.unwrap()).await
}

async fn with_jane(role: &str) -> Server {
    let server = Server::start().await;
    let jane = json!({"name": "jane", "password": PASSWORD}).to_string();
    let preview = server.post("/api/v1/users?dry_run=true", &jane).await;
    assert_eq!(preview.json()["would"], "add the user jane");
    let added = server.post("/api/v1/users", &jane).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    assert!(!added.body.contains(PASSWORD) && !added.body.contains("argon2"));
    let assignment = json!({"role": role, "user": "jane"}).to_string();
    let assigned = server.post("/api/v1/assignments", &assignment).await;
    assert_eq!(assigned.json()["place"], "everywhere", "{}", assigned.body);
    server
}

async fn token_of_jane(server: &Server) -> String {
    let shown = json!({"name": "Jane", "password": PASSWORD}).to_string();
    let made = server.post("/api/v1/sign-in", &shown).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    made.json()["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_beyond_its_scope_is_told_which_permission_is_missing() {
    let server = with_jane("help-desk").await;
    let token = token_of_jane(&server).await;
    let me = as_other(&server, &token, Method::GET, "/api/v1/me", "").await.json();
    assert_eq!(me["permissions"], json!(["read", "read-resource", "modify-resource"]));
    assert_eq!(me["user"]["assignments"][0]["role"], "help-desk");

    let new = json!({"name": "reader", "days": 3}).to_string();
    let made = as_other(&server, &token, Method::POST, "/api/v1/tokens", &new).await;
    let reader = made.json()["token"].as_str().unwrap().to_owned();
    let listed = as_other(&server, &reader, Method::GET, "/api/v1/me/tokens", "").await.json();
    let names: Vec<_> = listed["tokens"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(names.len(), 2);
    assert!(!listed.to_string().contains(reader.split('_').next_back().unwrap()));
    let refused = as_other(&server, &reader, Method::GET, "/api/v1/users", "").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(refused.problem().detail, "jane has no permission Security: Modify");
    let more = json!({"name": "more", "permissions": ["modify-resource"]}).to_string();
    let refused = as_other(&server, &reader, Method::POST, "/api/v1/tokens", &more).await;
    assert_eq!(refused.problem().detail, "jane has no permission Collection: Modify resource");

    let id = made.json()["id"].as_str().unwrap().to_owned();
    let ended =
        as_other(&server, &token, Method::DELETE, &format!("/api/v1/tokens/{id}"), "").await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    let gone = as_other(&server, &reader, Method::GET, "/api/v1/me", "").await;
    assert_eq!(gone.status, StatusCode::UNAUTHORIZED);
    server.stop().await;
}

#[tokio::test]
async fn who_signs_in_wrongly_learns_nothing() {
    let server = with_jane("auditor").await;
    let mut answers = Vec::new();
    for (name, password) in [("jane", "wrong"), ("nobody", PASSWORD), ("", ""), ("a b", "x")] {
        let shown = json!({"name": name, "password": password}).to_string();
        let answer = server.post("/api/v1/sign-in", &shown).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        answers.push(answer.problem());
    }
    assert!(answers.iter().all(|one| *one == answers[0]), "{answers:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_second_step_is_asked_for() {
    let server = with_jane("auditor").await;
    let token = token_of_jane(&server).await;
    let offer = as_other(&server, &token, Method::POST, "/api/v1/me/totp", "").await;
    assert_eq!(offer.status, StatusCode::CREATED);
    assert!(offer.json()["address"].as_str().unwrap().starts_with("otpauth://totp/Gatepost:jane?"));
    let wrong = json!({"code": "12"}).to_string();
    let refused = as_other(&server, &token, Method::POST, "/api/v1/me/totp/confirm", &wrong).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    server.stop().await;
}

#[tokio::test]
async fn roles_and_collections_come_and_go() {
    let server = with_jane("auditor").await;
    let role = json!({"name": "seer", "permissions": ["read-resource"]}).to_string();
    assert_eq!(server.post("/api/v1/roles", &role).await.status, StatusCode::CREATED);
    let unknown = json!({"name": "x", "permissions": ["see"]}).to_string();
    let refused = server.post("/api/v1/roles", &unknown).await;
    assert!(refused.problem().remedy.contains("read-resource"), "{}", refused.body);
    let built_in = server.patch("/api/v1/roles/auditor", r#"{"description":"x"}"#).await;
    assert_eq!(built_in.status, StatusCode::CONFLICT);
    let collection = json!({"name": "ios", "query": "os:iOS"}).to_string();
    assert_eq!(server.post("/api/v1/collections", &collection).await.status, StatusCode::CREATED);
    let bad = json!({"name": "bad", "query": "os:("}).to_string();
    assert!(server.post("/api/v1/collections", &bad).await.problem().detail.contains("character"));
    let assignment = json!({"role": "seer", "group": "corp:x", "collection": "ios"}).to_string();
    let assigned = server.post("/api/v1/assignments", &assignment).await.json();
    assert_eq!(assigned["place"], "collection ios");
    let used = server.delete("/api/v1/collections/ios").await;
    assert!(used.problem().detail.contains("1 assignments"));
    for address in [
        format!("/api/v1/assignments/{}", assigned["id"].as_str().unwrap()),
        "/api/v1/collections/ios".to_owned(),
        "/api/v1/roles/seer".to_owned(),
        "/api/v1/users/jane".to_owned(),
    ] {
        let would = server.delete(&format!("{address}?dry_run=true")).await;
        assert_eq!(would.json()["dry_run"], Value::Bool(true), "{}", would.body);
        assert_eq!(server.delete(&address).await.status, StatusCode::NO_CONTENT, "{address}");
        assert_eq!(server.delete(&address).await.status, StatusCode::NOT_FOUND);
    }
    server.stop().await;
}
