//! What is refused, and how: always a problem document that says what to do.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};

use crate::{Server, document::routes, request};

#[tokio::test]
async fn every_route_refuses_without_a_token() {
    let server = Server::start().await;
    for route in routes() {
        let (method, path) = route.split_once(' ').unwrap();
        if path == "/healthz" || path == "/api/v1/sign-in" {
            continue;
        }
        let path = path.replace("{name}", "lab").replace("{id}", &uuid::Uuid::nil().to_string());
        for token in [None, Some("Bearer wrong"), Some("Basic dXNlcjpwdw=="), Some("Bearer ")] {
            let mut request = Request::builder().method(method).uri(&path);
            if let Some(token) = token {
                request = request.header(header::AUTHORIZATION, token);
            }
            let answer = server.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{route} with {token:?}");
            assert_eq!(answer.challenge.as_deref(), Some("Bearer realm=\"gatepost\""));
            answer.problem();
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_understood_is_named() {
    let server = Server::start().await;
    for (address, part) in [
        ("/api/v1/devices?colour=blue", "unknown field `colour`, expected one of"),
        ("/api/v1/devices?limit=0", "limit is \"0\", and must be a number from 1 to 1000"),
        ("/api/v1/devices?limit=1001", "from 1 to 1000"),
        ("/api/v1/devices?limit=many", "from 1 to 1000"),
        ("/api/v1/devices?cursor=x", "the cursor is not one that a list gave"),
        ("/api/v1/devices?query=os%3A%28", "at character"),
        ("/api/v1/status?x=1", "unknown field `x`"),
        ("/api/v1/jobs?limit=-1", "from 1 to 1000"),
        ("/api/v1/connectors/lab/log?limit=1001", "from 1 to 1000"),
        ("/api/v1/connectors/lab/log?from=2026", "unknown field `from`"),
    ] {
        let answer = server.get(address).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{address}");
        let detail = answer.problem().detail;
        assert!(detail.contains(part), "{address}: {detail}");
    }
    for (body, part) in [
        ("{", "EOF while parsing"),
        ("{\"name\": \"lab\"}", "not said where the organization is"),
        (
            "{\"name\": \"lab\", \"on_premises\": {\"url\": \"x\", \"port\": 1}}",
            "unknown field `port`",
        ),
        ("{\"name\": \"Not A Name\", \"on_premises\": {\"url\": \"http://x/\"}}", "connector name"),
        (
            "{\"name\": \"lab\", \"on_premises\": {\"url\": \"http://x/\", \"authentication\": \"magic\"}}",
            "authentication is \"magic\"",
        ),
    ] {
        let answer = server.post("/api/v1/connectors", body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        let detail = answer.problem().detail;
        assert!(detail.contains(part), "{body}: {detail}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let server = Server::start().await;
    let nil = uuid::Uuid::nil();
    for address in [
        "/api/v1/nothing".to_owned(),
        "/api/v2/devices".to_owned(),
        "/api/v1/connectors/lab".to_owned(),
        "/api/v1/connectors/lab/passes".to_owned(),
        "/api/v1/connectors/lab/endpoints".to_owned(),
        "/api/v1/connectors/lab/messages".to_owned(),
        "/api/v1/connectors/lab/log".to_owned(),
        "/api/v1/connectors/lab/check".to_owned(),
        "/api/v1/connectors/lab/budget".to_owned(),
        "/api/v1/connectors/lab/ageing".to_owned(),
        "/api/v1/connectors/lab/role-script".to_owned(),
        "/api/v1/connectors/NOT-A-NAME".to_owned(),
        format!("/api/v1/devices/{nil}"),
        "/api/v1/devices/word".to_owned(),
        format!("/api/v1/jobs/{nil}"),
        "/api/v1/jobs/word".to_owned(),
    ] {
        let answer = server.get(&address).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{address}");
        answer.problem();
    }
    server.stop().await;
}

#[tokio::test]
async fn wrong_method_kind_and_size_are_told_apart() {
    let server = Server::start().await;
    let answer = server.delete("/api/v1/devices").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    answer.problem();

    let mut wrong_kind = request(Method::POST, "/api/v1/connectors", "{}");
    wrong_kind.headers_mut().insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
    let answer = server.send(wrong_kind).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    answer.problem();

    let answer = server.post("/api/v1/connectors", &"x".repeat(2 * 1024 * 1024)).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    answer.problem();
    server.stop().await;
}
