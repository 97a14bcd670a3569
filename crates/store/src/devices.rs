//! Writing devices: what was read before, and what changed.

use std::collections::HashMap;

use domain::device::Owner;
use domain::{ConnectorId, DeviceFacts, DeviceId, DeviceStatistics, DistinguishedName, Timestamp};
use uuid::Uuid;

use crate::value::{Columns, Value};
use crate::{Error, Store, device_row, sql};

/// Fingerprints read at once: less than a megabyte.
const FINGERPRINTS_AT_ONCE: i64 = 10_000;

/// What Exchange says of one device, joined with its owner, ready to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceRow {
    /// What the directory says.
    pub facts: DeviceFacts,
    /// Whose it is.
    pub owner: Owner,
    /// As of when this is true: when the pass began.
    pub observed: Timestamp,
}

impl DeviceRow {
    /// A number that changes when facts or owner change, and only then; not when only `observed`
    /// does. The same on every machine and in every version that has the same fields.
    #[must_use]
    pub fn hash(&self) -> u64 {
        device_row::hash_of(&device_row::facts(&self.facts, &self.owner))
    }
}

/// What a device is compared with that is read again, as small as it can be: a pass holds one for
/// each device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// Exchange's GUID.
    pub guid: Uuid,
    /// [`DeviceRow::hash`] of what was written last.
    pub hash: u64,
    /// Whether it is marked as gone.
    pub gone: bool,
}

/// A device that is known, with what its statistics are asked by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDevice {
    /// The device.
    pub fingerprint: Fingerprint,
    /// Whose it is.
    pub user_dn: Option<DistinguishedName>,
}

impl Store {
    /// Most rows in one call of a write; larger ones are refused. Keeps a transaction short.
    pub const MAX_BATCH: usize = 10_000;

    /// Fingerprints of a connector's devices, gone ones included, some at a time in the order of
    /// their rows: those after the row `after`, and the last row among them; `None` at the end.
    pub async fn fingerprints_after(
        &self,
        connector: ConnectorId,
        after: i64,
    ) -> Result<Option<(Vec<Fingerprint>, i64)>, Error> {
        let values =
            vec![Value::id(connector), Value::Integer(after), Value::Integer(FINGERPRINTS_AT_ONCE)];
        let found = self.database.query(sql::FINGERPRINTS, values, fingerprint).await?;
        let Some(last) = found.last().map(|(sequence, _)| *sequence) else { return Ok(None) };
        Ok(Some((found.into_iter().map(|(_, fingerprint)| fingerprint).collect(), last)))
    }

    /// What is known of one device.
    pub async fn known_device(&self, id: DeviceId) -> Result<Option<KnownDevice>, Error> {
        let found = self.database.query_one(sql::KNOWN_DEVICE, vec![Value::id(id)], known_device);
        Ok(found.await?.map(|(_, known)| known))
    }

    /// Living devices whose statistics are older, the oldest first; at most so many.
    pub async fn stale_statistics(
        &self,
        connector: ConnectorId,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<KnownDevice>, Error> {
        let values =
            vec![Value::id(connector), Value::time(before), Value::Integer(i64::from(limit))];
        let found = self.database.query(sql::STALE_STATISTICS, values, known_device).await?;
        Ok(found.into_iter().map(|(_, known)| known).collect())
    }

    /// Living devices whose statistics are older, some at a time, in the order of their rows: those
    /// after the row `after`, and the last row among them.
    pub async fn stale_statistics_after(
        &self,
        connector: ConnectorId,
        before: Timestamp,
        after: i64,
        limit: u32,
    ) -> Result<(Vec<KnownDevice>, i64), Error> {
        let values = vec![
            Value::id(connector),
            Value::time(before),
            Value::Integer(after),
            Value::Integer(i64::from(limit)),
        ];
        let found = self.database.query(sql::STALE_STATISTICS_AFTER, values, known_device).await?;
        let last = found.last().map_or(after, |(sequence, _)| *sequence);
        Ok((found.into_iter().map(|(_, known)| known).collect(), last))
    }

    /// How many living devices have older statistics, or none.
    pub async fn count_stale_statistics(
        &self,
        connector: ConnectorId,
        before: Timestamp,
    ) -> Result<u64, Error> {
        let values = vec![Value::id(connector), Value::time(before)];
        let decode = |row: &mut Columns<'_>| row.table("device").count("count");
        let count = self.database.query_one(sql::COUNT_STALE_STATISTICS, values, decode).await?;
        Ok(count.unwrap_or_default())
    }

    /// Devices that left the inventory by age and are still in Exchange, the longest first; at most
    /// so many.
    pub async fn aged(&self, connector: ConnectorId, limit: u32) -> Result<Vec<DeviceId>, Error> {
        let values = vec![Value::id(connector), Value::Integer(i64::from(limit))];
        let decode = |row: &mut Columns<'_>| row.table("device").uuid("id").map(DeviceId);
        self.database.query(sql::AGED, values, decode).await
    }

    /// How many devices would leave the inventory that did nothing since `before`, and how many
    /// have left.
    pub async fn ageing(
        &self,
        connector: ConnectorId,
        before: Timestamp,
    ) -> Result<(u64, u64), Error> {
        let decode = |row: &mut Columns<'_>| {
            let row = row.table("device");
            Ok((row.count("count")?, row.count("aged")?))
        };
        let values = vec![Value::id(connector), Value::time(before)];
        Ok(self.database.query_one(sql::AGEING, values, decode).await?.unwrap_or_default())
    }

    /// Lets devices leave the inventory that did nothing since `before`, and those come back that
    /// did. How many left.
    pub async fn age_devices(
        &self,
        connector: ConnectorId,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<u64, Error> {
        let span = || vec![Value::id(connector), Value::time(before)];
        let aged = [span(), vec![Value::time(now)]].concat();
        let steps = vec![(sql::REVIVE_DEVICES, span()), (sql::AGE_DEVICES, aged)];
        Ok(self.database.write(steps).await?.last().copied().unwrap_or_default())
    }

    /// Writes devices, new or known, in one transaction. What is written is not gone (any more);
    /// statistics stay as they are. The last of two rows with the same GUID stands.
    pub async fn write_devices(
        &self,
        connector: ConnectorId,
        rows: Vec<DeviceRow>,
    ) -> Result<(), Error> {
        refuse_over_long(rows.len())?;
        // One statement cannot write a row twice: the last of two with the same GUID stands.
        let last: HashMap<_, _> =
            (0..).zip(&rows).map(|(index, row): (usize, _)| (row.facts.guid, index)).collect();
        let rows = rows.into_iter().enumerate().filter_map(move |(index, row)| {
            (last.get(&row.facts.guid) == Some(&index)).then(|| device_row::encode(connector, &row))
        });
        self.database.write_bulk(&sql::WRITE_DEVICES, Value::id(connector), rows).await
    }

    /// Writes statistics of known devices with their times of reading, in one transaction.
    /// Devices that are not known are passed over.
    pub async fn write_statistics(
        &self,
        connector: ConnectorId,
        rows: Vec<(DeviceId, DeviceStatistics, Timestamp)>,
    ) -> Result<(), Error> {
        refuse_over_long(rows.len())?;
        let last: HashMap<_, _> =
            rows.into_iter().map(|(id, statistics, at)| (id, (statistics, at))).collect();
        let rows = last.into_iter().map(move |(id, (statistics, at))| {
            device_row::encode_statistics(connector, id, &statistics, at)
        });
        self.database.write_bulk(&sql::WRITE_STATISTICS, Value::id(connector), rows).await
    }

    /// Marks devices as gone, in one transaction. Those that are gone already keep their time.
    pub async fn mark_gone(
        &self,
        connector: ConnectorId,
        devices: Vec<DeviceId>,
        at: Timestamp,
    ) -> Result<(), Error> {
        refuse_over_long(devices.len())?;
        let rows = devices
            .into_iter()
            .map(move |id| vec![Value::id(id), Value::id(connector), Value::time(at)]);
        self.database.write_bulk(&sql::MARK_GONE, Value::id(connector), rows).await
    }
}

fn refuse_over_long(rows: usize) -> Result<(), Error> {
    if rows > Store::MAX_BATCH {
        return Err(Error::Internal(format!("{rows} rows in one batch of {}", Store::MAX_BATCH)));
    }
    Ok(())
}

fn fingerprint(row: &mut Columns<'_>) -> Result<(i64, Fingerprint), Error> {
    let sequence = row.table("device").integer("sequence")?;
    let fingerprint = Fingerprint {
        guid: row.uuid("guid")?,
        hash: row.integer("hash")?.cast_unsigned(),
        gone: row.optional_integer("gone_since")?.is_some(),
    };
    Ok((sequence, fingerprint))
}

fn known_device(row: &mut Columns<'_>) -> Result<(i64, KnownDevice), Error> {
    let (sequence, fingerprint) = fingerprint(row)?;
    let user_dn = row.optional_text("owner_dn")?;
    let user_dn = user_dn.and_then(|name| DistinguishedName::parse(&name));
    Ok((sequence, KnownDevice { fingerprint, user_dn }))
}
