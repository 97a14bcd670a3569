//! In which language the caller wants to be told.

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use domain::{Caller, notification::Language};
use engine::Engine;
use serde::{Deserialize, Serialize};

use super::word;
use crate::{
    parameters::{Body, DryRun, IdempotencyKey, NoParameters, Parameters},
    preview::Preview,
    problem::Problem,
};

/// In which language somebody wants to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnLanguage {
    /// `en`, `de` or `zh-Hant`; null for that of each subscription.
    #[schema(example = "de")]
    pub language: Option<String>,
}

/// Shows in which language the caller is told what happened.
#[utoipa::path(
    get,
    path = "/api/v1/me/language",
    operation_id = "show_my_language",
    tag = "notifications",
    responses((status = 200, body = OwnLanguage), Problem)
)]
pub(crate) async fn show(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<OwnLanguage>, Problem> {
    let language = engine.people(&caller).own_language().await?;
    Ok(Json(OwnLanguage { language: language.map(|it| it.to_string()) }))
}

/// Has the caller told in another language.
#[utoipa::path(
    put,
    path = "/api/v1/me/language",
    operation_id = "choose_my_language",
    tag = "notifications",
    params(DryRun, IdempotencyKey),
    request_body = OwnLanguage,
    responses(
        (status = 204, description = "Chosen"),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn choose(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
    Body(chosen): Body<OwnLanguage>,
) -> Result<Response, Problem> {
    let words: Vec<_> = Language::ALL.iter().map(|it| it.word()).collect();
    let language = chosen.language.as_deref();
    let language = language.map(|it| word("language", it, Language::from_word, &words));
    let language = language.transpose()?;
    engine.people(&caller).rehearsed_if(dry_run).set_own_language(language).await?;
    if dry_run {
        let shown = language.map_or("the language of each subscription", Language::word);
        return Ok(Preview::of(format!("have you told in {shown}")));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}
