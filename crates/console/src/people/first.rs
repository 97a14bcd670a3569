//! The first user: made by who holds the server's token.

use askama::Template;
use axum::{
    Form,
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{Permission, UserName, authority::BuiltInRole};
use engine::{Engine, NewAssignment, NewUser};

use super::{Pairs, again, shell, told};
use crate::{
    page::{self, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
};

#[derive(Template)]
#[template(path = "people/first.html")]
struct FirstPage {
    shell: Shell,
    problem: Option<String>,
    name: String,
    display_name: String,
}

/// `GET /administration/first`
pub(crate) async fn page(
    State(engine): State<Engine>,
    signed_in: SignedIn,
) -> Result<Response, Problem> {
    signed_in.caller.scope(Permission::ModifySecurity)?;
    let people = engine.people(&signed_in.caller);
    if people.has_users().await? {
        return Ok(Redirect::to("/administration/users").into_response());
    }
    let shell = shell(&signed_in);
    Ok(page::whole(&FirstPage {
        shell,
        problem: None,
        name: String::new(),
        display_name: String::new(),
    }))
}

/// `POST /administration/first`
pub(crate) async fn make(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    signed_in.caller.scope(Permission::ModifySecurity)?;
    let form = Pairs(form);
    let made = made(&engine, &signed_in, &form).await;
    match told(made)? {
        Ok(()) => Ok(Redirect::to("/administration/users").into_response()),
        Err(problem) => Ok(again(&FirstPage {
            shell: shell(&signed_in),
            problem: Some(problem),
            name: form.one("name").to_owned(),
            display_name: form.one("display_name").to_owned(),
        })),
    }
}

async fn made(engine: &Engine, signed_in: &SignedIn, form: &Pairs) -> Result<(), engine::Error> {
    let people = engine.people(&signed_in.caller);
    let invalid = |text: String| engine::Error::Invalid(text);
    let name = UserName::parse(form.one("name")).map_err(|error| invalid(error.to_string()))?;
    if form.secret("password") != form.secret("again") {
        return Err(invalid("the two passwords are not the same".to_owned()));
    }
    let new = NewUser {
        name,
        display_name: form.some("display_name"),
        address: None,
        password: Some(form.secret("password").to_owned()),
    };
    let id = people.add_user(new).await?;
    let assignment = NewAssignment {
        role: BuiltInRole::FullAdministrator.role().name,
        user: Some(id.to_string()),
        group: None,
        connector: None,
        collection: None,
    };
    people.assign(assignment).await.map(drop)
}
