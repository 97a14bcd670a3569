//! The key that secrets are sealed with: which one it is, and another in its place.

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use domain::Caller;
use engine::{DataKeyReport, Engine, Rotated};
use serde::{Deserialize, Serialize};

use crate::{
    parameters::{DryRun, IdempotencyKey, NoParameters, Parameters},
    preview::Preview,
    problem::Problem,
};

/// The key that secrets are sealed with. The key itself is never told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DataKey {
    /// Tells it from other keys, and says nothing about it.
    pub id: String,
    /// Where it comes from.
    pub origin: String,
    /// Id of the key before it, if the server has that.
    pub previous: Option<String>,
    /// Whether the server makes a new key by itself; if not, people put one there.
    pub can_be_made: bool,
    /// Secrets there are.
    pub secrets: u64,
    /// Those that only the key before opens.
    pub behind: u64,
    /// Those that neither key opens: they must be given anew.
    pub unreadable: u64,
}

/// What a change of the key did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DataKeyRotation {
    /// Id of the key before; null if nobody knows it any more.
    pub from: Option<String>,
    /// Id of the key that every secret is sealed with now.
    pub to: String,
    /// Where the key before is kept; null if not by the server.
    pub kept_in: Option<String>,
    /// Secrets that were sealed anew.
    pub sealed: u64,
    /// Secrets that could not be opened, and stay as they are.
    pub unreadable: u64,
}

impl DataKey {
    fn of(report: DataKeyReport) -> Self {
        Self {
            id: report.key.to_string(),
            origin: report.origin,
            previous: report.previous.map(|key| key.to_string()),
            can_be_made: report.can_be_made,
            secrets: report.secrets,
            behind: report.behind,
            unreadable: report.unreadable,
        }
    }
}

impl DataKeyRotation {
    fn of(done: Rotated) -> Self {
        Self {
            from: done.from.map(|key| key.to_string()),
            to: done.to.to_string(),
            kept_in: done.kept_in,
            sealed: done.sealed,
            unreadable: done.unreadable,
        }
    }
}

/// Says which key secrets are sealed with, and whether it opens all of them.
#[utoipa::path(
    get,
    path = "/api/v1/data-key",
    operation_id = "show_data_key",
    tag = "security",
    responses((status = 200, body = DataKey), Problem)
)]
pub(crate) async fn show(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<DataKey>, Problem> {
    Ok(Json(DataKey::of(engine.data_key(&caller).await?)))
}

/// Makes a new key and seals every secret anew with it.
///
/// The key before is kept beside the new one. Cut at any point nothing is lost: the server goes on at
/// its next start, or when it is asked again.
#[utoipa::path(
    post,
    path = "/api/v1/data-key/rotate",
    operation_id = "rotate_data_key",
    tag = "security",
    params(DryRun, IdempotencyKey),
    responses(
        (status = 200, description = "What was done; with dry_run=true, what would be", body = DataKeyRotation),
        Problem
    )
)]
pub(crate) async fn rotate(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
) -> Result<Response, Problem> {
    if dry_run {
        return Ok(Preview::of(engine.preview_rotation(&caller).await?));
    }
    Ok(Json(DataKeyRotation::of(engine.rotate_data_key(&caller).await?)).into_response())
}
