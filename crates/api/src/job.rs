//! Jobs: durable pieces of work that the server does in the background.

use std::collections::BTreeMap;

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use domain::{ActionState, Caller, JobId, Permission, RequestId};
use engine::Engine;
use serde::{Deserialize, Serialize};
use store::{Request, StateCounts};

use crate::{
    action::job_of,
    device::{connector_names, rfc3339, text},
    parameters::{Limit, NoParameters, Parameters},
    problem::Problem,
};

/// A durable piece of work and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Job {
    /// Stable id.
    pub id: String,
    /// What is done: `install`, `full sync`, `delta sync`, or an action such as `wipe-account`.
    pub kind: String,
    /// Name of the connector; null of actions, which may be of several.
    pub connector: Option<String>,
    /// `held` (waits for a second person), `waiting`, `running`, `done`, `failed` or `cancelled`.
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
    /// Of actions: what was asked, by whom, and what was decided; null of everything else.
    pub request: Option<JobRequest>,
}

/// What a job of actions was asked for with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobRequest {
    /// Who asked.
    pub asked_by: String,
    /// By which way: `console`, `cli` or `api`.
    pub source: String,
    /// Why.
    pub reason: String,
    /// Number of a ticket.
    pub ticket: Option<String>,
    /// The device query that found the devices, if one did.
    pub query: Option<String>,
    /// How many devices.
    pub devices: u64,
    /// How many actions stand where.
    pub states: BTreeMap<String, u64>,
    /// Why it waits for a second person, or waited.
    pub hold: Option<String>,
    /// Until when somebody may approve.
    pub expires: Option<String>,
    /// `approved`, `rejected`, `cancelled` or `expired`.
    pub decision: Option<String>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When.
    pub decided: Option<String>,
}

impl Job {
    /// Every field, in order.
    pub const FIELDS: [&'static str; 12] = [
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
        "request",
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
            request: None,
        }
    }

    /// The one translation of a request into a job.
    pub(crate) fn of_request(request: Request, counts: &StateCounts) -> Self {
        let standing = Standing::of(&request, counts);
        let decision = request.decision;
        let verdict = decision.as_ref().map(|decision| decision.verdict);
        Self {
            id: request.id.to_string(),
            kind: request.kind.word().to_owned(),
            connector: None,
            state: standing.state.to_owned(),
            step: standing.step.map(str::to_owned),
            done: standing.ended,
            expected: Some(request.devices),
            outcome: standing.outcome,
            created: rfc3339(request.asked),
            started: None,
            finished: None,
            request: Some(JobRequest {
                asked_by: request.person_name,
                source: request.source.word().to_owned(),
                reason: request.reason,
                ticket: request.ticket,
                query: request.query,
                devices: request.devices,
                states: counts.iter().map(|(state, n)| (state.word().to_owned(), *n)).collect(),
                hold: request.hold,
                expires: text(request.expires),
                decision: verdict.map(|verdict| verdict.word().to_owned()),
                decided_by: decision.as_ref().map(|decision| decision.name.clone()),
                decided: text(decision.map(|decision| decision.at)),
            }),
        }
    }
}

/// How a job of actions stands, from where its actions stand.
struct Standing {
    state: &'static str,
    step: Option<&'static str>,
    ended: u64,
    outcome: Option<String>,
}

impl Standing {
    fn of(request: &Request, counts: &StateCounts) -> Self {
        let of = |wanted: fn(ActionState) -> bool| -> u64 {
            counts.iter().filter(|(state, _)| wanted(*state)).map(|(_, count)| count).sum()
        };
        let ended = of(ActionState::is_final);
        let moving = of(|state| state.is_unsent() || state == ActionState::Sending);
        let with_phones = of(|state| matches!(state, ActionState::Sent | ActionState::Fetched));
        let failed = of(|state| state == ActionState::Failed);
        let cancelled = of(|state| state == ActionState::Cancelled);
        let words = counts.iter().map(|(state, count)| format!("{count} {}", state.title()));
        let outcome = Some(words.collect::<Vec<_>>().join(", "));
        let (state, step) = if request.is_held() {
            ("held", Some("waits for a second person"))
        } else if moving > 0 {
            ("running", Some("being sent to Exchange"))
        } else if with_phones > 0 {
            ("running", Some("waits for phones to sync"))
        } else if failed > 0 && failed + cancelled == ended {
            ("failed", None)
        } else if cancelled > 0 && cancelled == ended {
            ("cancelled", None)
        } else {
            ("done", None)
        };
        Self { state, step, ended, outcome }
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
    let limit = u32::from(parameters.limit.0);
    let names = connector_names(&engine, &scope).await?;
    let mut jobs = Vec::new();
    for job in engine.store().jobs(&scope, limit).await? {
        let connector = names.get(&job.connector).cloned();
        jobs.push((job.created, Job::of(job, connector.as_deref())));
    }
    // Who may see devices sees what was asked of them.
    if let Ok(scope) = caller.scope(Permission::ReadResource) {
        for request in engine.store().requests(&scope, limit).await? {
            jobs.push((request.asked, job_of(&engine, request).await?));
        }
    }
    jobs.sort_by_key(|(created, _)| std::cmp::Reverse(*created));
    jobs.truncate(usize::from(parameters.limit.0));
    Ok(Json(JobList { jobs: jobs.into_iter().map(|(_, job)| job).collect() }))
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
    let job = match engine.store().job(&scope, id).await {
        Ok(job) => job,
        Err(store::Error::NotFound(_)) => {
            let request = engine.request(&caller, RequestId(id.0)).await?;
            return Ok(Json(job_of(&engine, request).await?));
        }
        Err(error) => return Err(error.into()),
    };
    let names = connector_names(&engine, &scope).await?;
    let connector = names.get(&job.connector).cloned();
    Ok(Json(Job::of(job, connector.as_deref())))
}
