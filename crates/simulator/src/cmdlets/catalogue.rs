//! The list of cmdlets.

use super::{Begun, Call, Context, admin_audit, autoblock, policies, reads, writes};
use crate::{Dialect, organization::Organization};

/// One cmdlet.
#[derive(Clone, Copy)]
pub(crate) struct Definition {
    pub(crate) name: &'static str,
    /// Its own parameters; the common ones are known to all.
    pub(crate) parameters: &'static [&'static str],
    /// Where a value without a name goes.
    pub(super) positional: Option<&'static str>,
    /// Exists since 2013.
    modern: bool,
    /// Changes something, so that it knows `Confirm` and `WhatIf`.
    pub(super) writes: bool,
    /// The parameter that takes what comes through the pipeline.
    pub(super) input: Option<&'static str>,
    /// Class that its errors name.
    pub(super) class: &'static str,
    pub(super) begin: fn(&Call, &Organization, &Context) -> Begun,
}

impl std::fmt::Debug for Definition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Definition {
    /// The cmdlet of a name, if it exists in this dialect and the caller may see it.
    pub(super) fn find(
        name: &str,
        organization: &Organization,
        context: &Context,
    ) -> Option<&'static Self> {
        Self::visible(organization, context).find(|known| known.name.eq_ignore_ascii_case(name))
    }

    /// Every cmdlet the caller may see.
    pub(super) fn visible<'a>(
        organization: &'a Organization,
        context: &'a Context,
    ) -> impl Iterator<Item = &'static Self> + 'a {
        let modern = organization.dialect(context.server) == Dialect::Exchange2013;
        CATALOGUE
            .iter()
            .filter(move |known| (modern || !known.modern) && context.visible.shows(known.name))
    }
}

type Begin = fn(&Call, &Organization, &Context) -> Begun;

const fn read(
    name: &'static str,
    class: &'static str,
    parameters: &'static [&'static str],
    begin: Begin,
) -> Definition {
    Definition {
        name,
        parameters,
        positional: Some("Identity"),
        modern: false,
        writes: false,
        input: Some("Identity"),
        class,
        begin,
    }
}

const fn write(
    name: &'static str,
    class: &'static str,
    parameters: &'static [&'static str],
    begin: Begin,
) -> Definition {
    Definition { writes: true, ..read(name, class, parameters, begin) }
}

const fn modern(definition: Definition) -> Definition {
    Definition { modern: true, ..definition }
}

/// The parameter that takes whole objects; any other takes what names them.
pub(super) const OBJECT: &str = "InputObject";

/// For cmdlets that have no identity.
const fn alone(definition: Definition) -> Definition {
    Definition { positional: None, input: None, ..definition }
}

/// For cmdlets that make something, and take its name first.
const fn named(definition: Definition) -> Definition {
    Definition { positional: Some("Name"), input: None, ..definition }
}

const DEVICE_LIST: &[&str] = &[
    "Identity",
    "Mailbox",
    "ActiveSync",
    "Filter",
    "Monitoring",
    "OrganizationalUnit",
    "OWAforDevices",
    "ResultSize",
    "RestApi",
    "SortBy",
    "UniversalOutlook",
];
const STATISTICS: &[&str] = &[
    "Identity",
    "Mailbox",
    "ActiveSync",
    "GetMailboxLog",
    "NotificationEmailAddresses",
    "OWAforDevices",
    "RestApi",
    "ShowRecoveryPassword",
    "UniversalOutlook",
];
const RECIPIENTS: &[&str] = &[
    "Identity",
    "Anr",
    "Database",
    "Filter",
    "IgnoreDefaultScope",
    "Monitoring",
    "OrganizationalUnit",
    "ReadFromDomainController",
    "RecipientTypeDetails",
    "ResultSize",
    "SortBy",
];

/// Every cmdlet there is, in the order that Get-Command lists them.
static CATALOGUE: &[Definition] = &[
    write(
        "Clear-ActiveSyncDevice",
        "Microsoft.Exchange.Management.Tasks.ClearActiveSyncDevice",
        &["Identity", "Cancel", "NotificationEmailAddresses"],
        writes::clear_device,
    ),
    modern(write(
        "Clear-MobileDevice",
        "Microsoft.Exchange.Management.Tasks.ClearMobileDevice",
        &["Identity", "AccountOnly", "Cancel", "NotificationEmailAddresses"],
        writes::clear_device,
    )),
    read(
        "Get-ActiveSyncDevice",
        "Microsoft.Exchange.Management.Tasks.GetActiveSyncDevice",
        &[
            "Identity",
            "Mailbox",
            "Filter",
            "Monitoring",
            "OrganizationalUnit",
            "ResultSize",
            "SortBy",
        ],
        reads::devices,
    ),
    read(
        "Get-ActiveSyncDeviceAccessRule",
        "Microsoft.Exchange.Management.Tasks.GetActiveSyncDeviceAccessRule",
        &["Identity"],
        reads::access_rules,
    ),
    modern(read(
        "Get-ActiveSyncDeviceAutoblockThreshold",
        "Microsoft.Exchange.Management.Tasks.GetActiveSyncDeviceAutoblockThreshold",
        &["Identity"],
        autoblock::thresholds,
    )),
    read(
        "Get-ActiveSyncDeviceClass",
        "Microsoft.Exchange.Management.Tasks.GetActiveSyncDeviceClass",
        &["Identity", "Filter", "SortBy"],
        reads::device_classes,
    ),
    read(
        "Get-ActiveSyncDeviceStatistics",
        "Microsoft.Exchange.Management.Tasks.GetActiveSyncDeviceStatistics",
        &[
            "Identity",
            "Mailbox",
            "GetMailboxLog",
            "NotificationEmailAddresses",
            "ShowRecoveryPassword",
        ],
        reads::statistics,
    ),
    read(
        "Get-ActiveSyncMailboxPolicy",
        "Microsoft.Exchange.Management.Tasks.GetActiveSyncMailboxPolicy",
        &["Identity"],
        reads::mailbox_policies,
    ),
    read(
        "Get-ActiveSyncOrganizationSettings",
        "Microsoft.Exchange.Management.Tasks.GetActiveSyncOrganizationSettings",
        &["Identity"],
        reads::organization_settings,
    ),
    read(
        "Get-CASMailbox",
        "Microsoft.Exchange.Management.RecipientTasks.GetCASMailbox",
        &[
            "Identity",
            "ActiveSyncDebugLogging",
            "Anr",
            "Filter",
            "IgnoreDefaultScope",
            "Monitoring",
            "OrganizationalUnit",
            "ProtocolSettings",
            "ReadFromDomainController",
            "RecalculateHasActiveSyncDevicePartnership",
            "RecipientTypeDetails",
            "ResultSize",
            "SortBy",
        ],
        reads::mailboxes,
    ),
    alone(read(
        "Get-Command",
        "Microsoft.PowerShell.Commands.GetCommandCommand",
        &["Name", "CommandType", "ListImported", "Module", "ArgumentList", "TotalCount"],
        reads::commands,
    )),
    read(
        "Get-ExchangeServer",
        "Microsoft.Exchange.Management.SystemConfigurationTasks.GetExchangeServer",
        &["Identity", "Domain", "Status"],
        reads::servers,
    ),
    read(
        "Get-Mailbox",
        "Microsoft.Exchange.Management.RecipientTasks.GetMailbox",
        RECIPIENTS,
        reads::mailboxes,
    ),
    modern(read(
        "Get-MobileDevice",
        "Microsoft.Exchange.Management.Tasks.GetMobileDevice",
        DEVICE_LIST,
        reads::devices,
    )),
    modern(read(
        "Get-MobileDeviceMailboxPolicy",
        "Microsoft.Exchange.Management.Tasks.GetMobileDeviceMailboxPolicy",
        &["Identity"],
        reads::mailbox_policies,
    )),
    modern(read(
        "Get-MobileDeviceStatistics",
        "Microsoft.Exchange.Management.Tasks.GetMobileDeviceStatistics",
        STATISTICS,
        reads::statistics,
    )),
    alone(read(
        "Get-OrganizationConfig",
        "Microsoft.Exchange.Management.SystemConfigurationTasks.GetOrganizationConfig",
        &[],
        reads::organization_config,
    )),
    read(
        "Get-Recipient",
        "Microsoft.Exchange.Management.RecipientTasks.GetRecipient",
        RECIPIENTS,
        reads::mailboxes,
    ),
    read(
        "Get-User",
        "Microsoft.Exchange.Management.RecipientTasks.GetUser",
        RECIPIENTS,
        reads::mailboxes,
    ),
    alone(write(
        "New-ActiveSyncDeviceAccessRule",
        "Microsoft.Exchange.Management.Tasks.NewActiveSyncDeviceAccessRule",
        &["AccessLevel", "Characteristic", "QueryString"],
        writes::new_access_rule,
    )),
    named(write(
        "New-ActiveSyncMailboxPolicy",
        "Microsoft.Exchange.Management.Tasks.NewActiveSyncMailboxPolicy",
        policies::NEW_ACTIVE_SYNC,
        policies::new_policy,
    )),
    modern(named(write(
        "New-MobileDeviceMailboxPolicy",
        "Microsoft.Exchange.Management.Tasks.NewMobileDeviceMailboxPolicy",
        policies::NEW_MOBILE,
        policies::new_policy,
    ))),
    write(
        "Remove-ActiveSyncDevice",
        "Microsoft.Exchange.Management.Tasks.RemoveActiveSyncDevice",
        &["Identity"],
        writes::remove_device,
    ),
    write(
        "Remove-ActiveSyncDeviceAccessRule",
        "Microsoft.Exchange.Management.Tasks.RemoveActiveSyncDeviceAccessRule",
        &["Identity"],
        writes::remove_access_rule,
    ),
    write(
        "Remove-ActiveSyncMailboxPolicy",
        "Microsoft.Exchange.Management.Tasks.RemoveActiveSyncMailboxPolicy",
        policies::REMOVE,
        policies::remove_policy,
    ),
    modern(write(
        "Remove-MobileDevice",
        "Microsoft.Exchange.Management.Tasks.RemoveMobileDevice",
        &["Identity"],
        writes::remove_device,
    )),
    modern(write(
        "Remove-MobileDeviceMailboxPolicy",
        "Microsoft.Exchange.Management.Tasks.RemoveMobileDeviceMailboxPolicy",
        policies::REMOVE,
        policies::remove_policy,
    )),
    alone(read(
        "Search-AdminAuditLog",
        "Microsoft.Exchange.Management.SystemConfigurationTasks.SearchAdminAuditLog",
        &[
            "Cmdlets",
            "EndDate",
            "IsSuccess",
            "ObjectIds",
            "Parameters",
            "ResultSize",
            "StartDate",
            "StartIndex",
            "UserIds",
        ],
        admin_audit::search,
    )),
    Definition {
        positional: Some("Property"),
        input: Some(OBJECT),
        ..read(
            "Select-Object",
            "Microsoft.PowerShell.Commands.SelectObjectCommand",
            &["Property", OBJECT],
            reads::select,
        )
    },
    write(
        "Set-ActiveSyncDeviceAccessRule",
        "Microsoft.Exchange.Management.Tasks.SetActiveSyncDeviceAccessRule",
        &["Identity", "AccessLevel"],
        writes::set_access_rule,
    ),
    modern(write(
        "Set-ActiveSyncDeviceAutoblockThreshold",
        "Microsoft.Exchange.Management.Tasks.SetActiveSyncDeviceAutoblockThreshold",
        &[
            "Identity",
            "AdminEmailInsert",
            "BehaviorTypeIncidenceDuration",
            "BehaviorTypeIncidenceLimit",
            "DeviceBlockDuration",
        ],
        autoblock::set_threshold,
    )),
    write(
        "Set-ActiveSyncMailboxPolicy",
        "Microsoft.Exchange.Management.Tasks.SetActiveSyncMailboxPolicy",
        policies::SET_ACTIVE_SYNC,
        policies::set_policy,
    ),
    write(
        "Set-ActiveSyncOrganizationSettings",
        "Microsoft.Exchange.Management.Tasks.SetActiveSyncOrganizationSettings",
        &[
            "Identity",
            "AdminMailRecipients",
            "DefaultAccessLevel",
            "OtaNotificationMailInsert",
            "UserMailInsert",
        ],
        writes::set_organization_settings,
    ),
    alone(write(
        "Set-ADServerSettings",
        "Microsoft.Exchange.Management.SystemConfigurationTasks.SetADServerSettings",
        &[
            "ConfigurationDomainController",
            "PreferredGlobalCatalog",
            "PreferredServer",
            "RecipientViewRoot",
            "RunspaceServerSettings",
            "SetPreferredDomainControllers",
            "ViewEntireForest",
        ],
        writes::set_server_settings,
    )),
    write(
        "Set-CASMailbox",
        "Microsoft.Exchange.Management.RecipientTasks.SetCASMailbox",
        &[
            "Identity",
            "ActiveSyncAllowedDeviceIDs",
            "ActiveSyncBlockedDeviceIDs",
            "ActiveSyncDebugLogging",
            "ActiveSyncEnabled",
            "ActiveSyncMailboxPolicy",
            "ResetAutoBlockedDevices",
        ],
        writes::set_cas_mailbox,
    ),
    modern(write(
        "Set-MobileDeviceMailboxPolicy",
        "Microsoft.Exchange.Management.Tasks.SetMobileDeviceMailboxPolicy",
        policies::SET_MOBILE,
        policies::set_policy,
    )),
];
