//! The REST edge asked as a client asks it, on an engine with an empty embedded database.

#![expect(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod acting;
mod changes;
mod document;
mod explaining;
mod hosted;
mod identity_providers;
mod lives;
mod notifications;
mod people;
mod refusals;
mod stories;
mod wishes;

use api::Problem;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode, header},
};
use engine::{AuditKey, AuditOptions, Clock, Engine, Options};
use serde_json::Value;
use store::{Store, Target};
use tower::ServiceExt as _;

const TOKEN: &str = "a-token-for-tests";

/// A server without a network. The directory goes when the value is dropped.
struct Server {
    router: Router,
    engine: Engine,
    _directory: tempfile::TempDir,
}

struct Answer {
    status: StatusCode,
    content_type: String,
    challenge: Option<String>,
    body: String,
}

impl Server {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let target = Target::Sqlite(directory.path().join("gatepost.db"));
        let options = Options {
            data_key: [7; 32].into(),
            admin_token: TOKEN.to_owned(),
            clock: Clock::system(),
            // What happens by itself would come in between.
            is_supervised: false,
            page_devices: Options::PAGE_DEVICES,
            fault: engine::Fault::default(),
            audit: AuditOptions {
                key: AuditKey::new(&[9; 32]),
                directory: directory.path().join("audit"),
            },
        };
        let engine = Engine::start(Store::open(target).await.unwrap(), options).await.unwrap();
        Self { router: api::router(engine.clone()), engine, _directory: directory }
    }

    async fn stop(self) {
        self.engine.shutdown().await;
    }

    async fn get(&self, address: &str) -> Answer {
        self.send(request(Method::GET, address, "")).await
    }

    async fn post(&self, address: &str, body: &str) -> Answer {
        self.send(request(Method::POST, address, body)).await
    }

    async fn patch(&self, address: &str, body: &str) -> Answer {
        self.send(request(Method::PATCH, address, body)).await
    }

    async fn delete(&self, address: &str) -> Answer {
        self.send(request(Method::DELETE, address, "")).await
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let text = |name| {
            let value = response.headers().get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        Answer {
            status: response.status(),
            content_type: text(header::CONTENT_TYPE).unwrap_or_default(),
            challenge: text(header::WWW_AUTHENTICATE),
            body: {
                let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
                String::from_utf8(bytes.to_vec()).unwrap()
            },
        }
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn problem(&self) -> Problem {
        assert_eq!(self.content_type, Problem::MEDIA_TYPE, "{}", self.body);
        let problem: Problem = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem.status, self.status.as_u16());
        assert!(!problem.remedy.is_empty());
        problem
    }
}

fn request(method: Method, address: &str, body: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(address)
        .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap()
}
