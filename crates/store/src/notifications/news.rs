//! What happened and is to be told, until its deliveries are there.

use domain::notification::{Delivery, GIVE_UP_AFTER, Topic};
use domain::{ConnectorId, DeviceId, Timestamp};
use uuid::Uuid;

use crate::database::Steps;
use crate::value::{Columns, Value};
use crate::{Error, Store, sql};

/// Something that happened and is to be told, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// When.
    pub at: Timestamp,
    /// What it is about.
    pub topic: Topic,
    /// Of which connector, if of one.
    pub connector: Option<ConnectorId>,
    /// Of which device, if of one.
    pub device: Option<DeviceId>,
    /// Whatever else belongs to it, as a document of the engine.
    pub document: String,
}

/// News of one topic and connector that nobody was told yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingNews {
    /// What they are about.
    pub topic: Topic,
    /// Of which connector, if of one.
    pub connector: Option<ConnectorId>,
    /// When the first of them happened.
    pub oldest: Timestamp,
    /// How many there are.
    pub count: u64,
}

impl News {
    /// The steps that note news, for the transaction of what caused them.
    pub(crate) fn steps(news: &[Self]) -> Steps {
        news.iter().map(|news| (sql::ADD_NEWS, news.values())).collect()
    }

    fn values(&self) -> Vec<Value> {
        vec![
            Value::time(self.at),
            Value::text(self.topic.word()),
            of_connector(self.connector),
            self.device.map_or(Value::Null, Value::id),
            Value::text(&self.document),
        ]
    }
}

impl Store {
    /// Notes news, all or none. News of devices that are new or were put into quarantine are noted by
    /// the database itself, whoever writes them.
    pub async fn add_news(&self, news: &[News]) -> Result<(), Error> {
        self.database.write(News::steps(news)).await.map(drop)
    }

    /// The news that belong to no message yet, the oldest first.
    pub async fn waiting_news(&self) -> Result<Vec<WaitingNews>, Error> {
        let decode = |row: &mut Columns<'_>| {
            row.table("news");
            let (topic, connector) = (row.word("topic", Topic::from_word)?, connector(row)?);
            Ok(WaitingNews {
                topic,
                connector,
                oldest: row.time("at")?,
                count: row.count("count")?,
            })
        };
        self.database.query(sql::WAITING_NEWS, vec![], decode).await
    }

    /// Makes one message of the waiting news of a topic and connector that happened before a time;
    /// how many these are. No two messages get the same news.
    pub async fn claim_news(
        &self,
        message: Uuid,
        topic: Topic,
        connector: Option<ConnectorId>,
        before: Timestamp,
    ) -> Result<u64, Error> {
        let values = vec![
            Value::id(message),
            Value::text(topic.word()),
            of_connector(connector),
            Value::time(before),
        ];
        let claimed = self.database.write(vec![(sql::CLAIM_NEWS, values)]).await?;
        Ok(claimed.into_iter().sum())
    }

    /// Messages whose deliveries are not there yet.
    pub async fn untold_messages(&self) -> Result<Vec<Uuid>, Error> {
        let decode = |row: &mut Columns<'_>| row.table("news").uuid("message");
        self.database.query(sql::UNTOLD_MESSAGES, vec![], decode).await
    }

    /// The news of a message after a place, in their order; each with its place.
    pub async fn news_of(
        &self,
        message: Uuid,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, News)>, Error> {
        let values =
            vec![Value::id(message), Value::Integer(after), Value::Integer(i64::from(limit))];
        let decode = |row: &mut Columns<'_>| {
            let sequence = row.table("news").integer("sequence")?;
            let news = News {
                at: row.time("at")?,
                topic: row.word("topic", Topic::from_word)?,
                connector: connector(row)?,
                device: row.optional_uuid("device")?.map(DeviceId),
                document: row.text("document")?,
            };
            Ok((sequence, news))
        };
        self.database.query(sql::NEWS_OF, values, decode).await
    }

    /// Puts deliveries in the place of the news of a message, in one transaction. Those that are there
    /// already stay as they are, so it can be done again.
    pub async fn tell(&self, message: Uuid, deliveries: &[Delivery]) -> Result<(), Error> {
        let mut steps = steps_of(deliveries);
        steps.push((sql::FORGET_NEWS, vec![Value::id(message)]));
        self.database.write(steps).await.map(drop)
    }
}

fn steps_of(deliveries: &[Delivery]) -> Steps {
    let values = |delivery: &Delivery| {
        vec![
            Value::id(delivery.id),
            Value::id(delivery.channel),
            Value::text(&delivery.channel_name),
            Value::optional_text(delivery.subscription.as_deref()),
            Value::text(delivery.topic.word()),
            Value::optional_text(delivery.recipient.as_ref().map(|to| to.as_str())),
            Value::text(delivery.language.word()),
            Value::text(&delivery.document),
            Value::time(delivery.created),
            Value::time(delivery.created + GIVE_UP_AFTER),
        ]
    };
    deliveries.iter().map(|delivery| (sql::ADD_DELIVERY, values(delivery))).collect()
}

fn of_connector(connector: Option<ConnectorId>) -> Value {
    Value::text(&connector.map(|id| id.to_string()).unwrap_or_default())
}

fn connector(row: &mut Columns<'_>) -> Result<Option<ConnectorId>, Error> {
    let text = row.text("connector")?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| row.corrupt("connector"))
}
