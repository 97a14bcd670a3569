use proptest::prelude::{Just, Strategy, prop_assert_eq, prop_oneof, proptest};

use super::{PLAIN, any_level, any_rules, on_premises, rules};
use crate::access::what_if::{
    Access, By, ExemptionChange, Flips, Group, Verdict, brought_forward, what_if,
};
use crate::access::{AccessLevel, AccessRule, Described, explain};
use crate::{AccessReason, AccessState};

const fn access(rules: &[AccessRule], default_level: AccessLevel) -> Access<'_> {
    Access { rules, default_level }
}

/// Jane's kind of phone: so many, allowed by default.
const fn phones(devices: u64) -> Group<'static> {
    Group {
        device_type: Some("iPhone"),
        model: Some("iPhone14C5"),
        os: Some("iOS 15.4 19E241"),
        user_agent: None,
        state: AccessState::Allowed,
        reason: Some(AccessReason::Global),
        exemption: ExemptionChange::None,
        devices,
        people: devices,
    }
}

const fn flips(from: AccessState, to: AccessState, devices: u64) -> Flips {
    Flips { from, to, devices, people_at_most: devices }
}

#[test]
fn who_flips_is_counted() {
    use AccessState::{Allowed, Blocked, Quarantined};
    let androids =
        Group { device_type: Some("Android"), model: Some("SM-1"), os: None, ..phones(7) };
    let waiting = Group { state: Quarantined, ..phones(2) };
    let proposed = rules(&["block type android", "allow model iphone14c5"]);
    let now = access(&[], AccessLevel::Allow);
    let groups = [phones(100), androids, waiting, Group { os: None, ..androids }];
    let result = what_if(&groups, access(&proposed, AccessLevel::Quarantine), Some(now));
    assert_eq!(result.flips, [flips(Allowed, Blocked, 14)]);
    // The rules of now would allow them as well: they only have not come back yet.
    assert_eq!(result.settling, [flips(Quarantined, Allowed, 2)]);
    assert_eq!(result.flipping_devices(), 14);
    let states: Vec<_> = result.fates.iter().map(|it| (it.before, it.after, it.by)).collect();
    assert_eq!(
        states,
        [
            (Allowed, Allowed, By::Rule(1)),
            (Allowed, Blocked, By::Rule(0)),
            (Quarantined, Allowed, By::Rule(1)),
            (Allowed, Blocked, By::Rule(0)),
        ]
    );
    assert_eq!(result.fates[2].expected_before, Some(Allowed));
    // Without the rules of now everything that changes is the proposal's.
    let alone = what_if(&groups, access(&proposed, AccessLevel::Quarantine), None);
    assert_eq!(alone.flips, [flips(Allowed, Blocked, 14), flips(Quarantined, Allowed, 2)]);
    assert!(alone.settling.is_empty());
    let closed = what_if(&groups, access(&[], AccessLevel::Quarantine), Some(now));
    assert_eq!(closed.flips, [flips(Allowed, Quarantined, 114)]);
    assert_eq!(closed.by_default, 116);
}

/// What was applied a minute ago is taken back before any phone has come again.
#[test]
fn an_inventory_that_is_older_than_the_rules_is_brought_forward() {
    use AccessState::{Allowed, Blocked};
    let blocked = rules(&["block type iphone"]);
    let exempt = Group { reason: Some(AccessReason::Individual), ..phones(3) };
    let groups = [phones(100), exempt];
    let now = access(&blocked, AccessLevel::Allow);
    let back =
        |groups: &[Group<'_>]| what_if(groups, access(&[], AccessLevel::Allow), Some(now)).flips;
    assert_eq!(back(&groups), []);
    assert_eq!(back(&brought_forward(&groups, now)), [flips(Blocked, Allowed, 100)]);
}

#[test]
fn what_stands_before_rules_stays_as_it_is() {
    let block = rules(&["block type iPhone"]);
    let after = |state, reason, exemption| {
        let group = Group { state, reason, exemption, ..phones(1) };
        let result = what_if(&[group], access(&block, AccessLevel::Block), None);
        (result.fates[0].after, result.fates[0].by)
    };
    use AccessState::{Allowed, Blocked, Discovery, Quarantined};
    use ExemptionChange::{Allow, Block, None as Keep, Remove};
    let stays = |state, reason, exemption| {
        assert_eq!(after(state, reason, exemption), (state, By::Unchanged), "{state} {reason:?}");
    };
    let individual = Some(AccessReason::Individual);
    for change in [Keep, Allow, Block, Remove] {
        stays(Discovery, None, change);
        stays(Quarantined, Some(AccessReason::Upgrade), change);
        stays(Allowed, Some(AccessReason::Other), change);
        stays(Quarantined, Some(AccessReason::Autoblock), change);
        stays(Quarantined, Some(AccessReason::Policy), change);
    }
    stays(Allowed, individual, Keep);
    assert_eq!(after(Allowed, individual, Remove), (Blocked, By::Rule(0)));
    assert_eq!(after(Allowed, individual, Block), (Blocked, By::Exemption));
    assert_eq!(after(Blocked, Some(AccessReason::Rule), Allow), (Allowed, By::Exemption));
    assert_eq!(after(Allowed, Some(AccessReason::Rule), Keep), (Blocked, By::Rule(0)));
    assert_eq!(after(AccessState::Unknown, None, Keep), (Blocked, By::Rule(0)));
    // Whose exemption goes is not what the rules of now would do, but what the proposal does.
    let group = Group { reason: individual, exemption: Remove, ..phones(3) };
    let proposed = access(&block, AccessLevel::Block);
    assert_eq!(what_if(&[group], proposed, Some(proposed)).flips, [flips(Allowed, Blocked, 3)]);
}

#[test]
fn rules_that_do_nothing_are_found() {
    let proposed = rules(&[
        "allow os iOS 9",
        "allow model iPhone14C5",
        "block type iPhone",
        "block os iOS 15.4 19E241",
        "block xmswl_header 1",
        "allow type Android",
    ]);
    let exempted = Group {
        device_type: Some("Android"),
        model: None,
        os: None,
        reason: Some(AccessReason::Individual),
        ..phones(4)
    };
    let result = what_if(&[phones(9), exempted], access(&proposed, AccessLevel::Allow), None);
    assert_eq!(result.rules_of(Verdict::Dead).collect::<Vec<_>>(), [0]);
    assert_eq!(result.rules_of(Verdict::Shadowed).collect::<Vec<_>>(), [1]);
    assert_eq!(result.rules_of(Verdict::NotKnown).collect::<Vec<_>>(), [4]);
    let numbers: Vec<_> = result.effects.iter().map(|it| (it.names, it.decides)).collect();
    // Of two rules of one level the first in the order of rules is counted; neither is shadowed. An
    // exemption keeps a device from a rule, and makes the rule no worse.
    assert_eq!(numbers, [(0, 0), (9, 0), (9, 9), (9, 0), (0, 0), (4, 0)]);
    assert_eq!(result.effects[3].verdict, Verdict::Live);
    assert_eq!(result.effects[5].verdict, Verdict::Live);
}

/// The figure of the product: a thousand rules, fifty thousand groups of a million devices.
#[test]
fn a_million_devices_and_a_thousand_rules_are_counted_rightly() {
    const GROUPS: usize = 50_000;
    let models: Vec<String> = (0..5_000).map(|number| format!("SM-G{number}")).collect();
    let systems: Vec<String> = (0..2_000).map(|number| format!("Android {number}.1 X")).collect();
    let group = |number: usize| Group {
        device_type: Some("Android"),
        model: Some(&models[number % models.len()]),
        os: Some(&systems[number % systems.len()]),
        user_agent: Some("Android-Mail/2026"),
        devices: 20,
        people: 19,
        ..phones(0)
    };
    let groups: Vec<Group<'_>> = (0..GROUPS).map(group).collect();
    let mut proposed = Vec::new();
    for number in 0..500 {
        proposed.push(super::rule(&format!("block model sm-g{number}")));
        proposed.push(super::rule(&format!("allow os ANDROID {number}.1 X")));
    }
    let result = what_if(&groups, access(&proposed, AccessLevel::Allow), None);
    // A tenth of the models is blocked.
    let expected = Flips {
        people_at_most: 95_000,
        ..flips(AccessState::Allowed, AccessState::Blocked, 100_000)
    };
    assert_eq!(result.flips, [expected]);
    let decided: u64 = result.effects.iter().map(|it| it.decides).sum();
    assert_eq!(decided + result.by_default, 1_000_000);
    assert_eq!(result.rules_of(Verdict::Dead).count(), 0);
    assert_eq!(result.effects[0].decides, 200);
}

fn any_group() -> impl Strategy<Value = Group<'static>> {
    let device_type = prop_oneof![Just(None), Just(Some("iPhone")), Just(Some("ANDROID"))];
    let model = prop_oneof![Just(None), Just(Some("IPHONE14C5")), Just(Some("SM-G991B"))];
    let os = prop_oneof![Just(None), Just(Some("iOS 15.4")), Just(Some("iOS 15.4 19e241"))];
    (device_type, model, os, 0..4_u64).prop_map(|(device_type, model, os, devices)| Group {
        device_type,
        model,
        os,
        ..phones(devices)
    })
}

proptest! {
    /// What-if and explain are two ways to one answer.
    #[test]
    fn what_if_says_of_each_group_what_explain_says(
        groups in proptest::collection::vec(any_group(), 0..6),
        rules in any_rules(),
        default in any_level(),
    ) {
        let result = what_if(&groups, access(&rules, default), None);
        for (group, fate) in groups.iter().zip(&result.fates) {
            let device = Described {
                device_type: group.device_type,
                model: group.model,
                os: group.os,
                ..Described::default()
            };
            let decision = explain(device, PLAIN, on_premises(&rules, default)).decision;
            prop_assert_eq!(fate.after, decision.state);
            let rule = match fate.by {
                By::Rule(index) => Some(rules[index].clone()),
                _ => None,
            };
            prop_assert_eq!(rule, decision.rule);
        }
        let devices: u64 = groups.iter().map(|group| group.devices).sum();
        let decided: u64 = result.effects.iter().map(|it| it.decides).sum();
        prop_assert_eq!(decided + result.by_default, devices);
        let again = what_if(&groups, access(&rules, default), Some(access(&rules, default)));
        prop_assert_eq!(again.flips, vec![]);
        prop_assert_eq!(again.settling, result.flips);
    }
}
