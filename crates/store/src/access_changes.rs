//! When Exchange's decision about a device became another; the database notes it by itself.

use domain::{AccessReason, AccessState, DeviceId, Scope, Timestamp};

use crate::value::{Columns, Value};
use crate::{Error, Store, sql};

/// One change of Exchange's decision about a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessChange {
    /// When it was seen.
    pub at: Timestamp,
    /// What was decided before.
    pub was: AccessState,
    /// What is decided since.
    pub state: AccessState,
    /// Why.
    pub reason: Option<AccessReason>,
}

impl Store {
    /// The latest changes of a device's access, latest first, if the scope reaches the device.
    pub async fn access_changes(
        &self,
        scope: &Scope,
        id: DeviceId,
        limit: u32,
    ) -> Result<Vec<AccessChange>, Error> {
        self.device(scope, id).await?;
        let values = vec![Value::id(id), Value::Integer(i64::from(limit))];
        let decode = |row: &mut Columns<'_>| {
            row.table("access_change");
            Ok(AccessChange {
                at: row.time("at")?,
                was: row.word("was", AccessState::from_word)?,
                state: row.word("state", AccessState::from_word)?,
                reason: row.optional_word("reason", AccessReason::from_word)?,
            })
        };
        self.database.query(sql::ACCESS_CHANGES, values, decode).await
    }
}
