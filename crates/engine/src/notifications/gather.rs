//! From news to deliveries.
//!
//! News of one topic and connector are told together, and not too often: a storm of events is a few
//! messages. What a pass finds is told when the pass has read its list.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use domain::{
    AccessState, Connector, ConnectorId, ConnectorName, DeliveryId, Device, Permission, Scope,
    Timestamp,
    notification::{
        Channel, ChannelKind, Delivery, DeliveryState, MailAddress, Subscription, Topic,
    },
};
use jiff::SignedDuration;
use store::{News, WaitingNews};
use uuid::Uuid;

use super::telling::{self, Telling};
use crate::{Engine, tasks::Stop};

/// News are looked for at least this often.
const LONGEST_SLEEP: SignedDuration = SignedDuration::from_secs(30);
/// Between two messages about one topic of one connector.
const SPACING: SignedDuration = SignedDuration::from_mins(5);
/// The same for approvals: somebody waits.
const APPROVAL_SPACING: SignedDuration = SignedDuration::from_mins(1);
/// News read at once.
const PART: u32 = 500;
/// Recipients of one message of a subscription.
const MOST_RECIPIENTS: usize = 200;
/// Deliveries that have ended are kept for so long.
const HISTORY: SignedDuration = SignedDuration::from_hours(24 * 90);

/// When somebody was last told of a topic of a connector. Forgotten by a restart, which costs one
/// message more.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<HashMap<(Topic, Option<ConnectorId>), Timestamp>>);

pub(super) async fn run(engine: Engine, mut stop: Stop) {
    while !stop.is_set() {
        let next = match engine.gather().await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "news could not be told");
                engine.now() + LONGEST_SLEEP
            }
        };
        tokio::select! {
            () = engine.inner.notifications.news.notified() => {}
            () = engine.inner.options.clock.reached(next) => {}
            () = stop.wait() => {}
        }
    }
}

/// How long news wait for others of their kind.
const fn settling(topic: Topic) -> SignedDuration {
    match topic {
        Topic::NewDevice | Topic::Quarantined => SignedDuration::from_secs(10),
        Topic::ActionFailed => SignedDuration::from_secs(30),
        Topic::ApprovalWanted | Topic::ConnectorTrouble | Topic::CredentialExpiring => {
            SignedDuration::ZERO
        }
    }
}

impl Engine {
    /// Makes messages of the news that are ripe, and deliveries of messages. When to look again.
    async fn gather(&self) -> anyhow::Result<Timestamp> {
        let now = self.now();
        let mut next = now + LONGEST_SLEEP;
        self.look_for_ends(now).await?;
        let waiting = self.store().waiting_news().await?;
        let reading = if waiting.is_empty() { HashMap::new() } else { self.lists_read().await? };
        for news in waiting {
            let list_since = news.connector.and_then(|id| reading.get(&id).copied());
            let (ripe, before) = self.ripe(&news, list_since, now);
            if ripe > now {
                next = next.min(ripe);
                continue;
            }
            let message = Uuid::now_v7();
            self.store().claim_news(message, news.topic, news.connector, before).await?;
        }
        for message in self.store().untold_messages().await? {
            self.spread(message).await?;
        }
        let old = now.checked_sub(HISTORY).unwrap_or(Timestamp::MIN);
        self.store().forget_deliveries(old).await?;
        Ok(next)
    }

    /// When news can be told, and which: those before a time.
    fn ripe(
        &self,
        news: &WaitingNews,
        list_since: Option<Timestamp>,
        now: Timestamp,
    ) -> (Timestamp, Timestamp) {
        let told = lock(&self.inner.notifications.told);
        let spacing = if news.topic == Topic::ApprovalWanted { APPROVAL_SPACING } else { SPACING };
        let spaced = told.get(&(news.topic, news.connector)).map(|told| *told + spacing);
        let settled = news.oldest + settling(news.topic);
        let ripe = spaced.map_or(settled, |spaced| settled.max(spaced));
        // Many new devices of one pass become one message. A phone in quarantine waits for nobody.
        match list_since.filter(|_| news.topic == Topic::NewDevice) {
            Some(since) if news.oldest >= since => (Timestamp::MAX, since),
            Some(since) => (ripe, since),
            None => (ripe, now + SignedDuration::from_millis(1)),
        }
    }

    /// Of which connectors the list of devices is being read, and since when.
    async fn lists_read(&self) -> anyhow::Result<HashMap<ConnectorId, Timestamp>> {
        let passes = self.store().unfinished_passes().await?;
        let reading = passes.into_iter().filter(|pass| pass.outcome.is_none());
        Ok(reading.map(|pass| (pass.connector, pass.started)).collect())
    }

    /// Puts deliveries in the place of the news of a message. Done again after a crash, it gives the
    /// same deliveries.
    async fn spread(&self, message: Uuid) -> anyhow::Result<()> {
        let scope = self.telling_scope()?;
        let first = self.store().news_of(message, i64::MIN, 1).await?.pop();
        let Some((_, first)) = first else { return Ok(()) };
        let connectors = self.store().connectors(&self.own_scope()?).await?;
        let mut told = self.interested(&scope, &connectors, &first).await?;
        if !told.is_empty() {
            self.read_news(message, &connectors, &mut told).await?;
        }
        let now = self.now();
        let mut deliveries = Vec::new();
        for interested in told.iter().filter(|interested| interested.telling.count > 0) {
            for recipient in self.recipients(interested).await? {
                deliveries.push(interested.delivery(message, first.topic, recipient, now));
            }
        }
        self.store().tell(message, &deliveries).await?;
        if !deliveries.is_empty() {
            lock(&self.inner.notifications.told).insert((first.topic, first.connector), now);
            tracing::debug!(topic = %first.topic, deliveries = deliveries.len(), "somebody is told");
            self.inner.notifications.deliveries.notify_waiters();
        }
        Ok(())
    }

    /// Who wants to be told.
    async fn interested(
        &self,
        scope: &Scope,
        connectors: &[Connector],
        news: &News,
    ) -> anyhow::Result<Vec<Interested>> {
        let name = telling::name_of(connectors, news);
        // What became of a connector that was removed interests nobody.
        if news.connector.is_some() && name.is_none() {
            return Ok(Vec::new());
        }
        let channels = self.store().channels(scope).await?;
        let subscriptions = self.store().subscriptions(scope).await?;
        let wanted = subscriptions.into_iter().filter(|it| it.wants(news.topic, news.connector));
        let interested = wanted.filter_map(|subscription| {
            let channel = channels.iter().find(|channel| channel.id == subscription.channel)?;
            channel.is_enabled.then(|| Interested {
                subscription,
                channel: channel.clone(),
                telling: Telling::new(name.as_ref()),
            })
        });
        Ok(interested.collect())
    }

    /// Reads the news of a message for those who want to be told.
    async fn read_news(
        &self,
        message: Uuid,
        connectors: &[Connector],
        told: &mut [Interested],
    ) -> anyhow::Result<()> {
        let now = self.now();
        let mut seen = HashSet::new();
        let mut after = i64::MIN;
        loop {
            let part = self.store().news_of(message, after, PART).await?;
            let Some((last, _)) = part.last() else { return Ok(()) };
            after = *last;
            for (_, news) in part {
                let is_of_device = matches!(news.topic, Topic::NewDevice | Topic::Quarantined);
                if is_of_device && !seen.insert(news.device) {
                    continue;
                }
                let device = self.device_of(&news).await?;
                if is_of_device && !device.as_ref().is_some_and(|it| is_still(news.topic, it)) {
                    continue;
                }
                let name = telling::name_of(connectors, &news);
                for interested in told.iter_mut() {
                    if interested.wants(device.as_ref(), name.as_ref(), now) {
                        interested.telling.add(|| match &device {
                            Some(device) if is_of_device => telling::of_device(device),
                            _ => telling::of_news(&news),
                        });
                    }
                }
            }
        }
    }

    async fn device_of(&self, news: &News) -> anyhow::Result<Option<Device>> {
        let Some(id) = news.device else { return Ok(None) };
        match self.store().device(&self.own_scope()?, id).await {
            Ok(device) => Ok(Some(device)),
            Err(store::Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// To whom; nobody in particular by a webhook.
    async fn recipients(
        &self,
        interested: &Interested,
    ) -> anyhow::Result<Vec<Option<MailAddress>>> {
        if let ChannelKind::Webhook(_) = interested.channel.kind {
            return Ok(vec![None]);
        }
        let mut recipients = interested.subscription.addresses.clone();
        if let Some(permission) = interested.subscription.audience {
            recipients.extend(self.addresses_of(permission).await?);
        }
        let mut seen = HashSet::new();
        recipients.retain(|to| seen.insert(to.as_str().to_lowercase()));
        recipients.truncate(MOST_RECIPIENTS);
        Ok(recipients.into_iter().map(Some).collect())
    }
}

impl Engine {
    /// The addresses of those who have a permission anywhere.
    async fn addresses_of(&self, permission: Permission) -> anyhow::Result<Vec<MailAddress>> {
        let authority = self.store().authority().await?;
        let mut addresses = Vec::new();
        for person in self.store().people().await? {
            let grants = authority.grants(&person);
            let may = grants.iter().any(|grant| grant.permissions.contains(permission));
            let address = person.address.as_deref().filter(|_| may && !person.is_disabled);
            // What is no address here was taken over from another, who may be less strict.
            addresses.extend(address.and_then(|text| MailAddress::parse(text).ok()));
        }
        Ok(addresses)
    }
}

/// A subscription that wants to be told, and what.
struct Interested {
    subscription: Subscription,
    channel: Channel,
    telling: Telling,
}

impl Interested {
    /// Whether the query finds the device. What is of no device is told whatever the query says; a
    /// device that is no longer known is not.
    fn wants(
        &self,
        device: Option<&Device>,
        connector: Option<&ConnectorName>,
        now: Timestamp,
    ) -> bool {
        match (&self.subscription.query, device, connector) {
            (Some(query), Some(device), Some(connector)) => query.matches(device, connector, now),
            _ => true,
        }
    }

    fn delivery(
        &self,
        message: Uuid,
        topic: Topic,
        recipient: Option<MailAddress>,
        now: Timestamp,
    ) -> Delivery {
        let to = recipient.as_ref().map_or("", |to| to.as_str());
        let name = format!("{} {to}", self.subscription.id);
        Delivery {
            id: DeliveryId(Uuid::new_v5(&message, name.as_bytes())),
            channel: self.channel.id,
            channel_name: self.channel.name.to_string(),
            subscription: Some(self.subscription.name.to_string()),
            topic,
            recipient,
            language: self.subscription.language,
            document: self.telling.document().to_string(),
            state: DeliveryState::Waiting,
            created: now,
            next_attempt: now,
            attempts: 0,
            outcome: None,
        }
    }
}

/// Whether there is still something to tell of a device.
fn is_still(topic: Topic, device: &Device) -> bool {
    let is_there = device.gone_since.is_none();
    is_there
        && (topic != Topic::Quarantined || device.facts.access_state == AccessState::Quarantined)
}

fn lock(
    told: &Told,
) -> std::sync::MutexGuard<'_, HashMap<(Topic, Option<ConnectorId>), Timestamp>> {
    told.0.lock().unwrap_or_else(PoisonError::into_inner)
}
