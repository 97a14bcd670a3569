//! What is known of providers that speak OpenID Connect: their addresses and keys, asked for again
//! once an hour.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{IdentityProvider, IdentityProviderId, Timestamp, identity_provider::OpenIdConnect};
use jiff::SignedDuration;
use jsonwebtoken::jwk::Jwk;
use serde_json::Value as Json;

use super::{
    http::{Answer, Http, HttpError, said},
    token,
};

/// How long addresses and keys are taken for true.
const FRESH_FOR: SignedDuration = SignedDuration::from_hours(1);
/// How soon keys are asked for once more for a key that is not among them: forged tokens must not make
/// us ask the provider all the time.
const KEYS_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// Names of claims that are kept of one provider.
const MAX_CLAIMS: usize = 500;

/// What is known of each provider.
#[derive(Debug, Default)]
pub(crate) struct KnownProviders(Mutex<HashMap<IdentityProviderId, Arc<Known>>>);

/// What is known of one provider.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// What it was asked for with.
    settings: OpenIdConnect,
    pub(super) http: Http,
    pub(super) addresses: Addresses,
    pub(super) keys: Vec<Jwk>,
    asked: Timestamp,
    /// When the keys were asked for again, for one that was not among them.
    keys_again: Option<Timestamp>,
}

/// Where a provider is asked what (OpenID Connect Discovery section 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Addresses {
    pub(super) authorization: String,
    pub(super) token: String,
    pub(super) keys: String,
    pub(super) user_info: Option<String>,
    /// Where people sign out (RP-Initiated Logout section 2.1).
    pub(super) end_session: Option<String>,
    /// Claims that it says it knows, if it says so.
    pub(super) claims: Option<Vec<String>>,
    /// Whether answers always name their issuer (RFC 9207).
    pub(super) names_issuer: bool,
}

/// Why a provider's addresses or keys are not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum DiscoveryError {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("{url} answered {said}")]
    Answer { url: String, said: String },
    #[error(
        "the provider calls itself {0}; give the issuer to the letter, without or with the slash at \
         its end"
    )]
    OtherIssuer(String),
    #[error("the provider names no usable {0}")]
    Missing(&'static str),
    #[error("the HTTP client could not be made; look at the certificate authorities: {0}")]
    Client(String),
}

impl KnownProviders {
    /// Forgets what is known of a provider.
    pub(super) fn forget(&self, id: IdentityProviderId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// What is known of a provider, asked for if it is not fresh.
    pub(super) async fn of(
        &self,
        provider: &IdentityProvider,
        settings: &OpenIdConnect,
        now: Timestamp,
    ) -> Result<Arc<Known>, DiscoveryError> {
        let known =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&provider.id).cloned();
        if let Some(known) = known
            && known.settings == *settings
            && known.asked + FRESH_FOR > now
        {
            return Ok(known);
        }
        let known = Arc::new(Known::ask(settings, now).await?);
        self.keep(provider.id, &known);
        Ok(known)
    }

    /// The same with keys that were asked for just now, unless they were a moment ago.
    pub(super) async fn with_new_keys(
        &self,
        provider: &IdentityProvider,
        known: &Arc<Known>,
        now: Timestamp,
    ) -> Result<Arc<Known>, DiscoveryError> {
        if known.keys_again.is_some_and(|last| last + KEYS_AGAIN_AFTER > now) {
            return Ok(Arc::clone(known));
        }
        let keys = keys(&known.http, &known.addresses.keys).await?;
        let known = Arc::new(Known { keys, keys_again: Some(now), ..Known::clone(known) });
        self.keep(provider.id, &known);
        Ok(known)
    }

    fn keep(&self, id: IdentityProviderId, known: &Arc<Known>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(id, Arc::clone(known));
    }
}

impl Known {
    /// Asks a provider for its addresses and keys.
    pub(super) async fn ask(
        settings: &OpenIdConnect,
        now: Timestamp,
    ) -> Result<Self, DiscoveryError> {
        let http = Http::new(settings.extra_roots_pem.as_deref())
            .map_err(|error| DiscoveryError::Client(said(&format!("{error:#}"))))?;
        let addresses = addresses(&http, &settings.issuer).await?;
        let keys = keys(&http, &addresses.keys).await?;
        let settings = settings.clone();
        Ok(Self { settings, http, addresses, keys, asked: now, keys_again: None })
    }
}

/// What a provider publishes of itself.
pub(super) async fn addresses(http: &Http, issuer: &str) -> Result<Addresses, DiscoveryError> {
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let document = document(http, &url).await?;
    let text = |name: &str| document.get(name).and_then(Json::as_str);
    match text("issuer") {
        // It must be the same to the letter, or anybody could speak for somebody else.
        Some(found) if found == issuer => {}
        Some(found) => return Err(DiscoveryError::OtherIssuer(said(found))),
        None => return Err(DiscoveryError::Missing("issuer")),
    }
    let protected = |name: &'static str| {
        let url = text(name).filter(|url| domain::identity_provider::is_protected_url(url));
        url.map(str::to_owned).ok_or(DiscoveryError::Missing(name))
    };
    let takes_pkce = |it: &Json| {
        it.as_array().is_some_and(|all| all.iter().any(|one| one.as_str() == Some("S256")))
    };
    // Who does not say whether PKCE is taken takes it or leaves it alone.
    if document.get("code_challenge_methods_supported").is_some_and(|it| !takes_pkce(it)) {
        return Err(DiscoveryError::Missing("code_challenge_methods_supported with S256"));
    }
    let named = document.get("authorization_response_iss_parameter_supported");
    Ok(Addresses {
        authorization: protected("authorization_endpoint")?,
        token: protected("token_endpoint")?,
        keys: protected("jwks_uri")?,
        user_info: protected("userinfo_endpoint").ok(),
        end_session: protected("end_session_endpoint").ok(),
        claims: document.get("claims_supported").and_then(Json::as_array).map(|all| {
            let texts = all.iter().filter_map(Json::as_str).map(str::to_owned);
            texts.take(MAX_CLAIMS).collect()
        }),
        names_issuer: named.and_then(Json::as_bool).unwrap_or_default(),
    })
}

/// The keys that a provider signs with.
async fn keys(http: &Http, url: &str) -> Result<Vec<Jwk>, DiscoveryError> {
    let keys = token::keys(&document(http, url).await?);
    if keys.is_empty() { Err(DiscoveryError::Missing("key")) } else { Ok(keys) }
}

async fn document(http: &Http, url: &str) -> Result<Json, DiscoveryError> {
    let answer: Answer = http.get(url, None).await?;
    if answer.status.is_success() {
        Ok(answer.body)
    } else {
        Err(DiscoveryError::Answer { url: said(url), said: answer.trouble() })
    }
}
