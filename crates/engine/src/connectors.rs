//! Commands on connectors: add, change, pause and remove.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Caller, Connector, ConnectorId, ConnectorName, Permission, audit,
    connector::{ConnectorState, Endpoint, HostedSignIn, Options},
    status_message::Event,
};
use exchange::Secret;
use store::connector_settings;
use uuid::Uuid;

use crate::{
    Engine, Error,
    component::Phrase,
    proof::Proof,
    secrets::{ConnectorSecrets, OpenError},
    validation::{PASSWORD_OF_HOSTED, Proposal, validate},
};

/// A connector to be added. Its secrets print as nothing.
#[derive(Clone)]
pub struct NewConnector {
    /// The name people will use.
    pub name: ConnectorName,
    /// How the organization is reached.
    pub endpoint: Endpoint,
    /// What is read of it, when, and how.
    pub options: Options,
    /// Whether scheduled work rests from the beginning.
    pub is_paused: bool,
    /// Password of the account.
    pub password: Option<String>,
    /// Password of the proxy.
    pub proxy_password: Option<String>,
    /// Password of the account that notifications are sent with.
    pub notification_password: Option<String>,
    /// What an application proves itself with to a hosted organization.
    pub proof: Option<Proof>,
}

/// What is changed of a connector: everything but its name. Secrets that are left out stay.
#[derive(Clone)]
pub struct ConnectorChange {
    /// How the organization is reached.
    pub endpoint: Endpoint,
    /// What is read of it, when, and how.
    pub options: Options,
    /// New password of the account.
    pub password: Option<String>,
    /// New password of the proxy.
    pub proxy_password: Option<String>,
    /// New password of the account that notifications are sent with.
    pub notification_password: Option<String>,
    /// What an application proves itself with from now on.
    pub proof: Option<Proof>,
}

impl std::fmt::Debug for ConnectorChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectorChange").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// What becomes of the inventory of a connector that is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Removal {
    /// It goes too.
    #[default]
    WithInventory,
    /// It stays, to be looked at.
    KeepInventory,
}

impl std::fmt::Debug for NewConnector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewConnector")
            .field("name", &self.name)
            .field("endpoint", &self.endpoint)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Adds a connector. Nothing is sent to Exchange; nothing is kept if a field is wrong.
    pub async fn add_connector(&self, caller: &Caller, new: NewConnector) -> Result<(), Error> {
        let is_paused = new.is_paused;
        let proposal = self.proposed(caller, new).await?;
        let id = ConnectorId(Uuid::now_v7());
        let sealed = proposal.secrets.seal(&self.inner.secrets, id)?;
        let connector = Connector {
            id,
            name: proposal.name,
            endpoint: proposal.endpoint,
            options: proposal.options,
            organization: None,
            state: ConnectorState::Flagged,
            trouble: None,
            created: self.now(),
            last_full_sync: None,
            last_delta_sync: None,
            is_paused,
            next_install: None,
        };
        let entry = self
            .entry_of(caller, audit::Event::ConnectorAdded, &connector)
            .with("endpoint", connector.endpoint.url())
            .with("account", connector.endpoint.account());
        let mut log = self.audit_log().await?;
        let told = log.rows(&[entry]);
        self.store().on_record(&told).add_connector(&connector, Some(&sealed)).await?;
        log.written();
        self.say(&connector.name, Phrase::Flagged);
        self.record(&connector, Event::Flagged, "added; waits for its first connection").await;
        self.tell_of_new_certificate(&connector).await;
        self.inner.connectors_changed.notify_waiters();
        Ok(())
    }

    /// Changes a connector. Nothing is kept if a field is wrong; a connector that is not installed
    /// yet is tried again at once.
    pub async fn change_connector(
        &self,
        caller: &Caller,
        name: &ConnectorName,
        change: ConnectorChange,
    ) -> Result<(), Error> {
        let scope = caller.scope(Permission::ModifySite)?;
        let before = self.store().connector(&scope, name).await?;
        let passwords = new_passwords(&change);
        let is_proof_new = change.proof.is_some();
        let (connector, secrets) = self.changed_connector(caller, name, change).await?;
        let sealed = secrets.seal(&self.inner.secrets, connector.id)?;
        let entry = self
            .entry_of(caller, audit::Event::ConnectorChanged, &connector)
            .with("changed", difference(&before, &connector))
            .with("new_passwords", passwords);
        let mut log = self.audit_log().await?;
        let told = log.rows(&[entry]);
        self.store().on_record(&told).change_connector(&connector, Some(&sealed)).await?;
        log.written();
        self.forget_sessions(&connector).await;
        self.store().forget_checkpoint(connector.id).await?;
        self.record(&connector, Event::Changed, "changed").await;
        if is_proof_new {
            self.tell_of_new_certificate(&connector).await;
        }
        if connector.organization.is_none() {
            self.store().set_next_install(connector.id, None).await?;
        }
        self.inner.connectors_changed.notify_waiters();
        Ok(())
    }

    /// Says what is wrong with a change, if anything is. Keeps nothing.
    pub async fn validate_change(
        &self,
        caller: &Caller,
        name: &ConnectorName,
        change: ConnectorChange,
    ) -> Result<(), Error> {
        self.changed_connector(caller, name, change).await.map(drop)
    }

    async fn changed_connector(
        &self,
        caller: &Caller,
        name: &ConnectorName,
        change: ConnectorChange,
    ) -> Result<(Connector, ConnectorSecrets), Error> {
        let scope = caller.scope(Permission::ModifySite)?;
        let mut connector = self.store().connector(&scope, name).await?;
        self.must_not_be_removed(&connector)?;
        let kept = match self.secrets_of(&connector).await {
            // They must be given anew, and that may be what is being done here: what is needed and
            // is not given is missed below.
            Err(error) if error.is::<OpenError>() => ConnectorSecrets::default(),
            kept => kept?,
        };
        if connector.endpoint.hosting() != change.endpoint.hosting() {
            return Err(Error::Invalid(format!(
                "the connector {name} leads to another kind of organization; add another connector"
            )));
        }
        if change.password.is_some() && change.endpoint.hosted().is_some() {
            return Err(Error::Invalid(PASSWORD_OF_HOSTED.to_owned()));
        }
        let given = |given: Option<String>, kept: Option<Secret>| given.map(Secret::new).or(kept);
        let mut secrets = ConnectorSecrets {
            password: given(change.password, kept.password),
            proxy_password: given(change.proxy_password, kept.proxy_password),
            notification_password: given(change.notification_password, kept.notification_password),
            ..kept
        };
        let mut endpoint = change.endpoint;
        keep_certificate(&connector.endpoint, &mut endpoint);
        if let Some(proof) = change.proof {
            let put = proof.put_into(&mut endpoint, &mut secrets, self.now());
            put.map_err(Error::Invalid)?;
        }
        let proposal = Proposal { name: name.clone(), endpoint, options: change.options, secrets };
        // An account that signs in by a keytab or by nothing has no use for an old password.
        let proposal = proposal.without_unused_secrets();
        validate(&proposal).map_err(Error::Invalid)?;
        connector.endpoint = proposal.endpoint;
        connector.options = proposal.options;
        Ok((connector, proposal.secrets))
    }

    /// Lets the scheduled work of a connector rest, or go on.
    pub async fn pause_connector(
        &self,
        caller: &Caller,
        name: &ConnectorName,
        is_paused: bool,
    ) -> Result<(), Error> {
        let scope = caller.scope(Permission::ModifySite)?;
        let connector = self.store().connector(&scope, name).await?;
        self.must_not_be_removed(&connector)?;
        if connector.is_paused == is_paused {
            return Ok(());
        }
        let (event, text) = if is_paused {
            (Event::Paused, "scheduled work rests")
        } else {
            (Event::Resumed, "scheduled work goes on")
        };
        let entry = self.entry_of(caller, audit::Event::ConnectorPaused, &connector);
        let mut log = self.audit_log().await?;
        let told = log.rows(&[entry.with("now", text)]);
        self.store().on_record(&told).set_paused(connector.id, is_paused).await?;
        log.written();
        self.record(&connector, event, text).await;
        self.inner.connectors_changed.notify_waiters();
        Ok(())
    }

    /// Says what is wrong with a connector to be added, if anything is. Keeps nothing.
    pub async fn validate_connector(
        &self,
        caller: &Caller,
        new: &NewConnector,
    ) -> Result<(), Error> {
        self.proposed(caller, new.clone()).await.map(drop)
    }

    async fn proposed(&self, caller: &Caller, new: NewConnector) -> Result<Proposal, Error> {
        let scope = caller.scope(Permission::ModifySite)?;
        let mut endpoint = new.endpoint;
        if let Endpoint::Hosted(hosted) = &mut endpoint {
            // It follows from the file, whatever is said of it.
            hosted.certificate = None;
        }
        let mut secrets = ConnectorSecrets {
            password: new.password.map(Secret::new),
            proxy_password: new.proxy_password.map(Secret::new),
            notification_password: new.notification_password.map(Secret::new),
            ..ConnectorSecrets::default()
        };
        if let Some(proof) = new.proof {
            let put = proof.put_into(&mut endpoint, &mut secrets, self.now());
            put.map_err(Error::Invalid)?;
        }
        let proposal = Proposal { name: new.name, endpoint, options: new.options, secrets };
        validate(&proposal).map_err(Error::Invalid)?;
        match self.store().connector(&scope, &proposal.name).await {
            Ok(there) => {
                Err(Error::Conflict(format!("there is a connector {} already", there.name)))
            }
            Err(store::Error::NotFound(_)) => Ok(proposal),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a connector. Nothing changes in Exchange.
    pub async fn remove_connector(
        &self,
        caller: &Caller,
        name: &ConnectorName,
        removal: Removal,
    ) -> Result<(), Error> {
        let scope = caller.scope(Permission::ModifySite)?;
        let connector = self.store().connector(&scope, name).await?;
        match removal {
            // A pass that is under way finds its rows missing and fails as a job of nobody.
            Removal::WithInventory => self.forget_connector(caller, &connector).await?,
            Removal::KeepInventory => self.retire(caller, &connector).await?,
        }
        Ok(())
    }

    async fn forget_connector(&self, caller: &Caller, connector: &Connector) -> Result<(), Error> {
        self.drop_sessions(connector.id).await;
        // The devices first, which takes long: nobody else waits for the audit meanwhile.
        self.store().remove_devices(connector.id).await?;
        let entry = self.entry_of(caller, audit::Event::ConnectorRemoved, connector);
        let mut log = self.audit_log().await?;
        let told = log.rows(&[entry.with("inventory", "removed")]);
        self.store().on_record(&told).remove_connector(connector.id).await?;
        log.written();
        tracing::info!(connector = %connector.name, "connector removed with its inventory");
        Ok(())
    }

    /// Ends a connector's work and keeps what it read. Its organization is free for another.
    pub(crate) async fn retire(&self, caller: &Caller, connector: &Connector) -> Result<(), Error> {
        let entry = self.entry_of(caller, audit::Event::ConnectorRemoved, connector);
        let mut log = self.audit_log().await?;
        let told = log.rows(&[entry.with("inventory", "kept")]);
        self.store().on_record(&told).retire_connector(connector.id).await?;
        log.written();
        self.drop_sessions(connector.id).await;
        self.record(connector, Event::Removed, "removed; its inventory is kept").await;
        Ok(())
    }

    /// A connector that was removed does nothing any more.
    pub(crate) fn must_not_be_removed(&self, connector: &Connector) -> Result<(), Error> {
        if connector.state == ConnectorState::Removed {
            return Err(Error::Conflict(format!(
                "the connector {} was removed and only its inventory is kept; add it anew under \
                 another name",
                connector.name
            )));
        }
        Ok(())
    }
}

/// What is known of the certificate stays, as long as it is what is signed in with.
fn keep_certificate(before: &Endpoint, after: &mut Endpoint) {
    if let (Endpoint::Hosted(before), Endpoint::Hosted(after)) = (before, after) {
        let is_used = after.sign_in == HostedSignIn::Certificate;
        after.certificate = before.certificate.clone().filter(|_| is_used);
    }
}

/// What a change changed, in the names and words that the settings are kept in.
fn difference(before: &Connector, after: &Connector) -> String {
    let (before, after) = (connector_settings(before), connector_settings(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let said = |settings: &BTreeMap<String, String>, name: &String| {
        settings.get(name).map_or_else(|| "nothing".to_owned(), Clone::clone)
    };
    let changed = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let changed =
        changed.map(|name| format!("{name}: {} → {}", said(&before, name), said(&after, name)));
    changed.collect::<Vec<_>>().join("; ")
}

/// Which passwords a change sets anew; never what they are.
fn new_passwords(change: &ConnectorChange) -> String {
    let given = [
        ("account", change.password.is_some()),
        ("proxy", change.proxy_password.is_some()),
        ("notification", change.notification_password.is_some()),
    ];
    let given = given.iter().filter(|(_, is_given)| *is_given).map(|(name, _)| *name);
    let given = given.chain(change.proof.iter().map(Proof::name));
    given.collect::<Vec<_>>().join(", ")
}
