//! Reading an organization, or the devices of one person, now.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use domain::{Permission, pass::PassKind};
use serde::{Deserialize, Serialize};

use crate::{
    job::Job,
    parameters::{Asked, Body, DryRun, IdempotencyKey, Name},
    preview::Preview,
    problem::Problem,
};

/// Which sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncRequest {
    /// `full`: read everything; `delta`: what changed since; `user`: the devices of one person.
    #[serde(default = "full")]
    #[schema(example = "full")]
    pub kind: String,
    /// With `user`: an address, a logon name or a distinguished name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

fn full() -> String {
    PassKind::Full.word().to_owned()
}

/// What was read of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UserSynced {
    /// Devices of that person.
    pub devices: u64,
}

/// Starts a sync, or finds the one that is under way; reads the devices of one person at once.
#[utoipa::path(
    post,
    path = "/api/v1/connectors/{name}/sync",
    operation_id = "sync_connector",
    tag = "connectors",
    params(Name, DryRun, IdempotencyKey),
    request_body = SyncRequest,
    responses(
        (status = 202, description = "full, delta: the job to follow", body = Job),
        (status = 200, description = "user: what was read; with dry_run=true, what would be done", body = UserSynced),
        Problem
    )
)]
pub(crate) async fn sync(
    asked: Asked,
    Body(request): Body<SyncRequest>,
) -> Result<Response, Problem> {
    let wanted = Wanted::of(request)?;
    let Asked { engine, caller, name, .. } = &asked;
    if asked.dry_run().await?.is_some() {
        return Ok(Preview::of(match wanted {
            Wanted::Pass(kind) => {
                format!("start a {kind} sync of {name}, or join the one that is under way")
            }
            Wanted::User(user) => format!("read the devices of {user} again from {name}"),
        }));
    }
    match wanted {
        Wanted::Pass(kind) => {
            let id = engine.sync(caller, name, kind).await?;
            let job = engine.store().job(&caller.scope(Permission::Read)?, id).await?;
            let job = Job::of(job, Some(name.as_str()));
            let location = [(header::LOCATION, format!("/api/v1/jobs/{}", job.id))];
            Ok((StatusCode::ACCEPTED, location, Json(job)).into_response())
        }
        Wanted::User(user) => {
            let devices = engine.refresh_user(caller, name, &user).await?;
            Ok(Json(UserSynced { devices }).into_response())
        }
    }
}

/// What a request asks for.
enum Wanted {
    Pass(PassKind),
    User(String),
}

impl Wanted {
    fn of(SyncRequest { kind, user }: SyncRequest) -> Result<Self, Problem> {
        match (PassKind::from_word(&kind), user) {
            (Some(kind), None) => Ok(Self::Pass(kind)),
            (None, Some(user)) if kind == "user" => Ok(Self::User(user)),
            (None, None) if kind == "user" => Err(Problem::invalid(
                "a sync of a user names no user",
                "name the user: {\"kind\": \"user\", \"user\": \"jane@contoso.com\"}",
            )),
            (Some(kind), Some(_)) => Err(Problem::invalid(
                format_args!("a {kind} sync is of everybody, and a user is named"),
                "leave the user out, or ask for {\"kind\": \"user\"}",
            )),
            (None, _) => Err(Problem::invalid(
                format_args!("the kind of sync is {kind:?}"),
                "ask for full, delta or user: {\"kind\": \"full\"}",
            )),
        }
    }
}
