//! What can be told to people and programs, to whom, and by which way: topics, things that happened,
//! channels, subscriptions, templates and deliveries.

mod channel;
mod delivery;
mod subscription;
mod template;

pub use channel::{Channel, ChannelKind, MailServer, SmtpSecurity, Webhook};
pub use delivery::{Attempt, Delivery, DeliveryState, GIVE_UP_AFTER, wait_after};
pub use subscription::{InvalidAddress, InvalidName, Language, MailAddress, Name, Subscription};
pub use template::{InvalidTemplate, Placeholder, Template};

use jiff::Timestamp;
use uuid::Uuid;

use crate::{ConnectorId, DeviceId, device::words};

/// What a message is about. The words are also the types of webhook messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// A device came that was not known.
    NewDevice,
    /// A device waits in quarantine.
    Quarantined,
    /// An action ended without its effect.
    ActionFailed,
    /// The guard holds a request until a second person approves it.
    ApprovalWanted,
    /// A connector does not work any more.
    ConnectorTrouble,
    /// Something that gives access ends soon.
    CredentialExpiring,
}

words!(Topic {
    NewDevice = "device.new",
    Quarantined = "device.quarantined",
    ActionFailed = "action.failed",
    ApprovalWanted = "approval.wanted",
    ConnectorTrouble = "connector.trouble",
    CredentialExpiring = "credential.expiring",
});

/// Something that happened and that somebody may want to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// A device came that was not known.
    NewDevice {
        /// Of which connector.
        connector: ConnectorId,
        /// Which.
        device: DeviceId,
    },
    /// A device was put into quarantine.
    Quarantined {
        /// Of which connector.
        connector: ConnectorId,
        /// Which.
        device: DeviceId,
    },
    /// An action ended without its effect.
    ActionFailed {
        /// Of which connector.
        connector: ConnectorId,
        /// On which device.
        device: DeviceId,
        /// The device as people know it, at that time.
        name: String,
        /// What was asked for, in its own word: `wipe-account`.
        action: String,
        /// The request it belongs to.
        request: Uuid,
        /// Why, in one sentence.
        why: String,
    },
    /// The guard holds a request until a second person approves it.
    ApprovalWanted {
        /// The request.
        request: Uuid,
        /// What was asked for, in its own word.
        action: String,
        /// Of how many devices.
        devices: u64,
        /// Who asked, as people know them.
        requester: String,
        /// Why, as they said.
        reason: String,
    },
    /// A connector does not work any more.
    ConnectorTrouble {
        /// Which.
        connector: ConnectorId,
        /// Why, in one sentence.
        why: String,
    },
    /// Something that gives access ends soon.
    CredentialExpiring {
        /// What, as people know it: `the token deploy of jane`.
        what: String,
        /// When it ends.
        expires: Timestamp,
    },
}

impl Happened {
    /// What it is about.
    #[must_use]
    pub const fn topic(&self) -> Topic {
        match self {
            Self::NewDevice { .. } => Topic::NewDevice,
            Self::Quarantined { .. } => Topic::Quarantined,
            Self::ActionFailed { .. } => Topic::ActionFailed,
            Self::ApprovalWanted { .. } => Topic::ApprovalWanted,
            Self::ConnectorTrouble { .. } => Topic::ConnectorTrouble,
            Self::CredentialExpiring { .. } => Topic::CredentialExpiring,
        }
    }

    /// Of which connector, if of one.
    #[must_use]
    pub const fn connector(&self) -> Option<ConnectorId> {
        match self {
            Self::NewDevice { connector, .. }
            | Self::Quarantined { connector, .. }
            | Self::ActionFailed { connector, .. }
            | Self::ConnectorTrouble { connector, .. } => Some(*connector),
            Self::ApprovalWanted { .. } | Self::CredentialExpiring { .. } => None,
        }
    }

    /// Of which device, if of one.
    #[must_use]
    pub const fn device(&self) -> Option<DeviceId> {
        match self {
            Self::NewDevice { device, .. }
            | Self::Quarantined { device, .. }
            | Self::ActionFailed { device, .. } => Some(*device),
            Self::ApprovalWanted { .. }
            | Self::ConnectorTrouble { .. }
            | Self::CredentialExpiring { .. } => None,
        }
    }
}
