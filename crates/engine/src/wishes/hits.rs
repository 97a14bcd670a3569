//! Whom a plan hits: devices that would change from one state to another, found in the inventory.

use std::collections::BTreeMap;

use domain::{
    AccessLevel, AccessRule, AccessState, Caller, Characteristic, Connector, ConnectorName,
    Permission,
    access::{
        Seen, Severity, compile,
        what_if::{self, Access, By, ExemptionChange, Group, Verdict},
    },
    wish::{Change, Observed, Thing, Value, Wanted},
};
use serde_json::{Value as Json, json};
use store::DeviceGroup;

use super::file;
use crate::{Engine, Error};

/// Whom a plan hits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hits {
    /// How many change from what to what because of the plan.
    pub flips: Vec<Flip>,
    /// How many change although the plan changes nothing for them: Exchange has not decided anew yet.
    pub settling: Vec<Flip>,
    /// The largest groups of devices that change, the largest first.
    pub groups: Vec<HitGroup>,
    /// Rules that name no device.
    pub dead: Vec<String>,
    /// Rules whose every device is decided by a stronger one.
    pub shadowed: Vec<String>,
}

/// Devices that change from one state to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flip {
    /// What they are.
    pub from: AccessState,
    /// What they would be.
    pub to: AccessState,
    /// How many devices.
    pub devices: u64,
    /// Of how many people at most: somebody with devices of two kinds is counted twice.
    pub people_at_most: u64,
}

/// Devices that are alike and change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HitGroup {
    /// Type, model, operating system and user agent, as far as they are known.
    pub what: String,
    /// What they are, what they would be, and how many.
    pub flip: Flip,
    /// What would decide.
    pub by: String,
}

/// Plans among which the last one is that wrote.
const LAST_PLANS: u32 = 20;
/// Groups that are kept with a plan.
const MOST_GROUPS: usize = 50;
/// Rules that are named where they do nothing.
const MOST_NAMED: usize = 100;

impl Hits {
    /// Devices that change because of the plan: what the limit counts.
    #[must_use]
    pub fn devices(&self) -> u64 {
        self.flips.iter().map(|flip| flip.devices).sum()
    }
}

impl Engine {
    /// Whom other rules and another default level would hit, by the inventory and by what Exchange had
    /// when it was read last. Exchange is not asked, and nothing is kept.
    pub async fn what_if(
        &self,
        caller: &Caller,
        name: &ConnectorName,
        text: &str,
    ) -> Result<Hits, Error> {
        let scope = caller.scope(Permission::ReadResource)?;
        let connector = self.store().connector(&scope, name).await?;
        let wish = file::read(text).map_err(|problems| {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Error::Invalid(problems.join("; "))
        })?;
        let observed = self.last_seen(&connector).await?.map(|last| last.observed);
        let observed = observed.filter(|observed| observed.access.is_some());
        let Some(observed) = observed.filter(|observed| observed.rules.is_some()) else {
            return Err(Error::Conflict(format!(
                "the rules of {name} were not read yet; look for drift, import or plan first"
            )));
        };
        let groups = self.store().device_groups(connector.id).await?;
        let rules = wish.wish.access.rules.unwrap_or_default();
        let compiled = compile(&rules, &seen_in(&groups));
        if let Some(problem) =
            compiled.problems.iter().find(|one| one.severity() == Severity::Error)
        {
            return Err(Error::Invalid(problem.sentence(&rules)));
        }
        let level = wish.wish.access.default_level;
        let now = rules_now(&observed);
        let level_now = observed.access.as_ref().and_then(|access| access.default_level);
        let Some(level_after) = level.or(level_now) else {
            let why = "Exchange's default level is a word that is not known here".to_owned();
            return Err(Error::Conflict(why));
        };
        let after = compiled.exact();
        let groups = parted(groups, Vec::new());
        let is_older = self.is_inventory_older(&connector, &observed).await?;
        let proposed = Access { rules: &after, default_level: level_after };
        let current = level_now.map(|level| Access { rules: &now, default_level: level });
        Ok(hits_of(&groups, proposed, current, is_older))
    }

    /// Whom changes of rules, of the default level and of exemptions hit; `None` where there are none.
    pub(super) async fn hits(
        &self,
        connector: &Connector,
        wanted: &Wanted,
        observed: &Observed,
        changes: &[Change],
    ) -> anyhow::Result<Option<Hits>> {
        let is_of_access = |change: &Change| {
            matches!(change.thing, Thing::DefaultLevel | Thing::Rule(..) | Thing::Exemption(..))
        };
        if !changes.iter().any(is_of_access) {
            return Ok(None);
        }
        let now = rules_now(observed);
        let after = rules_after(&now, wanted);
        let level = |value: Option<Value>| match value {
            Some(Value::Level(level)) => Some(level),
            _ => None,
        };
        let level_now = level(observed.value(&Thing::DefaultLevel));
        let level_after = wanted.things.get(&Thing::DefaultLevel).cloned().flatten();
        let Some(level_after) = level(level_after).or(level_now) else {
            anyhow::bail!("Exchange's default level is a word that is not known here");
        };
        let groups = self.store().device_groups(connector.id).await?;
        let exempted = self.exempted(connector, changes).await?;
        let groups = parted(groups, exempted);
        let is_older = self.is_inventory_older(connector, observed).await?;
        let proposed = Access { rules: &after, default_level: level_after };
        let current = level_now.map(|level| Access { rules: &now, default_level: level });
        Ok(Some(hits_of(&groups, proposed, current, is_older)))
    }

    /// Whether rules or the default level were changed after devices were read last.
    async fn is_inventory_older(
        &self,
        connector: &Connector,
        observed: &Observed,
    ) -> anyhow::Result<bool> {
        let read = connector.last_full_sync.max(connector.last_delta_sync);
        let rules = observed.rules.iter().flatten().filter_map(|rule| rule.changed);
        let access = observed.access.iter().filter_map(|access| access.changed);
        // A rule that is gone says nothing any more of when it went.
        let plans = self.store().plans(connector.id, LAST_PLANS).await?;
        let sent = plans.iter().filter(|plan| plan.state.has_written()).map(|plan| plan.changed);
        Ok(rules.chain(access).chain(sent).max().is_some_and(|last| Some(last) > read))
    }

    /// The devices whose exemption changes, each a group of its own.
    async fn exempted(
        &self,
        connector: &Connector,
        changes: &[Change],
    ) -> anyhow::Result<Vec<(DeviceGroup, ExemptionChange)>> {
        let mut by_device = BTreeMap::new();
        for change in changes {
            let Thing::Exemption(mailbox, device) = &change.thing else { continue };
            let exemption = match &change.after {
                Some(Value::Level(AccessLevel::Allow)) => ExemptionChange::Allow,
                Some(_) => ExemptionChange::Block,
                None => ExemptionChange::Remove,
            };
            by_device.insert((mailbox.guid, device.as_str().to_lowercase()), exemption);
        }
        if by_device.is_empty() {
            return Ok(Vec::new());
        }
        let owners = self.owners(connector).await?;
        let mut found = Vec::new();
        for row in self.store().access_rows(connector.id).await? {
            let owner = row.owner.as_ref().and_then(|owner| owners.get(&owner.key()));
            let (Some(owner), Some(device)) = (owner, &row.device_id) else { continue };
            if let Some(change) = by_device.get(&(owner.guid, device.to_lowercase())) {
                found.push((row.group, *change));
            }
        }
        Ok(found)
    }
}

/// Whom an access hits. Devices that were read before the current one are judged as they are by now.
fn hits_of(
    groups: &[(DeviceGroup, ExemptionChange)],
    proposed: Access<'_>,
    current: Option<Access<'_>>,
    is_older: bool,
) -> Hits {
    let mut borrowed: Vec<Group<'_>> =
        groups.iter().map(|(group, change)| of(group, *change)).collect();
    if let Some(current) = current.filter(|_| is_older) {
        borrowed = what_if::brought_forward(&borrowed, current);
    }
    told(groups, proposed.rules, &what_if::what_if(&borrowed, proposed, current))
}

/// The values that devices have, with how many have each.
pub(super) fn seen_in(groups: &[DeviceGroup]) -> Seen {
    let mut seen = Seen::default();
    for group in groups {
        for (characteristic, value) in [
            (Characteristic::Type, &group.device_type),
            (Characteristic::Model, &group.model),
            (Characteristic::Os, &group.os),
            (Characteristic::UserAgent, &group.user_agent),
        ] {
            seen.add(characteristic, value.as_deref().unwrap_or_default(), group.devices);
        }
    }
    seen
}

fn rules_now(observed: &Observed) -> Vec<AccessRule> {
    observed.rules.iter().flatten().filter_map(|one| one.rule.clone()).collect()
}

fn rules_after(now: &[AccessRule], wanted: &Wanted) -> Vec<AccessRule> {
    let mut after: BTreeMap<Thing, AccessRule> =
        now.iter().map(|rule| (Thing::of_rule(rule), rule.clone())).collect();
    for (thing, value) in &wanted.things {
        let Thing::Rule(characteristic, text) = thing else { continue };
        match value {
            Some(Value::Level(level)) => {
                let value = text.as_str().to_owned();
                let rule = AccessRule { characteristic: *characteristic, value, level: *level };
                after.insert(thing.clone(), rule);
            }
            _ => drop(after.remove(thing)),
        }
    }
    after.into_values().collect()
}

/// Takes the devices whose exemption changes out of their groups.
fn parted(
    mut groups: Vec<DeviceGroup>,
    exempted: Vec<(DeviceGroup, ExemptionChange)>,
) -> Vec<(DeviceGroup, ExemptionChange)> {
    type Alike = (
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
        AccessState,
        Option<domain::AccessReason>,
    );
    let alike = |group: &DeviceGroup| -> Alike {
        let texts = (group.device_type.clone(), group.model.clone(), group.os.clone());
        (texts.0, texts.1, texts.2, group.user_agent.clone(), group.state, group.reason)
    };
    if !exempted.is_empty() {
        let index: std::collections::HashMap<Alike, usize> =
            groups.iter().enumerate().map(|(index, group)| (alike(group), index)).collect();
        for (one, _) in &exempted {
            if let Some(index) = index.get(&alike(one)) {
                groups[*index].devices = groups[*index].devices.saturating_sub(1);
            }
        }
        groups.retain(|group| group.devices > 0);
    }
    let whole = groups.into_iter().map(|group| (group, ExemptionChange::None));
    whole.chain(exempted).collect()
}

fn of(group: &DeviceGroup, exemption: ExemptionChange) -> Group<'_> {
    Group {
        device_type: group.device_type.as_deref(),
        model: group.model.as_deref(),
        os: group.os.as_deref(),
        user_agent: group.user_agent.as_deref(),
        state: group.state,
        reason: group.reason,
        exemption,
        devices: group.devices,
        people: group.people,
    }
}

fn told(
    groups: &[(DeviceGroup, ExemptionChange)],
    rules: &[AccessRule],
    found: &what_if::WhatIf,
) -> Hits {
    let flip = |flips: &what_if::Flips| Flip {
        from: flips.from,
        to: flips.to,
        devices: flips.devices,
        people_at_most: flips.people_at_most,
    };
    let named = |verdict| {
        let rules = found.rules_of(verdict).filter_map(|index| rules.get(index));
        rules
            .take(MOST_NAMED)
            .map(|rule| format!("{} {}", rule.characteristic, rule.value))
            .collect()
    };
    let mut hit: Vec<HitGroup> = groups
        .iter()
        .zip(&found.fates)
        .filter(|(_, fate)| {
            fate.after != fate.before && fate.expected_before.is_none_or(|was| was != fate.after)
        })
        .map(|((group, _), fate)| HitGroup {
            what: what(group),
            flip: Flip {
                from: fate.before,
                to: fate.after,
                devices: group.devices,
                people_at_most: group.people,
            },
            by: match fate.by {
                By::Rule(index) => rules.get(index).map_or_else(String::new, |rule| {
                    format!("rule {} {}", rule.characteristic, rule.value)
                }),
                By::DefaultLevel => "default level".to_owned(),
                By::Exemption => "exemption".to_owned(),
                By::Unchanged => String::new(),
            },
        })
        .collect();
    hit.sort_by(|one, other| {
        other.flip.devices.cmp(&one.flip.devices).then_with(|| one.what.cmp(&other.what))
    });
    hit.truncate(MOST_GROUPS);
    Hits {
        flips: found.flips.iter().map(flip).collect(),
        settling: found.settling.iter().map(flip).collect(),
        groups: hit,
        dead: named(Verdict::Dead),
        shadowed: named(Verdict::Shadowed),
    }
}

fn what(group: &DeviceGroup) -> String {
    let parts = [&group.device_type, &group.model, &group.os, &group.user_agent];
    let mut texts: Vec<&str> = Vec::new();
    for text in parts.into_iter().flatten() {
        if !texts.contains(&text.as_str()) {
            texts.push(text);
        }
    }
    texts.join(" · ")
}

pub(super) fn document(hits: &Hits) -> Json {
    let flip = |flip: &Flip| {
        json!({
            "from": flip.from.word(),
            "to": flip.to.word(),
            "devices": flip.devices,
            "people": flip.people_at_most,
        })
    };
    let group = |group: &HitGroup| {
        let mut kept = flip(&group.flip);
        kept["what"] = group.what.clone().into();
        kept["by"] = group.by.clone().into();
        kept
    };
    json!({
        "flips": hits.flips.iter().map(flip).collect::<Vec<_>>(),
        "settling": hits.settling.iter().map(flip).collect::<Vec<_>>(),
        "groups": hits.groups.iter().map(group).collect::<Vec<_>>(),
        "dead": hits.dead,
        "shadowed": hits.shadowed,
    })
}

pub(super) fn read(document: &Json) -> Option<Hits> {
    let items = |name: &str| document[name].as_array();
    let flip = |one: &Json| {
        Some(Flip {
            from: AccessState::from_word(one["from"].as_str()?)?,
            to: AccessState::from_word(one["to"].as_str()?)?,
            devices: one["devices"].as_u64()?,
            people_at_most: one["people"].as_u64()?,
        })
    };
    let text = |one: &Json, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let texts = |name: &str| -> Option<Vec<String>> {
        Some(items(name)?.iter().filter_map(|one| Some(one.as_str()?.to_owned())).collect())
    };
    let groups = items("groups")?.iter().map(|one| {
        Some(HitGroup { what: text(one, "what"), flip: flip(one)?, by: text(one, "by") })
    });
    Some(Hits {
        flips: items("flips")?.iter().map(flip).collect::<Option<_>>()?,
        settling: items("settling")?.iter().map(flip).collect::<Option<_>>()?,
        groups: groups.collect::<Option<_>>()?,
        dead: texts("dead")?,
        shadowed: texts("shadowed")?,
    })
}
