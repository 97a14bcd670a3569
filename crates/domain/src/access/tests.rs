//! Who gets in, tried by tables and by laws.

mod compile;
mod decision;
mod pattern;
mod reported;
mod switch;
mod what_if;

use proptest::prelude::{Just, Strategy, any, prop_oneof};

use super::{AccessLevel, AccessRule, Characteristic, Described, Hosting, Known, Standing};

/// A rule as the tables write it: `block os iOS 15.4`.
pub(super) fn rule(text: &str) -> AccessRule {
    let mut words = text.splitn(3, ' ');
    let level = words.next().and_then(AccessLevel::from_word).expect("a level");
    let characteristic =
        words.next().and_then(Characteristic::from_word).expect("a characteristic");
    AccessRule { characteristic, value: words.next().expect("a value").to_owned(), level }
}

pub(super) fn rules(texts: &[&str]) -> Vec<AccessRule> {
    texts.iter().map(|text| rule(text)).collect()
}

/// Jane's phone.
pub(super) const PHONE: Described<'_> = Described {
    device_type: Some("iPhone"),
    model: Some("iPhone14C5"),
    os: Some("iOS 15.4 19E241"),
    user_agent: Some("Apple-iPhone14C5/1903.5"),
    windows_live_header: None,
    device_id: Some("ApplF17LTTCGFFG8"),
    missing: super::Missing::NotReported,
};

/// A mailbox of which everything is known, and that leaves the decision to rules.
pub(super) const PLAIN: Standing<'_> = Standing {
    active_sync_enabled: Some(true),
    in_blocked_list: Some(false),
    in_allowed_list: Some(false),
    policy: Some("Default"),
    lets_unable_in: Some(true),
    satisfies_policy: None,
};

pub(super) fn on_premises(rules: &[AccessRule], default_level: AccessLevel) -> Known<'_> {
    Known { rules, default_level: Some(default_level), hosting: Hosting::OnPremises }
}

pub(super) fn any_level() -> impl Strategy<Value = AccessLevel> {
    prop_oneof![Just(AccessLevel::Allow), Just(AccessLevel::Block), Just(AccessLevel::Quarantine)]
}

/// Rules of which every other names the phone, no two the same value.
pub(super) fn any_rules() -> impl Strategy<Value = Vec<AccessRule>> {
    let value = prop_oneof![
        Just("type iPhone"),
        Just("type IPHONE"),
        Just("type Android"),
        Just("model iphone14c5"),
        Just("model SM-G991B"),
        Just("os iOS 15.4 19E241"),
        Just("os iOS 15.4"),
        Just("user_agent Apple-iPhone14C5/1903.5"),
        Just("xmswl_header 1"),
    ];
    proptest::collection::vec((any_level(), value), 0..8).prop_map(|written| {
        let mut keys = std::collections::BTreeSet::new();
        let rules = written.iter().map(|(level, value)| rule(&format!("{level} {value}")));
        rules.filter(|rule| keys.insert(rule.key())).collect()
    })
}

pub(super) fn any_standing() -> impl Strategy<Value = Standing<'static>> {
    let known = any::<Option<bool>>;
    (known(), known(), known(), known(), known()).prop_map(|(on, blocked, allowed, lets, fits)| {
        Standing {
            active_sync_enabled: on,
            in_blocked_list: blocked,
            in_allowed_list: allowed,
            policy: Some("Default"),
            lets_unable_in: lets,
            satisfies_policy: fits,
        }
    })
}
