//! A person's sign-in with a code: begun by somebody, and waited for in the background. For trying out.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use domain::{
    Caller, Connector, ConnectorId, ConnectorName, Permission, Timestamp, audit,
    connector::{HostedEndpoint, HostedSignIn},
    status_message::Event,
};
use exchange::{
    Secret,
    hosted::{DeviceCode, DeviceCodeAnswer, HostedCredential, HostedSettings},
};
use jiff::SignedDuration;

use super::Party;
use crate::{Engine, Error, secrets::ConnectorSecrets};

/// How far a person's sign-in has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInState {
    /// The code is waiting to be entered.
    Waiting,
    /// The person has signed in.
    Done,
    /// It ended without: what went wrong, and what to do.
    Failed(String),
}

/// A person's sign-in that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonSignIn {
    /// Where to go and what to enter, in a sentence of the service.
    pub message: String,
    /// What to enter.
    pub code: String,
    /// Where.
    pub address: String,
    /// Until when the code is good.
    pub expires: Timestamp,
    /// How far it has come.
    pub state: SignInState,
}

/// Sign-ins that were begun since the server was started, the last of each connector.
#[derive(Debug, Default)]
pub(crate) struct Desk(Mutex<HashMap<ConnectorId, PersonSignIn>>);

impl Desk {
    fn with<T>(&self, use_it: impl FnOnce(&mut HashMap<ConnectorId, PersonSignIn>) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes how a sign-in ended, unless another was begun meanwhile.
    fn end(&self, connector: ConnectorId, code: &str, state: SignInState) {
        self.with(|begun| {
            if let Some(one) = begun.get_mut(&connector).filter(|one| one.code == code) {
                one.state = state;
            }
        });
    }

    /// Whether a code is still the one that is waited for.
    fn is_wanted(&self, connector: ConnectorId, code: &str) -> bool {
        self.with(|begun| begun.get(&connector).is_some_and(|one| one.code == code))
    }
}

impl Engine {
    /// Asks for a code with which a person signs in to the organization of a connector, and waits in
    /// the background until they have.
    pub async fn begin_sign_in(
        &self,
        caller: &Caller,
        name: &ConnectorName,
    ) -> Result<PersonSignIn, Error> {
        let (connector, hosted) = self.with_code(caller, name).await?;
        let secrets = self.secrets_of(&connector).await?;
        let party = Party {
            shared: std::sync::Arc::default(),
            // Nothing is signed in with yet: the code itself is what is asked for.
            credential: HostedCredential::ManagedIdentity,
            proxy_password: secrets.proxy_password,
        };
        let settings = self.hosted_settings(&hosted, &party);
        let code = DeviceCode::start(&settings).await;
        let code = code.map_err(|error| Error::Unavailable(error.to_string()))?;
        let life = SignedDuration::try_from(code.expires_in).unwrap_or(SignedDuration::ZERO);
        let begun = PersonSignIn {
            message: code.message.clone(),
            code: code.user_code.clone(),
            address: code.verification_uri.clone(),
            expires: self.now() + life,
            state: SignInState::Waiting,
        };
        self.inner.people_codes.with(|all| all.insert(connector.id, begun.clone()));
        let entry = self.entry_of(caller, audit::Event::ConnectorChanged, &connector);
        self.audit(entry.with("sign_in", "a code was asked for")).await?;
        let engine = self.clone();
        let waiting = async move { engine.wait_for_person(connector, settings, code).await };
        self.inner.tasks.spawn(waiting).await;
        Ok(begun)
    }

    /// How far the last sign-in of a person has come.
    pub async fn sign_in_begun(
        &self,
        caller: &Caller,
        name: &ConnectorName,
    ) -> Result<PersonSignIn, Error> {
        let (connector, _) = self.with_code(caller, name).await?;
        let begun = self.inner.people_codes.with(|all| all.get(&connector.id).cloned());
        begun.ok_or_else(|| {
            Error::NotFound(format!("no sign-in to {name} was begun; begin one first"))
        })
    }

    async fn with_code(
        &self,
        caller: &Caller,
        name: &ConnectorName,
    ) -> Result<(Connector, HostedEndpoint), Error> {
        let scope = caller.scope(Permission::ModifySite)?;
        let connector = self.store().connector(&scope, name).await?;
        self.must_not_be_removed(&connector)?;
        let hosted = connector.endpoint.hosted().cloned();
        match hosted.filter(|hosted| hosted.sign_in == HostedSignIn::DeviceCode) {
            Some(hosted) => Ok((connector, hosted)),
            None => Err(Error::Conflict(format!(
                "the connector {name} does not sign in as a person; set its way of signing in to \
                 device-code first"
            ))),
        }
    }

    async fn wait_for_person(
        &self,
        connector: Connector,
        settings: HostedSettings,
        mut code: DeviceCode,
    ) {
        let clock = &self.inner.options.clock;
        let (id, shown) = (connector.id, code.user_code.clone());
        let life = SignedDuration::try_from(code.expires_in).unwrap_or(SignedDuration::ZERO);
        let expires = self.now() + life;
        let mut stop = self.inner.tasks.stop();
        let mut pause = code.interval;
        while self.now() < expires && self.inner.people_codes.is_wanted(id, &shown) {
            let next = self.now() + SignedDuration::try_from(pause).unwrap_or(life);
            tokio::select! {
                () = clock.reached(next) => {}
                () = stop.wait() => return,
            }
            match code.poll(&settings).await {
                Ok(DeviceCodeAnswer::Pending(wait)) => pause = wait,
                Ok(DeviceCodeAnswer::Granted(token)) => {
                    let state = match self.keep_sign_in(&connector, token).await {
                        Ok(()) => SignInState::Done,
                        Err(error) => SignInState::Failed(format!("{error:#}")),
                    };
                    return self.inner.people_codes.end(id, &shown, state);
                }
                // A question that found no answer is asked again.
                Err(error) if error.is_passing() => {}
                Err(error) => {
                    let state = SignInState::Failed(error.to_string());
                    return self.inner.people_codes.end(id, &shown, state);
                }
            }
        }
        let late = "nobody entered the code in time; ask for another".to_owned();
        self.inner.people_codes.end(id, &shown, SignInState::Failed(late));
    }

    /// Keeps what the sign-in left, and lets the connector work with it.
    async fn keep_sign_in(&self, connector: &Connector, token: Secret) -> anyhow::Result<()> {
        let vault = &self.inner.secrets;
        let before = self.store().sealed_secret(connector.id).await?;
        let before = before.ok_or_else(|| anyhow::anyhow!("the connector was removed"))?;
        let secrets = ConnectorSecrets::open(vault, connector.id, &before)?;
        let secrets = ConnectorSecrets { refresh_token: Some(token), ..secrets };
        let after = secrets.seal(vault, connector.id)?;
        self.store().replace_sealed_secret(connector.id, &before, &after).await?;
        self.forget_sessions(connector).await;
        self.record(connector, Event::Changed, "a person has signed in").await;
        if connector.organization.is_none() {
            self.store().set_next_install(connector.id, None).await?;
        }
        self.inner.connectors_changed.notify_waiters();
        Ok(())
    }
}
