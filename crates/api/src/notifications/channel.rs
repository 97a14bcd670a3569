//! Channels as JSON.

use domain::notification::{self as domain_words, ChannelKind, Name, SmtpSecurity};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::word;
use crate::{change::merged, problem::Problem};

/// A way by which notifications go out. Its secrets are never shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = NotificationChannel)]
pub struct Channel {
    /// What people call it.
    pub name: String,
    /// `mail` or `webhook`.
    pub kind: String,
    /// The mail server, of a channel of that kind.
    pub mail: Option<MailServer>,
    /// The receiver, of a channel of that kind.
    pub webhook: Option<Webhook>,
    /// Whether anything goes out by it.
    pub enabled: bool,
    /// Why it was switched off by itself.
    pub trouble: Option<String>,
    /// When it was added.
    pub created: String,
}

impl Channel {
    /// The fields, in the order of columns.
    pub const FIELDS: [&'static str; 7] =
        ["name", "kind", "mail", "webhook", "enabled", "trouble", "created"];

    pub(crate) fn of(channel: domain_words::Channel) -> Self {
        let (mail, webhook) = match &channel.kind {
            ChannelKind::Mail(server) => (Some(MailServer::of(server)), None),
            ChannelKind::Webhook(webhook) => (None, Some(Webhook::of(webhook))),
        };
        Self {
            name: channel.name.to_string(),
            kind: channel.kind.word().to_owned(),
            mail,
            webhook,
            enabled: channel.is_enabled,
            trouble: channel.trouble,
            created: channel.created.to_string(),
        }
    }
}

/// A mail server that takes messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailServer {
    /// Name or address of the server.
    #[schema(example = "mail.contoso.com")]
    pub host: String,
    /// Its port; left out, the one that is usual with the security.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// `starttls`, which is required then; `tls` from the first byte; `none`, only to this machine.
    #[serde(default = "starttls")]
    pub security: String,
    /// Account, if the server asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Who the messages are from.
    #[schema(example = "Gatepost <gatepost@contoso.com>")]
    pub from: String,
    /// Certificates (PEM) that are trusted besides those of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_ca_pem: Option<String>,
}

fn starttls() -> String {
    SmtpSecurity::StartTls.word().to_owned()
}

impl MailServer {
    fn of(server: &domain_words::MailServer) -> Self {
        Self {
            host: server.host.clone(),
            port: Some(server.port),
            security: server.security.word().to_owned(),
            username: server.username.clone(),
            from: server.from.clone(),
            trusted_ca_pem: server.trusted.clone(),
        }
    }

    fn into_kind(self) -> Result<ChannelKind, Problem> {
        let words = SmtpSecurity::ALL.iter().map(|it| it.word()).collect::<Vec<_>>();
        let security = word("security", &self.security, SmtpSecurity::from_word, &words)?;
        Ok(ChannelKind::Mail(domain_words::MailServer {
            host: self.host,
            port: self.port.unwrap_or_else(|| security.usual_port()),
            security,
            username: self.username,
            from: self.from,
            trusted: self.trusted_ca_pem,
        }))
    }
}

/// A program that takes messages by HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where messages are posted.
    #[schema(example = "https://hooks.contoso.com/gatepost")]
    pub url: String,
    /// Whether it may be at a private or loopback address, and be reached over http://.
    #[serde(default)]
    pub allow_private: bool,
    /// Certificates (PEM) that are trusted besides those of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_ca_pem: Option<String>,
}

impl Webhook {
    fn of(webhook: &domain_words::Webhook) -> Self {
        Self {
            url: webhook.url.clone(),
            allow_private: webhook.allows_private,
            trusted_ca_pem: webhook.trusted.clone(),
        }
    }

    fn into_kind(self) -> ChannelKind {
        ChannelKind::Webhook(domain_words::Webhook {
            url: self.url,
            allows_private: self.allow_private,
            trusted: self.trusted_ca_pem,
        })
    }
}

/// A channel to be added: with either `mail` or `webhook`.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewNotificationChannel)]
pub struct NewChannel {
    /// What people will call it: 1 to 63 of a-z, 0-9 and -.
    pub name: String,
    /// A mail server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<MailServer>,
    /// A receiver of webhooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
    /// Password of the account on the mail server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

impl std::fmt::Debug for NewChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewChannel").field("name", &self.name).finish_non_exhaustive()
    }
}

impl NewChannel {
    pub(crate) fn into_new(self) -> Result<engine::NewChannel, Problem> {
        let invalid =
            |error: &dyn std::fmt::Display| Problem::invalid(error, "correct it and send it again");
        let name = Name::parse(&self.name).map_err(|error| invalid(&error))?;
        let kind = match (self.mail, self.webhook) {
            (Some(mail), None) => mail.into_kind()?,
            (None, Some(webhook)) => webhook.into_kind(),
            _ => return Err(invalid(&"a channel has either mail or webhook")),
        };
        Ok(engine::NewChannel { name, kind, password: self.password })
    }
}

/// What is changed of a channel; what is left out stays.
#[derive(Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotificationChannelChange {
    /// Fields of the mail server to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub mail: Option<Map<String, Value>>,
    /// Fields of the webhook to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub webhook: Option<Map<String, Value>>,
    /// New password of the account on the mail server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Whether anything goes out by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

impl std::fmt::Debug for NotificationChannelChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NotificationChannelChange").finish_non_exhaustive()
    }
}

impl NotificationChannelChange {
    pub(crate) fn applied_to(
        self,
        channel: &domain_words::Channel,
    ) -> Result<engine::ChannelChange, Problem> {
        let kind = match (&channel.kind, self.mail, self.webhook) {
            (_, None, None) => None,
            (ChannelKind::Mail(server), mail @ Some(_), None) => {
                Some(merged("mail", MailServer::of(server), mail)?.into_kind()?)
            }
            (ChannelKind::Webhook(webhook), None, change @ Some(_)) => {
                Some(merged("webhook", Webhook::of(webhook), change)?.into_kind())
            }
            _ => {
                return Err(Problem::invalid(
                    format_args!(
                        "the channel is of the kind {}, and stays one",
                        channel.kind.word()
                    ),
                    "change fields of that kind, or add another channel",
                ));
            }
        };
        Ok(engine::ChannelChange { kind, password: self.password, is_enabled: self.enabled })
    }
}
