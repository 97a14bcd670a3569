//! `gatepost device explain`: why a phone gets in or not.

use serde_json::Value;

use crate::Lab;

/// An organization that was read, its rules included: the server looks at them by itself.
fn looked_at(count: usize) -> (Lab, Value) {
    let lab = Lab::new(count);
    lab.add_connector("password").done();
    lab.run(&["sync", "lab", "--full", "--wait"]).done();
    let list = lab.run(&["device", "list", "state:blocked type:WP8", "-o", "json"]).done();
    let list: Value = serde_json::from_str(&list).unwrap();
    let phone = list[0].clone();
    for _ in 0..600 {
        if explained(&lab, &phone)["rules_as_of"].is_string() {
            return (lab, phone);
        }
    }
    panic!("the server did not look at the rules");
}

fn explained(lab: &Lab, phone: &Value) -> Value {
    let told = lab.run(&["device", "explain", phone["id"].as_str().unwrap(), "-o", "json"]).done();
    serde_json::from_str(&told).unwrap()
}

#[test]
fn a_blocked_phone_is_explained_and_so_is_one_that_is_only_described() {
    let (lab, phone) = looked_at(150);
    let told = explained(&lab, &phone);
    assert_eq!(told["decision"]["state"], "blocked");
    assert_eq!(told["agreement"]["agrees"], true);
    let guid = phone["guid"].as_str().unwrap();
    let table = lab.run(&["device", "explain", guid]).done();
    let first = table.lines().next().unwrap();
    assert!(first.starts_with("Blocked: the rule \"WP8\" (type) of this organization"), "{table}");
    let marked: Vec<_> = table.lines().filter(|line| line.starts_with("->")).collect();
    assert_eq!(marked.len(), 1, "{table}");
    assert!(marked[0].contains("decided") && marked[0].contains("Block rules"), "{table}");
    for said in
        ["How Exchange decides", "What would let it in", "this device alone", "Rules, policies"]
    {
        assert!(table.contains(said), "{said}: {table}");
    }
    assert!(!table.contains("not what Exchange reports"), "{table}");
    let lines = lab.run(&["device", "explain", guid, "-o", "csv"]).done();
    assert_eq!(lines.lines().count(), 10, "a head and nine steps: {lines}");

    let described = ["device", "explain", "--connector", "lab", "--type", "WP8", "-o", "jsonl"];
    let told: Value = serde_json::from_str(&lab.run(&described).done()).unwrap();
    assert_eq!(told["decision"]["rule"]["value"], "WP8");
    assert_eq!(told["reported"], Value::Null);
    let user = phone["mailbox"].as_str().unwrap();
    let with_user = [&described[..], &["--user", user]].concat();
    lab.run(&with_user).done();
    let stranger = lab.run(&[&described[..], &["--user", "nobody"]].concat());
    assert_eq!(stranger.code, Some(1));
    assert!(stranger.stderr.contains("nobody with a device in lab"), "{}", stranger.stderr);
    for wrong in [
        &["device", "explain"][..],
        &["device", "explain", "--connector", "lab"],
        &["device", "explain", "--type", "WP8"],
        &["device", "explain", guid, "--connector", "lab"],
    ] {
        let ended = lab.run(wrong);
        assert_eq!(ended.code, Some(2), "{wrong:?}: {}", ended.stderr);
    }
}
