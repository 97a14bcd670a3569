//! What an organization shall be, by the command line: from the first import to the first day again, and
//! how each verb ends.

use std::fs;

use api::Plan;
use serde_json::Value;

use crate::{Lab, gatepost};

fn synced() -> Lab {
    let lab = Lab::new(80);
    lab.add_connector("password").done();
    lab.run(&["sync", "lab", "--full", "--wait"]).done();
    lab
}

/// Changes a file, each place once.
fn edit(file: &str, edits: &[(&str, &str)]) {
    let text = fs::read_to_string(file).unwrap();
    let edited = edits.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{from} is in\n{text}");
        text.replacen(from, to, 1)
    });
    fs::write(file, edited).unwrap();
}

/// The plan that a verb printed as JSON, however it ended.
fn plan(lab: &Lab, arguments: &[&str]) -> Plan {
    let ended = lab.run(&[arguments, &["-o", "json"]].concat());
    serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"))
}

/// The two lines of a rule of a file.
fn rule(file: &str, index: usize) -> String {
    let text = fs::read_to_string(file).unwrap();
    let rule = text.split("\n    - ").nth(index + 1).unwrap();
    let lines: Vec<&str> = rule.lines().take(2).collect();
    format!("    - {}\n", lines.join("\n"))
}

#[test]
fn from_the_first_import_to_the_first_day_again() {
    let mut lab = synced();
    let file = lab.file("wish.yaml");
    let imported = lab.run(&["import", "lab", "-f", &file]);
    assert!(imported.stderr.contains("rules adopted: Gatepost looks after them"), "{imported:?}");
    assert_eq!(imported.done(), "");
    let first_day = fs::read_to_string(&file).unwrap();
    let empty = lab.run(&["plan", "lab", "-f", &file]).done();
    assert!(empty.starts_with("nothing to do: lab is as written"), "{empty}");

    edit(
        &file,
        &[
            ("allow_camera: true", "allow_camera: false  # the lab asked for it"),
            ("maximum_attachment_size: unlimited", "maximum_attachment_size: 10MB"),
            ("  rules:\n", "  rules:\n    - type: WindowsMail\n      level: block\n"),
        ],
    );
    // The one behind it is one of Exchange's own, which was adopted.
    let adopted = rule(&file, 1);
    edit(&file, &[(&adopted, "")]);
    let saved = lab.file("plan.json");
    let planned = lab.run(&["plan", "lab", "-f", &file, "--out", &saved]);
    assert_eq!(planned.code, Some(3), "{planned:?}");
    insta::assert_snapshot!(planned.stdout.replace(&saved, "plan.json"));

    let applied = lab.run(&["apply", &saved]);
    assert!(
        applied.stderr.contains("done    Set-MobileDeviceMailboxPolicy Default"),
        "{applied:?}"
    );
    assert!(applied.done().starts_with("applied: 3 writes, and lab is as written\n"));
    assert_eq!(lab.run(&["apply", &saved]).code, Some(1), "it was applied already");
    let none = lab.run(&["drift", "lab"]).done();
    assert!(none.starts_with("lab is as it was written down"), "{none}");

    lab.exchange.types("Set-MobileDeviceMailboxPolicy -Identity Default -AllowCamera $true");
    lab.exchange.line_with("done");
    for arguments in [&["drift", "lab"][..], &["drift", "lab", "--last"]] {
        let drifted = lab.run(arguments);
        assert_eq!(drifted.code, Some(3), "{drifted:?}");
        let sentence = "allow_camera of policy Default is true and shall be false; ";
        assert!(drifted.stdout.contains(sentence), "{drifted:?}");
        assert!(drifted.stdout.contains("administrator changed it at 2"), "{drifted:?}");
    }
    let csv = lab.run(&["drift", "lab", "--last", "-o", "csv"]).stdout;
    assert!(csv.starts_with("thing,name,is,shall_be,writer,written,since,sentence\r\n"), "{csv}");
    let mend = plan(&lab, &["plan", "lab"]);
    assert_eq!((mend.changes.len(), mend.summary.origin.as_str()), (1, "kept"));
    lab.run(&["apply", &mend.summary.id]).done();
    lab.run(&["drift", "lab"]).done();

    let shown = lab.run(&["rollback", "lab"]);
    assert_eq!(shown.code, Some(3), "{shown:?}");
    assert!(shown.stdout.contains("REMOVE rule type WindowsMail"), "{shown:?}");
    let back = lab.run(&["rollback", "lab", "--yes"]);
    assert!(back.done().contains("and lab is as written"));
    let again = lab.file("again.yaml");
    lab.run(&["import", "lab", "-f", &again]).done();
    assert_eq!(fs::read_to_string(&again).unwrap(), first_day);
}

#[test]
fn a_file_that_is_there_keeps_its_comments_and_stays_beside() {
    let lab = synced();
    let file = lab.file("wish.yaml");
    lab.run(&["import", "lab", "-f", &file]).done();
    edit(&file, &[("allow_camera: true", "allow_camera: false  # nobody takes pictures here")]);
    let mine = fs::read_to_string(&file).unwrap();
    let dry = lab.run(&["import", "lab", "-f", &file, "--dry-run"]);
    assert!(dry.done().contains("allow_camera: true  # nobody takes pictures here"));
    assert_eq!(fs::read_to_string(&file).unwrap(), mine, "a dry run writes nothing");
    lab.run(&["import", "lab", "-f", &file]).done();
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("allow_camera: true  # nobody takes pictures here"), "{text}");
    assert_eq!(fs::read_to_string(format!("{file}.before")).unwrap(), mine);
    // What was applied can be had as it was written.
    assert_eq!(lab.run(&["import", "lab", "--kept"]).code, Some(1), "nothing was applied yet");
    fs::write(&file, &mine).unwrap();
    lab.run(&["apply", &plan(&lab, &["plan", "lab", "-f", &file]).summary.id]).done();
    assert_eq!(lab.run(&["import", "lab", "--kept"]).done(), mine);
}

#[test]
fn what_is_wrong_is_said_with_file_and_line_and_every_ending_has_its_number() {
    let mut lab = synced();
    let file = lab.file("wish.yaml");
    fs::write(
        &file,
        "connector: lab\nsettings:\n  password:\n    required: true\n    minimum_length: 99\n\
         access:\n  rules:\n    - model: \"SM-[0-9]\"\n      level: block\n",
    )
    .unwrap();
    let wrong = lab.run(&["plan", "lab", "-f", &file]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (Some(1), ""));
    assert!(
        wrong.stderr.contains(&format!("{file}:5: minimum_length: \"99\" is not")),
        "{wrong:?}"
    );
    assert!(wrong.stderr.contains(&format!("{file}:8: model: ")), "{wrong:?}");
    let missing = lab.run(&["plan", "lab", "-f", &lab.file("nowhere.yaml")]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.stderr.contains("nowhere.yaml"), "{missing:?}");
    for (arguments, code, part) in [
        (&["plan", "lab"][..], 1, "nothing was applied to lab yet"),
        (&["drift", "lab"], 1, "nothing can drift"),
        (&["plan", "other", "-f", &file], 1, "the connector does not exist"),
        (&["plan", "lab", "--overwrite"], 2, "--file"),
        (&["plan", &file], 2, "a file goes with -f: gatepost plan CONNECTOR -f "),
        (&["apply", &file], 1, "is no plan file: gatepost plan --out writes one"),
        (&["rule", "test", "lab", "iOS < 17", "--level", "block"], 2, "what it looks at"),
        (&["rule", "test", "lab", "os: iOS < x", "--level", "block"], 2, "rules[0].os"),
        (&["rule", "test", "lab", "os: iOS < 17"], 2, "--level once"),
    ] {
        let ended = lab.run(arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(part), "{arguments:?}: {ended:?}");
    }

    // The world has moved: nothing is sent.
    fs::write(&file, "access:\n  default_level: block\n  limit_of_flips: 0\n").unwrap();
    let planned = plan(&lab, &["plan", "lab", "-f", &file]);
    let id = planned.summary.id.as_str();
    let flips = planned.hits.unwrap().devices.to_string();
    let held = lab.run(&["apply", id]);
    assert_eq!(held.code, Some(6), "{held:?}");
    assert!(held.stderr.contains(&format!("changes the state of {flips} devices")), "{held:?}");
    lab.exchange.types("Set-ActiveSyncOrganizationSettings -DefaultAccessLevel Allow");
    lab.exchange.line_with("done");
    let moved = lab.run(&["apply", id, "--accept-flips", &flips]);
    assert_eq!(moved.code, Some(1), "{moved:?}");
    assert!(moved.stderr.contains("Exchange has changed since the plan was made"), "{moved:?}");
    assert!(moved.stderr.contains("nothing was written to Exchange"), "{moved:?}");
    assert!(moved.stderr.contains("make a new plan: gatepost plan lab"), "{moved:?}");

    let token = lab.file("token");
    fs::write(&token, lab.run(&["token", "add", "reader"]).done()).unwrap();
    let url = fs::read_to_string(lab.data().join("server.url")).unwrap();
    let reading = ["--server", url.trim(), "--token-file", &token];
    for arguments in [&["plan", "lab", "-f", &file][..], &["import", "lab"], &["apply", id]] {
        let refused = gatepost(&[arguments, &reading].concat());
        assert_eq!(refused.code, Some(6), "{arguments:?}: {refused:?}");
    }
    gatepost(&[&["settings", "show"][..], &reading].concat()).done();
}

#[test]
fn rules_and_settings_are_shown_and_tried() {
    let lab = synced();
    let file = lab.file("wish.yaml");
    lab.run(&["import", "lab", "-f", &file]).done();
    let rules = lab.run(&["rule", "list", "lab", "-o", "json"]).done();
    let rules: Vec<Value> = serde_json::from_str(&rules).unwrap();
    assert!(rules.iter().all(|rule| rule["in_care"] == true), "{rules:?}");
    let list = lab.run(&["rule", "list", "lab"]).done();
    assert!(list.starts_with("RULE ") && list.contains("adopted"), "{list}");
    let tried = ["rule", "test", "lab", "os: iOS < 999", "type: TestPhone", "--level", "block"];
    let table = lab.run(&tried).done();
    assert!(table.contains("os: iOS < 999") && table.contains("Exchange would have"), "{table}");
    let csv = lab.run(&[&tried[..], &["-o", "csv"]].concat()).done();
    assert!(csv.starts_with("characteristic,value,level,devices,rule\r\n"), "{csv}");
    let of_file = lab.run(&["rule", "test", "lab", "-f", &file, "-o", "json"]).done();
    let of_file: Value = serde_json::from_str(&of_file).unwrap();
    assert_eq!(of_file["exact"].as_array().unwrap().len(), rules.len());

    let catalogue = lab.run(&["settings", "show"]).done();
    assert!(catalogue.contains("password.minimum_length"), "{catalogue}");
    let all = lab.run(&["settings", "show", "-o", "jsonl"]).done();
    assert_eq!(all.lines().count(), domain::Setting::ALL.len());
    let own = lab.run(&["settings", "show", "lab"]).done();
    assert!(own.starts_with("policy Default, as Exchange was read at "), "{own}");
    let camera = own.lines().find(|line| line.starts_with("security.allow_camera"));
    assert_eq!(camera.unwrap().split_whitespace().collect::<Vec<_>>()[1..], ["true", "-", "true"]);
}
