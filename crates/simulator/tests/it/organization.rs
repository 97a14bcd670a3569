//! The organization grows the same from the same seed, and lives.

use jiff::{SignedDuration, Timestamp};
use simulator::{Organization, OrganizationOptions, Partnership};

fn grown(seed: u64, devices: usize) -> Organization {
    let start: Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
    let options = OrganizationOptions { seed, ..OrganizationOptions::with_devices(devices, start) };
    Organization::generate(&options)
}

#[test]
fn the_same_seed_gives_the_same_organization_and_the_same_life() {
    let story = |seed| {
        let mut organization = grown(seed, 300);
        for _ in 0..10 {
            organization.advance(organization.now() + SignedDuration::from_mins(30));
        }
        organization.partnerships().collect::<Vec<Partnership>>()
    };
    assert_eq!(story(7), story(7));
    assert_ne!(story(7), story(8));
}

#[test]
fn every_access_state_and_reason_is_met() {
    let organization = grown(1, 2_000);
    assert_eq!(organization.device_count(), 2_000);
    let mut met: Vec<(&str, &str)> = organization
        .partnerships()
        .map(|one| (one.facts.access_state.word(), one.facts.access_reason.unwrap().word()))
        .collect();
    met.sort_unstable();
    met.dedup();
    assert_eq!(
        met,
        [
            ("allowed", "individual"),
            ("allowed", "rule"),
            ("blocked", "global"),
            ("blocked", "individual"),
            ("blocked", "policy"),
            ("blocked", "rule"),
            ("quarantined", "global"),
            ("quarantined", "rule"),
        ]
    );
}

#[test]
fn a_minute_of_five_thousand_phones_is_worth_watching() {
    let mut organization = grown(1, 5_000);
    let before: Vec<Partnership> = organization.partnerships().collect();
    for _ in 0..60 {
        organization.advance(organization.now() + SignedDuration::from_secs(1));
    }
    let after: Vec<Partnership> = organization.partnerships().collect();
    let known = |guid| before.iter().any(|one| one.facts.guid == guid);
    let new = after.iter().filter(|one| !known(one.facts.guid)).count();
    assert!((1..20).contains(&new), "{new} new phones");
    let synced = after
        .iter()
        .filter(|one| {
            one.statistics.last_success_sync
                > Some(organization.now() - SignedDuration::from_mins(1))
        })
        .count();
    assert!(synced > 100, "{synced} phones synced");
}

#[test]
fn a_new_phone_is_discovered_and_then_decided_upon() {
    let mut organization = grown(3, 50);
    let guid = organization.add_device();
    let state = |organization: &Organization| {
        let found = organization.partnerships().find(|one| one.facts.guid == guid);
        found.map(|one| one.facts.access_state.word())
    };
    assert_eq!(state(&organization), Some("discovery"));
    organization.advance(organization.now() + SignedDuration::from_mins(1));
    assert_ne!(state(&organization), Some("discovery"));
    assert!(organization.remove_device(guid));
    assert_eq!(state(&organization), None);
}

#[test]
fn values_that_were_never_seen_come_with_new_phones_and_with_updates() {
    let mut organization = grown(1, 300);
    let with_os = |organization: &Organization, os: &str| {
        let all = organization.partnerships().filter(|one| one.facts.os.as_deref() == Some(os));
        all.map(|one| one.facts.guid).collect::<Vec<_>>()
    };
    let (old, new) = ("iOS 17.5.1 21F90", "iOS 18.2 22C152");
    assert!(with_os(&organization, new).is_empty());
    let phone = with_os(&organization, old)[0];
    assert!(organization.update_device(phone));
    assert_eq!(with_os(&organization, new), [phone]);
    assert!(!organization.update_device(phone));
    let added = organization.add_device_of("SM-S921B").unwrap();
    assert_eq!(with_os(&organization, "Android 15").last(), Some(&added));
    assert!(organization.device_class_texts().any(|class| class == ("SAMSUNG", "SM-S921B")));
    assert_eq!(organization.add_device_of("Nokia 3310"), None);
}

#[test]
fn a_wipe_is_fetched_and_then_acknowledged() {
    let mut organization = grown(5, 50);
    let reachable = organization.partnerships().find(|one| {
        one.facts.access_state.word() == "allowed" && one.statistics.wipe_requested.is_none()
    });
    let guid = reachable.unwrap().facts.guid;
    assert!(organization.wipe_device(guid, false, "helpdesk@contoso.com"));
    let mut met = Vec::new();
    for _ in 0..3 {
        let one = organization.partnerships().find(|one| one.facts.guid == guid).unwrap();
        met.push(one.statistics.wipe_status.word());
        organization.advance(organization.now() + SignedDuration::from_secs(25));
    }
    assert_eq!(met, ["requested", "sent", "acknowledged"]);
}
