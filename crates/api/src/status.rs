//! How everything is.

use std::collections::BTreeMap;

use axum::{Extension, Json, extract::State};
use domain::{Caller, Permission};
use engine::Engine;
use serde::{Deserialize, Serialize};
use store::JobState;

use crate::{
    device::{connector_names, rfc3339, text},
    job::Job,
    parameters::{NoParameters, Parameters},
    problem::Problem,
};

/// How everything is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Status {
    /// Version of the server.
    pub version: String,
    /// The server's time.
    pub time: String,
    /// Devices that are not gone.
    pub devices: u64,
    /// The same by access state.
    pub access_states: BTreeMap<String, u64>,
    /// Devices that are gone.
    pub gone: u64,
    /// Each connector in a few words.
    pub connectors: Vec<ConnectorStatus>,
    /// Jobs that wait or run.
    pub running: Vec<Job>,
    /// What is wrong with the audit, for those who may read it.
    #[serde(default)]
    pub audit_troubles: Vec<String>,
}

/// A connector in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ConnectorStatus {
    /// Its name.
    pub name: String,
    /// `flagged`, `installed`, `trouble` or `removed`.
    pub state: String,
    /// Whether scheduled work rests.
    pub paused: bool,
    /// What went wrong last, and what to do.
    pub trouble: Option<String>,
    /// Name of the organization; null until the first connection.
    pub organization: Option<String>,
    /// Devices that are not gone.
    pub devices: u64,
    /// When the last complete full pass began.
    pub last_full_sync: Option<String>,
    /// When the last complete delta pass began.
    pub last_delta_sync: Option<String>,
}

/// As many of the latest jobs are looked at for those that still run: at most one of each kind
/// can run for each connector.
const LATEST_JOBS: u32 = 100;

/// Says in a few numbers how everything is.
#[utoipa::path(
    get,
    path = "/api/v1/status",
    operation_id = "show_status",
    tag = "status",
    responses((status = 200, body = Status), Problem)
)]
pub(crate) async fn show(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<Status>, Problem> {
    let scope = caller.scope(Permission::Read)?;
    let totals = engine.store().totals(&scope).await?;
    let mut access_states = BTreeMap::new();
    for (state, count) in totals.iter().flat_map(|totals| &totals.states) {
        *access_states.entry(state.word().to_owned()).or_default() += count;
    }
    let connectors = engine.store().connectors(&scope).await?.into_iter().map(|connector| {
        let totals = totals.iter().find(|totals| totals.connector == connector.id);
        ConnectorStatus {
            name: connector.name.to_string(),
            state: connector.state.word().to_owned(),
            paused: connector.is_paused,
            trouble: connector.trouble,
            organization: connector.organization.map(|organization| organization.name),
            devices: totals.map_or(0, store::Totals::devices),
            last_full_sync: text(connector.last_full_sync),
            last_delta_sync: text(connector.last_delta_sync),
        }
    });
    let connectors = connectors.collect();
    let names = connector_names(&engine, &scope).await?;
    let jobs = engine.store().jobs(&scope, LATEST_JOBS).await?.into_iter();
    let running =
        jobs.filter(|job| matches!(job.state, JobState::Waiting | JobState::Running)).map(|job| {
            let connector = names.get(&job.connector).cloned();
            Job::of(job, connector.as_deref())
        });
    let troubles = engine.audit_troubles(&caller).await?.into_iter();
    Ok(Json(Status {
        audit_troubles: troubles.map(|trouble| trouble.what).collect(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        time: rfc3339(engine.now()),
        devices: totals.iter().map(store::Totals::devices).sum(),
        access_states,
        gone: totals.iter().map(|totals| totals.gone).sum(),
        connectors,
        running: running.collect(),
    }))
}

/// Says that the server answers.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "health",
    tag = "status",
    security(()),
    responses((status = 200, description = "The server answers", body = String))
)]
pub(crate) async fn health() -> &'static str {
    "ok\n"
}
