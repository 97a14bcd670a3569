//! The chain verified where it lies.

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use domain::{Caller, Permission};
use engine::Engine;
use serde::{Deserialize, Serialize};

use crate::{
    device::{rfc3339, text},
    parameters::{DryRun, IdempotencyKey, NoParameters, Parameters},
    preview::Preview,
    problem::Problem,
};

/// How far the chain in the database was verified. An export, verified elsewhere, proves more: this
/// is what the server says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditCheck {
    /// The last entry that is as it was written; null before the first check.
    pub verified: Option<u64>,
    /// When that was seen.
    pub at: Option<String>,
    /// When everything from the first entry on was verified last.
    pub whole_at: Option<String>,
    /// The entry that is not as it was written.
    pub broken: Option<u64>,
    /// What differs there.
    pub what: Option<String>,
    /// Whether a check is under way.
    pub running: bool,
}

/// Says how far the chain in the database was verified.
#[utoipa::path(
    get,
    path = "/api/v1/audit/check",
    operation_id = "show_audit_check",
    tag = "audit",
    responses((status = 200, body = AuditCheck), Problem)
)]
pub(crate) async fn show(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<AuditCheck>, Problem> {
    let check = engine.audit_check(&caller).await?;
    let running = engine.audit_check_under_way(&caller)?.is_some();
    let Some(check) = check else { return Ok(Json(AuditCheck { running, ..Default::default() })) };
    let (broken, what) = check.broken.map(|broken| (broken.sequence, broken.what)).unzip();
    Ok(Json(AuditCheck {
        verified: Some(check.link.sequence),
        at: Some(rfc3339(check.at)),
        whole_at: text(check.whole_at),
        broken,
        what,
        running,
    }))
}

/// Begins to verify everything in the database.
#[utoipa::path(
    post,
    path = "/api/v1/audit/check",
    operation_id = "check_audit",
    tag = "audit",
    params(DryRun, IdempotencyKey),
    responses(
        (status = 202, description = "It is under way"),
        (status = 200, description = "With dry_run=true, what would be done", body = Preview),
        Problem
    )
)]
pub(crate) async fn begin(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
) -> Result<Response, Problem> {
    if dry_run {
        caller.scope(Permission::ReadAudit)?;
        return Ok(Preview::of("verify every entry in the database".to_owned()));
    }
    engine.check_audit(&caller)?;
    Ok(StatusCode::ACCEPTED.into_response())
}
