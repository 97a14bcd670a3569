//! A file and what it says: two directions, and the comments that stay.

use domain::{
    AccessLevel, Characteristic, Setting, SettingValue,
    access::{Selector, WrittenRule},
    wish::{AccessWish, ExemptionWish, Mailboxes, PolicyWish, Wish},
};
use proptest::{collection, prelude::*, sample::select};

use super::{file::read, writing::write};

fn any_value(setting: Setting) -> impl Strategy<Value = SettingValue> {
    let kind = setting.about().kind;
    let usual = domain::settings::Generation::ALL;
    let words: Vec<&str> = match kind {
        domain::settings::Kind::Choice(words) => words.to_vec(),
        _ => vec!["x"],
    };
    prop_oneof![
        any::<bool>().prop_map(SettingValue::Flag),
        (0_i64..60).prop_map(SettingValue::Number),
        (0_i64..100_000).prop_map(SettingValue::Seconds),
        (0_i64..100_000).prop_map(SettingValue::Bytes),
        select(words).prop_map(|word| SettingValue::Choice(word.to_owned())),
        collection::vec("[ -~]{1,8}", 0..3).prop_map(|texts| {
            SettingValue::texts(texts.into_iter().filter(|text| !text.trim().is_empty()).collect())
        }),
        Just(SettingValue::Unlimited),
        Just(SettingValue::Unset),
        select(usual).prop_map(move |generation| setting.usual(generation)),
    ]
    .prop_map(move |value| {
        let suits = usual.iter().any(|generation| kind.suits(&value, *generation).is_ok());
        if suits { value } else { setting.usual(usual[0]) }
    })
}

fn any_setting() -> impl Strategy<Value = (Setting, SettingValue)> {
    select(Setting::ALL).prop_flat_map(|one| any_value(one).prop_map(move |value| (one, value)))
}

fn any_rule() -> impl Strategy<Value = WrittenRule> {
    let text = prop_oneof![Just("SM-*".to_owned()), Just("A?c".to_owned()), "\\PC{1,12}"];
    (select(Characteristic::ALL), text, select(AccessLevel::ALL)).prop_map(|(one, text, level)| {
        let selector = Selector::parse(one, &text).ok().or_else(|| Selector::exact(one, &text));
        WrittenRule { selector: selector.expect("it is not empty"), level }
    })
}

fn any_exemption() -> impl Strategy<Value = ExemptionWish> {
    let ids = || collection::vec("[A-Za-z0-9#: ]{0,6}[A-Z]", 0..3);
    ("[a-z#@ ]{0,6}[a-z]", ids(), ids()).prop_map(|(mailbox, mut allow, block)| {
        if allow.is_empty() && block.is_empty() {
            allow.push("X".to_owned());
        }
        ExemptionWish { mailbox, allow, block }
    })
}

fn any_wish() -> impl Strategy<Value = Wish> {
    let own = ("[A-Za-z#: ]{0,8}[a-z]", any::<bool>(), collection::vec("[a-z@.]{1,8}", 1..3));
    let own = own.prop_map(|(name, adopts, names)| {
        let mailboxes = if adopts { Mailboxes::All } else { Mailboxes::Named(names) };
        PolicyWish::Own { name: name.trim().into(), adopts, mailboxes }
    });
    let policy = prop_oneof![Just(PolicyWish::Default), own];
    let access = (
        proptest::option::of(select(AccessLevel::ALL)),
        proptest::option::of(collection::vec("[a-z]{1,5}@[a-z]{1,5}", 0..3)),
        proptest::option::of("\\PC{0,40}"),
        proptest::option::of(collection::vec(any_rule(), 0..4)),
        collection::vec(any_exemption(), 0..3),
        proptest::option::of(any::<u64>()),
    );
    (policy, collection::vec(any_setting(), 0..12), any::<bool>(), access).prop_map(
        |(policy, settings, corrects_settings, access)| {
            let (default_level, administrators, text_for_users, rules, exemptions, limit) = access;
            Wish {
                policy,
                settings: settings.into_iter().collect(),
                corrects_settings,
                access: AccessWish {
                    default_level,
                    administrators,
                    text_for_users,
                    rules,
                    exemptions,
                    limit_of_flips: limit,
                },
            }
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(wish in any_wish()) {
        let text = write("contoso", &wish, None);
        let document = read(&text);
        prop_assert!(document.is_ok(), "{:?}\n{}", document, text);
        let document = document.expect("it was looked at");
        prop_assert_eq!(document.connector.as_deref(), Some("contoso"));
        prop_assert_eq!(&document.wish, &wish, "{}", text);
        // Written again over itself it is the same, to the letter.
        prop_assert_eq!(write("contoso", &wish, Some(&text)), text);
    }

    #[test]
    fn no_text_is_too_strange_to_be_read_or_refused(text in "[a-z:#\\[\\]{}\"' \n-]{0,120}") {
        drop(read(&text));
    }
}

#[test]
fn comments_stay_where_they_were() {
    let before = "# The wish of Contoso.\n\
                  connector: contoso\n\
                  \n\
                  # What devices must do.\n\
                  settings:\n\
                  \x20 policy: default\n\
                  \x20 security:\n\
                  \x20   # The lab asked for it: \"no cameras\".\n\
                  \x20   allow_camera: false  # since May\n\
                  \x20   allow_wifi: true # gone soon\n\
                  access:\n\
                  \x20 text_for_users: \"Call #4711\"\n\
                  \x20 rules:\n\
                  \x20   # Too old.\n\
                  \x20   - os: \"iOS < 15\"\n\
                  \x20     level: block  # not quarantine\n\
                  # The end.\n";
    let mut wish = read(before).unwrap().wish;
    assert_eq!(
        write("contoso", &wish, Some(before)),
        before.replace("true # gone", "true  # gone")
    );
    wish.settings.remove(&Setting::AllowWifi);
    wish.settings.insert(Setting::AllowCamera, SettingValue::Flag(true));
    let after = write("contoso", &wish, Some(before));
    assert!(after.contains("    allow_camera: true  # since May\n"), "{after}");
    assert!(after.contains("# Comments of what is no longer there:\n# gone soon\n"), "{after}");
    assert!(after.contains("    # Too old.\n    - os: \"iOS < 15\"\n"), "{after}");
}
