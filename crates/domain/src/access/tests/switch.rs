use jiff::{SignedDuration, Timestamp};

use crate::access::switch::{Row, StillHit, WhyHit, exempt};
use crate::{AccessReason, AccessState};

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// Jane's phone, allowed by default, synced so many hours ago.
fn row(device_id: &'static str, hours: i64) -> Row<'static> {
    Row {
        device_id: Some(device_id),
        owner: Some("CN=Jane,DC=contoso,DC=com"),
        last_sync: Some(now() - SignedDuration::from_hours(hours)),
        state: AccessState::Allowed,
        reason: Some(AccessReason::Global),
    }
}

fn hit(row: usize, why: WhyHit) -> StillHit {
    StillHit { row, why }
}

#[test]
fn who_was_active_is_exempted_and_who_is_hit_is_told() {
    let rows = [
        row("A", 1),
        row("B", 24 * 30),
        row("C", 24 * 30 + 1),
        Row { last_sync: None, ..row("D", 0) },
        Row { device_id: None, ..row("E", 1) },
        Row { owner: Some(" "), ..row("F", 1) },
        Row { state: AccessState::Discovery, reason: None, ..row("G", 1) },
        Row { state: AccessState::Unknown, reason: None, ..row("H", 1) },
        // A clock that is ahead of ours makes nobody inactive.
        row("I", -5),
    ];
    let switch = exempt(&rows, now(), 30);
    assert_eq!(switch.to_exempt, [0, 1, 8]);
    assert_eq!(
        switch.still_hit,
        [
            hit(2, WhyHit::Inactive),
            hit(3, WhyHit::NeverSynced),
            hit(4, WhyHit::NoOwner),
            hit(5, WhyHit::NoOwner),
            hit(6, WhyHit::New),
            hit(7, WhyHit::NotKnown),
        ]
    );
    for StillHit { why, .. } in switch.still_hit {
        assert!(why.sentence().ends_with('.'));
    }
}

#[test]
fn who_is_not_at_the_default_level_is_left_alone() {
    let rows = [
        Row { reason: Some(AccessReason::Rule), ..row("A", 1) },
        Row { reason: Some(AccessReason::Individual), ..row("B", 1) },
        Row { state: AccessState::Blocked, ..row("C", 1) },
        Row { state: AccessState::Quarantined, ..row("D", 1) },
        Row { reason: None, ..row("E", 1) },
    ];
    let switch = exempt(&rows, now(), u32::MAX);
    assert_eq!((switch.to_exempt, switch.still_hit), (vec![4], vec![]));
}

#[test]
fn one_exemption_is_enough_for_one_id_of_one_owner() {
    let elsewhere = Row { owner: Some("CN=Ann,DC=contoso,DC=com"), ..row("A", 24 * 99) };
    let rows = [row("a", 24 * 99), row("A", 1), row("A", 2), elsewhere];
    let switch = exempt(&rows, now(), 30);
    assert_eq!(switch.to_exempt, [1]);
    assert_eq!(switch.still_hit, [hit(3, WhyHit::Inactive)]);
}
