//! Who listens: the subscriptions that want to be told of something, and to whom each of them leads.
//!
//! A webhook and an address that somebody wrote down are told whatever the subscription says. A user
//! is told only of what they may see.

use std::collections::{HashMap, HashSet};

use domain::{
    Caller, Connector, ConnectorName, DeliveryId, Permission, Person, Timestamp,
    authority::PermissionKind,
    notification::{
        Channel, ChannelKind, Delivery, DeliveryState, Language, MailAddress, Subscription,
    },
};
use store::News;
use uuid::Uuid;

use super::{
    subjects::Subject,
    telling::{self, Telling},
};
use crate::Engine;

/// Recipients of one message of a subscription.
const MOST_RECIPIENTS: usize = 200;

/// A subscription that wants to be told, and those whom it leads to.
pub(super) struct Interested {
    pub(super) subscription: Subscription,
    channel: Channel,
    pub(super) listeners: Vec<Listener>,
}

/// One who is told, and what.
pub(super) struct Listener {
    /// By mail: to whom.
    recipient: Option<MailAddress>,
    language: Language,
    /// A user, who is told only of what they may see.
    pub(super) reader: Option<Caller>,
    pub(super) telling: Telling,
}

impl Engine {
    /// Who wants to be told.
    pub(super) async fn interested(
        &self,
        connectors: &[Connector],
        news: &News,
    ) -> anyhow::Result<Vec<Interested>> {
        let name = telling::name_of(connectors, news);
        // What became of a connector that was removed interests nobody.
        if news.connector.is_some() && name.is_none() {
            return Ok(Vec::new());
        }
        let scope = self.telling_scope()?;
        let channels = self.store().channels(&scope).await?;
        let subscriptions = self.store().subscriptions(&scope).await?;
        let mut interested = Vec::new();
        for subscription in subscriptions {
            let channel = channels.iter().find(|channel| channel.id == subscription.channel);
            let Some(channel) = channel.filter(|channel| channel.is_enabled) else { continue };
            if !subscription.wants(news.topic, news.connector) {
                continue;
            }
            let telling = Telling::new(name.as_ref());
            let listeners = match channel.kind {
                ChannelKind::Webhook(_) => {
                    let language = subscription.language;
                    vec![Listener { recipient: None, language, reader: None, telling }]
                }
                ChannelKind::Mail(_) => self.listeners(&subscription, &telling).await?,
            };
            interested.push(Interested { subscription, channel: channel.clone(), listeners });
        }
        Ok(interested)
    }

    /// Who gets mail by a subscription: the addresses that it names, and the users with the
    /// permission that it names, each address once.
    async fn listeners(
        &self,
        subscription: &Subscription,
        telling: &Telling,
    ) -> anyhow::Result<Vec<Listener>> {
        let people = self.store().people().await?;
        let languages = self.store().languages().await?;
        // What is no address here was taken over from another, who may be less strict.
        let address =
            |it: &Person| it.address.as_deref().and_then(|it| MailAddress::parse(it).ok());
        let known: HashMap<_, _> = people
            .iter()
            .filter_map(|it| Some((key(&address(it)?), *languages.get(&it.id)?)))
            .collect();
        let listener = |to: MailAddress, reader: Option<Caller>| Listener {
            language: known.get(&key(&to)).copied().unwrap_or(subscription.language),
            recipient: Some(to),
            reader,
            telling: telling.clone(),
        };
        let named = subscription.addresses.iter().cloned();
        let mut listeners: Vec<_> = named.map(|to| listener(to, None)).collect();
        if let Some(permission) = subscription.audience {
            for person in people.iter().filter(|person| !person.is_disabled) {
                let Some(to) = address(person) else { continue };
                let reader = self.caller_of(person, domain::Source::Engine).await?;
                if reader.grants.iter().any(|grant| grant.permissions.contains(permission)) {
                    listeners.push(listener(to, Some(reader)));
                }
            }
        }
        let mut seen = HashSet::new();
        listeners.retain(|it| it.recipient.as_ref().is_none_or(|to| seen.insert(key(to))));
        if listeners.len() > MOST_RECIPIENTS {
            let (subscription, left_out) = (&subscription.name, listeners.len() - MOST_RECIPIENTS);
            tracing::warn!(%subscription, left_out, "a subscription leads to too many");
            listeners.truncate(MOST_RECIPIENTS);
        }
        Ok(listeners)
    }

    /// Tells those of a subscription of something, if the subscription wants it and they may see it.
    pub(super) async fn tell_of(
        &self,
        subject: &Subject,
        connector: Option<&ConnectorName>,
        interested: &mut Interested,
    ) -> anyhow::Result<()> {
        let query = interested.subscription.query.as_ref();
        // What is of no device is told whatever the query says; so is a device that is not known any
        // more.
        let is_wanted = match (query, subject.device(), connector) {
            (Some(query), Some(device), Some(name)) => query.matches(device, name, self.now()),
            _ => true,
        };
        if !is_wanted {
            return Ok(());
        }
        let audience = interested.subscription.audience;
        for listener in &mut interested.listeners {
            let may_see = match &listener.reader {
                Some(reader) => self.may_see(reader, audience, subject, connector).await?,
                None => true,
            };
            if may_see {
                listener.telling.add(|| subject.item());
            }
        }
        Ok(())
    }

    /// Whether a user may see something. Of devices they must have the permission that makes them
    /// listen, too: who may release only those of a collection is told of those.
    async fn may_see(
        &self,
        reader: &Caller,
        audience: Option<Permission>,
        subject: &Subject,
        connector: Option<&ConnectorName>,
    ) -> anyhow::Result<bool> {
        let needed = [Some(Permission::ReadResource), audience.filter(|it| is_of_devices(*it))];
        Ok(match subject {
            Subject::Device(..) | Subject::Action(..) => needed.iter().flatten().all(|needed| {
                let scope = reader.scope(*needed);
                scope.is_ok_and(|scope| subject.is_within(&scope, connector))
            }),
            Subject::Request(request) => {
                let Ok(scope) = reader.scope(Permission::Approve) else { return Ok(false) };
                match self.store().request(&scope, request.id).await {
                    // Who asked cannot approve.
                    Ok(_) => request.person != reader.person,
                    Err(store::Error::NotFound(_)) => false,
                    Err(error) => return Err(error.into()),
                }
            }
            Subject::Other(news) => match news.connector {
                Some(id) => reader.scope(Permission::Read).is_ok_and(|scope| scope.touches(id)),
                None => reader.may(Permission::ModifySecurity),
            },
        })
    }
}

impl Interested {
    /// The deliveries of a message, one for each who is told something.
    pub(super) fn deliveries(
        &self,
        message: Uuid,
        news: &News,
        now: Timestamp,
    ) -> impl Iterator<Item = Delivery> {
        let told = self.listeners.iter().filter(|listener| listener.telling.count > 0);
        told.map(move |listener| self.delivery(message, news, listener, now))
    }

    fn delivery(
        &self,
        message: Uuid,
        news: &News,
        listener: &Listener,
        now: Timestamp,
    ) -> Delivery {
        let to = listener.recipient.as_ref().map_or("", |to| to.as_str());
        let name = format!("{} {to}", self.subscription.id);
        Delivery {
            id: DeliveryId(Uuid::new_v5(&message, name.as_bytes())),
            channel: self.channel.id,
            channel_name: self.channel.name.to_string(),
            subscription: Some(self.subscription.name.to_string()),
            topic: news.topic,
            recipient: listener.recipient.clone(),
            language: listener.language,
            document: listener.telling.document().to_string(),
            state: DeliveryState::Waiting,
            created: now,
            next_attempt: now,
            attempts: 0,
            outcome: None,
        }
    }
}

/// The same for every way of writing an address.
fn key(address: &MailAddress) -> String {
    address.as_str().to_lowercase()
}

fn is_of_devices(permission: Permission) -> bool {
    permission.kind() == PermissionKind::Collection
}
