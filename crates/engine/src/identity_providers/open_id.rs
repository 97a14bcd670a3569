//! Signing in by OpenID Connect: the authorization code with PKCE, for a browser that comes back.
//!
//! What must be known when it does is kept in the database, sealed, by the hash of the state, for ten
//! minutes and once; a cookie of its own ties it to the browser that left.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    IdentityProvider, IdentityProviderId, ProviderName, ProviderSettings,
    identity_provider::{ClientAuthentication, OpenIdConnect},
};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::{
    ExternalSignInError, NotSignedIn,
    claims::{identity, user_info},
    http::{Answer, encoded, said},
    known::Known,
    token::{self, Expected, TokenError},
};
use crate::{
    Engine, Error, ExternalIdentity, Visit,
    secrets::{random_bytes, wipe},
};

/// How long somebody may take at the provider.
const PATIENCE: Duration = Duration::from_secs(600);
/// Longest text that a browser brings back, in bytes. Codes of well-known providers have up to two
/// kilobytes.
const MAX_BROUGHT_BYTES: usize = 16 * 1024;
/// Longest path that is kept to go on to.
const MAX_NEXT_BYTES: usize = 2048;

/// A browser is to go to a provider.
#[derive(Clone)]
pub struct OpenIdBeginning {
    /// Where to.
    pub location: String,
    /// What its cookie holds until it comes back.
    pub browser: String,
    /// How long the cookie is of use.
    pub patience: Duration,
    /// Whether browsers reach this server by TLS alone.
    pub is_secure: bool,
}

impl std::fmt::Debug for OpenIdBeginning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpenIdBeginning")
    }
}

/// What a browser brings back from a provider.
#[derive(Clone, Default)]
pub struct OpenIdAnswer {
    /// What it was sent there with.
    pub state: Option<String>,
    /// What the tokens are handed out for.
    pub code: Option<String>,
    /// What went wrong, in a word.
    pub error: Option<String>,
    /// What went wrong, in more words.
    pub error_description: Option<String>,
    /// Who answers (RFC 9207).
    pub issuer: Option<String>,
}

impl std::fmt::Debug for OpenIdAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpenIdAnswer")
    }
}

/// Somebody a provider vouches for, and where their browser goes on to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Vouched {
    pub(super) identity: ExternalIdentity,
    pub(super) next: String,
}

/// What is remembered of a browser that is on its way.
struct Attempt {
    provider: IdentityProviderId,
    nonce: String,
    verifier: String,
    /// Hash of what the browser's cookie holds.
    browser: String,
    next: String,
}

impl Engine {
    /// Sends a browser to a provider; `next` is where it goes on to when it is back. Each is a try
    /// until somebody has signed in by it: what is remembered of it costs the database a row.
    pub async fn begin_open_id(
        &self,
        name: &ProviderName,
        next: &str,
        visit: &Visit,
    ) -> Result<OpenIdBeginning, ExternalSignInError> {
        let provider = self.open_provider(name).await?;
        let ProviderSettings::OpenIdConnect(settings) = &provider.settings else {
            return Err(Error::from(store::Error::NotFound("the identity provider")).into());
        };
        let now = self.now();
        self.inner.people.attempts.take_beginning(now, visit.address)?;
        let known = self.inner.known_providers.of(&provider, settings, now).await;
        let known = known.map_err(|error| {
            tracing::warn!(provider = %provider.name, %error, "a provider could not be asked");
            ExternalSignInError::Provider(NotSignedIn::trouble(&provider.title, error.to_string()))
        })?;
        let [state, nonce, verifier, browser] = std::array::from_fn(|_| secret_text());
        let attempt = Attempt {
            provider: provider.id,
            nonce: nonce.clone(),
            verifier: verifier.clone(),
            browser: hex(&Sha256::digest(&browser)),
            next: if next.len() <= MAX_NEXT_BYTES { next.to_owned() } else { String::new() },
        };
        let hash = Sha256::digest(&state);
        let sealed = self.sealed_attempt(&hash, &attempt).map_err(Error::from)?;
        let kept = self.store().add_sign_in_attempt(&hash, &sealed, now + PATIENCE, now).await;
        kept.map_err(Error::from)?;
        Ok(OpenIdBeginning {
            location: location(&known, settings, [&state, &nonce, &verifier]),
            browser,
            patience: PATIENCE,
            is_secure: settings.public_url.starts_with("https://"),
        })
    }

    /// Takes what a browser brings back. The first part is the provider it came from, as far as that
    /// is known.
    pub(super) async fn open_id_answer(
        &self,
        answer: &OpenIdAnswer,
        browser: Option<&str>,
    ) -> Result<(Option<IdentityProvider>, Result<Vouched, NotSignedIn>), Error> {
        let not_ours = || {
            NotSignedIn::refused(
                "This sign-in took longer than 10 minutes, was used before, or was not begun in this \
                 browser. Begin again.",
                "the state is not known, or belongs to another browser",
            )
        };
        let Some(attempt) = self.taken_attempt(answer, browser).await? else {
            return Ok((None, Err(not_ours())));
        };
        let providers = self.store().identity_providers(&self.security_scope()?).await?;
        let provider = providers.into_iter().find(|it| it.id == attempt.provider && it.is_enabled);
        let Some(provider) = provider else { return Ok((None, Err(not_ours()))) };
        let ProviderSettings::OpenIdConnect(settings) = provider.settings.clone() else {
            return Ok((None, Err(not_ours())));
        };
        let vouched = self.vouched(&provider, &settings, answer, &attempt).await;
        let vouched = vouched.map(|identity| Vouched { identity, next: attempt.next });
        Ok((Some(provider), vouched))
    }

    /// The person that a provider vouches for.
    async fn vouched(
        &self,
        provider: &IdentityProvider,
        settings: &OpenIdConnect,
        answer: &OpenIdAnswer,
        attempt: &Attempt,
    ) -> Result<ExternalIdentity, NotSignedIn> {
        let title = &provider.title;
        let trouble = |why: String| NotSignedIn::trouble(title, why);
        let known = self.inner.known_providers.of(provider, settings, self.now()).await;
        let known = known.map_err(|error| trouble(error.to_string()))?;
        check_issuer(answer, settings, &known)?;
        if let Some(error) = &answer.error {
            return Err(refused_there(title, error, answer.error_description.as_deref()));
        }
        let Some(code) = answer.code.as_deref().filter(|it| it.len() <= MAX_BROUGHT_BYTES) else {
            return Err(trouble("the provider sent neither a code nor an error".to_owned()));
        };
        let secret = self.provider_secret(provider.id).await;
        let secret = secret.map_err(|error| trouble(format!("{error:#}")))?;
        let secret = secret.as_ref().map_or("", |secret| secret.reveal());
        let redirect = settings.redirect_uri();
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &redirect),
            ("code_verifier", &attempt.verifier),
        ];
        let tokens = ask_token(&known, settings, secret, &fields).await.map_err(trouble)?;
        if !tokens.status.is_success() {
            return Err(trouble(format!("the provider gave no token: {}", tokens.trouble())));
        }
        let text = |name: &str| tokens.body.get(name).and_then(Json::as_str);
        let access_token = text("access_token");
        let expected = Expected {
            issuer: &settings.issuer,
            client_id: &settings.client_id,
            nonce: &attempt.nonce,
            now: self.now(),
            access_token,
        };
        let id_token = text("id_token").unwrap_or_default();
        let claims = self.verified(provider, &known, id_token, &expected).await?;
        let more = user_info(&known, settings, &claims, access_token).await.map_err(trouble)?;
        identity(provider, settings, &claims, &more)
    }

    /// The claims of a token. For a key that is not known, the keys are asked for once more: the
    /// provider may have changed them.
    async fn verified(
        &self,
        provider: &IdentityProvider,
        known: &Arc<Known>,
        id_token: &str,
        expected: &Expected<'_>,
    ) -> Result<Json, NotSignedIn> {
        let trouble = |why: String| NotSignedIn::trouble(&provider.title, why);
        let verified = match token::verify(id_token, &known.keys, expected) {
            Err(TokenError::UnknownKey) => {
                let now = self.now();
                let known = self.inner.known_providers.with_new_keys(provider, known, now).await;
                let known = known.map_err(|error| trouble(error.to_string()))?;
                token::verify(id_token, &known.keys, expected)
            }
            verified => verified,
        };
        verified.map_err(|error| {
            let told = format!(
                "The answer of {} proves nothing, so nobody was signed in. Begin again; if it stays, \
                 tell an administrator: {error}.",
                provider.title
            );
            NotSignedIn::refused(told, error.to_string())
        })
    }

    fn sealed_attempt(&self, hash: &[u8], attempt: &Attempt) -> anyhow::Result<Vec<u8>> {
        let document = json!([
            attempt.provider.to_string(),
            attempt.nonce,
            attempt.verifier,
            attempt.browser,
            attempt.next
        ]);
        let mut plain = document.to_string().into_bytes();
        let sealed = self.inner.secrets.seal(&attempt_row(hash), &plain);
        wipe(&mut plain);
        sealed
    }

    /// What is remembered of the browser that brings this back, if it is that browser. It is
    /// remembered no longer, whatever comes of it.
    async fn taken_attempt(
        &self,
        answer: &OpenIdAnswer,
        browser: Option<&str>,
    ) -> Result<Option<Attempt>, Error> {
        let Some(state) = answer.state.as_ref().filter(|it| it.len() <= MAX_BROUGHT_BYTES) else {
            return Ok(None);
        };
        let hash = Sha256::digest(state);
        let Some(sealed) = self.store().take_sign_in_attempt(&hash, self.now()).await? else {
            return Ok(None);
        };
        let opened = self.inner.secrets.open(&attempt_row(&hash), &sealed);
        let mut plain = opened.map_err(anyhow::Error::from)?;
        let read = serde_json::from_slice::<[String; 5]>(&plain);
        wipe(&mut plain);
        let Ok([provider, nonce, verifier, kept, next]) = read else { return Ok(None) };
        let Ok(provider) = provider.parse() else { return Ok(None) };
        let is_same = browser.is_some_and(|browser| hex(&Sha256::digest(browser)) == kept);
        Ok(is_same.then_some(Attempt { provider, nonce, verifier, browser: kept, next }))
    }
}

fn attempt_row(hash: &[u8]) -> String {
    format!("sign_in_attempt/{}/sealed", hex(hash))
}

/// 256 bits that nobody can guess, in characters that every place takes.
fn secret_text() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<32>())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Where a browser is sent to (RFC 6749 section 4.1.1, RFC 7636 section 4.3).
fn location(
    known: &Known,
    settings: &OpenIdConnect,
    [state, nonce, verifier]: [&str; 3],
) -> String {
    let scopes = std::iter::once("openid").chain(settings.scopes.iter().map(String::as_str));
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    let fields = [
        ("response_type", "code"),
        ("client_id", &settings.client_id),
        ("redirect_uri", &settings.redirect_uri()),
        ("scope", &scopes.collect::<Vec<_>>().join(" ")),
        ("state", state),
        ("nonce", nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let query: Vec<_> =
        fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    let address = &known.addresses.authorization;
    let lead = if address.contains('?') { '&' } else { '?' };
    format!("{address}{lead}{}", query.join("&"))
}

/// An answer of somebody else is not taken (RFC 9207 section 2.4).
fn check_issuer(
    answer: &OpenIdAnswer,
    settings: &OpenIdConnect,
    known: &Known,
) -> Result<(), NotSignedIn> {
    let is_right = match &answer.issuer {
        Some(issuer) => *issuer == settings.issuer,
        None => !known.addresses.names_issuer,
    };
    let told = "The answer came from another provider than the one you were sent to. Begin again.";
    if is_right {
        Ok(())
    } else {
        Err(NotSignedIn::refused(told, "the answer names another issuer"))
    }
}

/// What a provider says that went wrong (RFC 6749 section 4.1.2.1, OpenID Connect Core section
/// 3.1.2.6), in plain words.
fn refused_there(title: &str, error: &str, description: Option<&str>) -> NotSignedIn {
    let description = description.map(|it| format!(": {it}")).unwrap_or_default();
    let why = said(&format!("{error}{description}"));
    let told = match error {
        "access_denied" => format!("{title} did not let you in, or you said no. Begin again."),
        "login_required"
        | "interaction_required"
        | "consent_required"
        | "account_selection_required" => {
            format!("{title} wants you to sign in there first. Begin again.")
        }
        "temporarily_unavailable" | "server_error" => {
            format!("{title} is in trouble itself. Try again in a moment.")
        }
        _ => format!("{title} refused the sign-in. Tell an administrator: {why}."),
    };
    NotSignedIn::refused(told, format!("the provider answered {why}"))
}

/// Asks the provider for tokens, proving who we are as it was set up.
pub(super) async fn ask_token(
    known: &Known,
    settings: &OpenIdConnect,
    secret: &str,
    fields: &[(&str, &str)],
) -> Result<Answer, String> {
    let mut fields = fields.to_vec();
    let mut account = None;
    match settings.client_authentication {
        ClientAuthentication::Basic => account = Some((settings.client_id.as_str(), secret)),
        ClientAuthentication::Post => {
            fields.extend([("client_id", settings.client_id.as_str()), ("client_secret", secret)]);
        }
        ClientAuthentication::None => fields.push(("client_id", &settings.client_id)),
    }
    let answer = known.http.post(&known.addresses.token, &fields, account).await;
    answer.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_says_is_told_in_plain_words() {
        let told = |error| refused_there("Entra", error, Some("line\nbreak <b>")).told;
        assert!(told("access_denied").contains("did not let you in"));
        assert!(told("server_error").contains("in trouble itself"));
        assert!(told("invalid_scope").contains("invalid_scope: linebreak <b>"));
    }
}
