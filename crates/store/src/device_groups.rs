//! Devices that nothing tells apart in the eyes of access rules, counted.

use domain::{AccessReason, AccessState, ConnectorId, DistinguishedName, Timestamp};

use crate::value::{Columns, Value};
use crate::{Error, Store, sql};

/// Devices with the same characteristics, state and reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceGroup {
    /// Type.
    pub device_type: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Operating system.
    pub os: Option<String>,
    /// User agent.
    pub user_agent: Option<String>,
    /// What Exchange says of them.
    pub state: AccessState,
    /// Why.
    pub reason: Option<AccessReason>,
    /// How many.
    pub devices: u64,
    /// Of how many people.
    pub people: u64,
}

/// One device in the eyes of access rules and exemptions.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessRow {
    /// A group of one.
    pub group: DeviceGroup,
    /// The id the client chose.
    pub device_id: Option<String>,
    /// The owner.
    pub owner: Option<DistinguishedName>,
    /// Its last successful sync, as far as Exchange says.
    pub last_sync: Option<Timestamp>,
}

impl Store {
    /// Every device of a connector that Exchange has, one by one.
    pub async fn access_rows(&self, connector: ConnectorId) -> Result<Vec<AccessRow>, Error> {
        let decode = |row: &mut Columns<'_>| {
            row.table("device");
            Ok(AccessRow {
                group: group(row)?,
                device_id: row.optional_text("device_id")?,
                owner: row
                    .optional_text("owner_dn")?
                    .and_then(|name| DistinguishedName::parse(&name)),
                last_sync: row.optional_time("last_success_sync")?,
            })
        };
        self.database.query(sql::ACCESS_ROWS, vec![Value::id(connector)], decode).await
    }

    /// The devices of a connector that Exchange has, in groups.
    pub async fn device_groups(&self, connector: ConnectorId) -> Result<Vec<DeviceGroup>, Error> {
        let decode = |row: &mut Columns<'_>| {
            row.table("device");
            group(row)
        };
        self.database.query(sql::DEVICE_GROUPS, vec![Value::id(connector)], decode).await
    }
}

fn group(row: &mut Columns<'_>) -> Result<DeviceGroup, Error> {
    Ok(DeviceGroup {
        device_type: row.optional_text("device_type")?,
        model: row.optional_text("model")?,
        os: row.optional_text("os")?,
        user_agent: row.optional_text("user_agent")?,
        state: row.word("access_state", AccessState::from_word)?,
        reason: row.optional_word("access_reason", AccessReason::from_word)?,
        devices: row.count("devices")?,
        people: row.count("people")?,
    })
}
