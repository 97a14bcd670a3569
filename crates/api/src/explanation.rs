//! Why Exchange lets a device in or not, and what would let it in.

use axum::{
    Extension, Json,
    extract::{FromRequestParts, Path, State},
    http::request::Parts,
};
use domain::{
    AccessReason, AccessRule, Caller, DeviceId, Permission,
    access::{Agreement, decision::Step},
};
use engine::{DescribedDevice, Engine, Explained};
use serde::{Deserialize, Serialize};

use crate::{
    device::{found, rfc3339, text},
    parameters::{Body, NoParameters, OfConnector, Parameters},
    problem::Problem,
};

/// How Exchange decides about a device. Where the rules of the organization were never read, only
/// what Exchange reports is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Explanation {
    /// The decision, why, and what to do about it.
    pub sentence: String,
    /// What the rules, lists and policies come to; null where the rules were never read.
    pub decision: Option<AccessDecision>,
    /// Every step, in Exchange's order, those that were not reached included.
    pub steps: Vec<ExplanationStep>,
    /// What Exchange reports; null for a described device.
    pub reported: Option<ReportedAccess>,
    /// Whether Exchange reports what its rules say.
    pub agreement: AccessAgreement,
    /// What would let the device in, the least far-reaching first; none if it is in.
    pub remedies: Vec<Remedy>,
    /// What nobody should forget who relies on this.
    pub caveats: Vec<String>,
    /// As of when rules, policies and the default level are true.
    pub rules_as_of: Option<String>,
}

/// What Exchange decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AccessDecision {
    /// `allowed`, `blocked`, `quarantined` or `unknown`.
    pub state: String,
    /// `global`, `individual`, `rule` or `policy`; null where Exchange has no word for it.
    pub reason: Option<String>,
    /// The rule that decides, if one does.
    pub rule: Option<MatchingRule>,
}

/// A rule that names the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MatchingRule {
    /// `type`, `model`, `os`, `user_agent` or `xmswl_header`.
    pub characteristic: String,
    /// The exact value.
    pub value: String,
    /// `allow`, `block` or `quarantine`.
    pub level: String,
}

/// One step of the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ExplanationStep {
    /// `sign-in`, `activesync`, `mailbox-policy`, `personal-block`, `personal-allow`, `block-rules`,
    /// `quarantine-rules`, `allow-rules` or `default-level`.
    pub step: String,
    /// What it is called.
    pub title: String,
    /// `passed`, `decided`, `not-known` or `not-reached`.
    pub outcome: String,
    /// What happened here.
    pub detail: String,
    /// Whether this is the step that decides.
    pub decides: bool,
    /// Every rule of this step that names the device.
    pub rules: Vec<MatchingRule>,
}

/// What Exchange reports of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReportedAccess {
    /// `allowed`, `blocked`, `quarantined`, `discovery` or `unknown`.
    pub state: String,
    /// `global`, `individual`, `rule`, `policy`, `upgrade`, `autoblock` or `other`.
    pub reason: Option<String>,
    /// What Exchange calls the rule that decided.
    pub rule: Option<String>,
    /// As of when.
    pub as_of: String,
}

/// Whether Exchange reports what its rules say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AccessAgreement {
    /// Null where it cannot be told.
    pub agrees: Option<bool>,
    /// The likely causes of a difference, the likeliest first.
    pub causes: Vec<String>,
}

/// A way to let a device in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Remedy {
    /// What is to be done.
    pub sentence: String,
    /// Whom that touches.
    #[schema(example = "this device alone")]
    pub reach: String,
}

/// A device as somebody describes it; at least one of these is needed. What is left out is not
/// known, and a rule may look at it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceDescription {
    /// `iPhone`, `Android`, `Outlook`, …
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub device_type: Option<String>,
    /// Model as the client reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Operating system, the exact text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "iOS 18.1 22B83")]
    pub os: Option<String>,
    /// User agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Address or logon name of its owner, who must have a device in the inventory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The id the client chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
}

impl From<DeviceDescription> for DescribedDevice {
    fn from(described: DeviceDescription) -> Self {
        let DeviceDescription { device_type, model, os, user_agent, user, device_id } = described;
        Self { device_type, model, os, user_agent, user, device_id }
    }
}

/// Explains why Exchange lets a device in or not: the decision step by step, held against what
/// Exchange reports, and the smallest change that would let the device in.
///
/// It rests on what was read last, and asks nothing of Exchange. The id may be Gatepost's or
/// Exchange's GUID of the partnership.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{id}/explanation",
    operation_id = "explain_device",
    tag = "devices",
    params(("id" = String, Path, description = "Gatepost's id, or Exchange's GUID")),
    responses((status = 200, body = Explanation), Problem)
)]
pub(crate) async fn device(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<Explanation>, Problem> {
    let scope = caller.scope(Permission::ReadResource)?;
    let device = found(&engine, &scope, &id).await?.device;
    let known = device.id.parse().map(DeviceId).map_err(|_| Problem::internal())?;
    Ok(Json(Explanation::of(&engine.explain_device(&caller, known).await?)))
}

/// Explains what Exchange would decide about a device that is described. Changes nothing.
///
/// With a user, the lists and the policy of their mailbox count.
#[utoipa::path(
    post,
    path = "/api/v1/connectors/{name}/explain",
    operation_id = "explain_described_device",
    tag = "devices",
    params(crate::parameters::Name),
    request_body = DeviceDescription,
    responses((status = 200, body = Explanation), Problem)
)]
pub(crate) async fn described(
    Reader(asked): Reader,
    Body(description): Body<DeviceDescription>,
) -> Result<Json<Explanation>, Problem> {
    let OfConnector { engine, caller, name, .. } = &asked;
    let explained = engine.explain_described(caller, name, &description.into()).await?;
    Ok(Json(Explanation::of(&explained)))
}

/// Somebody who may see devices: refused if they may not, before what they say is looked at.
pub(crate) struct Reader(OfConnector);

impl FromRequestParts<Engine> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, Problem> {
        let caller = Extension::<Caller>::from_request_parts(parts, engine).await;
        let Extension(caller) = caller.map_err(|_| Problem::internal())?;
        caller.scope(Permission::ReadResource)?;
        Ok(Self(OfConnector::from_request_parts(parts, engine).await?))
    }
}

impl Explanation {
    fn of(explained: &Explained) -> Self {
        let owner = explained.owner.as_deref();
        let explanation = explained.explanation.as_ref();
        let steps = explanation.map(|explanation| {
            let steps = explanation.steps.iter().enumerate();
            steps.map(|(at, step)| ExplanationStep::of(step, at == explanation.deciding)).collect()
        });
        Self {
            sentence: explained.sentence(),
            decision: explanation.map(|explanation| AccessDecision {
                state: explanation.decision.state.word().to_owned(),
                reason: word(explanation.decision.reason),
                rule: explanation.decision.rule.as_ref().map(MatchingRule::of),
            }),
            steps: steps.unwrap_or_default(),
            reported: explained.device.as_ref().map(|device| ReportedAccess {
                state: device.facts.access_state.word().to_owned(),
                reason: word(device.facts.access_reason),
                rule: device.facts.access_rule.clone(),
                as_of: rfc3339(device.observed),
            }),
            agreement: AccessAgreement::of(&explained.agreement),
            remedies: explained
                .remedies
                .iter()
                .map(|remedy| Remedy {
                    sentence: remedy.sentence(owner),
                    reach: remedy.reach.to_string(),
                })
                .collect(),
            caveats: explained.caveats.clone(),
            rules_as_of: text(explained.rules_as_of),
        }
    }
}

impl ExplanationStep {
    fn of(step: &Step, decides: bool) -> Self {
        Self {
            step: step.kind.word().to_owned(),
            title: step.kind.title().to_owned(),
            outcome: step.outcome.word().to_owned(),
            detail: step.detail().to_owned(),
            decides,
            rules: step.matching.iter().map(MatchingRule::of).collect(),
        }
    }
}

impl MatchingRule {
    fn of(rule: &AccessRule) -> Self {
        Self {
            characteristic: rule.characteristic.word().to_owned(),
            value: rule.value.clone(),
            level: rule.level.word().to_owned(),
        }
    }
}

impl AccessAgreement {
    fn of(agreement: &Agreement) -> Self {
        match agreement {
            Agreement::Agrees => Self { agrees: Some(true), causes: Vec::new() },
            Agreement::CannotTell => Self { agrees: None, causes: Vec::new() },
            Agreement::Differs { causes } => Self {
                agrees: Some(false),
                causes: causes.iter().map(ToString::to_string).collect(),
            },
        }
    }
}

fn word(reason: Option<AccessReason>) -> Option<String> {
    reason.map(AccessReason::word).map(str::to_owned)
}
