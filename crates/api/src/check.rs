//! Preflight: what works with a connector and its account, what is missing, how to grant it.

use axum::{
    Json,
    http::header,
    response::{IntoResponse as _, Response},
};
use engine::{Family, Feature};
use serde::{Deserialize, Serialize};

use crate::{
    device::rfc3339,
    parameters::{Asked, DryRun, IdempotencyKey, Name, OfConnector},
    preview::Preview,
    problem::Problem,
};

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CheckReport {
    /// When it was found.
    pub at: String,
    /// Whether a sync can work.
    pub is_ready: bool,
    /// Whether nothing but reading can work.
    pub is_read_only: bool,
    /// What was tried, in order.
    pub steps: Vec<CheckStep>,
    /// What works with the account's permissions, and what falls away; empty if nobody could sign
    /// in.
    pub features: Vec<FeatureCheck>,
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CheckStep {
    /// What was tried.
    pub name: String,
    /// `fine`, `missing` or `failed`.
    pub result: String,
    /// What was found, and what to do.
    pub detail: Option<String>,
}

/// How it stands with one feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FeatureCheck {
    /// Which feature: `inventory`, `wipe`, …
    pub feature: String,
    /// What it is for, in one line.
    pub purpose: String,
    /// `works`, `degraded` (it works, but poorer), `missing`, or `unknown` where the account may
    /// not ask.
    pub state: String,
    /// Cmdlets that the account does not see, or whose parameters it does not:
    /// `Clear-MobileDevice -AccountOnly`.
    pub missing: Vec<String>,
    /// What falls away, or would where the feature works.
    pub consequence: String,
    /// Commands for the Exchange Management Shell that grant what is missing, in their order.
    pub grant: Vec<String>,
}

impl CheckReport {
    fn of(report: engine::CheckReport) -> Self {
        let step = |step: engine::CheckStep| CheckStep {
            name: step.name,
            result: step.result.word().to_owned(),
            detail: step.detail,
        };
        Self {
            at: rfc3339(report.at),
            is_ready: report.is_ready,
            is_read_only: report.is_read_only,
            steps: report.steps.into_iter().map(step).collect(),
            features: report.features.into_iter().map(FeatureCheck::of).collect(),
        }
    }
}

impl FeatureCheck {
    fn of(check: engine::FeatureCheck) -> Self {
        Self {
            feature: check.feature.word().to_owned(),
            purpose: check.feature.purpose().to_owned(),
            state: check.state.word().to_owned(),
            missing: check.missing,
            consequence: check.consequence,
            grant: check.grant,
        }
    }
}

/// Connects now and says what works and what is missing.
#[utoipa::path(
    post,
    path = "/api/v1/connectors/{name}/check",
    operation_id = "check_connector",
    tag = "connectors",
    params(Name, DryRun, IdempotencyKey),
    responses(
        (status = 200, description = "What was found; with dry_run=true, what would be tried", body = CheckReport),
        Problem
    )
)]
pub(crate) async fn check(asked: Asked) -> Result<Response, Problem> {
    if let Some(connector) = asked.dry_run().await? {
        return Ok(Preview::of(format!(
            "sign in to {} and look for the cmdlets that Gatepost uses",
            connector.endpoint.url()
        )));
    }
    let report = asked.engine.check_connector(&asked.caller, &asked.name).await?;
    Ok(Json(CheckReport::of(report)).into_response())
}

/// Shows what the last check found.
///
/// It is kept until the connector is changed: what was found before says nothing any more.
#[utoipa::path(
    get,
    path = "/api/v1/connectors/{name}/check",
    operation_id = "show_last_check",
    tag = "connectors",
    params(Name),
    responses((status = 200, body = CheckReport), Problem)
)]
pub(crate) async fn last(asked: OfConnector) -> Result<Json<CheckReport>, Problem> {
    let OfConnector { engine, caller, name, .. } = &asked;
    let report = engine.last_check(caller, name).await?.ok_or_else(|| {
        Problem::not_found(
            format_args!("{name} was not checked since it was added or changed"),
            &format!("POST /api/v1/connectors/{name}/check checks it now"),
        )
    })?;
    Ok(Json(CheckReport::of(report)))
}

/// What the account is to be able to do.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RoleScriptParameters {
    /// Features by their words, separated by commas; without it, all.
    #[param(example = "inventory,statistics,owners")]
    features: Option<String>,
    /// Exchange's version: `2010`, or `2013` for that and everything newer (the default).
    exchange: Option<String>,
}

/// Writes a script that gives the account of a connector exactly what it needs.
///
/// It makes management roles and a role group, and is for an administrator of Exchange to read and
/// to run in the Exchange Management Shell. Nothing is sent to Exchange.
#[utoipa::path(
    get,
    path = "/api/v1/connectors/{name}/role-script",
    operation_id = "write_role_script",
    tag = "connectors",
    params(Name, RoleScriptParameters),
    responses(
        (status = 200, description = "The script", body = String, content_type = "text/plain; charset=utf-8"),
        Problem
    )
)]
pub(crate) async fn role_script(
    asked: OfConnector<RoleScriptParameters>,
) -> Result<Response, Problem> {
    let OfConnector { engine, caller, name, parameters } = asked;
    let features = match parameters.features.as_deref() {
        None => Feature::ALL.to_vec(),
        Some(words) => words.split(',').map(feature).collect::<Result<_, _>>()?,
    };
    let family = match parameters.exchange.as_deref() {
        None | Some("2013") => Family::MobileDevice,
        Some("2010") => Family::ActiveSync,
        Some(other) => {
            return Err(Problem::invalid(
                format_args!("exchange is {other:?}"),
                "use 2010, or 2013 for that and everything newer",
            ));
        }
    };
    let script = engine.role_script(&caller, &name, &features, family).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], script).into_response())
}

fn feature(word: &str) -> Result<Feature, Problem> {
    Feature::parse(word.trim()).ok_or_else(|| {
        let known = Feature::ALL.map(Feature::word).join(", ");
        Problem::invalid(
            format_args!("there is no feature {word:?}"),
            &format!("choose of: {known}"),
        )
    })
}
