//! The table of rules: what is written, what comes of it, and what is in Exchange besides.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    AccessLevel, Characteristic,
    access::{self, Seen, WrittenRule},
    wish::{AccessWish, Observed, Thing},
};
use engine::WishToEdit;

use super::{
    Sent,
    setting_fields::{Choice, Errors},
    values,
};
use crate::words;

/// Values that are offered of each characteristic, the most frequent first.
const OFFERED: usize = 200;
/// Values that are shown of each characteristic.
const SHOWN: usize = 10;

/// A written rule.
pub(super) struct RuleRow {
    /// `rule.3`
    pub(super) field: String,
    pub(super) of: &'static str,
    pub(super) noun: String,
    pub(super) value: String,
    pub(super) levels: Vec<Choice>,
    pub(super) comes_to: String,
    pub(super) in_exchange: String,
    pub(super) notes: Vec<String>,
    pub(super) error: Option<String>,
    pub(super) is_removed: bool,
}

/// A rule of Exchange's that is not among the written ones.
pub(super) struct OtherRule {
    pub(super) what: String,
    pub(super) level: &'static str,
    pub(super) tone: &'static str,
    pub(super) devices: String,
    pub(super) fate: &'static str,
    /// The rule as it would be written, to be adopted.
    pub(super) adopt: Option<String>,
}

/// Values that the organization has seen, of one characteristic.
pub(super) struct SeenOf {
    pub(super) of: &'static str,
    pub(super) noun: String,
    /// The value as a rule would name it, and how many devices have it.
    pub(super) offered: Vec<(String, String)>,
    pub(super) shown: Vec<(String, String)>,
}

/// Everything about rules on the page.
pub(super) struct Rules {
    pub(super) rows: Vec<RuleRow>,
    pub(super) others: Vec<OtherRule>,
    pub(super) seen: Vec<SeenOf>,
}

impl Rules {
    /// Of a wish as it stands in the form.
    pub(super) fn new(wish: &AccessWish, edit: &WishToEdit, sent: &Sent, errors: &Errors) -> Self {
        let rules = wish.rules.as_deref().unwrap_or_default();
        let compiled = access::compile(rules, &edit.seen);
        let observed = edit.observed.as_ref().map(|(_, observed)| observed);
        let mut made: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for one in &compiled.rules {
            let thing = Thing::of_rule(&one.rule);
            let is_there = observed
                .and_then(|observed| observed.rule(&thing))
                .is_some_and(|(_, there)| there.level == one.rule.level);
            let (all, there) = made.entry(one.written).or_default();
            *all += 1;
            *there += usize::from(is_there);
        }
        let rows = rules.iter().zip(&compiled.gains).enumerate().map(|(index, (rule, gain))| {
            let (all, there) = made.get(&index).copied().unwrap_or_default();
            let notes = compiled.problems.iter().filter(|one| one.written() == Some(index));
            let field = format!("rule.{index}");
            RuleRow {
                of: rule.selector.characteristic().word(),
                noun: words::sentence_start(rule.selector.characteristic().noun()),
                value: rule.selector.to_string(),
                levels: levels(Some(rule.level)),
                comes_to: comes_to(rule, *gain),
                in_exchange: in_exchange(observed, all, there),
                notes: notes
                    .map(|one| words::sentence(&words::visible(&one.sentence(rules))))
                    .collect(),
                error: errors.get(&format!("{field}.value")).cloned(),
                is_removed: sent.get(&format!("{field}.remove")).is_some_and(|it| !it.is_empty()),
                field,
            }
        });
        let written: BTreeSet<Thing> =
            compiled.rules.iter().map(|one| Thing::of_rule(&one.rule)).collect();
        Self {
            rows: rows.collect(),
            others: others(edit, wish, &written),
            seen: Characteristic::ALL.iter().filter_map(|of| seen_of(*of, &edit.seen)).collect(),
        }
    }
}

pub(super) fn levels(chosen: Option<AccessLevel>) -> Vec<Choice> {
    let choice = |level: &AccessLevel| Choice {
        value: level.word().to_owned(),
        label: level.word().to_owned(),
        is_chosen: chosen == Some(*level),
    };
    AccessLevel::ALL.iter().map(choice).collect()
}

fn comes_to(rule: &WrittenRule, gain: access::Gain) -> String {
    let devices = words::counted(gain.devices, "device");
    match rule.selector.is_exact() {
        true if gain.values == 0 => "one value, seen on no device".to_owned(),
        true => format!("one value, {devices}"),
        false => format!("{}, {devices}", words::counted(gain.values as u64, "value")),
    }
}

fn in_exchange(observed: Option<&Observed>, all: usize, there: usize) -> String {
    if observed.is_none_or(|observed| observed.rules.is_none()) {
        return "not read yet".to_owned();
    }
    match (all, there) {
        (0, _) => "nothing to write".to_owned(),
        (all, there) if all == there => "in Exchange".to_owned(),
        (_, 0) => "not in Exchange yet".to_owned(),
        (all, there) => format!("{there} of {all} in Exchange"),
    }
}

/// What is in Exchange and not written.
fn others(edit: &WishToEdit, wish: &AccessWish, written: &BTreeSet<Thing>) -> Vec<OtherRule> {
    let Some((_, observed)) = &edit.observed else { return Vec::new() };
    let mut others = Vec::new();
    for one in observed.rules.iter().flatten() {
        let Some(rule) = &one.rule else {
            others.push(OtherRule {
                what: words::visible(&one.name),
                level: "not understood",
                tone: "unknown",
                devices: "not known".to_owned(),
                fate: "says a word that is not known here; left alone",
                adopt: None,
            });
            continue;
        };
        let thing = Thing::of_rule(rule);
        if written.contains(&thing) {
            continue;
        }
        let exact = WrittenRule::of(rule);
        let gains = access::compile(exact.as_slice(), &edit.seen).gains;
        let devices = gains.first().map_or(0, |gain| gain.devices);
        let goes = wish.rules.is_some() && edit.care.things.contains(&thing);
        others.push(OtherRule {
            what: words::visible(&format!("{} {}", rule.characteristic.noun(), rule.value)),
            level: rule.level.word(),
            tone: values::tone(rule.level),
            devices: words::counted(devices, "device"),
            fate: if goes {
                "in Gatepost's care and not written: REMOVED by the next apply"
            } else {
                "made by hand; left alone"
            },
            adopt: exact.map(|exact| format!("{} {exact}", exact.level)),
        });
    }
    others
}

fn seen_of(of: Characteristic, seen: &Seen) -> Option<SeenOf> {
    let mut values: Vec<_> = seen.values(of).collect();
    values.sort_by_key(|value| std::cmp::Reverse(value.devices));
    let written =
        |value: &str| access::Selector::exact(of, value).map(|selector| selector.to_string());
    let of_all = |most: usize| -> Vec<(String, String)> {
        let values = values.iter().take(most);
        values
            .filter_map(|one| Some((written(&one.value)?, words::counted(one.devices, "device"))))
            .collect()
    };
    let (offered, shown) = (of_all(OFFERED), of_all(SHOWN));
    let noun = words::sentence_start(of.noun());
    (!offered.is_empty()).then_some(SeenOf { of: of.word(), noun, offered, shown })
}
