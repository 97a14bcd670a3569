use std::collections::{BTreeMap, BTreeSet};

use domain::ActionKind;
use serde_json::json;

use super::*;
use crate::notifications::telling::sample;

/// The messages of a language with their arguments, read from its text.
fn messages(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut messages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with(|c: char| c.is_ascii_lowercase()) {
            current = line.split(' ').next().unwrap().to_owned();
        }
        if current.is_empty() {
            continue;
        }
        let arguments = messages.entry(current.clone()).or_default();
        for part in line.split('$').skip(1) {
            let end = part.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(part.len());
            arguments.insert(part.get(..end).unwrap().to_owned());
        }
    }
    messages
}

#[test]
fn all_languages_have_the_same_messages_with_the_same_arguments() {
    let english = messages(ENGLISH);
    assert!(english.len() > 25, "{english:?}");
    assert_eq!(english, messages(GERMAN));
    assert_eq!(english, messages(TRADITIONAL_CHINESE));
    for language in Language::ALL {
        for key in english.keys() {
            assert!(words(*language).0.get_message(key).is_some(), "{language}: {key}");
        }
    }
}

#[test]
fn every_message_that_is_needed_is_there_and_nothing_in_it_is_missing() {
    for language in Language::ALL {
        for topic in Topic::ALL {
            let telling = sample(*topic, *language, jiff::Timestamp::UNIX_EPOCH);
            for count in [1, 2, 37] {
                let telling = Telling { count, ..telling.clone() };
                let message = rendered(*topic, &telling, *language, None, "night");
                let all = format!("{}\n{}", message.subject, message.text);
                // Fluent shows a missing argument in braces.
                assert!(!all.contains(['{', '}', '$']), "{language} {topic}: {all}");
                assert!(!all.contains(&key(*topic, "")), "{language} {topic}: {all}");
                assert!(!all.contains('—'), "{language} {topic}: {all}");
            }
        }
    }
}

#[test]
fn many_are_told_in_one_message() {
    let mut telling = Telling { connector: Some("lab".to_owned()), count: 0, items: Vec::new() };
    for number in 0..37 {
        let item = json!({"name": format!("user{number}_iPhone"), "model": "<b>iPhone</b>"});
        telling.add(|| item.as_object().cloned().unwrap());
    }
    let message = rendered(Topic::NewDevice, &telling, Language::English, None, "night");
    assert_eq!(message.subject, "37 new devices on lab");
    assert!(message.text.contains("* user19_iPhone, <b>iPhone</b>, —"), "{}", message.text);
    assert!(!message.text.contains("user20"));
    assert!(message.text.contains("\n* and 17 more\n"), "{}", message.text);
    assert!(message.html.contains("<li>user0_iPhone, &lt;b&gt;iPhone"), "{}", message.html);
    let message = rendered(Topic::NewDevice, &telling, Language::TraditionalChinese, None, "night");
    assert_eq!(message.subject, "lab 有 37 部新裝置");
    let message = rendered(Topic::NewDevice, &telling, Language::German, None, "night");
    assert_eq!(message.subject, "37 neue Geräte an lab");
    assert!(message.text.contains("\n* und 17 weitere\n"), "{}", message.text);
}

#[test]
fn actions_have_names_in_every_language() {
    for language in Language::ALL {
        let mut telling = sample(Topic::ActionFailed, *language, jiff::Timestamp::UNIX_EPOCH);
        let mut subjects = BTreeSet::new();
        for kind in ActionKind::ALL {
            telling.items[0].insert("action".to_owned(), kind.word().into());
            subjects
                .insert(rendered(Topic::ActionFailed, &telling, *language, None, "night").subject);
        }
        assert_eq!(subjects.len(), ActionKind::ALL.len(), "{subjects:?}");
        let has_bare_word =
            |subject: &String| subject.contains("-wipe") || subject.contains("wipe-");
        assert!(!subjects.iter().any(has_bare_word), "{subjects:?}");
    }
}

#[test]
fn words_of_ones_own_take_the_place_of_ours() {
    let template = Template {
        topic: Topic::Quarantined,
        language: Language::English,
        subject: "{count} of {connector}: {name}".to_owned(),
        body: "Dear help desk,\n\n{list}".to_owned(),
    };
    let telling = sample(Topic::Quarantined, Language::English, jiff::Timestamp::UNIX_EPOCH);
    let message =
        rendered(Topic::Quarantined, &telling, Language::English, Some(&template), "night");
    assert_eq!(message.subject, "1 of contoso: jane_iPhone");
    assert!(message.text.starts_with("Dear help desk,\n\n* jane_iPhone, iPhone 15"));
}
