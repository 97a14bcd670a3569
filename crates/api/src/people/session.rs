//! Sessions of the console.

use axum::{Extension, Json, extract::State, response::Response};
use domain::{Caller, SessionId};
use engine::Engine;
use serde::{Deserialize, Serialize};

use super::{Changing, Identified, parsed};
use crate::{
    device::rfc3339,
    parameters::{DryRun, IdempotencyKey, NoParameters, Parameters},
    preview::Preview,
    problem::Problem,
};

/// A signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Session {
    /// Stable id; no secret.
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// How they signed in.
    pub way: String,
    /// From where.
    pub address: Option<String>,
    /// With which browser.
    pub agent: Option<String>,
    /// When it began.
    pub began: String,
    /// When it was last used, to the minute.
    pub seen: String,
    /// When it ends by itself.
    pub expires: String,
}

impl Session {
    /// Every field, in order.
    pub const FIELDS: [&'static str; 8] =
        ["id", "user", "way", "address", "agent", "began", "seen", "expires"];

    pub(crate) fn of(session: store::Session, user: String) -> Self {
        Self {
            id: session.id.to_string(),
            user,
            way: session.way,
            address: session.address,
            agent: session.agent,
            began: rfc3339(session.began),
            seen: rfc3339(session.seen),
            expires: rfc3339(session.expires),
        }
    }
}

/// Open sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SessionList {
    /// The sessions, the one used last first.
    pub sessions: Vec<Session>,
}

/// Lists everybody's open sessions.
#[utoipa::path(
    get,
    path = "/api/v1/sessions",
    operation_id = "list_sessions",
    tag = "people",
    responses((status = 200, body = SessionList), Problem)
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<SessionList>, Problem> {
    let sessions = engine.people(&caller).sessions().await?.into_iter();
    Ok(Json(SessionList { sessions: sessions.map(|(it, user)| Session::of(it, user)).collect() }))
}

/// Ends a session: one's own, or with the permission anybody's.
#[utoipa::path(
    delete,
    path = "/api/v1/sessions/{id}",
    operation_id = "end_session",
    tag = "people",
    params(Identified, DryRun, IdempotencyKey),
    responses(
        (status = 204, description = "Ended"),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn end(
    changing: Changing,
    Identified(id): Identified,
) -> Result<Response, Problem> {
    let lists = "GET /api/v1/me/sessions lists your sessions";
    let id: SessionId = parsed(id.parse(), lists)?;
    changing.people().end_session(id).await?;
    Ok(changing.done(format!("end the session {id}")))
}
