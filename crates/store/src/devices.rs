//! Writing devices: what was read before, and what changed.

use domain::device::Owner;
use domain::{ConnectorId, DeviceFacts, DeviceId, DeviceStatistics, DistinguishedName, Timestamp};
use uuid::Uuid;

use crate::{Error, Store};

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
        todo!()
    }
}

/// What is known of a device, as small as it can be: a pass holds one for each device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// The device.
    pub id: DeviceId,
    /// Exchange's GUID.
    pub guid: Uuid,
    /// [`DeviceRow::hash`] of what was written last.
    pub hash: u64,
    /// Whether it is marked as gone.
    pub gone: bool,
    /// As of when its statistics are true.
    pub statistics_observed: Option<Timestamp>,
    /// Whose it is: what statistics are asked by.
    pub user_dn: Option<DistinguishedName>,
}

impl Store {
    /// Most rows in one call of a write; larger ones are refused. Keeps a transaction short.
    pub const MAX_BATCH: usize = 10_000;

    /// What is known of every device of a connector, gone ones included, in no order.
    pub async fn fingerprints(&self, connector: ConnectorId) -> Result<Vec<Fingerprint>, Error> {
        todo!("{connector}")
    }

    /// Writes devices, new or known, in one transaction. What is written is not gone (any more);
    /// statistics stay as they are. The last of two rows with the same GUID stands.
    pub async fn write_devices(
        &self,
        connector: ConnectorId,
        rows: Vec<DeviceRow>,
    ) -> Result<(), Error> {
        todo!("{connector}{rows:?}")
    }

    /// Writes statistics of known devices with their times of reading, in one transaction.
    /// Devices that are not known are passed over.
    pub async fn write_statistics(
        &self,
        connector: ConnectorId,
        rows: Vec<(DeviceId, DeviceStatistics, Timestamp)>,
    ) -> Result<(), Error> {
        todo!("{connector}{rows:?}")
    }

    /// Marks devices as gone, in one transaction. Those that are gone already keep their time.
    pub async fn mark_gone(
        &self,
        connector: ConnectorId,
        devices: Vec<DeviceId>,
        at: Timestamp,
    ) -> Result<(), Error> {
        todo!("{connector}{devices:?}{at}")
    }
}
