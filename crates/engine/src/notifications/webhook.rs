//! Webhooks: a message as JSON, signed as the Standard Webhooks specification says, and posted.

use std::{net::IpAddr, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{Timestamp, notification::Webhook};
use exchange::Secret;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Certificate, Client, StatusCode, Url, dns, redirect::Policy};
use sha2::Sha256;

use super::{
    address,
    secrets::PREFIX,
    sending::{Failure, Outgoing},
};

/// The whole request, from the name to the end of the answer.
const TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// So much of an answer is kept: enough to see what the other side thinks.
const MOST_ANSWER_BYTES: usize = 1024;
/// Longest address.
const MOST_URL_BYTES: usize = 2048;

/// Says what is wrong with the settings, if anything is.
pub(super) fn validate(webhook: &Webhook) -> Result<(), String> {
    if webhook.url.len() > MOST_URL_BYTES {
        return Err(format!("the address is longer than {MOST_URL_BYTES} bytes"));
    }
    let url = Url::parse(&webhook.url)
        .map_err(|_| "the address is none, as in https://hooks.contoso.com/gatepost".to_owned())?;
    match url.scheme() {
        "https" => {}
        "http" if webhook.allows_private => {}
        "http" => {
            return Err(
                "over http:// everybody on the way can read it; give an https:// address, \
                        or allow private addresses"
                    .to_owned(),
            );
        }
        _ => return Err("the address does not begin with https://".to_owned()),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the address holds a user name or a password; leave them out: messages are \
                    signed"
            .to_owned());
    }
    if let Some(why) = literal(&url).and_then(|ip| address::refusal(ip, webhook.allows_private)) {
        return Err(format!("{} cannot be used: {why}", webhook.url));
    }
    client(webhook).map(drop)
}

/// Posts a message; what was answered.
pub(super) async fn send(
    webhook: &Webhook,
    secrets: &[Secret],
    outgoing: &Outgoing,
    now: Timestamp,
) -> Result<String, Failure> {
    // An address in place of a name is asked of no resolver.
    let url = Url::parse(&webhook.url).map_err(|error| Failure::last(error.to_string()))?;
    if let Some(why) = literal(&url).and_then(|ip| address::refusal(ip, webhook.allows_private)) {
        return Err(Failure::of(format!("not sent: {why}")));
    }
    let body = serde_json::json!({
        "type": outgoing.kind,
        "timestamp": outgoing.at.to_string(),
        "data": outgoing.data,
    });
    let body = body.to_string();
    let id = outgoing.id.to_string();
    let seconds = now.as_second();
    let signatures = secrets.iter().filter_map(|secret| signature(secret, &id, seconds, &body));
    let signatures = signatures.collect::<Vec<_>>().join(" ");
    let request = client(webhook).map_err(Failure::of)?.post(url);
    let request = request
        .header("Content-Type", "application/json")
        .header("webhook-id", &id)
        .header("webhook-timestamp", seconds.to_string())
        .header("webhook-signature", signatures)
        .body(body);
    let response = request.send().await.map_err(|error| Failure::of(in_words(error)))?;
    let status = response.status();
    let answer = format!("{status} {}", beginning(response).await);
    let answer = answer.trim_end().to_owned();
    match status {
        status if status.is_success() => Ok(answer),
        StatusCode::GONE => Err(Failure::gone(answer)),
        status if status.is_redirection() => Err(Failure::of(format!(
            "it leads elsewhere, and nobody follows; give the address that it leads to ({answer})"
        ))),
        _ => Err(Failure::of(answer)),
    }
}

/// One signature: `v1,` and the base64 of HMAC-SHA256 over id, time and body.
fn signature(secret: &Secret, id: &str, seconds: i64, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.reveal().strip_prefix(PREFIX)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

fn client(webhook: &Webhook) -> Result<Client, String> {
    let mut builder = Client::builder()
        .user_agent("Gatepost")
        .timeout(TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(Policy::none())
        // A proxy would look up the name, and nobody would see where it leads.
        .no_proxy()
        .dns_resolver(Arc::new(Resolver { allows_private: webhook.allows_private }));
    if let Some(pem) = &webhook.trusted {
        let trusted = Certificate::from_pem_bundle(pem.as_bytes());
        let trusted = trusted.map_err(|_| "the trusted certificates are no PEM".to_owned())?;
        if trusted.is_empty() {
            return Err("there is no certificate in the trusted certificates".to_owned());
        }
        builder = builder.tls_certs_merge(trusted);
    }
    builder.build().map_err(|error| format!("the connection cannot be prepared: {error}"))
}

/// The address that stands in place of a name.
fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Looks names up, and leaves out where a webhook may not lead.
#[derive(Debug)]
struct Resolver {
    allows_private: bool,
}

impl dns::Resolve for Resolver {
    fn resolve(&self, name: dns::Name) -> dns::Resolving {
        let allows_private = self.allows_private;
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let refused = found.iter().find_map(|it| address::refusal(it.ip(), allows_private));
            let allowed: Vec<_> = found
                .into_iter()
                .filter(|it| address::refusal(it.ip(), allows_private).is_none())
                .collect();
            match refused {
                Some(why) if allowed.is_empty() => Err(format!("not sent: {why}").into()),
                _ => Ok(Box::new(allowed.into_iter()) as dns::Addrs),
            }
        })
    }
}

/// The beginning of an answer, as text.
async fn beginning(mut response: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(part)) = response.chunk().await {
        let left = MOST_ANSWER_BYTES.saturating_sub(bytes.len());
        bytes.extend(part.iter().take(left));
        if bytes.len() >= MOST_ANSWER_BYTES {
            break;
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// An error down to its reason, and what to do. The address is left out: its path may be a secret.
fn in_words(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(reason) = source {
        words = format!("{words}: {reason}");
        source = reason.source();
    }
    let what_to_do = if words.contains("not sent: ") {
        // That says already what to do.
        return words;
    } else if words.contains("ertificate") || words.contains("UnknownIssuer") {
        "its certificate is not trusted; give that of the authority that issued it"
    } else if error.is_timeout() {
        "no answer in time; check the address and the firewall"
    } else if error.is_connect() {
        "nobody can be reached there; check the address"
    } else {
        "the conversation broke off"
    };
    format!("{what_to_do} ({words})")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks libraries.
    #[test]
    fn the_signature_is_that_of_the_specification() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", r#"{"test": 2432232314}"#);
        let signed = signature(&secret, id, 1_614_265_330, body);
        assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

    #[test]
    fn addresses_that_could_do_harm_are_refused() {
        let check = |url: &str, allows_private| {
            validate(&Webhook { url: url.to_owned(), allows_private, trusted: None })
        };
        assert_eq!(check("https://hooks.contoso.com/x", false), Ok(()));
        assert_eq!(check("http://127.0.0.1:9/x", true), Ok(()));
        for (url, private, said) in [
            ("hooks", false, "https://hooks.contoso.com"),
            ("http://hooks.contoso.com/", false, "over http://"),
            ("ftp://hooks.contoso.com/", true, "does not begin"),
            ("https://u:p@hooks.contoso.com/", false, "signed"),
            ("https://127.0.0.1/", false, "private address"),
            ("https://0x7f.1/", false, "private address"),
            ("https://[::1]/", false, "private address"),
            ("http://169.254.169.254/latest", true, "never asked"),
        ] {
            let error = check(url, private).unwrap_err();
            assert!(error.contains(said), "{url}: {error}");
        }
    }
}
