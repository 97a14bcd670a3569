//! Numbered events of a connector, kept in the database.

use jiff::Timestamp;

use crate::{ConnectorId, device::words};

/// A numbered event of a connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusMessage {
    /// When.
    pub at: Timestamp,
    /// Of which connector.
    pub connector: ConnectorId,
    /// What happened.
    pub event: Event,
    /// In one sentence.
    pub text: String,
}

/// What happened to a connector, by number. 1015 is the number that the founding product gave to an
/// installed component; ours are 6400 to 6499.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// It was connected for the first time.
    Installed,
    /// It was added and waits for its first connection.
    Flagged,
    /// It could not be connected; it is tried again.
    InstallFailed,
    /// It was removed.
    Removed,
    /// Its configuration was changed.
    Changed,
    /// Its scheduled work rests.
    Paused,
    /// Its scheduled work goes on.
    Resumed,
    /// A pass could not be finished.
    PassFailed,
    /// A pass ended and not everything was read.
    PassIncomplete,
    /// It went over to another endpoint.
    FailedOver,
    /// It went back to a preferred endpoint.
    Returned,
    /// No endpoint answers.
    Unreachable,
    /// An endpoint is too old to see the mailboxes of newer servers.
    EndpointTooOld,
    /// Devices left the inventory for want of activity.
    Aged,
    /// A partnership is removed in Exchange, because its device left the inventory by age and that is
    /// switched on. Kept before it is done.
    RemovingPartnership,
    /// It was removed, or could not be.
    PartnershipRemoved,
    /// Exchange slows the account down.
    Throttled,
    /// The certificate that a connector signs in with expires soon.
    CertificateExpiring,
    /// It has expired.
    CertificateExpired,
    /// A written wish was applied.
    WishApplied,
    /// Applying a written wish ended before its end.
    ApplyFailed,
    /// Exchange is not as it was written down any more.
    Drifted,
    /// Exchange is as it was written down again.
    DriftEnded,
}

words!(Event {
    Installed = "installed",
    Flagged = "flagged",
    InstallFailed = "install-failed",
    Removed = "removed",
    Changed = "changed",
    Paused = "paused",
    Resumed = "resumed",
    PassFailed = "pass-failed",
    PassIncomplete = "pass-incomplete",
    FailedOver = "failed-over",
    Returned = "returned",
    Unreachable = "unreachable",
    EndpointTooOld = "endpoint-too-old",
    Aged = "aged",
    RemovingPartnership = "removing-partnership",
    PartnershipRemoved = "partnership-removed",
    Throttled = "throttled",
    CertificateExpiring = "certificate-expiring",
    CertificateExpired = "certificate-expired",
    WishApplied = "wish-applied",
    ApplyFailed = "apply-failed",
    Drifted = "drifted",
    DriftEnded = "drift-ended",
});

/// How grave an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// As it should be.
    Information,
    /// Something to look at.
    Warning,
    /// Something does not work.
    Error,
}

words!(Severity { Information = "information", Warning = "warning", Error = "error" });

impl Event {
    /// Its number, which never changes.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Installed => 1015,
            Self::Flagged => 6400,
            Self::InstallFailed => 6401,
            Self::Removed => 6402,
            Self::Changed => 6403,
            Self::Paused => 6404,
            Self::Resumed => 6405,
            Self::PassFailed => 6410,
            Self::PassIncomplete => 6411,
            Self::FailedOver => 6420,
            Self::Returned => 6421,
            Self::Unreachable => 6422,
            Self::EndpointTooOld => 6423,
            Self::Aged => 6430,
            Self::RemovingPartnership => 6431,
            Self::PartnershipRemoved => 6432,
            Self::Throttled => 6440,
            Self::CertificateExpiring => 6460,
            Self::CertificateExpired => 6461,
            Self::WishApplied => 6450,
            Self::ApplyFailed => 6451,
            Self::Drifted => 6452,
            Self::DriftEnded => 6453,
        }
    }

    /// The event of a number.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|event| event.number() == number)
    }

    /// How grave it is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::InstallFailed
            | Self::PassFailed
            | Self::Unreachable
            | Self::ApplyFailed
            | Self::CertificateExpired => Severity::Error,
            Self::PassIncomplete
            | Self::FailedOver
            | Self::EndpointTooOld
            | Self::Throttled
            | Self::CertificateExpiring
            | Self::Drifted => Severity::Warning,
            _ => Severity::Information,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn numbers_are_unique_and_lead_back() {
        let numbers: BTreeSet<u16> = Event::ALL.iter().map(|event| event.number()).collect();
        assert_eq!(numbers.len(), Event::ALL.len());
        for event in Event::ALL {
            assert_eq!(Event::from_number(event.number()), Some(*event));
        }
        assert_eq!(Event::from_number(1), None);
    }
}
