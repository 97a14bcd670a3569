//! One user: roles, password, sessions, and being kept out.

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
};
use domain::authority::{Assignee, RoleName};
use engine::{Engine, NewAssignment, UserChange};

use super::{Pairs, again, collection_names, connector_names, place, shell, told, users};
use crate::{
    page::{self, Fact, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};

#[derive(Template)]
#[template(path = "people/user.html")]
struct UserPage {
    shell: Shell,
    problem: Option<String>,
    href: String,
    handle: String,
    title: String,
    state: &'static str,
    tone: &'static str,
    facts: Vec<Fact>,
    assignments: Vec<Assigned>,
    roles: Vec<String>,
    connectors: Vec<String>,
    collections: Vec<String>,
    is_local: bool,
    is_disabled: bool,
    is_locked: bool,
    has_totp: bool,
    display_name: String,
    address: String,
}

struct Assigned {
    id: String,
    words: String,
    /// The group by which they have it.
    group: Option<String>,
}

/// `GET /administration/users/{name}`
pub(crate) async fn page(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    Ok(page::whole(&read(&engine, &signed_in, &name, None).await?))
}

/// `POST /administration/users/{name}`
pub(crate) async fn change(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    match told(changed(&engine, &signed_in, &name, &Pairs(form)).await)? {
        Ok(to) => Ok(Redirect::to(&to).into_response()),
        Err(problem) => Ok(again(&read(&engine, &signed_in, &name, Some(problem)).await?)),
    }
}

/// Does what the form asks for; where to go then.
async fn changed(
    engine: &Engine,
    signed_in: &SignedIn,
    name: &str,
    form: &Pairs,
) -> Result<String, engine::Error> {
    let people = engine.people(&signed_in.caller);
    let invalid = |error: &dyn std::fmt::Display| engine::Error::Invalid(error.to_string());
    match form.one("do") {
        "assign" => {
            let (connector, collection) = place(form.one("place"))?;
            let role = RoleName::parse(form.one("role")).map_err(|error| invalid(&error))?;
            let user = Some(name.to_owned());
            let new = NewAssignment { role, user, group: None, connector, collection };
            people.assign(new).await?;
        }
        "unassign" => {
            let id = form.one("assignment").parse().map_err(|_| invalid(&"no such assignment"))?;
            people.unassign(id).await?;
        }
        "describe" => {
            let display_name = Some(form.one("display_name").to_owned());
            let address = Some(form.one("address").to_owned());
            let change = UserChange { display_name, address, is_disabled: None };
            people.change_user(name, change).await?;
        }
        "password" => people.set_password(name, form.secret("password")).await?,
        "totp" => people.remove_totp(name).await?,
        "sign-out" => people.end_sessions_of(name).await?,
        word @ ("disable" | "enable") => {
            let is_disabled = Some(word == "disable");
            people.change_user(name, UserChange { is_disabled, ..UserChange::default() }).await?;
        }
        "remove" => {
            if form.one("confirm") != name {
                return Err(invalid(&format_args!("type {name} to confirm")));
            }
            people.remove_user(name).await?;
            return Ok("/administration/users".to_owned());
        }
        _ => return Err(invalid(&"the form asks for nothing that is known")),
    }
    Ok(users::href(name))
}

async fn read(
    engine: &Engine,
    signed_in: &SignedIn,
    name: &str,
    problem: Option<String>,
) -> Result<UserPage, Problem> {
    let people = engine.people(&signed_in.caller);
    let user = people.user(name).await?;
    let now = engine.now();
    let handle = user.person.handle();
    let (state, tone) = users::state(&user);
    let fact = |name, value: String| Fact { name, value, code: false };
    let mut facts = vec![
        fact("Signs in by", words::escape(&users::way(&user))),
        fact("Last signed in", words::time(user.person.last_sign_in, now, "never")),
        fact("Added", words::time(Some(user.person.created), now, "")),
    ];
    if let Some(until) = user.locked_until {
        facts.push(fact("Locked until", words::time(Some(until), now, "")));
    }
    if !user.person.groups.is_empty() {
        let groups: Vec<_> = user.person.groups.iter().map(|it| words::visible(it)).collect();
        facts.push(fact("Groups", words::escape(&groups.join(", "))));
    }
    let assignments = user.assignments.iter().map(|it| Assigned {
        id: it.assignment.id.to_string(),
        words: users::in_words(it),
        group: match &it.assignment.assignee {
            Assignee::Group(group) => Some(words::visible(&group.to_string())),
            Assignee::Person(_) => None,
        },
    });
    let roles = people.roles().await?.into_iter();
    Ok(UserPage {
        shell: shell(signed_in),
        problem,
        href: users::href(&handle),
        title: words::visible(&handle),
        state,
        tone,
        facts,
        assignments: assignments.collect(),
        roles: roles.map(|role| role.name.as_str().to_owned()).collect(),
        connectors: connector_names(engine, signed_in).await?,
        collections: collection_names(engine, signed_in).await?,
        is_local: user.person.origin == domain::person::Origin::Local,
        is_disabled: user.person.is_disabled,
        is_locked: user.locked_until.is_some(),
        has_totp: user.has_totp,
        display_name: user.person.display_name.unwrap_or_default(),
        address: user.person.address.unwrap_or_default(),
        handle,
    })
}
