//! A provider that speaks OpenID Connect on the loopback and does what a story wants, the wrong
//! things included.

use std::sync::{Arc, Mutex};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use serde_json::{Value, json};

/// What the provider hands out, and what it was asked.
#[derive(Clone)]
pub(super) struct Provider {
    pub(super) issuer: String,
    state: Arc<Mutex<Told>>,
}

struct Told {
    key: (EncodingKey, String),
    /// Claims of the next token, besides those that are always right.
    claims: Value,
    user_info: Value,
    /// Times that the keys were asked for.
    keys_asked: usize,
    /// The last form that asked for a token, and its header.
    asked: (Vec<(String, String)>, String),
}

impl Provider {
    /// Listens until the test ends.
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let told = Told {
            key: key("first"),
            claims: json!({}),
            user_info: json!({ "sub": "jane" }),
            keys_asked: 0,
            asked: Default::default(),
        };
        let provider = Self { issuer, state: Arc::new(Mutex::new(told)) };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/me", get(user_info))
            .with_state(provider.clone());
        #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
        tokio::task::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    /// Claims of the next token.
    pub(super) fn claims(&self, claims: Value) {
        self.state.lock().unwrap().claims = claims;
    }

    pub(super) fn user_info(&self, claims: Value) {
        self.state.lock().unwrap().user_info = claims;
    }

    /// Signs with another key from now on.
    pub(super) fn rotate(&self, name: &str) {
        self.state.lock().unwrap().key = key(name);
    }

    pub(super) fn keys_asked(&self) -> usize {
        self.state.lock().unwrap().keys_asked
    }

    /// A field of the form that asked for the last token.
    pub(super) fn asked(&self, name: &str) -> Option<String> {
        let told = self.state.lock().unwrap();
        let found = told.asked.0.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.clone())
    }

    /// The header that came with it.
    pub(super) fn authorization(&self) -> String {
        self.state.lock().unwrap().asked.1.clone()
    }
}

fn key(name: &str) -> (EncodingKey, String) {
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    (EncodingKey::from_ec_der(key.as_ref()), name.to_owned())
}

async fn discovery(State(provider): State<Provider>) -> Json<Value> {
    let issuer = &provider.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/auth"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "userinfo_endpoint": format!("{issuer}/me"),
        "end_session_endpoint": format!("{issuer}/end?here"),
        "code_challenge_methods_supported": ["S256"],
    }))
}

async fn keys(State(provider): State<Provider>) -> Json<Value> {
    let mut told = provider.state.lock().unwrap();
    told.keys_asked += 1;
    let (key, name) = &told.key;
    let mut public = Jwk::from_encoding_key(key, Algorithm::ES256).unwrap();
    public.common.key_id = Some(name.clone());
    Json(json!({ "keys": [public] }))
}

async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Form(form): Form<Vec<(String, String)>>,
) -> (StatusCode, Json<Value>) {
    let mut told = provider.state.lock().unwrap();
    let header = headers.get("authorization").map_or("", |value| value.to_str().unwrap());
    told.asked = (form, header.to_owned());
    if told.asked.0.iter().any(|(name, value)| name == "code" && value != "the-code") {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" })));
    }
    let (key, name) = &told.key;
    let header = Header { kid: Some(name.clone()), ..Header::new(Algorithm::ES256) };
    let token = encode(&header, &told.claims, key).unwrap();
    (
        StatusCode::OK,
        Json(json!({ "id_token": token, "access_token": "access", "token_type": "Bearer" })),
    )
}

async fn user_info(State(provider): State<Provider>) -> Json<Value> {
    Json(provider.state.lock().unwrap().user_info.clone())
}
