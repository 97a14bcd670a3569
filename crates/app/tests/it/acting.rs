//! What a person asks of phones by the command line, and how each verb ends.

use serde_json::Value;

use crate::Lab;

fn devices(lab: &Lab, query: &str) -> Vec<Value> {
    let list = lab.run(&["device", "list", query, "-o", "jsonl"]).done();
    list.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text(device: &Value, field: &str) -> String {
    device[field].as_str().unwrap().to_owned()
}

fn synced(count: usize) -> Lab {
    let lab = Lab::new(count);
    lab.add_connector("password").done();
    lab.run(&["sync", "lab", "--full", "--wait"]).done();
    lab
}

#[test]
fn a_phone_is_let_in_kept_out_and_erased_and_every_ending_has_its_number() {
    let lab = synced(150);
    let waiting = devices(&lab, "state:quarantined");
    let id = text(&waiting[0], "id");
    let allowed = lab.run(&["device", "allow", &id, "--reason", "new phone", "--ticket", "T-1"]);
    let allowed = allowed.done();
    assert!(allowed.contains("confirmed"), "{allowed}");
    let shown = lab.run(&["device", "show", &id, "-o", "json"]).done();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown[0]["access_state"], "allowed");
    assert_eq!(shown[0]["access_reason"], "individual");

    let silent = lab.run(&["device", "block", &id]);
    assert_eq!(silent.code, Some(2), "{}", silent.stderr);
    let unknown = lab.run(&["device", "block", "nobody", "--reason", "x"]);
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.stderr.contains("no device has the id"), "{}", unknown.stderr);

    // What erases is previewed first; the account is what is meant without a choice.
    let modern = devices(&lab, "type:iPhone state:allowed version:16.1 wipe:none");
    let phone = text(&modern[0], "id");
    let preview = lab.run(&["device", "wipe", &phone]).done();
    assert!(preview.contains("wipe-account: 1 of 1 device of 1 person"), "{preview}");
    assert!(preview.contains("mail account is erased"), "{preview}");
    let to_do = "nothing was done; to do it, add --yes and --reason TEXT\n";
    assert!(preview.ends_with(to_do), "{preview}");
    let entire = ["device", "wipe", &phone, "--entire-phone"];
    let preview = lab.run(&[&entire[..], &["--reason", "lost"]].concat()).done();
    assert!(preview.contains("entire phone is erased"), "{preview}");
    assert!(preview.contains("add --yes and --confirm with the last four"), "{preview}");
    let blind = lab.run(&[&entire[..], &["--yes", "--reason", "lost"]].concat());
    assert_eq!(blind.code, Some(2), "{}", blind.stderr);
    let wrong = ["--yes", "--reason", "lost", "--confirm", "0000"];
    let wrong = lab.run(&[&entire[..], &wrong].concat());
    assert!(wrong.stderr.contains("nothing was done"), "{}", wrong.stderr);
    let device_id = text(&modern[0], "device_id");
    let (_, last) = device_id.split_at(device_id.len() - 4);
    let right = ["--yes", "--reason", "lost", "--confirm", last];
    let sent = lab.run(&[&entire[..], &right].concat()).done();
    assert!(sent.contains("sent"), "{sent}");
    let again = lab.run(&["device", "forget", &phone, "--yes", "--reason", "x"]);
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("would lose it"), "{}", again.stderr);
    let cancelled = lab.run(&["device", "cancel-wipe", &phone, "--reason", "found"]).done();
    assert!(cancelled.contains("confirmed"), "{cancelled}");
}

#[test]
fn many_wipes_by_query_are_held_and_can_be_taken_back() {
    let lab = synced(200);
    let query = "type:iPhone state:allowed version:16.1 wipe:none";
    let count = devices(&lab, query).len().to_string();
    let preview = lab.run(&["device", "wipe", "--query", query]).done();
    let to_do = format!("add --yes, --reason TEXT and --count {count}\n");
    assert!(preview.ends_with(&to_do), "{preview}");
    let wipe = ["device", "wipe", "--query", query, "--yes", "--reason", "stolen van"];
    assert_eq!(lab.run(&wipe).code, Some(2), "a query needs the number");
    let stale = lab.run(&[&wipe[..], &["--count", "3"]].concat());
    assert_eq!(stale.code, Some(1));
    assert!(stale.stderr.contains("3 devices were shown"), "{}", stale.stderr);
    let held = lab.run(&[&wipe[..], &["--count", &count]].concat());
    assert_eq!(held.code, Some(5), "{}{}", held.stdout, held.stderr);
    let jobs = lab.run(&["job", "list", "-o", "json"]).done();
    let jobs: Value = serde_json::from_str(&jobs).unwrap();
    let job = jobs.as_array().unwrap().iter().find(|job| job["kind"] == "wipe-account").unwrap();
    assert_eq!(job["state"], "held");
    let id = job["id"].as_str().unwrap();
    // One person cannot agree to what they asked for.
    let own = lab.run(&["job", "approve", id]);
    assert_eq!(own.code, Some(6), "{}", own.stderr);
    let taken = lab.run(&["guard", "cancel-wipes"]).done();
    assert!(taken.contains("were taken back"), "{taken}");
    let ended = lab.run(&["job", "show", id]).done();
    assert!(ended.contains("cancelled"), "{ended}");
    let loose = lab.run(&["guard", "set", "--per-person", "50", "--reason", "drill"]);
    assert_eq!(loose.code, Some(5), "{}", loose.stderr);
    assert_eq!(lab.run(&["guard", "confirm"]).code, Some(6));
    lab.run(&["guard", "restore"]).done();
    assert!(lab.run(&["guard", "show"]).done().contains("20"));
}
