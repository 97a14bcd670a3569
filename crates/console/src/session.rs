//! The session of a browser, and the caller behind a request.
//!
//! The cookie holds a random session id; the store keeps a hash of it, so a copy of the database
//! signs nobody in.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Extension,
    extract::{ConnectInfo, FromRef, FromRequestParts, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{Caller, Permission, Scope, SessionId};
use engine::{Engine, NewSession, Visit};
use sha2::{Digest as _, Sha256};

use crate::{
    drafts::{Drafts, SessionKey},
    problem::Problem,
    words,
};

const COOKIE: &str = "gatepost_session";
/// The same where the browser holds it to TLS and this host.
const SECURE_COOKIE: &str = "__Host-gatepost_session";

/// Proof that the request comes from somebody who signed in. Without it, the answer is the
/// sign-in page.
pub(crate) struct SignedIn {
    pub(crate) caller: Caller,
    /// Hash of the session's secret id, to tell sessions apart without holding their key.
    pub(crate) session: SessionKey,
    /// How many requests wait for the person's decision: every page says so in its rail.
    pub(crate) waiting: u64,
    /// Which of the caller's sessions this is.
    pub(crate) id: SessionId,
}

impl SignedIn {
    /// The scope of reading.
    pub(crate) fn read(&self) -> Result<Scope, Problem> {
        Ok(self.caller.scope(Permission::Read)?)
    }
}

impl<S> FromRequestParts<S> for SignedIn
where
    Engine: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let failed = |error| Problem::from(error).into_response();
        let engine = Engine::from_ref(state);
        let found = match cookie(&parts.headers) {
            Some(session) => {
                let found = engine.session_of(session).await.map_err(failed)?;
                found.map(|(caller, id)| (caller, id, key(session)))
            }
            None => None,
        };
        let found = match found {
            Some((caller, id, session)) => {
                let waiting = engine.count_waiting_for(&caller).await.map_err(failed)?;
                Some(Self { caller, session, waiting, id })
            }
            None => None,
        };
        found.ok_or_else(|| {
            // A fragment would show the sign-in page inside the page: let htmx load it whole.
            let next = parts.uri.path_and_query().map_or("/", |path| path.as_str());
            let location = format!("/sign-in?next={}", words::query_value(next));
            if parts.headers.contains_key("hx-request") {
                (StatusCode::UNAUTHORIZED, [("hx-redirect", location)]).into_response()
            } else {
                Redirect::to(&location).into_response()
            }
        })
    }
}

/// `POST /sign-out`
pub(crate) async fn sign_out(
    State(engine): State<Engine>,
    State(drafts): State<Arc<Drafts>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut provider = None;
    if let Some(session) = cookie(&headers) {
        drafts.end_session(key(session));
        provider = engine.sign_out(session).await?;
    }
    let to = match provider {
        // There they may be signed in still.
        Some(provider) => format!("/sign-in?left={}", provider.name),
        None => "/sign-in".to_owned(),
    };
    let forget = |name: &str, more: &str| {
        format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{more}")
    };
    let mut response = Redirect::to(&to).into_response();
    for value in [forget(COOKIE, ""), forget(SECURE_COOKIE, "; Secure")] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    Ok(response)
}

/// Leads on with the cookie of a new session.
pub(crate) fn begun(session: &NewSession, headers: &HeaderMap, to: &str) -> Response {
    let secret = &session.secret;
    // Behind a proxy that speaks TLS, the cookie is bound to this very host and to TLS.
    let cookie = if is_over_tls(headers) {
        format!("{SECURE_COOKIE}={secret}; Path=/; HttpOnly; SameSite=Lax; Secure")
    } else {
        format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Lax")
    };
    ([(header::SET_COOKIE, cookie)], Redirect::to(to)).into_response()
}

/// Whether the browser came over TLS, as the proxy in front says.
fn is_over_tls(headers: &HeaderMap) -> bool {
    headers.get("x-forwarded-proto").is_some_and(|value| value == "https")
}

/// From which address a request comes, where the server knows it.
pub(crate) type From = Option<Extension<ConnectInfo<SocketAddr>>>;

/// From where, and with what program, someone comes.
pub(crate) fn visit(headers: &HeaderMap, from: From) -> Visit {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let address = from.map(|Extension(ConnectInfo(from))| from.ip());
    Visit { address, agent: agent.map(str::to_owned) }
}

fn key(session: &str) -> SessionKey {
    Sha256::digest(session.as_bytes()).into()
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    cookie_named(headers, SECURE_COOKIE).or_else(|| cookie_named(headers, COOKIE))
}

/// What a cookie holds.
pub(crate) fn cookie_named<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// A path on this site: a redirect after signing in leads nowhere else.
pub(crate) fn own_path(path: &str) -> &str {
    let is_own = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    if is_own { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_stays_on_this_site() {
        for (path, kept) in [
            ("/devices?query=a", "/devices?query=a"),
            ("https://evil.example/", "/"),
            ("//evil.example/", "/"),
            ("/\\evil.example", "/"),
            ("", "/"),
        ] {
            assert_eq!(own_path(path), kept);
        }
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "a=b; gatepost_session=xyz; c=d".parse().unwrap());
        assert_eq!(cookie(&headers), Some("xyz"));
        headers.insert(
            header::COOKIE,
            "gatepost_session=a; __Host-gatepost_session=b".parse().unwrap(),
        );
        assert_eq!(cookie(&headers), Some("b"), "the one that is bound to this host goes first");
        headers.insert(header::COOKIE, "gatepost_sessions=xyz".parse().unwrap());
        assert_eq!(cookie(&headers), None);
    }
}
