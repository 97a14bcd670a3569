//! What an organization shall be: the wish that holds, plans, drift, settings and access rules.
//!
//! Reading takes the permission to read the connector. Planning, importing and looking make Exchange
//! work, and applying changes it: they take the permission to change what a connector wishes.

mod catalogue;
pub(crate) mod drift;
mod plan;
pub(crate) mod plans;
pub(crate) mod rules;
pub(crate) mod settings;
pub(crate) mod wish;

pub use catalogue::{Setting, SettingList, Takes};
pub use drift::{Drift, Drifted};
pub use plan::{
    Flip, HitGroup, Plan, PlanChange, PlanHits, PlanList, PlanStep, PlanSummary, WishProblem,
};
pub use plans::{ApplyRequest, PlanRequest, RollbackTo, Switch};
pub use rules::{
    AccessRule, AccessRuleList, ExactRule, RuleTest, TestedRule, TestedRules, WrittenRule,
};
pub use settings::{ConnectorSetting, ConnectorSettings};
pub use wish::{Import, Imported, Wish, WishList};

use std::time::Duration;

use axum::{
    Extension,
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use domain::{Caller, ConnectorName, Permission, PlanId};
use engine::{Engine, PlannedWish};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use crate::{
    parameters::{DryRun, Name, NoParameters, Parameters},
    problem::Problem,
};

/// Something that somebody wants to know of what a connector wishes: refused if they may not, before
/// anything else is looked at.
pub(crate) struct Of<P = NoParameters> {
    pub(crate) engine: Engine,
    pub(crate) caller: Caller,
    pub(crate) name: ConnectorName,
    pub(crate) parameters: P,
}

/// Something that somebody wants to do about it.
pub(crate) struct To<P = DryRun> {
    pub(crate) engine: Engine,
    pub(crate) caller: Caller,
    pub(crate) name: ConnectorName,
    pub(crate) parameters: P,
}

/// Something that somebody wants to know of a plan.
pub(crate) struct OfPlan {
    pub(crate) engine: Engine,
    pub(crate) caller: Caller,
    pub(crate) id: PlanId,
    pub(crate) wait: Wait,
}

/// Something that somebody wants to do with a plan.
pub(crate) struct ToPlan {
    pub(crate) engine: Engine,
    pub(crate) caller: Caller,
    pub(crate) id: PlanId,
    pub(crate) parameters: Waiting,
}

impl<P: DeserializeOwned> FromRequestParts<Engine> for Of<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, Problem> {
        let caller = allowed(parts, engine, Permission::Read).await?;
        let Name(name) = Name::from_request_parts(parts, engine).await?;
        let Parameters(parameters) = Parameters::from_request_parts(parts, engine).await?;
        Ok(Self { engine: engine.clone(), caller, name, parameters })
    }
}

impl<P: DeserializeOwned> FromRequestParts<Engine> for To<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, Problem> {
        let caller = allowed(parts, engine, Permission::ModifyConnectorPolicy).await?;
        let Name(name) = Name::from_request_parts(parts, engine).await?;
        let Parameters(parameters) = Parameters::from_request_parts(parts, engine).await?;
        Ok(Self { engine: engine.clone(), caller, name, parameters })
    }
}

impl<P> To<P> {
    /// That the connector is there, for whoever only wants to hear what would be done.
    pub(crate) async fn is_there(&self) -> Result<(), Problem> {
        let scope = self.caller.scope(Permission::ModifyConnectorPolicy)?;
        self.engine.store().connector(&scope, &self.name).await?;
        Ok(())
    }
}

impl FromRequestParts<Engine> for OfPlan {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, Problem> {
        let caller = allowed(parts, engine, Permission::Read).await?;
        let id = plan_id(parts, engine).await?;
        let Parameters(Patience { wait }) = Parameters::from_request_parts(parts, engine).await?;
        Ok(Self { engine: engine.clone(), caller, id, wait: wait.unwrap_or(Wait(0)) })
    }
}

impl FromRequestParts<Engine> for ToPlan {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, Problem> {
        let caller = allowed(parts, engine, Permission::ModifyConnectorPolicy).await?;
        let id = plan_id(parts, engine).await?;
        let Parameters(parameters) = Parameters::from_request_parts(parts, engine).await?;
        Ok(Self { engine: engine.clone(), caller, id, parameters })
    }
}

async fn allowed(
    parts: &mut Parts,
    engine: &Engine,
    permission: Permission,
) -> Result<Caller, Problem> {
    let caller = Extension::<Caller>::from_request_parts(parts, engine).await;
    let Extension(caller) = caller.map_err(|_| Problem::internal())?;
    caller.scope(permission)?;
    Ok(caller)
}

async fn plan_id(parts: &mut Parts, engine: &Engine) -> Result<PlanId, Problem> {
    let Path(text) = Path::<String>::from_request_parts(parts, engine)
        .await
        .map_err(|error| Problem::invalid(error, "correct the address"))?;
    parse_id(&text)
}

pub(crate) fn parse_id(text: &str) -> Result<PlanId, Problem> {
    text.parse().map_err(|_| {
        Problem::not_found(
            format_args!("{text:?} is no id of a plan"),
            "GET /api/v1/connectors/{name}/plans lists the plans of a connector",
        )
    })
}

/// How many seconds to wait for something to settle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wait(u8);

impl Wait {
    /// Small organizations are read in this time, and no proxy on the way gives up within it.
    const USUAL: Self = Self(20);
    const MAXIMUM: u8 = 60;
}

impl<'de> Deserialize<'de> for Wait {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.parse() {
            Ok(seconds @ 0..=Self::MAXIMUM) => Ok(Self(seconds)),
            _ => Err(serde::de::Error::custom(format!(
                "wait is {text:?}, and must be a number of seconds from 0 to {}",
                Self::MAXIMUM
            ))),
        }
    }
}

/// How long a reader waits.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Patience {
    /// Answer when nothing more happens by itself, or after so many seconds: 0 to 60, 0 without it.
    #[param(value_type = Option<u8>)]
    wait: Option<Wait>,
}

/// Whether it is to be done, and how long to wait for its end.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Waiting {
    /// Say what would happen, and do nothing.
    #[serde(default)]
    pub(crate) dry_run: bool,
    /// Answer when nothing more happens by itself, or after so many seconds: 0 to 60, 20 without it.
    #[param(value_type = Option<u8>)]
    wait: Option<Wait>,
}

impl Waiting {
    pub(crate) fn wait(&self) -> Wait {
        self.wait.unwrap_or(Wait::USUAL)
    }
}

/// A plan when it has settled, or as it is when nobody wants to wait any more.
pub(crate) async fn waited(
    engine: &Engine,
    caller: &Caller,
    id: PlanId,
    Wait(seconds): Wait,
) -> Result<PlannedWish, Problem> {
    let settled = engine.plan_settled(caller, id);
    match tokio::time::timeout(Duration::from_secs(seconds.into()), settled).await {
        Ok(settled) => Ok(settled?),
        Err(_) => Ok(engine.plan_of_wish(caller, id).await?),
    }
}
