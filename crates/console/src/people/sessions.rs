//! Everybody's open sessions.

use askama::Template;
use axum::{
    Form,
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{SessionId, Timestamp};
use engine::Engine;
use store::Session;

use super::{Pairs, again, shell, told};
use crate::{
    page::{self, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};

#[derive(Template)]
#[template(path = "people/sessions.html")]
struct SessionsPage {
    shell: Shell,
    problem: Option<String>,
    summary: String,
    rows: Vec<Row>,
}

/// A session in a list.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) user: String,
    pub(super) way: String,
    pub(super) from: String,
    /// HTML, as are the next two.
    pub(super) began: String,
    pub(super) seen: String,
    pub(super) expires: String,
    /// Whether it is the one that looks.
    pub(super) is_this: bool,
}

/// `GET /administration/sessions`
pub(crate) async fn page(
    State(engine): State<Engine>,
    signed_in: SignedIn,
) -> Result<Response, Problem> {
    Ok(page::whole(&read(&engine, &signed_in, None).await?))
}

/// `POST /administration/sessions`
pub(crate) async fn end(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    match told(ended(&engine, &signed_in, &Pairs(form)).await)? {
        Ok(()) => Ok(Redirect::to("/administration/sessions").into_response()),
        Err(problem) => Ok(again(&read(&engine, &signed_in, Some(problem)).await?)),
    }
}

/// Ends the session that a form names.
pub(super) async fn ended(
    engine: &Engine,
    signed_in: &SignedIn,
    form: &Pairs,
) -> Result<(), engine::Error> {
    let id = form.one("session").parse();
    let id = id.map_err(|_| engine::Error::NotFound("there is no such session".to_owned()))?;
    engine.people(&signed_in.caller).end_session(id).await
}

async fn read(
    engine: &Engine,
    signed_in: &SignedIn,
    problem: Option<String>,
) -> Result<SessionsPage, Problem> {
    let sessions = engine.people(&signed_in.caller).sessions().await?;
    let now = engine.now();
    let rows: Vec<_> =
        sessions.into_iter().map(|(it, user)| row(it, &user, signed_in.id, now)).collect();
    let count = words::counted(u64::try_from(rows.len()).unwrap_or(u64::MAX), "session");
    Ok(SessionsPage {
        shell: shell(signed_in),
        problem,
        summary: format!(
            "{count} open. Each ends twelve hours after it began, or after two without use."
        ),
        rows,
    })
}

pub(super) fn row(session: Session, user: &str, this: SessionId, now: Timestamp) -> Row {
    let address = session.address.unwrap_or_else(|| "an unknown address".to_owned());
    let agent = session.agent.map(|agent| words::visible(&agent)).unwrap_or_default();
    Row {
        id: session.id.to_string(),
        user: words::visible(user),
        way: session.way,
        from: format!("{address} {agent}").trim().to_owned(),
        began: words::time(Some(session.began), now, ""),
        seen: words::time(Some(session.seen), now, ""),
        expires: words::time(Some(session.expires), now, ""),
        is_this: session.id == this,
    }
}
