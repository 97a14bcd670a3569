//! A connector to a hosted organization on the command line, as far as that goes without one.

use serde_json::Value;

use crate::Lab;

const APPLICATION: &str = "b7e7b4a4-2c0c-4a1b-9c0b-1c1f2a3b4c5d";

fn shown(lab: &Lab) -> Value {
    let json = lab.run(&["connector", "show", "cloud", "-o", "json"]).done();
    let mut list: Vec<Value> = serde_json::from_str(&json).unwrap();
    list.pop().unwrap()
}

#[test]
fn a_hosted_connector_is_added_set_and_shown_beside_the_other() {
    let lab = Lab::new(3);
    lab.add(&lab.exchange_url, "password", &["--paused", "--no-check"]).done();
    let secret = lab.directory.path().join("client-secret");
    std::fs::write(&secret, "Cl1ent-secret\n").unwrap();
    let secret = secret.to_str().unwrap();
    // Nobody listens there.
    let address = "https://127.0.0.1:9";
    let added = lab.run(&[
        "connector",
        "add",
        "cloud",
        "--hosted",
        "Contoso.onmicrosoft.com",
        "--app-id",
        APPLICATION,
        "--client-secret-file",
        secret,
        "--cloud",
        "gcc-high",
        "--service-url",
        address,
        "--login-url",
        address,
        "--paused",
    ]);
    assert_eq!(added.code, Some(0), "{}", added.stderr);
    assert!(added.stdout.contains("cannot reach 127.0.0.1:9"), "{}", added.stdout);
    let there = shown(&lab);
    for (field, value) in [
        ("tenant", "contoso.onmicrosoft.com"),
        ("application_id", APPLICATION),
        ("sign_in", "secret"),
        ("cloud", "gcc-high"),
        ("service_url", address),
    ] {
        assert_eq!(there[field], value, "{field} in {there}");
    }
    assert_eq!(there["url"], Value::Null);
    lab.run(&["connector", "set", "cloud", "--proxy", "proxy:3128", "--cloud", "dod"]).done();
    let there = shown(&lab);
    assert_eq!((&there["proxy"], &there["cloud"]), (&"proxy:3128".into(), &"dod".into()));

    let stranger = lab.run(&["connector", "set", "lab", "--app-id", APPLICATION]);
    assert_eq!(stranger.code, Some(2), "{}", stranger.stdout);
    assert!(stranger.stderr.contains("on premises"), "{}", stranger.stderr);
    let nothing =
        lab.run(&["connector", "add", "other", "--hosted", "contoso.com", "--app-id", APPLICATION]);
    assert_eq!(nothing.code, Some(2));
    assert!(nothing.stderr.contains("there is no certificate"), "{}", nothing.stderr);
    let neither = lab.run(&["connector", "add", "other"]);
    assert_eq!(neither.code, Some(2));
    let table = lab.run(&["connector", "list"]).done();
    assert!(table.contains("cloud") && table.contains("lab"), "{table}");
}

#[test]
fn what_to_grant_is_said_before_there_is_a_connector() {
    let lab = Lab::new(1);
    let script = lab.run(&[
        "connector",
        "role-script",
        "--hosted=contoso.com",
        "--app-id",
        APPLICATION,
        "--read-only",
    ]);
    let script = script.done();
    assert!(script.contains(&format!("$AppId = '{APPLICATION}'")), "{script}");
    assert!(script.contains("$Tenant = 'contoso.com'"));
    assert!(!script.contains("Cmdlet = 'Clear-MobileDevice'"));
    let open = lab.run(&["connector", "role-script", "--hosted", "--feature", "wipe"]).done();
    assert!(open.contains("$AppId = '<application id>'"), "{open}");
    assert!(open.contains("Cmdlet = 'Clear-MobileDevice'"));
}
