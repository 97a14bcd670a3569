//! From news to deliveries.
//!
//! News of one topic and connector are told together, and not too often: a storm of events is a few
//! messages. What a pass finds is told when the pass has read its list.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use domain::{Connector, ConnectorId, Timestamp, notification::Topic};
use jiff::SignedDuration;
use store::WaitingNews;
use uuid::Uuid;

use super::{listeners::Interested, telling};
use crate::{
    Engine,
    tasks::{self, Stop},
};

/// News are looked for at least this often.
const LONGEST_SLEEP: SignedDuration = SignedDuration::from_secs(30);
/// Between two messages about one topic of one connector.
const SPACING: SignedDuration = SignedDuration::from_mins(5);
/// The same for approvals: somebody waits.
const APPROVAL_SPACING: SignedDuration = SignedDuration::from_mins(1);
/// News read at once.
const PART: u32 = 500;
/// Deliveries that have ended are kept for so long.
const HISTORY: SignedDuration = SignedDuration::from_hours(24 * 90);

/// When somebody was last told of a topic of a connector. Forgotten by a restart, which costs one
/// message more.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<HashMap<(Topic, Option<ConnectorId>), Timestamp>>);

pub(super) async fn run(engine: Engine, mut stop: Stop) {
    while !stop.is_set() {
        let next = match tasks::step(engine.gather()).await {
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
        Topic::ActionFailed | Topic::Drifted => SignedDuration::from_secs(30),
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
        let first = self.store().news_of(message, i64::MIN, 1).await?.pop();
        let Some((_, first)) = first else { return Ok(()) };
        let connectors = self.store().connectors(&self.own_scope()?).await?;
        let mut told = self.interested(&connectors, &first).await?;
        if !told.is_empty() {
            self.read_news(message, &connectors, &mut told).await?;
        }
        let now = self.now();
        let told = told.iter().flat_map(|interested| interested.deliveries(message, &first, now));
        let deliveries: Vec<_> = told.collect();
        self.store().tell(message, &deliveries).await?;
        if !deliveries.is_empty() {
            lock(&self.inner.notifications.told).insert((first.topic, first.connector), now);
            tracing::debug!(topic = %first.topic, deliveries = deliveries.len(), "somebody is told");
            self.inner.notifications.deliveries.notify_waiters();
        }
        Ok(())
    }

    /// Reads the news of a message for those who want to be told.
    async fn read_news(
        &self,
        message: Uuid,
        connectors: &[Connector],
        told: &mut [Interested],
    ) -> anyhow::Result<()> {
        let mut seen = HashSet::new();
        let mut after = i64::MIN;
        loop {
            let part = self.store().news_of(message, after, PART).await?;
            let Some((last, _)) = part.last() else { return Ok(()) };
            after = *last;
            for (_, news) in part {
                let Some(subject) = self.subject_of(&news).await? else { continue };
                // The same device, request or action is told of once.
                if subject.key().is_some_and(|key| !seen.insert(key)) {
                    continue;
                }
                let connector = telling::name_of(connectors, &news);
                for interested in told.iter_mut() {
                    self.tell_of(&subject, connector.as_ref(), interested).await?;
                }
            }
        }
    }
}

fn lock(
    told: &Told,
) -> std::sync::MutexGuard<'_, HashMap<(Topic, Option<ConnectorId>), Timestamp>> {
    told.0.lock().unwrap_or_else(PoisonError::into_inner)
}
