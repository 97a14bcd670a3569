//! Notifications: who is told what happened, and by which way.
//!
//! What happened is noted as *news*, beside or within what caused it. [`gather`] makes messages of
//! news, and deliveries of messages for everybody who wants to be told; [`sending`] tries each
//! delivery until it arrived. All of it follows from rows, so a crash loses none.

mod address;
mod channels;
mod expiring;
mod gather;
mod listeners;
mod log;
mod mail;
mod news;
mod secrets;
mod sending;
mod subjects;
mod subscriptions;
mod telling;
mod templates;
mod webhook;
mod words;

pub use channels::{ChannelChange, NewChannel, Trial};
pub use log::DeliveryDetail;
pub use subscriptions::{SubscriptionView, SubscriptionWish};
pub use words::Rendered;

use domain::{Scope, notification::Happened};
use tokio::sync::Notify;

use crate::Engine;

/// What wakes those who tell.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    /// There may be news to gather.
    news: Notify,
    /// There may be deliveries to send.
    deliveries: Notify,
    /// When somebody was last told of a topic of a connector.
    told: gather::Told,
}

impl Engine {
    /// Notes that something happened that somebody may want to be told. To be called before what
    /// makes it final: told twice is better than never. That it cannot be noted stops nothing.
    pub(crate) async fn notify(&self, happened: Happened) {
        let topic = happened.topic();
        if let Err(error) = self.store().add_news(&[news::of(happened, self.now())]).await {
            tracing::error!(%error, %topic, "what happened could not be noted and is not told");
        }
        self.look_for_news();
    }

    /// Has somebody look whether there is something to tell.
    pub(crate) fn look_for_news(&self) {
        self.inner.notifications.news.notify_one();
    }

    /// What notifications are read with by those who send them.
    fn telling_scope(&self) -> anyhow::Result<Scope> {
        Ok(domain::Caller::engine().scope(domain::Permission::ModifySecurity)?)
    }
}

pub(crate) async fn start(engine: &Engine) {
    let stop = || engine.inner.tasks.stop();
    engine.inner.tasks.spawn(gather::run(engine.clone(), stop())).await;
    for _ in 0..sending::AT_ONCE {
        engine.inner.tasks.spawn(sending::run(engine.clone(), stop())).await;
    }
}
