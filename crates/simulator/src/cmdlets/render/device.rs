//! Devices: as the directory keeps them, and as their mailbox does.

use psrp::clixml::Value;

use super::{
    Context, View,
    parts::{
        DirectoryPart, Naming, enumeration, finish, kind, noted, object_id, optional, optional_utc,
        utc,
    },
};
use crate::{
    cmdlets::{Category, Problem, problem::STORAGE_TRANSIENT},
    organization::{Client, Device, Organization},
};

kind!(MOBILE_DEVICE:
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.MobileDevice",
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.ADConfigurationObject",
    "Microsoft.Exchange.Data.Directory.ADObject",
    "Microsoft.Exchange.Data.Directory.ADRawEntry",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object");
kind!(ACTIVE_SYNC_DEVICE:
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.ActiveSyncDevice",
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.MobileDevice",
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.ADConfigurationObject",
    "Microsoft.Exchange.Data.Directory.ADObject",
    "Microsoft.Exchange.Data.Directory.ADRawEntry",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object");
kind!(MOBILE_STATISTICS:
    "Microsoft.Exchange.Management.Tasks.MobileDeviceConfiguration",
    "System.Object");
kind!(ACTIVE_SYNC_STATISTICS:
    "Microsoft.Exchange.Management.Tasks.ActiveSyncDeviceConfiguration",
    "Microsoft.Exchange.Management.Tasks.MobileDeviceConfiguration",
    "System.Object");

const CLASSES: [&str; 2] = ["top", "msExchActiveSyncDevice"];

/// A row of the device list.
pub(in crate::cmdlets) fn device(
    organization: &Organization,
    context: &Context,
    device: &Device,
    view: View,
) -> Value {
    let (model, naming) = (device.model(), naming(organization, device));
    let telephony = device.telephony.as_deref();
    let owner = organization.mailbox(device.mailbox).canonical(organization);
    let mut object =
        if view == View::ActiveSyncDevice { &ACTIVE_SYNC_DEVICE } else { &MOBILE_DEVICE }
            .object()
            .with_adapted("FriendlyName", optional(Some(model.friendly)))
            .with_adapted("DeviceId", &*device.id)
            .with_adapted("DeviceImei", optional(telephony.map(|own| own.imei.as_str())))
            .with_adapted("DeviceMobileOperator", optional(telephony.map(|own| own.operator)))
            .with_adapted("DeviceOS", optional(Some(model.os)))
            .with_adapted("DeviceOSLanguage", optional(Some(device.language())))
            .with_adapted(
                "DeviceTelephoneNumber",
                optional(telephony.map(|own| own.number.as_str())),
            )
            .with_adapted("DeviceType", model.device_type)
            .with_adapted("DeviceUserAgent", optional(Some(model.user_agent)))
            .with_adapted("DeviceModel", optional(Some(model.model)))
            .with_adapted("FirstSyncTime", utc(device.created))
            .with_adapted("UserDisplayName", owner)
            .with_adapted("DeviceAccessState", access_state(device))
            .with_adapted("DeviceAccessStateReason", access_reason(device))
            .with_adapted("DeviceAccessControlRule", access_rule(organization, device))
            .with_adapted("DeviceActiveSyncVersion", model.version);
    if organization.dialect(context.server).is_modern() {
        object = object
            .with_adapted("ClientVersion", model.version)
            .with_adapted("ClientType", client_type(model.client))
            .with_adapted("IsManaged", false)
            .with_adapted("IsCompliant", false)
            .with_adapted("IsDisabled", false)
            .with_adapted("ProvisioningFlags", 0);
    }
    let part = DirectoryPart {
        naming: &naming,
        category: "ms-Exch-Active-Sync-Device",
        classes: &CLASSES,
        version: "0.10 (14.0.100.0)",
        created: device.created,
        changed: device.changed,
    };
    finish(organization, context, object, &part)
}

/// What the mailbox keeps about a device.
///
/// # Errors
/// When the mailbox cannot be read because its database is offline.
pub(in crate::cmdlets) fn statistics(
    organization: &Organization,
    context: &Context,
    device: &Device,
    view: View,
) -> Result<Value, Problem> {
    let old = view == View::ActiveSyncDeviceStatistics;
    let mailbox = organization.mailbox(device.mailbox);
    let database = organization.database(mailbox);
    if context.offline.contains(&database.name) {
        return Err(database_offline(&mailbox.canonical(organization), &database.name, old));
    }
    let (model, naming) = (device.model(), naming(organization, device));
    let telephony = device.telephony.as_deref();
    let object = if old { &ACTIVE_SYNC_STATISTICS } else { &MOBILE_STATISTICS }
        .object()
        .with_adapted("FirstSyncTime", utc(device.created))
        .with_adapted(
            "LastPolicyUpdateTime",
            optional_utc(device.last_success.map(|_| device.created)),
        )
        .with_adapted("LastSyncAttemptTime", optional_utc(device.last_attempt))
        .with_adapted("LastSuccessSync", optional_utc(device.last_success))
        .with_adapted("DeviceType", model.device_type)
        .with_adapted("DeviceID", &*device.id)
        .with_adapted("DeviceUserAgent", optional(Some(model.user_agent)));
    let object = with_wipe(object, device)
        .with_adapted("LastPingHeartbeat", heartbeat(device))
        .with_adapted("RecoveryPassword", "********")
        .with_adapted("DeviceModel", optional(Some(model.model)))
        .with_adapted("DeviceImei", optional(telephony.map(|own| own.imei.as_str())))
        .with_adapted("DeviceFriendlyName", optional(Some(model.friendly)))
        .with_adapted("DeviceOS", optional(Some(model.os)))
        .with_adapted("DeviceOSLanguage", optional(Some(device.language())))
        .with_adapted("DevicePhoneNumber", optional(telephony.map(|own| own.number.as_str())))
        .with_adapted("MailboxLogReport", Value::Nil)
        .with_adapted("DeviceEnableOutboundSMS", false)
        .with_adapted("DeviceMobileOperator", optional(telephony.map(|own| own.operator)))
        .with_adapted("Identity", object_id(organization, &naming, &naming.canonical))
        .with_adapted("Guid", device.guid)
        .with_adapted("IsRemoteWipeSupported", true)
        .with_adapted("Status", enumeration(STATUS, device.status()))
        .with_adapted("StatusNote", Value::Nil)
        .with_adapted("DeviceAccessState", access_state(device))
        .with_adapted("DeviceAccessStateReason", access_reason(device))
        .with_adapted("DeviceAccessControlRule", access_rule(organization, device))
        .with_adapted("DevicePolicyApplied", policy(organization, device))
        .with_adapted(
            "DevicePolicyApplicationStatus",
            enumeration(POLICY_STATUS, device.policy_status()),
        )
        .with_adapted("DeviceActiveSyncVersion", model.version)
        .with_adapted("NumberOfFoldersSynced", i32::from(device.folders))
        .with_adapted("SyncStateUpgradeTime", Value::Nil)
        .with_adapted("ClientType", client_type(model.client))
        .with_adapted("ClientVersion", model.version)
        .with_adapted("IsValid", true)
        .with_adapted(
            "ObjectState",
            enumeration("Microsoft.Exchange.Data.ObjectState", ("Changed", 2)),
        );
    Ok(noted(organization, context, object))
}

fn database_offline(mailbox: &str, database: &str, old: bool) -> Problem {
    let (cmdlet, class) = if old {
        (
            "Get-ActiveSyncDeviceStatistics",
            "Microsoft.Exchange.Management.Tasks.GetActiveSyncDeviceStatistics",
        )
    } else {
        (
            "Get-MobileDeviceStatistics",
            "Microsoft.Exchange.Management.Tasks.GetMobileDeviceStatistics",
        )
    };
    let message = format!(
        "Cannot open mailbox {mailbox}. The database \"{database}\" is offline (MapiExceptionMdbOffline)."
    );
    Problem {
        category: Category::ResourceUnavailable,
        ..Problem::of_task(cmdlet, class, STORAGE_TRANSIENT, message)
    }
}

const STATUS: &str = "Microsoft.Exchange.Data.Directory.SystemConfiguration.DeviceRemoteWipeStatus";
const POLICY_STATUS: &str = "Microsoft.Exchange.AirSync.DevicePolicyApplicationStatus";

fn with_wipe(object: psrp::clixml::Object, device: &Device) -> psrp::clixml::Object {
    let wipe =
        |account_only| device.wipe.as_deref().filter(|wipe| wipe.account_only == account_only);
    let (whole, account) = (wipe(false), wipe(true));
    object
        .with_adapted("DeviceWipeSentTime", optional_utc(whole.and_then(|wipe| wipe.sent)))
        .with_adapted("DeviceWipeRequestTime", optional_utc(whole.map(|wipe| wipe.requested)))
        .with_adapted("DeviceWipeAckTime", optional_utc(whole.and_then(|wipe| wipe.acknowledged)))
        .with_adapted(
            "AccountOnlyDeviceWipeSentTime",
            optional_utc(account.and_then(|wipe| wipe.sent)),
        )
        .with_adapted(
            "AccountOnlyDeviceWipeRequestTime",
            optional_utc(account.map(|wipe| wipe.requested)),
        )
        .with_adapted(
            "AccountOnlyDeviceWipeAckTime",
            optional_utc(account.and_then(|wipe| wipe.acknowledged)),
        )
        .with_adapted(
            "LastDeviceWipeRequestor",
            optional(whole.map(|wipe| wipe.requestor.as_str())),
        )
        .with_adapted(
            "LastAccountOnlyDeviceWipeRequestor",
            optional(account.map(|wipe| wipe.requestor.as_str())),
        )
}

fn naming(organization: &Organization, device: &Device) -> Naming {
    Naming {
        guid: device.guid,
        name: device.common_name(),
        distinguished_name: device.distinguished_name(organization),
        canonical: device.canonical(organization),
    }
}

fn heartbeat(device: &Device) -> Value {
    if device.heartbeat == 0 { Value::Nil } else { Value::UInt32(device.heartbeat) }
}

fn access_state(device: &Device) -> Value {
    const NAME: &str = "Microsoft.Exchange.Data.Directory.SystemConfiguration.DeviceAccessState";
    enumeration(NAME, device.state.printed())
}

fn access_reason(device: &Device) -> Value {
    const NAME: &str =
        "Microsoft.Exchange.Data.Directory.SystemConfiguration.DeviceAccessStateReason";
    enumeration(NAME, device.reason.printed())
}

fn access_rule(organization: &Organization, device: &Device) -> Value {
    let rule = device.rule.and_then(|guid| organization.rule(guid));
    rule.map_or(Value::Nil, |rule| {
        object_id(organization, &super::settings::rule_naming(organization, rule), &rule.name())
    })
}

fn policy(organization: &Organization, device: &Device) -> Value {
    let policy = organization.policy_of(organization.mailbox(device.mailbox));
    let naming = super::policy::policy_naming(organization, policy);
    object_id(organization, &naming, &policy.name)
}

fn client_type(client: Client) -> Value {
    const NAME: &str = "Microsoft.Exchange.Data.Directory.SystemConfiguration.MobileClientType";
    enumeration(NAME, (client.word(), client.number()))
}
