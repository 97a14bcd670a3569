//! Everybody's API tokens.

use askama::Template;
use axum::{
    Form,
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{Permission, Timestamp};
use engine::{Engine, NewToken, TokenShown};

use super::{
    Choice, Pairs, again, choices, chosen, collection_names, connector_names, days, place, shell,
    titles, told,
};
use crate::{
    page::{self, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};

#[derive(Template)]
#[template(path = "people/tokens.html")]
struct TokensPage {
    shell: Shell,
    problem: Option<String>,
    summary: String,
    rows: Vec<Row>,
    form: TokenForm,
}

/// The form that makes a token.
pub(super) struct TokenForm {
    pub(super) action: &'static str,
    pub(super) name: String,
    pub(super) user: Option<String>,
    pub(super) choices: Vec<Choice>,
    pub(super) connectors: Vec<String>,
    pub(super) collections: Vec<String>,
}

/// A token in a list.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) owner: String,
    pub(super) permits: String,
    pub(super) place: String,
    /// HTML, as is the next.
    pub(super) expires: String,
    pub(super) last_used: String,
    pub(super) is_over: bool,
}

#[derive(Template)]
#[template(path = "people/made.html")]
struct MadePage {
    shell: Shell,
    name: String,
    token: String,
    expires: String,
    back: &'static str,
}

/// `GET /administration/tokens`
pub(crate) async fn page(
    State(engine): State<Engine>,
    signed_in: SignedIn,
) -> Result<Response, Problem> {
    Ok(page::whole(&read(&engine, &signed_in, &Pairs(Vec::new()), None).await?))
}

/// `POST /administration/tokens`
pub(crate) async fn change(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let form = Pairs(form);
    match told(changed(&engine, &signed_in, &form, "/administration/tokens").await)? {
        Ok(answer) => Ok(answer),
        Err(problem) => Ok(again(&read(&engine, &signed_in, &form, Some(problem)).await?)),
    }
}

/// Makes or ends a token. What was made is shown on a page of its own, once.
pub(super) async fn changed(
    engine: &Engine,
    signed_in: &SignedIn,
    form: &Pairs,
    back: &'static str,
) -> Result<Response, engine::Error> {
    let people = engine.people(&signed_in.caller);
    if form.one("do") == "revoke" {
        let id = form.one("token").parse();
        let id = id.map_err(|_| engine::Error::NotFound("there is no such token".to_owned()))?;
        people.revoke_token(id).await?;
        return Ok(Redirect::to(back).into_response());
    }
    let (connector, collection) = place(form.one("place"))?;
    let new = NewToken {
        name: form.one("name").to_owned(),
        permissions: Some(chosen(&form.all("permission"))),
        connector,
        collection,
        days: days(form.one("days"))?,
        user: form.some("user"),
    };
    let made = people.make_token(new).await?;
    Ok(page::whole(&MadePage {
        shell: Shell::new(if back == "/me" { Place::Me } else { Place::Administration }, signed_in),
        name: made.kept.name,
        token: made.token,
        expires: words::exact(made.kept.expires),
        back,
    }))
}

async fn read(
    engine: &Engine,
    signed_in: &SignedIn,
    form: &Pairs,
    problem: Option<String>,
) -> Result<TokensPage, Problem> {
    let tokens = engine.people(&signed_in.caller).tokens().await?;
    let now = engine.now();
    let rows: Vec<_> = tokens.into_iter().map(|token| row(token, now)).collect();
    let count = words::counted(u64::try_from(rows.len()).unwrap_or(u64::MAX), "token");
    let mut token_form = token_form(engine, signed_in, form, "/administration/tokens").await?;
    token_form.user = Some(form.one("user").to_owned());
    Ok(TokensPage {
        shell: shell(signed_in),
        problem,
        summary: format!("{count}. Programs sign in with them; none may do more than its owner."),
        rows,
        form: token_form,
    })
}

pub(super) async fn token_form(
    engine: &Engine,
    signed_in: &SignedIn,
    form: &Pairs,
    action: &'static str,
) -> Result<TokenForm, Problem> {
    let asked = form.all("permission");
    let usual = [Permission::Read, Permission::ReadResource].into();
    let permissions = if asked.is_empty() { usual } else { chosen(&asked) };
    let mut choices = choices(permissions);
    choices.retain(|choice| {
        Permission::from_word(choice.word).is_some_and(|it| signed_in.caller.may(it))
    });
    Ok(TokenForm {
        action,
        name: form.one("name").to_owned(),
        user: None,
        choices,
        connectors: connector_names(engine, signed_in).await?,
        collections: collection_names(engine, signed_in).await?,
    })
}

pub(super) fn row(shown: TokenShown, now: Timestamp) -> Row {
    Row {
        id: shown.token.id.to_string(),
        name: words::visible(&shown.token.name),
        owner: words::visible(&shown.owner),
        permits: titles(shown.token.permissions),
        place: shown.place.unwrap_or_else(|| "wherever its owner may".to_owned()),
        expires: words::time(Some(shown.token.expires), now, ""),
        last_used: words::time(shown.token.last_used, now, "never"),
        is_over: shown.token.expires <= now,
    }
}
