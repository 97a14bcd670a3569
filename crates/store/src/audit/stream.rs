//! Where the audit is streamed to, and how far it has got.

use domain::Timestamp;
use serde_json::Value as Json;

use super::AuditRow;
use crate::value::{Columns, Value};
use crate::{Error, Store, sql};

/// There is one stream.
const NAME: &str = "stream";

/// The stream of the audit as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditStreamRow {
    /// Where it leads, as the engine writes it down.
    pub configuration: Json,
    /// The last entry that was received.
    pub position: u64,
    /// What is wrong, if anything is.
    pub trouble: Option<String>,
    /// Since when.
    pub troubled_since: Option<Timestamp>,
    /// When an entry was received last.
    pub last_sent: Option<Timestamp>,
}

impl Store {
    /// Sets where the audit is streamed to, with the entries that tell of it. A stream that is there
    /// goes on where it was; a new one begins after `position`.
    pub async fn set_audit_stream(
        &self,
        configuration: &Json,
        position: u64,
        told: &[AuditRow],
    ) -> Result<(), Error> {
        let values = vec![
            Value::text(NAME),
            Value::text(&configuration.to_string()),
            Value::count(position),
        ];
        let mut steps = AuditRow::steps(told);
        steps.push((sql::SET_AUDIT_STREAM, values));
        self.database.write(steps).await.map(drop)
    }

    /// Ends the stream, with the entries that tell of it.
    pub async fn remove_audit_stream(&self, told: &[AuditRow]) -> Result<(), Error> {
        let mut steps = AuditRow::steps(told);
        steps.push((sql::REMOVE_AUDIT_STREAM, vec![Value::text(NAME)]));
        self.database.write(steps).await.map(drop)
    }

    /// The stream, if there is one.
    pub async fn audit_stream(&self) -> Result<Option<AuditStreamRow>, Error> {
        let values = vec![Value::text(NAME)];
        self.database.query_one(sql::AUDIT_STREAM, values, stream).await
    }

    /// Notes that everything up to an entry was received by whom it was sent to, unless the stream
    /// leads elsewhere by now.
    pub async fn audit_streamed(
        &self,
        to: &Json,
        position: u64,
        now: Timestamp,
    ) -> Result<(), Error> {
        let to = Value::text(&to.to_string());
        let values = vec![Value::text(NAME), Value::count(position), Value::time(now), to];
        self.database.write(vec![(sql::AUDIT_STREAMED, values)]).await.map(drop)
    }

    /// Notes that the receiver is away.
    pub async fn audit_stream_troubled(&self, why: &str, now: Timestamp) -> Result<(), Error> {
        let values = vec![Value::text(NAME), Value::text(why), Value::time(now)];
        self.database.write(vec![(sql::AUDIT_STREAM_TROUBLED, values)]).await.map(drop)
    }
}

fn stream(row: &mut Columns<'_>) -> Result<AuditStreamRow, Error> {
    row.table("audit_stream");
    Ok(AuditStreamRow {
        configuration: row.json("configuration")?,
        position: row.count("position")?,
        trouble: row.optional_text("trouble")?,
        troubled_since: row.optional_time("troubled_since")?,
        last_sent: row.optional_time("last_sent")?,
    })
}
