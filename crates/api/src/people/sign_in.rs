//! Signing in with name and password, for a token: what `gatepost login` does.

use std::net::SocketAddr;

use axum::{
    Extension, Json,
    extract::{ConnectInfo, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use engine::{Engine, SignInError, SignInForToken, Visit};
use serde::{Deserialize, Serialize};

use super::MadeToken;
use crate::{
    parameters::{Body, NoParameters, Parameters},
    problem::Problem,
};

/// What somebody shows to get a token of their own.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// User name.
    pub name: String,
    /// Password.
    pub password: String,
    /// Code of the phone or a recovery code, if the user has a second step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// In how many days the token ends: 1 if nothing is said, 90 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u16>,
}

/// Signs in a local user: a token that may do whatever its owner may.
#[utoipa::path(
    post,
    path = "/api/v1/sign-in",
    operation_id = "sign_in",
    tag = "people",
    request_body = SignIn,
    security(()),
    responses((status = 201, body = MadeToken), Problem)
)]
pub(crate) async fn sign_in(
    State(engine): State<Engine>,
    from: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    Body(shown): Body<SignIn>,
) -> Response {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let visit = Visit {
        address: from.map(|Extension(ConnectInfo(address))| address.ip()),
        agent: agent.map(str::to_owned),
    };
    let SignIn { name, password, code, days } = shown;
    match engine.sign_in_for_token(SignInForToken { name, password, code, days }, &visit).await {
        Ok(made) => (StatusCode::CREATED, Json(MadeToken::of(made))).into_response(),
        Err(error) => refusal(error),
    }
}

fn refusal(error: SignInError) -> Response {
    let wait = match &error {
        SignInError::TooMany(wait) => Some(wait.as_secs().max(1)),
        _ => None,
    };
    let text = error.to_string();
    let problem = match error {
        SignInError::Wrong => Problem::not_signed_in("wrong", text),
        SignInError::CodeWanted => Problem::not_signed_in("code-wanted", text),
        SignInError::TooMany(_) => Problem::too_many(text),
        SignInError::NothingAssigned(_) | SignInError::Disabled(_) => Problem::denied(text),
        SignInError::Other(error) => error.into(),
    };
    let mut response = problem.into_response();
    if let Some(wait) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
    }
    response
}
