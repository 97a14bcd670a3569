//! What Exchange says it decided about a device: in one sentence, and held against what its rules say.
//!
//! The sentence needs nothing but the inventory. It stands at the head of a device's page also where
//! rules and lists were never read.

use std::fmt;

use super::decision::{Explanation, Hosting, Outcome, StepKind};
use crate::{AccessReason, AccessState, Device};

/// What the inventory has of Exchange's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reported<'a> {
    /// The state.
    pub state: AccessState,
    /// Why.
    pub reason: Option<AccessReason>,
    /// Name of the rule that decided.
    pub rule: Option<&'a str>,
}

impl<'a> Reported<'a> {
    /// Of a device of the inventory.
    #[must_use]
    pub fn of(device: &'a Device) -> Self {
        let facts = &device.facts;
        let rule = facts.access_rule.as_deref();
        Self { state: facts.access_state, reason: facts.access_reason, rule }
    }

    /// What Exchange decided, why, and what to do about it. The owner is named as given.
    ///
    /// Names in it are to the letter, as the inventory has them.
    #[must_use]
    pub fn sentence(&self, owner: Option<&str>) -> String {
        let rule = self.rule.map(|name| format!("\"{name}\""));
        let why = match self.reason {
            Some(AccessReason::Rule) => Why::Rule(rule),
            Some(AccessReason::Global) => Why::Default,
            Some(AccessReason::Individual) => Why::Exemption,
            Some(AccessReason::Policy) => Why::Policy(None),
            Some(AccessReason::Upgrade) => Why::Upgrade,
            Some(AccessReason::Autoblock) => Why::Autoblock,
            Some(AccessReason::Other) => Why::Other,
            None => Why::NotSaid,
        };
        sentence(self.state, &why, owner)
    }
}

impl Explanation {
    /// The decision, why, and what to do about it, as [`Reported::sentence`] says it.
    #[must_use]
    pub fn sentence(&self, owner: Option<&str>) -> String {
        let why = match self.deciding_step().kind {
            StepKind::ActiveSync => Why::ActiveSyncOff,
            StepKind::MailboxPolicy => Why::Policy(self.policy.clone()),
            StepKind::PersonalBlock | StepKind::PersonalAllow => Why::Exemption,
            StepKind::BlockRules | StepKind::QuarantineRules | StepKind::AllowRules => {
                Why::Rule(self.decision.rule.as_ref().map(ToString::to_string))
            }
            StepKind::DefaultLevel if self.deciding_step().outcome == Outcome::Decided => {
                Why::Default
            }
            StepKind::SignIn | StepKind::DefaultLevel => Why::DefaultNotKnown,
        };
        let mut text = sentence(self.decision.state, &why, owner);
        if !self.is_certain() && self.deciding_step().outcome == Outcome::Decided {
            text.push_str(" Not everything that Exchange looks at is known.");
        }
        text
    }

    /// What Exchange reports, held against this.
    #[must_use]
    pub fn compare(&self, reported: &Reported<'_>) -> Agreement {
        if reported.state == AccessState::Unknown || self.decision.state == AccessState::Unknown {
            return Agreement::CannotTell;
        }
        let is_off = self.deciding_step().kind == StepKind::ActiveSync;
        let is_same_reason =
            is_off || reported.reason.is_none() || reported.reason == self.decision.reason;
        if reported.state == self.decision.state && is_same_reason {
            return Agreement::Agrees;
        }
        Agreement::Differs { causes: self.causes(reported) }
    }

    /// The likely causes of a difference, the likeliest first.
    fn causes(&self, reported: &Reported<'_>) -> Vec<Cause> {
        if reported.state == AccessState::Discovery {
            return vec![Cause::Discovery];
        }
        let mut causes = Vec::new();
        if self.deciding_step().kind == StepKind::ActiveSync {
            causes.push(Cause::ActiveSyncOff);
        }
        let is_not_known = |kind| self.step(kind).outcome == Outcome::NotKnown;
        match reported.reason {
            Some(AccessReason::Policy) => causes.push(Cause::Policy),
            Some(AccessReason::Autoblock) => causes.push(Cause::Autoblock),
            Some(AccessReason::Upgrade) => causes.push(Cause::Upgrade),
            Some(AccessReason::Individual)
                if is_not_known(StepKind::PersonalBlock)
                    || is_not_known(StepKind::PersonalAllow) =>
            {
                causes.push(Cause::ListsNotRead);
            }
            Some(AccessReason::Other) => causes.push(Cause::ExternalManagement),
            Some(AccessReason::Individual | AccessReason::Rule | AccessReason::Global) | None => {
                causes.push(Cause::Changed);
            }
        }
        let is_personal = matches!(
            reported.reason,
            Some(
                AccessReason::Policy
                    | AccessReason::Autoblock
                    | AccessReason::Upgrade
                    | AccessReason::Individual
            )
        );
        if self.hosting == Hosting::Hosted && !is_personal {
            causes.extend([Cause::ConditionalAccess, Cause::BasicMobility]);
        }
        causes
    }
}

/// Whether Exchange reports what its rules say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Agreement {
    /// It does.
    Agrees,
    /// It reports something else.
    Differs {
        /// The likely causes, the likeliest first. Never empty.
        causes: Vec<Cause>,
    },
    /// It reports nothing, or too little is known.
    CannotTell,
}

/// Why Exchange may report something else than its rules say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// The mailbox policy is not satisfied.
    Policy,
    /// A threshold of Exchange's own protection.
    Autoblock,
    /// The mailbox is being upgraded.
    Upgrade,
    /// Exchange is still finding out what the device is.
    Discovery,
    /// ActiveSync is off, and what is reported is older.
    ActiveSyncOff,
    /// The mailbox's lists were not read.
    ListsNotRead,
    /// Something changed since Exchange decided, or since it was read.
    Changed,
    /// Another product manages devices.
    ExternalManagement,
    /// A conditional access policy of the hosted service.
    ConditionalAccess,
    /// Basic Mobility and Security of the hosted service.
    BasicMobility,
}

impl Cause {
    /// The cause, and what to do about it, in a sentence or two.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Policy => {
                "The phone does not satisfy the mailbox policy, which Exchange looks at before any \
                 list or rule. Have it apply the policy, or let clients in that cannot."
            }
            Self::Autoblock => {
                "The phone went over a threshold of Exchange's own protection. Exchange lets it in \
                 again after the block duration."
            }
            Self::Upgrade => "The mailbox is being upgraded. This passes by itself.",
            Self::Discovery => {
                "Exchange is still finding out what the phone is, for up to 14 minutes. Look again \
                 after that."
            }
            Self::ActiveSyncOff => {
                "ActiveSync is off for the mailbox, so the phone no longer gets in, and Exchange \
                 still shows what it decided before."
            }
            Self::ListsNotRead => {
                "A personal exemption decided, and the mailbox's lists were not read here. Refresh \
                 the device, and look whether the account may read mailboxes."
            }
            Self::Changed => {
                "A rule, a list, the default level or the phone itself changed since Exchange \
                 decided, or since it was read here. Exchange decides anew when the phone connects; \
                 that can take up to 6 hours."
            }
            Self::ExternalManagement => {
                "Another product that manages devices decides about this one; Exchange's rules do \
                 not. Look there."
            }
            Self::ConditionalAccess => {
                "A conditional access policy may decide: Exchange then skips its rules for Outlook \
                 mobile. A change of it can take up to 6 hours."
            }
            Self::BasicMobility => {
                "Basic Mobility and Security may decide: for enrolled devices it overrides the \
                 mailbox policy and the access rules."
            }
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

/// What decided, as far as a sentence needs it.
enum Why {
    ActiveSyncOff,
    Policy(Option<String>),
    Exemption,
    /// As it is shown, quoted.
    Rule(Option<String>),
    Default,
    DefaultNotKnown,
    Upgrade,
    Autoblock,
    Other,
    NotSaid,
}

fn sentence(state: AccessState, why: &Why, owner: Option<&str>) -> String {
    match state {
        AccessState::Discovery => {
            return "In discovery: Exchange is still finding out what it is, for up to 14 minutes. \
                    Look again after that."
                .to_owned();
        }
        AccessState::Unknown => return unknown(why).to_owned(),
        AccessState::Allowed | AccessState::Blocked | AccessState::Quarantined => {}
    }
    let head = match state {
        AccessState::Allowed => "Allowed",
        AccessState::Blocked => "Blocked",
        _ => "Quarantined",
    };
    let owner = owner.filter(|name| !name.trim().is_empty()).unwrap_or("its owner");
    let cause = cause(state, why, owner);
    if state == AccessState::Allowed {
        return format!("{head}{cause}.");
    }
    match advice(why, owner) {
        Some(advice) => format!("{head}{cause}. {advice}"),
        None => format!("{head}{cause}."),
    }
}

fn unknown(why: &Why) -> &'static str {
    match why {
        Why::DefaultNotKnown => {
            "Unknown: no rule and no exemption names it, and the default level was not read. Look \
             whether the account may read the organization's settings."
        }
        _ => "Unknown: Exchange does not say what it decided. Look again after its next sync.",
    }
}

/// What follows the state: `: the rule … blocks it`.
fn cause(state: AccessState, why: &Why, owner: &str) -> String {
    let (verb, level) = match state {
        AccessState::Allowed => ("allows it", "allow"),
        AccessState::Blocked => ("blocks it", "block"),
        _ => ("quarantines it", "quarantine"),
    };
    match why {
        Why::ActiveSyncOff => format!(": ActiveSync is off for the mailbox of {owner}"),
        Why::Policy(Some(name)) => format!(": it does not satisfy the mailbox policy \"{name}\""),
        Why::Policy(None) if state == AccessState::Allowed => {
            ": it satisfies the mailbox policy".to_owned()
        }
        Why::Policy(None) => {
            ": it does not satisfy the mailbox policy, or cannot be asked to".to_owned()
        }
        Why::Exemption => format!(": a personal exemption of {owner} {verb}"),
        Why::Rule(Some(rule)) => format!(": the rule {rule} of this organization {verb}"),
        Why::Rule(None) => format!(": an access rule of this organization {verb}"),
        Why::Default => {
            format!(": no rule and no exemption names it, and the default level is {level}")
        }
        Why::Upgrade => format!(" while the mailbox of {owner} is being upgraded"),
        Why::Autoblock if state == AccessState::Allowed => {
            ": Exchange's own protection lets it in".to_owned()
        }
        Why::Autoblock => {
            " by Exchange's own protection: it went over one of its thresholds".to_owned()
        }
        Why::Other => {
            " for a reason that is neither a rule nor a list, and stands among the attributes"
                .to_owned()
        }
        Why::NotSaid | Why::DefaultNotKnown => ", and Exchange does not say why".to_owned(),
    }
}

/// What to do to have it in.
fn advice(why: &Why, owner: &str) -> Option<String> {
    Some(match why {
        Why::ActiveSyncOff => "Switch it on for that mailbox.".to_owned(),
        Why::Policy(_) => {
            "Have the phone apply the policy, or let clients in that cannot enforce it.".to_owned()
        }
        Why::Exemption => format!("Allow it for {owner}, or leave it to the rules."),
        Why::Rule(_) => format!("Allow it for {owner}, or change the rule."),
        Why::Default => format!("Allow it for {owner}, or write a rule for its model."),
        Why::Upgrade => "This passes by itself.".to_owned(),
        Why::Autoblock => "This passes after the block duration.".to_owned(),
        Why::Other => "Look for another product that manages devices.".to_owned(),
        Why::NotSaid | Why::DefaultNotKnown => return None,
    })
}
