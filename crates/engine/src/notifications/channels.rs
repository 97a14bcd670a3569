//! Commands on channels: add, change, try, give another secret, remove.

use domain::{
    Caller, ChannelId, DeliveryId, Permission,
    audit::{Entry, Event, TargetKind},
    notification::{Channel, ChannelKind, Language, MailAddress, MailServer, Name, SmtpSecurity},
};
use exchange::Secret;
use serde_json::json;
use uuid::Uuid;

use super::{
    mail,
    secrets::{self, ChannelSecrets},
    sending::Outgoing,
    webhook, words,
};
use crate::{Engine, Error, audit::AuditLog};

/// More channels than anybody has use for.
const MOST_CHANNELS: usize = 50;
/// Longest password or user name: that of a connector's account.
const MOST_PASSWORD_BYTES: usize = 4096;
/// Longest bundle of certificates.
const MOST_PEM_BYTES: usize = 512 * 1024;
/// Secrets of a webhook that are valid at the same time.
const MOST_SECRETS: usize = 2;

/// A channel to be added. Its password prints as nothing.
#[derive(Clone)]
pub struct NewChannel {
    /// What people will call it.
    pub name: Name,
    /// Where it leads.
    pub kind: ChannelKind,
    /// Password of the account on the mail server.
    pub password: Option<String>,
}

/// What is changed of a channel. What is left out stays.
#[derive(Clone, Default)]
pub struct ChannelChange {
    /// Where it leads; of the same kind as before.
    pub kind: Option<ChannelKind>,
    /// New password of the account on the mail server.
    pub password: Option<String>,
    /// Whether anything goes out by it.
    pub is_enabled: Option<bool>,
}

impl std::fmt::Debug for NewChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewChannel").field("name", &self.name).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ChannelChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChannelChange").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What came of trying a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Whether the message arrived.
    pub is_success: bool,
    /// What the other side answered, or what went wrong.
    pub answer: String,
    /// How long it took.
    pub duration_ms: u64,
}

impl Engine {
    /// All channels, by name.
    pub async fn channels(&self, caller: &Caller) -> Result<Vec<Channel>, Error> {
        Ok(self.store().channels(&caller.scope(Permission::ModifySecurity)?).await?)
    }

    /// One channel.
    pub async fn channel(&self, caller: &Caller, name: &Name) -> Result<Channel, Error> {
        let channels = self.channels(caller).await?;
        let found = channels.into_iter().find(|channel| channel.name == *name);
        found.ok_or_else(|| Error::NotFound(format!("the channel {name} does not exist")))
    }

    /// Says what is wrong with a channel to be added, if anything is. Keeps nothing.
    pub async fn validate_channel(&self, caller: &Caller, new: &NewChannel) -> Result<(), Error> {
        let channels = self.channels(caller).await?;
        if channels.iter().any(|channel| channel.name == new.name) {
            return Err(Error::Conflict(format!("there is a channel {} already", new.name)));
        }
        if channels.len() >= MOST_CHANNELS {
            return Err(Error::Conflict(format!(
                "there are {MOST_CHANNELS} channels already; remove one first"
            )));
        }
        validate(&new.kind, new.password.as_deref()).map_err(Error::Invalid)
    }

    /// Adds a channel. Of a webhook: the secret that its messages are signed with, shown this once.
    pub async fn add_channel(
        &self,
        caller: &Caller,
        new: NewChannel,
    ) -> Result<Option<String>, Error> {
        self.validate_channel(caller, &new).await?;
        let secrets = ChannelSecrets::of_new(&new.kind, new.password);
        let channel = Channel {
            id: ChannelId(Uuid::now_v7()),
            name: new.name,
            kind: new.kind,
            is_enabled: true,
            trouble: None,
            created: self.now(),
        };
        let sealed = self.seal_channel(channel.id, &secrets)?;
        let mut log = self.audit_log().await?;
        let entry = self.entry(caller, &channel, "added").with("leads to", target(&channel.kind));
        let rows = log.rows(&[entry]);
        self.store().add_channel(&channel, &sealed, &rows).await?;
        log.written();
        Ok(secrets.signing.first().map(|secret| secret.reveal().to_owned()))
    }

    /// Says what is wrong with a change, if anything is. Keeps nothing.
    pub async fn validate_channel_change(
        &self,
        caller: &Caller,
        name: &Name,
        change: ChannelChange,
    ) -> Result<(), Error> {
        self.changed_channel(caller, name, change).await.map(drop)
    }

    /// Changes a channel. Nothing is kept if a field is wrong.
    pub async fn change_channel(
        &self,
        caller: &Caller,
        name: &Name,
        change: ChannelChange,
    ) -> Result<(), Error> {
        let (channel, secrets) = self.changed_channel(caller, name, change).await?;
        let state = if channel.is_enabled { "changed" } else { "changed, switched off" };
        let log = self.audit_log().await?;
        let entry = self.entry(caller, &channel, state).with("leads to", target(&channel.kind));
        self.write_channel(&channel, &secrets, log, entry).await
    }

    async fn changed_channel(
        &self,
        caller: &Caller,
        name: &Name,
        change: ChannelChange,
    ) -> Result<(Channel, ChannelSecrets), Error> {
        let mut channel = self.channel(caller, name).await?;
        let mut secrets = self.channel_secrets(channel.id).await?;
        if let Some(kind) = change.kind {
            if kind.word() != channel.kind.word() {
                return Err(Error::Invalid(format!(
                    "{name} is a channel of the kind {}, and stays one; add another",
                    channel.kind.word()
                )));
            }
            // Whoever may change channels may not have the password sent somewhere else.
            let is_elsewhere = leads_elsewhere(&channel.kind, &kind);
            if is_elsewhere && secrets.password.is_some() && change.password.is_none() {
                return Err(Error::Invalid(
                    "the password was given for another server or account; give it again"
                        .to_owned(),
                ));
            }
            channel.kind = kind;
        }
        if let ChannelKind::Mail(MailServer { username: None, .. }) = &channel.kind {
            secrets.password = None;
        }
        secrets.password = change.password.map(Secret::new).or(secrets.password);
        if let Some(is_enabled) = change.is_enabled {
            channel.is_enabled = is_enabled;
            channel.trouble = channel.trouble.filter(|_| !is_enabled);
        }
        let password = secrets.password.as_ref().map(|secret| secret.reveal());
        validate(&channel.kind, password).map_err(Error::Invalid)?;
        Ok((channel, secrets))
    }

    /// Gives a webhook another secret, shown this once. Messages are signed with both until the older
    /// one is retired.
    pub async fn rotate_channel_secret(
        &self,
        caller: &Caller,
        name: &Name,
    ) -> Result<String, Error> {
        let (channel, mut secrets) = self.webhook(caller, name).await?;
        if secrets.signing.len() >= MOST_SECRETS {
            return Err(Error::Conflict(format!(
                "{name} has two secrets already; retire the older one first"
            )));
        }
        let new = secrets::new_secret();
        let shown = new.reveal().to_owned();
        secrets.signing.insert(0, new);
        let log = self.audit_log().await?;
        let entry = self.entry(caller, &channel, "given another secret");
        self.write_channel(&channel, &secrets, log, entry).await?;
        Ok(shown)
    }

    /// Takes the older of two secrets from a webhook.
    pub async fn retire_channel_secret(&self, caller: &Caller, name: &Name) -> Result<(), Error> {
        let (channel, mut secrets) = self.webhook(caller, name).await?;
        if secrets.signing.len() < MOST_SECRETS {
            return Err(Error::Conflict(format!("{name} has one secret; rotate it first")));
        }
        secrets.signing.truncate(1);
        let log = self.audit_log().await?;
        let entry = self.entry(caller, &channel, "older secret retired");
        self.write_channel(&channel, &secrets, log, entry).await
    }

    async fn webhook(
        &self,
        caller: &Caller,
        name: &Name,
    ) -> Result<(Channel, ChannelSecrets), Error> {
        let channel = self.channel(caller, name).await?;
        if !matches!(channel.kind, ChannelKind::Webhook(_)) {
            return Err(Error::Invalid(format!("{name} is no webhook and signs nothing")));
        }
        let secrets = self.channel_secrets(channel.id).await?;
        Ok((channel, secrets))
    }

    async fn write_channel(
        &self,
        channel: &Channel,
        secrets: &ChannelSecrets,
        mut log: AuditLog<'_>,
        entry: Entry,
    ) -> Result<(), Error> {
        let sealed = self.seal_channel(channel.id, secrets)?;
        let rows = log.rows(&[entry]);
        self.store().change_channel(channel, &sealed, &rows).await?;
        log.written();
        Ok(())
    }

    /// Removes a channel. What was not sent by it yet is not sent any more.
    pub async fn remove_channel(&self, caller: &Caller, name: &Name) -> Result<(), Error> {
        let channel = self.unused_channel(caller, name).await?;
        let mut log = self.audit_log().await?;
        let rows = log.rows(&[self.entry(caller, &channel, "removed")]);
        self.store().remove_channel(channel.id, &rows).await?;
        log.written();
        Ok(())
    }

    /// A channel that no subscription uses.
    pub async fn unused_channel(&self, caller: &Caller, name: &Name) -> Result<Channel, Error> {
        let channel = self.channel(caller, name).await?;
        let scope = caller.scope(Permission::ModifySecurity)?;
        let subscriptions = self.store().subscriptions(&scope).await?;
        let users = subscriptions.iter().filter(|it| it.channel == channel.id);
        let users: Vec<_> = users.map(|it| it.name.as_str()).collect();
        if users.is_empty() {
            return Ok(channel);
        }
        Err(Error::Conflict(format!(
            "the channel {name} is used by {}; remove the subscriptions first",
            users.join(", ")
        )))
    }

    /// Sends a test message by a channel at once; by mail to an address.
    pub async fn try_channel(
        &self,
        caller: &Caller,
        name: &Name,
        to: Option<&MailAddress>,
    ) -> Result<Trial, Error> {
        let channel = self.channel(caller, name).await?;
        if matches!(channel.kind, ChannelKind::Mail(_)) && to.is_none() {
            return Err(Error::Invalid("to whom? Give an address".to_owned()));
        }
        let now = self.now();
        let outgoing = Outgoing {
            id: DeliveryId(Uuid::now_v7()),
            at: now,
            kind: "test",
            data: json!({"channel": name.as_str()}),
            words: words::test_message(name.as_str(), Language::English),
        };
        let entry = self.entry(caller, &channel, "tried");
        self.audit(entry).await?;
        let sent = self.send_by(&channel, to, &outgoing, now).await;
        let duration = self.now().duration_since(now).as_millis();
        Ok(Trial {
            is_success: sent.is_ok(),
            answer: sent.unwrap_or_else(|failure| failure.why),
            duration_ms: duration.try_into().unwrap_or_default(),
        })
    }

    fn entry(&self, caller: &Caller, channel: &Channel, change: &str) -> Entry {
        let (id, name) = (channel.id.to_string(), channel.name.to_string());
        Entry::of(caller, self.now(), Event::NotificationsChanged)
            .on(TargetKind::Channel, id, name)
            .with("change", change)
    }
}

fn validate(kind: &ChannelKind, password: Option<&str>) -> Result<(), String> {
    let trusted = match kind {
        ChannelKind::Mail(server) => &server.trusted,
        ChannelKind::Webhook(webhook) => &webhook.trusted,
    };
    if trusted.as_ref().is_some_and(|pem| pem.len() > MOST_PEM_BYTES) {
        return Err(format!("the trusted certificates are longer than {MOST_PEM_BYTES} bytes"));
    }
    if trusted.as_ref().is_some_and(|pem| !pem.contains("-----BEGIN CERTIFICATE-----")) {
        return Err("the trusted certificates are no PEM; they begin with -----BEGIN \
                    CERTIFICATE-----"
            .to_owned());
    }
    if password.is_some_and(|password| password.len() > MOST_PASSWORD_BYTES) {
        return Err(format!("the password is longer than {MOST_PASSWORD_BYTES} bytes"));
    }
    match kind {
        ChannelKind::Mail(server) => mail::validate(server, password.is_some()),
        ChannelKind::Webhook(_) if password.is_some() => {
            Err("a webhook has no password; its messages are signed".to_owned())
        }
        ChannelKind::Webhook(webhook) => webhook::validate(webhook),
    }
}

/// Whether a password would go to another server, as another user, or less protected.
fn leads_elsewhere(before: &ChannelKind, after: &ChannelKind) -> bool {
    let (ChannelKind::Mail(before), ChannelKind::Mail(after)) = (before, after) else {
        return false;
    };
    before.host != after.host
        || before.port != after.port
        || before.username != after.username
        || before.trusted != after.trusted
        || (after.security == SmtpSecurity::None && before.security != SmtpSecurity::None)
}

/// Where a channel leads, for people and records. The path of an address may be a secret.
fn target(kind: &ChannelKind) -> String {
    match kind {
        ChannelKind::Mail(server) => format!("{}:{}", server.host, server.port),
        ChannelKind::Webhook(webhook) => {
            let rest = webhook.url.split_once("://").map_or("", |(_, rest)| rest);
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            rest.get(..end).unwrap_or_default().to_owned()
        }
    }
}
