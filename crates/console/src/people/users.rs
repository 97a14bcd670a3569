//! Everybody who can sign in.

use askama::Template;
use axum::{
    Form,
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{Timestamp, UserName};
use engine::{Engine, NewUser, User};

use super::{Pairs, again, shell, told};
use crate::{
    page::{self, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};

#[derive(Template)]
#[template(path = "people/users.html")]
struct UsersPage {
    shell: Shell,
    summary: String,
    problem: Option<String>,
    rows: Vec<Row>,
    name: String,
    display_name: String,
    address: String,
}

struct Row {
    href: String,
    name: String,
    display_name: String,
    roles: String,
    state: &'static str,
    tone: &'static str,
    sign_in: String,
    /// HTML.
    last_sign_in: String,
}

/// `GET /administration/users`
pub(crate) async fn page(
    State(engine): State<Engine>,
    signed_in: SignedIn,
) -> Result<Response, Problem> {
    Ok(page::whole(&read(&engine, &signed_in, &Pairs(Vec::new()), None).await?))
}

/// `POST /administration/users`
pub(crate) async fn add(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let form = Pairs(form);
    match told(added(&engine, &signed_in, &form).await)? {
        Ok(name) => Ok(Redirect::to(&href(&name)).into_response()),
        Err(problem) => Ok(again(&read(&engine, &signed_in, &form, Some(problem)).await?)),
    }
}

async fn added(
    engine: &Engine,
    signed_in: &SignedIn,
    form: &Pairs,
) -> Result<String, engine::Error> {
    let name = UserName::parse(form.one("name"));
    let name = name.map_err(|error| engine::Error::Invalid(error.to_string()))?;
    let password = form.secret("password");
    let new = NewUser {
        name: name.clone(),
        display_name: form.some("display_name"),
        address: form.some("address"),
        password: (!password.is_empty()).then(|| password.to_owned()),
    };
    engine.people(&signed_in.caller).add_user(new).await?;
    Ok(name.as_str().to_owned())
}

async fn read(
    engine: &Engine,
    signed_in: &SignedIn,
    form: &Pairs,
    problem: Option<String>,
) -> Result<UsersPage, Problem> {
    let users = engine.people(&signed_in.caller).users().await?;
    let now = engine.now();
    let disabled = users.iter().filter(|user| user.person.is_disabled).count();
    let count = words::counted(u64::try_from(users.len()).unwrap_or(u64::MAX), "user");
    Ok(UsersPage {
        shell: shell(signed_in),
        summary: match disabled {
            0 => format!("{count} can sign in."),
            disabled => format!("{count}; {disabled} disabled."),
        },
        problem,
        rows: users.iter().map(|user| row(user, now)).collect(),
        name: form.one("name").to_owned(),
        display_name: form.one("display_name").to_owned(),
        address: form.one("address").to_owned(),
    })
}

/// Where a user's page is.
pub(super) fn href(handle: &str) -> String {
    format!("/administration/users/{}", words::query_value(handle))
}

/// How a user stands, in a word, and how it is coloured.
pub(super) fn state(user: &User) -> (&'static str, &'static str) {
    if user.person.is_disabled {
        ("disabled", "blocked")
    } else if user.locked_until.is_some() {
        ("locked for a while", "quarantined")
    } else {
        ("active", "allowed")
    }
}

/// How a user signs in.
pub(super) fn way(user: &User) -> String {
    match &user.person.origin {
        domain::person::Origin::Provider { provider, .. } => provider.clone(),
        domain::person::Origin::Local if !user.has_password => "no password yet".to_owned(),
        domain::person::Origin::Local if user.has_totp => "password and code".to_owned(),
        domain::person::Origin::Local => "password".to_owned(),
    }
}

fn row(user: &User, now: Timestamp) -> Row {
    let (state, tone) = state(user);
    let roles: Vec<_> = user.assignments.iter().map(in_words).collect();
    Row {
        href: href(&user.person.handle()),
        name: words::visible(&user.person.handle()),
        display_name: words::visible(user.person.display_name.as_deref().unwrap_or_default()),
        roles: if roles.is_empty() { "none: may do nothing".to_owned() } else { roles.join("; ") },
        state,
        tone,
        sign_in: way(user),
        last_sign_in: words::time(user.person.last_sign_in, now, "never"),
    }
}

/// An assignment in words: which role, and where.
pub(super) fn in_words(assignment: &engine::AssignmentShown) -> String {
    let role = assignment.assignment.role.as_str();
    match &assignment.place {
        Some(place) => format!("{role} ({place})"),
        None => role.to_owned(),
    }
}
