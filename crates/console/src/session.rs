//! Signing in and out, and the caller behind a request.
//!
//! The cookie holds a random session id; the store keeps a hash of it, so a copy of the database
//! signs nobody in.

use std::sync::Arc;

use askama::Template;

use axum::{
    Form,
    extract::{FromRef, FromRequestParts, Query, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{Caller, Permission, Scope};
use engine::{Engine, Visit};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::{
    drafts::{Drafts, SessionKey},
    page::{self, filters},
    problem::Problem,
    words,
};

const COOKIE: &str = "gatepost_session";

/// Proof that the request comes from somebody who signed in. Without it, the answer is the
/// sign-in page.
pub(crate) struct SignedIn {
    pub(crate) caller: Caller,
    /// Hash of the session's secret id, to tell sessions apart without holding their key.
    pub(crate) session: SessionKey,
    /// How many requests wait for the person's decision: every page says so in its rail.
    pub(crate) waiting: u64,
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
                let caller = engine.caller_of_session(session).await.map_err(failed)?;
                caller.map(|caller| (caller, key(session)))
            }
            None => None,
        };
        let found = match found {
            Some((caller, session)) => {
                let waiting = engine.count_waiting_for(&caller).await.map_err(failed)?;
                Some(Self { caller, session, waiting })
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

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    problem: Option<&'static str>,
    next: String,
}

impl SignInPage {
    fn new(problem: Option<&'static str>, next: &str) -> Self {
        Self { problem, next: own_path(next).to_owned() }
    }
}

#[derive(Deserialize)]
pub(crate) struct Next {
    #[serde(default)]
    next: String,
}

/// `GET /sign-in`
pub(crate) async fn sign_in_page(Query(Next { next }): Query<Next>) -> Response {
    page::whole(&SignInPage::new(None, &next))
}

#[derive(Deserialize)]
pub(crate) struct SignIn {
    token: String,
    #[serde(default)]
    next: String,
}

/// `POST /sign-in`
pub(crate) async fn sign_in(
    State(engine): State<Engine>,
    headers: HeaderMap,
    Form(form): Form<SignIn>,
) -> Result<Response, Problem> {
    let Some(session) = engine.sign_in(form.token.trim(), &visit(&headers)).await? else {
        let problem = "That is not the token of this server. Copy the whole line from the file.";
        let page = SignInPage::new(Some(problem), &form.next);
        return Ok((StatusCode::FORBIDDEN, page::whole(&page)).into_response());
    };
    let cookie = format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Lax", session.secret);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(own_path(&form.next))).into_response())
}

/// `POST /sign-out`
pub(crate) async fn sign_out(
    State(engine): State<Engine>,
    State(drafts): State<Arc<Drafts>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(session) = cookie(&headers) {
        drafts.end_session(key(session));
        engine.sign_out(session).await?;
    }
    let forget = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    Ok(([(header::SET_COOKIE, forget)], Redirect::to("/sign-in")).into_response())
}

/// From where a request comes.
fn visit(headers: &HeaderMap) -> Visit {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Visit { address: None, agent: agent.map(str::to_owned) }
}

fn key(session: &str) -> SessionKey {
    Sha256::digest(session.as_bytes()).into()
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// A path on this site: a redirect after signing in leads nowhere else.
fn own_path(path: &str) -> &str {
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
        headers.insert(header::COOKIE, "gatepost_sessions=xyz".parse().unwrap());
        assert_eq!(cookie(&headers), None);
    }
}
