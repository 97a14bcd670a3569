//! The smallest change that would let a device in.
//!
//! Each [`Remedy`] is a whole way: once all its changes are made, Exchange allows the device. The
//! least far-reaching stands first.

use std::fmt;

use super::decision::{Explanation, Hosting, StepKind};
use super::{AccessRule, Reported};
use crate::{AccessReason, AccessState};

/// One way to let a device in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// Everything that has to be done. Never empty.
    pub changes: Vec<Change>,
    /// Whom it touches besides: the farthest of its changes.
    pub reach: Reach,
}

/// Whom a change touches, the fewest first. How many that are, the inventory knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reach {
    /// This device alone.
    OneDevice,
    /// Every device of the owner.
    OneMailbox,
    /// Every device that the rule names.
    DevicesOfRule,
    /// Every device of a mailbox with the policy.
    MailboxesOfPolicy,
    /// Every device that no rule and no exemption names.
    Everybody,
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Time: discovery and upgrades pass by themselves.
    Wait,
    /// The phone applies the mailbox policy.
    ApplyPolicy,
    /// The owner's list of blocked devices no longer names it.
    Unblock,
    /// The owner's list of allowed devices names it, and that of blocked devices does not.
    AllowPersonally,
    /// The block of Exchange's own protection is reset for the mailbox.
    ResetAutoblock,
    /// ActiveSync is switched on for the mailbox.
    EnableActiveSync,
    /// A new rule allows what is like it.
    WriteRule(AccessRule),
    /// These rules allow, instead of what they do.
    AllowByRules(Vec<AccessRule>),
    /// The policy lets clients in that cannot enforce it.
    LetUnableIn {
        /// Name of the policy, if it is known.
        policy: Option<String>,
    },
    /// The default level is allow.
    AllowByDefault,
}

impl Change {
    /// Whom it touches.
    #[must_use]
    pub const fn reach(&self) -> Reach {
        match self {
            Self::Wait | Self::ApplyPolicy | Self::Unblock | Self::AllowPersonally => {
                Reach::OneDevice
            }
            Self::ResetAutoblock | Self::EnableActiveSync => Reach::OneMailbox,
            Self::WriteRule(_) | Self::AllowByRules(_) => Reach::DevicesOfRule,
            Self::LetUnableIn { .. } => Reach::MailboxesOfPolicy,
            Self::AllowByDefault => Reach::Everybody,
        }
    }

    /// What is to be done, as the first or a later clause of a sentence.
    fn clause(&self, owner: &str) -> String {
        match self {
            Self::Wait => "wait until Exchange is done with it".to_owned(),
            Self::ApplyPolicy => "have the phone apply the mailbox policy".to_owned(),
            Self::Unblock => format!("take it off the blocked list of {owner}"),
            Self::AllowPersonally => format!("allow it for {owner}"),
            Self::ResetAutoblock => {
                format!("reset the block of Exchange's own protection for {owner}")
            }
            Self::EnableActiveSync => format!("switch ActiveSync on for the mailbox of {owner}"),
            Self::WriteRule(rule) => format!("write the rule {rule} to allow"),
            Self::AllowByRules(rules) => {
                format!("change {} to allow", super::decision::named(rules))
            }
            Self::LetUnableIn { policy } => match policy {
                Some(name) => {
                    format!("let clients in by the policy \"{name}\" that cannot enforce it")
                }
                None => "let clients in by the mailbox policy that cannot enforce it".to_owned(),
            },
            Self::AllowByDefault => "set the default level to allow".to_owned(),
        }
    }
}

impl Remedy {
    fn new(changes: Vec<Change>) -> Self {
        let reach = changes.iter().map(Change::reach).max().unwrap_or(Reach::OneDevice);
        Self { changes, reach }
    }

    /// What is to be done, in a sentence. The owner is named as given.
    #[must_use]
    pub fn sentence(&self, owner: Option<&str>) -> String {
        let owner = owner.filter(|name| !name.trim().is_empty()).unwrap_or("its owner");
        let clauses: Vec<String> = self.changes.iter().map(|it| it.clause(owner)).collect();
        let text = match clauses.as_slice() {
            [one] => one.clone(),
            [first @ .., last] => format!("{}, and {last}", first.join(", ")),
            [] => String::new(),
        };
        let mut letters = text.chars();
        let first = letters.next().map(char::to_uppercase).into_iter().flatten();
        format!("{}.", first.chain(letters).collect::<String>())
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneDevice => "this device alone",
            Self::OneMailbox => "every device of the owner",
            Self::DevicesOfRule => "every device that the rule names",
            Self::MailboxesOfPolicy => "every device of a mailbox with the policy",
            Self::Everybody => "every device that no rule and no exemption names",
        })
    }
}

impl Explanation {
    /// The ways to let the device in, the least far-reaching first; none if it is in.
    ///
    /// What Exchange reports counts as well: a block of its own protection, or a policy that is not
    /// satisfied, stands in the way whatever lists and rules say.
    #[must_use]
    pub fn remedies(&self, reported: Option<&Reported<'_>>) -> Vec<Remedy> {
        let reported = reported.filter(|it| it.state != AccessState::Allowed);
        let reason = reported.and_then(|it| it.reason);
        let is_passing = reason == Some(AccessReason::Upgrade)
            || reported.is_some_and(|it| it.state == AccessState::Discovery);
        let mut ways: Vec<Vec<Change>> = vec![Vec::new()];
        if is_passing {
            append(&mut ways, vec![Change::Wait]);
        }
        if self.would(StepKind::ActiveSync).is_some() {
            append(&mut ways, vec![Change::EnableActiveSync]);
        }
        if reason == Some(AccessReason::Autoblock) {
            // Hosted Exchange has no such switch.
            let reset = (self.hosting == Hosting::OnPremises).then_some(Change::ResetAutoblock);
            append(&mut ways, std::iter::once(Change::Wait).chain(reset).collect());
        }
        if self.would(StepKind::MailboxPolicy).is_some() || reason == Some(AccessReason::Policy) {
            let let_in = Change::LetUnableIn { policy: self.policy.clone() };
            append(&mut ways, vec![Change::ApplyPolicy, let_in]);
        }
        let is_by_list_or_rule = matches!(
            reason,
            Some(AccessReason::Individual | AccessReason::Rule | AccessReason::Global)
        );
        match self.past_the_lists() {
            // Something that nobody read keeps it out, and an exemption goes before all of it.
            changes if changes.is_empty() && is_by_list_or_rule => {
                append(&mut ways, vec![Change::AllowPersonally]);
            }
            changes => append(&mut ways, changes),
        }
        let mut remedies: Vec<Remedy> =
            ways.into_iter().filter(|way| !way.is_empty()).map(Remedy::new).collect();
        remedies.sort_by_key(|remedy| (remedy.reach, remedy.changes.len()));
        remedies
    }

    /// The changes of which each gets the device past lists, rules and the default level; none if
    /// they let it in as they are.
    fn past_the_lists(&self) -> Vec<Change> {
        let let_in = self.past_the_rules();
        if self.would(StepKind::PersonalBlock).is_some() {
            let is_in = let_in.is_empty() || self.would(StepKind::PersonalAllow).is_some();
            return is_in
                .then_some(Change::Unblock)
                .into_iter()
                .chain([Change::AllowPersonally])
                .collect();
        }
        if self.would(StepKind::PersonalAllow).is_some() || let_in.is_empty() {
            return Vec::new();
        }
        std::iter::once(Change::AllowPersonally).chain(let_in).collect()
    }

    fn past_the_rules(&self) -> Vec<Change> {
        let of = |kind| self.step(kind).matching.iter();
        let against: Vec<AccessRule> =
            of(StepKind::BlockRules).chain(of(StepKind::QuarantineRules)).cloned().collect();
        if !against.is_empty() {
            return vec![Change::AllowByRules(against)];
        }
        let is_in = self.would(StepKind::AllowRules).is_some()
            || self.would(StepKind::DefaultLevel) == Some(AccessState::Allowed);
        if is_in {
            return Vec::new();
        }
        let rule = self.rule_to_write.clone().map(Change::WriteRule);
        rule.into_iter().chain([Change::AllowByDefault]).collect()
    }

    fn would(&self, kind: StepKind) -> Option<AccessState> {
        self.step(kind).would_decide
    }
}

/// Every way, gone on with each of the changes. Without a change the ways stay as they are.
fn append(ways: &mut Vec<Vec<Change>>, changes: Vec<Change>) {
    if changes.is_empty() {
        return;
    }
    let begun = std::mem::take(ways);
    for change in changes {
        ways.extend(begun.iter().map(|way| {
            let mut way = way.clone();
            way.push(change.clone());
            way
        }));
    }
}
