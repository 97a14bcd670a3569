//! Cmdlets typed on the standard input of a simulation.

use std::process::Stdio;

use crate::program::{Program, command};

#[test]
fn cmdlets_are_typed_and_the_end_of_the_input_ends_nothing() {
    let arguments = ["simulate", "on-premises", "--still", "--devices", "3"];
    let mut exchange = Program::of(command(&arguments).stdin(Stdio::piped()));
    exchange.line_with("simulated Exchange listens on ");
    exchange.types("Set-MobileDeviceMailboxPolicy -Identity Default -AllowCamera $false");
    exchange.line_with("done");
    exchange.types("Get-MobileDeviceMailboxPolicy Default");
    let camera = exchange.line_with("AllowCamera");
    assert_eq!(camera.split_once(':').unwrap().1.trim(), "False");
    exchange.types("Set-MobileDeviceMailboxPolicy Default -DevicePasswordEnabled $true");
    let error = exchange.line_with("error: ");
    assert!(error.contains("parameter name 'DevicePasswordEnabled'"), "{error}");
    exchange.types("Search-AdminAuditLog");
    let caller = exchange.line_with("Caller");
    assert!(caller.ends_with("contoso.com/Users/administrator"), "{caller}");
    exchange.types_no_more();
    assert_eq!(exchange.terminate(), Some(0));
}

#[test]
fn whose_cmdlets_they_are_is_said_at_the_start() {
    let arguments = ["simulate", "on-premises", "--still", "--devices", "3"];
    let whose = [&arguments[..], &["--console-user", r"CONTOSO\omar"]].concat();
    let mut exchange = Program::of(command(&whose).stdin(Stdio::piped()));
    exchange.types("New-ActiveSyncMailboxPolicy Phones | fl Name");
    exchange.line_with("Name : Phones");
    exchange.types("Search-AdminAuditLog -UserIds omar | Format-List Caller");
    exchange.line_with("contoso.com/Users/omar");
    assert_eq!(exchange.terminate(), Some(0));
}
