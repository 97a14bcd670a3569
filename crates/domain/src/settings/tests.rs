use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[test]
fn every_setting_has_a_word_of_its_own_and_usual_values_that_suit() {
    let paths: BTreeSet<String> = Setting::ALL.iter().map(|setting| setting.path()).collect();
    assert_eq!(paths.len(), Setting::ALL.len());
    for setting in Setting::ALL {
        assert_eq!(Setting::from_path(&setting.path()), Some(*setting));
        assert_eq!(Setting::of(setting.group(), setting.word()), Some(*setting));
        for generation in Generation::ALL {
            let usual = setting.usual(*generation);
            assert_eq!(setting.about().kind.suits(&usual, *generation), Ok(()), "{setting:?}");
        }
    }
    let of = |group: SettingsGroup| group.settings().count();
    let counts = SettingsGroup::ALL.iter().map(|group| of(*group)).collect::<Vec<_>>();
    assert_eq!(counts, [4, 10, 9, 11, 3, 15]);
}

#[test]
fn values_are_read_in_the_units_of_people() {
    let check = |setting: Setting, text: &str, value: SettingValue| {
        assert_eq!(setting.about().kind.parse(text), Ok(value), "{setting:?} {text}");
    };
    check(Setting::RefreshInterval, "12", SettingValue::Seconds(43_200));
    check(Setting::IdleTimeBeforeLock, "15", SettingValue::Seconds(900));
    check(Setting::IdleTimeBeforeLock, "90 s", SettingValue::Seconds(90));
    check(Setting::IdleTimeBeforeLock, "1h", SettingValue::Seconds(3_600));
    check(Setting::PasswordExpiration, "90", SettingValue::Seconds(7_776_000));
    check(Setting::PasswordExpiration, "unlimited", SettingValue::Unlimited);
    check(Setting::MaximumAttachmentSize, "10MB", SettingValue::Bytes(10_485_760));
    check(Setting::MaximumAttachmentSize, "512", SettingValue::Bytes(524_288));
    check(Setting::MinimumPasswordLength, "none", SettingValue::Unset);
    check(Setting::Bluetooth, "Handsfree-Only", SettingValue::Choice("handsfree-only".to_owned()));
}

#[test]
fn what_a_setting_does_not_take_is_refused_with_what_it_takes() {
    for (setting, text, expected) in [
        (Setting::MinimumPasswordLength, "17", "a number from 1 to 16 or none"),
        (Setting::MinimumPasswordLength, "unlimited", "a number from 1 to 16 or none"),
        (Setting::FailedAttemptsBeforeWipe, "3", "a number from 4 to 16 or unlimited"),
        (Setting::IdleTimeBeforeLock, "2h", "a time from 1min to 1h"),
        (Setting::IdleTimeBeforeLock, "29s", "a time from 1min to 1h"),
        (Setting::PasswordExpiration, "731", "a time from 1d to 730d"),
        (Setting::MaximumAttachmentSize, "2GB", "up to 2097151KB"),
        (Setting::AllowCamera, "yes", "true or false"),
        (Setting::Bluetooth, "on", "one of disable, handsfree-only, allow"),
        (Setting::MaximumTextSize, "99999999999999999999", "up to 2147483647B"),
        (Setting::MaximumTextSize, "9223372036854775807GB", "up to 2147483647B"),
    ] {
        let error = setting.about().kind.parse(text).unwrap_err();
        assert!(error.expected.starts_with(expected), "{setting:?} {text}: {}", error.expected);
    }
    let half_a_minute = Setting::IdleTimeBeforeLock.about().kind.parse("30s").unwrap();
    let kind = Setting::IdleTimeBeforeLock.about().kind;
    assert_eq!(kind.suits(&half_a_minute, Generation::Of2010), Ok(()));
    assert!(kind.suits(&half_a_minute, Generation::Since2013).is_err());
    let odd = SettingValue::Bytes(1_000);
    let kind = Setting::MaximumTextSize.about().kind;
    assert!(kind.suits(&odd, Generation::Of2010).is_err());
    assert_eq!(kind.suits(&odd, Generation::Since2013), Ok(()));
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(index in 0..Setting::ALL.len(), number in 0_i64..5_000_000_000) {
        let setting = Setting::ALL[index];
        for value in [
            SettingValue::Number(number),
            SettingValue::Seconds(number),
            SettingValue::Bytes(number),
            SettingValue::Flag(number % 2 == 0),
            SettingValue::Unlimited,
            SettingValue::Unset,
        ] {
            let kind = setting.about().kind;
            let suits = |generation| kind.suits(&value, generation).is_ok();
            if Generation::ALL.iter().any(|generation| suits(*generation)) {
                prop_assert_eq!(kind.parse(&value.to_string()), Ok(value));
            }
        }
    }
}
