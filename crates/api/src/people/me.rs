//! What everybody sees and changes of themselves.

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use domain::{Caller, Permission, authority::Place};
use engine::Engine;
use serde::{Deserialize, Serialize};

use super::{Changing, SessionList, TokenList, session::Session, token::Token, user::User, words};
use crate::{
    parameters::{Body, DryRun, IdempotencyKey, NoParameters, Parameters},
    preview::Preview,
    problem::Problem,
};

/// Who asks, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Me {
    /// Stable id.
    pub id: String,
    /// Name in lists and records.
    pub name: String,
    /// What they may do somewhere.
    pub permissions: Vec<String>,
    /// What they may do everywhere.
    pub everywhere: Vec<String>,
    /// The user; null for the holder of the server's own token.
    pub user: Option<User>,
}

/// The caller's present password and another one.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnPassword {
    /// The present password.
    pub old: String,
    /// At least 12 characters.
    pub new: String,
}

/// Proof that it is the caller.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordProof {
    /// The present password.
    pub password: String,
}

/// A second step to be set up: told once.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NewTotp {
    /// The secret, to be typed into an application that shows codes.
    pub secret: String,
    /// The same as an address, to be shown as a QR code and scanned.
    pub address: String,
}

/// A code that the application shows.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpCode {
    /// Six digits.
    pub code: String,
}

/// Codes for when the phone is lost: told once, each good once.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RecoveryCodes {
    /// The codes.
    pub recovery_codes: Vec<String>,
}

/// Shows who asks, and what they may do.
#[utoipa::path(
    get,
    path = "/api/v1/me",
    operation_id = "show_me",
    tag = "people",
    responses((status = 200, body = Me), Problem)
)]
pub(crate) async fn show(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<Me>, Problem> {
    let user = engine.people(&caller).me().await?.map(User::of);
    let may = Permission::ALL.iter().copied().filter(|permission| caller.may(*permission));
    let everywhere = caller.grants.iter().filter(|grant| grant.place == Place::Everywhere);
    let everywhere =
        everywhere.fold(domain::Permissions::default(), |all, grant| all.union(grant.permissions));
    Ok(Json(Me {
        id: caller.person.to_string(),
        permissions: words(may.collect()),
        everywhere: words(everywhere),
        name: caller.name,
        user,
    }))
}

/// Changes the caller's own password, and ends their sessions.
#[utoipa::path(
    post,
    path = "/api/v1/me/password",
    operation_id = "change_my_password",
    tag = "people",
    params(DryRun, IdempotencyKey),
    request_body = OwnPassword,
    responses(
        (status = 204, description = "Changed"),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn password(
    changing: Changing,
    Body(own): Body<OwnPassword>,
) -> Result<Response, Problem> {
    changing.people().change_own_password(&own.old, &own.new, None).await?;
    Ok(changing.done("change your password and end your sessions".to_owned()))
}

/// Lists the caller's own tokens.
#[utoipa::path(
    get,
    path = "/api/v1/me/tokens",
    operation_id = "list_my_tokens",
    tag = "people",
    responses((status = 200, body = TokenList), Problem)
)]
pub(crate) async fn tokens(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<TokenList>, Problem> {
    let tokens = engine.people(&caller).own_tokens().await?;
    Ok(Json(TokenList { tokens: tokens.into_iter().map(Token::of).collect() }))
}

/// Lists the caller's own open sessions.
#[utoipa::path(
    get,
    path = "/api/v1/me/sessions",
    operation_id = "list_my_sessions",
    tag = "people",
    responses((status = 200, body = SessionList), Problem)
)]
pub(crate) async fn sessions(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<SessionList>, Problem> {
    let sessions = engine.people(&caller).own_sessions().await?.into_iter();
    let sessions = sessions.map(|it| Session::of(it, caller.name.clone())).collect();
    Ok(Json(SessionList { sessions }))
}

/// Offers a second step for signing in: it is asked for once a code of it was sent.
#[utoipa::path(
    post,
    path = "/api/v1/me/totp",
    operation_id = "offer_my_totp",
    tag = "people",
    params(DryRun, IdempotencyKey),
    responses(
        (status = 201, body = NewTotp),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn offer_totp(changing: Changing) -> Result<Response, Problem> {
    let offer = changing.people().offer_totp().await?;
    let made = NewTotp { secret: offer.secret, address: offer.address };
    let would = "offer a second step, which a code then confirms".to_owned();
    Ok(changing.made(would, (!changing.is_dry_run).then_some(made)))
}

/// Takes the first code of the second step. From now on one is asked for.
#[utoipa::path(
    post,
    path = "/api/v1/me/totp/confirm",
    operation_id = "confirm_my_totp",
    tag = "people",
    params(DryRun, IdempotencyKey),
    request_body = TotpCode,
    responses(
        (status = 200, description = "Set up; with dry_run=true, what would be done", body = RecoveryCodes),
        Problem
    )
)]
pub(crate) async fn confirm_totp(
    changing: Changing,
    Body(shown): Body<TotpCode>,
) -> Result<Response, Problem> {
    let recovery_codes = changing.people().confirm_totp(&shown.code).await?;
    if changing.is_dry_run {
        return Ok(Preview::of("ask for a code at each sign-in".to_owned()));
    }
    Ok(Json(RecoveryCodes { recovery_codes }).into_response())
}

/// Removes the caller's second step.
#[utoipa::path(
    post,
    path = "/api/v1/me/totp/remove",
    operation_id = "remove_my_totp",
    tag = "people",
    params(DryRun, IdempotencyKey),
    request_body = PasswordProof,
    responses(
        (status = 204, description = "Removed"),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn remove_totp(
    changing: Changing,
    Body(proof): Body<PasswordProof>,
) -> Result<Response, Problem> {
    changing.people().remove_own_totp(&proof.password).await?;
    Ok(changing.done("ask for no code any more".to_owned()))
}
