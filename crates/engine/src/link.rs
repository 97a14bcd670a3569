//! From a connector to an open organization: secrets, connection, identity, law 1.

use std::sync::Arc;

use anyhow::Context as _;
use domain::{
    Caller, Connector,
    connector::{ConnectorState, OrganizationIdentity, ServerEndpoint},
    status_message::Event,
};
use exchange::{AnySession, ConnectionSettings, Credential, Organization};
use store::OpenShell;

use crate::{
    Engine,
    secrets::ConnectorSecrets,
    sessions::{Held, Lease, Urgency},
};

/// An organization, wherever it is.
pub(crate) type OpenOrganization = Organization<AnySession>;

impl Engine {
    /// A session to use: an idle one, or a new one at the best endpoint. Waits for its turn.
    pub(crate) async fn lease(
        &self,
        connector: &Connector,
        urgency: Urgency,
    ) -> anyhow::Result<Lease> {
        let mut lease = self.place(connector, urgency).await;
        self.ready(connector, &mut lease).await?;
        Ok(lease)
    }

    /// Makes sure that a lease has a session, at the best endpoint there is.
    pub(crate) async fn ready(
        &self,
        connector: &Connector,
        lease: &mut Lease,
    ) -> anyhow::Result<()> {
        let pool = Arc::clone(lease.pool());
        if lease.held().is_some_and(|held| !pool.is_second_best(&held.endpoint, self.now())) {
            return Ok(());
        }
        // Boxed: it is seldom needed, and everything that reads would carry it along.
        Box::pin(self.renew(connector, lease)).await
    }

    /// Gives a lease another session in place of the one it has lost.
    pub(crate) async fn renew(
        &self,
        connector: &Connector,
        lease: &mut Lease,
    ) -> anyhow::Result<()> {
        if let Some(lost) = lease.take() {
            self.close(lost).await;
        }
        let pool = Arc::clone(lease.pool());
        let (session, url) = self.connect(connector, &pool).await?;
        let shell = match &session {
            AnySession::RemotePowerShell(session) => {
                let id = session.shell().to_owned();
                Some(OpenShell { connector: connector.id, id, url: url.clone() })
            }
            // Nothing of it is left on the service that would have to be given back.
            AnySession::AdminApi(_) => None,
        };
        if let Some(shell) = &shell {
            self.note_shell(shell).await;
        }
        let opened = match pool.knowledge() {
            Some(knowledge) => Organization::open_knowing(session, knowledge).await,
            None => Organization::open(session).await,
        };
        let organization = match opened {
            Ok(organization) => organization,
            Err(error) => {
                if let Some(shell) = &shell {
                    self.forget_shell(shell).await;
                }
                return Err(error.into());
            }
        };
        let mut held = Held::new(organization, url.clone(), shell, self.now());
        if !pool.is_verified(&url) {
            let installed = self.install(connector, &url, &mut held.organization).await;
            if let Err(error) = installed {
                self.close(held).await;
                return Err(error);
            }
            pool.verify(&url);
        }
        lease.hold(held);
        Ok(())
    }

    /// Makes sure that the organization at an endpoint is this connector's alone, and notes that it
    /// works.
    pub(crate) async fn install(
        &self,
        connector: &Connector,
        url: &str,
        organization: &mut OpenOrganization,
    ) -> anyhow::Result<()> {
        // All hosted organizations have one address, and each has a tenant.
        let known_as = match connector.endpoint.hosted() {
            Some(hosted) => hosted.tenant.as_str(),
            None => host(url),
        };
        let known = connector.organization.as_ref();
        let key = known.map(|known| known.key.as_str());
        let guess =
            || OrganizationIdentity { key: known_as.to_lowercase(), name: known_as.to_owned() };
        let identity = match (organization.identity(known_as, key).await?, known) {
            (Some(found), None) => found.identity,
            // It was called as its server is, because the account could see nothing of it.
            (Some(found), Some(known)) if found.is_known || *known == guess() => found.identity,
            (Some(found), Some(known)) => anyhow::bail!(
                "{url} leads to the organization {} ({}), and the connector {} to {} ({}); correct \
                 the address, let the account see what it saw before, or add another connector",
                found.identity.name,
                found.identity.key,
                connector.name,
                known.name,
                known.key,
            ),
            // The names of servers differ.
            (None, Some(known)) => known.clone(),
            (None, None) => guess(),
        };
        let is_new = match self.store().set_organization(connector.id, &identity, key).await {
            Ok(is_new) => is_new,
            Err(store::Error::Conflict { .. }) => {
                let other = self.connector_of(&identity.key).await?;
                let Some(other) = other else { anyhow::bail!("the organization was taken") };
                if connector.options.replaces.as_ref() != Some(&other.name) {
                    anyhow::bail!(
                        "{} is the organization of the connector {} already, and an organization \
                         has one connector; remove one of the two, or add this one with \
                         --replace {}",
                        identity.name,
                        other.name,
                        other.name
                    );
                }
                self.retire(&Caller::engine(), &other).await?;
                self.store().set_organization(connector.id, &identity, key).await?
            }
            Err(error) => return Err(error.into()),
        };
        if connector.state != ConnectorState::Installed || connector.next_install.is_some() {
            self.store().set_connector_state(connector.id, ConnectorState::Installed, None).await?;
            self.store().set_next_install(connector.id, None).await?;
        }
        if is_new && known.is_none() {
            let text = format!("{} is connected by {url}", identity.name);
            self.record(connector, Event::Installed, &text).await;
        }
        Ok(())
    }

    async fn connector_of(&self, key: &str) -> anyhow::Result<Option<Connector>> {
        let scope = self.own_scope()?;
        let connectors = self.store().connectors(&scope).await?;
        let other = connectors.into_iter().find(|connector| {
            connector.organization.as_ref().is_some_and(|organization| organization.key == key)
        });
        Ok(other)
    }

    /// The secrets of a connector, unsealed.
    pub(crate) async fn secrets_of(
        &self,
        connector: &Connector,
    ) -> anyhow::Result<ConnectorSecrets> {
        Ok(match self.store().sealed_secret(connector.id).await? {
            Some(sealed) => ConnectorSecrets::open(&self.inner.secrets, connector.id, &sealed)
                .context("reading the connector's password")?,
            None => ConnectorSecrets::default(),
        })
    }

    /// What a connection to a server is made with, secrets unsealed.
    pub(crate) async fn settings(
        &self,
        connector: &Connector,
        server: &ServerEndpoint,
    ) -> anyhow::Result<(ConnectionSettings, Credential)> {
        let secrets = self.secrets_of(connector).await?;
        let credential = match (secrets.password, &server.keytab) {
            (_, Some(_)) => Credential::Keytab,
            (Some(password), None) => Credential::Password(password),
            (None, None) => Credential::CredentialCache,
        };
        let mut settings = ConnectionSettings::new(server.clone());
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
