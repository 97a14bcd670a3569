//! Making plans, looking at them, applying them.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use domain::{Caller, Permission, PlanId, wish::PlanState};
use engine::{Engine, WishSource};
use serde::{Deserialize, Serialize};

use super::{
    Of, OfPlan, Patience, Plan, PlanList, PlanSummary, To, ToPlan, Wait, Waiting, parse_id, waited,
    wish::ListParameters,
};
use crate::{
    parameters::{Body, IdempotencyKey, Name, OptionalBody},
    preview::Preview,
    problem::Problem,
};

/// What a plan is made of: exactly one of text, kept, rollback and switch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kept": true}))]
pub struct PlanRequest {
    /// A wish as a file: YAML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// With text: the file goes before what was changed in the console since a file was applied.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overwrite: bool,
    /// The wish that holds, to mend drift.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub kept: bool,
    /// What was there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackTo>,
    /// The guided switch from open to quarantine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<Switch>,
}

/// The guided switch from open to quarantine: who works today is exempted first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// Devices that synced within so many days are exempted: 1 to 365.
    pub active_days: u32,
}

/// To what was there before which plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum RollbackTo {
    /// True: before the first plan that was applied.
    First(bool),
    /// Id of the plan.
    Plan(String),
}

impl PlanRequest {
    fn source(self) -> Result<WishSource, Problem> {
        let rollback = match self.rollback {
            None | Some(RollbackTo::First(false)) => None,
            Some(RollbackTo::First(true)) => Some(None),
            Some(RollbackTo::Plan(id)) => Some(Some(parse_id(&id)?)),
        };
        if self.overwrite && self.text.is_none() {
            return Err(Problem::invalid(
                "overwrite is about a file, and there is none",
                "send the file as text, or leave overwrite out",
            ));
        }
        match (self.text, self.kept, rollback, self.switch) {
            (Some(text), false, None, None) => {
                Ok(WishSource::File { text, overwrites: self.overwrite })
            }
            (None, true, None, None) => Ok(WishSource::Kept(None)),
            (None, false, Some(to), None) => Ok(WishSource::Rollback(to)),
            (None, false, None, Some(Switch { active_days })) => match active_days {
                1..=Switch::MOST_DAYS => Ok(WishSource::Switch { active_days }),
                _ => Err(Problem::invalid(
                    format_args!(
                        "switch.active_days is {active_days}, and must be from 1 to {}",
                        Switch::MOST_DAYS
                    ),
                    "correct it and send it again",
                )),
            },
            _ => Err(Problem::invalid(
                "a plan is made of exactly one of text, kept, rollback and switch",
                "send {\"text\": \"…\"} with a file, {\"kept\": true} for the wish that holds, \
                 {\"rollback\": true} for what was there before, or {\"switch\": \
                 {\"active_days\": 30}} for the switch to quarantine",
            )),
        }
    }
}

impl Switch {
    /// A device that was silent for a year is no longer at work.
    const MOST_DAYS: u32 = 365;
}

/// Makes a plan: reads Exchange and says what is not as it shall be.
///
/// Nothing is written to Exchange by it. Exchange is read in the background; the answer waits for that
/// for as long as the parameter wait says, and is the plan as it is then.
#[utoipa::path(
    post,
    path = "/api/v1/connectors/{name}/plans",
    operation_id = "make_plan",
    tag = "wishes",
    params(Name, Waiting, IdempotencyKey),
    request_body = PlanRequest,
    responses(
        (status = 202, description = "The plan; the header Location says where it stays", body = Plan),
        (status = 200, description = "With dry_run=true: no plan is made", body = Preview),
        Problem
    )
)]
pub(crate) async fn make(
    asked: To<Waiting>,
    Body(request): Body<PlanRequest>,
) -> Result<Response, Problem> {
    let To { engine, caller, name, parameters } = &asked;
    let source = request.source()?;
    if parameters.dry_run {
        asked.is_there().await?;
        return Ok(Preview::of(format!(
            "read what Exchange has of {name} and keep what is not as it shall be; nothing is \
             written to Exchange before the plan is applied"
        )));
    }
    let id = engine.plan_wish(caller, name, source).await?;
    accepted(engine, caller, id, parameters.wait()).await
}

/// Lists the plans of a connector, the latest first.
#[utoipa::path(
    get,
    path = "/api/v1/connectors/{name}/plans",
    operation_id = "list_plans",
    tag = "wishes",
    params(Name, ListParameters),
    responses((status = 200, body = PlanList), Problem)
)]
pub(crate) async fn list(asked: Of<ListParameters>) -> Result<Json<PlanList>, Problem> {
    let Of { engine, caller, name, parameters } = &asked;
    let plans = engine.plans_of_wish(caller, name, parameters.limit.0.into()).await?;
    let plans = plans.into_iter().map(|plan| PlanSummary::of(plan, name.as_str()));
    Ok(Json(PlanList { plans: plans.collect() }))
}

/// Shows one plan: what it would change, and what became of it.
#[utoipa::path(
    get,
    path = "/api/v1/plans/{id}",
    operation_id = "show_plan",
    tag = "wishes",
    params(("id" = String, Path, description = "Id of the plan"), Patience),
    responses((status = 200, body = Plan), Problem)
)]
pub(crate) async fn show(asked: OfPlan) -> Result<Json<Plan>, Problem> {
    let OfPlan { engine, caller, id, wait } = &asked;
    Ok(Json(shown(engine, caller, *id, *wait).await?))
}

/// How a plan is applied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyRequest {
    /// How many devices may change their state, where the plan's hits are more than its limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_flips: Option<u64>,
}

/// Carries a plan out, or goes on with it.
///
/// It is refused if Exchange is not as it was when the plan was made, and if more devices would change
/// their state than its limit says and nobody accepts so many. The answer waits for the end for
/// as long as the parameter wait says, and is the plan as it is then.
#[utoipa::path(
    post,
    path = "/api/v1/plans/{id}/apply",
    operation_id = "apply_plan",
    tag = "wishes",
    params(("id" = String, Path, description = "Id of the plan"), Waiting, IdempotencyKey),
    request_body = Option<ApplyRequest>,
    responses(
        (status = 202, description = "The plan; steps says what was written", body = Plan),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn apply(
    asked: ToPlan,
    OptionalBody(ApplyRequest { accept_flips }): OptionalBody<ApplyRequest>,
) -> Result<Response, Problem> {
    let ToPlan { engine, caller, id, parameters } = &asked;
    if parameters.dry_run {
        let scope = caller.scope(Permission::ModifyConnectorPolicy)?;
        engine.store().plan(&scope, *id).await?;
        let plan = shown(engine, caller, *id, Wait(0)).await?;
        let connector = &plan.summary.connector;
        return Ok(Preview::of(match plan.summary.state.as_str() {
            state if state == PlanState::Ready.word() => {
                format!("send {} writes to {connector}", plan.writes.len())
            }
            state if state == PlanState::Failed.word() => {
                format!("go on with what is not done yet at {connector}")
            }
            state => format!("be refused: the plan is {state}"),
        }));
    }
    engine.apply_plan(caller, *id, accept_flips).await.map_err(|error| match error {
        engine::Error::Refused(what) => Problem {
            remedy: "look at the plan's hits, and send accept_flips with their number if that is \
                     meant"
                .to_owned(),
            ..Problem::refused(what)
        },
        error => error.into(),
    })?;
    accepted(engine, caller, *id, parameters.wait()).await
}

async fn accepted(
    engine: &Engine,
    caller: &Caller,
    id: PlanId,
    wait: Wait,
) -> Result<Response, Problem> {
    let plan = shown(engine, caller, id, wait).await?;
    let location = [(header::LOCATION, format!("/api/v1/plans/{id}"))];
    Ok((StatusCode::ACCEPTED, location, Json(plan)).into_response())
}

async fn shown(engine: &Engine, caller: &Caller, id: PlanId, wait: Wait) -> Result<Plan, Problem> {
    let planned = waited(engine, caller, id, wait).await?;
    let connectors = engine.store().connectors(&caller.scope(Permission::Read)?).await?;
    let connector = connectors.into_iter().find(|it| it.id == planned.plan.connector);
    let name = connector.map_or_else(|| "?".to_owned(), |connector| connector.name.to_string());
    Ok(Plan::of(planned, &name))
}
