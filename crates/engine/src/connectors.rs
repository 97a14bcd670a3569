//! Commands on connectors: add, change, pause and remove.

use std::net::SocketAddr;

use domain::{
    Caller, Connector, ConnectorId, ConnectorName, Permission,
    connector::{Authentication, ConnectorState, DiscoveryScope, Endpoint, Options},
    status_message::Event,
};
use exchange::Secret;
use uuid::Uuid;

use crate::{Engine, Error, component::Phrase, secrets::ConnectorSecrets};

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

/// Longest text of one field; a certificate bundle may be longer.
const MAX_FIELD_BYTES: usize = 2048;
/// Largest bundle of extra authorities: some hundred certificates.
const MAX_ROOTS_BYTES: usize = 512 * 1024;

impl Engine {
    /// Adds a connector. Nothing is sent to Exchange; nothing is kept if a field is wrong.
    pub async fn add_connector(&self, caller: &Caller, new: NewConnector) -> Result<(), Error> {
        self.validate_connector(caller, &new).await?;
        let id = ConnectorId(Uuid::now_v7());
        let secrets = ConnectorSecrets {
            password: new.password.map(Secret::new),
            proxy_password: new.proxy_password.map(Secret::new),
            notification_password: new.notification_password.map(Secret::new),
        };
        let sealed = self.inner.secrets.seal(id, &secrets)?;
        let connector = Connector {
            id,
            name: new.name,
            endpoint: new.endpoint,
            options: new.options,
            organization: None,
            state: ConnectorState::Flagged,
            trouble: None,
            created: self.now(),
            last_full_sync: None,
            last_delta_sync: None,
            is_paused: new.is_paused,
            next_install: None,
        };
        self.store().add_connector(&connector, Some(&sealed)).await?;
        self.say(&connector.name, Phrase::Flagged);
        self.record(&connector, Event::Flagged, "added; waits for its first connection").await;
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
        let (connector, secrets) = self.changed_connector(caller, name, change).await?;
        let sealed = self.inner.secrets.seal(connector.id, &secrets)?;
        self.store().change_connector(&connector, Some(&sealed)).await?;
        self.forget_sessions(&connector).await;
        self.store().forget_checkpoint(connector.id).await?;
        self.record(&connector, Event::Changed, "changed").await;
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
        let scope = caller.scope(Permission::ModifyConnector)?;
        let mut connector = self.store().connector(&scope, name).await?;
        self.must_not_be_removed(&connector)?;
        let kept = self.secrets_of(&connector).await?;
        let secrets = ConnectorSecrets {
            password: change.password.map(Secret::new).or(kept.password),
            proxy_password: change.proxy_password.map(Secret::new).or(kept.proxy_password),
            notification_password: change
                .notification_password
                .map(Secret::new)
                .or(kept.notification_password),
        };
        let revealed = |secret: &Option<Secret>| secret.as_ref().map(|s| s.reveal().to_owned());
        let proposed = NewConnector {
            name: name.clone(),
            endpoint: change.endpoint,
            options: change.options,
            is_paused: connector.is_paused,
            // An account that signs in by a keytab or by nothing has no use for an old password.
            password: revealed(&secrets.password),
            proxy_password: revealed(&secrets.proxy_password),
            notification_password: revealed(&secrets.notification_password),
        };
        let proposed = without_unused_secrets(proposed);
        validate(&proposed).map_err(Error::Invalid)?;
        let secrets = ConnectorSecrets {
            password: proposed.password.map(Secret::new),
            proxy_password: proposed.proxy_password.map(Secret::new),
            notification_password: proposed.notification_password.map(Secret::new),
        };
        connector.endpoint = proposed.endpoint;
        connector.options = proposed.options;
        Ok((connector, secrets))
    }

    /// Lets the scheduled work of a connector rest, or go on.
    pub async fn pause_connector(
        &self,
        caller: &Caller,
        name: &ConnectorName,
        is_paused: bool,
    ) -> Result<(), Error> {
        let scope = caller.scope(Permission::ModifyConnector)?;
        let connector = self.store().connector(&scope, name).await?;
        self.must_not_be_removed(&connector)?;
        if connector.is_paused == is_paused {
            return Ok(());
        }
        self.store().set_paused(connector.id, is_paused).await?;
        let (event, text) = if is_paused {
            (Event::Paused, "scheduled work rests")
        } else {
            (Event::Resumed, "scheduled work goes on")
        };
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
        let scope = caller.scope(Permission::ModifyConnector)?;
        validate(new).map_err(Error::Invalid)?;
        match self.store().connector(&scope, &new.name).await {
            Ok(_) => Err(Error::Conflict(format!("there is a connector {} already", new.name))),
            Err(store::Error::NotFound(_)) => Ok(()),
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
        let scope = caller.scope(Permission::ModifyConnector)?;
        let connector = self.store().connector(&scope, name).await?;
        match removal {
            // A pass that is under way finds its rows missing and fails as a job of nobody.
            Removal::WithInventory => self.forget_connector(&connector).await?,
            Removal::KeepInventory => self.retire(&connector).await?,
        }
        Ok(())
    }

    async fn forget_connector(&self, connector: &Connector) -> Result<(), Error> {
        self.drop_sessions(connector.id).await;
        self.store().remove_connector(connector.id).await?;
        tracing::info!(connector = %connector.name, "connector removed with its inventory");
        Ok(())
    }

    /// Ends a connector's work and keeps what it read. Its organization is free for another.
    pub(crate) async fn retire(&self, connector: &Connector) -> Result<(), Error> {
        let store = self.store();
        let state = ConnectorState::Removed;
        store.set_connector_state(connector.id, state, None).await?;
        store.release_organization(connector.id).await?;
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

/// Leaves passwords out that the way of signing in has no use for.
fn without_unused_secrets(new: NewConnector) -> NewConnector {
    let has_account = new.endpoint.username.is_some() && new.endpoint.keytab.is_none();
    let has_proxy_account = new.endpoint.proxy.as_ref().is_some_and(|p| p.username.is_some());
    let has_notification_account = new.options.notification_account.is_some();
    NewConnector {
        password: new.password.filter(|_| has_account),
        proxy_password: new.proxy_password.filter(|_| has_proxy_account),
        notification_password: new.notification_password.filter(|_| has_notification_account),
        ..new
    }
}

/// One sentence about the first field that is wrong.
fn validate(new: &NewConnector) -> Result<(), String> {
    let endpoint = &new.endpoint;
    let is_tls = validate_url(&endpoint.url)?;
    for (field, value) in [
        ("username", &endpoint.username),
        ("service principal name", &endpoint.spn),
        ("keytab", &endpoint.keytab),
        ("password", &new.password),
        ("proxy password", &new.proxy_password),
    ] {
        let Some(value) = value else { continue };
        if value.is_empty() || value.len() > MAX_FIELD_BYTES {
            return Err(format!("the {field} is empty or longer than {MAX_FIELD_BYTES} bytes"));
        }
    }
    let addresses = endpoint.kdc.iter().map(|kdc| ("Kerberos server", kdc.as_str()));
    let addresses =
        addresses.chain(endpoint.connect_to.iter().map(|to| ("connect address", to.as_str())));
    let addresses =
        addresses.chain(endpoint.proxy.iter().map(|proxy| ("proxy", proxy.address.as_str())));
    for (field, address) in addresses {
        validate_address(field, address)?;
    }
    validate_account(new)?;
    validate_options(new)?;
    if endpoint.authentication == Authentication::Basic
        && !is_tls
        && !endpoint.allow_basic_without_tls
    {
        return Err("Basic over http sends the password readable for anybody on the way; use \
                    https, or allow it for this connector in so many words"
            .to_owned());
    }
    let trust = &endpoint.trust;
    if let Some(pin) = &trust.pinned_sha256
        && (pin.len() != 64 || !pin.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        return Err("the pinned fingerprint is not a SHA-256 of 64 hexadecimal digits".to_owned());
    }
    if trust.extra_roots_pem.as_ref().is_some_and(|pem| pem.len() > MAX_ROOTS_BYTES) {
        return Err(format!("the extra authorities are larger than {MAX_ROOTS_BYTES} bytes"));
    }
    Ok(())
}

/// Most servers of sites, and most organizational units, of one connector.
const MAX_ENTRIES: usize = 200;
/// Longest time that a device may be inactive: ten years.
const MAX_INACTIVE_DAYS: u16 = 3_650;

fn validate_options(new: &NewConnector) -> Result<(), String> {
    let options = &new.options;
    if options.sites.len() > MAX_ENTRIES {
        return Err(format!("there are more than {MAX_ENTRIES} servers of sites"));
    }
    let mut urls = vec![new.endpoint.url.to_ascii_lowercase()];
    for one in &options.sites {
        if one.site.trim().is_empty() || one.site.len() > MAX_FIELD_BYTES {
            return Err(format!("the site of {} has no name; write SITE=URL", one.url));
        }
        validate_url(&one.url).map_err(|why| format!("site {}: {why}", one.site))?;
        let url = one.url.to_ascii_lowercase();
        if urls.contains(&url) {
            return Err(format!("{} is given twice; name each server once", one.url));
        }
        urls.push(url);
    }
    if let Some(directory) = &options.directory
        && (directory.server.trim().is_empty() || directory.server.contains("://"))
    {
        return Err(format!(
            "the directory server {:?} is not a name, or a name and a port, as in dc01.contoso.com",
            directory.server
        ));
    }
    match &options.discovery.scope {
        DiscoveryScope::Organization => {}
        DiscoveryScope::Units(units) if units.is_empty() || units.len() > MAX_ENTRIES => {
            return Err(format!(
                "name 1 to {MAX_ENTRIES} organizational units, or take the whole organization"
            ));
        }
        DiscoveryScope::Units(units) => {
            let is_odd = |unit: &&String| unit.trim().is_empty() || unit.len() > MAX_FIELD_BYTES;
            if let Some(unit) = units.iter().find(is_odd) {
                return Err(format!(
                    "the organizational unit {unit:?} is empty or too long; write it as \
                     OU=Staff,DC=contoso,DC=com or contoso.com/Staff"
                ));
            }
        }
        DiscoveryScope::Recipients(filter) => {
            if filter.trim().is_empty() || filter.len() > MAX_FIELD_BYTES {
                return Err("the recipient filter is empty or too long; write it as in \
                            Department -eq 'Sales'"
                    .to_owned());
            }
        }
    }
    if let Some(days) = options.discovery.inactive_days
        && (days == 0 || days > MAX_INACTIVE_DAYS)
    {
        return Err(format!("{days} days of inactivity are not 1 to {MAX_INACTIVE_DAYS}"));
    }
    if options.notification_account.is_some() != new.notification_password.is_some() {
        return Err("the notification account needs a user name and a password".to_owned());
    }
    if options.replaces.as_ref() == Some(&new.name) {
        return Err("a connector cannot replace itself".to_owned());
    }
    Ok(())
}

/// Whether the URL is for TLS.
fn validate_url(url: &str) -> Result<bool, String> {
    let wanted = "as in http://exchange.contoso.com/PowerShell/";
    if url.len() > MAX_FIELD_BYTES || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(format!("the address holds blanks or is too long; write it {wanted}"));
    }
    let lower = url.to_ascii_lowercase();
    let (is_tls, rest) = match (lower.strip_prefix("http://"), lower.strip_prefix("https://")) {
        (Some(rest), _) => (false, rest),
        (_, Some(rest)) => (true, rest),
        _ => {
            return Err(format!(
                "the address does not begin with http:// or https://; write it {wanted}"
            ));
        }
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err("the address holds a user name or password; give those separately".to_owned());
    }
    if authority.is_empty() || authority.starts_with(':') {
        return Err(format!("the address names no server; write it {wanted}"));
    }
    if path.is_empty() {
        return Err(format!("the address has no path; write it {wanted}"));
    }
    if let Some((_, port)) = authority.rsplit_once(':')
        && !authority.ends_with(']')
        && port.parse::<u16>().is_err()
    {
        return Err(format!("{port:?} is no port; write the address {wanted}"));
    }
    Ok(is_tls)
}

fn validate_address(field: &str, address: &str) -> Result<(), String> {
    let host_and_port = address.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    if host_and_port && address.len() <= MAX_FIELD_BYTES || address.parse::<SocketAddr>().is_ok() {
        Ok(())
    } else {
        Err(format!("the {field} {address:?} is not a name and a port, as in dc01.contoso.com:88"))
    }
}

/// Whether what is given is enough for the way of signing in.
fn validate_account(new: &NewConnector) -> Result<(), String> {
    let endpoint = &new.endpoint;
    if endpoint.username.is_some() && new.password.is_none() && endpoint.keytab.is_none() {
        return Err("there is a user name but no password and no keytab".to_owned());
    }
    if endpoint.username.is_none() && (new.password.is_some() || endpoint.keytab.is_some()) {
        return Err(r"there is a password or a keytab but no user name; give one as DOMAIN\user or user@domain".to_owned());
    }
    let needs_password =
        matches!(endpoint.authentication, Authentication::Basic | Authentication::Ntlm);
    if needs_password && new.password.is_none() {
        return Err(format!("{} needs a user name and a password", endpoint.authentication));
    }
    if let Some(proxy) = &endpoint.proxy
        && proxy.username.is_some() != new.proxy_password.is_some()
    {
        return Err(
            "the proxy has a user name without a password, or a password without a user name"
                .to_owned(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::connector::{Proxy, Trust};

    use super::*;

    fn good() -> NewConnector {
        NewConnector {
            name: ConnectorName::parse("lab").unwrap(),
            endpoint: Endpoint {
                url: "http://exchange.contoso.com/PowerShell/".to_owned(),
                connect_to: None,
                spn: None,
                authentication: Authentication::Ntlm,
                username: Some(r"CONTOSO\svc".to_owned()),
                kdc: Vec::new(),
                keytab: None,
                allow_basic_without_tls: false,
                trust: Trust::default(),
                proxy: None,
            },
            options: Options::default(),
            is_paused: false,
            password: Some("secret".to_owned()),
            proxy_password: None,
            notification_password: None,
        }
    }

    #[test]
    fn what_is_right_is_taken() {
        assert_eq!(validate(&good()), Ok(()));
        let mut cached = good();
        cached.endpoint.authentication = Authentication::Kerberos;
        cached.endpoint.username = None;
        cached.password = None;
        assert_eq!(validate(&cached), Ok(()));
    }

    #[test]
    fn each_wrong_field_is_named() {
        type Change = fn(&mut NewConnector);
        let cases: &[(Change, &str)] = &[
            (|new| new.endpoint.url = "exchange.contoso.com".to_owned(), "http://"),
            (|new| new.endpoint.url = "http://exchange.contoso.com".to_owned(), "no path"),
            (|new| new.endpoint.url = "http:///PowerShell/".to_owned(), "no server"),
            (|new| new.endpoint.url = "http://u:p@host/PowerShell/".to_owned(), "separately"),
            (|new| new.endpoint.url = "http://host:99999/PowerShell/".to_owned(), "no port"),
            (|new| new.password = None, "no password"),
            (|new| new.endpoint.username = None, "no user name"),
            (|new| new.endpoint.kdc = vec!["dc01".to_owned()], "Kerberos server"),
            (|new| new.endpoint.authentication = Authentication::Basic, "Basic over http"),
            (|new| new.endpoint.trust.pinned_sha256 = Some("abc".to_owned()), "SHA-256"),
            (
                |new| {
                    let address = "proxy:3128".to_owned();
                    new.endpoint.proxy = Some(Proxy { address, username: Some("u".to_owned()) });
                },
                "proxy has a user name",
            ),
        ];
        for (spoil, said) in cases {
            let mut new = good();
            spoil(&mut new);
            let error = validate(&new).unwrap_err();
            assert!(error.contains(said), "{error:?} does not say {said:?}");
        }
    }

    #[test]
    fn a_password_is_not_printed() {
        assert!(!format!("{:?}", good()).contains("secret"));
    }
}
