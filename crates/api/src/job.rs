//! Jobs: durable pieces of work that the server does in the background.

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use domain::{Caller, JobId, Permission};
use engine::Engine;
use serde::{Deserialize, Serialize};

use crate::{
    device::{connector_names, rfc3339, text},
    parameters::{Limit, NoParameters, Parameters},
    problem::Problem,
};

/// A durable piece of work and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Job {
    /// Stable id.
    pub id: String,
    /// What is done: `install`, `full sync` or `delta sync`.
    pub kind: String,
    /// Name of the connector.
    pub connector: Option<String>,
    /// `waiting`, `running`, `done` or `failed`.
    pub state: String,
    /// What is being done, in a word or two.
    pub step: Option<String>,
    /// How many of the step are done.
    pub done: u64,
    /// How many there will be, as far as known.
    pub expected: Option<u64>,
    /// How it ended, in one sentence.
    pub outcome: Option<String>,
    /// When it was asked for.
    pub created: String,
    /// When work on it began last.
    pub started: Option<String>,
    /// When it ended.
    pub finished: Option<String>,
}

impl Job {
    /// Every field, in order.
    pub const FIELDS: [&'static str; 11] = [
        "id",
        "kind",
        "connector",
        "state",
        "step",
        "done",
        "expected",
        "outcome",
        "created",
        "started",
        "finished",
    ];

    /// The one translation of a job into JSON.
    #[must_use]
    pub(crate) fn of(job: store::Job, connector: Option<&str>) -> Self {
        Self {
            id: job.id.to_string(),
            kind: job.kind,
            connector: connector.map(str::to_owned),
            state: job.state.word().to_owned(),
            step: job.progress.step,
            done: job.progress.done,
            expected: job.progress.expected,
            outcome: job.outcome,
            created: rfc3339(job.created),
            started: text(job.started),
            finished: text(job.finished),
        }
    }
}

/// The latest jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobList {
    /// The jobs, the latest first.
    pub jobs: Vec<Job>,
}

/// How many of a list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LatestParameters {
    /// How many of the latest: 1 to 1000.
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 1000, example = 100)]
    pub(crate) limit: Limit,
}

/// Lists the latest jobs.
#[utoipa::path(
    get,
    path = "/api/v1/jobs",
    operation_id = "list_jobs",
    tag = "jobs",
    params(LatestParameters),
    responses((status = 200, body = JobList), Problem)
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(parameters): Parameters<LatestParameters>,
) -> Result<Json<JobList>, Problem> {
    let scope = caller.scope(Permission::Read)?;
    let names = connector_names(&engine, &scope).await?;
    let jobs = engine.store().jobs(&scope, parameters.limit.0.into()).await?;
    let named = |job: store::Job| {
        let connector = names.get(&job.connector).cloned();
        Job::of(job, connector.as_deref())
    };
    Ok(Json(JobList { jobs: jobs.into_iter().map(named).collect() }))
}

/// Shows one job and how far it is.
#[utoipa::path(
    get,
    path = "/api/v1/jobs/{id}",
    operation_id = "show_job",
    tag = "jobs",
    params(("id" = String, Path, description = "Id of the job")),
    responses((status = 200, body = Job), Problem)
)]
pub(crate) async fn show(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<Job>, Problem> {
    let id: JobId = id.parse().map_err(|_| {
        Problem::not_found(
            format_args!("{id:?} is no id of a job"),
            "take the id from the list of jobs",
        )
    })?;
    let scope = caller.scope(Permission::Read)?;
    let job = engine.store().job(&scope, id).await?;
    let names = connector_names(&engine, &scope).await?;
    let connector = names.get(&job.connector).cloned();
    Ok(Json(Job::of(job, connector.as_deref())))
}
