//! What the program says of itself, and how it refuses.

use crate::gatepost;

#[test]
fn the_first_help_fits_on_a_screen() {
    insta::assert_snapshot!(gatepost(&["--help"]).done());
}

#[test]
fn completions_and_manual_are_made() {
    assert!(gatepost(&["completions", "bash"]).done().contains("_gatepost()"));
    assert!(gatepost(&["man"]).done().contains(".TH gatepost"));
    let directory = tempfile::tempdir().unwrap();
    gatepost(&["man", "--directory", directory.path().to_str().unwrap()]).done();
    assert!(directory.path().join("gatepost-device-list.1").exists());
}

#[test]
fn wrong_usage_is_code_2_and_names_the_mistake() {
    for (arguments, part) in [
        (vec!["conector"], "unrecognized subcommand"),
        (vec!["connector", "show", "No Name"], "is not 1 to 63 of a-z"),
        (vec!["device", "list", "--columns", "colour"], "invalid value 'colour'"),
        (vec!["connector", "add", "lab", "--on-premises", "x", "--password", "y"], "--password"),
    ] {
        let ended = gatepost(&arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}");
        assert!(ended.stderr.contains(part), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn a_client_without_a_server_says_how_to_get_one() {
    let ended = gatepost(&["status"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("--data DIR"), "{}", ended.stderr);
    let directory = tempfile::tempdir().unwrap();
    let ended = gatepost(&["status", "--data", directory.path().to_str().unwrap()]);
    assert!(ended.stderr.contains("start one with gatepost serve"), "{}", ended.stderr);
}
