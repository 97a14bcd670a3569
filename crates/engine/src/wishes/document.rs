//! Plans, steps and observations as documents, and back. What is not understood was written by
//! another version, and is a fault.

use std::collections::BTreeMap;

use anyhow::Context as _;
use domain::{
    AccessLevel, AccessRule, Characteristic, Setting, SettingValue,
    settings::Generation,
    wish::{
        Change, Folded, MailboxKey, Observed, ObservedAccess, ObservedPolicy, ObservedRule, Thing,
        Threshold, Value,
    },
};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

/// A thing: `["rule","os","iOS 15.4"]`.
pub(super) fn of_thing(thing: &Thing) -> Json {
    match thing {
        Thing::Policy(name) => json!(["policy", name.as_str()]),
        Thing::Setting(policy, setting) => json!(["setting", policy.as_str(), setting.path()]),
        Thing::Assignment(mailbox) => json!(["assignment", mailbox.guid, mailbox.name]),
        Thing::DefaultLevel => json!(["default level"]),
        Thing::Administrators => json!(["administrators"]),
        Thing::TextForUsers => json!(["text for users"]),
        Thing::Rule(characteristic, value) => {
            json!(["rule", characteristic.word(), value.as_str()])
        }
        Thing::Exemption(mailbox, device) => {
            json!(["exemption", mailbox.guid, mailbox.name, device.as_str()])
        }
    }
}

pub(super) fn thing(document: &Json) -> anyhow::Result<Thing> {
    let read = || {
        let text = |index: usize| document.get(index)?.as_str();
        let mailbox = || {
            let guid = Uuid::parse_str(text(1)?).ok()?;
            Some(MailboxKey { guid, name: text(2)?.to_owned() })
        };
        Some(match text(0)? {
            "policy" => Thing::Policy(text(1)?.into()),
            "setting" => Thing::Setting(text(1)?.into(), Setting::from_path(text(2)?)?),
            "assignment" => Thing::Assignment(mailbox()?),
            "default level" => Thing::DefaultLevel,
            "administrators" => Thing::Administrators,
            "text for users" => Thing::TextForUsers,
            "rule" => Thing::Rule(Characteristic::from_word(text(1)?)?, text(2)?.into()),
            "exemption" => Thing::Exemption(mailbox()?, text(3)?.into()),
            _ => return None,
        })
    };
    read().with_context(|| format!("a thing is not understood: {document}"))
}

fn of_setting(value: &SettingValue) -> Json {
    match value {
        SettingValue::Texts(texts) => json!(texts),
        other => Json::String(other.to_string()),
    }
}

fn setting(setting: Setting, document: &Json) -> Option<SettingValue> {
    match document {
        Json::Array(_) => Some(SettingValue::texts(texts(document))),
        Json::String(text) => Some(
            setting
                .about()
                .kind
                .parse(text)
                // Exchange may have a word that nobody here knows.
                .unwrap_or_else(|_| SettingValue::Choice(text.clone())),
        ),
        _ => None,
    }
}

/// A value, as people and programs read it; null for what is not there.
pub(super) fn of_value(value: Option<&Value>) -> Json {
    match value {
        None => Json::Null,
        Some(Value::Setting(value)) => of_setting(value),
        Some(Value::Texts(texts)) => json!(texts),
        Some(Value::Present) => Json::Bool(true),
        Some(other) => Json::String(other.to_string()),
    }
}

pub(super) fn value(of: &Thing, document: &Json) -> anyhow::Result<Option<Value>> {
    if document.is_null() {
        return Ok(None);
    }
    let read = match of {
        Thing::Policy(_) => Some(Value::Present),
        Thing::Setting(_, one) => setting(*one, document).map(Value::Setting),
        Thing::Assignment(_) => document.as_str().map(|name| Value::Policy(name.into())),
        Thing::DefaultLevel | Thing::Rule(..) | Thing::Exemption(..) => {
            document.as_str().and_then(AccessLevel::from_word).map(Value::Level)
        }
        Thing::Administrators => Some(Value::texts(texts(document))),
        Thing::TextForUsers => document.as_str().map(|text| Value::Text(text.to_owned())),
    };
    read.map(Some).with_context(|| format!("a value is not understood: {document}"))
}

fn texts(document: &Json) -> Vec<String> {
    let items = document.as_array().into_iter().flatten();
    items.filter_map(|item| Some(item.as_str()?.to_owned())).collect()
}

pub(super) fn of_change(change: &Change) -> Json {
    json!({
        "thing": of_thing(&change.thing),
        "before": of_value(change.before.as_ref()),
        "after": of_value(change.after.as_ref()),
    })
}

pub(super) fn of_changes(changes: &[Change]) -> Json {
    Json::Array(changes.iter().map(of_change).collect())
}

pub(super) fn changes(document: &Json) -> anyhow::Result<Vec<Change>> {
    let items = document.as_array().into_iter().flatten();
    items
        .map(|item| {
            let thing = thing(&item["thing"])?;
            let before = value(&thing, &item["before"])?;
            let after = value(&thing, &item["after"])?;
            Ok(Change { thing, before, after })
        })
        .collect()
}

/// What explaining a decision needs of an observation: mailboxes are in the inventory.
pub(super) fn of_observed(observed: &Observed) -> Json {
    let policies = observed.policies.as_ref().map(|policies| {
        let policy = |policy: &ObservedPolicy| {
            let values: Map<String, Json> = policy
                .values
                .iter()
                .map(|(setting, value)| (setting.path(), of_setting(value)))
                .collect();
            json!({
                "guid": policy.guid,
                "name": policy.name.as_str(),
                "is_default": policy.is_default,
                "generation": policy.generation.word(),
                "values": values,
            })
        };
        policies.iter().map(policy).collect::<Vec<_>>()
    });
    let access = observed.access.as_ref().map(|access| {
        json!({
            "default_level": access.default_level.map(AccessLevel::word),
            "administrators": access.administrators,
            "text_for_users": access.text_for_users,
        })
    });
    let rules = observed.rules.as_ref().map(|rules| {
        let rule = |one: &ObservedRule| {
            let rule = one.rule.as_ref();
            json!({
                "guid": one.guid,
                "name": one.name,
                "characteristic": rule.map(|rule| rule.characteristic.word()),
                "value": rule.map(|rule| &rule.value),
                "level": rule.map(|rule| rule.level.word()),
            })
        };
        rules.iter().map(rule).collect::<Vec<_>>()
    });
    let thresholds = observed.thresholds.as_ref().map(|thresholds| {
        let threshold = |one: &Threshold| {
            json!({
                "behavior": one.behavior,
                "limit": one.limit,
                "within": one.within,
                "blocks_for": one.blocks_for,
            })
        };
        thresholds.iter().map(threshold).collect::<Vec<_>>()
    });
    json!({ "policies": policies, "access": access, "rules": rules, "thresholds": thresholds })
}

pub(super) fn observed(document: &Json) -> Option<Observed> {
    let list = |name: &str| document[name].as_array();
    Some(Observed {
        policies: match list("policies") {
            Some(items) => Some(items.iter().map(policy).collect::<Option<_>>()?),
            None => None,
        },
        access: document["access"].as_object().map(|access| ObservedAccess {
            default_level: access["default_level"].as_str().and_then(AccessLevel::from_word),
            administrators: texts(&access["administrators"]),
            text_for_users: access["text_for_users"].as_str().unwrap_or_default().to_owned(),
            changed: None,
        }),
        rules: match list("rules") {
            Some(items) => Some(items.iter().map(rule).collect::<Option<_>>()?),
            None => None,
        },
        mailboxes: None,
        thresholds: list("thresholds").map(|items| items.iter().filter_map(threshold).collect()),
    })
}

fn policy(document: &Json) -> Option<ObservedPolicy> {
    let values: BTreeMap<Setting, SettingValue> = document["values"]
        .as_object()?
        .iter()
        .filter_map(|(path, found)| {
            let known = Setting::from_path(path)?;
            Some((known, setting(known, found)?))
        })
        .collect();
    Some(ObservedPolicy {
        guid: Uuid::parse_str(document["guid"].as_str()?).ok()?,
        name: Folded::from(document["name"].as_str()?),
        is_default: document["is_default"].as_bool()?,
        generation: Generation::from_word(document["generation"].as_str()?)?,
        values,
        changed: None,
    })
}

fn threshold(document: &Json) -> Option<Threshold> {
    let text = |name: &str| document[name].as_str().map(str::to_owned);
    Some(Threshold {
        behavior: text("behavior")?,
        limit: document["limit"].as_i64(),
        within: text("within"),
        blocks_for: text("blocks_for"),
    })
}

fn rule(document: &Json) -> Option<ObservedRule> {
    let rule = || {
        Some(AccessRule {
            characteristic: Characteristic::from_word(document["characteristic"].as_str()?)?,
            value: document["value"].as_str()?.to_owned(),
            level: AccessLevel::from_word(document["level"].as_str()?)?,
        })
    };
    Some(ObservedRule {
        guid: Uuid::parse_str(document["guid"].as_str()?).ok()?,
        name: document["name"].as_str()?.to_owned(),
        rule: rule(),
        changed: None,
    })
}
