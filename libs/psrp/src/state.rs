//! States of pools and pipelines, and versions of the protocol.

use std::fmt;

/// State of a runspace pool ([MS-PSRP] 2.2.3.4).
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PoolState {
    /// 0: nothing was sent.
    BeforeOpen,
    /// 1: asked for, not granted yet.
    Opening,
    /// 2: pipelines may be started.
    Opened,
    /// 3: ended.
    Closed,
    /// 4: being ended.
    Closing,
    /// 5: ended by a failure.
    Broken,
    /// 6: being left alone.
    Disconnecting,
    /// 7: lives on at the server without us.
    Disconnected,
    /// 8: being taken over.
    Connecting,
    /// A number this crate does not know, kept.
    Unknown(i32),
}

impl PoolState {
    /// Its number on the wire.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            Self::BeforeOpen => 0,
            Self::Opening => 1,
            Self::Opened => 2,
            Self::Closed => 3,
            Self::Closing => 4,
            Self::Broken => 5,
            Self::Disconnecting => 6,
            Self::Disconnected => 7,
            Self::Connecting => 8,
            Self::Unknown(code) => code,
        }
    }

    /// True if nothing more will come.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Closed | Self::Broken)
    }
}

impl From<i32> for PoolState {
    fn from(code: i32) -> Self {
        match code {
            0 => Self::BeforeOpen,
            1 => Self::Opening,
            2 => Self::Opened,
            3 => Self::Closed,
            4 => Self::Closing,
            5 => Self::Broken,
            6 => Self::Disconnecting,
            7 => Self::Disconnected,
            8 => Self::Connecting,
            other => Self::Unknown(other),
        }
    }
}

impl fmt::Display for PoolState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BeforeOpen => f.write_str("not opened"),
            Self::Opening => f.write_str("opening"),
            Self::Opened => f.write_str("opened"),
            Self::Closed => f.write_str("closed"),
            Self::Closing => f.write_str("closing"),
            Self::Broken => f.write_str("broken"),
            Self::Disconnecting => f.write_str("disconnecting"),
            Self::Disconnected => f.write_str("disconnected"),
            Self::Connecting => f.write_str("connecting"),
            Self::Unknown(code) => write!(f, "in unknown state {code}"),
        }
    }
}

/// State of a pipeline ([MS-PSRP] 2.2.3.5).
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PipelineState {
    /// 0.
    NotStarted,
    /// 1.
    Running,
    /// 2: asked to stop.
    Stopping,
    /// 3: stopped because it was asked to.
    Stopped,
    /// 4: ran to its end; there may have been errors.
    Completed,
    /// 5: ended by an error.
    Failed,
    /// 6: its pool is disconnected.
    Disconnected,
    /// A number this crate does not know, kept.
    Unknown(i32),
}

impl PipelineState {
    /// Its number on the wire.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            Self::NotStarted => 0,
            Self::Running => 1,
            Self::Stopping => 2,
            Self::Stopped => 3,
            Self::Completed => 4,
            Self::Failed => 5,
            Self::Disconnected => 6,
            Self::Unknown(code) => code,
        }
    }

    /// True if nothing more will come of it.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Stopped | Self::Completed | Self::Failed)
    }
}

impl From<i32> for PipelineState {
    fn from(code: i32) -> Self {
        match code {
            0 => Self::NotStarted,
            1 => Self::Running,
            2 => Self::Stopping,
            3 => Self::Stopped,
            4 => Self::Completed,
            5 => Self::Failed,
            6 => Self::Disconnected,
            other => Self::Unknown(other),
        }
    }
}

/// Version of the protocol, ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProtocolVersion {
    /// Major number: 2 for all that exist.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
}

impl ProtocolVersion {
    /// PowerShell 2, which Exchange 2010 runs on.
    pub const V2_1: Self = Self { major: 2, minor: 1 };
    /// PowerShell 3: disconnected sessions, warnings and verbose output merged into the output.
    pub const V2_2: Self = Self { major: 2, minor: 2 };
    /// PowerShell 5: information records, reset of a runspace.
    pub const V2_3: Self = Self { major: 2, minor: 3 };

    /// Reads `2.3`; further numbers are left out of account.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (major, rest) = text.trim().split_once('.')?;
        let minor = rest.split('.').next()?;
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lead_back_to_their_states() {
        for code in -2..12 {
            assert_eq!(PoolState::from(code).code(), code);
            assert_eq!(PipelineState::from(code).code(), code);
        }
    }

    #[test]
    fn versions_are_ordered() {
        assert_eq!(ProtocolVersion::parse("2.3"), Some(ProtocolVersion::V2_3));
        assert_eq!(ProtocolVersion::parse("2.1.0.1"), Some(ProtocolVersion::V2_1));
        assert_eq!(ProtocolVersion::parse("two"), None);
        assert!(ProtocolVersion::V2_1 < ProtocolVersion::V2_2);
        assert!(ProtocolVersion { major: 2, minor: 10 } > ProtocolVersion::V2_3);
    }
}
