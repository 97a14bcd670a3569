//! Connecting to a hosted organization: one service, and one token and one pace for all sessions.

mod expiry;
mod sign_in;

use std::{pin::Pin, sync::Arc, time::Duration};

use domain::{
    Connector, Timestamp,
    connector::{HostedEndpoint, HostedSignIn},
};
use exchange::{
    AnySession, ConnectError, Secret,
    hosted::{AdminApi, Certificate, HostedCredential, HostedSettings, Shared, SignInError},
};

use crate::{Clock, Engine, component::Phrase, secrets::ConnectorSecrets, sessions::Pool};

pub(crate) use sign_in::Desk;
pub use sign_in::{PersonSignIn, SignInState};

impl exchange::hosted::Clock for Clock {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(Self::sleep(self, duration))
    }
}

/// What all sessions of a connector to a hosted organization have in common. It lasts until the
/// connector is changed.
#[derive(Debug, Clone)]
pub(crate) struct Party {
    shared: Arc<Shared>,
    credential: HostedCredential,
    proxy_password: Option<Secret>,
}

impl Engine {
    /// Opens a session with the hosted service.
    pub(crate) async fn connect_hosted(
        &self,
        connector: &Connector,
        hosted: &HostedEndpoint,
        pool: &Pool,
    ) -> anyhow::Result<(AnySession, String)> {
        let party = self.party(connector, hosted, pool).await?;
        let settings = self.hosted_settings(hosted, &party);
        let mut endpoints = self.known_endpoints(connector).await?;
        let url = hosted.url().to_owned();
        let mut waited = Duration::ZERO;
        let connected = loop {
            let error = match AdminApi::connect(&settings, &party.credential).await {
                Ok(session) => break Ok(session),
                Err(error) => error,
            };
            if let Err(error) = self.wait_out(pool, error, &mut waited).await {
                break Err(error);
            }
        };
        let one = endpoints.iter_mut().find(|one| one.url == url);
        if let Some(one) = one {
            match &connected {
                Ok(_) => one.succeeded(self.now()),
                Err(error) => one.failed(self.now(), &error.to_string()),
            }
        }
        self.store().replace_endpoints(connector.id, &endpoints).await?;
        self.keep_refresh_token(connector, &party).await?;
        match connected {
            Ok(session) => {
                pool.connected(&url);
                Ok((session.into(), url))
            }
            Err(error) => {
                self.say(
                    &connector.name,
                    Phrase::NoRunspace(hosted.tenant.as_str(), &error.to_string()),
                );
                Err(error.into())
            }
        }
    }

    /// What the sessions of a connector have in common; made when the first is opened.
    pub(crate) async fn party(
        &self,
        connector: &Connector,
        hosted: &HostedEndpoint,
        pool: &Pool,
    ) -> anyhow::Result<Party> {
        if let Some(party) = pool.party() {
            return Ok(party);
        }
        let secrets = self.secrets_of(connector).await?;
        let party = Party {
            shared: Arc::default(),
            credential: credential(hosted, &secrets)?,
            proxy_password: secrets.proxy_password,
        };
        Ok(pool.join(party))
    }

    pub(crate) fn hosted_settings(&self, hosted: &HostedEndpoint, party: &Party) -> HostedSettings {
        let clock = Arc::new(self.inner.options.clock.clone());
        HostedSettings {
            shared: Arc::clone(&party.shared),
            proxy_password: party.proxy_password.clone(),
            ..HostedSettings::new(hosted.clone(), clock)
        }
    }

    /// Tries the service once, for a check.
    pub(crate) async fn try_hosted(
        &self,
        hosted: &HostedEndpoint,
        party: &Party,
    ) -> Result<AnySession, ConnectError> {
        let settings = self.hosted_settings(hosted, party);
        AdminApi::connect(&settings, &party.credential).await.map(AnySession::from)
    }

    /// Keeps what a person's sign-in left, where the service gave another in place of it. It is no
    /// change of the connector: nobody has to be told.
    async fn keep_refresh_token(&self, connector: &Connector, party: &Party) -> anyhow::Result<()> {
        let Some(token) = party.shared.tokens.take_refresh_token().await else { return Ok(()) };
        let Some(before) = self.store().sealed_secret(connector.id).await? else { return Ok(()) };
        let vault = &self.inner.secrets;
        let secrets = ConnectorSecrets::open(vault, connector.id, &before)?;
        let secrets = ConnectorSecrets { refresh_token: Some(token), ..secrets };
        let after = secrets.seal(vault, connector.id)?;
        match self.store().replace_sealed_secret(connector.id, &before, &after).await {
            // The connector was changed at the same moment, and what was given then counts.
            Ok(()) | Err(store::Error::NotFound(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps the refresh tokens that came while sessions were used. That one cannot be kept is told:
    /// it is good as long as the process lives, and then the one before may be, too.
    pub(crate) async fn keep_refresh_tokens(&self, connector: &Connector) {
        let is_of_person = connector
            .endpoint
            .hosted()
            .is_some_and(|hosted| hosted.sign_in == HostedSignIn::DeviceCode);
        let party = if is_of_person { self.inner.sessions.pool(connector).party() } else { None };
        let Some(party) = party else { return };
        if let Err(error) = self.keep_refresh_token(connector, &party).await {
            let error = format!("{error:#}");
            tracing::warn!(connector = %connector.name, error, "a sign-in could not be kept");
        }
    }
}

/// What is signed in with, of the secrets of a connector.
fn credential(
    hosted: &HostedEndpoint,
    secrets: &ConnectorSecrets,
) -> anyhow::Result<HostedCredential> {
    let needed = |secret: &Option<Secret>, what: &str| {
        secret.clone().ok_or_else(|| anyhow::anyhow!("the connector has no {what}; give it one"))
    };
    Ok(match hosted.sign_in {
        HostedSignIn::Certificate => {
            let pem = needed(&secrets.certificate, "certificate")?;
            HostedCredential::Certificate(Certificate::read(pem.reveal().as_bytes(), None)?)
        }
        HostedSignIn::Secret => {
            HostedCredential::Secret(needed(&secrets.client_secret, "client secret")?)
        }
        HostedSignIn::DeviceCode => match &secrets.refresh_token {
            Some(token) => HostedCredential::RefreshToken(token.clone()),
            None => {
                let nobody = "nobody has signed in yet".to_owned();
                return Err(ConnectError::from(SignInError::SignInAgain(nobody)).into());
            }
        },
        HostedSignIn::ManagedIdentity => HostedCredential::ManagedIdentity,
    })
}
