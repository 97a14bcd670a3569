//! Numbered events of connectors.

use domain::status_message::Event;
use domain::{ConnectorId, Scope, StatusMessage};

use crate::connectors::reaches;
use crate::value::{Columns, Value};
use crate::{Error, Store, sql};

/// Messages kept of each connector: years of a quiet one, a week of a troubled one.
const KEPT: i64 = 10_000;

impl Store {
    /// Keeps an event; very old ones are forgotten for it.
    pub async fn add_status_message(&self, message: &StatusMessage) -> Result<(), Error> {
        let steps = vec![
            (
                sql::ADD_STATUS_MESSAGE,
                vec![
                    Value::time(message.at),
                    Value::id(message.connector),
                    Value::Integer(message.event.number().into()),
                    Value::text(&message.text),
                ],
            ),
            (sql::FORGET_STATUS_MESSAGES, vec![Value::id(message.connector), Value::Integer(KEPT)]),
        ];
        self.database.write(steps).await.map(drop)
    }

    /// The latest events of a connector, latest first.
    pub async fn status_messages(
        &self,
        scope: &Scope,
        connector: ConnectorId,
        limit: u32,
    ) -> Result<Vec<StatusMessage>, Error> {
        if !reaches(scope, connector) {
            return Ok(Vec::new());
        }
        let values = vec![Value::id(connector), Value::Integer(i64::from(limit))];
        self.database.query(sql::STATUS_MESSAGES, values, message).await
    }
}

fn message(row: &mut Columns<'_>) -> Result<StatusMessage, Error> {
    row.table("status_message");
    let (at, connector) = (row.time("at")?, ConnectorId(row.uuid("connector")?));
    let event = u16::try_from(row.count("number")?).ok().and_then(Event::from_number);
    let event = event.ok_or_else(|| row.corrupt("number"))?;
    Ok(StatusMessage { at, connector, event, text: row.text("text")? })
}
