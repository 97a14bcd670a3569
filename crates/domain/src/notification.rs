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

use crate::{ConnectorId, device::words};

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
    /// Exchange is not as it was written down any more.
    Drifted,
}

words!(Topic {
    NewDevice = "device.new",
    Quarantined = "device.quarantined",
    ActionFailed = "action.failed",
    ApprovalWanted = "approval.wanted",
    ConnectorTrouble = "connector.trouble",
    CredentialExpiring = "credential.expiring",
    Drifted = "wish.drifted",
});

/// Something that happened and that somebody may want to be told. What happens to devices, requests
/// and actions is noted where their rows are written, and needs nobody to say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
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
    /// Something in Exchange is not as it was written down any more.
    Drifted {
        /// Of which connector.
        connector: ConnectorId,
        /// What it is, what it shall be, and who changed it, in one sentence.
        why: String,
    },
}

impl Happened {
    /// What it is about.
    #[must_use]
    pub const fn topic(&self) -> Topic {
        match self {
            Self::ConnectorTrouble { .. } => Topic::ConnectorTrouble,
            Self::CredentialExpiring { .. } => Topic::CredentialExpiring,
            Self::Drifted { .. } => Topic::Drifted,
        }
    }

    /// Of which connector, if of one.
    #[must_use]
    pub const fn connector(&self) -> Option<ConnectorId> {
        match self {
            Self::ConnectorTrouble { connector, .. } | Self::Drifted { connector, .. } => {
                Some(*connector)
            }
            Self::CredentialExpiring { .. } => None,
        }
    }
}
