//! The life of a connector on the command line, as a newcomer meets it.

use api::{CheckReport, Endpoint, LogLine, Message};
use serde_json::Value;

use crate::Lab;

/// An address where nobody answers.
const OFFLINE: &str = "http://127.0.0.1:9/PowerShell/";

/// The one connector, as JSON.
fn shown(lab: &Lab) -> Value {
    let json = lab.run(&["connector", "show", "lab", "-o", "json"]).done();
    let mut list: Vec<Value> = serde_json::from_str(&json).unwrap();
    list.pop().unwrap()
}

fn list<T: serde::de::DeserializeOwned>(lab: &Lab, verb: &str) -> Vec<T> {
    let json = lab.run(&["connector", verb, "lab", "-o", "json"]).done();
    serde_json::from_str(&json).unwrap()
}

/// From nothing to a synced organization, with a wrong password, a cmdlet that is hidden and a
/// first server that is off on the way.
#[test]
fn a_newcomer_is_told_what_to_do_and_gets_there() {
    let mut lab = Lab::with(60, &["--hide", "Clear-MobileDevice"]);
    std::fs::write(lab.directory.path().join("wrong"), "not the password").unwrap();
    let site = format!("Berlin={}", lab.exchange_url);
    let added = lab.add(OFFLINE, "wrong", &["--site", &site]);
    assert_eq!(added.code, Some(0), "{}", added.stderr);
    assert!(added.stdout.contains("cannot reach 127.0.0.1:9"), "{}", added.stdout);
    assert!(added.stdout.contains("password is wrong"), "{}", added.stdout);
    assert!(added.stderr.contains("gatepost connector set lab"), "{}", added.stderr);

    let password = lab.directory.path().join("password");
    let set = lab.run(&["connector", "set", "lab", "--password-file", password.to_str().unwrap()]);
    let set = set.done();
    assert!(set.contains("connector lab changed: password"), "{set}");
    assert!(set.contains("next: gatepost connector check lab"), "{set}");

    let checked = lab.run(&["connector", "check", "lab"]).done();
    assert!(checked.contains("missing  wipe"), "{checked}");
    assert!(checked.contains("New-ManagementRole -Name 'Gatepost wipe 1'"), "{checked}");
    assert!(!checked.contains("read-only"), "{checked}");
    let table = checked.split_once("\nTo grant").unwrap().0;
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
    let report = lab.run(&["connector", "check", "lab", "-o", "json"]).done();
    let report: CheckReport = serde_json::from_str(&report).unwrap();
    assert!(report.is_ready && !report.is_read_only);
    let wipe = report.features.iter().find(|feature| feature.feature == "wipe").unwrap();
    assert_eq!(
        (wipe.state.as_str(), &wipe.missing[..]),
        ("missing", &["Clear-MobileDevice".to_owned()][..])
    );

    // The first full sync has begun by itself; this waits for it.
    lab.run(&["sync", "lab", "--full", "--wait"]).done();
    assert_eq!(lab.run(&["device", "list", "-o", "jsonl"]).done().lines().count(), 60);
    assert_eq!(shown(&lab)["state"], "installed");
    assert!(lab.run(&["connector", "list"]).done().contains("installed"));

    let endpoints: Vec<Endpoint> = list(&lab, "endpoints");
    assert_eq!(endpoints[0].url, lab.exchange_url);
    assert!(endpoints[0].last_success.is_some());
    assert!(endpoints.iter().any(|one| one.url == OFFLINE && one.failures > 0));
    assert!(lab.run(&["connector", "endpoints", "lab"]).done().contains("tried again from"));
    let messages: Vec<Message> = list(&lab, "messages");
    for number in [6400, 6401, 6403, 6420, 1015] {
        assert!(messages.iter().any(|message| message.number == number), "{number}");
    }
    let table = lab.run(&["connector", "messages", "lab", "--limit", "1"]).done();
    assert!(table.starts_with("AT "), "{table}");
    let log: Vec<LogLine> = list(&lab, "log");
    for (phrase, is_warning) in [
        ("Component GATEPOST_EXCHANGE_CONNECTOR flagged for installation", false),
        ("STATMSG: ID=6401", true),
        ("STATMSG: ID=1015", false),
    ] {
        let said = log.iter().find(|line| line.phrase == phrase);
        assert_eq!(said.map(|line| line.is_warning), Some(is_warning), "{phrase}: {log:#?}");
    }
    let table = lab.run(&["connector", "log", "lab", "--limit", "1"]).done();
    assert!(table.starts_with("AT ") && table.contains("LINE"), "{table}");

    lab.crash_and_restart();
    let last = lab.run(&["connector", "check", "lab", "--last", "-o", "json"]).done();
    assert_eq!(serde_json::from_str::<CheckReport>(&last).unwrap(), report);
    let last = lab.run(&["connector", "check", "lab", "--last"]).done();
    assert!(last.starts_with("checked 20") && last.contains("missing  wipe"), "{last}");
}

#[test]
fn an_account_that_may_only_read_is_called_read_only() {
    let mut hidden = Vec::new();
    for verb in ["Set", "New", "Remove", "Clear"] {
        for noun in [
            "CASMailbox",
            "MobileDevice",
            "MobileDeviceMailboxPolicy",
            "ActiveSyncDeviceAccessRule",
            "ActiveSyncOrganizationSettings",
            "ActiveSyncDevice",
            "ActiveSyncMailboxPolicy",
        ] {
            hidden.extend(["--hide".to_owned(), format!("{verb}-{noun}")]);
        }
    }
    let hidden: Vec<&str> = hidden.iter().map(String::as_str).collect();
    let lab = Lab::with(5, &hidden);
    let added = lab.add_connector("password").done();
    assert!(added.contains("lab works read-only"), "{added}");
    assert!(added.contains("the first full sync has begun"), "{added}");
}

#[test]
fn a_connector_is_set_flag_by_flag_and_cleared_by_nothing() {
    let lab = Lab::new(5);
    let added = lab.add(&lab.exchange_url, "password", &["--paused", "--no-check"]).done();
    assert!(added.contains("it rests; to let it read"), "{added}");
    let before = shown(&lab);
    assert_eq!((&before["paused"], &before["state"]), (&true.into(), &"flagged".into()));

    let notify = lab.directory.path().join("password");
    let flags: [&[&str]; 8] = [
        &["--full-schedule", "0 2 * * 1-5", "--delta-schedule", "90m", "--time-zone", "Asia/Tokyo"],
        &["--unit", "OU=A", "--unit", "OU=B", "--inactive-days", "30"],
        &["--site", "Bonn=http://bonn/PowerShell/", "--directory", "dc01"],
        &["--directory-security", "sealed", "--runspaces", "2"],
        &["--remove-aged-partnerships", "--allow-external-management", "false"],
        &[
            "--notification-account",
            "notify",
            "--notification-password-file",
            notify.to_str().unwrap(),
        ],
        &[
            "--kdc",
            "dc01:88",
            "--spn",
            "HTTP/x",
            "--connect-to",
            "127.0.0.1:99",
            "--replace",
            "old",
        ],
        &["--auth", "negotiate", "--proxy", "127.0.0.1:1", "--pin", &"a".repeat(64)],
    ];
    for flags in flags {
        lab.run(&[&["connector", "set", "lab"], flags].concat()).done();
    }
    check_everything_is_set(&shown(&lab));
    let table = lab.run(&["connector", "show", "lab"]).done();
    assert!(table.contains("Bonn=http://bonn/PowerShell/"), "{table}");

    lab.run(&["connector", "set", "lab", "--recipient-filter", "Department -eq 'Sales'"]).done();
    assert_eq!(shown(&lab)["options"]["organizational_units"], Value::Null);
    let cleared: [&[&str]; 6] = [
        &["--full-schedule", "24h", "--delta-schedule", "4h", "--time-zone", "utc"],
        &["--recipient-filter", "", "--inactive-days", "never", "--site", "", "--directory", ""],
        &["--remove-aged-partnerships=false", "--allow-external-management", "keep"],
        &["--configured-servers-only"],
        &["--notification-account", "", "--kdc", "", "--spn", "", "--connect-to", ""],
        &["--replace", "", "--proxy", "", "--pin", "", "--auth", "ntlm", "--runspaces", "3"],
    ];
    for flags in cleared {
        lab.run(&[&["connector", "set", "lab"], flags].concat()).done();
    }
    assert_eq!(shown(&lab)["options"]["configured_servers_only"], Value::Bool(true));
    lab.run(&["connector", "set", "lab", "--configured-servers-only=false"]).done();
    assert_eq!(shown(&lab), before);
    // The password was kept all the time: it still signs in.
    lab.run(&["connector", "check", "lab"]).done();
    assert!(lab.run(&["connector", "resume", "lab"]).done().contains("goes on"));
    assert!(lab.run(&["connector", "pause", "lab"]).done().contains("rests"));
    assert!(lab.run(&["connector", "list"]).done().contains("rests"));
    assert!(lab.run(&["status"]).done().contains("and at rest"));
}

fn check_everything_is_set(set: &Value) {
    let options = &set["options"];
    assert_eq!(options["full_schedule"], "cron 0 2 * * 1-5");
    assert_eq!(options["delta_schedule"], "1h30m");
    assert_eq!(options["time_zone"], "Asia/Tokyo");
    assert_eq!(options["organizational_units"].as_array().unwrap().len(), 2);
    assert_eq!((&options["inactive_days"], &options["runspaces"]), (&30.into(), &2.into()));
    assert_eq!(options["directory"]["security"], "sealed");
    assert_eq!(options["sites"][0]["site"], "Bonn");
    assert_eq!(options["remove_aged_partnerships"], true);
    assert_eq!(options["allow_external_management"], false);
    assert_eq!(
        (&options["notification_account"], &options["replaces"]),
        (&"notify".into(), &"old".into())
    );
    assert_eq!(
        (&set["authentication"], &set["proxy"]),
        (&"negotiate".into(), &"127.0.0.1:1".into())
    );
}

/// Wrong use is code 2 and says what was expected; what is wrong elsewhere is code 1.
#[test]
fn what_is_wrong_is_said_in_a_sentence() {
    let lab = Lab::new(1);
    lab.add(&lab.exchange_url, "password", &["--paused", "--no-check"]).done();
    let cases: [(&[&str], i32, &str); 14] = [
        (&["connector", "check", "lab", "--last"], 1, "was not checked since it was added"),
        (&["connector", "set", "lab"], 2, "nothing to change is given"),
        (&["connector", "set", "lab", "--full-schedule", "daily"], 2, "such as 24h"),
        (&["connector", "set", "lab", "--time-zone", "Berlin"], 2, "Europe/Berlin"),
        (&["connector", "set", "lab", "--runspaces", "20"], 2, "not 1 to 9"),
        (&["connector", "set", "lab", "--inactive-days", "some"], 2, "the word never"),
        (&["connector", "set", "lab", "--site", "Bonn"], 2, "SITE=URL"),
        (
            &["connector", "set", "lab", "--unit", "a", "--recipient-filter", "b"],
            2,
            "cannot be used with",
        ),
        (&["connector", "set", "lab", "--directory-security", "ldaps"], 2, "`server`"),
        (&["connector", "set", "lab", "--password", "x"], 2, "--password"),
        (&["connector", "set", "other", "--runspaces", "2"], 1, "does not exist"),
        (&["connector", "role-script", "lab", "--feature", "fly"], 2, "possible values: inventory"),
        (&["connector", "ageing", "lab", "--now"], 2, "set a number of days first"),
        (&["sync", "lab", "--full", "--delta"], 2, "cannot be used with"),
    ];
    for (arguments, code, part) in cases {
        let ended = lab.run(arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(part), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn what_is_asked_for_by_name_is_read_at_once() {
    let lab = Lab::new(40);
    lab.add(&lab.exchange_url, "password", &["--paused"]).done();
    // Without a word a first sync is full, and a later one reads what changed.
    assert!(lab.run(&["sync", "lab", "--wait"]).done().contains("40 devices read"));
    let delta = lab.run(&["sync", "lab"]).done();
    assert!(delta.starts_with("delta sync began"), "{delta}");
    let id = delta.split_whitespace().last().unwrap();
    lab.run(&["job", "wait", id]).done();
    assert!(lab.run(&["job", "list"]).done().contains("delta sync"));
    assert_ne!(shown(&lab)["last_delta_sync"], Value::Null);
    let passes: Vec<Value> = list(&lab, "passes");
    assert_eq!((&passes[0]["kind"], &passes[1]["kind"]), (&"delta".into(), &"full".into()));
    assert!(passes[1]["cmdlets"].as_u64() > Some(0));
    let table = lab.run(&["connector", "passes", "lab"]).done();
    assert!(table.contains("complete") && table.contains(" s "), "{table}");

    let one = lab.run(&["device", "list", "--limit", "1", "-o", "json"]).done();
    let one: Vec<api::Device> = serde_json::from_str(&one).unwrap();
    let user = one[0].user.clone().unwrap();
    assert!(lab.run(&["sync", "lab", "--user", &user]).done().contains("read again"));
    assert!(lab.run(&["sync", "lab", "--user", "nobody"]).done().contains("no device of nobody"));
    let again = lab.run(&["device", "refresh", &one[0].id, "-o", "json"]).done();
    let again: Vec<api::DeviceDetail> = serde_json::from_str(&again).unwrap();
    assert_eq!(again[0].device.id, one[0].id);
    assert!(again[0].device.observed > one[0].observed);
    let nil = uuid::Uuid::nil().to_string();
    assert_eq!(lab.run(&["device", "refresh", &nil]).code, Some(1));

    let script = lab.run(&["connector", "role-script", "lab", "--read-only"]).done();
    assert!(script.contains("CONTOSO\\gatepost") && !script.contains("Clear-MobileDevice"));
    let script = lab.run(&["connector", "role-script", "lab", "--exchange", "2010"]).done();
    assert!(script.contains("Get-ActiveSyncDevice"), "{script}");

    assert!(lab.run(&["connector", "ageing", "lab"]).done().contains("never leave"));
    lab.run(&["connector", "set", "lab", "--inactive-days", "1"]).done();
    assert!(lab.run(&["connector", "ageing", "lab"]).done().contains("would leave now"));
    assert!(
        lab.run(&["connector", "ageing", "lab", "--now"]).done().contains("left the inventory")
    );

    let kept = lab.run(&["connector", "remove", "lab", "--keep-inventory"]).done();
    assert!(kept.contains("its inventory is kept"), "{kept}");
    assert_ne!(lab.run(&["device", "list"]).done(), "no device matches\n");
    let refused = lab.run(&["sync", "lab"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("was removed"), "{}", refused.stderr);
    lab.run(&["connector", "remove", "lab", "--yes"]).done();
    assert_eq!(lab.run(&["device", "list"]).done(), "no device matches\n");
}
