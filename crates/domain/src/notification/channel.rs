//! Channels: the ways by which notifications go out.

use jiff::Timestamp;

use super::Name;
use crate::{ChannelId, device::words};

/// A way by which notifications go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// For ever.
    pub id: ChannelId,
    /// What people call it.
    pub name: Name,
    /// Where it leads.
    pub kind: ChannelKind,
    /// Whether anything goes out by it.
    pub is_enabled: bool,
    /// Why it was switched off by itself.
    pub trouble: Option<String>,
    /// When it was added.
    pub created: Timestamp,
}

/// Where a channel leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelKind {
    /// To mailboxes, by a mail server.
    Mail(MailServer),
    /// To a program, by HTTP.
    Webhook(Webhook),
}

impl ChannelKind {
    /// The word used in files and the API.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Mail(_) => "mail",
            Self::Webhook(_) => "webhook",
        }
    }
}

/// A mail server that takes messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailServer {
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept from being read.
    pub security: SmtpSecurity,
    /// Account, if it asks for one. The password is a secret of the channel.
    pub username: Option<String>,
    /// Who the messages are from: an address, or a name with an address.
    pub from: String,
    /// Certificates (PEM) that are trusted besides those of the system.
    pub trusted: Option<String>,
}

/// How the connection to a mail server is kept from being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// The connection is upgraded; a server that cannot is refused.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// Not at all: only to a server on this machine.
    None,
}

words!(SmtpSecurity { StartTls = "starttls", Tls = "tls", None = "none" });

impl SmtpSecurity {
    /// The port that is usual with it.
    #[must_use]
    pub const fn usual_port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// A program that takes messages by HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where messages are posted.
    pub url: String,
    /// Whether it may be at a private or loopback address.
    pub allows_private: bool,
    /// Certificates (PEM) that are trusted besides those of the system.
    pub trusted: Option<String>,
}
