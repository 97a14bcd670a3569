//! Collections: device queries with a name.

use askama::Template;
use axum::{
    Form,
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{Permission, Query, authority::CollectionName};
use engine::{Engine, NewCollection};
use store::Count;

use super::{Pairs, again, shell, told};
use crate::{
    page::{self, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};

#[derive(Template)]
#[template(path = "people/collections.html")]
struct CollectionsPage {
    shell: Shell,
    problem: Option<String>,
    summary: String,
    rows: Vec<Row>,
    may_change: bool,
    name: String,
    query: String,
    description: String,
}

struct Row {
    name: String,
    query: String,
    href: String,
    description: String,
    devices: String,
}

/// `GET /administration/collections`
pub(crate) async fn page(
    State(engine): State<Engine>,
    signed_in: SignedIn,
) -> Result<Response, Problem> {
    Ok(page::whole(&read(&engine, &signed_in, &Pairs(Vec::new()), None).await?))
}

/// `POST /administration/collections`
pub(crate) async fn change(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    signed_in.caller.scope(Permission::ModifySecurity)?;
    let form = Pairs(form);
    match told(changed(&engine, &signed_in, &form).await)? {
        Ok(()) => Ok(Redirect::to("/administration/collections").into_response()),
        Err(problem) => Ok(again(&read(&engine, &signed_in, &form, Some(problem)).await?)),
    }
}

async fn changed(engine: &Engine, signed_in: &SignedIn, form: &Pairs) -> Result<(), engine::Error> {
    let people = engine.people(&signed_in.caller);
    let invalid = |error: &dyn std::fmt::Display| engine::Error::Invalid(error.to_string());
    let name = CollectionName::parse(form.one("name")).map_err(|error| invalid(&error))?;
    let query = || Query::parse(form.one("query")).map_err(|error| invalid(&error));
    let description = form.one("description").to_owned();
    match form.one("do") {
        "add" => {
            let new = NewCollection { name, description, query: query()? };
            people.add_collection(new).await.map(drop)
        }
        "change" => people.change_collection(&name, Some(description), Some(query()?)).await,
        "remove" => people.remove_collection(&name).await,
        _ => Err(invalid(&"the form asks for nothing that is known")),
    }
}

async fn read(
    engine: &Engine,
    signed_in: &SignedIn,
    form: &Pairs,
    problem: Option<String>,
) -> Result<CollectionsPage, Problem> {
    let collections = engine.people(&signed_in.caller).collections().await?;
    let scope = signed_in.caller.scope(Permission::ReadResource)?;
    let mut rows = Vec::with_capacity(collections.len());
    for collection in collections {
        let count = engine.store().count_devices(&scope, &collection.query, engine.now()).await?;
        let query = collection.query.to_string();
        rows.push(Row {
            name: collection.name.as_str().to_owned(),
            href: format!("/devices?query={}", words::query_value(&query)),
            query,
            description: words::visible(&collection.description),
            devices: match count {
                Count::Exactly(count) => words::number(count),
                Count::MoreThan(count) => format!("over {}", words::number(count)),
                Count::AtLeast(count) => format!("at least {}", words::number(count)),
            },
        });
    }
    let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    Ok(CollectionsPage {
        shell: shell(signed_in),
        problem,
        summary: format!(
            "{}. A role can be given for the devices of one.",
            words::counted(count, "device query").replace("querys", "queries")
        ),
        rows,
        may_change: signed_in.caller.may(Permission::ModifySecurity),
        name: form.one("name").to_owned(),
        query: form.one("query").to_owned(),
        description: form.one("description").to_owned(),
    })
}
