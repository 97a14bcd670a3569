//! Who gets in: access levels, access rules, and what they are about.
//!
//! Exchange compares a characteristic of a device with the exact value of a rule; it knows no
//! wildcards. What people write down may be a range or a pattern: they are compiled to exact values.

use crate::device::words;

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

/// What two rules cannot both have: a characteristic and its value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleKey(pub Characteristic, pub String);

impl AccessRule {
    /// What no other rule has.
    #[must_use]
    pub fn key(&self) -> RuleKey {
        RuleKey(self.characteristic, self.value.to_lowercase())
    }
}
