//! What is done with connectors: list, add, show, change, let rest, remove.

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use domain::{Caller, ConnectorName, Permission};
use engine::{Engine, Removal};
use serde::{Deserialize, Serialize};

use crate::{
    change::ConnectorChange,
    connector::{Connector, NewConnector},
    parameters::{Asked, Body, DryRun, IdempotencyKey, Name, NoParameters, Parameters},
    preview::Preview,
    problem::Problem,
};

/// All connectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ConnectorList {
    /// The connectors, by name.
    pub connectors: Vec<Connector>,
}

/// Lists the connectors.
#[utoipa::path(
    get,
    path = "/api/v1/connectors",
    operation_id = "list_connectors",
    tag = "connectors",
    responses((status = 200, body = ConnectorList), Problem)
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<ConnectorList>, Problem> {
    let scope = caller.scope(Permission::Read)?;
    let mut connectors = Vec::new();
    for connector in engine.store().connectors(&scope).await? {
        connectors.push(with_next(&engine, connector).await?);
    }
    Ok(Json(ConnectorList { connectors }))
}

/// Adds a connector.
///
/// It need not be reachable: whether it works is what a check says. Unless it is paused, it is
/// connected and synced in the background at once.
#[utoipa::path(
    post,
    path = "/api/v1/connectors",
    operation_id = "add_connector",
    tag = "connectors",
    params(DryRun, IdempotencyKey),
    request_body = NewConnector,
    responses(
        (status = 201, body = Connector),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn add(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
    Body(new): Body<NewConnector>,
) -> Result<Response, Problem> {
    caller.scope(Permission::ModifySite)?;
    let new = new.into_new()?;
    let name = new.name.clone();
    if dry_run {
        engine.validate_connector(&caller, &new).await?;
        return Ok(Preview::of(format!("add the connector {name} for {}", new.endpoint.url())));
    }
    engine.add_connector(&caller, new).await?;
    let added = shown(&engine, &caller, &name).await?;
    Ok((StatusCode::CREATED, Json(added)).into_response())
}

/// Shows one connector.
#[utoipa::path(
    get,
    path = "/api/v1/connectors/{name}",
    operation_id = "show_connector",
    tag = "connectors",
    params(Name),
    responses((status = 200, body = Connector), Problem)
)]
pub(crate) async fn show(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<Connector>, Problem> {
    Ok(Json(shown(&engine, &caller, &name).await?))
}

/// Changes a connector.
///
/// What is left out stays, field by field; null brings a field back to what it is without being
/// given. Nothing is kept if a field is wrong.
#[utoipa::path(
    patch,
    path = "/api/v1/connectors/{name}",
    operation_id = "change_connector",
    tag = "connectors",
    params(Name, DryRun, IdempotencyKey),
    request_body = ConnectorChange,
    responses(
        (status = 200, description = "The connector as it is now; with dry_run=true, what would change", body = Connector),
        Problem
    )
)]
pub(crate) async fn change(
    asked: Asked,
    Body(change): Body<ConnectorChange>,
) -> Result<Response, Problem> {
    let connector = asked.connector().await?;
    let Asked { engine, caller, name, is_dry_run } = &asked;
    let (fields, paused) = (change.fields(), change.paused);
    let is_of_configuration = change.is_of_configuration();
    let change = change.applied_to(&connector)?;
    if *is_dry_run {
        engine.validate_change(caller, name, change).await?;
        let fields = if fields.is_empty() { "nothing".to_owned() } else { fields.join(", ") };
        return Ok(Preview::of(format!("change {fields} of the connector {name}")));
    }
    if is_of_configuration {
        engine.change_connector(caller, name, change).await?;
    }
    if let Some(is_paused) = paused {
        engine.pause_connector(caller, name, is_paused).await?;
    }
    Ok(Json(shown(engine, caller, name).await?).into_response())
}

/// Lets the scheduled work of a connector rest.
///
/// What is asked for by name, such as a sync, is still done.
#[utoipa::path(
    post,
    path = "/api/v1/connectors/{name}/pause",
    operation_id = "pause_connector",
    tag = "connectors",
    params(Name, DryRun, IdempotencyKey),
    responses(
        (status = 200, description = "The connector as it is now; with dry_run=true, what would be done", body = Connector),
        Problem
    )
)]
pub(crate) async fn pause(asked: Asked) -> Result<Response, Problem> {
    let Asked { engine, caller, name, .. } = &asked;
    if asked.dry_run().await?.is_some() {
        return Ok(Preview::of(format!("let the scheduled work of {name} rest")));
    }
    engine.pause_connector(caller, name, true).await?;
    Ok(Json(shown(engine, caller, name).await?).into_response())
}

/// Lets the scheduled work of a connector go on.
#[utoipa::path(
    post,
    path = "/api/v1/connectors/{name}/resume",
    operation_id = "resume_connector",
    tag = "connectors",
    params(Name, DryRun, IdempotencyKey),
    responses(
        (status = 200, description = "The connector as it is now; with dry_run=true, what would be done", body = Connector),
        Problem
    )
)]
pub(crate) async fn resume(asked: Asked) -> Result<Response, Problem> {
    let Asked { engine, caller, name, .. } = &asked;
    if asked.dry_run().await?.is_some() {
        return Ok(Preview::of(format!("let the scheduled work of {name} go on")));
    }
    engine.pause_connector(caller, name, false).await?;
    Ok(Json(shown(engine, caller, name).await?).into_response())
}

/// How to remove.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RemoveParameters {
    /// Keep the inventory, to be looked at.
    #[serde(default)]
    keep_inventory: bool,
    /// Say what would happen, and do nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Removes a connector with its inventory, or keeps that. Nothing changes in Exchange.
#[utoipa::path(
    delete,
    path = "/api/v1/connectors/{name}",
    operation_id = "remove_connector",
    tag = "connectors",
    params(Name, RemoveParameters, IdempotencyKey),
    responses(
        (status = 204, description = "Removed"),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn remove(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    Parameters(parameters): Parameters<RemoveParameters>,
) -> Result<Response, Problem> {
    let removal = match parameters.keep_inventory {
        true => Removal::KeepInventory,
        false => Removal::WithInventory,
    };
    if parameters.dry_run {
        return Ok(Preview::of(removal_in_words(&engine, &caller, &name, removal).await?));
    }
    engine.remove_connector(&caller, &name, removal).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn removal_in_words(
    engine: &Engine,
    caller: &Caller,
    name: &ConnectorName,
    removal: Removal,
) -> Result<String, Problem> {
    let scope = caller.scope(Permission::ModifySite)?;
    let connector = engine.store().connector(&scope, name).await?;
    let totals = engine.store().totals(&scope).await?;
    let totals = totals.iter().find(|totals| totals.connector == connector.id);
    let devices = totals.map_or(0, |totals| totals.devices() + totals.gone);
    Ok(match removal {
        Removal::WithInventory => format!(
            "remove the connector {name} and the {devices} devices of its inventory; nothing \
             changes in Exchange"
        ),
        Removal::KeepInventory => format!(
            "remove the connector {name} and keep the {devices} devices of its inventory as they \
             are; nothing changes in Exchange"
        ),
    })
}

/// A connector as it is now.
async fn shown(
    engine: &Engine,
    caller: &Caller,
    name: &ConnectorName,
) -> Result<Connector, Problem> {
    let scope = caller.scope(Permission::Read)?;
    with_next(engine, engine.store().connector(&scope, name).await?).await
}

async fn with_next(engine: &Engine, connector: domain::Connector) -> Result<Connector, Problem> {
    let next = engine.next_passes(&connector).await?;
    Ok(Connector::of(connector, next, engine.now()))
}
