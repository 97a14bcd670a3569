use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::{PLAIN, any_level, on_premises};
use crate::access::{
    AccessLevel, Characteristic, Compiled, Described, Gain, MOST_RULES, Problem, Seen, Selector,
    Severity, WrittenRule, compile, explain,
};

/// A written rule as the tables write it: `block os iOS < 15`.
fn written(text: &str) -> WrittenRule {
    let mut words = text.splitn(3, ' ');
    let level = words.next().and_then(AccessLevel::from_word).expect("a level");
    let characteristic =
        words.next().and_then(Characteristic::from_word).expect("a characteristic");
    let selector = Selector::parse(characteristic, words.next().expect("a selector")).unwrap();
    WrittenRule { selector, level }
}

fn seen() -> Seen {
    let mut seen = Seen::default();
    for (value, devices) in
        [("iOS 15.4 19E241", 40), ("iOS 14.8", 7), ("iOS 17.4", 900), ("Android 12", 30)]
    {
        seen.add(Characteristic::Os, value, devices);
    }
    for (value, devices) in [("SM-G991B", 20), ("sm-a515f", 10), ("SM-A515F", 2), ("Pixel 6", 5)] {
        seen.add(Characteristic::Model, value, devices);
    }
    seen
}

fn compiled(texts: &[&str]) -> (Compiled, Vec<WrittenRule>) {
    let rules: Vec<WrittenRule> = texts.iter().map(|text| written(text)).collect();
    (compile(&rules, &seen()), rules)
}

fn told(texts: &[&str]) -> Vec<String> {
    let (compiled, rules) = compiled(texts);
    compiled.problems.iter().map(|problem| problem.sentence(&rules)).collect()
}

#[test]
fn patterns_become_exact_rules_for_what_was_seen() {
    let texts =
        ["block os iOS < 15", "quarantine model SM-*", "allow model Pixel 9", "allow os iOS 17.4"];
    let (compiled, _) = compiled(&texts);
    let rules: Vec<String> = compiled
        .rules
        .iter()
        .map(|it| {
            let rule = &it.rule;
            format!("{} {} {} from {}", rule.level, rule.characteristic, rule.value, it.written)
        })
        .collect();
    assert_eq!(
        rules,
        [
            "allow model Pixel 9 from 2",
            "quarantine model SM-A515F from 1",
            "quarantine model SM-G991B from 1",
            "block os iOS 14.8 from 0",
            "allow os iOS 17.4 from 3",
        ]
    );
    assert_eq!(
        compiled.gains,
        [
            Gain { values: 1, devices: 7, rules: 1 },
            Gain { values: 2, devices: 32, rules: 2 },
            Gain { values: 0, devices: 0, rules: 1 },
            Gain { values: 1, devices: 900, rules: 1 },
        ]
    );
    assert!(compiled.is_sound() && compiled.problems.is_empty());
    assert_eq!(compiled.exact().len(), 5);
    // The order in which they were written says nothing.
    let turned = self::compiled(&[texts[3], texts[2], texts[1], texts[0]]).0;
    assert_eq!(turned.exact(), compiled.exact());
}

#[test]
fn rules_that_speak_of_one_value_are_told_apart() {
    assert_eq!(
        told(&["block model SM-*", "allow model SM-G*"]),
        [
            "model: SM-* (block) and model: SM-G* (allow) both match \"SM-G991B\"; narrow one of them, \
         or name the value in a rule of its own"
        ]
    );
    assert_eq!(
        told(&["block os iOS*", "allow os iOS < 16"]),
        [
            "os: iOS* (block) and os: iOS < 16 (allow) both match \"iOS 14.8\" and 1 more; narrow one \
         of them, or name the value in a rule of its own"
        ]
    );
    assert_eq!(told(&["block model SM-*", "block model *G991B"]), [""; 0]);
    assert_eq!(
        told(&["block model Pixel 6", "block model PIXEL 6"]),
        ["model: PIXEL 6 (block) is written twice, as rule 1 and as rule 2; remove one of them"]
    );
    assert_eq!(
        told(&["block model Pixel 6", "allow model pixel 6"]),
        [
            "model: Pixel 6 (block) and model: pixel 6 (allow) are about the same values; remove one \
         of them"
        ]
    );
    assert_eq!(
        told(&["block model X*", "allow model x*"]),
        [
            "model: X* (block) and model: x* (allow) are about the same values; remove one of them",
            "model: X* (block) matches nothing that was seen; it takes effect when such a device appears",
            "model: x* (allow) matches nothing that was seen; it takes effect when such a device appears",
        ]
    );
}

#[test]
fn an_exact_value_goes_before_a_pattern() {
    let texts = ["block model SM-*", "allow model sm-g991b"];
    let (compiled, _) = compiled(&texts);
    assert!(compiled.is_sound());
    assert_eq!(compiled.problems[0].severity(), Severity::Note);
    assert_eq!((compiled.problems[0].written(), compiled.problems[0].other()), (Some(0), Some(1)));
    assert_eq!(
        told(&texts),
        [
            "model: SM-* (block) also matches \"SM-G991B\", which model: sm-g991b (allow) decides, as \
         an exact value goes first"
        ]
    );
    assert_eq!(compiled.rules[0].rule.level, AccessLevel::Block);
    assert_eq!(compiled.rules[1].rule.level, AccessLevel::Allow);
    assert_eq!(
        told(&["block model SM-*", "allow model SM-A515F", "allow model SM-G991B"]),
        ["model: SM-* (block) also matches \"SM-A515F\" and 1 more, which other rules decide, as \
         exact values go first"]
    );
    assert_eq!(told(&["block model SM-*", "block model SM-A515F"]), [""; 0]);
}

#[test]
fn there_is_a_limit_on_their_number() {
    let mut seen = Seen::default();
    for number in 0..MOST_RULES {
        seen.add(Characteristic::Model, &format!("SM-{number}"), 1);
    }
    let most = [written("block model SM-*")];
    assert!(compile(&most, &seen).is_sound());
    let more = [written("allow model SM-1"), written("block model SM-*"), written("block os iOS")];
    let compiled = compile(&more, &seen);
    assert_eq!(compiled.problems[0], Problem::TooManyRules { rules: 1_001, most: 1, gives: 999 });
    assert_eq!(
        compiled.problems[0].sentence(&more),
        "these come to 1001 exact rules, and 1000 is the most; model: SM-* (block) alone gives \
         999: narrow it, or use the default level"
    );
    let many: Vec<WrittenRule> =
        (0..=MOST_RULES).map(|number| written(&format!("block model x{number}"))).collect();
    let compiled = compile(&many, &seen);
    assert!(!compiled.is_sound() && compiled.rules.is_empty());
    assert!(compiled.problems[0].sentence(&many).starts_with("1001 rules are written"));
}

fn any_written() -> impl Strategy<Value = Vec<WrittenRule>> {
    let selector = prop_oneof![
        Just("model SM-*"),
        Just("model SM-G*"),
        Just("model SM-G991B"),
        Just("model sm-a515f"),
        Just("model *6"),
        Just("model Pixel ?"),
    ];
    proptest::collection::vec((any_level(), selector), 0..5).prop_map(|rules| {
        rules.iter().map(|(level, text)| written(&format!("{level} {text}"))).collect()
    })
}

proptest! {
    /// Exchange decides about a value that was seen as the written rule that speaks of it says.
    #[test]
    fn exchange_decides_as_it_is_written(rules in any_written()) {
        let compiled = compile(&rules, &seen());
        prop_assert_eq!(&compile(&rules, &seen()), &compiled);
        if !compiled.is_sound() {
            return Ok(());
        }
        let exact = compiled.exact();
        for value in seen().values(Characteristic::Model) {
            let model = Some(value.value.as_str());
            let device = Described { model, ..Described::default() };
            let known = on_premises(&exact, AccessLevel::Quarantine);
            let state = explain(device, PLAIN, known).decision.state;
            let matching = || rules.iter().filter(|rule| rule.selector.matches(&value.value));
            let says = matching().find(|rule| rule.selector.is_exact()).or_else(|| matching().next());
            let says = says.map_or(AccessLevel::Quarantine, |rule| rule.level);
            prop_assert_eq!(state, says.state(), "{} {:?}", value.value, rules);
        }
        for (gain, rule) in compiled.gains.iter().zip(&rules) {
            let values = seen();
            let values = values.values(Characteristic::Model).filter(|it| rule.selector.matches(&it.value));
            prop_assert!(gain.rules <= gain.values || rule.selector.is_exact());
            prop_assert_eq!(gain.devices, values.map(|it| it.devices).sum::<u64>());
        }
    }
}
