//! Who gets in: access levels, access rules, and what they are about.
//!
//! Exchange compares a characteristic of a device with the exact value of a rule; it knows no
//! wildcards. What people write down may be a range or a pattern: they are compiled to exact values.
//!
//! * [`decision`]: what Exchange decides about one device, step by step, and what would let it in.
//! * [`reported`]: what Exchange says it decided, in one sentence, and why that may differ.
//! * [`pattern`] and [`mod@compile`]: from what people write to the exact rules of Exchange.
//! * [`what_if`]: whom other rules would hit. [`switch`]: how to go from open to quarantine.

pub mod compile;
pub mod decision;
pub mod pattern;
pub mod remedy;
pub mod reported;
pub mod switch;
#[cfg(test)]
mod tests;
pub mod what_if;

use std::fmt;

pub use compile::{Compiled, CompiledRule, Gain, MOST_RULES, Problem, Seen, Severity, compile};
pub use decision::{Decision, Described, Explanation, Hosting, Known, Missing, Standing, explain};
pub use pattern::{Selector, SelectorError, WrittenRule};
pub use remedy::{Change, Reach, Remedy};
pub use reported::{Agreement, Cause, Reported};

use crate::{AccessState, device::words};

/// What happens to a device: by a rule, or by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AccessLevel {
    /// It syncs.
    Allow,
    /// It is refused.
    Block,
    /// It waits for an administrator.
    Quarantine,
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Characteristic {
    /// `iPhone`, `Android`, `Outlook`, …
    Type,
    /// `iPhone14C5`, `SM-G991B`, …
    Model,
    /// `iOS 17.4 21E219`.
    Os,
    /// The client's user agent.
    UserAgent,
    /// A header that Windows clients send. Exchange 2010 does not know it, and no list of devices
    /// says what a device sends.
    WindowsLiveHeader,
}

words!(AccessLevel { Allow = "allow", Block = "block", Quarantine = "quarantine" });
words!(Characteristic {
    Type = "type",
    Model = "model",
    Os = "os",
    UserAgent = "user_agent",
    WindowsLiveHeader = "xmswl_header",
});

/// A rule as Exchange has it: a characteristic, its exact value, and what happens.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccessRule {
    /// What it looks at.
    pub characteristic: Characteristic,
    /// The exact value, compared without regard to case.
    pub value: String,
    /// What happens.
    pub level: AccessLevel,
}

/// What two rules cannot both have: a characteristic and its value, without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleKey(pub Characteristic, pub String);

impl AccessLevel {
    /// The strongest first: of several rules that name a device, the strongest decides.
    pub const BY_STRENGTH: [Self; 3] = [Self::Block, Self::Quarantine, Self::Allow];

    /// The state a device is in when this level decides.
    #[must_use]
    pub const fn state(self) -> AccessState {
        match self {
            Self::Allow => AccessState::Allowed,
            Self::Block => AccessState::Blocked,
            Self::Quarantine => AccessState::Quarantined,
        }
    }

    /// The place in [`Self::BY_STRENGTH`]: the lower decides.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Block => 0,
            Self::Quarantine => 1,
            Self::Allow => 2,
        }
    }
}

impl Characteristic {
    /// What people call it.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Model => "model",
            Self::Os => "operating system",
            Self::UserAgent => "user agent",
            Self::WindowsLiveHeader => "header of Windows clients",
        }
    }
}

impl AccessRule {
    /// What no other rule has.
    #[must_use]
    pub fn key(&self) -> RuleKey {
        RuleKey(self.characteristic, fold(&self.value))
    }

    /// Whether the rule names a device: exactly, without regard to case.
    #[must_use]
    pub fn matches(&self, device: &Described<'_>) -> bool {
        device.value(self.characteristic).is_some_and(|value| is_same(value, &self.value))
    }
}

/// As people are told of it: `"iOS 15.4" (operating system)`.
impl fmt::Display for AccessRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" ({})", self.value, self.characteristic.noun())
    }
}

/// A text without its case. Letter by letter, so that a part of a text folds as the whole does.
fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Whether two texts are the same but for their case.
fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.chars(), other.chars());
    one.flat_map(char::to_lowercase).eq(other.flat_map(char::to_lowercase))
}
