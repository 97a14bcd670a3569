//! What can be done with a connector. Each is a plain form that leads back to its page.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{ConnectorName, Permission, connector::ConnectorState, pass::PassKind};
use engine::{Engine, Family, Feature, Removal};
use serde::Deserialize;

use super::{name_of, permissions_section};
use crate::{
    console::Console,
    page::{self, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};

fn back_to(name: &ConnectorName) -> Response {
    Redirect::to(&format!("/connectors/{name}")).into_response()
}

#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    kind: String,
}

/// `POST /connectors/{name}/sync`: full, delta, or what is right by itself.
pub(crate) async fn sync(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Problem> {
    let name = name_of(&name)?;
    let kind = match PassKind::from_word(&wanted.kind) {
        Some(kind) => kind,
        None => {
            let connector = engine.store().connector(&signed_in.read()?, &name).await?;
            // Without a full pass there is nothing to differ from.
            if connector.last_full_sync.is_some() { PassKind::Delta } else { PassKind::Full }
        }
    };
    engine.sync(&signed_in.caller, &name, kind).await?;
    Ok(back_to(&name))
}

/// `POST /connectors/{name}/pause`
pub(crate) async fn pause(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let name = name_of(&name)?;
    engine.pause_connector(&signed_in.caller, &name, true).await?;
    Ok(back_to(&name))
}

/// `POST /connectors/{name}/resume`
pub(crate) async fn resume(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let name = name_of(&name)?;
    engine.pause_connector(&signed_in.caller, &name, false).await?;
    Ok(back_to(&name))
}

/// `POST /connectors/{name}/ageing`
pub(crate) async fn age(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let name = name_of(&name)?;
    engine.age_now(&signed_in.caller, &name).await?;
    Ok(Redirect::to(&format!("/connectors/{name}#ageing")).into_response())
}

/// `POST /connectors/{name}/check`: connects now, and shows the matrix. The answer comes when the
/// check has ended.
pub(crate) async fn check(
    State(console): State<Console>,
    signed_in: SignedIn,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let name = name_of(&name)?;
    let engine = &console.engine;
    let connector = engine.store().connector(&signed_in.read()?, &name).await?;
    engine.check_connector(&signed_in.caller, &name).await?;
    if headers.contains_key("hx-request") {
        return permissions_section(&console, &signed_in, &connector).await;
    }
    Ok(Redirect::to(&format!("/connectors/{name}#permissions")).into_response())
}

/// `POST /connectors/{name}/sign-in`: asks for a code; the page then says where to enter it.
pub(crate) async fn sign_in(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let name = name_of(&name)?;
    engine.begin_sign_in(&signed_in.caller, &name).await?;
    Ok(back_to(&name))
}

/// Which script is wanted.
#[derive(Deserialize)]
pub(crate) struct ScriptWanted {
    #[serde(default)]
    exchange: String,
    #[serde(default)]
    features: String,
}

/// `GET /connectors/{name}/role-script`: a file for the Exchange administrator.
pub(crate) async fn role_script(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
    Query(wanted): Query<ScriptWanted>,
) -> Result<Response, Problem> {
    let name = name_of(&name)?;
    let family = if wanted.exchange == "2010" { Family::ActiveSync } else { Family::MobileDevice };
    let features: Vec<Feature> = match wanted.features.as_str() {
        "all" => Feature::ALL.to_vec(),
        _ => Feature::reading().collect(),
    };
    let script = engine.role_script(&signed_in.caller, &name, &features, family).await?;
    let file = format!("attachment; filename=\"gatepost-role-{name}.ps1\"");
    let kind = "text/plain; charset=utf-8".to_owned();
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, file)], script)
        .into_response())
}

#[derive(Template)]
#[template(path = "remove.html")]
struct RemovePage {
    shell: Shell,
    name: String,
    devices: String,
    is_removed: bool,
    keeps: bool,
    problem: Option<&'static str>,
}

/// `GET /connectors/{name}/remove`
pub(crate) async fn removal(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    Ok(page::whole(&remove_page(&engine, &signed_in, &name_of(&name)?, false, None).await?))
}

/// `POST /connectors/{name}/remove`
pub(crate) async fn remove(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
    Form(sent): Form<BTreeMap<String, String>>,
) -> Result<Response, Problem> {
    let name = name_of(&name)?;
    let keeps = sent.get("inventory").is_some_and(|inventory| inventory == "keep");
    if sent.get("confirm").map(|text| text.trim()) != Some(name.as_str()) {
        let problem = "That is not the name of this connector. Nothing was removed.";
        let page = remove_page(&engine, &signed_in, &name, keeps, Some(problem)).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page::whole(&page)).into_response());
    }
    let removal = if keeps { Removal::KeepInventory } else { Removal::WithInventory };
    engine.remove_connector(&signed_in.caller, &name, removal).await?;
    Ok(Redirect::to("/connectors").into_response())
}

async fn remove_page(
    engine: &Engine,
    signed_in: &SignedIn,
    name: &ConnectorName,
    keeps: bool,
    problem: Option<&'static str>,
) -> Result<RemovePage, Problem> {
    let scope = signed_in.caller.scope(Permission::ModifySite)?;
    let connector = engine.store().connector(&scope, name).await?;
    let totals = engine.store().totals(&scope).await?;
    let devices = totals.iter().find(|total| total.connector == connector.id);
    Ok(RemovePage {
        shell: Shell::new(Place::Connectors, signed_in),
        name: name.to_string(),
        devices: words::counted(devices.map_or(0, store::Totals::devices), "device"),
        is_removed: connector.state == ConnectorState::Removed,
        keeps,
        problem,
    })
}
