//! Connectors as JSON: what is shown of one, and what is asked for a new one. Secrets go in and
//! never come out.

use domain::{
    ConnectorName, Timestamp,
    connector::{
        Authentication, ConnectorState, Endpoint, OrganizationIdentity, Proxy, ServerEndpoint,
        Trust,
    },
};
use engine::NextPasses;
use serde::{Deserialize, Serialize};

use crate::{
    device::{rfc3339, text},
    hosted::{Hosted, proof, proxy},
    options::ConnectorOptions,
    problem::Problem,
};

/// A configured link to one organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Connector {
    /// Stable id.
    pub id: String,
    /// The name people use.
    pub name: String,
    /// `flagged` (added, not yet connected), `installed`, `trouble`, or `removed` where only the
    /// inventory is kept.
    pub state: String,
    /// Whether scheduled work rests.
    pub paused: bool,
    /// What went wrong last, and what to do.
    pub trouble: Option<String>,
    /// The organization; null until the first connection.
    pub organization: Option<Organization>,
    /// When the connector was added.
    pub created: String,
    /// When the last complete full pass began: as of then the inventory is true.
    pub last_full_sync: Option<String>,
    /// When the last complete delta pass began.
    pub last_delta_sync: Option<String>,
    /// When connecting is tried again; null unless the first connection failed.
    pub next_install: Option<String>,
    /// When the next full pass is due; null: only when asked.
    pub next_full_sync: Option<String>,
    /// When the next delta pass is due; null: only when asked.
    pub next_delta_sync: Option<String>,
    /// How an organization on premises is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_premises: Option<OnPremises>,
    /// How a hosted organization is reached. A connector has one of the two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosted: Option<Hosted>,
    /// What is read, when, and how.
    pub options: ConnectorOptions,
}

/// Exchange's own name of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Organization {
    /// The key that all its servers report.
    pub key: String,
    /// Name shown to people.
    pub name: String,
}

/// How an on-premises organization is reached and signed in to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OnPremises {
    /// Address of remote PowerShell.
    #[schema(example = "http://exchange.contoso.com/PowerShell/")]
    pub url: String,
    /// `host:port` to open the connection to, if it differs from that of `url`.
    #[serde(default)]
    pub connect_to: Option<String>,
    /// Service principal name, if it is not `HTTP/<host of url>`.
    #[serde(default)]
    pub spn: Option<String>,
    /// `automatic`, `kerberos`, `negotiate`, `ntlm` or `basic`.
    #[serde(default = "automatic")]
    #[schema(example = "automatic")]
    pub authentication: String,
    /// `DOMAIN\user` or `user@domain`; null for a credential cache.
    #[serde(default)]
    pub username: Option<String>,
    /// Kerberos key distribution centres, `host:port`.
    #[serde(default)]
    pub kdc: Vec<String>,
    /// Path of a keytab file on the server.
    #[serde(default)]
    pub keytab: Option<String>,
    /// Send Basic credentials over plain HTTP.
    #[serde(default)]
    pub allow_basic_without_tls: bool,
    /// More certificate authorities, PEM.
    #[serde(default)]
    pub extra_roots_pem: Option<String>,
    /// SHA-256 of the one certificate accepted of the configured servers, hexadecimal.
    #[serde(default)]
    pub pinned_sha256: Option<String>,
    /// `host:port` of an HTTP proxy.
    #[serde(default)]
    pub proxy: Option<String>,
    /// User name for the proxy.
    #[serde(default)]
    pub proxy_username: Option<String>,
}

fn automatic() -> String {
    Authentication::Automatic.word().to_owned()
}

/// A connector to add.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConnector {
    /// 1 to 63 of `a-z`, `0-9` and hyphen, beginning with a letter or digit.
    #[schema(example = "lab")]
    pub name: String,
    /// How an organization on premises is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_premises: Option<OnPremises>,
    /// How a hosted organization is reached. One of the two is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosted: Option<Hosted>,
    /// What is read, when, and how.
    #[serde(default)]
    pub options: ConnectorOptions,
    /// Whether scheduled work rests from the beginning.
    #[serde(default)]
    pub paused: bool,
    /// Password of the user name. It is sealed before it is stored, and never given out.
    #[serde(default)]
    pub password: Option<String>,
    /// Password for the proxy.
    #[serde(default)]
    pub proxy_password: Option<String>,
    /// Password of the notification account.
    #[serde(default)]
    pub notification_password: Option<String>,
    /// Certificate and key that a hosted organization's application has: the text of a PEM file, or
    /// a PFX file in base64. It is sealed before it is stored, and never given out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// What opens that file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_password: Option<String>,
    /// Client secret of a hosted organization's application, in place of a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
}

impl std::fmt::Debug for NewConnector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let server = self.on_premises.as_ref().map(|server| server.url.as_str());
        let tenant = self.hosted.as_ref().map(|hosted| hosted.tenant.as_str());
        write!(f, "NewConnector({}, {})", self.name, server.or(tenant).unwrap_or_default())
    }
}

impl Connector {
    /// The one translation of a connector into JSON.
    #[must_use]
    pub(crate) fn of(connector: domain::Connector, next: NextPasses, now: Timestamp) -> Self {
        let is_uninstalled =
            connector.organization.is_none() && connector.state != ConnectorState::Removed;
        let organization = |OrganizationIdentity { key, name }| Organization { key, name };
        let (on_premises, hosted) = match connector.endpoint {
            Endpoint::OnPremises(server) => (Some(OnPremises::of(server)), None),
            Endpoint::Hosted(hosted) => (None, Some(Hosted::of(hosted, now))),
        };
        Self {
            id: connector.id.to_string(),
            name: connector.name.to_string(),
            state: connector.state.word().to_owned(),
            paused: connector.is_paused,
            trouble: connector.trouble,
            organization: connector.organization.map(organization),
            created: rfc3339(connector.created),
            last_full_sync: text(connector.last_full_sync),
            last_delta_sync: text(connector.last_delta_sync),
            next_install: text(connector.next_install.filter(|_| is_uninstalled)),
            next_full_sync: text(next.full),
            next_delta_sync: text(next.delta),
            on_premises,
            hosted,
            options: ConnectorOptions::of(connector.options),
        }
    }
}

impl NewConnector {
    /// The connector meant, or which field is wrong.
    pub(crate) fn into_new(self) -> Result<engine::NewConnector, Problem> {
        let name = ConnectorName::parse(&self.name)
            .map_err(|error| Problem::invalid(error, "choose a name such as contoso or lab-2"))?;
        let endpoint = match (self.on_premises, self.hosted) {
            (Some(server), None) => server.into_endpoint()?.into(),
            (None, Some(hosted)) => hosted.into_endpoint()?.into(),
            _ => {
                return Err(Problem::invalid(
                    "it is not said where the organization is",
                    "give one of on_premises and hosted",
                ));
            }
        };
        Ok(engine::NewConnector {
            name,
            endpoint,
            options: self.options.into_options()?,
            is_paused: self.paused,
            password: self.password,
            proxy_password: self.proxy_password,
            notification_password: self.notification_password,
            proof: proof(self.certificate, self.certificate_password, self.client_secret)?,
        })
    }
}

impl OnPremises {
    pub(crate) fn of(endpoint: ServerEndpoint) -> Self {
        let (proxy, proxy_username) = match endpoint.proxy {
            Some(Proxy { address, username }) => (Some(address), username),
            None => (None, None),
        };
        Self {
            url: endpoint.url,
            connect_to: endpoint.connect_to,
            spn: endpoint.spn,
            authentication: endpoint.authentication.word().to_owned(),
            username: endpoint.username,
            kdc: endpoint.kdc,
            keytab: endpoint.keytab,
            allow_basic_without_tls: endpoint.allow_basic_without_tls,
            extra_roots_pem: endpoint.trust.extra_roots_pem,
            pinned_sha256: endpoint.trust.pinned_sha256,
            proxy,
            proxy_username,
        }
    }

    pub(crate) fn into_endpoint(self) -> Result<ServerEndpoint, Problem> {
        let authentication = Authentication::from_word(&self.authentication).ok_or_else(|| {
            Problem::invalid(
                format_args!("authentication is {:?}", self.authentication),
                "use automatic, kerberos, negotiate, ntlm or basic",
            )
        })?;
        let proxy = proxy(self.proxy, self.proxy_username)?;
        Ok(ServerEndpoint {
            url: self.url,
            connect_to: self.connect_to,
            spn: self.spn,
            authentication,
            username: self.username,
            kdc: self.kdc,
            keytab: self.keytab,
            allow_basic_without_tls: self.allow_basic_without_tls,
            trust: Trust {
                extra_roots_pem: self.extra_roots_pem,
                pinned_sha256: self.pinned_sha256.map(|pin| pin.to_ascii_lowercase()),
            },
            proxy,
        })
    }
}
