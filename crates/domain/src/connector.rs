//! A connector: the configured link to one organization.

use jiff::Timestamp;

use crate::{ConnectorId, device::words};

/// One configured link to one organization.
#[derive(Debug, Clone, PartialEq)]
pub struct Connector {
    /// Stable id.
    pub id: ConnectorId,
    /// The name people use.
    pub name: ConnectorName,
    /// How to reach the organization.
    pub endpoint: Endpoint,
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
}

/// Name of a connector: 1 to 63 characters of `a-z`, `0-9` and `-`, beginning with a letter or
/// digit. It stands in URLs and on command lines.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectorName(String);

/// Why a text is no connector name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "connector name {0:?} is not 1 to 63 of a-z, 0-9 and hyphen, beginning with a letter or digit"
)]
pub struct InvalidConnectorName(pub String);

impl ConnectorName {
    /// Longest name, as for a DNS label.
    pub const MAX_LENGTH: usize = 63;

    /// The name a text stands for.
    pub fn parse(text: &str) -> Result<Self, InvalidConnectorName> {
        let fits = !text.is_empty()
            && text.len() <= Self::MAX_LENGTH
            && !text.starts_with('-')
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
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

/// How an on-premises organization is reached and signed in to. The secret is kept elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `http://server.contoso.com/PowerShell/`.
    pub url: String,
    /// `host:port` to open the connection to, if it differs from the URL's.
    pub connect_to: Option<String>,
    /// Service principal name, if it is not `HTTP/<host of the URL>`.
    pub spn: Option<String>,
    /// Which way of signing in to use.
    pub authentication: Authentication,
    /// `DOMAIN\user` or `user@domain`; `None` for a credential cache.
    pub username: Option<String>,
    /// Kerberos key distribution centres, `host:port`, first one first; empty: found by DNS or
    /// the system's configuration.
    pub kdc: Vec<String>,
    /// Path of a keytab file on the server, in place of a password.
    pub keytab: Option<String>,
    /// Send Basic credentials over plain HTTP. Anybody on the way can read them.
    pub allow_basic_without_tls: bool,
    /// What to trust beyond the system's certificate authorities.
    pub trust: Trust,
    /// HTTP proxy to reach the server through.
    pub proxy: Option<Proxy>,
}

/// What a server's certificate is held against.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trust {
    /// More certificate authorities, PEM.
    pub extra_roots_pem: Option<String>,
    /// SHA-256 of the one certificate accepted, lower-case hexadecimal; nothing else is checked.
    pub pinned_sha256: Option<String>,
}

/// An HTTP proxy that opens tunnels with `CONNECT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// `host:port`.
    pub address: String,
    /// User name, if the proxy asks for one. The password is kept with the connector's secrets.
    pub username: Option<String>,
}

/// Which way of signing in to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Authentication {
    /// The best scheme the server offers.
    #[default]
    Automatic,
    /// Kerberos alone.
    Kerberos,
    /// SPNEGO: Kerberos where it works, else NTLM.
    Negotiate,
    /// NTLM alone.
    Ntlm,
    /// Basic.
    Basic,
}

words!(Authentication {
    Automatic = "automatic",
    Kerberos = "kerberos",
    Negotiate = "negotiate",
    Ntlm = "ntlm",
    Basic = "basic",
});

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
}

words!(ConnectorState { Flagged = "flagged", Installed = "installed", Trouble = "trouble" });

/// Exchange's own id of an organization, never a server name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationIdentity {
    /// Stable key: a GUID or distinguished name that every server of the organization reports.
    pub key: String,
    /// Name shown to people.
    pub name: String,
}
