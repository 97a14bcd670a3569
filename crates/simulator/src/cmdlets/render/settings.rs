//! Access rules, policies, device classes, organization settings.

use psrp::clixml::{Object, Value};

use super::{
    Context,
    parts::{DirectoryPart, Naming, enumeration, finish, kind, texts, unlimited, utc},
};
use crate::{
    Dialect,
    organization::{AccessRule, DeviceClass, MailboxPolicy, Organization},
};

kind!(ACCESS_RULE:
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.ActiveSyncDeviceAccessRule",
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.ADConfigurationObject",
    "Microsoft.Exchange.Data.Directory.ADObject",
    "Microsoft.Exchange.Data.Directory.ADRawEntry",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object");
kind!(SETTINGS:
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.ActiveSyncOrganizationSettings",
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.ADContainer",
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.ADConfigurationObject",
    "Microsoft.Exchange.Data.Directory.ADObject",
    "Microsoft.Exchange.Data.Directory.ADRawEntry",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object");
kind!(MOBILE_POLICY:
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.MobileMailboxPolicy",
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.MailboxPolicy",
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.ADConfigurationObject",
    "Microsoft.Exchange.Data.Directory.ADObject",
    "Microsoft.Exchange.Data.Directory.ADRawEntry",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object");
kind!(ACTIVE_SYNC_POLICY:
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.ActiveSyncMailboxPolicy",
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.MobileMailboxPolicy",
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.MailboxPolicy",
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.ADConfigurationObject",
    "Microsoft.Exchange.Data.Directory.ADObject",
    "Microsoft.Exchange.Data.Directory.ADRawEntry",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object");
kind!(DEVICE_CLASS:
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.ActiveSyncDeviceClass",
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.ADConfigurationObject",
    "Microsoft.Exchange.Data.Directory.ADObject",
    "Microsoft.Exchange.Data.Directory.ADRawEntry",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object");

const LEVEL: &str = "Microsoft.Exchange.Data.Directory.SystemConfiguration.DeviceAccessLevel";
const CHARACTERISTIC: &str =
    "Microsoft.Exchange.Data.Directory.SystemConfiguration.DeviceAccessCharacteristic";

/// Get-ActiveSyncDeviceAccessRule.
pub(in crate::cmdlets) fn access_rule(
    organization: &Organization,
    context: &Context,
    rule: &AccessRule,
) -> Value {
    let characteristic = (rule.characteristic.word(), rule.characteristic.number());
    let object = ACCESS_RULE
        .object()
        .with_adapted("QueryString", rule.query.as_str())
        .with_adapted("Characteristic", enumeration(CHARACTERISTIC, characteristic))
        .with_adapted("AccessLevel", enumeration(LEVEL, (rule.level.word(), rule.level.number())));
    let part = DirectoryPart {
        naming: &rule_naming(organization, rule),
        category: "ms-Exch-Device-Access-Rule",
        classes: &["top", "msExchDeviceAccessRule"],
        version: "0.10 (14.0.100.0)",
        created: rule.created,
        changed: rule.changed,
    };
    finish(organization, context, object, &part)
}

/// Get-ActiveSyncOrganizationSettings.
pub(in crate::cmdlets) fn organization_settings(
    organization: &Organization,
    context: &Context,
) -> Value {
    let settings = organization.settings();
    let level = settings.default_access_level;
    let object = SETTINGS
        .object()
        .with_adapted("DefaultAccessLevel", enumeration(LEVEL, (level.word(), level.number())))
        .with_adapted("UserMailInsert", settings.user_mail_insert.as_str())
        .with_adapted("AllowAccessForUnSupportedPlatform", false)
        .with_adapted("AdminMailRecipients", texts(&settings.admin_mail_recipients))
        .with_adapted("OtaNotificationMailInsert", Value::Nil);
    let name = "Mobile Mailbox Settings";
    let naming = Naming {
        guid: settings.guid,
        name: name.to_owned(),
        distinguished_name: format!("CN={name},{}", organization.configuration_dn()),
        canonical: format!("{}/{name}", configuration_canonical(organization)),
    };
    let part = DirectoryPart {
        naming: &naming,
        category: "ms-Exch-Mobile-Mailbox-Settings",
        classes: &["top", "msExchMobileMailboxSettings"],
        version: "0.10 (14.0.100.0)",
        created: settings.created,
        changed: settings.changed,
    };
    finish(organization, context, object, &part)
}

/// Get-MobileDeviceMailboxPolicy, or with the names of old Get-ActiveSyncMailboxPolicy.
pub(in crate::cmdlets) fn mailbox_policy(
    organization: &Organization,
    context: &Context,
    policy: &MailboxPolicy,
    old_names: bool,
) -> Value {
    let name = |old: &'static str, new: &'static str| if old_names { old } else { new };
    let kind = if old_names { &ACTIVE_SYNC_POLICY } else { &MOBILE_POLICY };
    let length = policy.min_password_length.map_or(Value::Nil, Value::Int32);
    let is_default = match organization.dialect(context.server) {
        Dialect::Exchange2010 => "IsDefaultPolicy",
        Dialect::Exchange2013 => "IsDefault",
    };
    let object = kind
        .object()
        .with_adapted("AllowNonProvisionableDevices", policy.allow_non_provisionable)
        .with_adapted(
            name("AlphanumericDevicePasswordRequired", "AlphanumericPasswordRequired"),
            false,
        )
        .with_adapted("AttachmentsEnabled", true)
        .with_adapted("DeviceEncryptionEnabled", false)
        .with_adapted("RequireStorageCardEncryption", false)
        .with_adapted(name("DevicePasswordEnabled", "PasswordEnabled"), policy.password_enabled)
        .with_adapted("PasswordRecoveryEnabled", false)
        .with_adapted("DevicePolicyRefreshInterval", unlimited(ENHANCED_TIME_SPAN))
        .with_adapted(name("AllowSimpleDevicePassword", "AllowSimplePassword"), true)
        .with_adapted("MaxAttachmentSize", unlimited(BYTE_QUANTIFIED_SIZE))
        .with_adapted(name("MinDevicePasswordLength", "MinPasswordLength"), length)
        .with_adapted(
            name("MaxInactivityTimeDeviceLock", "MaxInactivityTimeLock"),
            unlimited(ENHANCED_TIME_SPAN),
        )
        .with_adapted(
            name("MaxDevicePasswordFailedAttempts", "MaxPasswordFailedAttempts"),
            unlimited("System.Int32"),
        )
        .with_adapted(
            name("DevicePasswordExpiration", "PasswordExpiration"),
            unlimited(ENHANCED_TIME_SPAN),
        )
        .with_adapted(name("DevicePasswordHistory", "PasswordHistory"), 0)
        .with_adapted(is_default, policy.is_default);
    let object = with_permissions(object, policy);
    let part = DirectoryPart {
        naming: &policy_naming(organization, policy),
        category: "ms-Exch-Mobile-Mailbox-Policy",
        classes: &["top", "msExchRecipientTemplate", "msExchMobileMailboxPolicy"],
        version: "0.1 (8.0.535.0)",
        created: policy.created,
        changed: policy.created,
    };
    finish(organization, context, object, &part)
}

const ENHANCED_TIME_SPAN: &str = "Microsoft.Exchange.Data.EnhancedTimeSpan, Microsoft.Exchange.Data, Version=15.0.0.0, Culture=neutral, PublicKeyToken=31bf3856ad364e35";
const BYTE_QUANTIFIED_SIZE: &str = "Microsoft.Exchange.Data.ByteQuantifiedSize, Microsoft.Exchange.Data, Version=15.0.0.0, Culture=neutral, PublicKeyToken=31bf3856ad364e35";

fn with_permissions(mut object: Object, policy: &MailboxPolicy) -> Object {
    const ALLOWED: [&str; 12] = [
        "AllowStorageCard",
        "AllowUnsignedApplications",
        "AllowUnsignedInstallationPackages",
        "AllowWiFi",
        "AllowTextMessaging",
        "AllowPOPIMAPEmail",
        "AllowIrDA",
        "AllowDesktopSync",
        "AllowHTMLEmail",
        "AllowBrowser",
        "AllowConsumerEmail",
        "AllowInternetSharing",
    ];
    for name in ALLOWED {
        object = object.with_adapted(name, true);
    }
    object.with_adapted("AllowCamera", policy.allow_camera).with_adapted(
        "AllowBluetooth",
        enumeration(
            "Microsoft.Exchange.Data.Directory.SystemConfiguration.BluetoothType",
            ("Allow", 2),
        ),
    )
}

/// Get-ActiveSyncDeviceClass.
pub(in crate::cmdlets) fn device_class(
    organization: &Organization,
    context: &Context,
    class: &DeviceClass,
) -> Value {
    let object = DEVICE_CLASS
        .object()
        .with_adapted("DeviceType", class.device_type)
        .with_adapted("DeviceModel", class.model)
        .with_adapted("LastUpdateTime", utc(class.updated));
    let name = format!("{}§{}", class.device_type, class.model);
    let naming = Naming {
        guid: class.guid,
        distinguished_name: format!(
            "CN={name},CN=ExchangeDeviceClasses,{}",
            organization.configuration_dn()
        ),
        canonical: format!(
            "{}/ExchangeDeviceClasses/{name}",
            configuration_canonical(organization)
        ),
        name,
    };
    let part = DirectoryPart {
        naming: &naming,
        category: "ms-Exch-Active-Sync-Device-Class",
        classes: &["top", "msExchActiveSyncDeviceClass"],
        version: "0.10 (14.0.100.0)",
        created: organization.settings().created,
        changed: class.updated,
    };
    finish(organization, context, object, &part)
}

pub(super) fn rule_naming(organization: &Organization, rule: &AccessRule) -> Naming {
    let name = rule.name();
    Naming {
        guid: rule.guid,
        distinguished_name: format!(
            "CN={},CN=Mobile Mailbox Settings,{}",
            crate::organization::escaped(&name),
            organization.configuration_dn()
        ),
        canonical: format!(
            "{}/Mobile Mailbox Settings/{name}",
            configuration_canonical(organization)
        ),
        name,
    }
}

pub(super) fn policy_naming(organization: &Organization, policy: &MailboxPolicy) -> Naming {
    Naming {
        guid: policy.guid,
        name: policy.name.clone(),
        distinguished_name: format!(
            "CN={},CN=Mobile Mailbox Policies,{}",
            crate::organization::escaped(&policy.name),
            organization.configuration_dn()
        ),
        canonical: format!(
            "{}/Mobile Mailbox Policies/{}",
            configuration_canonical(organization),
            policy.name
        ),
    }
}

/// Canonical name of the organization in the configuration partition.
pub(super) fn configuration_canonical(organization: &Organization) -> String {
    let options = organization.options();
    format!("{}/Configuration/Services/Microsoft Exchange/{}", options.domain, options.name)
}
