//! What is done with connectors: list, add, show, remove, check, sync.

use axum::{
    Extension, Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use domain::{Caller, ConnectorName, Permission, pass::PassKind};
use engine::Engine;
use serde::{Deserialize, Serialize};

use crate::{
    connector::{Connector, NewConnector},
    job::Job,
    parameters::{Body, DryRun, IdempotencyKey, Name, NoParameters, Parameters},
    problem::Problem,
};

/// All connectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ConnectorList {
    /// The connectors, by name.
    pub connectors: Vec<Connector>,
}

/// What a change would do: the answer to `dry_run=true`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Preview {
    /// Always true: nothing was done.
    pub dry_run: bool,
    /// What would be done, in one sentence.
    pub would: String,
}

impl Preview {
    fn of(would: String) -> Response {
        Json(Self { dry_run: true, would }).into_response()
    }
}

/// Which sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncRequest {
    /// `full`: read everything.
    #[serde(default = "full")]
    #[schema(example = "full")]
    pub kind: String,
}

fn full() -> String {
    PassKind::Full.word().to_owned()
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CheckReport {
    /// Whether a sync can work.
    pub is_ready: bool,
    /// What was tried, in order.
    pub steps: Vec<CheckStep>,
}

impl CheckReport {
    fn of(report: engine::CheckReport) -> Self {
        let step = |step: engine::CheckStep| CheckStep {
            name: step.name,
            result: step.result.word().to_owned(),
            detail: step.detail,
        };
        Self { is_ready: report.is_ready, steps: report.steps.into_iter().map(step).collect() }
    }
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CheckStep {
    /// What was tried.
    pub name: String,
    /// `fine`, `missing` or `failed`.
    pub result: String,
    /// What was found, and what to do.
    pub detail: Option<String>,
}

/// Lists the connectors.
#[utoipa::path(
    get,
    path = "/api/v1/connectors",
    operation_id = "list_connectors",
    tag = "connectors",
    responses((status = 200, body = ConnectorList), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<ConnectorList>, Problem> {
    let scope = caller.scope(Permission::Read)?;
    let connectors = engine.store().connectors(&scope).await?;
    Ok(Json(ConnectorList { connectors: connectors.into_iter().map(Connector::of).collect() }))
}

/// Adds a connector.
///
/// It need not be reachable: whether it works is what a check says.
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
        (status = "default", body = Problem, content_type = "application/problem+json")
    )
)]
pub(crate) async fn add(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
    Body(new): Body<NewConnector>,
) -> Result<Response, Problem> {
    let name = ConnectorName::parse(&new.name)
        .map_err(|error| Problem::invalid(error, "choose a name such as contoso or lab-2"))?;
    let new = engine::NewConnector {
        name: name.clone(),
        endpoint: new.on_premises.into_endpoint()?,
        options: domain::connector::Options::default(),
        is_paused: new.paused,
        password: new.password,
        proxy_password: new.proxy_password,
        notification_password: None,
    };
    if dry_run {
        engine.validate_connector(&caller, &new).await?;
        return Ok(Preview::of(format!("add the connector {name} for {}", new.endpoint.url)));
    }
    engine.add_connector(&caller, new).await?;
    let added = engine.store().connector(&caller.scope(Permission::Read)?, &name).await?;
    Ok((StatusCode::CREATED, Json(Connector::of(added))).into_response())
}

/// Shows one connector.
#[utoipa::path(
    get,
    path = "/api/v1/connectors/{name}",
    operation_id = "show_connector",
    tag = "connectors",
    params(("name" = String, Path, description = "Name of the connector")),
    responses((status = 200, body = Connector), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(crate) async fn show(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<Connector>, Problem> {
    let scope = caller.scope(Permission::Read)?;
    Ok(Json(Connector::of(engine.store().connector(&scope, &name).await?)))
}

/// Removes a connector with its inventory. Nothing changes in Exchange.
#[utoipa::path(
    delete,
    path = "/api/v1/connectors/{name}",
    operation_id = "remove_connector",
    tag = "connectors",
    params(("name" = String, Path, description = "Name of the connector"), DryRun, IdempotencyKey),
    responses(
        (status = 204, description = "Removed"),
        (status = 200, description = "With dry_run=true", body = Preview),
        (status = "default", body = Problem, content_type = "application/problem+json")
    )
)]
pub(crate) async fn remove(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
) -> Result<Response, Problem> {
    if dry_run {
        let scope = caller.scope(Permission::ModifyConnector)?;
        let connector = engine.store().connector(&scope, &name).await?;
        let totals = engine.store().totals(&scope).await?;
        let totals = totals.iter().find(|totals| totals.connector == connector.id);
        let devices = totals.map_or(0, |totals| totals.devices() + totals.gone);
        return Ok(Preview::of(format!(
            "remove the connector {name} and the {devices} devices of its inventory; nothing changes in Exchange"
        )));
    }
    engine.remove_connector(&caller, &name, engine::Removal::WithInventory).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Connects now and says what works and what is missing.
#[utoipa::path(
    post,
    path = "/api/v1/connectors/{name}/check",
    operation_id = "check_connector",
    tag = "connectors",
    params(("name" = String, Path, description = "Name of the connector"), DryRun, IdempotencyKey),
    responses(
        (status = 200, description = "What was found; with dry_run=true, what would be tried", body = CheckReport),
        (status = "default", body = Problem, content_type = "application/problem+json")
    )
)]
pub(crate) async fn check(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
) -> Result<Response, Problem> {
    if dry_run {
        let scope = caller.scope(Permission::ModifyConnector)?;
        let connector = engine.store().connector(&scope, &name).await?;
        return Ok(Preview::of(format!(
            "sign in to {} and look for the cmdlets that Gatepost uses",
            connector.endpoint.url
        )));
    }
    let report = engine.check_connector(&caller, &name).await?;
    Ok(Json(CheckReport::of(report)).into_response())
}

/// Starts a sync, or finds the one that is under way.
#[utoipa::path(
    post,
    path = "/api/v1/connectors/{name}/sync",
    operation_id = "sync_connector",
    tag = "connectors",
    params(("name" = String, Path, description = "Name of the connector"), DryRun, IdempotencyKey),
    request_body = SyncRequest,
    responses(
        (status = 202, description = "The job to follow", body = Job),
        (status = 200, description = "With dry_run=true", body = Preview),
        (status = "default", body = Problem, content_type = "application/problem+json")
    )
)]
pub(crate) async fn sync(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
    Body(request): Body<SyncRequest>,
) -> Result<Response, Problem> {
    if PassKind::from_word(&request.kind) != Some(PassKind::Full) {
        return Err(Problem::invalid(
            format_args!("the kind of sync is {:?}", request.kind),
            "ask for a full sync: {\"kind\": \"full\"}",
        ));
    }
    if dry_run {
        let scope = caller.scope(Permission::ModifyConnector)?;
        engine.store().connector(&scope, &name).await?;
        return Ok(Preview::of(format!(
            "start a full sync of {name}, or join the one that is under way"
        )));
    }
    let id = engine.sync(&caller, &name, PassKind::Full).await?;
    let job = engine.store().job(&caller.scope(Permission::Read)?, id).await?;
    let job = Job::of(job, Some(name.as_str()));
    let location = [(header::LOCATION, format!("/api/v1/jobs/{}", job.id))];
    Ok((StatusCode::ACCEPTED, location, Json(job)).into_response())
}
