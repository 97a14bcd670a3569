//! Roles, and who has which.

use askama::Template;
use axum::{
    Form,
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{
    Permissions,
    authority::{BuiltInRole, Role, RoleName},
};
use engine::{Engine, NewAssignment};

use super::{
    Choice, Pairs, again, choices, chosen, collection_names, connector_names, place, shell, titles,
    told,
};
use crate::{
    page::{self, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};

#[derive(Template)]
#[template(path = "people/roles.html")]
struct RolesPage {
    shell: Shell,
    problem: Option<String>,
    summary: String,
    roles: Vec<Row>,
    assignments: Vec<Assigned>,
    choices: Vec<Choice>,
    connectors: Vec<String>,
    collections: Vec<String>,
    name: String,
    description: String,
}

struct Row {
    name: String,
    description: String,
    permits: String,
    is_own: bool,
    given: usize,
}

struct Assigned {
    id: String,
    assignee: String,
    role: String,
    place: String,
}

/// `GET /administration/roles`
pub(crate) async fn page(
    State(engine): State<Engine>,
    signed_in: SignedIn,
) -> Result<Response, Problem> {
    Ok(page::whole(&read(&engine, &signed_in, &Pairs(Vec::new()), None).await?))
}

/// `POST /administration/roles`
pub(crate) async fn change(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let form = Pairs(form);
    match told(changed(&engine, &signed_in, &form).await)? {
        Ok(()) => Ok(Redirect::to("/administration/roles").into_response()),
        Err(problem) => Ok(again(&read(&engine, &signed_in, &form, Some(problem)).await?)),
    }
}

async fn changed(engine: &Engine, signed_in: &SignedIn, form: &Pairs) -> Result<(), engine::Error> {
    let people = engine.people(&signed_in.caller);
    let invalid = |error: &dyn std::fmt::Display| engine::Error::Invalid(error.to_string());
    let role = |text: &str| RoleName::parse(text).map_err(|error| invalid(&error));
    match form.one("do") {
        "add" => {
            let added = Role {
                name: role(form.one("name"))?,
                description: form.one("description").to_owned(),
                permissions: chosen(&form.all("permission")),
            };
            people.add_role(&added).await
        }
        "remove" => people.remove_role(&role(form.one("role"))?).await,
        "assign" => {
            let (connector, collection) = place(form.one("place"))?;
            let assignee = form.one("assignee").to_owned();
            // A user of a provider is named like a group: what is no user is one.
            let is_user = !assignee.contains(':') || people.user(&assignee).await.is_ok();
            let (user, group) =
                if is_user { (Some(assignee), None) } else { (None, Some(assignee)) };
            let role = role(form.one("role"))?;
            people.assign(NewAssignment { role, user, group, connector, collection }).await?;
            Ok(())
        }
        "unassign" => {
            let id = form.one("assignment").parse().map_err(|_| invalid(&"no such assignment"))?;
            people.unassign(id).await
        }
        _ => Err(invalid(&"the form asks for nothing that is known")),
    }
}

async fn read(
    engine: &Engine,
    signed_in: &SignedIn,
    form: &Pairs,
    problem: Option<String>,
) -> Result<RolesPage, Problem> {
    let people = engine.people(&signed_in.caller);
    let roles = people.roles().await?;
    let assignments = people.assignments().await?;
    let row = |role: Role| Row {
        given: assignments.iter().filter(|it| it.assignment.role == role.name).count(),
        name: role.name.as_str().to_owned(),
        description: words::sentence(&role.description),
        permits: titles(role.permissions),
        is_own: BuiltInRole::from_word(role.name.as_str()).is_none(),
    };
    let own = roles.len() - BuiltInRole::ALL.len();
    let given = u64::try_from(assignments.len()).unwrap_or(u64::MAX);
    Ok(RolesPage {
        shell: shell(signed_in),
        problem,
        summary: format!(
            "{} built in, {own} of your own; {}.",
            BuiltInRole::ALL.len(),
            words::counted(given, "assignment")
        ),
        roles: roles.into_iter().map(row).collect(),
        assignments: assignments
            .iter()
            .map(|it| Assigned {
                id: it.assignment.id.to_string(),
                assignee: words::visible(&it.assignee),
                role: it.assignment.role.as_str().to_owned(),
                place: it.place.clone().unwrap_or_else(|| "everywhere".to_owned()),
            })
            .collect(),
        choices: choices(if problem_of_adding(form) {
            chosen(&form.all("permission"))
        } else {
            Permissions::default()
        }),
        connectors: connector_names(engine, signed_in).await?,
        collections: collection_names(engine, signed_in).await?,
        name: form.one("name").to_owned(),
        description: form.one("description").to_owned(),
    })
}

/// Whether what was typed belongs to a role to be added.
fn problem_of_adding(form: &Pairs) -> bool {
    form.one("do") == "add"
}
