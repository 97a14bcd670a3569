//! A device: one mobile-device partnership, one client on one mailbox.
//!
//! A [`Device`] is put together from three readings of Exchange, each with its own time:
//! [`DeviceFacts`] (the directory's list), [`DeviceStatistics`] (the mailbox) and
//! [`crate::MailboxFacts`] (the owner). Text is kept to the letter, control characters included;
//! `None` means that Exchange said nothing.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{ConnectorId, DeviceId, DistinguishedName};

/// A row of the inventory.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// Stable id: see [`DeviceId::of`].
    pub id: DeviceId,
    /// The connector whose organization holds the partnership.
    pub connector: ConnectorId,
    /// What the directory says.
    pub facts: DeviceFacts,
    /// What the mailbox says; `None` until it was read once.
    pub statistics: Option<DeviceStatistics>,
    /// The owner; only the distinguished name is known until the mailbox was read.
    pub owner: Owner,
    /// As of when the facts are true.
    pub observed: Timestamp,
    /// As of when the statistics are true.
    pub statistics_observed: Option<Timestamp>,
    /// Since when the partnership is missing from complete passes.
    pub gone_since: Option<Timestamp>,
}

impl Device {
    /// Exchange-connector style `user_devicetype`. Not unique: show it with
    /// model, client and [`Device::short_id`].
    #[must_use]
    pub fn display_name(&self) -> String {
        let user = self.owner.user.as_deref().unwrap_or("unknown");
        format!("{user}_{}", self.facts.device_type.as_deref().unwrap_or("device"))
    }

    /// The last four characters of the device id.
    #[must_use]
    pub fn short_id(&self) -> &str {
        let id = self.facts.device_id.as_deref().unwrap_or_default();
        let start = id.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
        id.get(start..).unwrap_or_default()
    }
}

/// The owner side of a device, joined by distinguished name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Owner {
    /// Logon name (`sAMAccountName`), else alias, else the common name in the owner's
    /// distinguished name.
    pub user: Option<String>,
    /// Primary SMTP address.
    pub mailbox: Option<String>,
    /// The mailbox's display name.
    pub name: Option<String>,
    /// Distinguished name of the owner: the device's without its first two parts.
    pub user_dn: Option<DistinguishedName>,
}

/// One object of the organization's device list.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceFacts {
    /// Exchange's GUID of the partnership; every write names it.
    pub guid: Uuid,
    /// Canonical identity as Exchange prints it.
    pub identity: Option<String>,
    /// Distinguished name of the partnership object.
    pub distinguished_name: Option<DistinguishedName>,
    /// The id the client chose; can change without notice.
    pub device_id: Option<String>,
    /// Name the user gave the phone.
    pub friendly_name: Option<String>,
    /// `iPhone`, `Android`, `Outlook`, …
    pub device_type: Option<String>,
    /// Model as the client reports it.
    pub model: Option<String>,
    /// Operating system, the exact text that rules compare with.
    pub os: Option<String>,
    /// Language of the operating system.
    pub os_language: Option<String>,
    /// User agent.
    pub user_agent: Option<String>,
    /// International mobile equipment identity. Personal data.
    pub imei: Option<String>,
    /// Telephone number. Personal data.
    pub phone_number: Option<String>,
    /// Mobile operator.
    pub operator: Option<String>,
    /// `EAS`, `Outlook`, `REST`, `MOWA`, … to the letter.
    pub client_type: Option<String>,
    /// Protocol or client version.
    pub client_version: Option<String>,
    /// What Exchange decided.
    pub access_state: AccessState,
    /// Why.
    pub access_reason: Option<AccessReason>,
    /// The access rule that decided, if one did.
    pub access_rule: Option<String>,
    /// First contact.
    pub first_sync: Option<Timestamp>,
    /// The directory object's creation.
    pub when_created: Option<Timestamp>,
    /// The directory object's last change.
    pub when_changed: Option<Timestamp>,
    /// Every property that has no field here, in Exchange's words: names with text.
    pub other: Vec<(String, String)>,
}

/// What the mailbox keeps about one partnership.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeviceStatistics {
    /// Exchange's GUID of the partnership these belong to, if the object said so.
    pub guid: Option<Uuid>,
    /// Identity of the partnership as Exchange prints it here.
    pub identity: Option<String>,
    /// Device id as the statistics spell it.
    pub device_id: Option<String>,
    /// First contact.
    pub first_sync: Option<Timestamp>,
    /// Last time the client tried.
    pub last_sync_attempt: Option<Timestamp>,
    /// Last time it worked.
    pub last_success_sync: Option<Timestamp>,
    /// Name of the policy applied.
    pub policy: Option<String>,
    /// How far it was applied, to the letter.
    pub policy_status: Option<String>,
    /// Where a wipe stands; see [`WipeStatus`].
    pub wipe_status: WipeStatus,
    /// When a wipe was asked for.
    pub wipe_requested: Option<Timestamp>,
    /// When the client fetched it.
    pub wipe_sent: Option<Timestamp>,
    /// When the client acknowledged it.
    pub wipe_acknowledged: Option<Timestamp>,
    /// Every property that has no field here, in Exchange's words. Never a recovery password.
    pub other: Vec<(String, String)>,
}

/// What Exchange says about a device's access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AccessState {
    /// Syncs.
    Allowed,
    /// Refused.
    Blocked,
    /// Waits for an administrator.
    Quarantined,
    /// New; Exchange is still finding out what it is (up to 14 minutes).
    Discovery,
    /// Not known, or a word we do not know (the letter of it is among the other properties).
    Unknown,
}

/// Why a device is in its access state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AccessReason {
    /// The default access level.
    Global,
    /// A personal exemption.
    Individual,
    /// An access rule.
    Rule,
    /// The mailbox policy is not satisfied.
    Policy,
    /// A mailbox upgrade; temporary.
    Upgrade,
    /// A threshold of Exchange's own protection.
    Autoblock,
    /// Another word of Exchange's.
    Other,
}

/// How far a wipe has come. "Sent", "fetched" and "acknowledged" are different states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum WipeStatus {
    /// None asked for.
    #[default]
    None,
    /// Asked for; the client has not fetched it.
    Requested,
    /// Fetched by the client.
    Sent,
    /// The client says it was done.
    Acknowledged,
}

/// Gives an enum one word per variant, the same in every table, URL and file.
macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $name {
            /// Every value, in the order of its meaning.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word used in tables, URLs, files and the API.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value a word stands for.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}
pub(crate) use words;

words!(AccessState {
    Allowed = "allowed",
    Blocked = "blocked",
    Quarantined = "quarantined",
    Discovery = "discovery",
    Unknown = "unknown",
});
words!(AccessReason {
    Global = "global",
    Individual = "individual",
    Rule = "rule",
    Policy = "policy",
    Upgrade = "upgrade",
    Autoblock = "autoblock",
    Other = "other",
});
words!(WipeStatus {
    None = "none",
    Requested = "requested",
    Sent = "sent",
    Acknowledged = "acknowledged",
});
