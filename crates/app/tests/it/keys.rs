//! The data key through the real binary: where it comes from, and another in its place.

use std::{fs, path::Path};

use crate::{
    Lab, Program,
    program::{Ended, command, ended, gatepost},
};

fn is_syncing(lab: &Lab) -> bool {
    lab.run(&["sync", "lab", "--full", "--wait"]).code == Some(0)
}

fn told(program: &Ended) -> String {
    format!("{}{}", program.stdout, program.stderr)
}

#[test]
fn another_key_is_made_while_the_server_runs_and_the_old_one_can_be_destroyed() {
    let mut lab = Lab::new(5);
    lab.add_connector("password").done();
    let key = lab.data().join("secret.key");
    let before = fs::read(&key).unwrap();
    let preview = lab.run(&["key", "rotate", "--dry-run"]).done();
    assert!(
        preview.contains("would make a new key") && preview.contains("secrets anew with it: 1"),
        "{preview}"
    );
    assert_eq!(fs::read(&key).unwrap(), before);

    let done = lab.run(&["key", "rotate"]).done();
    assert!(done.contains("secrets sealed anew: 1") && done.contains("secret.key.old"), "{done}");
    assert_ne!(fs::read(&key).unwrap(), before);
    assert_eq!(fs::read(lab.data().join("secret.key.old")).unwrap(), before);
    assert!(is_syncing(&lab));
    let shown = lab.run(&["key", "show"]).done();
    assert!(shown.contains("nothing needs the key before it"), "{shown}");
    assert!(lab.run(&["doctor"]).done().contains("nothing needs the key before it"));

    fs::remove_file(lab.data().join("secret.key.old")).unwrap();
    lab.crash_and_restart();
    assert!(is_syncing(&lab));
    assert!(!lab.run(&["key", "show"]).done().contains("before"));
}

#[test]
fn a_wrong_key_is_told_at_the_start_and_by_the_doctor() {
    let mut lab = Lab::new(1);
    lab.add_connector("password").done();
    lab.server.terminate();
    let data = lab.data();
    let data = data.to_str().unwrap();
    let doctor = || gatepost(&["doctor", "--data", data, "--listen", "127.0.0.1:0"]);
    assert!(doctor().done().contains("opens the secrets in the database"));

    let right = fs::read(lab.data().join("secret.key")).unwrap();
    fs::write(lab.data().join("secret.key"), [b'w'; 32]).unwrap();
    let serve = ["serve", "--data", data, "--listen", "127.0.0.1:0"];
    let refused = gatepost(&serve);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("gatepost key abandon"), "{}", refused.stderr);
    let found = doctor();
    assert_eq!(found.code, Some(1));
    assert!(found.stdout.contains("but the secrets are sealed with"), "{}", found.stdout);

    // Given by the environment it is the right one again, whatever lies in the directory.
    let hexadecimal: String = right.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut given = command(&["doctor", "--data", data, "--listen", "127.0.0.1:0"]);
    let found = ended(given.env("GATEPOST_KEY", &hexadecimal));
    assert!(found.stdout.contains("from the variable GATEPOST_KEY opens"), "{}", told(&found));
    lab.server = Program::of(command(&serve).env("GATEPOST_KEY", &hexadecimal));
    lab.server.line_with("gatepost listens on");
    assert!(is_syncing(&lab));
    let refused = lab.run(&["key", "rotate"]);
    assert!(refused.stderr.contains("where only you can put another"), "{}", refused.stderr);
    lab.server.terminate();

    // Lost for ever: it goes on, and the password is given anew.
    let mut lost = vec!["key", "abandon", "--data", data];
    assert_eq!(gatepost(&lost).code, Some(2));
    lost.push("--the-key-is-lost");
    assert!(gatepost(&lost).done().contains("1 of 1 do not open"));
    lab.server = Program::start(&serve);
    lab.server.line_with("gatepost listens on");
    assert!(!is_syncing(&lab));
    assert_eq!(lab.run(&["key", "show"]).code, Some(1));
    let file = lab.directory.path().join("password");
    lab.run(&["connector", "set", "lab", "--password-file", file.to_str().unwrap()]).done();
    assert!(is_syncing(&lab));
}

#[test]
fn a_key_from_systemd_is_changed_by_giving_the_new_one_with_the_old_one() {
    let mut lab = Lab::new(1);
    lab.add_connector("password").done();
    let credentials = lab.directory.path().join("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::copy(lab.data().join("secret.key"), credentials.join("gatepost.key")).unwrap();
    fs::remove_file(lab.data().join("secret.key")).unwrap();
    restart(&mut lab, &credentials);
    assert!(is_syncing(&lab));

    fs::rename(credentials.join("gatepost.key"), credentials.join("gatepost.previous.key"))
        .unwrap();
    fs::write(credentials.join("gatepost.key"), "bmV3IGtleSBuZXcga2V5IG5ldyBrZXkgbmV3IGtleSA=\n")
        .unwrap();
    restart(&mut lab, &credentials);
    assert!(is_syncing(&lab));
    fs::remove_file(credentials.join("gatepost.previous.key")).unwrap();
    restart(&mut lab, &credentials);
    assert!(is_syncing(&lab));
    assert!(lab.run(&["key", "show"]).done().contains("from the systemd credential"));
    assert!(!lab.data().join("secret.key").exists());
}

fn restart(lab: &mut Lab, credentials: &Path) {
    lab.server.terminate();
    let data = lab.data();
    let mut serve =
        command(&["serve", "--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    lab.server = Program::of(serve.env("CREDENTIALS_DIRECTORY", credentials));
    lab.server.line_with("gatepost listens on");
}
