//! A connector: the configured link to one organization.

mod endpoint;
mod expiry;
mod hosted;

pub use endpoint::{Authentication, Endpoint, Proxy, ServerEndpoint, Trust};
pub use expiry::Expiry;
pub use hosted::{CertificateFacts, Cloud, HostedEndpoint, HostedSignIn, InvalidTenant, Tenant};

use jiff::{SignedDuration, Timestamp};

use crate::{ConnectorId, DistinguishedName, Schedules, device::words};

/// One configured link to one organization.
#[derive(Debug, Clone, PartialEq)]
pub struct Connector {
    /// Stable id.
    pub id: ConnectorId,
    /// The name people use.
    pub name: ConnectorName,
    /// How to reach the organization.
    pub endpoint: Endpoint,
    /// What is read of it, when, and how.
    pub options: Options,
    /// Exchange's own id of the organization; `None` until the first connection.
    pub organization: Option<OrganizationIdentity>,
    /// Where it stands.
    pub state: ConnectorState,
    /// What went wrong last, in one sentence that says what to do.
    pub trouble: Option<String>,
    /// When it was added.
    pub created: Timestamp,
    /// When the last complete full pass began: as of then the inventory is true.
    pub last_full_sync: Option<Timestamp>,
    /// When the last complete delta pass began.
    pub last_delta_sync: Option<Timestamp>,
    /// Whether scheduled work rests until somebody lets it go on.
    pub is_paused: bool,
    /// When the connector is installed again, while it is not; see [`INSTALL_RETRY`].
    pub next_install: Option<Timestamp>,
}

/// How long after a failed installation the next is tried.
pub const INSTALL_RETRY: SignedDuration = SignedDuration::from_mins(60);

impl Connector {
    /// Whether scheduled passes run.
    #[must_use]
    pub fn is_at_work(&self) -> bool {
        self.organization.is_some() && !self.is_paused && self.state != ConnectorState::Removed
    }
}

/// What a connector reads, when, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// One server, or one array, for each Active Directory site; tried in this order after the
    /// endpoint of the connector.
    pub sites: Vec<SiteServer>,
    /// Where Active Directory is asked for more servers; `None`: Exchange alone is asked.
    pub directory: Option<Directory>,
    /// Whether sessions are opened at configured servers alone, and not at those that Exchange or
    /// the directory name. Off: an organization is reached as long as one of its servers answers.
    pub stays_at_configured_servers: bool,
    /// When full and delta passes run.
    pub schedules: Schedules,
    /// Which devices are taken in.
    pub discovery: Discovery,
    /// Whether partnerships of devices that left the inventory by age are removed in Exchange too.
    /// Off unless somebody switched it on.
    pub removes_aged_partnerships: bool,
    /// Whether users may be managed by another product as well (`AllowExternalDeviceManagement`);
    /// `None` leaves what Exchange has.
    pub allow_external_management: Option<bool>,
    /// User name and mailbox that notifications are sent with. The password is kept elsewhere.
    pub notification_account: Option<String>,
    /// Sessions open at once.
    pub runspaces: Runspaces,
    /// The connector that this one takes the organization over from, said in so many words.
    pub replaces: Option<ConnectorName>,
}

/// A server or an array of one Active Directory site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteServer {
    /// Name of the site.
    pub site: String,
    /// `http://server.contoso.com/PowerShell/`.
    pub url: String,
}

/// A domain controller that knows where Exchange's servers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// `host` or `host:port`.
    pub server: String,
    /// How the way there is protected.
    pub security: DirectorySecurity,
}

/// How the way to a domain controller is protected. Nothing is sent in the clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DirectorySecurity {
    /// TLS that is begun on the usual port, 389. Needs a password.
    #[default]
    StartTls,
    /// TLS from the first byte, port 636. Needs a password.
    Ldaps,
    /// Kerberos or NTLM seal every message, port 389. Needs no certificate; a password, a keytab,
    /// or with the `gssapi` build the system's credential cache.
    Sealed,
}

words!(DirectorySecurity { StartTls = "starttls", Ldaps = "ldaps", Sealed = "sealed" });

/// Which devices a connector takes in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Discovery {
    /// Whose devices.
    pub scope: DiscoveryScope,
    /// Devices that did nothing for more days than these are left out; `None` takes all.
    pub inactive_days: Option<u16>,
}

/// Whose devices a connector takes in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DiscoveryScope {
    /// The whole organization's.
    #[default]
    Organization,
    /// Those of users in these organizational units, by distinguished or canonical name.
    Units(Vec<String>),
    /// Those of mailboxes that this filter of Exchange finds: `Department -eq 'Sales'`.
    Recipients(String),
}

impl DiscoveryScope {
    /// Whether the devices of a user are looked at; `None` if only Exchange knows.
    #[must_use]
    pub fn holds(&self, user: Option<&DistinguishedName>) -> Option<bool> {
        match self {
            Self::Organization => Some(true),
            Self::Units(units) => {
                Some(user.is_some_and(|user| units.iter().any(|unit| user.is_inside(unit))))
            }
            Self::Recipients(_) => None,
        }
    }
}

/// How many sessions a connector may have open at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Runspaces(u8);

/// Why a number is no number of runspaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} runspaces are not 1 to {most}: Exchange lets an account have 18, and people need some", most = Runspaces::MOST)]
pub struct InvalidRunspaces(pub u8);

impl Runspaces {
    /// The documented default for a tenant; half of what an account may have on a server.
    pub const MOST: u8 = 9;

    /// A number from 1 to [`Self::MOST`].
    pub const fn new(count: u8) -> Result<Self, InvalidRunspaces> {
        if count >= 1 && count <= Self::MOST {
            Ok(Self(count))
        } else {
            Err(InvalidRunspaces(count))
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Default for Runspaces {
    /// Three, as the connectors of old had with parallel commands.
    fn default() -> Self {
        Self(3)
    }
}

/// Name of a connector: 1 to 63 characters of `a-z`, `0-9` and `-`, beginning with a letter or
/// digit, and not `new` or `live`. It stands in URLs and on command lines.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectorName(String);

/// Why a text is no connector name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "connector name {0:?} is not 1 to 63 of a-z, 0-9 and hyphen, beginning with a letter or digit, and \
     none of the words new and live"
)]
pub struct InvalidConnectorName(pub String);

/// Pages of the console that stand where a connector's page would.
const RESERVED: [&str; 2] = ["new", "live"];

impl ConnectorName {
    /// Longest name, as for a DNS label.
    pub const MAX_LENGTH: usize = 63;

    /// The name a text stands for.
    pub fn parse(text: &str) -> Result<Self, InvalidConnectorName> {
        let fits = !text.is_empty()
            && text.len() <= Self::MAX_LENGTH
            && !text.starts_with('-')
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !RESERVED.contains(&text);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidConnectorName(text.to_owned())) }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ConnectorName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a connector stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConnectorState {
    /// Added; not yet connected.
    #[default]
    Flagged,
    /// Connected once; the organization is known.
    Installed,
    /// The last attempt failed; `trouble` says why.
    Trouble,
    /// Removed, its inventory kept: nothing is read any more.
    Removed,
}

words!(ConnectorState {
    Flagged = "flagged",
    Installed = "installed",
    Trouble = "trouble",
    Removed = "removed",
});

/// Exchange's own id of an organization, never a server name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationIdentity {
    /// Stable key: a GUID or distinguished name that every server of the organization reports.
    pub key: String,
    /// Name shown to people.
    pub name: String,
}
