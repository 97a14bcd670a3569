//! Deliveries: claimed one by one, and what became of each attempt.

use domain::notification::{
    Attempt, Delivery, DeliveryState, GIVE_UP_AFTER, Language, MailAddress, Topic,
};
use domain::{ChannelId, DeliveryId, Scope, Timestamp};
use uuid::Uuid;

use crate::value::{Columns, Value};
use crate::{Error, Store, audit::AuditRow, sql};

impl Store {
    /// Takes the delivery that is due longest, until a time. Nobody else gets it before then, nor
    /// another of the same channel: one that does not answer keeps nobody busy but one.
    pub async fn claim_delivery(
        &self,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<(Delivery, Timestamp)>, Error> {
        let values = vec![Value::time(now), Value::time(until)];
        let claimed = self.database.write_returning(sql::CLAIM_DELIVERY, values, |row| {
            Ok((delivery(row)?, row.time("give_up")?))
        });
        Ok(claimed.await?.pop())
    }

    /// When the next delivery can be taken, if any waits.
    pub async fn next_delivery(&self) -> Result<Option<Timestamp>, Error> {
        let decode = |row: &mut Columns<'_>| row.table("delivery").optional_time("next_attempt");
        Ok(self.database.query_one(sql::NEXT_DELIVERY, vec![], decode).await?.flatten())
    }

    /// Notes an attempt at a delivery and where it stands by that: the next attempt, while it waits.
    pub async fn note_attempt(
        &self,
        id: DeliveryId,
        attempt: &Attempt,
        state: DeliveryState,
        next: Timestamp,
    ) -> Result<(), Error> {
        let made = vec![
            Value::id(id),
            Value::count(attempt.number),
            Value::time(attempt.at),
            Value::count(attempt.duration_ms),
            Value::Flag(attempt.is_success),
            Value::text(&attempt.answer),
        ];
        let stands = vec![
            Value::id(id),
            Value::count(attempt.number),
            Value::text(state.word()),
            Value::time(next),
            Value::text(&attempt.answer),
        ];
        let steps = vec![(sql::ADD_ATTEMPT, made), (sql::NOTE_DELIVERY, stands)];
        self.database.write(steps).await.map(drop)
    }

    /// Lets a delivery that has ended be tried again from now on; false if it waits anyway.
    pub async fn replay_delivery(
        &self,
        id: DeliveryId,
        now: Timestamp,
        audit: &[AuditRow],
    ) -> Result<bool, Error> {
        let mut steps = AuditRow::steps(audit);
        let give_up = now + GIVE_UP_AFTER;
        let values = vec![Value::id(id), Value::time(now), Value::time(give_up)];
        steps.push((sql::REPLAY_DELIVERY, values));
        Ok(self.database.write(steps).await?.last() == Some(&1))
    }

    /// One delivery.
    pub async fn delivery(&self, _: &Scope, id: DeliveryId) -> Result<Delivery, Error> {
        let found = self.database.query_one(sql::DELIVERY, vec![Value::id(id)], delivery).await?;
        found.ok_or(Error::NotFound("the delivery"))
    }

    /// Deliveries, the latest first, those before `before` alone.
    pub async fn deliveries(
        &self,
        _: &Scope,
        state: Option<DeliveryState>,
        before: Option<(Timestamp, DeliveryId)>,
        limit: u32,
    ) -> Result<Vec<Delivery>, Error> {
        let (created, id) = before.unwrap_or((Timestamp::MAX, DeliveryId(Uuid::max())));
        let values = vec![
            Value::text(state.map_or("", DeliveryState::word)),
            Value::time(created),
            Value::id(id),
            Value::Integer(i64::from(limit)),
        ];
        self.database.query(sql::DELIVERIES, values, delivery).await
    }

    /// The attempts at a delivery, in their order.
    pub async fn attempts(&self, _: &Scope, id: DeliveryId) -> Result<Vec<Attempt>, Error> {
        let decode = |row: &mut Columns<'_>| {
            Ok(Attempt {
                number: row.table("delivery_attempt").count("number")?,
                at: row.time("at")?,
                duration_ms: row.count("duration_ms")?,
                is_success: row.flag("succeeded")?,
                answer: row.text("answer")?,
            })
        };
        self.database.query(sql::ATTEMPTS, vec![Value::id(id)], decode).await
    }

    /// Forgets deliveries that have ended and were made before a time.
    pub async fn forget_deliveries(&self, before: Timestamp) -> Result<(), Error> {
        let one = || vec![Value::time(before)];
        let steps = vec![(sql::FORGET_ATTEMPTS, one()), (sql::FORGET_DELIVERIES, one())];
        self.database.write(steps).await.map(drop)
    }
}

fn delivery(row: &mut Columns<'_>) -> Result<Delivery, Error> {
    row.table("delivery");
    let (id, channel) = (DeliveryId(row.uuid("id")?), ChannelId(row.uuid("channel")?));
    Ok(Delivery {
        id,
        channel,
        channel_name: row.text("channel_name")?,
        subscription: row.optional_text("subscription_name")?,
        topic: row.word("topic", Topic::from_word)?,
        recipient: match row.optional_text("recipient")? {
            Some(to) => Some(MailAddress::parse(&to).map_err(|_| row.corrupt("recipient"))?),
            None => None,
        },
        language: row.word("language", Language::from_word)?,
        document: row.text("document")?,
        state: row.word("state", DeliveryState::from_word)?,
        created: row.time("created")?,
        next_attempt: row.time("next_attempt")?,
        attempts: row.count("attempts")?,
        outcome: row.optional_text("outcome")?,
    })
}
