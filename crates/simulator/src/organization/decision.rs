//! Which phone may sync, and why: Exchange's order of decision.

use uuid::Uuid;

use super::{Behavior, Device, Mailbox, MailboxPolicy, rules::Rules};
use crate::AccessLevel;

/// What Exchange says about a device's access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Allowed,
    Blocked,
    Quarantined,
    Discovery,
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Global,
    Individual,
    Rule,
    Policy,
    Autoblock(Behavior),
}

/// A decision with its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) state: State,
    pub(super) reason: Reason,
    /// The rule that decided.
    pub(super) rule: Option<Uuid>,
}

/// Policy, then Exchange's own protection, personal block, personal allowance, rules by severity, default.
pub(super) fn decide(
    device: &Device,
    owner: &Mailbox,
    policy: &MailboxPolicy,
    rules: &Rules,
    default: AccessLevel,
) -> Verdict {
    let named = |ids: &[String]| ids.iter().any(|id| id.eq_ignore_ascii_case(&device.id));
    let verdict = |state, reason| Verdict { state, reason, rule: None };
    if !owner.active_sync {
        return verdict(State::Blocked, Reason::Global);
    }
    if !policy.allows_non_provisionable() && !device.model().provisionable {
        return verdict(State::Blocked, Reason::Policy);
    }
    if let Some(autoblock) = device.autoblock {
        return verdict(State::Blocked, Reason::Autoblock(autoblock.behavior));
    }
    if named(&owner.blocked) {
        return verdict(State::Blocked, Reason::Individual);
    }
    if named(&owner.allowed) {
        return verdict(State::Allowed, Reason::Individual);
    }
    if let Some(rule) = rules.decisive(device.model) {
        return Verdict { rule: Some(rule.guid), ..verdict(rule.level.into(), Reason::Rule) };
    }
    verdict(default.into(), Reason::Global)
}

impl From<AccessLevel> for State {
    fn from(level: AccessLevel) -> Self {
        match level {
            AccessLevel::Allow => Self::Allowed,
            AccessLevel::Block => Self::Blocked,
            AccessLevel::Quarantine => Self::Quarantined,
        }
    }
}

impl State {
    /// As Exchange prints it, with its number.
    pub(crate) const fn printed(self) -> (&'static str, i32) {
        match self {
            Self::Allowed => ("Allowed", 1),
            Self::Blocked => ("Blocked", 2),
            Self::Quarantined => ("Quarantined", 3),
            Self::Discovery => ("DeviceDiscovery", 4),
        }
    }
}

impl Reason {
    /// As Exchange prints it, with its number.
    pub(crate) const fn printed(self) -> (&'static str, i32) {
        match self {
            Self::Global => ("Global", 1),
            Self::Individual => ("Individual", 2),
            Self::Rule => ("DeviceRule", 3),
            Self::Policy => ("Policy", 5),
            Self::Autoblock(behavior) => (behavior.word(), behavior.reason_number()),
        }
    }
}
