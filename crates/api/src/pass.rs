//! Passes: the readings of an organization.

use axum::Json;
use domain::pass;
use serde::{Deserialize, Serialize};

use crate::{
    device::{rfc3339, text},
    job::LatestParameters,
    parameters::{Name, OfConnector},
    problem::Problem,
};

/// One reading of an organization and how it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Pass {
    /// Stable id.
    pub id: String,
    /// `full` or `delta`.
    pub kind: String,
    /// When it began: what it read is true as of then.
    pub started: String,
    /// When it ended.
    pub finished: Option<String>,
    /// `complete`, `incomplete` or `failed`; null while it runs.
    pub outcome: Option<String>,
    /// Devices read.
    pub devices: u64,
    /// Devices that were not in the inventory before.
    pub added: u64,
    /// Devices whose facts differ from before.
    pub changed: u64,
    /// Devices marked as gone.
    pub gone: u64,
    /// Objects that could not be understood.
    pub poisoned: u64,
    /// Mailboxes read.
    pub mailboxes: u64,
    /// Statistics read.
    pub statistics: u64,
    /// Devices left out: of users that the connector does not look at.
    pub skipped: u64,
    /// Cmdlets sent.
    pub cmdlets: u64,
    /// Milliseconds by which Exchange slowed them down, as far as it says so.
    pub delayed_ms: u64,
    /// Sessions that were lost or refused and opened anew.
    pub sessions_lost: u64,
    /// Address it was read from last.
    pub endpoint: Option<String>,
}

impl Pass {
    /// The one translation of a pass into JSON.
    fn of(pass: &pass::Pass) -> Self {
        let counts = pass.counts;
        Self {
            id: pass.id.to_string(),
            kind: pass.kind.word().to_owned(),
            started: rfc3339(pass.started),
            finished: text(pass.finished),
            outcome: pass.outcome.map(|outcome| outcome.word().to_owned()),
            devices: counts.devices,
            added: counts.added,
            changed: counts.changed,
            gone: counts.gone,
            poisoned: counts.poisoned,
            mailboxes: counts.mailboxes,
            statistics: counts.statistics,
            skipped: counts.skipped,
            cmdlets: pass.cost.cmdlets,
            delayed_ms: pass.cost.delayed_ms,
            sessions_lost: pass.cost.sessions_lost,
            endpoint: pass.endpoint.clone(),
        }
    }
}

/// The latest passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PassList {
    /// The passes, the latest first.
    pub passes: Vec<Pass>,
}

/// Lists the latest passes of a connector.
#[utoipa::path(
    get,
    path = "/api/v1/connectors/{name}/passes",
    operation_id = "list_passes",
    tag = "connectors",
    params(Name, LatestParameters),
    responses((status = 200, body = PassList), Problem)
)]
pub(crate) async fn list(asked: OfConnector<LatestParameters>) -> Result<Json<PassList>, Problem> {
    let (scope, connector) = asked.connector().await?;
    let (store, limit) = (asked.engine.store(), asked.parameters.limit.0.into());
    let passes = store.passes(&scope, connector.id, limit).await?;
    Ok(Json(PassList { passes: passes.iter().map(Pass::of).collect() }))
}
