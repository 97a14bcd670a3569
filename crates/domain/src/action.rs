//! Actions: what is asked of one device, what it will do there, and how far it has come.

mod forecast;
mod sight;
#[cfg(test)]
mod tests;

pub use forecast::{Client, Effect, Forecast, Refusal, Server, Warning, forecast};
pub use sight::{Baseline, Sight, Step, seen_after, seen_before, wipe_that_counts};

use crate::{Permission, device::words};

/// What is asked of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ActionKind {
    /// A personal exemption lets it in.
    Allow,
    /// A personal exemption keeps it out.
    Block,
    /// Both exemptions go; rules and the default level decide.
    Release,
    /// The mail account on the phone is erased.
    WipeAccount,
    /// The whole phone is erased.
    WipeDevice,
    /// A wipe that the phone has not fetched is taken back.
    CancelWipe,
    /// The partnership goes; nothing is erased.
    Forget,
}

words!(ActionKind {
    Allow = "allow",
    Block = "block",
    Release = "release",
    WipeAccount = "wipe-account",
    WipeDevice = "wipe-device",
    CancelWipe = "cancel-wipe",
    Forget = "forget",
});

impl ActionKind {
    /// What it needs.
    #[must_use]
    pub const fn permission(self) -> Permission {
        match self {
            Self::Allow | Self::Block | Self::Release | Self::CancelWipe => {
                Permission::ModifyResource
            }
            Self::WipeAccount | Self::Forget => Permission::DeleteResource,
            Self::WipeDevice => Permission::WipeDevice,
        }
    }

    /// By its effect, as a button says it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Block => "Block",
            Self::Release => "Remove both exemptions",
            Self::WipeAccount => "Erase mail account on the phone",
            Self::WipeDevice => "Erase entire phone",
            Self::CancelWipe => "Cancel erase",
            Self::Forget => "Forget partnership (erases nothing)",
        }
    }

    /// Whether it erases something: what the guard watches.
    #[must_use]
    pub const fn is_wipe(self) -> bool {
        matches!(self, Self::WipeAccount | Self::WipeDevice)
    }

    /// Whether it edits the owner's exemptions.
    #[must_use]
    pub const fn is_of_access(self) -> bool {
        matches!(self, Self::Allow | Self::Block | Self::Release)
    }
}

/// How far an action has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActionState {
    /// It is on record, and waits for its turn or for somebody's approval.
    Asked,
    /// It may be sent.
    Approved,
    /// The intent is on record and the cmdlet is on its way: whether it took effect is to be read.
    Sending,
    /// Exchange has taken it.
    Sent,
    /// The phone has fetched the wipe.
    Fetched,
    /// The phone says that the wipe was done.
    Acknowledged,
    /// The effect was read back.
    Confirmed,
    /// It ended without its effect.
    Failed,
    /// Exchange has taken it, and nobody can say whether it took effect.
    Unverifiable,
    /// It was taken back before it was sent.
    Cancelled,
}

words!(ActionState {
    Asked = "asked",
    Approved = "approved",
    Sending = "sending",
    Sent = "sent",
    Fetched = "fetched",
    Acknowledged = "acknowledged",
    Confirmed = "confirmed",
    Failed = "failed",
    Unverifiable = "unverifiable",
    Cancelled = "cancelled",
});

impl ActionState {
    /// As people read it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Approved => "approved",
            Self::Sending => "being sent to Exchange",
            Self::Sent => "sent to Exchange",
            Self::Fetched => "fetched by the phone",
            Self::Acknowledged => "acknowledged by the phone",
            Self::Confirmed => "confirmed",
            Self::Failed => "failed",
            Self::Unverifiable => "cannot be verified",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Acknowledged
                | Self::Confirmed
                | Self::Failed
                | Self::Unverifiable
                | Self::Cancelled
        )
    }

    /// Whether no cmdlet can have been sent for it yet: it can be taken back without a trace.
    #[must_use]
    pub const fn is_unsent(self) -> bool {
        matches!(self, Self::Asked | Self::Approved)
    }
}
