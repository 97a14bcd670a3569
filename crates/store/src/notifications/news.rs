//! What happened and is to be told, until its deliveries are there.

use domain::notification::Topic;
use domain::{ConnectorId, DeviceId, Timestamp};

use crate::database::Steps;
use crate::value::Value;
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

impl News {
    /// The steps that note news, for the transaction of what caused them.
    pub(crate) fn steps(news: &[Self]) -> Steps {
        news.iter().map(|news| (sql::ADD_NEWS, news.values())).collect()
    }

    fn values(&self) -> Vec<Value> {
        vec![
            Value::time(self.at),
            Value::text(self.topic.word()),
            Value::text(&self.connector.map(|id| id.to_string()).unwrap_or_default()),
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
}
