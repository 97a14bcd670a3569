//! Subscriptions: who wants to be told what.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Topic;
use crate::{ChannelId, ConnectorId, Permission, Query, SubscriptionId, device::words};

/// A wish to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// For ever.
    pub id: SubscriptionId,
    /// What people call it.
    pub name: Name,
    /// By which way.
    pub channel: ChannelId,
    /// About what.
    pub topics: BTreeSet<Topic>,
    /// Only of these connectors; of all if empty. What is of no connector is told all the same.
    pub connectors: Vec<ConnectorId>,
    /// Only of devices that this finds. What is of no device is told all the same.
    pub query: Option<Query>,
    /// In which language, for those who have not chosen one themselves.
    pub language: Language,
    /// To whom, by mail.
    pub addresses: Vec<MailAddress>,
    /// And to the users with this permission whose address is known: each of what they may see.
    pub audience: Option<Permission>,
    /// When it was added.
    pub created: Timestamp,
}

impl Subscription {
    /// Whether it wants to be told of a topic, of a connector or of none.
    #[must_use]
    pub fn wants(&self, topic: Topic, connector: Option<ConnectorId>) -> bool {
        let is_of_it = |id: ConnectorId| self.connectors.contains(&id);
        self.topics.contains(&topic)
            && (self.connectors.is_empty() || connector.is_none_or(is_of_it))
    }
}

/// A language that messages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
    /// Chinese in traditional characters.
    TraditionalChinese,
}

words!(Language { English = "en", German = "de", TraditionalChinese = "zh-Hant" });

/// Name of a channel or a subscription: 1 to 63 characters of `a-z`, `0-9` and `-`, beginning with a
/// letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no name: 1 to 63 of a-z, 0-9 and -, beginning with a letter or digit")]
pub struct InvalidName(String);

impl Name {
    /// Longest name: a label of DNS, as everybody knows it.
    pub const MAX_LENGTH: usize = 63;

    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_name = text.len() <= Self::MAX_LENGTH
            && text.starts_with(is_plain)
            && text.chars().all(|c| is_plain(c) || c == '-');
        if is_name { Ok(Self(text.to_owned())) } else { Err(InvalidName(text.to_owned())) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// An address for mail, without a name: `help@contoso.com`. It cannot hold what would end a line or
/// begin another address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MailAddress(String);

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no mail address, as in help@contoso.com")]
pub struct InvalidAddress(String);

impl MailAddress {
    /// RFC 5321 section 4.5.3.1.3.
    const MAX_BYTES: usize = 254;

    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let is_plain = |c: char| c.is_ascii_graphic() && !"()<>[]:;@\\,\"".contains(c);
        let is_address = text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && local.chars().all(is_plain)
                && !domain.is_empty()
                && domain.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
                && domain.split('.').all(|label| !label.is_empty())
        });
        if is_address && text.len() <= Self::MAX_BYTES {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidAddress(text.to_owned()))
        }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for MailAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_could_be_more_than_one_thing_are_refused() {
        for good in ["help@contoso.com", "a+b.c@x", "o'brien@mail.contoso.co.uk"] {
            assert!(MailAddress::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "help",
            "@contoso.com",
            "help@",
            "a@b@c",
            "a@b\r\nBcc: all@contoso.com",
            "Help <help@contoso.com>",
            "a,b@contoso.com",
            "a@contoso..com",
            "ä@contoso.com",
        ] {
            assert!(MailAddress::parse(bad).is_err(), "{bad:?}");
        }
    }
}
