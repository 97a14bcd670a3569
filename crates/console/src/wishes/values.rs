//! How values of settings and of rules read to a person.

use domain::{
    AccessLevel, Setting, SettingValue,
    settings::Kind,
    wish::{Thing, Value},
};
use engine::name_of;

use crate::words;

/// A value of a setting in words: `allowed`, `15 min`, `no limit`.
pub(super) fn of_setting(setting: Setting, value: &SettingValue) -> String {
    match value {
        SettingValue::Flag(value) => flag(setting, *value).to_owned(),
        SettingValue::Unlimited => "no limit".to_owned(),
        SettingValue::Unset => "none".to_owned(),
        SettingValue::Texts(texts) if texts.is_empty() => "an empty list".to_owned(),
        SettingValue::Choice(word) => word_of(&words::visible(word)),
        value @ (SettingValue::Seconds(_) | SettingValue::Bytes(_)) => amount(value),
        SettingValue::Number(number) => number.to_string(),
        value @ SettingValue::Texts(_) => words::visible(&value.to_string()),
    }
}

/// A time or a size: `1 hour`, `15 minutes`, `2,097,151 KB`.
pub(super) fn amount(value: &SettingValue) -> String {
    let (number, unit) = measured(value);
    let unit = unit_name(&unit, number == "1");
    let number = number.parse().map_or(number, words::number);
    format!("{number} {unit}")
}

/// Yes and no of a setting: what is allowed reads better as that.
pub(super) fn flag(setting: Setting, value: bool) -> &'static str {
    match (setting.word().starts_with("allow"), value) {
        (true, true) => "allowed",
        (true, false) => "not allowed",
        (false, true) => "yes",
        (false, false) => "no",
    }
}

/// A word that files have with hyphens.
pub(super) fn word_of(word: &str) -> String {
    word.replace('-', " ")
}

/// A time or a size as number and unit, as files have them: `15` and `min`.
pub(super) fn measured(value: &SettingValue) -> (String, String) {
    let text = value.to_string();
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let unit = text.chars().skip(digits.len()).collect();
    (digits, unit)
}

fn unit_name(unit: &str, is_one: bool) -> &str {
    match (unit, is_one) {
        ("s", true) => "second",
        ("s", false) => "seconds",
        ("min", true) => "minute",
        ("min", false) => "minutes",
        ("h", true) => "hour",
        ("h", false) => "hours",
        ("d", true) => "day",
        ("d", false) => "days",
        ("B", true) => "byte",
        ("B", false) => "bytes",
        (other, _) => other,
    }
}

/// Units that a form offers, by what a setting takes.
pub(super) const fn units(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::Span { .. } => &[("s", "seconds"), ("min", "minutes"), ("h", "hours"), ("d", "days")],
        Kind::Size { .. } => &[("B", "bytes"), ("KB", "KB"), ("MB", "MB"), ("GB", "GB")],
        _ => &[],
    }
}

/// What a thing is called on a page: a setting by its title.
pub(super) fn of_thing(thing: &Thing) -> String {
    match thing {
        Thing::Setting(policy, setting) => {
            format!("{} (policy {})", setting.about().title, words::visible(policy.as_str()))
        }
        thing => words::sentence_start(&words::visible(&name_of(thing))),
    }
}

/// A value of a thing, or that there is none.
pub(super) fn of_value(thing: &Thing, value: Option<&Value>) -> String {
    match (thing, value) {
        (Thing::Setting(_, setting), Some(Value::Setting(value))) => of_setting(*setting, value),
        (Thing::Assignment(_), None) => "the default policy".to_owned(),
        (_, Some(Value::Texts(texts))) if texts.is_empty() => "nobody".to_owned(),
        (Thing::TextForUsers, None) => "no text".to_owned(),
        (_, Some(value)) => words::visible(&value.to_string()),
        (_, None) => "not there".to_owned(),
    }
}

/// What a level does to a device.
pub(super) const fn meaning(level: AccessLevel) -> &'static str {
    match level {
        AccessLevel::Allow => "Allow: it syncs without anybody being asked",
        AccessLevel::Quarantine => "Quarantine: it waits until an administrator decides",
        AccessLevel::Block => "Block: it is refused",
    }
}

/// The colour class of a level; the word stands beside it.
pub(super) const fn tone(level: AccessLevel) -> &'static str {
    match level {
        AccessLevel::Allow => "allowed",
        AccessLevel::Quarantine => "quarantined",
        AccessLevel::Block => "blocked",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_in_words() {
        for (setting, text, words) in [
            (Setting::AllowCamera, "false", "not allowed"),
            (Setting::PasswordRequired, "true", "yes"),
            (Setting::IdleTimeBeforeLock, "15min", "15 minutes"),
            (Setting::IdleTimeBeforeLock, "1h", "1 hour"),
            (Setting::MaximumAttachmentSize, "10MB", "10 MB"),
            (Setting::MaximumAttachmentSize, "unlimited", "no limit"),
            (Setting::MinimumPasswordLength, "none", "none"),
            (Setting::Bluetooth, "handsfree-only", "handsfree only"),
        ] {
            let value = setting.about().kind.parse(text).unwrap();
            assert_eq!(of_setting(setting, &value), words);
        }
    }
}
