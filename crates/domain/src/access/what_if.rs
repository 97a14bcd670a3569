//! Whom other rules, another default level or other exemptions would hit.
//!
//! The inventory comes as groups: distinct values with the number of devices that have them, so that a
//! million devices are some ten thousand groups. A device whose exemption changes is a group of its
//! own.
//!
//! What Exchange reports is the state before. Where it already differs from what the present rules say,
//! the proposal is not blamed: that device is *settling*, on its way whatever is applied. Only where the
//! report is older than the present rules does it say nothing: see [`brought_forward`].

mod index;

use std::collections::BTreeMap;

use super::{AccessLevel, AccessRule, Characteristic};
use crate::{AccessReason, AccessState};
use index::RuleIndex;

/// Devices that are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group<'a> {
    /// Type.
    pub device_type: Option<&'a str>,
    /// Model.
    pub model: Option<&'a str>,
    /// Operating system.
    pub os: Option<&'a str>,
    /// User agent.
    pub user_agent: Option<&'a str>,
    /// What Exchange says of them.
    pub state: AccessState,
    /// Why.
    pub reason: Option<AccessReason>,
    /// What the proposal does to their exemptions.
    pub exemption: ExemptionChange,
    /// How many devices.
    pub devices: u64,
    /// Of how many people.
    pub people: u64,
}

/// What a proposal does to the exemptions of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ExemptionChange {
    /// Nothing.
    #[default]
    None,
    /// It comes to the allowed list.
    Allow,
    /// It comes to the blocked list.
    Block,
    /// It leaves both lists.
    Remove,
}

/// Rules and default level: as they are, or as they are proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access<'a> {
    /// The exact rules.
    pub rules: &'a [AccessRule],
    /// What happens to what no rule and no exemption names.
    pub default_level: AccessLevel,
}

/// What would come of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhatIf {
    /// Of each group, in the order given.
    pub fates: Vec<Fate>,
    /// Who changes from what to what because of the proposal.
    pub flips: Vec<Flips>,
    /// Who changes from what to what although the proposal changes nothing for them.
    pub settling: Vec<Flips>,
    /// Of each proposed rule, in the order given.
    pub effects: Vec<RuleEffect>,
    /// Devices that the default level decides.
    pub by_default: u64,
}

/// The groups as the present rules decide about them, for an inventory that is older than these. What no
/// rule decides is as it was reported.
#[must_use]
pub fn brought_forward<'a>(groups: &[Group<'a>], current: Access<'_>) -> Vec<Group<'a>> {
    let mut rules = RuleIndex::new(current.rules);
    let decided = |group: &Group<'a>| {
        let unexempted = Group { exemption: ExemptionChange::None, ..*group };
        let (state, _) = fate(&unexempted, current, rules.decisive(group));
        Group { state, ..*group }
    };
    groups.iter().map(decided).collect()
}

/// What would come of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fate {
    /// What Exchange reports.
    pub before: AccessState,
    /// What the present rules say, where they are known.
    pub expected_before: Option<AccessState>,
    /// What would be.
    pub after: AccessState,
    /// What would decide.
    pub by: By,
}

/// What would decide about a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum By {
    /// What decides today, and stands before rules: an exemption, the policy, Exchange's own protection.
    Unchanged,
    /// An exemption of the proposal.
    Exemption,
    /// The proposed rule of this index.
    Rule(usize),
    /// The default level.
    DefaultLevel,
}

/// How many change from one state to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flips {
    /// What they are.
    pub from: AccessState,
    /// What they would be.
    pub to: AccessState,
    /// How many devices.
    pub devices: u64,
    /// Of how many people at most: somebody with devices in two groups is counted twice.
    pub people_at_most: u64,
}

/// What a proposed rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleEffect {
    /// Devices that it names.
    pub names: u64,
    /// Devices that it decides: of several rules of one level, the first in the order of rules.
    pub decides: u64,
    /// What that makes of it.
    pub verdict: Verdict,
}

/// What a rule comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It names devices, and no stronger rule takes all of them.
    Live,
    /// It names no device.
    Dead,
    /// Every device that it names is decided by a stronger rule.
    Shadowed,
    /// Nobody knows: no list of devices says what it looks at.
    NotKnown,
}

impl WhatIf {
    /// Devices that would change because of the proposal: what a limit on flips counts.
    #[must_use]
    pub fn flipping_devices(&self) -> u64 {
        self.flips.iter().fold(0, |sum, flips| sum.saturating_add(flips.devices))
    }

    /// The indices of the proposed rules that come to this.
    pub fn rules_of(&self, verdict: Verdict) -> impl Iterator<Item = usize> {
        let rules = self.effects.iter().enumerate();
        rules.filter(move |(_, effect)| effect.verdict == verdict).map(|(index, _)| index)
    }
}

/// What would come of a proposal, for each group and in sum. `current` is what Exchange has now, if
/// it was read.
#[must_use]
pub fn what_if(groups: &[Group<'_>], proposed: Access<'_>, current: Option<Access<'_>>) -> WhatIf {
    let mut proposed_rules = RuleIndex::new(proposed.rules);
    let mut current_rules = current.map(|access| (access, RuleIndex::new(access.rules)));
    let mut fates = Vec::with_capacity(groups.len());
    let (mut flips, mut settling) = (Sums::default(), Sums::default());
    let mut by_default = 0_u64;
    for group in groups {
        let decisive = proposed_rules.decisive(group);
        let (after, by) = fate(group, proposed, decisive);
        let expected_before = current_rules.as_mut().map(|(access, index)| {
            let unexempted = Group { exemption: ExemptionChange::None, ..*group };
            fate(&unexempted, *access, index.decisive(group)).0
        });
        match by {
            By::Rule(index) => proposed_rules.decides(index, group.devices),
            By::DefaultLevel => by_default = by_default.saturating_add(group.devices),
            By::Unchanged | By::Exemption => {}
        }
        if after != group.state {
            let is_blamed = expected_before.is_none_or(|expected| expected != after);
            let sums = if is_blamed { &mut flips } else { &mut settling };
            sums.add(group, after);
        }
        fates.push(Fate { before: group.state, expected_before, after, by });
    }
    let effects = proposed_rules.effects();
    WhatIf { fates, flips: flips.list(), settling: settling.list(), effects, by_default }
}

/// What a group would be, and what would decide.
fn fate(group: &Group<'_>, access: Access<'_>, decisive: Option<usize>) -> (AccessState, By) {
    if stands_before_lists(group) {
        return (group.state, By::Unchanged);
    }
    let is_exempt = group.reason == Some(AccessReason::Individual);
    match group.exemption {
        ExemptionChange::Allow => (AccessState::Allowed, By::Exemption),
        ExemptionChange::Block => (AccessState::Blocked, By::Exemption),
        ExemptionChange::None if is_exempt => (group.state, By::Unchanged),
        ExemptionChange::None | ExemptionChange::Remove => {
            match decisive.and_then(|index| Some((index, access.rules.get(index)?))) {
                Some((index, rule)) => (rule.level.state(), By::Rule(index)),
                None => (access.default_level.state(), By::DefaultLevel),
            }
        }
    }
}

/// Whether something decides that neither lists nor rules nor the default level can change.
const fn stands_before_lists(group: &Group<'_>) -> bool {
    matches!(group.state, AccessState::Discovery)
        || matches!(
            group.reason,
            Some(
                AccessReason::Policy
                    | AccessReason::Autoblock
                    | AccessReason::Upgrade
                    | AccessReason::Other
            )
        )
}

impl<'a> Group<'a> {
    /// What rules can name devices of the inventory by.
    const NAMED_BY: [Characteristic; 4] = [
        Characteristic::Type,
        Characteristic::Model,
        Characteristic::Os,
        Characteristic::UserAgent,
    ];

    fn value(&self, characteristic: Characteristic) -> Option<&'a str> {
        match characteristic {
            Characteristic::Type => self.device_type,
            Characteristic::Model => self.model,
            Characteristic::Os => self.os,
            Characteristic::UserAgent => self.user_agent,
            Characteristic::WindowsLiveHeader => None,
        }
    }
}

/// Flips by what changes to what.
#[derive(Default)]
struct Sums(BTreeMap<(AccessState, AccessState), (u64, u64)>);

impl Sums {
    fn add(&mut self, group: &Group<'_>, to: AccessState) {
        let (devices, people) = self.0.entry((group.state, to)).or_default();
        *devices = devices.saturating_add(group.devices);
        *people = people.saturating_add(group.people);
    }

    fn list(self) -> Vec<Flips> {
        let flips =
            |((from, to), (devices, people_at_most))| Flips { from, to, devices, people_at_most };
        self.0.into_iter().map(flips).collect()
    }
}
