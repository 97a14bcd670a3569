//! The wish that holds, those before it, and what Exchange has now as a file.

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};

use super::{Of, To};
use crate::{
    device::rfc3339,
    parameters::{DryRun, IdempotencyKey, Limit, Name, OptionalBody},
    problem::Problem,
};

/// A wish that was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Wish {
    /// From 1; each wish that is applied is a new one.
    pub revision: u64,
    /// The wish as it was written: YAML.
    pub text: String,
    /// `file`, `console` or `rollback`.
    pub origin: String,
    /// The plan that brought it.
    pub plan: String,
    /// Who had it applied.
    pub by: String,
    /// When.
    pub kept: String,
}

/// Wishes, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WishList {
    /// The wishes.
    pub revisions: Vec<Wish>,
}

impl Wish {
    fn of(kept: store::Revision) -> Self {
        Self {
            revision: kept.revision,
            text: kept.text,
            origin: kept.origin.word().to_owned(),
            plan: kept.plan.to_string(),
            by: kept.person_name,
            kept: rfc3339(kept.kept),
        }
    }
}

/// Shows the wish that holds.
#[utoipa::path(
    get,
    path = "/api/v1/connectors/{name}/wish",
    operation_id = "show_wish",
    tag = "wishes",
    params(Name),
    responses((status = 200, body = Wish), Problem)
)]
pub(crate) async fn show(asked: Of) -> Result<Json<Wish>, Problem> {
    let Of { engine, caller, name, .. } = &asked;
    let kept = engine.wish(caller, name).await?.ok_or_else(|| {
        Problem::not_found(
            format_args!("nothing was applied to {name} yet"),
            &format!(
                "POST /api/v1/connectors/{name}/wish/import writes down what Exchange has; plan \
                 and apply that"
            ),
        )
    })?;
    Ok(Json(Wish::of(kept)))
}

/// How many revisions.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParameters {
    /// Most to be listed: 1 to 1000, 100 without it.
    #[serde(default)]
    #[param(value_type = Option<u16>)]
    pub(crate) limit: Limit,
}

/// Lists the wishes that held, the latest first.
#[utoipa::path(
    get,
    path = "/api/v1/connectors/{name}/wish/revisions",
    operation_id = "list_wish_revisions",
    tag = "wishes",
    params(Name, ListParameters),
    responses((status = 200, body = WishList), Problem)
)]
pub(crate) async fn revisions(asked: Of<ListParameters>) -> Result<Json<WishList>, Problem> {
    let Of { engine, caller, name, parameters } = &asked;
    let kept = engine.wishes(caller, name, parameters.limit.0.into()).await?;
    Ok(Json(WishList { revisions: kept.into_iter().map(Wish::of).collect() }))
}

/// What is known before an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// The file as it is: its comments are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

/// What Exchange has now, as a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Imported {
    /// The file: YAML.
    pub text: String,
    /// How many rules are in Gatepost's care from now on: taken out of the file, they are removed.
    pub adopted: u64,
    /// What is in Exchange and could not be written down.
    pub left_out: Vec<String>,
}

/// Writes down what Exchange has now, so that the first plan is empty.
///
/// The rules that are written down are taken into care: a rule that is taken out of the file later is
/// removed from Exchange. With dry_run=true nothing is taken into care. Nothing changes in Exchange.
#[utoipa::path(
    post,
    path = "/api/v1/connectors/{name}/wish/import",
    operation_id = "import_wish",
    tag = "wishes",
    params(Name, DryRun, IdempotencyKey),
    request_body = Option<Import>,
    responses(
        (status = 200, description = "The file; with dry_run=true the same, and nothing is adopted", body = Imported),
        Problem
    )
)]
pub(crate) async fn import(
    asked: To,
    OptionalBody(Import { before }): OptionalBody<Import>,
) -> Result<Response, Problem> {
    let To { engine, caller, name, parameters } = &asked;
    let before = before.as_deref();
    let imported = match parameters.dry_run {
        true => engine.preview_import(caller, name, before).await?,
        false => engine.import_wish(caller, name, before).await?,
    };
    let engine::Imported { text, adopted, left_out } = imported;
    Ok(Json(Imported { text, adopted, left_out }).into_response())
}
