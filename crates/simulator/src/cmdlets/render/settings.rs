//! Access rules, device classes, organization settings.

use psrp::clixml::Value;

use super::{
    Context,
    parts::{DirectoryPart, Naming, enumeration, finish, kind, optional, texts, utc},
};
use crate::organization::{AccessRule, DeviceClass, Organization};

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
    let mut object = SETTINGS
        .object()
        .with_adapted("DefaultAccessLevel", enumeration(LEVEL, (level.word(), level.number())))
        .with_adapted("UserMailInsert", settings.user_mail_insert.as_str())
        .with_adapted("AllowAccessForUnSupportedPlatform", false)
        .with_adapted("AdminMailRecipients", texts(&settings.admin_mail_recipients))
        .with_adapted("OtaNotificationMailInsert", optional(Some(&settings.ota_mail_insert)));
    if organization.dialect(context.server).is_hosted() {
        object = object.with_adapted(
            "EnableMobileMailboxPolicyWhenCAInplace",
            settings.policies_beside_conditional_access,
        );
    }
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

/// Canonical name of the organization in the configuration partition.
pub(super) fn configuration_canonical(organization: &Organization) -> String {
    let options = organization.options();
    if options.dialect.is_hosted() {
        let root = organization.directory_domain();
        return format!("{root}/ConfigurationUnits/{}/Configuration", organization.tenant_domain());
    }
    format!("{}/Configuration/Services/Microsoft Exchange/{}", options.domain, options.name)
}
