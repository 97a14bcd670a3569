//! Where the service sends us: to the region that holds the tenant. A bearer goes to hosts of the
//! cloud and to the one that was configured, and nowhere else.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hyper::{Uri, header};

use super::service::{Call, Service};
use crate::{ConnectError, Error, hosted::Answer, hosted::cloud};

/// The port that the service names and that is open to its own servers alone; 443 is meant.
const INNER_PORT: u16 = 446;
/// The public port.
const PORT: u16 = 443;

/// Goes where a redirect leads; gives the path and query to ask for there.
pub(super) fn redirect(service: &mut Service, answer: &Answer) -> Result<String, Error> {
    let location = answer.header(header::LOCATION.as_str()).unwrap_or_default();
    go_to(service, location, true)
}

/// Goes back to where the service was configured to be: the place it sent us to may be gone.
pub(super) fn home(service: &mut Service) -> Result<(), ConnectError> {
    let configured = cloud::service(&service.settings.endpoint);
    service.move_to(&configured, true)
}

/// Makes a link that the service gave a path, and goes where it leads. A link back to where we were
/// first sent away from does not lead us back there.
pub(super) fn follow_link(service: &mut Service, call: &mut Call) -> Result<(), Error> {
    if !call.target.starts_with('/') {
        call.target = go_to(service, &call.target, false)?;
    }
    Ok(())
}

fn go_to(service: &mut Service, link: &str, is_redirect: bool) -> Result<String, Error> {
    let strange = |what: &str| {
        Error::Connect(ConnectError::Refused(format!(
            "the service sends us to {link:?}, {what}; look for a proxy or gateway that answers in its place"
        )))
    };
    let uri: Uri = link.parse().map_err(|_| strange("which is no address"))?;
    let target = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let Some(host) = uri.host() else { return Ok(target) };
    if uri.scheme_str() != Some("https") {
        return Err(strange("which is not https"));
    }
    let endpoint = &service.settings.endpoint;
    let configured = cloud::service(endpoint);
    let configured_host = cloud::host_of(&configured).unwrap_or_default();
    let name = host.trim_matches(['[', ']']).to_ascii_lowercase();
    let is_configured = name == configured_host;
    let is_owned = cloud::is_owned(endpoint.cloud, &name);
    let is_at_home = is_loopback(&name) && is_loopback(&configured_host);
    if !(is_configured || is_owned || is_at_home) {
        return Err(strange("which is not the cloud's"));
    }
    if !is_redirect && is_configured {
        return Ok(target);
    }
    let port = match uri.port_u16() {
        Some(INNER_PORT) if is_owned => PORT,
        Some(port) => port,
        None => PORT,
    };
    let origin =
        if port == PORT { format!("https://{host}") } else { format!("https://{host}:{port}") };
    service.move_to(&origin, is_configured || is_at_home)?;
    Ok(target)
}

/// Whether a name is this machine's: nobody else lives there.
fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What a token is to claim, as a challenge says: `Bearer …, error="insufficient_claims",
/// claims="<base64>"`.
pub(super) fn claims(challenge: &str) -> Option<String> {
    let (_, rest) = challenge.split_once("claims=\"")?;
    let text = rest.split('"').next()?;
    let decoded = STANDARD.decode(text).ok();
    let decoded = decoded.or_else(|| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok());
    String::from_utf8(decoded?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_tell_what_to_claim() {
        let claims = r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#;
        let packed = STANDARD.encode(claims);
        let challenge = format!(
            "Bearer realm=\"\", error=\"insufficient_claims\", claims=\"{packed}\", x=\"y\""
        );
        assert_eq!(super::claims(&challenge).as_deref(), Some(claims));
        assert_eq!(super::claims("Bearer realm=\"\""), None);
        assert_eq!(super::claims("Bearer claims=\"%%%\""), None);
    }

    #[test]
    fn loopback_is_told_by_name_and_number() {
        assert!(["localhost", "127.0.0.1", "::1"].into_iter().all(is_loopback));
        assert!(!is_loopback("localhost.evil.example"));
    }
}
