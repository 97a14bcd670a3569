//! A service for tests: HTTPS on this machine, answering as a test says. What Exchange Online does is
//! told in each test; the simulated organization tells it whole.

pub(super) mod command_line;

use std::{
    collections::HashMap,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use domain::{
    Timestamp,
    connector::{HostedEndpoint, Tenant},
};
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use jiff::SignedDuration;
use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    hash::MessageDigest,
    pkey::{PKey, Private},
    ssl::{Ssl, SslAcceptor, SslMethod},
    x509::{X509, X509Builder, X509NameBuilder, extension::SubjectAlternativeName},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_openssl::SslStream;
use uuid::Uuid;

use super::{Clock, HostedCredential, HostedSettings};
use crate::Secret;

pub(super) const TENANT: Uuid = Uuid::from_u128(0x7e4a_7000_0000_4000_8000_0000_0000_0001);
pub(super) const APPLICATION: Uuid = Uuid::from_u128(0xa991_1ca7_1040_4000_8000_0000_0000_0002);
pub(super) const START: &str = "2026-11-21T07:00:00Z";

/// A clock that moves on when somebody waits.
#[derive(Debug)]
pub(super) struct Stepped(Mutex<(Timestamp, Vec<Duration>)>);

impl Stepped {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new((START.parse().unwrap(), Vec::new()))))
    }

    /// What was waited, one wait after the other.
    pub(super) fn waits(&self) -> Vec<u64> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.1.iter().map(Duration::as_secs).collect()
    }

    pub(super) fn advance(&self, seconds: i64) {
        self.0.lock().unwrap().0 += SignedDuration::from_secs(seconds);
    }
}

impl Clock for Stepped {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap().0
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut kept = self.0.lock().unwrap();
        kept.0 += SignedDuration::try_from(duration).unwrap();
        kept.1.push(duration);
        Box::pin(std::future::ready(()))
    }
}

/// What was asked.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) headers: HashMap<String, String>,
    pub(super) body: String,
}

impl Asked {
    /// The value of a header; empty if it was not sent.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// A field of a form; not unescaped but for what tests look at.
    pub(super) fn field(&self, name: &str) -> String {
        let fields = self.body.split('&').filter_map(|field| field.split_once('='));
        let found = fields.into_iter().find(|(known, _)| *known == name);
        let text = found.map_or("", |(_, value)| value);
        text.replace("%3A", ":").replace("%2F", "/").replace("%20", " ").replace("%22", "\"")
    }
}

/// What is answered.
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// The connection is cut in place of an answer.
    pub(super) is_cut: bool,
}

impl Told {
    pub(super) fn new(status: u16, body: &Value) -> Self {
        let body = serde_json::to_vec(body).unwrap();
        Self { status, headers: Vec::new(), body, is_cut: false }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn cut() -> Self {
        Self { is_cut: true, ..Self::new(200, &Value::Null) }
    }
}

pub(super) fn page(objects: &[Value]) -> Value {
    json!({"@odata.context": "x", "adminapi.warnings@odata.type": "#Collection(String)",
        "@adminapi.warnings": [], "value": objects})
}

type Answering = dyn Fn(&Asked) -> Option<Told> + Send + Sync;

/// The service, while a test runs.
pub(super) struct Lab {
    pub(super) url: String,
    pub(super) port: u16,
    pub(super) root_pem: String,
    pub(super) clock: Arc<Stepped>,
    pub(super) asked: Arc<Mutex<Vec<Asked>>>,
}

impl Lab {
    pub(super) fn settings(&self) -> HostedSettings {
        let mut endpoint =
            HostedEndpoint::new(Tenant::parse("contoso.onmicrosoft.com").unwrap(), APPLICATION);
        endpoint.service_url = Some(self.url.clone());
        endpoint.login_url = Some(self.url.clone());
        endpoint.trust.extra_roots_pem = Some(self.root_pem.clone());
        HostedSettings::new(endpoint, Arc::clone(&self.clock) as Arc<dyn Clock>)
    }

    /// Every request whose path holds a word, in their order.
    pub(super) fn asked_of(&self, word: &str) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|asked| asked.path.contains(word)).cloned().collect()
    }
}

pub(super) fn secret() -> HostedCredential {
    HostedCredential::Secret(Secret::new("s3cret+/"))
}

/// A token that says whose it is, and which one it is.
pub(super) fn token(number: usize) -> Value {
    let claims = URL_SAFE_NO_PAD.encode(json!({"tid": TENANT, "number": number}).to_string());
    json!({"token_type": "Bearer", "expires_in": 3600, "access_token": format!("e30.{claims}.x")})
}

/// Runs a test against a service. What `answering` does not answer is answered as usual: tokens are
/// given, and the list of cmdlets has the few that there are.
pub(super) async fn with<F: Future>(
    answering: impl Fn(&Asked) -> Option<Told> + Send + Sync + 'static,
    test: impl FnOnce(Arc<Lab>) -> F,
) -> F::Output {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (certificate, key) = certificate();
    let lab = Arc::new(Lab {
        url: format!("https://127.0.0.1:{port}"),
        port,
        root_pem: String::from_utf8(certificate.to_pem().unwrap()).unwrap(),
        clock: Stepped::new(),
        asked: Arc::default(),
    });
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
    acceptor.set_certificate(&certificate).unwrap();
    acceptor.set_private_key(&key).unwrap();
    let acceptor = acceptor.build();
    let answering: Arc<Answering> = Arc::new(answering);
    let serve = async {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let (stream, _): (_, SocketAddr) = accepted.unwrap();
                    let ssl = Ssl::new(acceptor.context()).unwrap();
                    let stream = SslStream::new(ssl, stream).unwrap();
                    connections.spawn(connection(stream, Arc::clone(&answering), Arc::clone(&lab.asked)));
                }
                Some(_) = connections.join_next() => {}
            }
        }
    };
    let test = test(Arc::clone(&lab));
    tokio::select! {
        result = test => result,
        () = serve => unreachable!(),
    }
}

async fn connection(
    mut stream: SslStream<tokio::net::TcpStream>,
    answering: Arc<Answering>,
    asked: Arc<Mutex<Vec<Asked>>>,
) {
    if Pin::new(&mut stream).accept().await.is_err() {
        return;
    }
    let service = service_fn(|request: Request<Incoming>| {
        let (answering, kept) = (Arc::clone(&answering), Arc::clone(&asked));
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            let headers = head.headers.iter().map(|(name, value)| {
                (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            });
            let asked = Asked {
                path: head.uri.to_string(),
                headers: headers.collect(),
                body: String::from_utf8_lossy(&body).into_owned(),
            };
            let count = {
                let mut kept = kept.lock().unwrap();
                kept.push(asked.clone());
                kept.iter().filter(|one| one.path.contains("/token")).count()
            };
            let told = answering(&asked).unwrap_or_else(|| usual(&asked, count));
            if told.is_cut {
                return Err("cut");
            }
            let mut response = Response::builder().status(told.status);
            for (name, value) in told.headers {
                response = response.header(name, value);
            }
            Ok(response.body(Full::new(Bytes::from(told.body))).unwrap())
        }
    });
    // A client that goes away, or that is cut off, is no failure of the test.
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    served.unwrap_or_default();
}

fn usual(asked: &Asked, tokens: usize) -> Told {
    if asked.path.contains("/oauth2/v2.0/token") {
        return Told::new(200, &token(tokens));
    }
    if asked.path.contains("/EXOModuleFile") {
        let cmdlets = "Get-MobileDevice, Get-MobileDeviceStatistics,Get-CASMailbox";
        return Told::new(200, &json!({"value": [{"exportedCmdlets": cmdlets}]}));
    }
    Told::new(404, &json!({"error": {"code": "NotFound"}}))
}

/// A certificate for this machine that is its own authority.
fn certificate() -> (X509, PKey<Private>) {
    let key = PKey::generate_ed25519().unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "hosted lab").unwrap();
    let name = name.build();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::from_unix(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    let names = SubjectAlternativeName::new()
        .ip("127.0.0.1")
        .dns("localhost")
        .build(&builder.x509v3_context(None, None))
        .unwrap();
    builder.append_extension(names).unwrap();
    builder.sign(&key, MessageDigest::null()).unwrap();
    (builder.build(), key)
}
