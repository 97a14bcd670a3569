//! The console asked as a browser asks it, on an engine with an embedded database.

#![expect(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod acting;
mod audit;
mod connector;
mod explaining;
mod inventory;
mod notifications;
mod pages;
mod people;
mod providers;
mod refusals;
mod setup;
mod signing_in;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header, request::Builder},
};
use domain::Timestamp;
use engine::{AuditKey, AuditOptions, Clock, Engine, Options};
use store::{Store, Target};
use tower::ServiceExt as _;

const TOKEN: &str = "a-token-for-tests";

/// A console without a network. The directory goes when the value is dropped.
struct Console {
    router: Router,
    engine: Engine,
    session: Option<String>,
    _directory: tempfile::TempDir,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Console {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let target = Target::Sqlite(directory.path().join("gatepost.db"));
        let options = Options {
            data_key: [7; 32].into(),
            admin_token: TOKEN.to_owned(),
            clock: Clock::manual(now()),
            is_supervised: false,
            page_devices: Options::PAGE_DEVICES,
            fault: engine::Fault::default(),
            audit: AuditOptions {
                key: AuditKey::new(&[9; 32]),
                directory: directory.path().join("audit"),
            },
        };
        let engine = Engine::start(Store::open(target).await.unwrap(), options).await.unwrap();
        let router = console::router(engine.clone());
        Self { router, engine, session: None, _directory: directory }
    }

    /// The same with somebody signed in.
    async fn signed_in() -> Self {
        let session = Self::start().await;
        let answer = session.post("/sign-in", &format!("token={TOKEN}")).await;
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        Self { session: Some(cookie), ..session }
    }

    async fn stop(self) {
        self.engine.shutdown().await;
    }

    async fn get(&self, address: &str) -> Answer {
        self.send(self.request(Method::GET, address), "").await
    }

    /// As htmx asks for a part of a page.
    async fn get_part(&self, address: &str) -> Answer {
        self.send(self.request(Method::GET, address).header("hx-request", "true"), "").await
    }

    /// As a browser sends a form of our own page.
    async fn post(&self, address: &str, form: &str) -> Answer {
        let request = self.request(Method::POST, address).header("sec-fetch-site", "same-origin");
        self.send(request, form).await
    }

    fn request(&self, method: Method, address: &str) -> Builder {
        let request = Request::builder()
            .method(method)
            .uri(address)
            .header(header::HOST, "gatepost.example")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        match &self.session {
            Some(cookie) => request.header(header::COOKIE, cookie),
            None => request,
        }
    }

    async fn send(&self, request: Builder, body: &str) -> Answer {
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Answer { status, headers, body: String::from_utf8(bytes.to_vec()).unwrap() }
    }
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Every header that is the same whatever the page says, a line each.
    fn fixed_headers(&self) -> String {
        let line = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
            format!("{name}: {}\n", value.to_str().unwrap())
        };
        let mut lines: Vec<String> = self
            .headers
            .iter()
            .filter(|(name, _)| *name != header::CONTENT_LENGTH)
            .map(line)
            .collect();
        lines.sort();
        lines.concat()
    }

    /// What lies between two marks of the page, with its blanks made one and a line for each element.
    fn between(&self, from: &str, to: &str) -> String {
        let (_, rest) = self.body.split_once(from).unwrap_or_else(|| panic!("no {from}"));
        let (part, _) = rest.split_once(to).unwrap_or_else(|| panic!("no {to}"));
        let words: Vec<&str> = part.split_whitespace().collect();
        words.join(" ").replace("> <", ">\n<")
    }
}

fn now() -> Timestamp {
    "2026-03-02T10:00:00Z".parse().unwrap()
}
