//! What is asked of a provider over HTTP: little, over TLS, within limits.

use std::time::Duration;

use domain::identity_provider::is_protected_url;
use reqwest::{Certificate, Client, RequestBuilder, StatusCode, Url, redirect::Policy};
use serde_json::Value as Json;

/// Opening a connection, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A whole answer: somebody waits in front of a browser.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Largest answer that is read. The largest sets of keys have some ten kilobytes.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// Longest text of a provider that is repeated, in characters.
const MAX_SAID: usize = 300;

/// The way to one provider.
#[derive(Debug, Clone)]
pub(super) struct Http(Client);

/// Why a question to a provider was not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum HttpError {
    #[error("{0} does not begin with https://")]
    Unprotected(String),
    #[error("{host} could not be asked: {reason}")]
    Unreachable { host: String, reason: String },
    #[error("{host} answered with more than {MAX_ANSWER_BYTES} bytes")]
    TooMuch { host: String },
    #[error("{host} answered {status} and no JSON")]
    NoJson { host: String, status: u16 },
}

/// An answer, well or badly.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Json,
}

impl Answer {
    /// What the provider says went wrong (RFC 6749 section 5.2), on one line.
    pub(super) fn trouble(&self) -> String {
        let text = |name: &str| self.body.get(name).and_then(Json::as_str);
        let error = text("error").unwrap_or("no error is named");
        let described = text("error_description").map(|it| format!(": {it}")).unwrap_or_default();
        said(&format!("{} {error}{described}", self.status.as_u16()))
    }
}

impl Http {
    /// The way to a provider whose certificate the system's authorities vouch for, or these.
    pub(super) fn new(extra_roots_pem: Option<&str>) -> anyhow::Result<Self> {
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            // Whoever answers with another address is not who was meant.
            .redirect(Policy::none())
            .user_agent("Gatepost");
        if let Some(pem) = extra_roots_pem {
            builder = builder.tls_certs_merge(roots(pem)?);
        }
        Ok(Self(builder.build()?))
    }

    /// Reads a document.
    pub(super) async fn get(&self, url: &str, token: Option<&str>) -> Result<Answer, HttpError> {
        let request = self.0.get(address(url)?);
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        self.answer(url, request).await
    }

    /// Sends a form; with an account, as the header's name and password.
    pub(super) async fn post(
        &self,
        url: &str,
        fields: &[(&str, &str)],
        account: Option<(&str, &str)>,
    ) -> Result<Answer, HttpError> {
        let request = self
            .0
            .post(address(url)?)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form(fields));
        let request = match account {
            // Both are form-encoded first (RFC 6749 section 2.3.1).
            Some((name, password)) => request.basic_auth(encoded(name), Some(encoded(password))),
            None => request,
        };
        self.answer(url, request).await
    }

    async fn answer(&self, url: &str, request: RequestBuilder) -> Result<Answer, HttpError> {
        let host = host(url);
        let unreachable = |error: reqwest::Error| HttpError::Unreachable {
            host: host.clone(),
            reason: innermost(&error.without_url()),
        };
        let mut response =
            request.header("accept", "application/json").send().await.map_err(unreachable)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(unreachable)? {
            body.extend_from_slice(&part);
            if body.len() > MAX_ANSWER_BYTES {
                return Err(HttpError::TooMuch { host });
            }
        }
        let body = serde_json::from_slice(&body)
            .map_err(|_| HttpError::NoJson { host, status: status.as_u16() })?;
        Ok(Answer { status, body })
    }
}

/// The certificates of a PEM file.
fn roots(pem: &str) -> anyhow::Result<Vec<Certificate>> {
    let roots = Certificate::from_pem_bundle(pem.as_bytes())?;
    anyhow::ensure!(!roots.is_empty(), "there is no certificate in it");
    Ok(roots)
}

/// Fields as a form writes them.
fn form(fields: &[(&str, &str)]) -> String {
    let field = |(name, value): &(&str, &str)| format!("{name}={}", encoded(value));
    fields.iter().map(field).collect::<Vec<_>>().join("&")
}

/// A text in a form or a query.
pub(super) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
        encoded
    })
}

/// What somebody outside said, on one line and not too long.
pub(super) fn said(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_SAID).collect()
}

fn address(url: &str) -> Result<Url, HttpError> {
    let unprotected = || HttpError::Unprotected(said(url));
    if !is_protected_url(url) {
        return Err(unprotected());
    }
    Url::parse(url).map_err(|_| unprotected())
}

fn host(url: &str) -> String {
    let parsed = Url::parse(url).ok();
    let host = parsed.as_ref().and_then(Url::host_str).unwrap_or("the provider");
    said(host)
}

/// The cause at the bottom: the layers above only say that sending failed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    said(&error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_written_so_that_nothing_gets_out_of_its_field() {
        assert_eq!(form(&[("a", "b&c=d"), ("e", "ü +")]), "a=b%26c%3Dd&e=%C3%BC%20%2B");
    }

    #[tokio::test]
    async fn nothing_is_sent_in_the_clear() {
        let http = Http::new(None).unwrap();
        let refused = http.get("http://login.contoso.test/", Some("token")).await.unwrap_err();
        assert!(matches!(refused, HttpError::Unprotected(_)), "{refused}");
        // TEST-NET addresses and the like are no loopback.
        let refused = http.post("http://192.0.2.1/", &[("a", "b")], None).await.unwrap_err();
        assert!(matches!(refused, HttpError::Unprotected(_)), "{refused}");
    }

    #[test]
    fn only_certificates_are_taken_for_authorities() {
        let damaged = "-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----";
        for pem in ["nothing", "-----BEGIN CERTIFICATE-----", damaged] {
            assert!(Http::new(Some(pem)).is_err(), "{pem}");
        }
    }
}
