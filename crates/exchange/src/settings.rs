//! What Exchange calls the settings of a mailbox policy, and how it writes their values.
//!
//! Values come back as Exchange prints them (`Unlimited`, `00:15:00`, `1 MB (1,048,576 bytes)`) and
//! are compared by what they mean. Units differ: what 2010 counts in kilobytes is bytes since 2013.

use domain::{
    Setting, SettingValue,
    settings::{InsteadOfNumber, Kind},
    wish::SettingStep,
};

use crate::{Argument, Family, Value};

/// What a setting is called: by the `MobileDevice` cmdlets and by the `ActiveSync` ones.
pub(crate) const fn names(setting: Setting) -> (&'static str, &'static str) {
    const fn same(name: &'static str) -> (&'static str, &'static str) {
        (name, name)
    }
    match setting {
        Setting::AllowInternetSharing => same("AllowInternetSharing"),
        Setting::AllowDesktopSync => same("AllowDesktopSync"),
        Setting::AllowNonProvisionableDevices => same("AllowNonProvisionableDevices"),
        Setting::RefreshInterval => same("DevicePolicyRefreshInterval"),
        Setting::AllowExternalDeviceManagement => same("AllowExternalDeviceManagement"),
        Setting::PasswordRequired => ("PasswordEnabled", "DevicePasswordEnabled"),
        Setting::MinimumPasswordLength => ("MinPasswordLength", "MinDevicePasswordLength"),
        Setting::PasswordExpiration => ("PasswordExpiration", "DevicePasswordExpiration"),
        Setting::PasswordHistory => ("PasswordHistory", "DevicePasswordHistory"),
        Setting::FailedAttemptsBeforeWipe => {
            ("MaxPasswordFailedAttempts", "MaxDevicePasswordFailedAttempts")
        }
        Setting::IdleTimeBeforeLock => ("MaxInactivityTimeLock", "MaxInactivityTimeDeviceLock"),
        Setting::PasswordComplexity => {
            ("AlphanumericPasswordRequired", "AlphanumericDevicePasswordRequired")
        }
        Setting::MinimumCharacterSets => {
            ("MinPasswordComplexCharacters", "MinDevicePasswordComplexCharacters")
        }
        Setting::AllowSimplePassword => ("AllowSimplePassword", "AllowSimpleDevicePassword"),
        Setting::PasswordRecovery => same("PasswordRecoveryEnabled"),
        Setting::AllowConsumerEmail => same("AllowConsumerEmail"),
        Setting::MaximumEmailAge => same("MaxEmailAgeFilter"),
        Setting::MaximumCalendarAge => same("MaxCalendarAgeFilter"),
        Setting::PushWhenRoaming => same("RequireManualSyncWhenRoaming"),
        Setting::AllowHtmlEmail => same("AllowHTMLEmail"),
        Setting::MaximumTextSize => same("MaxEmailBodyTruncationSize"),
        Setting::MaximumHtmlSize => same("MaxEmailHTMLBodyTruncationSize"),
        Setting::AllowAttachments => same("AttachmentsEnabled"),
        Setting::MaximumAttachmentSize => same("MaxAttachmentSize"),
        Setting::AllowRemoteDesktop => same("AllowRemoteDesktop"),
        Setting::AllowStorageCard => same("AllowStorageCard"),
        Setting::AllowCamera => same("AllowCamera"),
        Setting::Bluetooth => same("AllowBluetooth"),
        Setting::AllowWifi => same("AllowWiFi"),
        Setting::AllowInfrared => same("AllowIrDA"),
        Setting::AllowBrowser => same("AllowBrowser"),
        Setting::RequireStorageCardEncryption => same("RequireStorageCardEncryption"),
        Setting::RequireDeviceEncryption => same("RequireDeviceEncryption"),
        Setting::DeviceEncryptionEnabled => same("DeviceEncryptionEnabled"),
        Setting::AllowTextMessages => same("AllowTextMessaging"),
        Setting::AllowUnsignedInstallation => same("AllowUnsignedInstallationPackages"),
        Setting::AllowUnsignedApplications => same("AllowUnsignedApplications"),
        Setting::BlockedApplications => same("UnapprovedInROMApplicationList"),
        Setting::ApprovedApplications => same("ApprovedApplicationList"),
        Setting::AllowPopImapEmail => same("AllowPOPIMAPEmail"),
        Setting::AllowOverTheAirUpdate => same("AllowMobileOTAUpdate"),
        Setting::AllowRightsManagement => same("IrmEnabled"),
        Setting::AllowSmimeSoftwareCertificates => same("AllowSMIMESoftCerts"),
        Setting::SmimeNegotiation => same("AllowSMIMEEncryptionAlgorithmNegotiation"),
        Setting::RequireEncryptedSmime => same("RequireEncryptedSMIMEMessages"),
        Setting::RequireSignedSmime => same("RequireSignedSMIMEMessages"),
        Setting::SmimeEncryption => same("RequireEncryptionSMIMEAlgorithm"),
        Setting::SmimeSigning => same("RequireSignedSMIMEAlgorithm"),
        Setting::AllowFileShares => same("UNCAccessEnabled"),
        Setting::AllowSharePoint => same("WSSAccessEnabled"),
        Setting::AllowApplePush => same("AllowApplePushNotifications"),
        Setting::AllowGooglePush => same("AllowGooglePushNotifications"),
        Setting::AllowMicrosoftPush => same("AllowMicrosoftPushNotifications"),
    }
}

/// What a setting is called in a family.
pub(crate) const fn name(setting: Setting, family: Family) -> &'static str {
    match family {
        Family::MobileDevice => names(setting).0,
        Family::ActiveSync => names(setting).1,
    }
}

/// Our words of a choice, each with Exchange's.
const fn words(setting: Setting) -> &'static [(&'static str, &'static str)] {
    match setting {
        Setting::MaximumEmailAge => &[
            ("all", "All"),
            ("one-day", "OneDay"),
            ("three-days", "ThreeDays"),
            ("one-week", "OneWeek"),
            ("two-weeks", "TwoWeeks"),
            ("one-month", "OneMonth"),
        ],
        Setting::MaximumCalendarAge => &[
            ("all", "All"),
            ("two-weeks", "TwoWeeks"),
            ("one-month", "OneMonth"),
            ("three-months", "ThreeMonths"),
            ("six-months", "SixMonths"),
        ],
        Setting::Bluetooth => {
            &[("disable", "Disable"), ("handsfree-only", "HandsfreeOnly"), ("allow", "Allow")]
        }
        Setting::SmimeNegotiation => &[
            ("block", "BlockNegotiation"),
            ("strong-only", "OnlyStrongAlgorithmNegotiation"),
            ("any", "AllowAnyAlgorithmNegotiation"),
        ],
        Setting::SmimeEncryption => &[
            ("triple-des", "TripleDES"),
            ("des", "DES"),
            ("rc2-40", "RC240bit"),
            ("rc2-64", "RC264bit"),
            ("rc2-128", "RC2128bit"),
        ],
        Setting::SmimeSigning => &[("sha1", "SHA1"), ("md5", "MD5")],
        _ => &[],
    }
}

/// Whether Exchange counts in kilobytes what it cuts off.
const fn is_in_kilobytes(kind: Kind, family: Family) -> bool {
    matches!((kind, family), (Kind::Size { is_in_kilobytes_of_old: true, .. }, Family::ActiveSync))
}

/// The argument that gives a setting its value; `None` for a list that is so already.
pub(crate) fn argument(step: &SettingStep, family: Family) -> Option<Argument> {
    let setting = step.setting;
    let kind = setting.about().kind;
    Some(match &step.after {
        SettingValue::Flag(value) if setting == Setting::PushWhenRoaming => Argument::Bool(!value),
        SettingValue::Flag(value) => Argument::Bool(*value),
        SettingValue::Choice(word) if setting == Setting::PasswordComplexity => {
            Argument::Bool(word == STRONG)
        }
        SettingValue::Choice(word) => {
            let theirs = words(setting).iter().find(|(ours, _)| ours == word);
            Argument::Text(theirs.map_or(word.as_str(), |(_, theirs)| theirs).to_owned())
        }
        SettingValue::Number(number) => Argument::Int(*number),
        SettingValue::Unlimited => Argument::Text(UNLIMITED.to_owned()),
        SettingValue::Unset => Argument::Null,
        SettingValue::Seconds(seconds) => Argument::Text(time_span(*seconds)),
        SettingValue::Bytes(bytes) if is_in_kilobytes(kind, family) => Argument::Int(bytes >> 10),
        SettingValue::Bytes(bytes) => match kind {
            Kind::Size { is_in_kilobytes_of_old: true, .. } => Argument::Int(*bytes),
            _ => Argument::Text(format!("{bytes}B")),
        },
        SettingValue::Texts(after) => {
            let before = match &step.before {
                Some(SettingValue::Texts(before)) => before.as_slice(),
                _ => &[],
            };
            return edit(before, after);
        }
    })
}

/// What comes and what goes, so that nothing is overwritten that somebody else added meanwhile.
/// `None` where nothing does.
pub(crate) fn edit(before: &[String], after: &[String]) -> Option<Argument> {
    let without = |these: &[String], those: &[String]| -> Vec<String> {
        let is_there = |text: &&String| {
            let text = text.to_lowercase();
            those.iter().any(|other| other.to_lowercase() == text)
        };
        these.iter().filter(|text| !is_there(text)).cloned().collect()
    };
    let (add, remove) = (without(after, before), without(before, after));
    let is_so = add.is_empty() && remove.is_empty();
    (!is_so).then_some(Argument::Edit { add, remove })
}

const UNLIMITED: &str = "Unlimited";
const STRONG: &str = "strong";

/// The value that a property says; `None` where it is not understood at all.
pub(crate) fn value(setting: Setting, found: &Value, family: Family) -> Option<SettingValue> {
    let kind = setting.about().kind;
    let text = || found.text();
    let is_unlimited = || text().is_some_and(|text| text.eq_ignore_ascii_case(UNLIMITED));
    Some(match kind {
        Kind::Flag if setting == Setting::PushWhenRoaming => SettingValue::Flag(!found.bool()?),
        Kind::Flag => SettingValue::Flag(found.bool()?),
        Kind::Choice(_) if setting == Setting::PasswordComplexity => {
            SettingValue::Choice(if found.bool()? { STRONG } else { "pin" }.to_owned())
        }
        Kind::Choice(_) => {
            let theirs = text()?;
            let ours = words(setting).iter().find(|(_, word)| word.eq_ignore_ascii_case(&theirs));
            SettingValue::Choice(ours.map_or(theirs, |(ours, _)| (*ours).to_owned()))
        }
        Kind::Number { or: Some(InsteadOfNumber::Unset), .. } if *found == Value::Null => {
            SettingValue::Unset
        }
        Kind::Number { .. } | Kind::Span { .. } | Kind::Size { .. } if is_unlimited() => {
            SettingValue::Unlimited
        }
        Kind::Number { .. } => SettingValue::Number(number(found)?),
        Kind::Span { .. } => SettingValue::Seconds(seconds(&text()?)?),
        Kind::Size { .. } if is_in_kilobytes(kind, family) => {
            SettingValue::Bytes(number(found)?.checked_mul(1_024)?)
        }
        Kind::Size { .. } => SettingValue::Bytes(match found {
            Value::Int(bytes) => *bytes,
            _ => bytes(&text()?)?,
        }),
        Kind::Texts => SettingValue::texts(found.items().iter().filter_map(Value::text).collect()),
    })
}

fn number(found: &Value) -> Option<i64> {
    match found {
        Value::Int(number) => Some(*number),
        other => other.text()?.trim().parse().ok(),
    }
}

/// `[d.]hh:mm:ss`
fn time_span(seconds: i64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let clock = format!("{:02}:{:02}:{:02}", rest / 3_600, rest / 60 % 60, rest % 60);
    if days == 0 { clock } else { format!("{days}.{clock}") }
}

/// `00:15:00`, `90.00:00:00`, parts of a second left out, or the form of the wire: `PT15M`.
fn seconds(text: &str) -> Option<i64> {
    if text.starts_with('P') {
        let span: jiff::Span = text.parse().ok()?;
        return Some(span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?.as_secs());
    }
    let (days, clock) = match text.split_once('.') {
        Some((days, clock)) if clock.contains(':') => (days.parse::<i64>().ok()?, clock),
        _ => (0, text),
    };
    let clock = clock.split('.').next()?;
    let mut seconds = days;
    let mut parts = clock.split(':');
    for size in [24, 60, 60] {
        let part: i64 = parts.next()?.parse().ok()?;
        if !(0..size).contains(&part) {
            return None;
        }
        seconds = seconds.checked_mul(size)?.checked_add(part)?;
    }
    parts.next().is_none().then_some(seconds)
}

/// `1 MB (1,048,576 bytes)` by the exact number in it; `10MB`, `512 KB`, `1024`.
fn bytes(text: &str) -> Option<i64> {
    if let Some((_, inside)) = text.split_once('(') {
        let digits: String = inside.chars().filter(char::is_ascii_digit).collect();
        return digits.parse().ok();
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim().to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "KB" => 10,
        "MB" => 20,
        "GB" => 30,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use domain::settings::Generation;
    use proptest::prelude::*;

    use super::*;

    /// What Exchange gives back for what it was told, in the forms it uses.
    fn echoed(told: &Argument) -> Value {
        match told {
            Argument::Bool(value) => Value::Bool(*value),
            Argument::Int(number) => Value::Int(*number),
            Argument::Text(text) => Value::Text(text.clone()),
            Argument::Edit { add, .. } => {
                Value::List(add.iter().map(|text| Value::Text(text.clone())).collect())
            }
            _ => Value::Null,
        }
    }

    proptest! {
        #[test]
        fn every_value_goes_to_exchange_and_back_unchanged(
            index in 0..Setting::ALL.len(),
            number in 0_i64..3_000_000_000,
            word in 0_usize..6,
        ) {
            let setting = Setting::ALL[index];
            let kind = setting.about().kind;
            let words = match kind { Kind::Choice(words) => words, _ => &["none"] };
            for (generation, family) in
                [(Generation::Of2010, Family::ActiveSync), (Generation::Since2013, Family::MobileDevice)]
            {
                for value in [
                    SettingValue::Flag(number % 2 == 0),
                    SettingValue::Number(number % 51),
                    SettingValue::Seconds(number),
                    SettingValue::Seconds(number % 3_600),
                    SettingValue::Bytes(number),
                    SettingValue::Bytes((number >> 10) << 10),
                    SettingValue::Choice(words[word % words.len()].to_owned()),
                    SettingValue::texts(vec!["b.exe".to_owned(), "A".to_owned()]),
                    SettingValue::Unlimited,
                    SettingValue::Unset,
                ] {
                    if kind.suits(&value, generation).is_err() {
                        continue;
                    }
                    let step = SettingStep { setting, before: None, after: value.clone() };
                    let told = argument(&step, family).expect("it is not so yet");
                    let back = super::value(setting, &echoed(&told), family);
                    prop_assert_eq!(back, Some(value), "{:?}", setting);
                }
            }
        }
    }

    #[test]
    fn values_are_read_as_exchange_prints_them() {
        let check = |setting, text: &str, value| {
            let found = Value::Text(text.to_owned());
            assert_eq!(super::value(setting, &found, Family::MobileDevice), value, "{text}");
        };
        let seconds = |seconds| Some(SettingValue::Seconds(seconds));
        check(Setting::IdleTimeBeforeLock, "00:15:00", seconds(900));
        check(Setting::IdleTimeBeforeLock, "PT15M", seconds(900));
        check(Setting::PasswordExpiration, "90.00:00:00", seconds(7_776_000));
        check(Setting::RefreshInterval, "1.02:03:04.5000000", seconds(93_784));
        check(Setting::RefreshInterval, "25:00:00", None);
        check(Setting::RefreshInterval, "Unlimited", Some(SettingValue::Unlimited));
        let bytes = |bytes| Some(SettingValue::Bytes(bytes));
        check(Setting::MaximumAttachmentSize, "1 MB (1,048,576 bytes)", bytes(1_048_576));
        check(Setting::MaximumAttachmentSize, "1 MB (1.048.577 Bytes)", bytes(1_048_577));
        check(Setting::MaximumAttachmentSize, "10MB", bytes(10_485_760));
        let strange = Some(SettingValue::Choice("TenYears".to_owned()));
        check(Setting::MaximumEmailAge, "TenYears", strange);
        let found = Value::Int(32);
        let size = |family| value(Setting::MaximumTextSize, &found, family);
        assert_eq!(size(Family::MobileDevice), bytes(32));
        assert_eq!(size(Family::ActiveSync), bytes(32_768));
    }

    #[test]
    fn lists_are_edited_never_overwritten() {
        let texts =
            |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let edited = edit(&texts(&["a", "b"]), &texts(&["B", "c"]));
        let wanted = Argument::Edit { add: texts(&["c"]), remove: texts(&["a"]) };
        assert_eq!(edited, Some(wanted));
        assert_eq!(edit(&texts(&["a"]), &texts(&["A"])), None);
    }
}
