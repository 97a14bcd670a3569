//! What is not as it was written down, and who made it otherwise.

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};

use super::{Of, To, WishProblem, plan};
use crate::{
    device::{rfc3339, text},
    parameters::{DryRun, IdempotencyKey, Name},
    preview::Preview,
    problem::Problem,
};

/// What a look for drift found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Drift {
    /// When Exchange was read.
    pub checked: String,
    /// What is not as it was written down.
    pub drifted: Vec<Drifted>,
    /// Why the wish does not fit this Exchange any more.
    pub problems: Vec<WishProblem>,
    /// Why Exchange could not be read the last time; what stands here is from before.
    pub trouble: Option<String>,
}

/// Something that is not as it was written down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Drifted {
    /// What kind of thing, as in a plan's changes.
    pub thing: String,
    /// What people call it.
    pub name: String,
    /// What it is; null where it is not there.
    pub is: Option<serde_json::Value>,
    /// What it shall be; null where it shall not be there.
    pub shall_be: Option<serde_json::Value>,
    /// When it was seen first.
    pub since: String,
    /// Who wrote it, as far as Exchange says.
    pub writer: Option<String>,
    /// When they did.
    pub written: Option<String>,
    /// All of it in one sentence.
    pub sentence: String,
}

impl Drift {
    fn of(drift: engine::Drift) -> Self {
        Self {
            checked: rfc3339(drift.checked),
            drifted: drift.drifted.iter().map(Drifted::of).collect(),
            problems: drift.problems.into_iter().map(WishProblem::of).collect(),
            trouble: drift.trouble,
        }
    }
}

impl Drifted {
    fn of(one: &engine::Drifted) -> Self {
        let change = &one.change;
        Self {
            thing: plan::thing(&change.thing).to_owned(),
            name: engine::name_of(&change.thing),
            is: change.before.as_ref().map(plan::value),
            shall_be: change.after.as_ref().map(plan::value),
            since: rfc3339(one.since),
            writer: one.writer.clone(),
            written: text(one.written),
            sentence: one.sentence(),
        }
    }
}

/// Shows what the last look for drift found.
///
/// Exchange is looked at every hour once a wish was applied.
#[utoipa::path(
    get,
    path = "/api/v1/connectors/{name}/drift",
    operation_id = "show_drift",
    tag = "wishes",
    params(Name),
    responses((status = 200, body = Drift), Problem)
)]
pub(crate) async fn show(asked: Of) -> Result<Json<Drift>, Problem> {
    let Of { engine, caller, name, .. } = &asked;
    let drift = engine.drift(caller, name).await?.ok_or_else(|| {
        Problem::not_found(
            format_args!("nothing was applied to {name} yet, so nothing can drift"),
            "import, plan and apply first",
        )
    })?;
    Ok(Json(Drift::of(drift)))
}

/// Compares Exchange with the wish that holds, now.
#[utoipa::path(
    post,
    path = "/api/v1/connectors/{name}/drift",
    operation_id = "check_drift",
    tag = "wishes",
    params(Name, DryRun, IdempotencyKey),
    responses(
        (status = 200, description = "What is not as it was written down; with dry_run=true, what would be done", body = Drift),
        Problem
    )
)]
pub(crate) async fn check(asked: To) -> Result<Response, Problem> {
    let To { engine, caller, name, parameters } = &asked;
    if parameters.dry_run {
        asked.is_there().await?;
        return Ok(Preview::of(format!(
            "read what Exchange has of {name} and compare it with the wish that holds"
        )));
    }
    let drift = engine.check_drift(caller, name).await?;
    Ok(Json(Drift::of(drift)).into_response())
}
