//! The audit: entries are added and read, never changed. There is no statement that could.

mod found;
mod kept;
mod recorded;
mod stream;

use domain::{
    PersonId, Scope, Timestamp,
    audit::{Event, Link},
};

pub use found::{AuditFilter, AuditPage};
pub use recorded::OnRecord;
pub use stream::AuditStreamRow;

use crate::database::Steps;
use crate::value::{Columns, Value};
use crate::{Error, Store, sql};

/// An entry of the audit as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its place in the chain.
    pub link: Link,
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
    /// Who.
    pub actor: PersonId,
    /// Id of what it was done to.
    pub target: Option<String>,
    /// Everything, as JSON: what the hash is taken of, to the letter.
    pub document: String,
}

impl AuditRow {
    /// The steps that write entries, to stand first in a transaction: if somebody else wrote an entry
    /// at that place meanwhile, the whole transaction is a `Conflict`.
    pub(crate) fn steps(rows: &[Self]) -> Steps {
        rows.iter().map(|row| (sql::ADD_AUDIT, row.values())).collect()
    }

    fn values(&self) -> Vec<Value> {
        vec![
            Value::count(self.link.sequence),
            Value::time(self.at),
            Value::text(self.event.word()),
            Value::id(self.actor),
            Value::optional_text(self.target.as_deref()),
            Value::text(&self.document),
            Value::Bytes(self.link.hash.to_vec()),
        ]
    }
}

impl Store {
    /// Adds entries, all or none. `Conflict` if somebody else added one at their place.
    pub async fn add_audit(&self, rows: &[AuditRow]) -> Result<(), Error> {
        self.database.write(AuditRow::steps(rows)).await.map(drop)
    }

    /// The last link of the chain; `None` if there is no entry.
    pub async fn audit_head(&self) -> Result<Option<Link>, Error> {
        let head = self.database.query_one(sql::AUDIT_HEAD, vec![], link).await?;
        match head {
            Some(head) => Ok(Some(head)),
            None => Ok(self.audit_seals().await?.last().map(|seal| seal.last)),
        }
    }

    /// The latest entries about one thing, latest first.
    pub async fn audit_of(
        &self,
        _: &Scope,
        target: &str,
        limit: u32,
    ) -> Result<Vec<AuditRow>, Error> {
        let values = vec![Value::text(target), Value::Integer(i64::from(limit))];
        self.database.query(sql::AUDIT_OF_TARGET, values, row).await
    }

    /// Entries after a place in the chain, in its order.
    pub async fn audit(&self, _: &Scope, after: u64, limit: u32) -> Result<Vec<AuditRow>, Error> {
        let values = vec![Value::count(after), Value::Integer(i64::from(limit))];
        self.database.query(sql::AUDIT, values, row).await
    }
}

fn link(row: &mut Columns<'_>) -> Result<Link, Error> {
    let sequence = row.table("audit").count("sequence")?;
    Ok(Link { sequence, hash: kept::fixed(row, "hash")? })
}

fn row(row: &mut Columns<'_>) -> Result<AuditRow, Error> {
    let link = link(row)?;
    Ok(AuditRow {
        link,
        at: row.time("at")?,
        event: row.word("event", Event::from_word)?,
        actor: PersonId(row.uuid("actor")?),
        target: row.optional_text("target")?,
        document: row.text("document")?,
    })
}
