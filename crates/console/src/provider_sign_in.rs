//! Signing in by an identity provider: sent to it and taken back, or a name and a password for a
//! directory.

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{ProviderName, identity_provider::ProviderKind};
use engine::{Engine, ExternalSignInError, FaultOf, OpenIdAnswer, SignInChoice, SignInError};
use serde::Deserialize;

use crate::{
    page::{self, filters},
    problem::Problem,
    session::{From, begun, cookie_named, own_path, visit},
    sign_in::Next,
    words,
};

/// Ties a browser that comes back from a provider to the one that was sent there.
const COOKIE: &str = "gatepost_sign_in";
/// The same where browsers come by TLS: bound to this very host, so that no neighbour below the same
/// domain can put its own in the way and have somebody signed in as another.
const SECURE_COOKIE: &str = "__Host-gatepost_sign_in";

/// A way of signing in, as a button.
pub(crate) struct Way {
    pub(crate) href: String,
    pub(crate) title: String,
}

/// The ways there are besides a password of ours.
pub(crate) async fn ways(engine: &Engine, next: &str) -> Result<Vec<Way>, Problem> {
    let way = |SignInChoice { name, title, kind }| {
        let next = words::query_value(next);
        Way { href: format!("/sign-in/{}/{name}?next={next}", kind.word()), title }
    };
    Ok(engine.sign_in_choices().await?.into_iter().map(way).collect())
}

#[derive(Template)]
#[template(path = "not_signed_in.html")]
struct NotSignedInPage {
    problem: String,
}

#[derive(Template)]
#[template(path = "directory_sign_in.html")]
struct DirectoryPage {
    name: String,
    title: String,
    problem: Option<String>,
    user: String,
    next: String,
}

/// `GET /sign-in/oidc/{name}`: sends the browser to the provider.
pub(crate) async fn begin(
    State(engine): State<Engine>,
    Path(name): Path<String>,
    Query(Next { next }): Query<Next>,
    from: From,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let name = parsed(&name)?;
    let visit = visit(&headers, from);
    let beginning = match engine.begin_open_id(&name, own_path(&next), &visit).await {
        Ok(beginning) => beginning,
        Err(error) => return refused(error),
    };
    let patience = beginning.patience.as_secs();
    let cookie = cookie(&beginning.browser, patience, beginning.is_secure);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&beginning.location)).into_response())
}

/// What a provider sends a browser back with (RFC 6749 section 4.1.2, RFC 9207).
#[derive(Deserialize)]
pub(crate) struct Answer {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    iss: Option<String>,
}

/// `GET /sign-in/oidc/callback`: takes the browser back.
pub(crate) async fn callback(
    State(engine): State<Engine>,
    from: From,
    Query(answer): Query<Answer>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let answer = OpenIdAnswer {
        state: answer.state,
        code: answer.code,
        error: answer.error,
        error_description: answer.error_description,
        issuer: answer.iss,
    };
    let browser = cookie_named(&headers, SECURE_COOKIE).or_else(|| cookie_named(&headers, COOKIE));
    let visit = visit(&headers, from);
    let mut response = match engine.finish_open_id(&answer, browser, &visit).await {
        Ok(finished) => begun(&finished.session, &headers, own_path(&finished.next)),
        Err(error) => refused(error)?,
    };
    // It is of use once.
    for is_secure in [true, false] {
        if let Ok(forget) = HeaderValue::from_str(&cookie("", 0, is_secure)) {
            response.headers_mut().append(header::SET_COOKIE, forget);
        }
    }
    Ok(response)
}

fn cookie(value: &str, max_age_s: u64, is_secure: bool) -> String {
    let (name, secure) = if is_secure { (SECURE_COOKIE, "; Secure") } else { (COOKIE, "") };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age_s}{secure}")
}

/// `GET /sign-in/oidc/{name}/end`: leads to where the browser signs out at the provider too.
pub(crate) async fn end(
    State(engine): State<Engine>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let name = parsed(&name)?;
    let choice = choice_named(&engine, &name, ProviderKind::OpenIdConnect).await?;
    let problem = match engine.sign_out_at_provider(&name).await {
        Ok(Some(location)) => return Ok(Redirect::to(&location).into_response()),
        Ok(None) => format!(
            "{} names no place for signing out. To be signed out there, close the browser.",
            choice.title
        ),
        Err(engine::Error::Unavailable(problem)) => problem,
        Err(error) => return Err(error.into()),
    };
    Ok(not_signed_in(StatusCode::BAD_GATEWAY, problem))
}

/// Who signed out here and came by this provider: its title, if it still is one.
pub(crate) async fn left(engine: &Engine, name: &str) -> Result<Option<SignInChoice>, Problem> {
    let Ok(name) = ProviderName::parse(name) else { return Ok(None) };
    Ok(choice_named(engine, &name, ProviderKind::OpenIdConnect).await.ok())
}

/// `GET /sign-in/ldap/{name}`
pub(crate) async fn directory_page(
    State(engine): State<Engine>,
    Path(name): Path<String>,
    Query(Next { next }): Query<Next>,
) -> Result<Response, Problem> {
    let choice = directory_named(&engine, &name).await?;
    let next = own_path(&next).to_owned();
    let (name, title) = (choice.name.to_string(), choice.title);
    let page = DirectoryPage { name, title, problem: None, user: String::new(), next };
    Ok(page::whole(&page))
}

#[derive(Deserialize)]
pub(crate) struct Typed {
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
}

/// `POST /sign-in/ldap/{name}`
pub(crate) async fn directory(
    State(engine): State<Engine>,
    from: From,
    Path(name): Path<String>,
    headers: HeaderMap,
    Form(Typed { user, password, next }): Form<Typed>,
) -> Result<Response, Problem> {
    let choice = directory_named(&engine, &name).await?;
    let visit = visit(&headers, from);
    match engine.sign_in_by_directory(&choice.name, &user, password, &visit).await {
        Ok(session) => Ok(begun(&session, &headers, own_path(&next))),
        Err(error) => {
            let (status, problem, wait) = told(error)?;
            let next = own_path(&next).to_owned();
            let (name, title) = (choice.name.to_string(), choice.title);
            let page = DirectoryPage { name, title, problem: Some(problem), user, next };
            Ok(waiting((status, page::whole(&page)).into_response(), wait))
        }
    }
}

async fn directory_named(engine: &Engine, name: &str) -> Result<SignInChoice, Problem> {
    choice_named(engine, &parsed(name)?, ProviderKind::Ldap).await
}

async fn choice_named(
    engine: &Engine,
    name: &ProviderName,
    kind: ProviderKind,
) -> Result<SignInChoice, Problem> {
    let choices = engine.sign_in_choices().await?;
    let is_it = |it: &SignInChoice| it.name == *name && it.kind == kind;
    choices.into_iter().find(is_it).ok_or_else(missing)
}

fn parsed(name: &str) -> Result<ProviderName, Problem> {
    ProviderName::parse(name).map_err(|_| missing())
}

fn missing() -> Problem {
    Problem::not_found("way of signing in")
}

fn refused(error: ExternalSignInError) -> Result<Response, Problem> {
    let (status, problem, wait) = told(error)?;
    Ok(waiting(not_signed_in(status, problem), wait))
}

/// What a person is told who was not signed in, and after how many seconds they may try again.
fn told(error: ExternalSignInError) -> Result<(StatusCode, String, Option<u64>), Problem> {
    match error {
        ExternalSignInError::Provider(refusal) => {
            let status = match refusal.fault_of {
                FaultOf::Person => StatusCode::FORBIDDEN,
                FaultOf::Provider => StatusCode::BAD_GATEWAY,
            };
            Ok((status, refusal.told, None))
        }
        ExternalSignInError::Admission(SignInError::Other(error)) => Err(error.into()),
        ExternalSignInError::Admission(error) => {
            let wait = match &error {
                SignInError::TooMany(wait) => Some(wait.as_secs().max(1)),
                _ => None,
            };
            let status = match wait {
                Some(_) => StatusCode::TOO_MANY_REQUESTS,
                None => StatusCode::FORBIDDEN,
            };
            Ok((status, words::sentence(&error.to_string()), wait))
        }
    }
}

fn not_signed_in(status: StatusCode, problem: String) -> Response {
    (status, page::whole(&NotSignedInPage { problem })).into_response()
}

fn waiting(mut response: Response, wait: Option<u64>) -> Response {
    if let Some(wait) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, wait.into());
    }
    response
}
