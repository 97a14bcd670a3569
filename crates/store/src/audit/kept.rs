//! What vouches for the audit: checkpoints, and the seals of closed parts.

use domain::Timestamp;
use domain::audit::{Checkpoint, Link, Seal, Signature};

use super::AuditRow;
use crate::value::{Columns, Value};
use crate::{Error, Store, sql};

/// Entries of a closed part that are removed in one transaction.
const REMOVED_AT_ONCE: i64 = 5_000;

impl Store {
    /// Keeps a checkpoint.
    pub async fn add_audit_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), Error> {
        let values = vec![
            Value::count(checkpoint.link.sequence),
            Value::Bytes(checkpoint.link.hash.to_vec()),
            Value::time(checkpoint.at),
            Value::Bytes(checkpoint.signature.signer.to_vec()),
            Value::Bytes(checkpoint.signature.bytes.to_vec()),
        ];
        self.database.write(vec![(sql::ADD_AUDIT_CHECKPOINT, values)]).await.map(drop)
    }

    /// Checkpoints of entries after a place in the chain, in its order.
    pub async fn audit_checkpoints(
        &self,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Checkpoint>, Error> {
        let values = vec![Value::count(after), Value::Integer(i64::from(limit))];
        self.database.query(sql::AUDIT_CHECKPOINTS, values, checkpoint).await
    }

    /// The latest checkpoint.
    pub async fn last_audit_checkpoint(&self) -> Result<Option<Checkpoint>, Error> {
        self.database.query_one(sql::LAST_AUDIT_CHECKPOINT, vec![], checkpoint).await
    }

    /// Every public key that a checkpoint was signed with.
    pub async fn audit_signers(&self) -> Result<Vec<[u8; 32]>, Error> {
        let decode = |row: &mut Columns<'_>| fixed(row.table("audit_checkpoint"), "signer");
        self.database.query(sql::AUDIT_SIGNERS, vec![], decode).await
    }

    /// The number of the last entry before a time; `None` if there is none.
    pub async fn audit_before(&self, time: Timestamp) -> Result<Option<u64>, Error> {
        let decode = |row: &mut Columns<'_>| row.table("audit").optional_integer("sequence");
        let values = vec![Value::time(time)];
        let found = self.database.query_one(sql::AUDIT_BEFORE, values, decode).await?;
        Ok(found.flatten().and_then(|sequence| u64::try_from(sequence).ok()))
    }

    /// Closes a part of the audit, with the entries that tell of it. The entries of the part are
    /// removed afterwards.
    pub async fn close_audit(&self, seal: &Seal, told: &[AuditRow]) -> Result<(), Error> {
        let values = vec![
            Value::count(seal.last.sequence),
            Value::count(seal.first),
            Value::Bytes(seal.previous.to_vec()),
            Value::Bytes(seal.last.hash.to_vec()),
            Value::time(seal.at),
            Value::text(&seal.by),
            Value::text(&seal.file),
            Value::Bytes(seal.signature.signer.to_vec()),
            Value::Bytes(seal.signature.bytes.to_vec()),
        ];
        let mut steps = AuditRow::steps(told);
        steps.push((sql::ADD_AUDIT_SEGMENT, values));
        self.database.write(steps).await.map(drop)
    }

    /// Removes the entries of closed parts, in batches. One that was cut short goes on when it is
    /// asked for again.
    pub async fn remove_closed_audit(&self) -> Result<u64, Error> {
        let Some(last) = self.audit_seals().await?.last().map(|seal| seal.last.sequence) else {
            return Ok(0);
        };
        let mut removed = 0;
        loop {
            let values = vec![Value::count(last), Value::Integer(REMOVED_AT_ONCE)];
            let some = self.database.write(vec![(sql::REMOVE_AUDIT, values)]).await?;
            match some.first() {
                None | Some(0) => return Ok(removed),
                Some(count) => removed += count,
            }
        }
    }

    /// The seals of all closed parts, in the order of the chain.
    pub async fn audit_seals(&self) -> Result<Vec<Seal>, Error> {
        self.database.query(sql::AUDIT_SEGMENTS, vec![], seal).await
    }
}

fn checkpoint(row: &mut Columns<'_>) -> Result<Checkpoint, Error> {
    let sequence = row.table("audit_checkpoint").count("sequence")?;
    Ok(Checkpoint {
        link: Link { sequence, hash: fixed(row, "hash")? },
        at: row.time("at")?,
        signature: Signature { signer: fixed(row, "signer")?, bytes: fixed(row, "signature")? },
    })
}

fn seal(row: &mut Columns<'_>) -> Result<Seal, Error> {
    let sequence = row.table("audit_segment").count("last_entry")?;
    let (first, previous) = (row.count("first_entry")?, fixed(row, "previous")?);
    Ok(Seal {
        first,
        previous,
        last: Link { sequence, hash: fixed(row, "hash")? },
        at: row.time("at")?,
        by: row.text("closed_by")?,
        file: row.text("file")?,
        signature: Signature { signer: fixed(row, "signer")?, bytes: fixed(row, "signature")? },
    })
}

/// Bytes of which there are always so many.
pub(super) fn fixed<const N: usize>(
    row: &mut Columns<'_>,
    column: &'static str,
) -> Result<[u8; N], Error> {
    row.bytes(column)?.try_into().map_err(|_| row.corrupt(column))
}
