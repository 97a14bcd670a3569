//! The settings of channels and subscriptions as documents.

use domain::notification::{
    ChannelKind, Language, MailAddress, MailServer, Name, SmtpSecurity, Subscription, Topic,
    Webhook,
};
use domain::{ChannelId, Permission, Query, SubscriptionId, Timestamp};
use serde_json::{Value as Json, json};

use crate::connectors::texts;

pub(super) fn of_channel(kind: &ChannelKind) -> Json {
    match kind {
        ChannelKind::Mail(server) => json!({
            "kind": kind.word(),
            "host": server.host,
            "port": server.port,
            "security": server.security.word(),
            "username": server.username,
            "from": server.from,
            "trusted": server.trusted,
        }),
        ChannelKind::Webhook(webhook) => json!({
            "kind": kind.word(),
            "url": webhook.url,
            "allows_private": webhook.allows_private,
            "trusted": webhook.trusted,
        }),
    }
}

pub(super) fn channel(json: &Json) -> Option<ChannelKind> {
    let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
    match json.get("kind")?.as_str()? {
        "mail" => Some(ChannelKind::Mail(MailServer {
            host: text("host")?,
            port: json.get("port")?.as_u64()?.try_into().ok()?,
            security: SmtpSecurity::from_word(json.get("security")?.as_str()?)?,
            username: text("username"),
            from: text("from")?,
            trusted: text("trusted"),
        })),
        "webhook" => Some(ChannelKind::Webhook(Webhook {
            url: text("url")?,
            allows_private: json.get("allows_private")?.as_bool()?,
            trusted: text("trusted"),
        })),
        _ => None,
    }
}

pub(super) fn of_subscription(subscription: &Subscription) -> Json {
    let connectors = subscription.connectors.iter().map(ToString::to_string);
    json!({
        "topics": subscription.topics.iter().map(|topic| topic.word()).collect::<Vec<_>>(),
        "connectors": connectors.collect::<Vec<_>>(),
        "query": subscription.query.as_ref().map(ToString::to_string),
        "language": subscription.language.word(),
        "addresses": subscription.addresses.iter().map(MailAddress::as_str).collect::<Vec<_>>(),
        "audience": subscription.audience.map(Permission::word),
    })
}

pub(super) fn subscription(
    id: SubscriptionId,
    name: Name,
    channel: ChannelId,
    created: Timestamp,
    json: &Json,
) -> Option<Subscription> {
    let topics = texts(json.get("topics")?)?;
    let connectors = texts(json.get("connectors")?)?;
    let addresses = texts(json.get("addresses")?)?;
    let optional = |name: &str| json.get(name).and_then(Json::as_str);
    Some(Subscription {
        id,
        name,
        channel,
        topics: topics.iter().map(|word| Topic::from_word(word)).collect::<Option<_>>()?,
        connectors: connectors.iter().map(|id| id.parse().ok()).collect::<Option<_>>()?,
        query: match optional("query") {
            Some(text) => Some(Query::parse(text).ok()?),
            None => None,
        },
        language: Language::from_word(optional("language")?)?,
        addresses: addresses.iter().map(|to| MailAddress::parse(to).ok()).collect::<Option<_>>()?,
        audience: match optional("audience") {
            Some(word) => Some(Permission::from_word(word)?),
            None => None,
        },
        created,
    })
}
