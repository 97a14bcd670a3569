//! Mailbox policies: every setting with its kind, its names and what it is when nobody said.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Mailbox, Organization, generate};
use crate::Dialect;

/// The setting that decides whether clients may connect that cannot carry out everything.
const NON_PROVISIONABLE: &str = "AllowNonProvisionableDevices";

/// A mailbox policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MailboxPolicy {
    pub(crate) guid: Uuid,
    pub(crate) name: String,
    pub(crate) is_default: bool,
    pub(crate) created: Timestamp,
    pub(crate) changed: Timestamp,
    /// What was said, by the name of the setting.
    pub(crate) values: BTreeMap<&'static str, PolicyValue>,
}

/// The value of one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PolicyValue {
    Nothing,
    Flag(bool),
    Number(i32),
    Word(&'static str, i32),
    /// Of any kind that may be without a limit.
    Unlimited,
    Seconds(i64),
    Bytes(i64),
    Texts(Vec<String>),
}

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PolicyKind {
    Flag,
    /// From, to; null as well if the third is true.
    Number(i32, i32, bool),
    /// Type and members, numbered from 0.
    Word(&'static str, &'static [&'static str]),
    UnlimitedNumber(i32, i32),
    /// From and to in seconds.
    UnlimitedSeconds(i64, i64),
    UnlimitedBytes,
    Texts,
}

/// Which family of names a cmdlet has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Since 2013.
    MobileDevice,
    /// As in 2010.
    ActiveSync,
}

/// One setting of a policy.
#[derive(Debug)]
pub(crate) struct PolicySetting {
    /// As the `MobileDevice` cmdlets call it.
    pub(crate) name: &'static str,
    /// As the `ActiveSync` cmdlets call it.
    old_name: &'static str,
    pub(crate) kind: PolicyKind,
    pub(crate) usual: PolicyValue,
    /// Exchange Online alone has it.
    pub(crate) is_of_cloud: bool,
}

impl PolicySetting {
    /// Whether this Exchange has it in the cmdlets of a family.
    pub(crate) const fn is_known(&self, family: Family, dialect: Dialect) -> bool {
        !self.name_in(family).is_empty() && (!self.is_of_cloud || dialect.is_hosted())
    }

    /// What the cmdlets of a family call it.
    pub(crate) const fn name_in(&self, family: Family) -> &'static str {
        match family {
            Family::MobileDevice => self.name,
            Family::ActiveSync => self.old_name,
        }
    }
}

impl MailboxPolicy {
    /// What a setting is.
    pub(crate) fn value<'a>(&'a self, setting: &'a PolicySetting) -> &'a PolicyValue {
        self.values.get(setting.name).unwrap_or(&setting.usual)
    }

    /// Whether clients may connect that cannot carry out everything.
    pub(super) fn allows_non_provisionable(&self) -> bool {
        self.values.get(NON_PROVISIONABLE) != Some(&PolicyValue::Flag(false))
    }

    /// What a policy begins with that nobody said anything about yet: Exchange 2010 is stricter.
    pub(super) fn fresh_values(dialect: Dialect) -> BTreeMap<&'static str, PolicyValue> {
        let mut values = Self::built_in_values(dialect);
        if dialect == Dialect::Exchange2010 {
            values.insert(NON_PROVISIONABLE, PolicyValue::Flag(false));
        }
        values
    }

    /// What the policy begins with that comes with Exchange: every version of it lets clients in
    /// that cannot carry out everything.
    pub(super) fn built_in_values(dialect: Dialect) -> BTreeMap<&'static str, PolicyValue> {
        match dialect {
            Dialect::Exchange2013 | Dialect::ExchangeOnline => BTreeMap::new(),
            Dialect::Exchange2010 => BTreeMap::from([
                ("MinPasswordLength", PolicyValue::Number(4)),
                ("MaxPasswordFailedAttempts", PolicyValue::Number(8)),
                ("MaxInactivityTimeLock", PolicyValue::Seconds(900)),
            ]),
        }
    }

    /// Sets a setting, with what Exchange sets along with it.
    pub(crate) fn set(&mut self, name: &'static str, value: PolicyValue) {
        if name == "RequireStorageCardEncryption" && value == PolicyValue::Flag(true) {
            self.values.insert("DeviceEncryptionEnabled", PolicyValue::Flag(true));
        }
        self.values.insert(name, value);
    }

    pub(crate) fn distinguished_name(&self, organization: &Organization) -> String {
        let (name, parent) = (super::escaped(&self.name), organization.configuration_dn());
        format!("CN={name},CN=Mobile Mailbox Policies,{parent}")
    }

    /// Whether an identity (name, GUID or distinguished name) means this policy.
    pub(crate) fn answers_to(&self, identity: &str) -> bool {
        let beginning = format!("cn={},", super::escaped(&self.name)).to_lowercase();
        self.name.eq_ignore_ascii_case(identity)
            || self.guid.to_string().eq_ignore_ascii_case(identity)
            || identity.to_lowercase().starts_with(&beginning)
    }
}

impl Family {
    /// The family of a cmdlet for policies.
    pub(crate) fn of(cmdlet: &str) -> Self {
        if cmdlet.contains("ActiveSync") { Self::ActiveSync } else { Self::MobileDevice }
    }
}

impl Organization {
    /// A policy of that name as an Exchange of that kind begins it, not yet among the others.
    pub(crate) fn fresh_policy(&mut self, name: String, dialect: Dialect) -> MailboxPolicy {
        let (guid, created) = (self.new_guid(), self.second());
        let values = MailboxPolicy::fresh_values(dialect);
        MailboxPolicy { guid, name, is_default: false, created, changed: created, values }
    }

    /// The policy of a mailbox: the one it was given, else the default.
    pub(crate) fn policy_of(&self, mailbox: &Mailbox) -> &MailboxPolicy {
        self.given_policy(mailbox).unwrap_or_else(|| &self.policies[self.default_policy()])
    }

    /// The policy that a mailbox was given, if it was given one.
    pub(crate) fn given_policy(&self, mailbox: &Mailbox) -> Option<&MailboxPolicy> {
        mailbox.policy.and_then(|index| self.policies.get(usize::from(index)))
    }

    /// INVARIANT: exactly one policy is the default.
    fn default_policy(&self) -> usize {
        self.policies.iter().position(|policy| policy.is_default).unwrap_or(0)
    }

    /// Takes a policy in. There is one default: who was given none has the new one.
    pub(crate) fn add_policy(&mut self, policy: MailboxPolicy) {
        let (guid, is_default) = (policy.guid, policy.is_default);
        self.policies.push(MailboxPolicy { is_default: false, ..policy });
        if is_default {
            self.make_default(guid);
        }
    }

    /// Changes a policy, and what follows from it for every phone.
    pub(crate) fn change_policy(&mut self, guid: Uuid, change: impl FnOnce(&mut MailboxPolicy)) {
        let now = self.second();
        let Some(policy) = self.policies.iter_mut().find(|policy| policy.guid == guid) else {
            return;
        };
        let was_default = policy.is_default;
        change(policy);
        policy.changed = now;
        let becomes_default = policy.is_default && !was_default;
        policy.is_default = was_default;
        if becomes_default {
            self.make_default(guid);
        }
        self.settle_all();
    }

    fn make_default(&mut self, guid: Uuid) {
        for policy in &mut self.policies {
            policy.is_default = policy.guid == guid;
        }
        self.settle_all();
    }

    /// How many mailboxes a policy was given to.
    pub(crate) fn policy_users(&self, guid: Uuid) -> usize {
        let given = |mailbox: &&Mailbox| {
            self.given_policy(mailbox).is_some_and(|policy| policy.guid == guid)
        };
        self.mailboxes.iter().filter(given).count()
    }

    /// Removes a policy that is not the default; who was given it has the default.
    pub(crate) fn remove_policy(&mut self, guid: Uuid) {
        let Some(gone) = self.policies.iter().position(|policy| policy.guid == guid) else {
            return;
        };
        self.policies.remove(gone);
        let gone = u16::try_from(gone).unwrap_or(u16::MAX);
        let changed = generate::whole_second(self.now);
        for mailbox in &mut self.mailboxes {
            match mailbox.policy {
                Some(given) if given == gone => (mailbox.policy, mailbox.changed) = (None, changed),
                Some(given) if given > gone => mailbox.policy = Some(given - 1),
                _ => {}
            }
        }
        self.settle_all();
    }
}

const fn setting(
    name: &'static str,
    old_name: &'static str,
    kind: PolicyKind,
    usual: PolicyValue,
) -> PolicySetting {
    PolicySetting { name, old_name, kind, usual, is_of_cloud: false }
}

const fn flag(name: &'static str, usual: bool) -> PolicySetting {
    setting(name, name, PolicyKind::Flag, PolicyValue::Flag(usual))
}

/// A setting of Exchange Online.
const fn cloud(name: &'static str, old_name: &'static str) -> PolicySetting {
    let (kind, usual) = (PolicyKind::Flag, PolicyValue::Flag(true));
    PolicySetting { name, old_name, kind, usual, is_of_cloud: true }
}

const fn word(
    name: &'static str,
    type_name: &'static str,
    members: &'static [&'static str],
    usual: (&'static str, i32),
) -> PolicySetting {
    let usual = PolicyValue::Word(usual.0, usual.1);
    setting(name, name, PolicyKind::Word(type_name, members), usual)
}

const fn texts(name: &'static str) -> PolicySetting {
    setting(name, name, PolicyKind::Texts, PolicyValue::Texts(Vec::new()))
}

const DAY_SECONDS: i64 = 86_400;

/// Every setting there is, in the order of the reference; those of the cloud last.
pub(crate) static POLICY_SETTINGS: &[PolicySetting] = &[
    word(
        "AllowBluetooth",
        "Microsoft.Exchange.Data.Directory.SystemConfiguration.BluetoothType",
        &["Disable", "HandsfreeOnly", "Allow"],
        ("Allow", 2),
    ),
    flag("AllowBrowser", true),
    flag("AllowCamera", true),
    flag("AllowConsumerEmail", true),
    flag("AllowDesktopSync", true),
    flag("AllowExternalDeviceManagement", false),
    flag("AllowHTMLEmail", true),
    flag("AllowInternetSharing", true),
    flag("AllowIrDA", true),
    flag("AllowMobileOTAUpdate", true),
    flag("AllowNonProvisionableDevices", true),
    flag("AllowPOPIMAPEmail", true),
    flag("AllowRemoteDesktop", true),
    setting(
        "AllowSimplePassword",
        "AllowSimpleDevicePassword",
        PolicyKind::Flag,
        PolicyValue::Flag(true),
    ),
    word(
        "AllowSMIMEEncryptionAlgorithmNegotiation",
        "Microsoft.Exchange.Data.Directory.SystemConfiguration.SMIMEEncryptionAlgorithmNegotiationType",
        &["BlockNegotiation", "OnlyStrongAlgorithmNegotiation", "AllowAnyAlgorithmNegotiation"],
        ("AllowAnyAlgorithmNegotiation", 2),
    ),
    flag("AllowSMIMESoftCerts", true),
    flag("AllowStorageCard", true),
    flag("AllowTextMessaging", true),
    flag("AllowUnsignedApplications", true),
    flag("AllowUnsignedInstallationPackages", true),
    flag("AllowWiFi", true),
    setting(
        "AlphanumericPasswordRequired",
        "AlphanumericDevicePasswordRequired",
        PolicyKind::Flag,
        PolicyValue::Flag(false),
    ),
    texts("ApprovedApplicationList"),
    flag("AttachmentsEnabled", true),
    flag("DeviceEncryptionEnabled", false),
    setting(
        "DevicePolicyRefreshInterval",
        "DevicePolicyRefreshInterval",
        PolicyKind::UnlimitedSeconds(0, i64::MAX),
        PolicyValue::Unlimited,
    ),
    flag("IrmEnabled", true),
    setting(
        "MaxAttachmentSize",
        "MaxAttachmentSize",
        PolicyKind::UnlimitedBytes,
        PolicyValue::Unlimited,
    ),
    word(
        "MaxCalendarAgeFilter",
        "Microsoft.Exchange.Data.Directory.SystemConfiguration.CalendarAgeFilterType",
        &["All", "", "", "", "TwoWeeks", "OneMonth", "ThreeMonths", "SixMonths"],
        ("All", 0),
    ),
    word(
        "MaxEmailAgeFilter",
        "Microsoft.Exchange.Data.Directory.SystemConfiguration.EmailAgeFilterType",
        &["All", "OneDay", "ThreeDays", "OneWeek", "TwoWeeks", "OneMonth"],
        ("All", 0),
    ),
    setting(
        "MaxEmailBodyTruncationSize",
        "MaxEmailBodyTruncationSize",
        PolicyKind::UnlimitedNumber(0, i32::MAX),
        PolicyValue::Unlimited,
    ),
    setting(
        "MaxEmailHTMLBodyTruncationSize",
        "MaxEmailHTMLBodyTruncationSize",
        PolicyKind::UnlimitedNumber(0, i32::MAX),
        PolicyValue::Unlimited,
    ),
    setting(
        "MaxInactivityTimeLock",
        "MaxInactivityTimeDeviceLock",
        PolicyKind::UnlimitedSeconds(60, 3_600),
        PolicyValue::Unlimited,
    ),
    setting(
        "MaxPasswordFailedAttempts",
        "MaxDevicePasswordFailedAttempts",
        PolicyKind::UnlimitedNumber(4, 16),
        PolicyValue::Unlimited,
    ),
    setting(
        "MinPasswordComplexCharacters",
        "MinDevicePasswordComplexCharacters",
        PolicyKind::Number(1, 4, false),
        PolicyValue::Number(1),
    ),
    setting(
        "MinPasswordLength",
        "MinDevicePasswordLength",
        PolicyKind::Number(1, 16, true),
        PolicyValue::Nothing,
    ),
    setting("PasswordEnabled", "DevicePasswordEnabled", PolicyKind::Flag, PolicyValue::Flag(false)),
    setting(
        "PasswordExpiration",
        "DevicePasswordExpiration",
        PolicyKind::UnlimitedSeconds(DAY_SECONDS, 730 * DAY_SECONDS),
        PolicyValue::Unlimited,
    ),
    setting(
        "PasswordHistory",
        "DevicePasswordHistory",
        PolicyKind::Number(0, 50, false),
        PolicyValue::Number(0),
    ),
    flag("PasswordRecoveryEnabled", false),
    flag("RequireDeviceEncryption", false),
    flag("RequireEncryptedSMIMEMessages", false),
    word(
        "RequireEncryptionSMIMEAlgorithm",
        "Microsoft.Exchange.Data.Directory.SystemConfiguration.EncryptionSMIMEAlgorithmType",
        &["TripleDES", "DES", "RC2128bit", "RC264bit", "RC240bit"],
        ("TripleDES", 0),
    ),
    flag("RequireManualSyncWhenRoaming", false),
    word(
        "RequireSignedSMIMEAlgorithm",
        "Microsoft.Exchange.Data.Directory.SystemConfiguration.SignedSMIMEAlgorithmType",
        &["SHA1", "MD5"],
        ("SHA1", 0),
    ),
    flag("RequireSignedSMIMEMessages", false),
    flag("RequireStorageCardEncryption", false),
    texts("UnapprovedInROMApplicationList"),
    flag("UNCAccessEnabled", true),
    flag("WSSAccessEnabled", true),
    cloud("AllowApplePushNotifications", "AllowApplePushNotifications"),
    cloud("AllowGooglePushNotifications", ""),
    cloud("AllowMicrosoftPushNotifications", ""),
];
