//! What is said to the service that gives tokens, and what its answers mean.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use domain::Timestamp;
use hyper::{Method, header};
use jiff::SignedDuration;
use serde::Deserialize;
use uuid::Uuid;

use super::{SignInError, Token};
use crate::{
    ConnectError, Secret,
    connection::SendError,
    hosted::{
        Answer, Ask, Channel, HostedCredential, HostedSettings, cloud,
        throttle::{USUAL_WAIT, wait_of},
    },
};

/// Clocks that differ by less are no reason for a refusal: the service allows five minutes.
const SKEW_SECONDS: i64 = 60;
/// Longest life of a token that is believed.
const MAX_LIFE_SECONDS: i64 = 2 * 24 * 60 * 60;
/// Longest text of a refusal that is shown.
const MAX_TEXT: usize = 300;

/// A form of the token service: `https://login…/<tenant>/oauth2/v2.0/<name>`.
pub(super) struct Form<'a> {
    pub(super) name: &'static str,
    pub(super) fields: Vec<(&'static str, &'a str)>,
}

/// A token that was given.
#[derive(Deserialize)]
pub(super) struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: Option<Number>,
    #[serde(default)]
    refresh_in: Option<Number>,
    #[serde(default)]
    pub(super) refresh_token: Option<String>,
}

/// A number that some write as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Number(i64),
    Text(String),
}

impl Number {
    fn value(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
        }
    }
}

/// A refusal.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    pub(super) error: String,
    #[serde(default)]
    error_description: String,
    #[serde(default)]
    error_codes: Vec<u32>,
}

/// The address that a form is sent to, which assertions are made for.
pub(super) fn address(settings: &HostedSettings, name: &str) -> String {
    let login = cloud::login(&settings.endpoint);
    format!("{login}/{}/oauth2/v2.0/{name}", settings.endpoint.tenant)
}

/// Sends a form.
pub(super) async fn post(
    settings: &HostedSettings,
    credential: Option<&HostedCredential>,
    form: &Form<'_>,
) -> Result<Result<Vec<u8>, Refusal>, ConnectError> {
    let address = address(settings, form.name);
    let origin = cloud::login(&settings.endpoint);
    let mut channel = Channel::new(settings, &origin, true)?;
    if channel.is_in_the_clear() {
        return Err(SignInError::InTheClear(origin).into());
    }
    let ask = Ask {
        method: Method::POST,
        target: address.strip_prefix(origin.as_str()).unwrap_or("/").to_owned(),
        headers: vec![(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/x-www-form-urlencoded"),
        )],
        body: Bytes::from(encoded(&form.fields)),
        within: settings.timeouts.sign_in,
    };
    let answer = sent(channel.send(&ask).await)?;
    let body = body_of(&answer)?;
    if answer.status.is_success() {
        return Ok(Ok(body));
    }
    let Ok(refusal) = serde_json::from_slice::<Refusal>(&body) else {
        return Err(not_understood(&answer, &body));
    };
    if let Some(error) = of_status(&answer) {
        return Err(error);
    }
    if refusal.error == "temporarily_unavailable" {
        return Err(unwell(answer.status.as_u16()));
    }
    match meaning(settings, credential, &refusal, &answer) {
        Some(error) => Err(error.into()),
        None => Ok(Err(refusal)),
    }
}

/// Asks the machine for the token of its own identity.
pub(super) async fn of_machine(settings: &HostedSettings) -> Result<Vec<u8>, ConnectError> {
    let origin = cloud::machine(&settings.endpoint);
    // It is asked on the machine itself: a proxy has an identity of its own.
    let mut direct = settings.clone();
    direct.endpoint.proxy = None;
    let mut channel = Channel::new(&direct, &origin, true)?;
    let resource = escaped(&format!("{}/", cloud::resource(&settings.endpoint)));
    let mut target =
        format!("/metadata/identity/oauth2/token?api-version=2018-02-01&resource={resource}");
    if let Some(application) = settings.endpoint.application {
        target += &format!("&client_id={application}");
    }
    let ask = Ask {
        method: Method::GET,
        target,
        headers: vec![(
            header::HeaderName::from_static("metadata"),
            header::HeaderValue::from_static("true"),
        )],
        body: Bytes::new(),
        within: settings.timeouts.sign_in,
    };
    let none = |why: String| SignInError::NoManagedIdentity(why).into();
    let answer = match channel.send(&ask).await {
        Err(SendError::NotConnected(error)) => return Err(none(error.to_string())),
        sent => self::sent(sent)?,
    };
    let body = body_of(&answer)?;
    if answer.status.is_success() {
        return Ok(body);
    }
    if let Some(error) = of_status(&answer) {
        return Err(error);
    }
    let said = serde_json::from_slice::<Refusal>(&body);
    Err(none(said.map_or_else(|_| answer.status.to_string(), |said| said.text())))
}

/// The token that a document grants.
pub(super) fn granted(body: &[u8]) -> Result<Granted, ConnectError> {
    serde_json::from_slice(body)
        .map_err(|_| SignInError::NotUnderstood("it holds no token".to_owned()).into())
}

impl Granted {
    /// The token, as it is kept.
    pub(super) fn token(self, now: Timestamp, of: [u8; 32]) -> Token {
        let seconds = |number: Option<&Number>, usual: i64| {
            number.and_then(Number::value).unwrap_or(usual).clamp(0, MAX_LIFE_SECONDS)
        };
        let life = seconds(self.expires_in.as_ref(), 60 * 60);
        // Some minutes before it ends, or when the service says; of a short life the half.
        let usual = (life - super::RENEWED_BEFORE_SECONDS).max(life / 2);
        let renewed = seconds(self.refresh_in.as_ref(), usual).min(usual);
        let told = Told::of(&self.access_token);
        Token {
            expires: now + SignedDuration::from_secs(life),
            renewed: now + SignedDuration::from_secs(renewed),
            tenant: told.tid,
            user: told.upn.or(told.preferred_username),
            bearer: Secret::new(self.access_token),
            of,
        }
    }
}

/// What a token tells of itself. It is for Exchange to check; here it is only read.
#[derive(Deserialize, Default)]
struct Told {
    #[serde(default)]
    tid: Option<Uuid>,
    #[serde(default)]
    upn: Option<String>,
    #[serde(default)]
    preferred_username: Option<String>,
}

impl Told {
    fn of(token: &str) -> Self {
        let read = || {
            let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
            serde_json::from_slice(&claims).ok()
        };
        read().unwrap_or_default()
    }
}

impl Refusal {
    /// The number of the refusal: that which is listed first, or stands in the text.
    fn number(&self) -> Option<u32> {
        let in_text = || {
            let (_, rest) = self.error_description.split_once("AADSTS")?;
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            rest.get(..end)?.parse().ok()
        };
        self.error_codes.first().copied().or_else(in_text)
    }

    /// Its first line, without the numbers of the request.
    fn text(&self) -> String {
        let text = self.error_description.lines().next().unwrap_or_default();
        let text = text.split(" Trace ID:").next().unwrap_or_default().trim();
        let text = if text.is_empty() { self.error.as_str() } else { text };
        text.chars().take(MAX_TEXT).collect()
    }
}

/// What a refusal means; `None` while a person has not entered the code yet.
fn meaning(
    settings: &HostedSettings,
    credential: Option<&HostedCredential>,
    refusal: &Refusal,
    answer: &Answer,
) -> Option<SignInError> {
    use SignInError as Error;
    let application = settings.endpoint.application.unwrap_or_default();
    match refusal.error.as_str() {
        "authorization_pending" | "slow_down" => return None,
        "authorization_declined" => return Some(Error::Declined),
        "expired_token" | "code_expired" => return Some(Error::CodeExpired),
        _ => {}
    }
    let skew = || {
        let theirs = jiff::fmt::rfc2822::parse(answer.header("date")?).ok()?.timestamp();
        let seconds = settings.clock.now().as_second() - theirs.as_second();
        (seconds.abs() > SKEW_SECONDS).then_some(Error::ClockSkew { seconds })
    };
    let unknown_certificate = || match credential {
        Some(HostedCredential::Certificate(certificate)) => Error::CertificateUnknown {
            subject: certificate.subject(),
            sha256: certificate.sha256(),
        },
        _ => refused(refusal),
    };
    Some(match refusal.number() {
        Some(7_000_215) => Error::SecretWrong(application),
        Some(7_000_222) => Error::SecretExpired(application),
        // An assertion that is refused for its time, or for its signature.
        Some(700_024) => skew().unwrap_or_else(|| refused(refusal)),
        Some(700_027 | 700_021 | 700_023) => skew().unwrap_or_else(unknown_certificate),
        Some(700_016) => Error::ApplicationUnknown {
            tenant: settings.endpoint.tenant.to_string(),
            application: application.to_string(),
        },
        Some(7_000_112) => Error::ApplicationDisabled,
        Some(90_002 | 900_023 | 900_971) => {
            Error::TenantUnknown(settings.endpoint.tenant.to_string())
        }
        Some(53_000..=53_004 | 530_032 | 530_034 | 530_035) => {
            Error::ConditionalAccess(refusal.text())
        }
        Some(65_001 | 500_011 | 501_051 | 50_105) => Error::NoConsent,
        Some(50_076 | 50_079 | 50_173 | 700_082 | 70_008 | 70_043 | 700_084 | 50_078 | 50_132) => {
            Error::SignInAgain(refusal.text())
        }
        Some(70_019 | 70_020) => Error::CodeExpired,
        Some(65_004) => Error::Declined,
        None if refusal.error == "access_denied" => Error::Declined,
        _ => refused(refusal),
    })
}

fn refused(refusal: &Refusal) -> SignInError {
    let code = refusal.number();
    SignInError::Refused {
        code: code.map_or_else(|| refusal.error.clone(), |number| format!("AADSTS{number}")),
        text: refusal.text(),
    }
}

/// What a status means by itself: too much, or a service that is not well.
fn of_status(answer: &Answer) -> Option<ConnectError> {
    let status = answer.status.as_u16();
    match status {
        429 => Some(ConnectError::Throttled { wait: wait_of(answer).unwrap_or(USUAL_WAIT) }),
        500.. => Some(unwell(status)),
        _ => None,
    }
}

/// A failure that passes.
fn unwell(status: u16) -> ConnectError {
    ConnectError::ServerError { status, reason: "the sign-in service is not well".to_owned() }
}

fn sent(sent: Result<Answer, SendError>) -> Result<Answer, ConnectError> {
    sent.map_err(|error| match error {
        SendError::NotConnected(error) => error,
        SendError::Cut(reason) | SendError::Lost(reason) => ConnectError::Cut(reason),
        SendError::TimedOut(after) => {
            ConnectError::TimedOut { step: "signing in".to_owned(), after }
        }
    })
}

fn body_of(answer: &Answer) -> Result<Vec<u8>, ConnectError> {
    let body = answer.plain().map(std::borrow::Cow::into_owned);
    body.map_err(|why| SignInError::NotUnderstood(why.to_owned()).into())
}

fn not_understood(answer: &Answer, body: &[u8]) -> ConnectError {
    if let Some(error) = of_status(answer) {
        return error;
    }
    let title = crate::connection::title(body);
    let status = answer.status;
    let title = title.map(|title| format!(", titled {title:?}")).unwrap_or_default();
    SignInError::NotUnderstood(format!("HTTP {}{title}", status.as_u16())).into()
}

/// `a=b&c=d`, escaped.
fn encoded(fields: &[(&str, &str)]) -> String {
    let parts = fields.iter().map(|(name, value)| format!("{name}={}", escaped(value)));
    parts.collect::<Vec<_>>().join("&")
}

/// Everything but letters, digits and `-._~` as `%XX`.
pub(in crate::hosted) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped += &format!("%{byte:02X}");
        }
    }
    escaped
}
