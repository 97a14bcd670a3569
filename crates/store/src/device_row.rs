//! A device as a row of the table, and back.

use domain::device::Owner;
use domain::{
    AccessReason, AccessState, ConnectorId, Device, DeviceFacts, DeviceId, DeviceStatistics,
    DistinguishedName, Timestamp, WipeStatus,
};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::value::{Columns, Value};
use crate::{DeviceRow, Error};

/// A hash of values: the first 8 bytes of SHA-256 over each value's kind, length and bytes.
///
/// It is kept in the database, so it must not change from release to release; SHA-256 is the same
/// everywhere, and 64 bits make it improbable (1 in 10^19 for a change) that a change goes unseen.
pub(crate) fn hash_of(values: &[Value]) -> u64 {
    let mut sha = Sha256::new();
    let mut add = |kind: u8, bytes: &[u8]| {
        sha.update([kind]);
        sha.update((bytes.len() as u64).to_le_bytes());
        sha.update(bytes);
    };
    for value in values {
        match value {
            Value::Null => add(0, &[]),
            Value::Text(text) => add(1, text.as_bytes()),
            Value::Integer(number) => add(2, &number.to_le_bytes()),
            Value::Flag(flag) => add(3, &[u8::from(*flag)]),
            Value::Bytes(bytes) => add(4, bytes),
        }
    }
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(sha.finalize());
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// What a row says of a device: all that the hash is taken of, in the order of the columns.
pub(crate) fn facts(facts: &DeviceFacts, owner: &Owner) -> Vec<Value> {
    let text = |text: &Option<String>| Value::optional_text(text.as_deref());
    let name = |name: &Option<DistinguishedName>| {
        Value::optional_text(name.as_ref().map(DistinguishedName::as_str))
    };
    vec![
        Value::text(facts.access_state.word()),
        Value::optional_text(facts.access_reason.map(AccessReason::word)),
        text(&facts.access_rule),
        text(&owner.user),
        text(&owner.mailbox),
        text(&owner.name),
        name(&owner.user_dn),
        text(&facts.identity),
        name(&facts.distinguished_name),
        text(&facts.device_id),
        text(&facts.friendly_name),
        text(&facts.device_type),
        text(&facts.model),
        text(&facts.os),
        text(&facts.os_language),
        text(&facts.user_agent),
        text(&facts.imei),
        text(&facts.phone_number),
        text(&facts.operator),
        text(&facts.client_type),
        text(&facts.client_version),
        Value::optional_time(facts.first_sync),
        Value::optional_time(facts.when_created),
        Value::optional_time(facts.when_changed),
        others(&facts.other),
    ]
}

/// The columns of `sql::WRITE_DEVICES`.
pub(crate) fn encode(connector: ConnectorId, row: &DeviceRow) -> Vec<Value> {
    let facts = facts(&row.facts, &row.owner);
    let hash = hash_of(&facts);
    let mut values = Vec::with_capacity(6 + facts.len());
    values.extend([
        Value::id(DeviceId::of(connector, row.facts.guid)),
        Value::id(connector),
        Value::id(row.facts.guid),
        Value::Integer(hash.cast_signed()),
        Value::time(row.observed),
        Value::Null,
    ]);
    values.extend(facts);
    values
}

/// The columns of `sql::WRITE_STATISTICS`.
pub(crate) fn encode_statistics(
    connector: ConnectorId,
    id: DeviceId,
    statistics: &DeviceStatistics,
    at: Timestamp,
) -> Vec<Value> {
    let text = |text: &Option<String>| Value::optional_text(text.as_deref());
    vec![
        Value::id(id),
        Value::id(connector),
        Value::time(at),
        Value::optional_time(statistics.last_sync_attempt),
        Value::optional_time(statistics.last_success_sync),
        statistics.guid.map_or(Value::Null, Value::id),
        text(&statistics.identity),
        text(&statistics.device_id),
        Value::optional_time(statistics.first_sync),
        text(&statistics.policy),
        text(&statistics.policy_status),
        Value::text(statistics.wipe_status.word()),
        Value::optional_time(statistics.wipe_requested),
        Value::optional_time(statistics.wipe_sent),
        Value::optional_time(statistics.wipe_acknowledged),
        others(&statistics.other),
    ]
}

/// The columns of `sql::DEVICE`: the place in lists, and the device.
pub(crate) fn decode(row: &mut Columns<'_>) -> Result<(i64, Device), Error> {
    let sequence = row.table("device").integer("sequence")?;
    let id = DeviceId(row.uuid("id")?);
    let connector = ConnectorId(row.uuid("connector")?);
    let guid = row.uuid("guid")?;
    let written = row.time("observed")?;
    let gone_since = row.optional_time("gone_since")?;
    let last_full_sync = row.optional_time("last_full_sync")?;
    // A complete full pass makes every device true that is not gone; unchanged rows are not
    // rewritten for it.
    let observed = match (gone_since, last_full_sync) {
        (None, Some(last_full_sync)) => written.max(last_full_sync),
        _ => written,
    };
    let access_state = row.word("access_state", AccessState::from_word)?;
    let access_reason = row.optional_word("access_reason", AccessReason::from_word)?;
    let access_rule = row.optional_text("access_rule")?;
    let owner = Owner {
        user: row.optional_text("owner_user")?,
        mailbox: row.optional_text("owner_mailbox")?,
        name: row.optional_text("owner_name")?,
        user_dn: name(row, "owner_dn")?,
    };
    let facts = DeviceFacts {
        guid,
        access_state,
        access_reason,
        access_rule,
        identity: row.optional_text("identity")?,
        distinguished_name: name(row, "distinguished_name")?,
        device_id: row.optional_text("device_id")?,
        friendly_name: row.optional_text("friendly_name")?,
        device_type: row.optional_text("device_type")?,
        model: row.optional_text("model")?,
        os: row.optional_text("os")?,
        os_language: row.optional_text("os_language")?,
        user_agent: row.optional_text("user_agent")?,
        imei: row.optional_text("imei")?,
        phone_number: row.optional_text("phone_number")?,
        operator: row.optional_text("operator")?,
        client_type: row.optional_text("client_type")?,
        client_version: row.optional_text("client_version")?,
        first_sync: row.optional_time("first_sync")?,
        when_created: row.optional_time("when_created")?,
        when_changed: row.optional_time("when_changed")?,
        other: pairs(&row.json("other")?).ok_or_else(|| row.corrupt("other"))?,
    };
    let statistics_observed = row.optional_time("statistics_observed")?;
    let statistics = match statistics_observed {
        Some(_) => Some(statistics(row)?),
        None => None,
    };
    let device = Device {
        id,
        connector,
        facts,
        statistics,
        owner,
        observed,
        statistics_observed,
        gone_since,
    };
    Ok((sequence, device))
}

fn statistics(row: &mut Columns<'_>) -> Result<DeviceStatistics, Error> {
    Ok(DeviceStatistics {
        guid: row.optional_uuid("statistics_guid")?,
        identity: row.optional_text("statistics_identity")?,
        device_id: row.optional_text("statistics_device_id")?,
        first_sync: row.optional_time("statistics_first_sync")?,
        last_sync_attempt: row.optional_time("last_sync_attempt")?,
        last_success_sync: row.optional_time("last_success_sync")?,
        policy: row.optional_text("policy")?,
        policy_status: row.optional_text("policy_status")?,
        wipe_status: row.word("wipe_status", WipeStatus::from_word)?,
        wipe_requested: row.optional_time("wipe_requested")?,
        wipe_sent: row.optional_time("wipe_sent")?,
        wipe_acknowledged: row.optional_time("wipe_acknowledged")?,
        other: pairs(&row.json("statistics_other")?)
            .ok_or_else(|| row.corrupt("statistics_other"))?,
    })
}

fn name(row: &mut Columns<'_>, column: &'static str) -> Result<Option<DistinguishedName>, Error> {
    let text = row.optional_text(column)?;
    text.map(|text| DistinguishedName::parse(&text).ok_or_else(|| row.corrupt(column))).transpose()
}

/// Properties without a column, as `[["name","text"],…]`: names may come twice, and in any order.
fn others(pairs: &[(String, String)]) -> Value {
    let list = pairs.iter().map(|(name, text)| Json::from(vec![name.as_str(), text.as_str()]));
    Value::text(&Json::from(list.collect::<Vec<_>>()).to_string())
}

fn pairs(document: &Json) -> Option<Vec<(String, String)>> {
    let pair = |pair: &Json| {
        let [name, text] = pair.as_array()?.as_slice() else { return None };
        Some((name.as_str()?.to_owned(), text.as_str()?.to_owned()))
    };
    document.as_array()?.iter().map(pair).collect()
}
