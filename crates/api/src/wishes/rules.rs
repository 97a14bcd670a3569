//! Access rules: those that Exchange has, and what written ones would come to.

use axum::Json;
use domain::{AccessLevel, Characteristic, access::Selector};
use engine::{KnownRule, RuleSource};
use serde::{Deserialize, Serialize};

use super::{Of, To, WishProblem, settings::not_read};
use crate::{
    device::rfc3339,
    notifications::word,
    parameters::{Body, DryRun, IdempotencyKey, Name},
    problem::Problem,
};

/// The access rules that Exchange has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AccessRuleList {
    /// When Exchange was read.
    pub observed: String,
    /// The rules, as Exchange lists them.
    pub rules: Vec<AccessRule>,
}

/// An access rule of Exchange's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AccessRule {
    /// Exchange's GUID of it.
    pub id: String,
    /// What Exchange calls it.
    pub name: String,
    /// `type`, `model`, `os`, `user_agent` or `xmswl_header`; null for a word that is not known.
    pub characteristic: Option<String>,
    /// The exact value.
    pub value: Option<String>,
    /// `allow`, `block` or `quarantine`.
    pub level: Option<String>,
    /// Devices that it names.
    pub devices: u64,
    /// Whether Gatepost looks after it; one made by hand is left alone.
    pub in_care: bool,
    /// The rule of the wish that it comes from: `os: iOS < 17.4`.
    pub written: Option<String>,
}

impl AccessRule {
    /// The fields, in their order.
    pub const FIELDS: [&str; 8] =
        ["characteristic", "value", "level", "devices", "in_care", "written", "name", "id"];

    fn of(known: KnownRule) -> Self {
        let rule = known.rule.rule;
        Self {
            id: known.rule.guid.to_string(),
            name: known.rule.name,
            characteristic: rule.as_ref().map(|rule| rule.characteristic.word().to_owned()),
            level: rule.as_ref().map(|rule| rule.level.word().to_owned()),
            value: rule.map(|rule| rule.value),
            devices: known.devices,
            in_care: known.is_in_care,
            written: known.written.map(|rule| rule.to_string()),
        }
    }
}

/// Lists the access rules that Exchange had when it was read last, with the devices that each names.
#[utoipa::path(
    get,
    path = "/api/v1/connectors/{name}/rules",
    operation_id = "list_access_rules",
    tag = "wishes",
    params(Name),
    responses((status = 200, body = AccessRuleList), Problem)
)]
pub(crate) async fn list(asked: Of) -> Result<Json<AccessRuleList>, Problem> {
    let Of { engine, caller, name, .. } = &asked;
    let known = engine.access_rules(caller, name).await?.ok_or_else(|| not_read(name))?;
    Ok(Json(AccessRuleList {
        observed: rfc3339(known.observed),
        rules: known.rules.into_iter().map(AccessRule::of).collect(),
    }))
}

/// Rules to be tried: exactly one of rules and text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"rules": [{"os": "iOS < 17.4", "level": "block"}]}))]
pub struct RuleTest {
    /// The rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<WrittenRule>>,
    /// A wish as a file, YAML, whose rules are meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A rule as a file has it: one of what it looks at, and a level.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrittenRule {
    /// The type of a device.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub device_type: Option<String>,
    /// Its model, such as `SM-*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Its operating system, such as `iOS < 17.4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// Its user agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The header of Windows clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xmswl_header: Option<String>,
    /// `allow`, `block` or `quarantine`.
    pub level: String,
}

impl WrittenRule {
    fn read(self, index: usize) -> Result<domain::access::WrittenRule, Problem> {
        let levels = AccessLevel::ALL.iter().map(|level| level.word()).collect::<Vec<_>>();
        let field = format!("rules[{index}].level");
        let level = word(&field, &self.level, AccessLevel::from_word, &levels)?;
        let mut given = [
            (Characteristic::Type, self.device_type),
            (Characteristic::Model, self.model),
            (Characteristic::Os, self.os),
            (Characteristic::UserAgent, self.user_agent),
            (Characteristic::WindowsLiveHeader, self.xmswl_header),
        ]
        .into_iter()
        .filter_map(|(characteristic, text)| Some((characteristic, text?)));
        let (Some((characteristic, text)), None) = (given.next(), given.next()) else {
            return Err(Problem::invalid(
                format_args!(
                    "rules[{index}] looks at one of type, model, os, user_agent, xmswl_header"
                ),
                "write a rule for each",
            ));
        };
        let selector = Selector::parse(characteristic, &text).map_err(|error| {
            Problem::invalid(
                format_args!("rules[{index}].{characteristic}: {error}"),
                "correct it and send it again",
            )
        })?;
        Ok(domain::access::WrittenRule { selector, level })
    }
}

/// What rules that were tried come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TestedRules {
    /// The rules, in the order written.
    pub rules: Vec<TestedRule>,
    /// The exact rules that Exchange would have.
    pub exact: Vec<ExactRule>,
    /// Why they cannot be applied.
    pub problems: Vec<WishProblem>,
    /// What is worth knowing and no obstacle.
    pub notes: Vec<String>,
}

/// A rule that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TestedRule {
    /// As a file has it: `os: iOS < 17.4`.
    pub rule: String,
    /// What happens.
    pub level: String,
    /// Where it stands in a file.
    pub line: Option<usize>,
    /// Values seen that it matches.
    pub values: usize,
    /// Devices that have one of these.
    pub devices: u64,
    /// Exact rules that come of it: fewer than values where another written rule has some.
    pub exact_rules: usize,
}

/// A rule as Exchange would have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ExactRule {
    /// What it looks at.
    pub characteristic: String,
    /// The exact value.
    pub value: String,
    /// What happens.
    pub level: String,
    /// Devices that it names.
    pub devices: u64,
    /// The index of the written rule it comes from.
    pub rule: usize,
}

impl TestedRules {
    fn of(tested: engine::TestedRules) -> Self {
        let written = tested.written.into_iter().map(|one| TestedRule {
            rule: one.rule.to_string(),
            level: one.rule.level.word().to_owned(),
            line: one.line,
            values: one.gain.values,
            devices: one.gain.devices,
            exact_rules: one.gain.rules,
        });
        let exact = tested.exact.into_iter().map(|one| ExactRule {
            characteristic: one.rule.characteristic.word().to_owned(),
            value: one.rule.value,
            level: one.rule.level.word().to_owned(),
            devices: one.devices,
            rule: one.written,
        });
        Self {
            rules: written.collect(),
            exact: exact.collect(),
            problems: tested.problems.into_iter().map(WishProblem::of).collect(),
            notes: tested.notes,
        }
    }
}

/// Says what rules would come to: which exact rules, of how many values and devices.
///
/// Nothing is changed by it, with dry_run or without. Exchange is asked which types and models it has
/// seen where a rule has a pattern of these.
#[utoipa::path(
    post,
    path = "/api/v1/connectors/{name}/rules/test",
    operation_id = "test_access_rules",
    tag = "wishes",
    params(Name, DryRun, IdempotencyKey),
    request_body = RuleTest,
    responses((status = 200, body = TestedRules), Problem)
)]
pub(crate) async fn test(
    asked: To,
    Body(RuleTest { rules, text }): Body<RuleTest>,
) -> Result<Json<TestedRules>, Problem> {
    let To { engine, caller, name, .. } = &asked;
    let source = match (rules, text) {
        (Some(rules), None) => {
            let rules = rules.into_iter().enumerate().map(|(index, rule)| rule.read(index));
            RuleSource::Written(rules.collect::<Result<_, _>>()?)
        }
        (None, Some(text)) => RuleSource::File(text),
        _ => {
            return Err(Problem::invalid(
                "what is to be tried is exactly one of rules and text",
                "send {\"rules\": [{\"os\": \"iOS < 17.4\", \"level\": \"block\"}]}, or a file as \
                 text",
            ));
        }
    };
    let tested = engine.test_rules(caller, name, source).await?;
    Ok(Json(TestedRules::of(tested)))
}
