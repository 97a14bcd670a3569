//! The servers of the organization.

use uuid::Uuid;

/// One Exchange server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExchangeServer {
    pub(crate) guid: Uuid,
    pub(crate) name: String,
    pub(crate) fqdn: String,
    pub(crate) site: String,
    /// Major, minor, build, revision.
    pub(crate) version: [i32; 4],
    pub(crate) role: Role,
}

/// What a server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Everything, as since 2016.
    Mailbox,
    /// Mailbox, Client Access and Hub Transport, as in 2010 and 2013.
    Combined,
    /// Mail from the internet; knows nothing of devices.
    Edge,
}

impl Role {
    /// As Exchange prints it, with its number.
    pub(crate) const fn printed(self) -> (&'static str, i32) {
        match self {
            Self::Mailbox => ("Mailbox", 2),
            Self::Combined => ("Mailbox, ClientAccess", 6),
            Self::Edge => ("Edge", 64),
        }
    }
}

impl Role {
    /// What a server of a version does that is no Edge server.
    pub(super) const fn of_version([major, minor, ..]: [i32; 4]) -> Self {
        if major > 15 || major == 15 && minor > 0 { Self::Mailbox } else { Self::Combined }
    }
}

impl ExchangeServer {
    /// 14 for Exchange 2010, 15 for all after it: later generations see earlier ones, and not the
    /// other way round.
    pub(super) const fn generation(&self) -> i32 {
        self.version[0]
    }

    /// `Version 15.2 (Build 1748.10)`
    pub(crate) fn admin_display_version(&self) -> String {
        let [major, minor, build, revision] = self.version;
        format!("Version {major}.{minor} (Build {build}.{revision})")
    }
}
