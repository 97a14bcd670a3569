//! Tries deliveries until they arrived, or nobody believes in them any more.

use std::time::Duration;

use domain::{
    Caller, DeliveryId, Timestamp,
    audit::{Entry, Event, TargetKind},
    notification::{
        Attempt, Channel, ChannelKind, Delivery, DeliveryState, MailAddress, wait_after,
    },
};
use jiff::SignedDuration;
use serde_json::Value as Json;

use super::{Rendered, mail, telling::Telling, webhook, words};
use crate::{
    Engine,
    tasks::{self, Stop},
};

/// Deliveries that are sent at once, each by another channel: one that does not answer holds up
/// nothing but itself.
pub(super) const AT_ONCE: usize = 4;
/// Sending one message takes no longer.
const TIMEOUT: Duration = Duration::from_secs(60);
/// A delivery is nobody else's for so long: a good deal longer than sending takes.
const LEASE: SignedDuration = SignedDuration::from_mins(5);
/// Deliveries are looked for at least this often.
const LONGEST_SLEEP: SignedDuration = SignedDuration::from_secs(30);
/// So much of an answer is kept.
const MOST_ANSWER_CHARS: usize = 1_000;

/// A message on its way.
pub(super) struct Outgoing {
    /// What the receiver knows by that it came twice.
    pub(super) id: DeliveryId,
    /// When what it tells was put together.
    pub(super) at: Timestamp,
    /// The topic, or `test`.
    pub(super) kind: &'static str,
    /// What it tells, for programs.
    pub(super) data: Json,
    /// What it tells, for people.
    pub(super) words: Rendered,
}

/// Why a message did not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) why: String,
    /// Trying again would not help.
    pub(super) is_last: bool,
    /// The other side wants no more messages at all.
    pub(super) is_gone: bool,
}

impl Failure {
    pub(super) fn of(why: impl Into<String>) -> Self {
        Self { why: why.into(), is_last: false, is_gone: false }
    }

    pub(super) fn last(why: impl Into<String>) -> Self {
        Self { why: why.into(), is_last: true, is_gone: false }
    }

    pub(super) fn gone(why: impl Into<String>) -> Self {
        Self { why: why.into(), is_last: true, is_gone: true }
    }
}

pub(super) async fn run(engine: Engine, mut stop: Stop) {
    while !stop.is_set() {
        let woken = engine.inner.notifications.deliveries.notified();
        let next = match tasks::step(engine.send_next()).await {
            Ok(None) => continue,
            Ok(Some(next)) => next,
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "deliveries could not be looked for");
                engine.now() + LONGEST_SLEEP
            }
        };
        tokio::select! {
            () = woken => {}
            () = engine.inner.options.clock.reached(next) => {}
            () = stop.wait() => {}
        }
    }
}

impl Engine {
    /// Sends the delivery that is due longest. If none is due: when to look again.
    async fn send_next(&self) -> anyhow::Result<Option<Timestamp>> {
        let now = self.now();
        let Some((delivery, give_up)) = self.store().claim_delivery(now, now + LEASE).await? else {
            let longest = now + LONGEST_SLEEP;
            let next = self.store().next_delivery().await?;
            return Ok(Some(next.map_or(longest, |next| next.clamp(now, longest))));
        };
        let sent = self.deliver(&delivery, now).await;
        let ended = self.now();
        let (state, next) = match &sent {
            Ok(_) => (DeliveryState::Delivered, ended),
            Err(failure) if failure.is_last || ended >= give_up => (DeliveryState::Failed, ended),
            Err(_) => {
                let next = ended + wait_after(delivery.attempts);
                (DeliveryState::Waiting, next.min(give_up))
            }
        };
        if let Err(failure) = &sent {
            let (channel, why) = (&delivery.channel_name, &failure.why);
            tracing::info!(channel, topic = %delivery.topic, why, %state, "a message did not arrive");
        }
        let answer = match &sent {
            Ok(answer) => answer,
            Err(failure) => &failure.why,
        };
        let attempt = Attempt {
            number: delivery.attempts,
            at: now,
            duration_ms: ended.duration_since(now).as_millis().try_into().unwrap_or_default(),
            is_success: sent.is_ok(),
            answer: answer.chars().take(MOST_ANSWER_CHARS).collect(),
        };
        self.store().note_attempt(delivery.id, &attempt, state, next).await?;
        // Others may have waited for the channel.
        self.inner.notifications.deliveries.notify_one();
        if let Err(Failure { is_gone: true, .. }) = sent {
            self.switch_off(&delivery).await?;
        }
        Ok(None)
    }

    async fn deliver(&self, delivery: &Delivery, now: Timestamp) -> Result<String, Failure> {
        let inside = |error: anyhow::Error| {
            tracing::error!(error = format!("{error:#}"), "a message could not be made");
            Failure::of("a fault inside Gatepost; the server's log says more")
        };
        let channel = self.channel_of(delivery).await.map_err(inside)?;
        let channel = channel.ok_or_else(|| Failure::last("the channel was removed"))?;
        if !channel.is_enabled {
            return Err(Failure::last("the channel is switched off"));
        }
        let words = self.words_of(delivery).await.map_err(inside)?;
        let outgoing = Outgoing {
            id: delivery.id,
            at: delivery.created,
            kind: delivery.topic.word(),
            data: serde_json::from_str(&delivery.document).unwrap_or_default(),
            words,
        };
        self.send_by(&channel, delivery.recipient.as_ref(), &outgoing, now).await
    }

    /// Sends a message by a channel, whatever it is about.
    pub(super) async fn send_by(
        &self,
        channel: &Channel,
        recipient: Option<&MailAddress>,
        outgoing: &Outgoing,
        now: Timestamp,
    ) -> Result<String, Failure> {
        let secrets = self.channel_secrets(channel.id).await;
        let secrets = secrets.map_err(|error| Failure::of(error.to_string()))?;
        let sending = async {
            match (&channel.kind, recipient) {
                (ChannelKind::Mail(server), Some(to)) => {
                    mail::send(server, secrets.password.as_ref(), to, outgoing, now).await
                }
                (ChannelKind::Mail(_), None) => Err(Failure::last("there is no recipient")),
                (ChannelKind::Webhook(webhook), _) => {
                    webhook::send(webhook, &secrets.signing, outgoing, now).await
                }
            }
        };
        let sent = tokio::time::timeout(TIMEOUT, Box::pin(sending)).await;
        sent.unwrap_or_else(|_| {
            Err(Failure::of(format!("no answer within {} seconds", TIMEOUT.as_secs())))
        })
    }

    /// A delivery in words, as they are now.
    pub(super) async fn words_of(&self, delivery: &Delivery) -> anyhow::Result<Rendered> {
        let telling = Telling::of_document(&delivery.document);
        let telling = telling.ok_or_else(|| anyhow::anyhow!("the document cannot be read"))?;
        let templates = self.store().templates(&self.telling_scope()?).await?;
        let template = templates
            .iter()
            .find(|it| it.topic == delivery.topic && it.language == delivery.language);
        let subscription = delivery.subscription.as_deref().unwrap_or_default();
        Ok(words::rendered(delivery.topic, &telling, delivery.language, template, subscription))
    }

    async fn channel_of(&self, delivery: &Delivery) -> anyhow::Result<Option<Channel>> {
        let channels = self.store().channels(&self.telling_scope()?).await?;
        Ok(channels.into_iter().find(|channel| channel.id == delivery.channel))
    }

    /// Switches a channel off whose other side wants no more messages.
    async fn switch_off(&self, delivery: &Delivery) -> anyhow::Result<()> {
        let why = "the other side answered 410: it wants no more messages";
        let mut log = self.audit_log().await?;
        let entry = Entry::of(&Caller::engine(), self.now(), Event::NotificationsChanged)
            .on(TargetKind::Channel, delivery.channel.to_string(), delivery.channel_name.clone())
            .with("change", "switched off")
            .answered(why);
        let rows = log.rows(&[entry]);
        self.store().disable_channel(delivery.channel, why, &rows).await?;
        log.written();
        tracing::warn!(channel = delivery.channel_name, "a channel was switched off: {why}");
        Ok(())
    }
}
