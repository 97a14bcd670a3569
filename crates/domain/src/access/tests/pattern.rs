use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use crate::access::{Characteristic, Selector};

fn os(text: &str) -> Selector {
    Selector::parse(Characteristic::Os, text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// Which of the values a text selects.
fn check(text: &str, selected: &[&str], left: &[&str]) {
    let selector = os(text);
    for value in selected {
        assert!(selector.matches(value), "{text} selects {value}");
    }
    for value in left {
        assert!(!selector.matches(value), "{text} leaves {value}");
    }
}

#[test]
fn exact_values_are_the_whole_value() {
    check("iOS 15.4", &["iOS 15.4", "IOS 15.4"], &["iOS 15.4 19E241", "iOS 15", ""]);
    check("  Ünter OS ", &["ünter os", "ÜNTER OS"], &["  Ünter OS "]);
    check(r#""Nine* <2>""#, &["nine* <2>"], &["Nine 1 <2>"]);
    check(r#""a \"b\" \\c ""#, &[r#"A "b" \c "#], &[r#"a "b" \c"#]);
    check(r"50\% \*", &["50% *"], &["50% x"]);
}

#[test]
fn patterns_are_whole_values_with_gaps() {
    check("SM-*", &["SM-", "sm-g991b"], &["SM", "XSM-1"]);
    check("*OS*", &["iOS 15", "OS", "macos"], &["Android"]);
    check("iOS 1?.*", &["iOS 15.4", "iOS 17."], &["iOS 6.1", "iOS 17"]);
    check("iOS 17.*", &["iOS 17.4"], &["iOS 17"]);
    check(r"a\*b*", &["a*b", "A*BC"], &["axb"]);
    check("a*b*c", &["abbbc", "a-b-b-c", "abc"], &["ab", "acb", "abcb"]);
    check("??", &["ab", "äö"], &["a", "abc"]);
    check("*", &["x", "anything"], &[]);
}

#[test]
fn ranges_compare_number_by_number() {
    check(
        "iOS < 17.4",
        &["iOS 17.3.1", "iOS 6.1 10B146", "iOS 9", "ios 17.3 21D61", "iOS15.4", "iOS 17.0-beta"],
        &["iOS 17.4", "iOS 17.4 21E219", "iOS 17.10", "iOS 18", "iOS", "iOS x", "iOS 15A372"],
    );
    check(
        "iOS >= 15 < 16",
        &["iOS 15", "iOS 15.0.0", "iOS 15.8.2 19H384"],
        &["iOS 14.9", "iOS 16", "iOS 16.0", "iPadOS 15.1", "iOSX 15"],
    );
    check(
        "Android <= 12",
        &["Android 12", "Android 4.4.2", "Android 12.0"],
        &["Android 12.1", "Android 13.0.1", "Android"],
    );
    check(
        "Windows Phone > 8",
        &["Windows Phone 8.10.14219", "windows phone 10"],
        &["Windows Phone 8.0", "Windows 10"],
    );
    check("Windows 1 < 5", &["Windows 1 4"], &["Windows 14", "Windows 10 4"]);
    check("iOS >= 17.4 <= 17.4", &["iOS 17.4 21E219", "iOS 17.4.0"], &["iOS 17.4.1"]);
    // More numbers than any version has, and numbers no version has.
    check(
        "iOS > 1",
        &["iOS 18446744073709551615"],
        &["iOS 18446744073709551616", "iOS 1.2.3.4.5.6.7.8.9"],
    );
}

#[test]
fn what_selects_nothing_is_told_with_its_place() {
    let told: Vec<String> = [
        (Characteristic::Os, "  "),
        (Characteristic::Os, "\"iOS"),
        (Characteristic::Os, "\"\""),
        (Characteristic::Os, "\"iOS\" 15"),
        (Characteristic::Os, "\"i\\OS\""),
        (Characteristic::Os, "iOS\\"),
        (Characteristic::Os, "iOS < "),
        (Characteristic::Os, "iOS < 17.x"),
        (Characteristic::Os, "iOS 17 <"),
        (Characteristic::Os, "< 17"),
        (Characteristic::Os, "iOS < 17 < 18"),
        (Characteristic::Os, "iOS > 17 < 17"),
        (Characteristic::Os, "iOS = 17"),
        (Characteristic::Os, "i* < 17"),
        (Characteristic::Model, "SM < 17"),
        (Characteristic::Model, "SM-.*"),
        (Characteristic::Model, ".*"),
        (Characteristic::Model, "SM-[AG]*"),
        (Characteristic::UserAgent, "Äpple%"),
        (Characteristic::WindowsLiveHeader, "x*"),
    ]
    .iter()
    .map(|(characteristic, text)| match Selector::parse(*characteristic, text) {
        Ok(selector) => panic!("{text} is {selector:?}"),
        Err(error) => format!("<{text}> {error}"),
    })
    .collect();
    insta::assert_snapshot!(told.join("\n"), @r##"
    <  > at character 3: expected a value, a pattern or a range; name what the rule is about, such as iPhone or SM-*
    <"iOS> at character 5: expected a closing quote; add it at the end of the value
    <""> at character 2: expected a value; write it between the quotes
    <"iOS" 15> at character 6: expected nothing after the closing quote; write \" for a quote inside of the value
    <"i\OS"> at character 3: expected \" or \\ after a backslash; write \\ for a backslash
    <iOS\> at character 4: expected a sign such as \* after a backslash; write \\ for a backslash, or the value in quotes
    <iOS < > at character 6: expected a version such as 17.4; write a range as iOS < 17.4 or iOS >= 15 < 16
    <iOS < 17.x> at character 7: expected a version such as 17.4; write a range as iOS < 17.4 or iOS >= 15 < 16
    <iOS 17 <> at character 9: expected a version such as 17.4; write a range as iOS < 17.4 or iOS >= 15 < 16
    << 17> at character 1: expected the name of an operating system; write a range as iOS < 17.4 or iOS >= 15 < 16
    <iOS < 17 < 18> at character 10: expected one bound above and one below; write a range as iOS < 17.4 or iOS >= 15 < 16
    <iOS > 17 < 17> at character 1: expected bounds with versions between them; turn the bounds round, or leave one out
    <iOS = 17> at character 5: expected <, <=, > or >= to compare versions; write iOS >= 17.4 <= 17.4 for one version, or the value in quotes
    <i* < 17> at character 2: expected no wildcard in a range; write either a pattern or a range of versions
    <SM < 17> at character 4: expected a range of versions with os only; write the value in quotes if it is meant to the letter
    <SM-.*> at character 4: expected * without a dot before it; leave out the dot, as * alone stands for any text, or write \.*
    <.*> at character 1: expected * without a dot before it; leave out the dot, as * alone stands for any text, or write \.*
    <SM-[AG]*> at character 4: expected * or ? as a wildcard, not [; write \[, or the value in quotes, if it is meant to the letter
    <Äpple%> at character 6: expected * or ? as a wildcard, not %; write \%, or the value in quotes, if it is meant to the letter
    <x*> at character 2: expected an exact value; write exact values: no list says what devices send, so nothing can be compared
    "##);
    let long = "ä".repeat(Selector::MAX_LENGTH);
    let error = Selector::parse(Characteristic::Os, &long).unwrap_err();
    assert_eq!((error.position, error.character), (1_024, 513));
    let error = Selector::parse(Characteristic::UserAgent, "Äpple%").unwrap_err();
    assert_eq!((error.position, error.character), (6, 6));
}

#[test]
fn selectors_are_printed_as_they_are_written() {
    for text in [
        "iOS 15.4 19E241",
        "Apple-iPhone14C5/1903.5 (iOS)",
        "SM-*",
        "iOS 17.*",
        "*.*",
        r"SM-\.*",
        r"a\*b*",
        "iOS < 17.4",
        "iOS >= 15 < 16",
        r#""Nine*""#,
        r#"" blank ""#,
        r#"12" tablet"#,
    ] {
        assert_eq!(os(text).to_string(), text);
    }
    let canonical = |text| os(text).to_string();
    assert_eq!(canonical(" iOS<16>=15 "), "iOS >= 15 < 16");
    assert_eq!(canonical("a**b"), "a*b");
    assert_eq!(canonical("\"iPhone\""), "iPhone");
    assert_eq!(canonical(r"\[a\]"), "\"[a]\"");
}

#[test]
fn only_one_value_is_exact() {
    assert!(os("iOS").is_exact() && os("\"*\"").is_exact());
    assert!(!os("iOS*").is_exact() && !os("iOS < 4").is_exact());
    assert_eq!(os("\"*\"").value(), Some("*"));
    assert_eq!(Selector::exact(Characteristic::Os, ""), None);
}

fn any_characteristic() -> impl Strategy<Value = Characteristic> {
    prop_oneof![
        Just(Characteristic::Os),
        Just(Characteristic::Model),
        Just(Characteristic::WindowsLiveHeader)
    ]
}

proptest! {
    #[test]
    fn any_value_can_be_written_and_is_read_again(
        characteristic in any_characteristic(),
        value in r#"[ -~äßİΣς\t]{1,40}"#,
    ) {
        let selector = Selector::exact(characteristic, &value).unwrap();
        let printed = selector.to_string();
        prop_assert_eq!(Selector::parse(characteristic, &printed).unwrap(), selector, "{}", printed);
    }

    #[test]
    fn a_value_is_selected_by_itself_in_any_case(value in r#"[ -~äÖéñ]{1,40}"#) {
        let selector = Selector::exact(Characteristic::Model, &value).unwrap();
        prop_assert!(selector.matches(&value));
        prop_assert!(selector.matches(&value.to_uppercase()));
        prop_assert!(selector.matches(&value.to_lowercase()));
    }

    /// Whatever is understood is printed so that it means the same.
    #[test]
    fn what_is_printed_is_read_again(
        characteristic in any_characteristic(),
        text in r#"[iO S1.\-*?"<>=\\\[\]%0-3]{0,24}|[a-z]{1,4} ?(<|<=|>|>=) ?[0-9]{1,2}(\.[0-9]{1,2}){0,2}( ?(<|<=) [0-9]{2})?"#,
    ) {
        if let Ok(selector) = Selector::parse(characteristic, &text) {
            let printed = selector.to_string();
            prop_assert_eq!(Selector::parse(characteristic, &printed).unwrap(), selector, "{}", printed);
        }
    }

    /// A pattern with the gaps filled in is selected; the slow way agrees with the fast one.
    #[test]
    fn patterns_mean_what_a_slow_reading_of_them_means(
        pattern in "[ab*?]{1,8}",
        value in "[ab]{0,8}",
        upper in any::<bool>(),
    ) {
        let Ok(selector) = Selector::parse(Characteristic::Model, &pattern) else { return Ok(()) };
        let written = if upper { value.to_uppercase() } else { value.clone() };
        let pieces: Vec<char> = pattern.chars().collect();
        let letters: Vec<char> = value.chars().collect();
        prop_assert_eq!(selector.matches(&written), slowly(&pieces, &letters));
    }
}

fn slowly(pattern: &[char], value: &[char]) -> bool {
    match (pattern, value) {
        ([], []) => true,
        (['*', rest @ ..], _) => (0..=value.len()).any(|at| slowly(rest, &value[at..])),
        (['?', rest @ ..], [_, after @ ..]) => slowly(rest, after),
        ([letter, rest @ ..], [found, after @ ..]) if letter == found => slowly(rest, after),
        _ => false,
    }
}
