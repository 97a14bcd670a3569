//! The delivery log: what went out, what was answered, and trying again by hand.

use domain::{
    Caller, DeliveryId, Permission, Timestamp,
    audit::{Entry, Event, TargetKind},
    notification::{Attempt, Delivery, DeliveryState},
};

use super::Rendered;
use crate::{Engine, Error};

/// Deliveries on one page at most.
const MOST_LISTED: u32 = 500;

/// A delivery with its attempts and its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryDetail {
    /// The delivery.
    pub delivery: Delivery,
    /// What was tried.
    pub attempts: Vec<Attempt>,
    /// What it says, in the words as they are now.
    pub words: Rendered,
}

impl Engine {
    /// Deliveries, the latest first, those before `before` alone.
    pub async fn deliveries(
        &self,
        caller: &Caller,
        state: Option<DeliveryState>,
        before: Option<(Timestamp, DeliveryId)>,
        limit: u32,
    ) -> Result<Vec<Delivery>, Error> {
        let scope = caller.scope(Permission::ModifySecurity)?;
        let limit = limit.clamp(1, MOST_LISTED);
        Ok(self.store().deliveries(&scope, state, before, limit).await?)
    }

    /// One delivery with everything about it.
    pub async fn delivery(&self, caller: &Caller, id: DeliveryId) -> Result<DeliveryDetail, Error> {
        let scope = caller.scope(Permission::ModifySecurity)?;
        let delivery = self.store().delivery(&scope, id).await?;
        let attempts = self.store().attempts(&scope, id).await?;
        let words = self.words_of(&delivery).await?;
        Ok(DeliveryDetail { delivery, attempts, words })
    }

    /// Says why a delivery cannot be replayed, if it cannot. Keeps nothing.
    pub async fn validate_replay(
        &self,
        caller: &Caller,
        id: DeliveryId,
    ) -> Result<Delivery, Error> {
        let scope = caller.scope(Permission::ModifySecurity)?;
        let delivery = self.store().delivery(&scope, id).await?;
        if delivery.state == DeliveryState::Waiting {
            return Err(Error::Conflict(
                "the delivery has not ended yet; it is tried again by itself".to_owned(),
            ));
        }
        Ok(delivery)
    }

    /// Sends a delivery that has ended once more, under the same id.
    pub async fn replay(&self, caller: &Caller, id: DeliveryId) -> Result<(), Error> {
        let delivery = self.validate_replay(caller, id).await?;
        let now = self.now();
        let mut log = self.audit_log().await?;
        let entry = Entry::of(caller, now, Event::NotificationsChanged)
            .on(TargetKind::Channel, delivery.channel.to_string(), delivery.channel_name)
            .with("change", "delivery replayed")
            .with("delivery", id.to_string());
        let rows = log.rows(&[entry]);
        self.store().replay_delivery(id, now, &rows).await?;
        log.written();
        self.inner.notifications.deliveries.notify_waiters();
        Ok(())
    }
}
