//! How far Exchange is from what is wanted, and the writes that bring it there.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Folded, MailboxKey, Observed, Thing, Value, Wanted};
use crate::{AccessLevel, AccessRule, Setting, SettingValue};

/// One thing that is not as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What.
    pub thing: Thing,
    /// What it is; `None` where it is not there.
    pub before: Option<Value>,
    /// What it shall be; `None`: not there.
    pub after: Option<Value>,
}

/// One write. What it names is named as Exchange knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make a policy with these settings.
    NewPolicy {
        /// Its name.
        name: Folded,
        /// Every setting of the groups that are managed.
        settings: Vec<SettingStep>,
    },
    /// Write settings of a policy: whole groups.
    SetPolicy {
        /// Exchange's GUID of it.
        guid: Uuid,
        /// Its name.
        name: Folded,
        /// Every setting of each group in which one changes.
        settings: Vec<SettingStep>,
    },
    /// Remove a policy.
    RemovePolicy {
        /// Exchange's GUID of it.
        guid: Uuid,
        /// Its name.
        name: Folded,
    },
    /// Give a mailbox a policy; `None`: the default one.
    Assign {
        /// The mailbox.
        mailbox: MailboxKey,
        /// Its policy.
        policy: Option<Folded>,
    },
    /// Write the default level and what belongs to it.
    SetAccess {
        /// The default level.
        default_level: Option<AccessLevel>,
        /// Administrators that come, and those that go.
        administrators: Option<(Vec<String>, Vec<String>)>,
        /// The text for users; empty for none.
        text_for_users: Option<String>,
    },
    /// Make a rule.
    NewRule(AccessRule),
    /// Give a rule another level.
    SetRule {
        /// Exchange's GUID of it.
        guid: Uuid,
        /// The rule as it shall be.
        rule: AccessRule,
    },
    /// Remove a rule.
    RemoveRule {
        /// Exchange's GUID of it.
        guid: Uuid,
        /// The rule as it is.
        rule: AccessRule,
    },
    /// Put a device id into a mailbox's allowed or blocked list, or take it out of both.
    Exempt {
        /// The mailbox.
        mailbox: MailboxKey,
        /// The device id.
        device: Folded,
        /// Allow, block, or neither.
        level: Option<AccessLevel>,
    },
}

/// A setting as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingStep {
    /// Which.
    pub setting: Setting,
    /// What it is, where it is there.
    pub before: Option<SettingValue>,
    /// What it shall be.
    pub after: SettingValue,
}

/// What is not as it shall be: deletions first, then what is there, then what is new.
#[must_use]
pub fn changes(wanted: &Wanted, observed: &Observed) -> Vec<Change> {
    let mut changes: Vec<Change> = wanted
        .things
        .iter()
        .filter_map(|(thing, after)| {
            let before = observed.value(thing);
            let is_so = match (&before, after) {
                (Some(before), Some(after)) => before.means(after),
                (before, after) => before.is_none() && after.is_none(),
            };
            (!is_so).then(|| Change { thing: thing.clone(), before, after: after.clone() })
        })
        .collect();
    changes.sort_by_key(|change| match (&change.before, &change.after) {
        (Some(_), None) => 0,
        (Some(_), Some(_)) => 1,
        (None, _) => 2,
    });
    changes
}

/// What things were before changes that were carried out one after another: for each the first value.
#[must_use]
pub fn taken_back<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Wanted {
    let mut wanted = Wanted::default();
    for change in changes {
        let first = wanted.things.entry(change.thing.clone());
        first.or_insert_with(|| change.before.clone());
    }
    wanted
}

/// The writes that make the changes, in the order that never leaves a phone outside that is let in
/// before and after: what lets in comes first, what shuts out next, what goes last.
#[must_use]
pub fn steps(changes: &[Change], wanted: &Wanted, observed: &Observed) -> Vec<Step> {
    let mut steps = policies(changes, wanted, observed);
    steps.extend(access(changes));
    for change in changes {
        steps.extend(step(change, observed));
    }
    steps.sort_by_key(order);
    steps
}

const fn order(step: &Step) -> u8 {
    const fn by(level: AccessLevel) -> u8 {
        match level {
            AccessLevel::Allow => 0,
            AccessLevel::Quarantine => 1,
            AccessLevel::Block => 2,
        }
    }
    match step {
        Step::NewPolicy { .. } => 0,
        Step::SetPolicy { .. } => 1,
        Step::Assign { .. } => 2,
        Step::RemovePolicy { .. } => 3,
        Step::Exempt { level: Some(level), .. } => 10 + by(*level),
        Step::NewRule(rule) => 20 + by(rule.level),
        Step::SetRule { rule, .. } => 30 + by(rule.level),
        Step::SetAccess { .. } => 40,
        Step::RemoveRule { .. } => 50,
        Step::Exempt { level: None, .. } => 60,
    }
}

/// Settings, by policy: of each group in which one changes, every one is written.
fn policies(changes: &[Change], wanted: &Wanted, observed: &Observed) -> Vec<Step> {
    let mut touched: BTreeMap<&Folded, Vec<Setting>> = BTreeMap::new();
    for change in changes {
        match (&change.thing, &change.after) {
            (Thing::Setting(policy, setting), Some(_)) => {
                touched.entry(policy).or_default().push(*setting);
            }
            (Thing::Policy(policy), Some(_)) => {
                touched.entry(policy).or_default();
            }
            _ => {}
        }
    }
    let step = |(policy, changed): (&Folded, Vec<Setting>)| {
        let known = observed.policy(policy);
        let is_written = |setting: Setting| {
            known.is_none()
                || match setting.group() {
                    Some(group) => changed.iter().any(|one| one.group() == Some(group)),
                    None => changed.contains(&setting),
                }
        };
        let settings = Setting::ALL.iter().copied().filter(|setting| is_written(*setting));
        let settings = settings.filter_map(|setting| {
            let after = wanted.things.get(&Thing::Setting(policy.clone(), setting));
            let Some(Some(Value::Setting(after))) = after else { return None };
            let before = known.and_then(|known| known.values.get(&setting).cloned());
            Some(SettingStep { setting, before, after: after.clone() })
        });
        let (name, settings) = (policy.clone(), settings.collect());
        match known {
            Some(known) => Step::SetPolicy { guid: known.guid, name, settings },
            None => Step::NewPolicy { name, settings },
        }
    };
    touched.into_iter().map(step).collect()
}

fn access(changes: &[Change]) -> Option<Step> {
    let of = |thing: Thing| changes.iter().find(|change| change.thing == thing);
    let (level, administrators, text) =
        (of(Thing::DefaultLevel), of(Thing::Administrators), of(Thing::TextForUsers));
    if level.is_none() && administrators.is_none() && text.is_none() {
        return None;
    }
    let texts = |value: &Option<Value>| match value {
        Some(Value::Texts(texts)) => texts.clone(),
        _ => Vec::new(),
    };
    let edit = |change: &Change| {
        let (before, after) = (texts(&change.before), texts(&change.after));
        let without = |these: &[String], those: &[String]| -> Vec<String> {
            let is_there =
                |text: &&String| those.iter().any(|other| other.eq_ignore_ascii_case(text));
            these.iter().filter(|text| !is_there(text)).cloned().collect()
        };
        (without(&after, &before), without(&before, &after))
    };
    Some(Step::SetAccess {
        default_level: level.and_then(|change| match change.after {
            Some(Value::Level(level)) => Some(level),
            _ => None,
        }),
        administrators: administrators.map(edit),
        text_for_users: text.map(|change| match &change.after {
            Some(Value::Text(text)) => text.clone(),
            _ => String::new(),
        }),
    })
}

fn step(change: &Change, observed: &Observed) -> Option<Step> {
    let level = match change.after {
        Some(Value::Level(level)) => Some(level),
        _ => None,
    };
    Some(match &change.thing {
        Thing::Policy(name) if change.after.is_none() => {
            Step::RemovePolicy { guid: observed.policy(name)?.guid, name: name.clone() }
        }
        Thing::Assignment(mailbox) => Step::Assign {
            mailbox: mailbox.clone(),
            policy: match &change.after {
                Some(Value::Policy(name)) => Some(name.clone()),
                _ => None,
            },
        },
        Thing::Rule(characteristic, value) => {
            let rule = |level, value: &str| AccessRule {
                characteristic: *characteristic,
                value: value.to_owned(),
                level,
            };
            match (observed.rule(&change.thing), level) {
                (Some((known, old)), Some(level)) => {
                    Step::SetRule { guid: known.guid, rule: rule(level, &old.value) }
                }
                (Some((known, old)), None) => {
                    Step::RemoveRule { guid: known.guid, rule: old.clone() }
                }
                (None, Some(level)) => Step::NewRule(rule(level, value.as_str())),
                (None, None) => return None,
            }
        }
        Thing::Exemption(mailbox, device) => {
            Step::Exempt { mailbox: mailbox.clone(), device: device.clone(), level }
        }
        _ => return None,
    })
}
