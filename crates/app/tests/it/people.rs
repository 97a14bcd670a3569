//! Users, roles and tokens from the command line, as an administrator sets them up.

use std::{os::unix::fs::PermissionsExt as _, process::Command};

use serde_json::Value;

use crate::{Lab, program::Ended};

const PASSWORD: &str = "correct horse battery";

/// Runs a verb with a home of its own, where a login is kept.
fn at_home(lab: &Lab, arguments: &[&str]) -> Ended {
    let output = Command::new(env!("CARGO_BIN_EXE_gatepost"))
        .args(arguments)
        .env_clear()
        .env("HOME", lab.directory.path())
        .output()
        .unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_help_desk_signs_in_and_is_refused_what_its_role_does_not_permit() {
    let lab = Lab::new(5);
    let file = lab.directory.path().join("users-password");
    std::fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    let file = file.to_str().unwrap();
    let given = ["--password-file", file];
    let add = |name: &str, role: &str| {
        lab.run(&[&["user", "add", name, "--role", role], &given[..]].concat()).done()
    };
    assert_eq!(add("anna", "full-administrator"), "user anna added\n");
    add("jane", "help-desk");
    let short = lab.directory.path().join("short");
    std::fs::write(&short, "short").unwrap();
    let weak = lab.run(&["user", "add", "x", "--password-file", short.to_str().unwrap()]);
    assert_eq!(weak.code, Some(2));
    assert!(weak.stderr.contains("shorter than 12 characters"), "{}", weak.stderr);

    let status = lab.run(&["status", "-o", "json"]);
    assert_eq!(status.code, Some(0), "{}", status.stderr);
    let url = std::fs::read_to_string(lab.data().join("server.url")).unwrap();
    let login = at_home(&lab, &[&["login", "jane", "--server", url.trim()], &given[..]].concat());
    let said = login.done();
    assert!(said.starts_with("signed in as jane\n"), "{said}");
    let kept = lab.directory.path().join(".local/state/gatepost/login.json");
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);

    assert_eq!(at_home(&lab, &["connector", "list"]).code, Some(0));
    let refused = at_home(&lab, &["user", "list"]);
    assert_eq!(refused.code, Some(6));
    assert!(refused.stderr.contains("Security: Modify"), "{}", refused.stderr);
    let token = at_home(&lab, &["token", "add", "script", "--days", "7"]).done();
    assert!(token.starts_with("gp_") && token.lines().count() == 1, "{token}");
    let tokens = at_home(&lab, &["token", "list", "-o", "json"]).done();
    let tokens: Vec<Value> = serde_json::from_str(&tokens).unwrap();
    assert_eq!(tokens[0]["name"], "script");
    at_home(&lab, &["token", "revoke", tokens[0]["id"].as_str().unwrap()]).done();
    assert_eq!(at_home(&lab, &["logout"]).done(), "signed out\n");
    assert!(!kept.exists());
    assert_eq!(at_home(&lab, &["connector", "list"]).code, Some(1));
}

#[test]
fn roles_of_ones_own_are_given_for_a_collection() {
    let lab = Lab::new(5);
    lab.run(&["user", "add", "jane", "--no-password"]).done();
    lab.run(&["collection", "add", "ios", "os:iOS", "--description", "Apple"]).done();
    lab.run(&["role", "add", "seer", "--permissions", "read,read-resource"]).done();
    let place = ["--user", "jane", "--collection", "ios"];
    let given = lab.run(&[&["role", "assign", "seer"], &place[..]].concat()).done();
    assert_eq!(given, "jane has the role seer: collection ios\n");
    assert!(lab.run(&["user", "show", "jane"]).done().contains("seer collection ios"));
    assert_eq!(lab.run(&["collection", "remove", "ios"]).code, Some(1));
    lab.run(&[&["role", "unassign", "seer"], &place[..]].concat()).done();
    lab.run(&["collection", "remove", "ios"]).done();
    lab.run(&["role", "remove", "seer"]).done();
    assert_eq!(lab.run(&["role", "remove", "auditor"]).code, Some(1));
    lab.run(&["user", "disable", "jane"]).done();
    let users = lab.run(&["user", "list", "-o", "json"]).done();
    let users: Vec<Value> = serde_json::from_str(&users).unwrap();
    assert_eq!((&users[0]["disabled"], &users[0]["has_password"]), (&true.into(), &false.into()));
    lab.run(&["user", "remove", "jane"]).done();
    assert_eq!(lab.run(&["user", "list"]).done(), "no user yet\n");
}
