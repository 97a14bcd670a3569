//! Every setting there is.

use super::{
    Generation, Kind, SettingValue, SettingsGroup, Unit,
    value::InsteadOfNumber::{Unlimited, Unset},
};

/// What is known of a setting.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// The word in files, URLs and tables; unique within its group.
    word: &'static str,
    group: Option<SettingsGroup>,
    /// As people read it.
    pub title: &'static str,
    /// What it takes.
    pub kind: Kind,
    usual: Usual,
    /// Which of today's clients still obey it, in one clause.
    pub obeyed_by: &'static str,
}

/// What a setting is when nobody said.
#[derive(Debug, Clone, Copy)]
enum Usual {
    Flag(bool),
    /// True on Exchange 2013 and newer, false on 2010.
    NewerAlone,
    Number(i64),
    Choice(&'static str),
    NoTexts,
    NoLimit,
    /// No limit on Exchange 2013 and newer; so many on 2010.
    LimitOfOld(i64),
    /// So many seconds on 2010.
    SpanOfOld(i64),
    /// Nothing on Exchange 2013 and newer; so many on 2010.
    NumberOfOld(i64),
}

macro_rules! settings {
    ($($variant:ident: $about:expr,)+) => {
        /// A setting of a mailbox policy.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Setting {
            $(#[doc = concat!("`", stringify!($variant), "`: see [`Setting::about`].")] $variant,)+
        }

        impl Setting {
            /// Every setting, in the order they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// What is known of it.
            #[must_use]
            pub const fn about(self) -> &'static About {
                match self { $(Self::$variant => const { &$about },)+ }
            }
        }
    };
}

const fn setting(
    group: SettingsGroup,
    word: &'static str,
    title: &'static str,
    kind: Kind,
    usual: Usual,
) -> About {
    About { word, group: Some(group), title, kind, usual, obeyed_by: MOST }
}

const fn flag(group: SettingsGroup, word: &'static str, title: &'static str, usual: bool) -> About {
    setting(group, word, title, Kind::Flag, Usual::Flag(usual))
}

impl About {
    const fn obeyed_by(self, clients: &'static str) -> Self {
        Self { obeyed_by: clients, ..self }
    }
}

const MOST: &str = "native mail apps; not Outlook for iOS and Android";
const ALSO_OUTLOOK: &str = "native mail apps and Outlook for iOS and Android";
const WINDOWS_MOBILE: &str = "Windows Mobile 6 alone, which nobody has any more";
const SERVER: &str = "Exchange itself, whatever the client";

const fn number(from: i64, to: i64) -> Kind {
    Kind::Number { from, to, or: None }
}

const fn span(from: i64, to: i64, unit: Unit) -> Kind {
    Kind::Span { from: [from, from], to, unit }
}

const DAY: i64 = 86_400;
/// The largest number that Exchange's 32 bits hold.
const MOST_32: i64 = 2_147_483_647;
/// In bytes since 2013, in kilobytes before.
const TRUNCATION: Kind =
    Kind::Size { to: [MOST_32, MOST_32 * 1_024], is_in_kilobytes_of_old: true };
const MOST_ATTACHMENT: i64 = 2_147_482_624;

use SettingsGroup::{Additional, Application, EmailManagement, General, Password, Security};

settings! {
    AllowInternetSharing: flag(General, "allow_internet_sharing", "Internet sharing", true),
    AllowDesktopSync: flag(General, "allow_desktop_sync", "Synchronization with a desktop", true)
        .obeyed_by(WINDOWS_MOBILE),
    AllowNonProvisionableDevices: setting(
        General,
        "allow_non_provisionable_devices",
        "Devices that cannot enforce every setting",
        Kind::Flag,
        Usual::NewerAlone,
    )
    .obeyed_by(SERVER),
    RefreshInterval: setting(
        General,
        "refresh_interval",
        "Time after which a device fetches the policy again",
        span(1, 3_650 * DAY, Unit::Hours),
        Usual::NoLimit,
    )
    .obeyed_by(SERVER),
    AllowExternalDeviceManagement: About {
        group: None,
        ..flag(General, "allow_external_device_management", "Management by another product", false)
            .obeyed_by(SERVER)
    },

    PasswordRequired: flag(Password, "required", "A password is required", false)
        .obeyed_by(ALSO_OUTLOOK),
    MinimumPasswordLength: setting(
        Password,
        "minimum_length",
        "Minimum length",
        Kind::Number { from: 1, to: 16, or: Some(Unset) },
        Usual::NumberOfOld(4),
    )
    .obeyed_by("native mail apps, and Outlook for Android"),
    PasswordExpiration: setting(
        Password,
        "expiration",
        "Expires after",
        span(DAY, 730 * DAY, Unit::Days),
        Usual::NoLimit,
    ),
    PasswordHistory: setting(
        Password,
        "history",
        "Passwords that are remembered",
        number(0, 50),
        Usual::Number(0),
    ),
    FailedAttemptsBeforeWipe: setting(
        Password,
        "failed_attempts_before_wipe",
        "Failed attempts before the device erases itself",
        Kind::Number { from: 4, to: 16, or: Some(Unlimited) },
        Usual::LimitOfOld(8),
    ),
    IdleTimeBeforeLock: setting(
        Password,
        "idle_time_before_lock",
        "Idle time before the device locks",
        Kind::Span { from: [60, 30], to: 3_600, unit: Unit::Minutes },
        Usual::SpanOfOld(900),
    ),
    PasswordComplexity: setting(
        Password,
        "complexity",
        "Complexity: pin takes digits, strong takes letters too",
        Kind::Choice(&["pin", "strong"]),
        Usual::Choice("pin"),
    )
    .obeyed_by("native mail apps; Android 10 and newer as one of three levels"),
    MinimumCharacterSets: setting(
        Password,
        "minimum_character_sets",
        "Kinds of characters in a strong password",
        number(1, 4),
        Usual::Number(1),
    )
    .obeyed_by("native mail apps; not Android 10 and newer"),
    AllowSimplePassword: flag(Password, "allow_simple", "Simple passwords such as 1234", true),
    PasswordRecovery: flag(
        Password,
        "recovery",
        "The recovery password is kept in Exchange",
        false,
    )
    .obeyed_by(WINDOWS_MOBILE),

    AllowConsumerEmail: flag(
        EmailManagement,
        "allow_consumer_email",
        "Personal mail accounts",
        true,
    )
    .obeyed_by("few native mail apps"),
    MaximumEmailAge: setting(
        EmailManagement,
        "maximum_email_age",
        "Mail that is synchronized",
        Kind::Choice(&["all", "one-day", "three-days", "one-week", "two-weeks", "one-month"]),
        Usual::Choice("all"),
    ),
    MaximumCalendarAge: setting(
        EmailManagement,
        "maximum_calendar_age",
        "Appointments that are synchronized",
        Kind::Choice(&["all", "two-weeks", "one-month", "three-months", "six-months"]),
        Usual::Choice("all"),
    ),
    PushWhenRoaming: flag(EmailManagement, "push_when_roaming", "Push while roaming", true),
    AllowHtmlEmail: flag(EmailManagement, "allow_html_email", "HTML mail", true),
    MaximumTextSize: setting(
        EmailManagement,
        "maximum_text_size",
        "Size at which plain text is cut off",
        TRUNCATION,
        Usual::NoLimit,
    ),
    MaximumHtmlSize: setting(
        EmailManagement,
        "maximum_html_size",
        "Size at which HTML is cut off",
        TRUNCATION,
        Usual::NoLimit,
    ),
    AllowAttachments: flag(EmailManagement, "allow_attachments", "Attachments", true),
    MaximumAttachmentSize: setting(
        EmailManagement,
        "maximum_attachment_size",
        "Largest attachment",
        Kind::Size { to: [MOST_ATTACHMENT; 2], is_in_kilobytes_of_old: false },
        Usual::NoLimit,
    ),

    AllowRemoteDesktop: flag(Security, "allow_remote_desktop", "Remote desktop", true)
        .obeyed_by(WINDOWS_MOBILE),
    AllowStorageCard: flag(Security, "allow_storage_card", "Storage cards", true)
        .obeyed_by("Android devices of some makers"),
    AllowCamera: flag(Security, "allow_camera", "Camera", true),
    Bluetooth: setting(
        Security,
        "bluetooth",
        "Bluetooth",
        Kind::Choice(&["disable", "handsfree-only", "allow"]),
        Usual::Choice("allow"),
    )
    .obeyed_by("few native mail apps; Outlook keeps watches from synchronizing"),
    AllowWifi: flag(Security, "allow_wifi", "Wi-Fi", true).obeyed_by("few native mail apps"),
    AllowInfrared: flag(Security, "allow_infrared", "Infrared", true).obeyed_by(WINDOWS_MOBILE),
    AllowBrowser: flag(Security, "allow_browser", "The browser that came with the device", true)
        .obeyed_by("few native mail apps, and never for other browsers"),
    RequireStorageCardEncryption: flag(
        Security,
        "require_storage_card_encryption",
        "Storage cards are encrypted",
        false,
    )
    .obeyed_by("Android devices of some makers"),
    RequireDeviceEncryption: flag(
        Security,
        "require_device_encryption",
        "The device is encrypted",
        false,
    )
    .obeyed_by(ALSO_OUTLOOK),
    DeviceEncryptionEnabled: flag(
        Security,
        "device_encryption",
        "Encryption is switched on (follows the two above)",
        false,
    )
    .obeyed_by(ALSO_OUTLOOK),
    AllowTextMessages: flag(Security, "allow_text_messages", "Text messages", true)
        .obeyed_by("few native mail apps"),

    AllowUnsignedInstallation: flag(
        Application,
        "allow_unsigned_installation",
        "Installation of unsigned packages",
        true,
    )
    .obeyed_by(WINDOWS_MOBILE),
    AllowUnsignedApplications: flag(
        Application,
        "allow_unsigned_applications",
        "Unsigned applications",
        true,
    )
    .obeyed_by(WINDOWS_MOBILE),
    BlockedApplications: setting(
        Application,
        "blocked_applications",
        "Built-in applications that are blocked",
        Kind::Texts,
        Usual::NoTexts,
    )
    .obeyed_by(WINDOWS_MOBILE),

    ApprovedApplications: setting(
        Additional,
        "approved_applications",
        "Applications that may run, with their hashes",
        Kind::Texts,
        Usual::NoTexts,
    )
    .obeyed_by(WINDOWS_MOBILE),
    AllowPopImapEmail: flag(Additional, "allow_pop_imap_email", "POP and IMAP accounts", true)
        .obeyed_by("few native mail apps"),
    AllowOverTheAirUpdate: flag(
        Additional,
        "allow_over_the_air_update",
        "The policy is updated over the mobile network",
        true,
    ),
    AllowRightsManagement: flag(
        Additional,
        "allow_rights_management",
        "Mail protected by rights management",
        true,
    )
    .obeyed_by(SERVER),
    AllowSmimeSoftwareCertificates: flag(
        Additional,
        "allow_smime_software_certificates",
        "Software certificates for S/MIME",
        true,
    ),
    SmimeNegotiation: setting(
        Additional,
        "smime_negotiation",
        "Negotiation of the S/MIME algorithm",
        Kind::Choice(&["block", "strong-only", "any"]),
        Usual::Choice("any"),
    ),
    RequireEncryptedSmime: flag(
        Additional,
        "require_encrypted_smime",
        "S/MIME mail is encrypted",
        false,
    ),
    RequireSignedSmime: flag(Additional, "require_signed_smime", "S/MIME mail is signed", false),
    SmimeEncryption: setting(
        Additional,
        "smime_encryption",
        "Algorithm for encrypting S/MIME",
        Kind::Choice(&["triple-des", "des", "rc2-40", "rc2-64", "rc2-128"]),
        Usual::Choice("triple-des"),
    ),
    SmimeSigning: setting(
        Additional,
        "smime_signing",
        "Algorithm for signing S/MIME",
        Kind::Choice(&["sha1", "md5"]),
        Usual::Choice("sha1"),
    ),
    AllowFileShares: flag(Additional, "allow_file_shares", "Windows file shares", true)
        .obeyed_by(SERVER),
    AllowSharePoint: flag(Additional, "allow_sharepoint", "SharePoint libraries", true)
        .obeyed_by(SERVER),
    AllowApplePush: flag(
        Additional,
        "allow_apple_push",
        "Push to Outlook for iOS (hosted Exchange)",
        true,
    )
    .obeyed_by(SERVER),
    AllowGooglePush: flag(
        Additional,
        "allow_google_push",
        "Push to Outlook for Android (hosted Exchange)",
        true,
    )
    .obeyed_by(SERVER),
    AllowMicrosoftPush: flag(
        Additional,
        "allow_microsoft_push",
        "Push to Outlook for Windows (hosted Exchange)",
        true,
    )
    .obeyed_by(SERVER),
}

impl Setting {
    /// The group it is managed with; `None` for the one that stands alone.
    #[must_use]
    pub const fn group(self) -> Option<SettingsGroup> {
        self.about().group
    }

    /// The word in files, unique within its group.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.about().word
    }

    /// Group and word: `password.minimum_length`.
    #[must_use]
    pub fn path(self) -> String {
        match self.group() {
            Some(group) => format!("{group}.{}", self.word()),
            None => self.word().to_owned(),
        }
    }

    /// The setting of a path, as [`Setting::path`] writes it.
    #[must_use]
    pub fn from_path(path: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|setting| setting.path() == path)
    }

    /// The setting of a group with a word.
    #[must_use]
    pub fn of(group: Option<SettingsGroup>, word: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|setting| setting.group() == group && setting.word() == word)
    }

    /// What it is when nobody said: Exchange's default for a new policy.
    #[must_use]
    pub fn usual(self, generation: Generation) -> SettingValue {
        let is_old = generation == Generation::Of2010;
        match self.about().usual {
            Usual::Flag(value) => SettingValue::Flag(value),
            Usual::NewerAlone => SettingValue::Flag(!is_old),
            Usual::Number(number) => SettingValue::Number(number),
            Usual::Choice(word) => SettingValue::Choice(word.to_owned()),
            Usual::NumberOfOld(number) | Usual::LimitOfOld(number) if is_old => {
                SettingValue::Number(number)
            }
            Usual::SpanOfOld(seconds) if is_old => SettingValue::Seconds(seconds),
            Usual::NumberOfOld(_) => SettingValue::Unset,
            Usual::NoTexts => SettingValue::Texts(Vec::new()),
            Usual::NoLimit | Usual::LimitOfOld(_) | Usual::SpanOfOld(_) => SettingValue::Unlimited,
        }
    }
}
