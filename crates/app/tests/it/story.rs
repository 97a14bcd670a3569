//! The first walk through the house, from an empty directory to an inventory.

use api::Job;
use serde_json::Value;

use crate::{Lab, Program};

/// Fields that move with every reading, by design.
const READING_TIMES: [&str; 2] = ["observed", "statistics_observed"];

fn devices(lab: &Lab) -> Vec<Value> {
    let list = lab.run(&["device", "list", "-o", "jsonl"]).done();
    list.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn without_reading_times(mut devices: Vec<Value>) -> Vec<Value> {
    for device in &mut devices {
        device.as_object_mut().unwrap().retain(|name, _| !READING_TIMES.contains(&name.as_str()));
    }
    devices.sort_by_key(|device| device["id"].to_string());
    devices
}

/// What the other side holds: the partnerships of an organization grown from the same seed, with
/// every field that does not tell a time. (Times count from the moment the simulation began.)
fn expected(count: usize) -> Vec<Value> {
    let start = jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(24 * 20_000);
    let options = simulator::OrganizationOptions::with_devices(count, start);
    let organization = simulator::Organization::generate(&options);
    let device = |partnership: simulator::Partnership| domain::Device {
        id: domain::DeviceId(partnership.facts.guid),
        connector: domain::ConnectorId(uuid::Uuid::nil()),
        owner: domain::device::Owner {
            user: partnership.mailbox.sam_account_name,
            mailbox: partnership.mailbox.primary_smtp_address,
            name: partnership.mailbox.display_name,
            user_dn: Some(partnership.mailbox.distinguished_name),
        },
        facts: partnership.facts,
        statistics: Some(partnership.statistics),
        observed: start,
        statistics_observed: Some(start),
        gone_since: None,
    };
    let devices = organization.partnerships().map(device);
    devices.map(|device| timeless(api::Device::of(device, "lab"))).collect()
}

/// A device without its times and without the id, which depends on the connector's.
fn timeless(device: api::Device) -> Value {
    const OTHER: [&str; 13] = [
        "id",
        "first_sync",
        "last_sync_attempt",
        "last_success_sync",
        "wipe_requested",
        "wipe_sent",
        "wipe_acknowledged",
        "when_created",
        "when_changed",
        "observed",
        "statistics_observed",
        "gone_since",
        "wipe_status",
    ];
    let mut value = serde_json::to_value(device).unwrap();
    value.as_object_mut().unwrap().retain(|name, _| !OTHER.contains(&name.as_str()));
    value
}

fn by_guid(mut devices: Vec<Value>) -> Vec<Value> {
    devices.sort_by_key(|device| device["guid"].to_string());
    devices
}

fn check_inventory(lab: &Lab, count: usize) {
    let found = devices(lab).into_iter();
    let found = found.map(|device| timeless(serde_json::from_value(device).unwrap())).collect();
    let (found, expected) = (by_guid(found), by_guid(expected(count)));
    assert_eq!(found.len(), count);
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
}

#[test]
fn every_partnership_is_one_line_and_a_second_sync_changes_nothing() {
    let count = 150;
    let mut lab = Lab::new(count);
    let added = lab.add_connector("password").done();
    assert!(added.contains("connector lab added"), "{added}");

    let synced = lab.run(&["sync", "lab", "--full", "--wait"]).done();
    assert!(synced.contains("150"), "{synced}");
    check_inventory(&lab, count);
    let first = devices(&lab);
    let fields: Vec<_> = api::Device::FIELDS.into_iter().collect();
    for line in lab.run(&["device", "list", "-o", "jsonl"]).done().lines() {
        let mut at = 0;
        for field in &fields {
            let found = line.get(at..).and_then(|rest| rest.find(&format!("\"{field}\":")));
            at += found.unwrap_or_else(|| panic!("{field} is not in its place: {line}"));
        }
    }

    lab.run(&["sync", "lab", "--full", "--wait"]).done();
    assert_eq!(without_reading_times(devices(&lab)), without_reading_times(first.clone()));

    let one = first[0]["id"].as_str().unwrap();
    let guid = first[0]["guid"].as_str().unwrap();
    let shown = lab.run(&["device", "show", one, "-o", "jsonl"]).done();
    assert_eq!(lab.run(&["device", "show", guid, "-o", "jsonl"]).done(), shown);
    let csv = lab.run(&["device", "list", "-o", "csv", "--limit", "7"]).done();
    assert_eq!(csv.lines().count(), 8);
    let status = lab.run(&["status"]).done();
    assert!(status.contains("150 devices"), "{status}");
    assert!(lab.run(&["connector", "list"]).done().contains("installed"));
    assert!(lab.run(&["doctor"]).done().contains("running"));

    lab.run(&["connector", "remove", "lab"]).done();
    assert_eq!(lab.run(&["device", "list"]).done(), "no device matches\n");
    assert_eq!(lab.server.terminate(), Some(0));
    assert_eq!(lab.exchange.terminate(), Some(0));
}

#[test]
fn a_crash_in_mid_sync_ends_with_the_same_inventory() {
    let count = 1500;
    let mut lab = Lab::new(count);
    lab.add_connector("password").done();
    lab.run(&["sync", "lab", "--full"]).done();
    let id = loop {
        let jobs = lab.run(&["job", "list", "-o", "json"]).done();
        let jobs: Vec<Job> = serde_json::from_str(&jobs).unwrap();
        let job = jobs.first().unwrap();
        assert_eq!(job.finished, None, "the sync was over before it could be cut");
        if job.state == "running" && job.done > 0 {
            break job.id.clone();
        }
    };
    lab.crash_and_restart();
    lab.run(&["job", "wait", &id]).done();
    check_inventory(&lab, count);
}

#[test]
fn a_wrong_password_is_named_and_fails() {
    let lab = Lab::new(10);
    std::fs::write(lab.directory.path().join("wrong"), "not the password").unwrap();
    let added = lab.add_connector("wrong");
    assert_eq!(added.code, Some(0), "{}", added.stderr);
    assert!(added.stdout.contains("connector lab added"));
    assert!(added.stderr.contains("does not work yet"), "{}", added.stderr);

    let synced = lab.run(&["sync", "lab", "--wait"]);
    assert_eq!(synced.code, Some(1));
    assert!(synced.stderr.contains("password"), "{}", synced.stderr);
    assert_eq!(lab.run(&["connector", "check", "lab"]).code, Some(1));
}

#[test]
fn one_directory_has_one_server() {
    let lab = Lab::new(1);
    let data = lab.data();
    let second = crate::gatepost(&["serve", "--data", data.to_str().unwrap()]);
    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains("another server already runs"), "{}", second.stderr);
}

#[test]
fn the_demo_shows_how_to_sign_in() {
    let mut demo = Program::start(&["demo", "--devices", "40", "--listen", "127.0.0.1:0"]);
    assert!(demo.line_with("Console").contains("http://127.0.0.1:"));
    assert!(demo.line_with("Sign in").contains("gp_"));
    let home = demo.line_with("GATEPOST_DATA=");
    let home = home.split_once('=').unwrap().1.to_owned();
    demo.line_with("From now on");
    let list = crate::gatepost(&["device", "list", "-o", "jsonl", "--data", &home]).done();
    assert!(list.lines().count() >= 40);
    assert_eq!(demo.terminate(), Some(0));
    assert!(!std::path::Path::new(&home).exists(), "the demo left {home} behind");
}
