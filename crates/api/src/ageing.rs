//! Ageing: devices that did nothing for long leave the inventory.

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use engine::AgeingPreview;
use serde::{Deserialize, Serialize};

use crate::{
    parameters::{Asked, DryRun, IdempotencyKey, Name, OfConnector},
    preview::Preview,
    problem::Problem,
};

/// What ageing would do now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Ageing {
    /// After how many days without activity devices leave; null: never.
    pub inactive_days: Option<u16>,
    /// Devices that would leave now.
    pub would_leave: u64,
    /// Devices that have left.
    pub have_left: u64,
}

/// What ageing did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Aged {
    /// Devices that left.
    pub left: u64,
}

/// Says which devices would leave the inventory for want of activity.
#[utoipa::path(
    get,
    path = "/api/v1/connectors/{name}/ageing",
    operation_id = "preview_ageing",
    tag = "connectors",
    params(Name),
    responses((status = 200, body = Ageing), Problem)
)]
pub(crate) async fn preview(asked: OfConnector) -> Result<Json<Ageing>, Problem> {
    let AgeingPreview { inactive_days, would_leave, have_left } =
        asked.engine.preview_ageing(&asked.caller, &asked.name).await?;
    Ok(Json(Ageing { inactive_days, would_leave, have_left }))
}

/// Lets devices leave the inventory now that did nothing for too long.
///
/// They come back when they do something.
#[utoipa::path(
    post,
    path = "/api/v1/connectors/{name}/ageing",
    operation_id = "age_now",
    tag = "connectors",
    params(Name, DryRun, IdempotencyKey),
    responses(
        (status = 200, description = "How many left; with dry_run=true, how many would", body = Aged),
        Problem
    )
)]
pub(crate) async fn now(asked: Asked) -> Result<Response, Problem> {
    let Asked { engine, caller, name, .. } = &asked;
    if asked.dry_run().await?.is_some() {
        let leave = engine.preview_ageing(caller, name).await?.would_leave;
        return Ok(Preview::of(format!("let {leave} devices leave the inventory of {name}")));
    }
    let left = engine.age_now(caller, name).await?;
    Ok(Json(Aged { left }).into_response())
}
