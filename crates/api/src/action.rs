//! What is asked of devices: the request, its preview, and what became of it on each device.

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use domain::{
    ActionKind, Caller, DeviceId, Permission, Query, RequestId, Scope,
    action::{Effect, Warning},
};
use engine::{Engine, NewRequest, Planned, Targets};
use serde::{Deserialize, Serialize};
use store::{Page, Request};
use uuid::Uuid;

use crate::{
    device::{rfc3339, text},
    idempotency,
    job::Job,
    parameters::{Body, DryRun, IdempotencyKey, Limit, Parameters},
    problem::Problem,
};

/// What is asked of devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActionRequest {
    /// `allow`, `block`, `release` (remove both exemptions), `wipe-account`, `wipe-device` (the
    /// entire phone), `cancel-wipe` or `forget` (the partnership; erases nothing).
    #[schema(example = "allow")]
    pub action: String,
    /// The devices, each by Gatepost's id, by Exchange's GUID, or by the device id if only one has
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devices: Option<Vec<String>>,
    /// In place of devices: those that this device query finds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "state:quarantined os:iOS")]
    pub query: Option<String>,
    /// Why, for the record.
    pub reason: String,
    /// Number of a ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// How many devices the preview showed: should it be another number now, nothing is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
}

/// What would be done: the answer with `dry_run=true`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ActionPreview {
    /// What was asked for.
    pub action: String,
    /// How many devices are meant.
    pub devices: u64,
    /// How many people have them.
    pub people: u64,
    /// On how many of them it can be done.
    pub possible: u64,
    /// What really happens there, by client.
    pub effects: Vec<Counted>,
    /// What to know before.
    pub warnings: Vec<Counted>,
    /// Why it cannot be done on the others.
    pub refusals: Vec<Counted>,
    /// Why it would wait for a second person; null if it would not.
    pub hold: Option<String>,
    /// The first hundred devices.
    pub first: Vec<PlannedDevice>,
}

/// A sentence, and of how many devices it is true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Counted {
    /// The sentence.
    pub text: String,
    /// Of how many devices.
    pub devices: u64,
}

/// A device, and what would happen there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PlannedDevice {
    /// Gatepost's id.
    pub id: String,
    /// Who, what, and the last four of the device id.
    pub name: String,
    /// In a word: `lets-in`, `keeps-out`, `leaves-to-rules`, `erases-account`, `erases-outlook`,
    /// `erases-phone`, `erases-mail-app`, `takes-wipe-back` or `forgets-partnership`.
    pub effect: String,
    /// Why it cannot be done; null if it can.
    pub refusal: Option<String>,
    /// What to know before.
    pub warnings: Vec<String>,
}

impl ActionPreview {
    fn of(preview: engine::Preview) -> Self {
        let counted = |text: String, devices: u64| Counted { text, devices };
        let possible = preview.possible();
        let effects = preview.effects.into_iter();
        let warnings = preview.warnings.into_iter();
        let refusals = preview.refusals.into_iter();
        Self {
            action: preview.kind.word().to_owned(),
            devices: preview.devices,
            people: preview.people,
            possible,
            effects: effects
                .map(|(effect, count)| counted(Effect::sentence(effect).to_owned(), count))
                .collect(),
            warnings: warnings
                .map(|(warning, count)| counted(warning.to_string(), count))
                .collect(),
            refusals: refusals.map(|(refusal, count)| counted(refusal, count)).collect(),
            hold: preview.hold,
            first: preview.first.iter().map(PlannedDevice::of).collect(),
        }
    }
}

impl PlannedDevice {
    fn of(planned: &Planned) -> Self {
        let forecast = &planned.forecast;
        Self {
            id: planned.device.id.to_string(),
            name: planned.name(),
            effect: forecast.effect.word().to_owned(),
            refusal: forecast.refusal.as_ref().map(ToString::to_string),
            warnings: forecast.warnings.iter().map(Warning::to_string).collect(),
        }
    }
}

/// Something asked of one device, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Action {
    /// Stable id.
    pub id: String,
    /// The job it is part of.
    pub job: String,
    /// What was asked for.
    pub action: String,
    /// Gatepost's id of the device.
    pub device: String,
    /// Exchange's GUID of the partnership.
    pub guid: String,
    /// Who, what, and the last four of the device id, when it was asked for.
    pub name: String,
    /// `asked`, `approved`, `sending`, `sent` (Exchange has it), `fetched` (by the phone),
    /// `acknowledged` (by the phone), `confirmed` (read back), `failed`, `unverifiable` or
    /// `cancelled`.
    pub state: String,
    /// Why it stands as it does.
    pub note: Option<String>,
    /// What Exchange answered.
    pub answer: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// When the intent to send it was put on record.
    pub sent: Option<String>,
    /// When its effect was first seen.
    pub seen: Option<String>,
    /// When it changed last.
    pub changed: String,
}

impl Action {
    /// Every field, in order.
    pub const FIELDS: [&'static str; 13] = [
        "id", "job", "action", "device", "guid", "name", "state", "note", "answer", "attempts",
        "sent", "seen", "changed",
    ];

    fn of(action: store::Action) -> Self {
        Self {
            id: action.id.to_string(),
            job: action.request.to_string(),
            action: action.kind.word().to_owned(),
            device: action.device.to_string(),
            guid: action.guid.to_string(),
            name: action.name,
            state: action.state.word().to_owned(),
            note: action.note,
            answer: action.answer,
            attempts: action.attempts,
            sent: text(action.intended),
            seen: text(action.seen),
            changed: rfc3339(action.changed),
        }
    }
}

/// One page of actions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ActionPage {
    /// The actions, in the order in which they were asked for.
    pub actions: Vec<Action>,
    /// Send it as `cursor` to get the next page; null on the last.
    pub next: Option<String>,
}

/// Asks for an action on devices.
///
/// Answers at once with the job that does it: each device is read, the cmdlet sent, and the effect
/// read back. Wipes above the guard's limits wait until a second person approves the job. With
/// `dry_run=true`: how many, what each client will really do, what cannot be done and why.
#[utoipa::path(
    post,
    path = "/api/v1/actions",
    operation_id = "ask_for_action",
    tag = "devices",
    params(DryRun, IdempotencyKey),
    request_body = ActionRequest,
    responses(
        (status = 202, description = "The job to follow; it may be held", body = Job),
        (status = 200, description = "With dry_run=true", body = ActionPreview),
        Problem
    )
)]
pub(crate) async fn ask(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
    Body(asked): Body<ActionRequest>,
) -> Result<Response, Problem> {
    let new = request_of(&engine, &caller, asked, idempotency::key(&headers)?).await?;
    if dry_run {
        let preview = engine.preview_action(&caller, &new).await?;
        return Ok(Json(ActionPreview::of(preview)).into_response());
    }
    let request = engine.ask(&caller, new).await?;
    let job = job_of(&engine, request).await?;
    let location = [(header::LOCATION, format!("/api/v1/jobs/{}", job.id))];
    Ok((StatusCode::ACCEPTED, location, Json(job)).into_response())
}

async fn request_of(
    engine: &Engine,
    caller: &Caller,
    asked: ActionRequest,
    repeat_key: Option<String>,
) -> Result<NewRequest, Problem> {
    let kind = ActionKind::from_word(&asked.action).ok_or_else(|| {
        let all: Vec<_> = ActionKind::ALL.iter().map(|kind| kind.word()).collect();
        let remedy = format!("ask for one of {}", all.join(", "));
        Problem::invalid(format_args!("there is no action {:?}", asked.action), &remedy)
    })?;
    let of = match (asked.devices, asked.query) {
        (Some(devices), None) if !devices.is_empty() => {
            let scope = caller.scope(kind.permission())?;
            let mut ids = Vec::with_capacity(devices.len());
            for device in devices {
                ids.push(resolve(engine, &scope, &device).await?);
            }
            Targets::Devices(ids)
        }
        (None, Some(query)) => Targets::Query(Query::parse(&query).map_err(|error| {
            Problem::invalid(
                format_args!("the query cannot be understood {error}"),
                "correct the query; an example: state:quarantined os:iOS lastsync:<30d",
            )
        })?),
        _ => {
            return Err(Problem::invalid(
                "it names no device, or both devices and a query",
                "name devices, or give a query that finds them",
            ));
        }
    };
    let (reason, ticket, expected) = (asked.reason, asked.ticket, asked.expected);
    Ok(NewRequest { kind, of, reason, ticket, repeat_key, expected })
}

/// The device that a text means: Gatepost's id, Exchange's GUID, or a device id that only one has.
pub(crate) async fn resolve(
    engine: &Engine,
    scope: &Scope,
    name: &str,
) -> Result<DeviceId, Problem> {
    let mut candidates = Vec::new();
    if let Ok(id) = Uuid::parse_str(name) {
        match engine.store().device(scope, DeviceId(id)).await {
            Ok(device) => return Ok(device.id),
            Err(store::Error::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
        for connector in engine.store().connectors(scope).await? {
            match engine.store().device(scope, DeviceId::of(connector.id, id)).await {
                Ok(device) => candidates.push(device),
                Err(store::Error::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    if candidates.is_empty() && !name.contains('"') && !name.is_empty() {
        let query = Query::parse(&format!("deviceid:\"{name}\"")).map_err(|error| {
            Problem::invalid(
                format_args!("{name:?} is no id of a device: {error}"),
                "take the id from the list of devices",
            )
        })?;
        let mut after = None;
        loop {
            let page = Page { after, limit: 10, now: engine.now() };
            let found = engine.store().devices(scope, &query, page).await?;
            candidates.extend(found.devices);
            after = found.next;
            if after.is_none() || candidates.len() > 10 {
                break;
            }
        }
    }
    match candidates.as_slice() {
        [one] => Ok(one.id),
        [] => Err(Problem::not_found(
            format_args!("no device has the id {name:?}"),
            "take the id from the list of devices",
        )),
        many => {
            let ids: Vec<_> = many.iter().map(|device| device.id.to_string()).collect();
            let remedy = format!("name one by Gatepost's id: {}", ids.join(", "));
            let detail = format!("{} devices have the id {name:?}", many.len());
            Err(Problem::conflict(detail, &remedy))
        }
    }
}

/// How a request stands, as a job.
pub(crate) async fn job_of(engine: &Engine, request: Request) -> Result<Job, Problem> {
    let counts = engine.store().counts_of_request(request.id).await?;
    Ok(Job::of_request(request, &counts))
}

/// Which part of a list of actions.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ActionParameters {
    /// Actions in the page: 1 to 1000.
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 1000, example = 100)]
    limit: Limit,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// Lists the actions of a job, one for each device.
#[utoipa::path(
    get,
    path = "/api/v1/jobs/{id}/actions",
    operation_id = "list_actions",
    tag = "jobs",
    params(("id" = String, Path, description = "Id of the job"), ActionParameters),
    responses((status = 200, body = ActionPage), Problem)
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Parameters(parameters): Parameters<ActionParameters>,
) -> Result<Json<ActionPage>, Problem> {
    let id = request_id(&id)?;
    let scope = caller.scope(Permission::ReadResource)?;
    let skip = match parameters.cursor.as_deref().map(str::parse::<u64>) {
        None => 0,
        Some(Ok(skip)) => skip,
        Some(Err(_)) => {
            return Err(Problem::invalid(
                "the cursor is none that was given",
                "send the next of the page before, or leave the cursor out",
            ));
        }
    };
    let limit = u32::from(parameters.limit.0);
    let found = engine.store().actions_of_request(&scope, id, skip, limit).await?;
    let is_full = found.len() as u64 == u64::from(limit);
    let next = is_full.then(|| (skip + found.len() as u64).to_string());
    Ok(Json(ActionPage { actions: found.into_iter().map(Action::of).collect(), next }))
}

/// The id of a request in a path.
pub(crate) fn request_id(text: &str) -> Result<RequestId, Problem> {
    text.parse().map_err(|_| {
        Problem::not_found(
            format_args!("{text:?} is no id of a job"),
            "take the id from the list of jobs",
        )
    })
}
