//! The things a wish is about, each with a value or absent.

use std::cmp::Ordering;

use uuid::Uuid;

use crate::{AccessLevel, Characteristic, Setting, SettingValue};

/// Something in Exchange that has a value or is not there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// A policy, by name. Its value: [`Value::Present`].
    Policy(Folded),
    /// A setting of a policy.
    Setting(Folded, Setting),
    /// The policy of a mailbox, if it is not the default one.
    Assignment(MailboxKey),
    /// The default access level.
    DefaultLevel,
    /// Whom Exchange tells of quarantined devices.
    Administrators,
    /// What Exchange adds to its mail to users.
    TextForUsers,
    /// An access rule, by characteristic and exact value.
    Rule(Characteristic, Folded),
    /// A device id in a mailbox's lists.
    Exemption(MailboxKey, Folded),
}

/// The value of a thing that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Of a setting.
    Setting(SettingValue),
    /// Of the default level and of a rule. Of an exemption: allow or block.
    Level(AccessLevel),
    /// Sorted, none twice.
    Texts(Vec<String>),
    /// Never empty.
    Text(String),
    /// Name of a policy.
    Policy(Folded),
    /// That it is there says everything.
    Present,
}

/// A text that is compared without regard to case, as Exchange does, and shown as it was written.
#[derive(Debug, Clone)]
pub struct Folded {
    text: String,
    folded: String,
}

/// A mailbox: known by its GUID, shown by its name.
#[derive(Debug, Clone)]
pub struct MailboxKey {
    /// Exchange's GUID of it.
    pub guid: Uuid,
    /// What people call it: its address, else its logon name.
    pub name: String,
}

impl Value {
    /// Texts in no order: sorted, none twice.
    #[must_use]
    pub fn texts(texts: Vec<String>) -> Self {
        match SettingValue::texts(texts) {
            SettingValue::Texts(texts) => Self::Texts(texts),
            _ => Self::Texts(Vec::new()),
        }
    }

    /// Whether both mean the same: Exchange compares texts in lists without regard to case.
    #[must_use]
    pub fn means(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Setting(one), Self::Setting(other)) => one.means(other),
            (Self::Texts(one), Self::Texts(other)) => {
                SettingValue::Texts(one.clone()).means(&SettingValue::Texts(other.clone()))
            }
            _ => self == other,
        }
    }

    /// A text, if there is one.
    #[must_use]
    pub fn text(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self::Text(text.to_owned()))
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Setting(value) => value.fmt(f),
            Self::Level(level) => level.fmt(f),
            Self::Texts(texts) => f.write_str(&texts.join(", ")),
            Self::Text(text) => f.write_str(text),
            Self::Policy(name) => name.fmt(f),
            Self::Present => f.write_str("present"),
        }
    }
}

impl Folded {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl From<&str> for Folded {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), folded: text.to_lowercase() }
    }
}

impl std::fmt::Display for Folded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Folded {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl Eq for Folded {}

impl PartialOrd for Folded {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Folded {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded.cmp(&other.folded)
    }
}

impl PartialEq for MailboxKey {
    fn eq(&self, other: &Self) -> bool {
        self.guid == other.guid
    }
}

impl Eq for MailboxKey {}

impl PartialOrd for MailboxKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for MailboxKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.guid.cmp(&other.guid)
    }
}
