//! Commands on subscriptions: add, change, remove.

use std::collections::BTreeSet;

use domain::{
    Caller, ConnectorId, ConnectorName, Permission, Query, SubscriptionId,
    audit::{Entry, Event, TargetKind},
    notification::{Channel, ChannelKind, Language, MailAddress, Name, Subscription, Topic},
};
use uuid::Uuid;

use crate::{Engine, Error};

/// More subscriptions than anybody has use for.
const MOST_SUBSCRIPTIONS: usize = 200;
/// Addresses of one subscription. For more there are distribution lists.
const MOST_ADDRESSES: usize = 50;

/// What is wanted of a subscription, by the names of things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionWish {
    /// By which way.
    pub channel: Name,
    /// About what.
    pub topics: BTreeSet<Topic>,
    /// Only of these connectors; of all if empty.
    pub connectors: Vec<ConnectorName>,
    /// Only of devices that this finds.
    pub query: Option<Query>,
    /// In which language.
    pub language: Language,
    /// To whom, by mail.
    pub addresses: Vec<MailAddress>,
    /// And to the users with this permission.
    pub audience: Option<Permission>,
}

/// A subscription with the names of things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionView {
    /// What people call it.
    pub name: Name,
    /// What is wanted.
    pub wish: SubscriptionWish,
    /// Whether its channel is switched off.
    pub is_resting: bool,
}

impl Engine {
    /// All subscriptions, by name.
    pub async fn subscriptions(&self, caller: &Caller) -> Result<Vec<SubscriptionView>, Error> {
        let scope = caller.scope(Permission::ModifySecurity)?;
        let channels = self.store().channels(&scope).await?;
        let connectors = self.connector_names().await?;
        let subscriptions = self.store().subscriptions(&scope).await?;
        let views = subscriptions.into_iter().filter_map(|it| view(it, &channels, &connectors));
        Ok(views.collect())
    }

    /// One subscription.
    pub async fn subscription(
        &self,
        caller: &Caller,
        name: &Name,
    ) -> Result<SubscriptionView, Error> {
        let found = self.subscriptions(caller).await?.into_iter().find(|it| it.name == *name);
        found.ok_or_else(|| absent(name))
    }

    /// Says what is wrong with a subscription to be added, if anything is. Keeps nothing.
    pub async fn validate_subscription(
        &self,
        caller: &Caller,
        name: &Name,
        wish: &SubscriptionWish,
    ) -> Result<(), Error> {
        self.new_subscription(caller, name, wish).await.map(drop)
    }

    /// Adds a subscription.
    pub async fn add_subscription(
        &self,
        caller: &Caller,
        name: &Name,
        wish: &SubscriptionWish,
    ) -> Result<(), Error> {
        let subscription = self.new_subscription(caller, name, wish).await?;
        let mut log = self.audit_log().await?;
        let rows = log.rows(&[self.change_of(caller, &subscription, wish, "subscription added")]);
        self.store().add_subscription(&subscription, &rows).await?;
        log.written();
        Ok(())
    }

    async fn new_subscription(
        &self,
        caller: &Caller,
        name: &Name,
        wish: &SubscriptionWish,
    ) -> Result<Subscription, Error> {
        let scope = caller.scope(Permission::ModifySecurity)?;
        let subscriptions = self.store().subscriptions(&scope).await?;
        if subscriptions.iter().any(|it| it.name == *name) {
            return Err(Error::Conflict(format!("there is a subscription {name} already")));
        }
        if subscriptions.len() >= MOST_SUBSCRIPTIONS {
            return Err(Error::Conflict(format!(
                "there are {MOST_SUBSCRIPTIONS} subscriptions already; remove one first"
            )));
        }
        let id = SubscriptionId(Uuid::now_v7());
        self.wished(caller, id, name, wish).await
    }

    /// Says what is wrong with a change, if anything is. Keeps nothing.
    pub async fn validate_subscription_change(
        &self,
        caller: &Caller,
        name: &Name,
        wish: &SubscriptionWish,
    ) -> Result<(), Error> {
        let kept = self.kept_subscription(caller, name).await?;
        self.wished(caller, kept.id, name, wish).await.map(drop)
    }

    /// Changes a subscription: what is wished takes the place of what was.
    pub async fn change_subscription(
        &self,
        caller: &Caller,
        name: &Name,
        wish: &SubscriptionWish,
    ) -> Result<(), Error> {
        let kept = self.kept_subscription(caller, name).await?;
        let subscription = self.wished(caller, kept.id, name, wish).await?;
        let mut log = self.audit_log().await?;
        let rows = log.rows(&[self.change_of(caller, &subscription, wish, "subscription changed")]);
        self.store().change_subscription(&subscription, &rows).await?;
        log.written();
        Ok(())
    }

    /// Removes a subscription.
    pub async fn remove_subscription(&self, caller: &Caller, name: &Name) -> Result<(), Error> {
        let kept = self.kept_subscription(caller, name).await?;
        let wish = self.subscription(caller, name).await?.wish;
        let mut log = self.audit_log().await?;
        let rows = log.rows(&[self.change_of(caller, &kept, &wish, "subscription removed")]);
        self.store().remove_subscription(kept.id, &rows).await?;
        log.written();
        Ok(())
    }

    async fn kept_subscription(&self, caller: &Caller, name: &Name) -> Result<Subscription, Error> {
        let scope = caller.scope(Permission::ModifySecurity)?;
        let kept = self.store().subscriptions(&scope).await?;
        kept.into_iter().find(|it| it.name == *name).ok_or_else(|| absent(name))
    }

    /// The subscription that a wish makes, if it makes sense.
    async fn wished(
        &self,
        caller: &Caller,
        id: SubscriptionId,
        name: &Name,
        wish: &SubscriptionWish,
    ) -> Result<Subscription, Error> {
        let channel = self.channel(caller, &wish.channel).await?;
        let is_mail = matches!(channel.kind, ChannelKind::Mail(_));
        let has_recipients = !wish.addresses.is_empty() || wish.audience.is_some();
        let wrong = match (is_mail, has_recipients) {
            _ if wish.topics.is_empty() => "there is no topic; give one at least",
            (true, false) => "to whom? Give an address, or a permission whose holders are told",
            (false, true) => "a webhook has no recipients; leave them out",
            _ if wish.addresses.len() > MOST_ADDRESSES => {
                "there are more than 50 addresses; make a distribution list of them"
            }
            _ => "",
        };
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong.to_owned()));
        }
        let names = self.connector_names().await?;
        let mut connectors = Vec::new();
        for wanted in &wish.connectors {
            let found = names.iter().find(|(_, name)| name == wanted);
            let (id, _) = found
                .ok_or_else(|| Error::NotFound(format!("the connector {wanted} does not exist")))?;
            connectors.push(*id);
        }
        Ok(Subscription {
            id,
            name: name.clone(),
            channel: channel.id,
            topics: wish.topics.clone(),
            connectors,
            query: wish.query.clone(),
            language: wish.language,
            addresses: wish.addresses.clone(),
            audience: wish.audience,
            created: self.now(),
        })
    }

    async fn connector_names(&self) -> Result<Vec<(ConnectorId, ConnectorName)>, Error> {
        let connectors = self.store().connectors(&self.own_scope()?).await?;
        Ok(connectors.into_iter().map(|connector| (connector.id, connector.name)).collect())
    }

    fn change_of(
        &self,
        caller: &Caller,
        subscription: &Subscription,
        wish: &SubscriptionWish,
        change: &str,
    ) -> Entry {
        let topics: Vec<_> = wish.topics.iter().map(|topic| topic.word()).collect();
        let (id, name) = (subscription.id.to_string(), subscription.name.to_string());
        Entry::of(caller, self.now(), Event::NotificationsChanged)
            .on(TargetKind::Channel, id, name)
            .with("change", change)
            .with("channel", wish.channel.as_str())
            .with("topics", topics.join(" "))
    }
}

fn view(
    subscription: Subscription,
    channels: &[Channel],
    connectors: &[(ConnectorId, ConnectorName)],
) -> Option<SubscriptionView> {
    let channel = channels.iter().find(|channel| channel.id == subscription.channel)?;
    let name = |id: &ConnectorId| {
        let found = connectors.iter().find(|(connector, _)| connector == id);
        found.map(|(_, name)| name.clone())
    };
    Some(SubscriptionView {
        name: subscription.name,
        is_resting: !channel.is_enabled,
        wish: SubscriptionWish {
            channel: channel.name.clone(),
            topics: subscription.topics,
            connectors: subscription.connectors.iter().filter_map(name).collect(),
            query: subscription.query,
            language: subscription.language,
            addresses: subscription.addresses,
            audience: subscription.audience,
        },
    })
}

fn absent(name: &Name) -> Error {
    Error::NotFound(format!("the subscription {name} does not exist"))
}
