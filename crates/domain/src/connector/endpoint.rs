//! Where an organization is reached: at servers of its own, or at the hosted service.

use super::HostedEndpoint;
use crate::{access::Hosting, device::words};

/// How an organization is reached and signed in to. Secrets are kept elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// At servers of its own.
    OnPremises(ServerEndpoint),
    /// At Exchange Online.
    Hosted(HostedEndpoint),
}

impl Endpoint {
    /// The address that is spoken to first.
    #[must_use]
    pub fn url(&self) -> &str {
        match self {
            Self::OnPremises(server) => &server.url,
            Self::Hosted(hosted) => hosted.url(),
        }
    }

    /// What a certificate is held against.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        match self {
            Self::OnPremises(server) => &server.trust,
            Self::Hosted(hosted) => &hosted.trust,
        }
    }

    /// HTTP proxy on the way.
    #[must_use]
    pub fn proxy(&self) -> Option<&Proxy> {
        match self {
            Self::OnPremises(server) => server.proxy.as_ref(),
            Self::Hosted(hosted) => hosted.proxy.as_ref(),
        }
    }

    /// Where the mailboxes live.
    #[must_use]
    pub fn hosting(&self) -> Hosting {
        match self {
            Self::OnPremises(_) => Hosting::OnPremises,
            Self::Hosted(_) => Hosting::Hosted,
        }
    }

    /// The server, if it is one on premises.
    #[must_use]
    pub fn server(&self) -> Option<&ServerEndpoint> {
        match self {
            Self::OnPremises(server) => Some(server),
            Self::Hosted(_) => None,
        }
    }

    /// The same, to be changed.
    pub fn server_mut(&mut self) -> Option<&mut ServerEndpoint> {
        match self {
            Self::OnPremises(server) => Some(server),
            Self::Hosted(_) => None,
        }
    }

    /// The hosted service, if it is that.
    #[must_use]
    pub fn hosted(&self) -> Option<&HostedEndpoint> {
        match self {
            Self::OnPremises(_) => None,
            Self::Hosted(hosted) => Some(hosted),
        }
    }

    /// Who signs in: a user name, or the id of an application; empty if that follows from where we
    /// run.
    #[must_use]
    pub fn account(&self) -> String {
        match self {
            Self::OnPremises(server) => server.username.clone().unwrap_or_default(),
            Self::Hosted(hosted) => hosted.application.map(|id| id.to_string()).unwrap_or_default(),
        }
    }
}

impl From<ServerEndpoint> for Endpoint {
    fn from(server: ServerEndpoint) -> Self {
        Self::OnPremises(server)
    }
}

impl From<HostedEndpoint> for Endpoint {
    fn from(hosted: HostedEndpoint) -> Self {
        Self::Hosted(hosted)
    }
}

/// How an on-premises organization is reached and signed in to. The secret is kept elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerEndpoint {
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

impl ServerEndpoint {
    /// An address alone: nothing in between, and the best way of signing in that is offered, with a
    /// credential cache.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            connect_to: None,
            spn: None,
            authentication: Authentication::default(),
            username: None,
            kdc: Vec::new(),
            keytab: None,
            allow_basic_without_tls: false,
            trust: Trust::default(),
            proxy: None,
        }
    }

    /// Whether signing in takes a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.username.is_some() && self.keytab.is_none()
    }
}

/// What a server's certificate is held against.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trust {
    /// More certificate authorities, PEM.
    pub extra_roots_pem: Option<String>,
    /// SHA-256 of the one certificate accepted of the configured servers, lower-case hexadecimal;
    /// nothing else is checked. Servers that were found show one of an authority.
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
