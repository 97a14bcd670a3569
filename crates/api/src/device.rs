//! Devices: the list, by query and page by page, and one device.

use std::{
    collections::{BTreeMap, HashMap},
    str::FromStr as _,
};

use axum::{
    Extension, Json,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use domain::{AccessReason, Caller, ConnectorId, DeviceId, Permission, Query, Scope};
use engine::Engine;
use serde::{Deserialize, Serialize};
use store::{Cursor, Page};
use uuid::Uuid;

use crate::{
    parameters::{DryRun, IdempotencyKey, Limit, NoParameters, Parameters},
    preview::Preview,
    problem::Problem,
};

/// One mobile-device partnership. Null means that Exchange says nothing; times are RFC 3339, UTC.
/// Texts are Exchange's to the letter, control characters included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Device {
    /// Gatepost's id of the partnership; never changes.
    pub id: String,
    /// Name of the connector whose organization holds it.
    pub connector: String,
    /// Exchange's GUID of the partnership.
    pub guid: String,
    /// Canonical identity as Exchange prints it.
    pub identity: Option<String>,
    /// The id the client chose; can change without notice.
    pub device_id: Option<String>,
    /// `user_devicetype`. Not unique.
    pub display_name: String,
    /// Name the user gave the phone.
    pub friendly_name: Option<String>,
    /// Logon name of the owner.
    pub user: Option<String>,
    /// Primary SMTP address of the owner.
    pub mailbox: Option<String>,
    /// Distinguished name of the owner.
    pub user_dn: Option<String>,
    /// `iPhone`, `Android`, `Outlook`, …
    #[serde(rename = "type")]
    pub device_type: Option<String>,
    /// Model as the client reports it.
    pub model: Option<String>,
    /// Operating system, the exact text that rules compare with.
    pub os: Option<String>,
    /// Language of the operating system.
    pub os_language: Option<String>,
    /// User agent.
    pub user_agent: Option<String>,
    /// International mobile equipment identity.
    pub imei: Option<String>,
    /// Telephone number.
    pub phone_number: Option<String>,
    /// Mobile operator.
    pub operator: Option<String>,
    /// `EAS`, `Outlook`, `REST`, … to the letter.
    pub client_type: Option<String>,
    /// Protocol or client version.
    pub client_version: Option<String>,
    /// `allowed`, `blocked`, `quarantined`, `discovery` or `unknown`.
    pub access_state: String,
    /// `global`, `individual`, `rule`, `policy`, `upgrade`, `autoblock` or `other`.
    pub access_reason: Option<String>,
    /// The access rule that decided, if one did.
    pub access_rule: Option<String>,
    /// First contact.
    pub first_sync: Option<String>,
    /// Last time the client tried.
    pub last_sync_attempt: Option<String>,
    /// Last time it worked.
    pub last_success_sync: Option<String>,
    /// Name of the policy applied.
    pub policy: Option<String>,
    /// How far it was applied, to the letter.
    pub policy_status: Option<String>,
    /// `none`, `requested`, `sent` or `acknowledged`; null until the mailbox was asked.
    pub wipe_status: Option<String>,
    /// When a wipe was asked for.
    pub wipe_requested: Option<String>,
    /// When the client fetched it.
    pub wipe_sent: Option<String>,
    /// When the client acknowledged it.
    pub wipe_acknowledged: Option<String>,
    /// The directory object's creation.
    pub when_created: Option<String>,
    /// The directory object's last change.
    pub when_changed: Option<String>,
    /// As of when the facts are true.
    pub observed: String,
    /// As of when the statistics (last sync, policy, wipe) are true.
    pub statistics_observed: Option<String>,
    /// Since when the partnership is missing from complete passes.
    pub gone_since: Option<String>,
}

impl Device {
    /// Every field, in the order of the contract. They are the columns of the command line too.
    pub const FIELDS: [&'static str; 37] = [
        "id",
        "connector",
        "guid",
        "identity",
        "device_id",
        "display_name",
        "friendly_name",
        "user",
        "mailbox",
        "user_dn",
        "type",
        "model",
        "os",
        "os_language",
        "user_agent",
        "imei",
        "phone_number",
        "operator",
        "client_type",
        "client_version",
        "access_state",
        "access_reason",
        "access_rule",
        "first_sync",
        "last_sync_attempt",
        "last_success_sync",
        "policy",
        "policy_status",
        "wipe_status",
        "wipe_requested",
        "wipe_sent",
        "wipe_acknowledged",
        "when_created",
        "when_changed",
        "observed",
        "statistics_observed",
        "gone_since",
    ];

    /// The one translation of a device into JSON.
    #[must_use]
    pub fn of(device: domain::Device, connector: &str) -> Self {
        let display_name = device.display_name();
        let facts = device.facts;
        let owner = device.owner;
        let statistics = device.statistics.unwrap_or_default();
        Self {
            id: device.id.to_string(),
            connector: connector.to_owned(),
            guid: facts.guid.to_string(),
            identity: facts.identity,
            device_id: facts.device_id,
            display_name,
            friendly_name: facts.friendly_name,
            user: owner.user,
            mailbox: owner.mailbox,
            user_dn: owner.user_dn.map(|name| name.to_string()),
            device_type: facts.device_type,
            model: facts.model,
            os: facts.os,
            os_language: facts.os_language,
            user_agent: facts.user_agent,
            imei: facts.imei,
            phone_number: facts.phone_number,
            operator: facts.operator,
            client_type: facts.client_type,
            client_version: facts.client_version,
            access_state: facts.access_state.word().to_owned(),
            access_reason: facts.access_reason.map(AccessReason::word).map(str::to_owned),
            access_rule: facts.access_rule,
            first_sync: text(facts.first_sync.or(statistics.first_sync)),
            last_sync_attempt: text(statistics.last_sync_attempt),
            last_success_sync: text(statistics.last_success_sync),
            policy: statistics.policy,
            policy_status: statistics.policy_status,
            wipe_status: device
                .statistics_observed
                .map(|_| statistics.wipe_status.word().to_owned()),
            wipe_requested: text(statistics.wipe_requested),
            wipe_sent: text(statistics.wipe_sent),
            wipe_acknowledged: text(statistics.wipe_acknowledged),
            when_created: text(facts.when_created),
            when_changed: text(facts.when_changed),
            observed: rfc3339(device.observed),
            statistics_observed: text(device.statistics_observed),
            gone_since: text(device.gone_since),
        }
    }
}

/// A time as every answer spells it: RFC 3339, UTC, to the millisecond.
pub(crate) fn rfc3339(time: jiff::Timestamp) -> String {
    // What is cut off is less than Exchange tells and the store keeps.
    jiff::Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time).to_string()
}

/// [`rfc3339`] of a time that may be missing.
pub(crate) fn text(time: Option<jiff::Timestamp>) -> Option<String> {
    time.map(rfc3339)
}

/// A device with everything Exchange said about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeviceDetail {
    /// The fields of the list.
    #[serde(flatten)]
    pub device: Device,
    /// The directory's properties that have no field, in Exchange's words.
    pub attributes: BTreeMap<String, String>,
    /// The mailbox's properties that have no field, in Exchange's words.
    pub statistics_attributes: BTreeMap<String, String>,
}

/// One page of devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DevicePage {
    /// The devices, in the order of the list. They may be fewer than `limit`, or none, and the page
    /// still not be the last: one request looks at only so many devices.
    pub devices: Vec<Device>,
    /// Send it as `cursor` to get the next page; null on the last.
    pub next: Option<String>,
}

/// Which devices, and which page of them.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeviceParameters {
    /// Device query, such as `state:quarantined os:iOS lastsync:<30d`.
    #[serde(default)]
    query: String,
    /// Devices in the page: 1 to 1000.
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 1000, example = 100)]
    limit: Limit,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// Lists devices.
///
/// Those that came to be known last stand first. Devices that are gone are left out unless the
/// query names `gone:`.
#[utoipa::path(
    get,
    path = "/api/v1/devices",
    operation_id = "list_devices",
    tag = "devices",
    params(DeviceParameters),
    responses((status = 200, body = DevicePage), Problem)
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(parameters): Parameters<DeviceParameters>,
) -> Result<Json<DevicePage>, Problem> {
    let query = Query::parse(&parameters.query).map_err(|error| {
        Problem::invalid(
            format_args!("the query cannot be understood {error}"),
            "correct the query; an example: state:quarantined os:iOS lastsync:<30d",
        )
    })?;
    let after =
        parameters.cursor.as_deref().map(Cursor::from_str).transpose().map_err(|error| {
            Problem::invalid(error, "send the next of the page before, or leave the cursor out")
        })?;
    let scope = caller.scope(Permission::ReadResource)?;
    let names = connector_names(&engine, &scope).await?;
    let page = Page { after, limit: parameters.limit.0.into(), now: engine.now() };
    let found = engine.store().devices(&scope, &query, page).await?;
    let devices = found.devices.into_iter().map(|device| named(device, &names)).collect();
    Ok(Json(DevicePage { devices, next: found.next.map(|cursor| cursor.to_string()) }))
}

/// Shows all that is known of one device.
///
/// The id may be Gatepost's or Exchange's GUID of the partnership.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{id}",
    operation_id = "show_device",
    tag = "devices",
    params(("id" = String, Path, description = "Gatepost's id, or Exchange's GUID")),
    responses((status = 200, body = DeviceDetail), Problem)
)]
pub(crate) async fn show(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<DeviceDetail>, Problem> {
    let scope = caller.scope(Permission::ReadResource)?;
    Ok(Json(found(&engine, &scope, &id).await?))
}

/// Reads one device again, with its statistics, and shows it as it is now.
///
/// A device that Exchange no longer has is marked as gone.
#[utoipa::path(
    post,
    path = "/api/v1/devices/{id}/refresh",
    operation_id = "refresh_device",
    tag = "devices",
    params(("id" = String, Path, description = "Gatepost's id, or Exchange's GUID"), DryRun, IdempotencyKey),
    responses(
        (status = 200, description = "The device as it is now; with dry_run=true, what would be done", body = DeviceDetail),
        Problem
    )
)]
pub(crate) async fn refresh(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
) -> Result<Response, Problem> {
    let scope = caller.scope(Permission::ReadResource)?;
    let device = found(&engine, &scope, &id).await?.device;
    if dry_run {
        let Device { display_name, connector, .. } = device;
        return Ok(Preview::of(format!("read {display_name} of {connector} again from Exchange")));
    }
    let known = device.id.parse().map(DeviceId).map_err(|_| Problem::internal())?;
    engine.refresh_device(&caller, known).await?;
    Ok(Json(found(&engine, &scope, &device.id).await?).into_response())
}

/// The device of an id, Gatepost's or Exchange's.
pub(crate) async fn found(
    engine: &Engine,
    scope: &Scope,
    id: &str,
) -> Result<DeviceDetail, Problem> {
    let Ok(id) = Uuid::parse_str(id) else {
        return Err(Problem::not_found(
            format_args!("{id:?} is no id of a device"),
            "take the id from the list of devices",
        ));
    };
    let names = connector_names(engine, scope).await?;
    let by_guid = names.keys().map(|connector| DeviceId::of(*connector, id));
    for id in std::iter::once(DeviceId(id)).chain(by_guid) {
        match engine.store().device(scope, id).await {
            Ok(device) => return Ok(detail(device, &names)),
            Err(store::Error::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Problem::not_found(
        format_args!("no device has the id or the Exchange GUID {id}"),
        "take the id from the list of devices",
    ))
}

/// The names of all connectors the caller may see.
pub(crate) async fn connector_names(
    engine: &Engine,
    scope: &Scope,
) -> Result<HashMap<ConnectorId, String>, Problem> {
    let connectors = engine.store().connectors(scope).await?;
    Ok(connectors.into_iter().map(|one| (one.id, one.name.to_string())).collect())
}

fn named(device: domain::Device, names: &HashMap<ConnectorId, String>) -> Device {
    // A connector can be removed between the two reads; its devices are on their way out too.
    let connector = names.get(&device.connector).map_or("", String::as_str);
    Device::of(device, connector)
}

fn detail(mut device: domain::Device, names: &HashMap<ConnectorId, String>) -> DeviceDetail {
    let attributes = std::mem::take(&mut device.facts.other).into_iter().collect();
    let statistics =
        device.statistics.as_mut().map(|statistics| std::mem::take(&mut statistics.other));
    DeviceDetail {
        device: named(device, names),
        attributes,
        statistics_attributes: statistics.unwrap_or_default().into_iter().collect(),
    }
}
