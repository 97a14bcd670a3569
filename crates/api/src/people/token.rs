//! API tokens.

use axum::{Extension, Json, extract::State, response::Response};
use domain::{Caller, ConnectorName, TokenId, authority::CollectionName};
use engine::{Engine, TokenShown};
use serde::{Deserialize, Serialize};

use super::{Changing, Identified, parsed, permissions, valid, words};
use crate::{
    device::{rfc3339, text},
    parameters::{Body, DryRun, IdempotencyKey, NoParameters, Parameters},
    preview::Preview,
    problem::Problem,
};

/// An API token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Token {
    /// Stable id: what stands in the token between `gp_` and its secret.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Whose it is.
    pub owner: String,
    /// What it may do at most, and never more than its owner.
    pub permissions: Vec<String>,
    /// Where at most: everywhere, `connector NAME` or `collection NAME`.
    pub place: String,
    /// When it was made.
    pub created: String,
    /// When it ends.
    pub expires: String,
    /// When it was last used, to the minute.
    pub last_used: Option<String>,
}

impl Token {
    /// Every field, in order.
    pub const FIELDS: [&'static str; 8] =
        ["id", "name", "owner", "permissions", "place", "created", "expires", "last_used"];

    pub(crate) fn of(shown: TokenShown) -> Self {
        Self {
            id: shown.token.id.to_string(),
            name: shown.token.name,
            owner: shown.owner,
            permissions: words(shown.token.permissions),
            place: shown.place.unwrap_or_else(|| "everywhere".to_owned()),
            created: rfc3339(shown.token.created),
            expires: rfc3339(shown.token.expires),
            last_used: text(shown.token.last_used),
        }
    }
}

/// Tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokenList {
    /// The tokens, the latest first.
    pub tokens: Vec<Token>,
}

/// A token to be made.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// What it may do at most; without, `read` and `read-resource`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<String>>,
    /// Only for this connector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connector: Option<String>,
    /// Only for the devices of this collection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// In how many days it ends: 90 if nothing is said, 731 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u16>,
    /// Whose it is, if not one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// A token that was just made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MadeToken {
    /// Stable id.
    pub id: String,
    /// The token itself: it is told once and kept nowhere.
    pub token: String,
    /// When it ends.
    pub expires: String,
}

impl MadeToken {
    pub(crate) fn of(made: engine::MadeToken) -> Self {
        Self {
            id: made.kept.id.to_string(),
            token: made.token,
            expires: rfc3339(made.kept.expires),
        }
    }
}

/// Lists everybody's tokens.
#[utoipa::path(
    get,
    path = "/api/v1/tokens",
    operation_id = "list_tokens",
    tag = "people",
    responses((status = 200, body = TokenList), Problem)
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<TokenList>, Problem> {
    let tokens = engine.people(&caller).tokens().await?;
    Ok(Json(TokenList { tokens: tokens.into_iter().map(Token::of).collect() }))
}

/// Makes a token: one's own, or a user's.
#[utoipa::path(
    post,
    path = "/api/v1/tokens",
    operation_id = "make_token",
    tag = "people",
    params(DryRun, IdempotencyKey),
    request_body = NewToken,
    responses(
        (status = 201, body = MadeToken),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn make(
    changing: Changing,
    Body(new): Body<NewToken>,
) -> Result<Response, Problem> {
    let would = format!("make the token {}", new.name);
    let new = engine::NewToken {
        name: new.name,
        permissions: new.permissions.as_deref().map(permissions).transpose()?,
        connector: new.connector.as_deref().map(ConnectorName::parse).map(valid).transpose()?,
        collection: new.collection.as_deref().map(CollectionName::parse).map(valid).transpose()?,
        days: new.days,
        user: new.user,
    };
    let made = changing.people().make_token(new).await?;
    Ok(changing.made(would, (!changing.is_dry_run).then(|| MadeToken::of(made))))
}

/// Ends a token: one's own, or with the permission anybody's.
#[utoipa::path(
    delete,
    path = "/api/v1/tokens/{id}",
    operation_id = "revoke_token",
    tag = "people",
    params(Identified, DryRun, IdempotencyKey),
    responses(
        (status = 204, description = "Ended"),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn revoke(
    changing: Changing,
    Identified(id): Identified,
) -> Result<Response, Problem> {
    let lists = "GET /api/v1/me/tokens lists your tokens";
    let id: TokenId = parsed(id.parse(), lists)?;
    changing.people().revoke_token(id).await?;
    Ok(changing.done(format!("end the token {id}")))
}
