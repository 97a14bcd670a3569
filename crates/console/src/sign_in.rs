//! Signing in: by user name and password, by a code after it, or with the server's own token.

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use domain::person::Origin;
use engine::{Engine, SignInChoice, SignInError, SignInStep};
use serde::Deserialize;

use crate::{
    page::{self, filters},
    problem::Problem,
    provider_sign_in::{self, Way},
    session::{From, begun, own_path, visit},
    words,
};

/// Where who signs in with the token is led while there is no user.
const FIRST: &str = "/administration/first";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    problem: Option<String>,
    next: String,
    name: String,
    /// Without any user of our own, only the token opens, besides the ways of others.
    has_users: bool,
    /// Whether it is the token that is asked for.
    is_by_token: bool,
    /// Others who can say who somebody is.
    ways: Vec<Way>,
    /// By which of them the browser was signed in that was just signed out.
    left: Option<SignInChoice>,
}

#[derive(Template)]
#[template(path = "sign_in_code.html")]
struct CodePage {
    problem: Option<String>,
    next: String,
    ticket: String,
}

#[derive(Deserialize)]
pub(crate) struct Next {
    #[serde(default)]
    pub(crate) next: String,
}

/// What the address of the sign-in page says.
#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    next: String,
    /// Whom somebody came by who has just signed out.
    #[serde(default)]
    left: String,
}

/// `GET /sign-in`
pub(crate) async fn page(
    State(engine): State<Engine>,
    Query(Asked { next, left }): Query<Asked>,
) -> Result<Response, Problem> {
    let form = SignIn { next, ..SignIn::default() };
    let left = provider_sign_in::left(&engine, &left).await?;
    Ok(page::whole(&SignInPage { left, ..form.page(&engine, None).await? }))
}

/// What the form holds: a token, or a name with a password.
#[derive(Deserialize, Default)]
pub(crate) struct SignIn {
    #[serde(default)]
    token: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
}

impl SignIn {
    async fn page(self, engine: &Engine, problem: Option<String>) -> Result<SignInPage, Problem> {
        let people = engine.store().people().await?;
        let has_users = people.iter().any(|person| person.origin == Origin::Local);
        let next = own_path(&self.next).to_owned();
        Ok(SignInPage {
            is_by_token: !has_users || !self.token.is_empty(),
            ways: provider_sign_in::ways(engine, &next).await?,
            left: None,
            next,
            name: self.name,
            has_users,
            problem,
        })
    }
}

/// `POST /sign-in`
pub(crate) async fn sign_in(
    State(engine): State<Engine>,
    from: From,
    headers: HeaderMap,
    Form(form): Form<SignIn>,
) -> Result<Response, Problem> {
    let visit = visit(&headers, from);
    if !form.token.trim().is_empty() {
        return by_token(&engine, form, &visit, &headers).await;
    }
    match engine.sign_in_with_password(&form.name, &form.password, &visit).await {
        Ok(SignInStep::Done(session)) => Ok(begun(&session, &headers, own_path(&form.next))),
        Ok(SignInStep::Code(ticket)) => {
            let next = own_path(&form.next).to_owned();
            Ok(page::whole(&CodePage { problem: None, next, ticket }))
        }
        Err(error) => {
            let (status, headers, text) = refusal(error)?;
            let page = form.page(&engine, Some(text)).await?;
            Ok((status, headers, page::whole(&page)).into_response())
        }
    }
}

async fn by_token(
    engine: &Engine,
    form: SignIn,
    visit: &engine::Visit,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let Some(session) = engine.sign_in(form.token.trim(), visit).await? else {
        let problem = "That is not the token of this server. Copy the whole line from the file.";
        let page = form.page(engine, Some(problem.to_owned())).await?;
        return Ok((StatusCode::FORBIDDEN, page::whole(&page)).into_response());
    };
    // Who was on the way to somewhere goes there first.
    let next = own_path(&form.next);
    let has_users = engine.people(&session.caller).has_users().await?;
    let to = if next == "/" && !has_users { FIRST } else { next };
    Ok(begun(&session, headers, to))
}

/// The code after the password.
#[derive(Deserialize)]
pub(crate) struct Code {
    ticket: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    next: String,
}

/// `POST /sign-in/code`
pub(crate) async fn code(
    State(engine): State<Engine>,
    from: From,
    headers: HeaderMap,
    Form(form): Form<Code>,
) -> Result<Response, Problem> {
    let visit = visit(&headers, from);
    match engine.sign_in_with_code(&form.ticket, &form.code, &visit).await {
        Ok(session) => Ok(begun(&session, &headers, own_path(&form.next))),
        Err(error) => {
            let (status, headers, mut text) = refusal(error)?;
            if status == StatusCode::FORBIDDEN {
                "That code is not right, or was used before. Type the next one. After five \
                 minutes, begin again with your password."
                    .clone_into(&mut text);
            }
            let next = own_path(&form.next).to_owned();
            let page = CodePage { problem: Some(text), next, ticket: form.ticket };
            Ok((status, headers, page::whole(&page)).into_response())
        }
    }
}

/// How a refusal is told: status, headers, and a sentence.
pub(crate) fn refusal(error: SignInError) -> Result<(StatusCode, HeaderMap, String), Problem> {
    let mut headers = HeaderMap::new();
    let status = match &error {
        SignInError::TooMany(wait) => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
            StatusCode::TOO_MANY_REQUESTS
        }
        _ => StatusCode::FORBIDDEN,
    };
    match error {
        SignInError::Other(error) => Err(error.into()),
        told => Ok((status, headers, words::sentence(&told.to_string()))),
    }
}
