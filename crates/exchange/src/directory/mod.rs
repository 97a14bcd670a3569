//! Active Directory, by its LDAP: Exchange's servers in it, and people who sign in with it.
//!
//! Every Exchange server writes its PowerShell virtual directories into the configuration partition,
//! with the addresses under which they are reached inside; any user of the forest may read them.
//! [`people`] finds a person and has the directory judge the password. A password never travels
//! unprotected: TLS goes around it, or Kerberos or NTLM seal the whole connection.

mod ber;
mod channel;
mod error;
mod message;
pub mod people;
mod servers;

use std::time::Duration;

pub use domain::connector::DirectorySecurity;
use domain::connector::Trust;

use self::{
    channel::Channel,
    message::{Content, Entry, Filter, Request, Scope, Search},
};
use crate::{ConnectError, Credential};

pub use error::DirectoryError;

/// Objects that one search may give. The largest organizations have some hundred servers with two
/// virtual directories each.
const MAX_ENTRIES: usize = 5_000;
/// Pages of one search, however few objects the server puts on each.
const MAX_PAGES: usize = 1_000;

/// How to reach and sign in to a directory server.
#[derive(Debug, Clone)]
pub struct DirectorySettings {
    /// Name of a domain controller or of the domain, with a port if it is not 389 or 636. Its
    /// certificate and its Kerberos service are held against this name.
    pub server: String,
    /// What protects the connection.
    pub security: DirectorySecurity,
    /// `DOMAIN\user` or `user@domain`; `None` for a credential cache.
    pub username: Option<String>,
    /// Path of a keytab file, for [`Credential::Keytab`].
    pub keytab: Option<String>,
    /// Kerberos key distribution centres, `host:port`; empty: the directory server itself.
    pub kdc: Vec<String>,
    /// What to trust beyond the system's certificate authorities.
    pub trust: Trust,
    /// `host:port` to open the connection to, if it differs from `server`.
    pub connect_to: Option<String>,
    /// How long to wait for what.
    pub timeouts: DirectoryTimeouts,
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectoryTimeouts {
    /// TCP connection.
    pub connect: Duration,
    /// TLS handshake.
    pub tls: Duration,
    /// Each answer.
    pub answer: Duration,
    /// All together.
    pub whole: Duration,
}

impl Default for DirectoryTimeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            tls: Duration::from_secs(15),
            answer: Duration::from_secs(30),
            whole: Duration::from_secs(120),
        }
    }
}

/// An Exchange server as the directory describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DirectoryServer {
    /// Full name, lower case.
    pub fqdn: String,
    /// Addresses of its PowerShell virtual directories as Exchange writes them, `http` first.
    pub urls: Vec<String>,
    /// Name of its Active Directory site.
    pub site: Option<String>,
    /// Version as people know it: `15.2.1748.10`.
    pub version: Option<String>,
    /// Whether it has the Client Access role (all of 2016 and later have).
    pub is_client_access: bool,
    /// Whether it has the Mailbox role.
    pub is_mailbox: bool,
    /// Whether it is an Edge Transport server, to which nobody can connect for management.
    pub is_edge: bool,
}

impl DirectorySettings {
    /// Settings with the usual time-outs, for a server that is reached by its name.
    #[must_use]
    pub fn new(server: impl Into<String>, security: DirectorySecurity) -> Self {
        Self {
            server: server.into(),
            security,
            username: None,
            keytab: None,
            kdc: Vec::new(),
            trust: Trust::default(),
            connect_to: None,
            timeouts: DirectoryTimeouts::default(),
        }
    }

    /// `host`, `host:port`, `[address]:port`.
    fn host_and_port(&self) -> Result<(&str, Option<u16>), DirectoryError> {
        let invalid = || {
            let what = format!("directory server {:?} is no host name or host:port", self.server);
            DirectoryError::from(ConnectError::InvalidEndpoint(what))
        };
        let server = self.server.trim();
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) if host.ends_with(']') || !host.contains(':') => {
                (host, Some(port.parse().map_err(|_| invalid())?))
            }
            _ => (server, None),
        };
        let is_host =
            |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        if host.is_empty() || !host.chars().all(is_host) {
            return Err(invalid());
        }
        Ok((host, port))
    }
}

/// Asks a directory server for the Exchange servers of its forest, sorted by name. Servers without
/// a PowerShell virtual directory (Edge) are among them, with no address.
///
/// # Errors
/// Whatever stands in [`DirectoryError`]; a forest without Exchange is one of them.
pub async fn find_servers(
    settings: &DirectorySettings,
    credential: &Credential,
) -> Result<Vec<DirectoryServer>, DirectoryError> {
    let limit = settings.timeouts.whole;
    let found = tokio::time::timeout(limit, async {
        let mut channel = Channel::open(settings, credential).await?;
        let found = search_servers(&mut channel, settings.timeouts.answer).await?;
        // A courtesy; the connection ends either way.
        drop(channel.send(&Request::Unbind).await);
        Ok(found)
    });
    found.await.unwrap_or_else(|_| {
        let step = "the search of the directory".to_owned();
        Err(ConnectError::TimedOut { step, after: limit }.into())
    })
}

async fn search_servers(
    channel: &mut Channel,
    answer: Duration,
) -> Result<Vec<DirectoryServer>, DirectoryError> {
    let time_limit_s = u32::try_from(answer.as_secs()).unwrap_or(u32::MAX);
    let root = Search {
        base: "",
        scope: Scope::Base,
        filter: Filter::Present("objectClass"),
        attributes: &["configurationNamingContext"],
        time_limit_s,
    };
    let root = search(channel, &root).await?;
    let configuration = root.first().and_then(|root| root.text("configurationNamingContext"));
    let Some(configuration) = configuration else {
        return Err(DirectoryError::Refused {
            step: "to name its configuration partition",
            reason: "it is no Active Directory; give the name of a domain controller".to_owned(),
        });
    };
    let below = |filter, attributes| Search {
        base: configuration,
        scope: Scope::Subtree,
        filter,
        attributes,
        time_limit_s,
    };
    let servers = below(
        Filter::Equal("objectClass", b"msExchExchangeServer"),
        &[
            "networkAddress",
            "msExchServerSite",
            "serialNumber",
            "versionNumber",
            "msExchCurrentServerRoles",
        ],
    );
    let virtual_directories = below(
        Filter::And(vec![
            Filter::Equal("objectClass", b"msExchPowerShellVirtualDirectory"),
            Filter::Present("msExchInternalHostName"),
        ]),
        &["msExchInternalHostName"],
    );
    let servers = search(channel, &servers).await?;
    let found = servers::join(&servers, &search(channel, &virtual_directories).await?);
    if found.is_empty() { Err(DirectoryError::NoExchange) } else { Ok(found) }
}

/// All objects of a search, page by page. Referrals are left out: other domains hold no
/// configuration of their own.
async fn search(channel: &mut Channel, search: &Search<'_>) -> Result<Vec<Entry>, DirectoryError> {
    let mut entries = Vec::new();
    let mut next = Vec::new();
    for _ in 0..MAX_PAGES {
        channel.send(&Request::Search { search, cookie: &next }).await?;
        loop {
            match channel.receive().await? {
                Content::Entry(_) if entries.len() >= MAX_ENTRIES => {
                    return Err(DirectoryError::TooMuch(format!("{MAX_ENTRIES} objects")));
                }
                Content::Entry(entry) => entries.push(entry),
                Content::Done { outcome, cookie } if outcome.code == 0 => {
                    next = cookie;
                    break;
                }
                Content::Done { outcome, .. } => return Err(DirectoryError::of_search(&outcome)),
                Content::Other => {}
                Content::Bind { .. } | Content::Extended(_) => {
                    return Err(DirectoryError::Malformed);
                }
            }
        }
        if next.is_empty() {
            return Ok(entries);
        }
    }
    Err(DirectoryError::TooMuch(format!("{MAX_PAGES} pages")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_written_with_and_without_a_port() {
        let of = |server: &str| {
            let settings = DirectorySettings::new(server, DirectorySecurity::StartTls);
            settings.host_and_port().map(|(host, port)| (host.to_owned(), port)).ok()
        };
        for (server, expected) in [
            ("dc01.contoso.test", Some(("dc01.contoso.test", None))),
            ("dc01:3268", Some(("dc01", Some(3268)))),
            ("[::1]:389", Some(("[::1]", Some(389)))),
            ("dc01:ldap", None),
            ("ldap://dc01", None),
            ("user@dc01", None),
            ("", None),
        ] {
            assert_eq!(
                of(server),
                expected.map(|(host, port)| (host.to_owned(), port)),
                "{server}"
            );
        }
    }
}
