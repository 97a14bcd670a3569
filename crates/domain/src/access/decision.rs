//! What Exchange decides about one device, step by step.
//!
//! The order is Exchange's: sign-in, ActiveSync for the mailbox, the mailbox policy, the mailbox's
//! blocked list, its allowed list, block rules, quarantine rules, allow rules, the default level.
//! The first step that decides ends it. What a step needs and nobody knows is said, and taken as if
//! the step let the device pass: [`Explanation::is_certain`] tells.

mod step;

use super::{AccessLevel, AccessRule, Characteristic, is_same};
use crate::{AccessReason, AccessState, Device};
pub(super) use step::named;
pub use step::{Outcome, Step, StepKind};

/// A device as far as access is concerned: one of the inventory, or one that somebody describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Described<'a> {
    /// `iPhone`, `Android`, `Outlook`, …
    pub device_type: Option<&'a str>,
    /// Model as the client reports it.
    pub model: Option<&'a str>,
    /// Operating system, the exact text.
    pub os: Option<&'a str>,
    /// User agent.
    pub user_agent: Option<&'a str>,
    /// The header that Windows clients send; the inventory never knows it.
    pub windows_live_header: Option<&'a str>,
    /// The id the client chose.
    pub device_id: Option<&'a str>,
    /// What it means that one of these is missing.
    pub missing: Missing,
}

/// What a missing characteristic of a [`Described`] device means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Missing {
    /// The client reports nothing of it, so no rule can name it by that. So in the inventory.
    #[default]
    NotReported,
    /// Whoever described the device did not say: a rule may name it by that.
    NotSaid,
}

impl<'a> Described<'a> {
    /// A device of the inventory.
    #[must_use]
    pub fn of(device: &'a Device) -> Self {
        let facts = &device.facts;
        Self {
            device_type: facts.device_type.as_deref(),
            model: facts.model.as_deref(),
            os: facts.os.as_deref(),
            user_agent: facts.user_agent.as_deref(),
            windows_live_header: None,
            device_id: facts.device_id.as_deref(),
            missing: Missing::NotReported,
        }
    }

    /// What a rule compares; nothing if the device says nothing.
    #[must_use]
    pub fn value(&self, characteristic: Characteristic) -> Option<&'a str> {
        match characteristic {
            Characteristic::Type => self.device_type,
            Characteristic::Model => self.model,
            Characteristic::Os => self.os,
            Characteristic::UserAgent => self.user_agent,
            Characteristic::WindowsLiveHeader => self.windows_live_header,
        }
        .filter(|value| !value.is_empty())
    }
}

/// What is known of the owner's mailbox, as far as this device is concerned. `None` is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing<'a> {
    /// Whether ActiveSync is on for the mailbox.
    pub active_sync_enabled: Option<bool>,
    /// Whether the blocked list names the device.
    pub in_blocked_list: Option<bool>,
    /// Whether the allowed list names the device.
    pub in_allowed_list: Option<bool>,
    /// Name of the mailbox policy.
    pub policy: Option<&'a str>,
    /// Whether that policy lets clients in that cannot enforce it.
    pub lets_unable_in: Option<bool>,
    /// Whether the device has applied the policy in full.
    pub satisfies_policy: Option<bool>,
}

impl Standing<'_> {
    /// With what the mailbox's lists say of a device. Of a device without an id they say nothing.
    #[must_use]
    pub fn with_lists(
        self,
        device_id: Option<&str>,
        allowed: &[String],
        blocked: &[String],
    ) -> Self {
        let names = |ids: &[String]| {
            device_id.is_some_and(|wanted| ids.iter().any(|id| is_same(id, wanted)))
        };
        let (in_allowed_list, in_blocked_list) = (Some(names(allowed)), Some(names(blocked)));
        Self { in_allowed_list, in_blocked_list, ..self }
    }
}

/// What is known of the organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known<'a> {
    /// Exchange's rules.
    pub rules: &'a [AccessRule],
    /// The default access level, if it was read.
    pub default_level: Option<AccessLevel>,
    /// Where the organization runs.
    pub hosting: Hosting,
}

/// Where an organization runs: hosted, others than Exchange's rules may decide as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Hosting {
    /// On servers of its own.
    #[default]
    OnPremises,
    /// Exchange Online.
    Hosted,
}

/// What Exchange decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The state; unknown if nothing decides and the default level is not known.
    pub state: AccessState,
    /// Why. `None` where Exchange has no word for it: ActiveSync is off, or nobody knows.
    pub reason: Option<AccessReason>,
    /// The rule that decides; the first in the order of rules, if several do.
    pub rule: Option<AccessRule>,
}

/// How Exchange comes to its decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What it decides.
    pub decision: Decision,
    /// Every step, in Exchange's order, those that were not reached included.
    pub steps: Vec<Step>,
    /// The index of the step that decides.
    pub deciding: usize,
    pub(super) hosting: Hosting,
    /// The rule that would let in what is like this device: by its model, or what else is known.
    pub(super) rule_to_write: Option<AccessRule>,
    pub(super) policy: Option<String>,
}

/// What Exchange decides about a device, and how.
#[must_use]
pub fn explain(device: Described<'_>, standing: Standing<'_>, known: Known<'_>) -> Explanation {
    let findings = step::findings(&device, &standing, &known);
    let last = findings.len() - 1;
    let deciding = findings.iter().position(|finding| finding.decides.is_some()).unwrap_or(last);
    let mut decision = Decision { state: AccessState::Unknown, reason: None, rule: None };
    let mut steps = Vec::with_capacity(findings.len());
    for (index, finding) in findings.into_iter().enumerate() {
        let (step, decided) = finding.settle(index.cmp(&deciding));
        steps.push(step);
        decision = decided.unwrap_or(decision);
    }
    let likeness = [
        Characteristic::Model,
        Characteristic::Type,
        Characteristic::Os,
        Characteristic::UserAgent,
    ];
    let rule_to_write = likeness.into_iter().find_map(|characteristic| {
        let value = device.value(characteristic)?.to_owned();
        Some(AccessRule { characteristic, value, level: AccessLevel::Allow })
    });
    let policy = standing.policy.map(str::to_owned);
    Explanation { decision, steps, deciding, hosting: known.hosting, rule_to_write, policy }
}

impl Explanation {
    /// The step that decides.
    #[must_use]
    pub fn deciding_step(&self) -> &Step {
        self.steps.get(self.deciding).expect("the deciding step is one of the steps")
    }

    /// Whether everything that the decision rests on is known.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.steps.iter().all(|step| step.outcome != Outcome::NotKnown)
    }

    /// What nobody should forget who relies on this, in sentences.
    #[must_use]
    pub fn caveats(&self) -> Vec<&'static str> {
        let rules = [StepKind::BlockRules, StepKind::QuarantineRules, StepKind::AllowRules];
        let is_by_rules = rules.contains(&self.deciding_step().kind)
            || self.deciding_step().kind == StepKind::DefaultLevel;
        let hosted = (self.hosting == Hosting::Hosted).then_some(
            "In the hosted service, conditional access or Basic Mobility and Security may decide \
             instead of these rules.",
        );
        let claimed = is_by_rules.then_some(
            "Rules go by what the device says of itself, and a device can say anything.",
        );
        hosted.into_iter().chain(claimed).collect()
    }

    /// A step by its kind.
    #[must_use]
    pub fn step(&self, kind: StepKind) -> &Step {
        let step = self.steps.iter().find(|step| step.kind == kind);
        step.expect("an explanation has a step of every kind")
    }
}
