//! What each feature is made of: cmdlets, and of each the parameters that are used.

use domain::Setting;

use super::Feature;
use crate::{Family, cmdlet::SELECT, settings};

/// A cmdlet that a feature is made of, with exactly the parameters that are used of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CmdletNeed {
    /// `Clear-MobileDevice`
    pub cmdlet: &'static str,
    /// Without these the feature is not there.
    pub needed: &'static [&'static str],
    /// Without these the feature is there, but poorer.
    pub useful: &'static [&'static str],
    /// Whether the feature is there, but poorer, without the cmdlet.
    pub is_optional: bool,
    /// A cmdlet that serves, but worse, where this one is not there.
    pub stand_in: Option<&'static str>,
    /// The built-in management role that most probably holds it; `None` if no role does. Only where
    /// to look first: which role holds a cmdlet differs from version to version, and nobody
    /// publishes the list for each, so Exchange itself is asked.
    pub role: Option<&'static str>,
}

impl CmdletNeed {
    const fn of(
        cmdlet: &'static str,
        needed: &'static [&'static str],
        useful: &'static [&'static str],
        role: &'static str,
    ) -> Self {
        Self { cmdlet, needed, useful, is_optional: false, stand_in: None, role: Some(role) }
    }

    const fn optional(self) -> Self {
        Self { is_optional: true, ..self }
    }

    const fn or(self, stand_in: &'static str) -> Self {
        Self { stand_in: Some(stand_in), ..self }
    }

    /// The cmdlet, and what stands in for it.
    pub(crate) fn cmdlets(&self) -> impl Iterator<Item = &'static str> + use<> {
        [self.cmdlet].into_iter().chain(self.stand_in)
    }

    /// Every parameter that is used: those that are needed first.
    pub fn parameters(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.needed.iter().chain(self.useful).copied()
    }
}

const VIEW_RECIPIENTS: &str = "View-Only Recipients";
const VIEW_CONFIGURATION: &str = "View-Only Configuration";
const VIEW_AUDIT: &str = "View-Only Audit Logs";
const MAIL_RECIPIENTS: &str = "Mail Recipients";
const CLIENT_ACCESS: &str = "Organization Client Access";
const RECIPIENT_POLICIES: &str = "Recipient Policies";

/// Roles in which a cmdlet is looked for first; of roles that serve as well as each other, the
/// first is taken. Those that change least stand first.
pub(super) const PREFERRED_ROLES: [&str; 5] =
    [VIEW_RECIPIENTS, VIEW_CONFIGURATION, MAIL_RECIPIENTS, RECIPIENT_POLICIES, CLIENT_ACCESS];

/// What a feature is made of in a family of names. Empty where the family does not know it.
#[must_use]
pub fn needs(feature: Feature, family: Family) -> &'static [CmdletNeed] {
    use Family::{ActiveSync, MobileDevice};
    match (feature, family) {
        (Feature::Inventory, MobileDevice) => const { &[list("Get-MobileDevice")] },
        (Feature::Inventory, ActiveSync) => const { &[list("Get-ActiveSyncDevice")] },
        (Feature::Statistics, MobileDevice) => {
            const { &[statistics("Get-MobileDeviceStatistics")] }
        }
        (Feature::Statistics, ActiveSync) => {
            const { &[statistics("Get-ActiveSyncDeviceStatistics")] }
        }
        (Feature::RecipientsScope, MobileDevice) => {
            const { &[scoped("Get-MobileDevice"), scoped("Get-CASMailbox")] }
        }
        (Feature::RecipientsScope, ActiveSync) => {
            const { &[scoped("Get-ActiveSyncDevice"), scoped("Get-CASMailbox")] }
        }
        (Feature::Wipe, MobileDevice) => const { &[wipe("Clear-MobileDevice")] },
        (Feature::Wipe, ActiveSync) => const { &[wipe("Clear-ActiveSyncDevice")] },
        (Feature::WipeAccount, MobileDevice) => &WIPE_ACCOUNT,
        (Feature::WipeAccount, ActiveSync) => &[],
        (Feature::Forget, MobileDevice) => const { &[forget("Remove-MobileDevice")] },
        (Feature::Forget, ActiveSync) => const { &[forget("Remove-ActiveSyncDevice")] },
        (Feature::SettingsRead, MobileDevice) => const { &[read("Get-MobileDeviceMailboxPolicy")] },
        (Feature::SettingsRead, ActiveSync) => const { &[read("Get-ActiveSyncMailboxPolicy")] },
        (Feature::SettingsWrite, MobileDevice) => &MOBILE_DEVICE_SETTINGS,
        (Feature::SettingsWrite, ActiveSync) => &ACTIVE_SYNC_SETTINGS,
        (Feature::Owners, _) => &OWNERS,
        (Feature::Servers, _) => &SERVERS,
        (Feature::Forest, _) => &FOREST,
        (Feature::Selection, _) => &SELECTION,
        (Feature::Exemptions, _) => &EXEMPTIONS,
        (Feature::AccessRulesRead, _) => &ACCESS_RULES_READ,
        (Feature::AccessRulesWrite, _) => &ACCESS_RULES_WRITE,
        (Feature::OrganizationSettingsRead, _) => &ORGANIZATION_SETTINGS_READ,
        (Feature::OrganizationSettingsWrite, _) => &ORGANIZATION_SETTINGS_WRITE,
        (Feature::PolicyAssignment, _) => &POLICY_ASSIGNMENT,
        (Feature::AutoblockRead, MobileDevice) => {
            const { &[read("Get-ActiveSyncDeviceAutoblockThreshold")] }
        }
        (Feature::AutoblockRead, ActiveSync) => &[],
        (Feature::Writers, _) => &WRITERS,
    }
}

/// Everything that any feature is made of, in both families of names.
pub(crate) fn needs_of_every_feature() -> impl Iterator<Item = (Feature, &'static CmdletNeed)> {
    Feature::ALL.into_iter().flat_map(|feature| {
        let both = [Family::MobileDevice, Family::ActiveSync].into_iter();
        both.flat_map(move |family| needs(feature, family)).map(move |need| (feature, need))
    })
}

const fn list(cmdlet: &'static str) -> CmdletNeed {
    CmdletNeed::of(cmdlet, &["ResultSize"], &["Identity", "Mailbox", "Filter"], VIEW_RECIPIENTS)
}

const fn statistics(cmdlet: &'static str) -> CmdletNeed {
    CmdletNeed::of(cmdlet, &["Identity"], &["Mailbox"], VIEW_RECIPIENTS)
}

const fn scoped(cmdlet: &'static str) -> CmdletNeed {
    CmdletNeed::of(cmdlet, &["OrganizationalUnit", "Filter"], &[], VIEW_RECIPIENTS)
}

const fn wipe(cmdlet: &'static str) -> CmdletNeed {
    let useful = &["Cancel", "NotificationEmailAddresses"];
    CmdletNeed::of(cmdlet, &["Identity", "Confirm"], useful, MAIL_RECIPIENTS)
}

const fn forget(cmdlet: &'static str) -> CmdletNeed {
    CmdletNeed::of(cmdlet, &["Identity", "Confirm"], &[], MAIL_RECIPIENTS)
}

const fn read(cmdlet: &'static str) -> CmdletNeed {
    CmdletNeed::of(cmdlet, &[], &["Identity"], VIEW_CONFIGURATION)
}

const OWNERS: [CmdletNeed; 1] =
    [CmdletNeed::of("Get-CASMailbox", &["ResultSize", "Filter"], &["Identity"], VIEW_RECIPIENTS)
        .or("Get-Mailbox")];

const SERVERS: [CmdletNeed; 1] =
    [CmdletNeed::of("Get-ExchangeServer", &[], &[], VIEW_CONFIGURATION)];

const FOREST: [CmdletNeed; 1] =
    [CmdletNeed::of("Set-ADServerSettings", &["ViewEntireForest"], &[], VIEW_RECIPIENTS)];

/// No role holds it: PowerShell's own remoting brings it.
const SELECTION: [CmdletNeed; 1] =
    [CmdletNeed { role: None, ..CmdletNeed::of(SELECT, &["Property"], &[], "") }];

const EXEMPTIONS: [CmdletNeed; 1] = [CmdletNeed::of(
    "Set-CASMailbox",
    &["Identity", "Confirm", "ActiveSyncAllowedDeviceIDs", "ActiveSyncBlockedDeviceIDs"],
    &[],
    MAIL_RECIPIENTS,
)];

const WIPE_ACCOUNT: [CmdletNeed; 1] = [CmdletNeed::of(
    "Clear-MobileDevice",
    &["Identity", "Confirm", "AccountOnly"],
    &["NotificationEmailAddresses"],
    MAIL_RECIPIENTS,
)];

const ACCESS_RULES_READ: [CmdletNeed; 2] = [
    read("Get-ActiveSyncDeviceAccessRule"),
    // Only the list of models to choose from falls away without it.
    CmdletNeed::of("Get-ActiveSyncDeviceClass", &[], &["Filter"], VIEW_CONFIGURATION).optional(),
];

const ACCESS_RULES_WRITE: [CmdletNeed; 3] = [
    CmdletNeed::of(
        "New-ActiveSyncDeviceAccessRule",
        &["AccessLevel", "Characteristic", "QueryString", "Confirm"],
        &[],
        CLIENT_ACCESS,
    ),
    CmdletNeed::of(
        "Set-ActiveSyncDeviceAccessRule",
        &["Identity", "AccessLevel", "Confirm"],
        &[],
        CLIENT_ACCESS,
    ),
    // Configuration Manager's account has no such cmdlet: rules are then changed, never removed.
    CmdletNeed::of(
        "Remove-ActiveSyncDeviceAccessRule",
        &["Identity", "Confirm"],
        &[],
        CLIENT_ACCESS,
    )
    .optional(),
];

const ORGANIZATION_SETTINGS_READ: [CmdletNeed; 1] =
    [CmdletNeed::of("Get-ActiveSyncOrganizationSettings", &[], &[], VIEW_CONFIGURATION)
        .or("Get-OrganizationConfig")];

const ORGANIZATION_SETTINGS_WRITE: [CmdletNeed; 1] = [CmdletNeed::of(
    "Set-ActiveSyncOrganizationSettings",
    &["DefaultAccessLevel", "Confirm"],
    &["Identity", "AdminMailRecipients", "OtaNotificationMailInsert", "UserMailInsert"],
    CLIENT_ACCESS,
)];

const WRITERS: [CmdletNeed; 1] = [CmdletNeed::of(
    "Search-AdminAuditLog",
    &["Cmdlets", "StartDate", "ResultSize"],
    &[],
    VIEW_AUDIT,
)];

const POLICY_ASSIGNMENT: [CmdletNeed; 1] = [CmdletNeed::of(
    "Set-CASMailbox",
    &["Identity", "Confirm", "ActiveSyncMailboxPolicy"],
    &[],
    MAIL_RECIPIENTS,
)];

const MOBILE_DEVICE_SETTINGS: [CmdletNeed; 3] = settings_cmdlets(
    "Set-MobileDeviceMailboxPolicy",
    "New-MobileDeviceMailboxPolicy",
    "Remove-MobileDeviceMailboxPolicy",
    &setting_names(Family::MobileDevice),
);

const ACTIVE_SYNC_SETTINGS: [CmdletNeed; 3] = settings_cmdlets(
    "Set-ActiveSyncMailboxPolicy",
    "New-ActiveSyncMailboxPolicy",
    "Remove-ActiveSyncMailboxPolicy",
    &setting_names(Family::ActiveSync),
);

const fn settings_cmdlets(
    set: &'static str,
    new: &'static str,
    remove: &'static str,
    names: &'static [&'static str],
) -> [CmdletNeed; 3] {
    [
        CmdletNeed::of(set, &["Identity", "Confirm"], names, RECIPIENT_POLICIES),
        CmdletNeed::of(new, &["Name", "Confirm"], names, RECIPIENT_POLICIES).optional(),
        // Without it a policy of our own stays when nobody wants it any more.
        CmdletNeed::of(remove, &["Identity", "Confirm"], &[], RECIPIENT_POLICIES).optional(),
    ]
}

const fn setting_names(family: Family) -> [&'static str; SETTINGS] {
    let mut names = [""; SETTINGS];
    let (mut index, mut count) = (0, 0);
    while index < Setting::ALL.len() {
        let setting = Setting::ALL[index];
        index += 1;
        if !is_hosted(setting) {
            names[count] = settings::name(setting, family);
            count += 1;
        }
    }
    names
}

/// Every setting but those that only hosted Exchange knows.
const SETTINGS: usize = Setting::ALL.len() - 3;

const fn is_hosted(setting: Setting) -> bool {
    matches!(
        setting,
        Setting::AllowApplePush | Setting::AllowGooglePush | Setting::AllowMicrosoftPush
    )
}
