//! What people decide about jobs of actions, and about the guard.

use axum::{
    Extension, Json,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use domain::{
    Caller, Permission, RequestId,
    guard::{Change, Guard as Kept, Limits},
};
use engine::Engine;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{
    action::{job_of, request_id},
    device::text,
    job::Job,
    parameters::{Body, DryRun, IdempotencyKey, NoParameters, Parameters},
    preview::Preview,
    problem::Problem,
};

/// Lets a held job go on. Whoever asked for it cannot.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/{id}/approve",
    operation_id = "approve_job",
    tag = "jobs",
    params(("id" = String, Path, description = "Id of the job"), DryRun, IdempotencyKey),
    responses(
        (status = 200, description = "The job as it is now; with dry_run=true, what would be done", body = Job),
        Problem
    )
)]
pub(crate) async fn approve(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
) -> Result<Response, Problem> {
    let id = request_id(&id)?;
    if dry_run {
        return previewed(&engine, &caller, Permission::Approve, id, "let").await;
    }
    let request = engine.approve_request(&caller, id).await?;
    Ok(Json(job_of(&engine, request).await?).into_response())
}

/// Refuses a held job: nothing of it is sent. Whoever asked for it cannot; they cancel it.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/{id}/reject",
    operation_id = "reject_job",
    tag = "jobs",
    params(("id" = String, Path, description = "Id of the job"), DryRun, IdempotencyKey),
    responses(
        (status = 200, description = "The job as it is now; with dry_run=true, what would be done", body = Job),
        Problem
    )
)]
pub(crate) async fn reject(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
) -> Result<Response, Problem> {
    let id = request_id(&id)?;
    if dry_run {
        return previewed(&engine, &caller, Permission::Approve, id, "refuse").await;
    }
    let request = engine.reject_request(&caller, id).await?;
    Ok(Json(job_of(&engine, request).await?).into_response())
}

/// Takes back what was not sent of a job of actions.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/{id}/cancel",
    operation_id = "cancel_job",
    tag = "jobs",
    params(("id" = String, Path, description = "Id of the job"), DryRun, IdempotencyKey),
    responses(
        (status = 200, description = "The job as it is now; with dry_run=true, what would be done", body = Job),
        Problem
    )
)]
pub(crate) async fn cancel(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
) -> Result<Response, Problem> {
    let id = request_id(&id)?;
    if dry_run {
        return previewed(&engine, &caller, Permission::ReadResource, id, "take back").await;
    }
    engine.cancel_request(&caller, id).await?;
    let request = engine.request(&caller, id).await?;
    Ok(Json(job_of(&engine, request).await?).into_response())
}

async fn previewed(
    engine: &Engine,
    caller: &Caller,
    permission: Permission,
    id: RequestId,
    verb: &str,
) -> Result<Response, Problem> {
    let request = engine.store().request(&caller.scope(permission)?, id).await?;
    let (kind, devices, name) = (request.kind, request.devices, &request.person_name);
    Ok(Preview::of(match verb {
        "let" => format!("let {kind} of {devices} devices go on, which {name} asked for"),
        _ => format!("{verb} what was not sent of {kind} of {devices} devices"),
    }))
}

/// What was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WipesCancelled {
    /// Wipes that were not sent and will not be.
    pub cancelled: u64,
}

/// Takes back every wipe that was not sent, of everybody.
#[utoipa::path(
    post,
    path = "/api/v1/guard/cancel-wipes",
    operation_id = "cancel_all_wipes",
    tag = "guard",
    params(DryRun, IdempotencyKey),
    responses(
        (status = 200, description = "What was taken back; with dry_run=true, what would be done", body = WipesCancelled),
        Problem
    )
)]
pub(crate) async fn cancel_wipes(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
) -> Result<Response, Problem> {
    if dry_run {
        caller
            .scope(Permission::Approve)
            .or_else(|_| caller.scope(Permission::DeleteResource))
            .or_else(|_| caller.scope(Permission::WipeDevice))?;
        return Ok(Preview::of("take back every wipe that was not sent".to_owned()));
    }
    let cancelled = engine.cancel_all_wipes(&caller).await?;
    Ok(Json(WipesCancelled { cancelled }).into_response())
}

/// How the guard of wipes stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Guard {
    /// Wipes that one person may send within an hour.
    pub per_person: u32,
    /// Wipes that one organization may have within 24 hours.
    pub per_organization: u32,
    /// Until when there are no limits; null: there are.
    pub lifted_until: Option<String>,
    /// What one person proposed and a second has to agree to.
    pub proposal: Option<GuardProposal>,
}

/// A change of the guard that takes two people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct GuardProposal {
    /// Who proposed it.
    pub by: String,
    /// When.
    pub at: Option<String>,
    /// Why.
    pub reason: String,
    /// New limits; null: they stay.
    pub per_person: Option<u32>,
    /// New limits; null: they stay.
    pub per_organization: Option<u32>,
    /// Minutes without limits; null: there are limits.
    pub lift_minutes: Option<i64>,
}

impl Guard {
    fn of(guard: Kept, now: jiff::Timestamp) -> Self {
        let proposal = guard.proposal.map(|proposal| {
            let (limits, lift) = match proposal.change {
                Change::Limits(limits) => (Some(limits), None),
                Change::Lift(time) => (None, Some(time.as_mins())),
            };
            GuardProposal {
                by: proposal.name,
                at: text(Some(proposal.at)),
                reason: proposal.reason,
                per_person: limits.map(|limits| limits.per_person),
                per_organization: limits.map(|limits| limits.per_organization),
                lift_minutes: lift,
            }
        });
        Self {
            per_person: guard.limits.per_person,
            per_organization: guard.limits.per_organization,
            lifted_until: text(guard.lifted_until.filter(|until| *until > now)),
            proposal,
        }
    }
}

/// A change of the guard: limits, or minutes without any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardChange {
    /// Wipes that one person may send within an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_person: Option<u32>,
    /// Wipes that one organization may have within 24 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_organization: Option<u32>,
    /// Minutes without limits: at most 480.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lift_minutes: Option<i64>,
    /// Why, for the record.
    pub reason: String,
}

/// Shows the guard of wipes.
#[utoipa::path(
    get,
    path = "/api/v1/guard",
    operation_id = "show_guard",
    tag = "guard",
    responses((status = 200, body = Guard), Problem)
)]
pub(crate) async fn show(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<Guard>, Problem> {
    Ok(Json(Guard::of(engine.guard(&caller).await?, engine.now())))
}

/// Changes the guard.
///
/// What tightens it holds at once. What loosens it, or lifts it for a while, waits until a second
/// person confirms it.
#[utoipa::path(
    post,
    path = "/api/v1/guard",
    operation_id = "change_guard",
    tag = "guard",
    params(DryRun, IdempotencyKey),
    request_body = GuardChange,
    responses(
        (status = 200, description = "The guard as it is now; with dry_run=true, what would be done", body = Guard),
        Problem
    )
)]
pub(crate) async fn change(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
    Body(asked): Body<GuardChange>,
) -> Result<Response, Problem> {
    caller.scope(Permission::ModifySecurity)?;
    let limits = engine.guard(&caller).await?.limits;
    let change = match (asked.per_person, asked.per_organization, asked.lift_minutes) {
        (None, None, Some(minutes)) => {
            // More than can be counted is more than is allowed.
            let seconds = minutes.checked_mul(60).unwrap_or(i64::MAX / 2);
            Change::Lift(SignedDuration::from_secs(seconds))
        }
        (None, None, None) | (.., Some(_)) => {
            return Err(Problem::invalid(
                "it names neither limits nor minutes, or both",
                "give per_person and per_organization, or lift_minutes",
            ));
        }
        (person, organization, None) => Change::Limits(Limits {
            per_person: person.unwrap_or(limits.per_person),
            per_organization: organization.unwrap_or(limits.per_organization),
        }),
    };
    if dry_run {
        return Ok(Preview::of(match change {
            Change::Limits(new) if !new.loosen(limits) => "tighten the guard at once".to_owned(),
            _ => "propose it to a second person".to_owned(),
        }));
    }
    let guard = engine.change_guard(&caller, change, &asked.reason).await?;
    Ok(Json(Guard::of(guard, engine.now())).into_response())
}

/// Agrees to what another person proposed for the guard.
#[utoipa::path(
    post,
    path = "/api/v1/guard/confirm",
    operation_id = "confirm_guard",
    tag = "guard",
    params(DryRun, IdempotencyKey),
    responses(
        (status = 200, description = "The guard as it is now; with dry_run=true, what would be done", body = Guard),
        Problem
    )
)]
pub(crate) async fn confirm(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
) -> Result<Response, Problem> {
    if dry_run {
        may_restore(&caller)?;
        return Ok(Preview::of("agree to what is proposed for the guard".to_owned()));
    }
    let guard = engine.confirm_guard(&caller).await?;
    Ok(Json(Guard::of(guard, engine.now())).into_response())
}

/// Puts the guard back in its place at once: no lift, no proposal.
#[utoipa::path(
    post,
    path = "/api/v1/guard/restore",
    operation_id = "restore_guard",
    tag = "guard",
    params(DryRun, IdempotencyKey),
    responses(
        (status = 200, description = "The guard as it is now; with dry_run=true, what would be done", body = Guard),
        Problem
    )
)]
pub(crate) async fn restore(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
) -> Result<Response, Problem> {
    if dry_run {
        may_restore(&caller)?;
        return Ok(Preview::of("end the lift and forget the proposal".to_owned()));
    }
    let guard = engine.restore_guard(&caller).await?;
    Ok(Json(Guard::of(guard, engine.now())).into_response())
}

fn may_restore(caller: &Caller) -> Result<(), Problem> {
    caller.scope(Permission::ModifySecurity).or_else(|_| caller.scope(Permission::Approve))?;
    Ok(())
}
