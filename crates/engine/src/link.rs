//! From a connector to an open organization: secrets, connection, identity, law 1.

use std::time::Duration;

use anyhow::Context as _;
use domain::{Connector, connector::ConnectorState};
use exchange::{ConnectError, ConnectionSettings, Credential, Organization, RemotePowerShell};

use crate::{Engine, component, secrets::ConnectorSecrets};

/// An organization over remote PowerShell.
pub(crate) type OpenOrganization = Organization<RemotePowerShell>;

/// Waiting for Exchange's quotas ends here; the job then fails and says why.
const MAX_WAIT: Duration = Duration::from_secs(600);
/// Where Exchange does not say how long to wait.
const USUAL_WAIT: Duration = Duration::from_secs(30);

impl Engine {
    /// Connects and opens a session, waiting where Exchange asks for it.
    pub(crate) async fn connect(&self, connector: &Connector) -> anyhow::Result<RemotePowerShell> {
        let (settings, credential) = self.settings(connector).await?;
        let mut waited = Duration::ZERO;
        loop {
            let error = match RemotePowerShell::connect(&settings, &credential).await {
                Ok(session) => return Ok(session),
                Err(error) => error,
            };
            let site = self.site_of(connector).await;
            component::no_runspace(&connector.name, &site, &error.to_string());
            let wait = match &error {
                ConnectError::Throttled { wait } => *wait,
                ConnectError::TooManyShells { wait } => wait.unwrap_or(USUAL_WAIT),
                _ => return Err(error.into()),
            };
            waited += wait;
            if waited > MAX_WAIT {
                return Err(error.into());
            }
            self.inner.options.clock.sleep(wait).await;
        }
    }

    /// Active Directory site of the connector's server; its host name until the servers were read.
    async fn site_of(&self, connector: &Connector) -> String {
        let host = host(&connector.endpoint.url);
        let is_host = |name: &String| name.eq_ignore_ascii_case(host);
        let site = async {
            let servers = self.store().servers(&self.own_scope()?, connector.id).await?;
            let server = servers.into_iter().find(|one| one.fqdn.as_ref().is_some_and(is_host));
            anyhow::Ok(server.and_then(|server| server.site))
        };
        // It is for a line of the log: not worth a second error beside the one to be told.
        site.await.ok().flatten().unwrap_or_else(|| host.to_owned())
    }

    /// Makes sure that the organization is this connector's alone, and notes that it works.
    pub(crate) async fn install(
        &self,
        connector: &Connector,
        organization: &mut OpenOrganization,
    ) -> anyhow::Result<()> {
        let identity = organization.identity(host(&connector.endpoint.url)).await?;
        if let Err(error) = self.store().set_organization(connector.id, &identity).await {
            if !matches!(error, store::Error::Conflict { .. }) {
                return Err(error.into());
            }
            let other = self.connector_of(&identity.key).await?;
            anyhow::bail!(
                "{} is the organization of the connector {other} already, and an organization \
                 has one connector; remove one of the two",
                identity.name
            );
        }
        if connector.state != ConnectorState::Installed {
            self.store().set_connector_state(connector.id, ConnectorState::Installed, None).await?;
            if connector.organization.is_none() {
                component::installed(&connector.name);
            }
        }
        Ok(())
    }

    async fn connector_of(&self, key: &str) -> anyhow::Result<String> {
        let scope = self.own_scope()?;
        let connectors = self.store().connectors(&scope).await?;
        let other = connectors.into_iter().find(|connector| {
            connector.organization.as_ref().is_some_and(|organization| organization.key == key)
        });
        Ok(other.map_or_else(|| "of another name".to_owned(), |other| other.name.to_string()))
    }

    /// What a connection is made with, secrets unsealed.
    pub(crate) async fn settings(
        &self,
        connector: &Connector,
    ) -> anyhow::Result<(ConnectionSettings, Credential)> {
        let secrets = match self.store().sealed_secret(connector.id).await? {
            Some(sealed) => self
                .inner
                .secrets
                .open(connector.id, &sealed)
                .context("reading the connector's password")?,
            None => ConnectorSecrets::default(),
        };
        let credential = match (secrets.password, &connector.endpoint.keytab) {
            (_, Some(_)) => Credential::Keytab,
            (Some(password), None) => Credential::Password(password),
            (None, None) => Credential::CredentialCache,
        };
        let mut settings = ConnectionSettings::new(connector.endpoint.clone());
        settings.proxy_password = secrets.proxy_password;
        Ok((settings, credential))
    }
}

/// The host of a URL that was validated when the connector was added.
pub(crate) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn the_host_of_an_address() {
        for (url, name) in [
            ("http://ex01.contoso.com/PowerShell/", "ex01.contoso.com"),
            ("https://ex01:444/PowerShell/", "ex01"),
            ("http://[::1]:80/PowerShell/", "[::1]"),
        ] {
            assert_eq!(host(url), name);
        }
    }
}
