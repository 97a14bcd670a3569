//! What administrators wrote down: rules, policies, organization settings.

use jiff::Timestamp;
use uuid::Uuid;

use super::Model;
use crate::AccessLevel;

/// An access rule: characteristic and exact value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccessRule {
    pub(crate) guid: Uuid,
    pub(crate) characteristic: Characteristic,
    pub(crate) query: String,
    pub(crate) level: AccessLevel,
    pub(crate) created: Timestamp,
    pub(crate) changed: Timestamp,
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Characteristic {
    DeviceType,
    DeviceModel,
    DeviceOS,
    UserAgent,
    XmsWlHeader,
}

/// The organization's settings for mobile mailboxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) guid: Uuid,
    pub(crate) default_access_level: AccessLevel,
    pub(crate) user_mail_insert: String,
    pub(crate) ota_mail_insert: String,
    pub(crate) admin_mail_recipients: Vec<String>,
    /// Whether policies count where conditional access decides; Exchange Online alone has it.
    pub(crate) policies_beside_conditional_access: bool,
    pub(crate) created: Timestamp,
    pub(crate) changed: Timestamp,
}

/// A type and model that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeviceClass {
    pub(crate) guid: Uuid,
    pub(crate) device_type: &'static str,
    pub(crate) model: &'static str,
    pub(crate) updated: Timestamp,
}

impl AccessRule {
    /// `iPhone (DeviceType)`
    pub(crate) fn name(&self) -> String {
        format!("{} ({})", self.query, self.characteristic.word())
    }

    /// Whether another rule is about the same value, without regard to case.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        self.characteristic == other.characteristic
            && self.query.to_lowercase() == other.query.to_lowercase()
    }
}

impl Characteristic {
    pub(crate) const ALL: [Self; 5] =
        [Self::DeviceType, Self::DeviceModel, Self::DeviceOS, Self::UserAgent, Self::XmsWlHeader];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::DeviceType => "DeviceType",
            Self::DeviceModel => "DeviceModel",
            Self::DeviceOS => "DeviceOS",
            Self::UserAgent => "UserAgent",
            Self::XmsWlHeader => "XMSWLHeader",
        }
    }

    pub(crate) const fn number(self) -> i32 {
        match self {
            Self::DeviceType => 0,
            Self::DeviceModel => 1,
            Self::DeviceOS => 2,
            Self::UserAgent => 3,
            Self::XmsWlHeader => 4,
        }
    }

    pub(super) const fn of(self, model: &Model) -> Option<&'static str> {
        match self {
            Self::DeviceType => Some(model.device_type),
            Self::DeviceModel => Some(model.model),
            Self::DeviceOS => Some(model.os),
            Self::UserAgent => Some(model.user_agent),
            Self::XmsWlHeader => None,
        }
    }
}

impl AccessLevel {
    pub(crate) const ALL: [Self; 3] = [Self::Allow, Self::Block, Self::Quarantine];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Block => "Block",
            Self::Quarantine => "Quarantine",
        }
    }

    pub(crate) const fn number(self) -> i32 {
        match self {
            Self::Allow => 0,
            Self::Block => 1,
            Self::Quarantine => 2,
        }
    }
}
