//! A person's sign-in to a hosted organization with a code, for trying out.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use engine::{PersonSignIn, SignInState};
use serde::{Deserialize, Serialize};

use crate::{
    device::rfc3339,
    parameters::{Asked, DryRun, IdempotencyKey, Name, OfConnector},
    preview::Preview,
    problem::Problem,
};

/// A sign-in that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ConnectorSignIn {
    /// `waiting`, `done` or `failed`.
    pub state: String,
    /// Where to go and what to enter, in a sentence; null once it has ended.
    pub message: Option<String>,
    /// What to enter.
    pub code: Option<String>,
    /// Where to enter it.
    pub address: Option<String>,
    /// Until when the code is good.
    pub expires: String,
    /// Why it failed, and what to do.
    pub trouble: Option<String>,
}

impl ConnectorSignIn {
    fn of(begun: PersonSignIn) -> Self {
        let (state, trouble) = match begun.state {
            SignInState::Waiting => ("waiting", None),
            SignInState::Done => ("done", None),
            SignInState::Failed(why) => ("failed", Some(why)),
        };
        // A code that nobody can use any more is not shown.
        let is_open = state == "waiting";
        Self {
            state: state.to_owned(),
            message: Some(begun.message).filter(|_| is_open),
            code: Some(begun.code).filter(|_| is_open),
            address: Some(begun.address).filter(|_| is_open),
            expires: rfc3339(begun.expires),
            trouble,
        }
    }
}

/// Asks for a code with which a person signs in, and waits for that in the background.
///
/// For connectors whose `sign_in` is `device-code`.
#[utoipa::path(
    post,
    path = "/api/v1/connectors/{name}/sign-in",
    operation_id = "begin_connector_sign_in",
    tag = "connectors",
    params(Name, DryRun, IdempotencyKey),
    responses(
        (status = 202, description = "Where to go and what to enter", body = ConnectorSignIn),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn begin(asked: Asked) -> Result<Response, Problem> {
    if let Some(connector) = asked.dry_run().await? {
        return Ok(Preview::of(format!(
            "ask for a code with which a person signs in at {}",
            connector.endpoint.url()
        )));
    }
    let begun = asked.engine.begin_sign_in(&asked.caller, &asked.name).await?;
    Ok((StatusCode::ACCEPTED, Json(ConnectorSignIn::of(begun))).into_response())
}

/// Shows how far the last sign-in with a code has come.
#[utoipa::path(
    get,
    path = "/api/v1/connectors/{name}/sign-in",
    operation_id = "show_connector_sign_in",
    tag = "connectors",
    params(Name),
    responses((status = 200, body = ConnectorSignIn), Problem)
)]
pub(crate) async fn show(asked: OfConnector) -> Result<Json<ConnectorSignIn>, Problem> {
    let begun = asked.engine.sign_in_begun(&asked.caller, &asked.name).await?;
    Ok(Json(ConnectorSignIn::of(begun)))
}
