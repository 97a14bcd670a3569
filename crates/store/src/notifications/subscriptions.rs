//! Subscriptions.

use domain::notification::{Name, Subscription};
use domain::{ChannelId, Scope, SubscriptionId};

use super::document;
use crate::value::{Columns, Value};
use crate::{Error, Store, audit::AuditRow, sql};

impl Store {
    /// Keeps a new subscription. `Conflict` if the name is taken or the channel is gone.
    pub async fn add_subscription(
        &self,
        subscription: &Subscription,
        audit: &[AuditRow],
    ) -> Result<(), Error> {
        let mut steps = AuditRow::steps(audit);
        let values = vec![
            Value::id(subscription.id),
            Value::text(subscription.name.as_str()),
            Value::id(subscription.channel),
            Value::text(&document::of_subscription(subscription).to_string()),
            Value::time(subscription.created),
        ];
        steps.push((sql::ADD_SUBSCRIPTION, values));
        self.database.write(steps).await.map(drop)
    }

    /// Writes a subscription that is there, all but its name.
    pub async fn change_subscription(
        &self,
        subscription: &Subscription,
        audit: &[AuditRow],
    ) -> Result<(), Error> {
        let mut steps = AuditRow::steps(audit);
        let values = vec![
            Value::id(subscription.id),
            Value::id(subscription.channel),
            Value::text(&document::of_subscription(subscription).to_string()),
        ];
        steps.push((sql::CHANGE_SUBSCRIPTION, values));
        self.database.write(steps).await.map(drop)
    }

    /// Removes a subscription.
    pub async fn remove_subscription(
        &self,
        id: SubscriptionId,
        audit: &[AuditRow],
    ) -> Result<(), Error> {
        let mut steps = AuditRow::steps(audit);
        steps.push((sql::REMOVE_SUBSCRIPTION, vec![Value::id(id)]));
        self.database.write(steps).await.map(drop)
    }

    /// All subscriptions, by name.
    pub async fn subscriptions(&self, _: &Scope) -> Result<Vec<Subscription>, Error> {
        self.database.query(sql::SUBSCRIPTIONS, vec![], subscription).await
    }
}

fn subscription(row: &mut Columns<'_>) -> Result<Subscription, Error> {
    row.table("subscription");
    let id = SubscriptionId(row.uuid("id")?);
    let name = Name::parse(&row.text("name")?).map_err(|_| row.corrupt("name"))?;
    let channel = ChannelId(row.uuid("channel")?);
    let (settings, created) = (row.json("settings")?, row.time("created")?);
    document::subscription(id, name, channel, created, &settings)
        .ok_or_else(|| row.corrupt("settings"))
}
