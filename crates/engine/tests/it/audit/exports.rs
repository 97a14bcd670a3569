//! Exports, and what verifying them notices.

use engine::{Expected, ExportFormat, Verified, VerifyError, verify};
use jiff::SignedDuration;
use proptest::prelude::*;
use store::AuditFilter;
use testkit::TestApp;

use super::audit_scope;

async fn export(app: &TestApp, filter: AuditFilter, format: ExportFormat) -> String {
    let mut export = app.engine().export_audit(&app.caller(), filter, format).await.unwrap();
    let mut text = String::new();
    while let Some(lines) = export.next().await.unwrap() {
        text.push_str(&lines);
    }
    text
}

pub(super) async fn whole(app: &TestApp) -> String {
    export(app, AuditFilter::default(), ExportFormat::JsonLines).await
}

/// The line where an export is not as it was written.
pub(super) fn broken(export: &[u8], expected: Expected) -> (u64, Option<u64>) {
    match verify(export, expected) {
        Err(VerifyError::Broken(broken)) => (broken.line, broken.sequence),
        other => panic!("{other:?}"),
    }
}

fn sound(export: &str, expected: Expected) -> Verified {
    verify(export.as_bytes(), expected).unwrap()
}

/// An audit with some entries, a checkpoint every so often.
pub(super) async fn lived(app: &TestApp, times: u32) {
    for round in 0..times {
        let is_paused = round % 2 == 0;
        app.engine().pause_connector(&app.caller(), &app.name(), is_paused).await.unwrap();
        if round % 8 == 0 {
            app.clock().advance(SignedDuration::from_hours(2));
            // Every export is signed at its end.
            whole(app).await;
        }
    }
}

pub(super) async fn pinned(app: &TestApp) -> Expected {
    let key = app.engine().audit_identity(&app.caller()).await.unwrap().key;
    Expected { keys: vec![key], link: None }
}

#[tokio::test]
async fn a_whole_export_verifies_with_the_key_that_is_known() {
    let app = TestApp::connected(0).await.unwrap();
    lived(&app, 40).await;
    let text = whole(&app).await;
    let head = app.engine().store().audit_head().await.unwrap().unwrap();
    let verified = sound(&text, pinned(&app).await);
    assert_eq!((verified.last, verified.entries), (head, head.sequence));
    assert!(verified.checkpoints >= 5, "{verified:?}");
    assert_eq!(verified.signed.unwrap().0, head.sequence);
    assert_eq!(sound(&text, Expected::default()), verified);

    let other = Expected { keys: vec![[1; 32]], link: None };
    assert_eq!(broken(text.as_bytes(), other).0, 1);
    let known = domain::audit::Link { sequence: 3, hash: [0; 32] };
    let other = Expected { keys: Vec::new(), link: Some(known) };
    assert_eq!(broken(text.as_bytes(), other).1, Some(4));
}

#[tokio::test]
async fn every_flipped_bit_and_every_cut_is_noticed_where_it_is() {
    let app = TestApp::connected(0).await.unwrap();
    lived(&app, 10).await;
    let text = whole(&app).await;
    let expected = pinned(&app).await;
    let length = text.len();
    proptest!(ProptestConfig::with_cases(150), |(at in 0..length, bit in 0..8_u32)| {
        let mut flipped = text.clone().into_bytes();
        flipped[at] ^= 1 << bit;
        let line = 1 + text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
        let (named, sequence) = broken(&flipped, expected.clone());
        prop_assert_eq!(named, line as u64);
        let said = text.lines().nth(line - 1).unwrap();
        if let Some(number) = said.strip_prefix("{\"sequence\":") {
            let number = number.split(',').next().unwrap().parse().ok();
            prop_assert_eq!(sequence, number);
        }
        prop_assert!(verify(&text.as_bytes()[..at], expected.clone()).is_err());
    });
}

#[tokio::test]
async fn an_entry_that_is_missing_is_named_and_one_cut_off_at_the_end_needs_a_witness() {
    let app = TestApp::connected(0).await.unwrap();
    lived(&app, 20).await;
    let text = whole(&app).await;
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| line.starts_with("{\"sequence\":7,")).unwrap();
    let without = [&lines[..at], &lines[at + 1..]].concat().join("\n") + "\n";
    assert_eq!(broken(without.as_bytes(), Expected::default()).1, Some(7));

    // Who has the file alone can cut it after a checkpoint and write another end. Nothing in it
    // tells; whoever noted a later entry elsewhere knows.
    let at = lines.iter().position(|line| line.starts_with("{\"checkpoint\"")).unwrap();
    let entry = lines[at - 1];
    let number = entry.strip_prefix("{\"sequence\":").unwrap().split(',').next().unwrap();
    let hash = entry.split("\"hash\":\"").nth(1).unwrap().get(..64).unwrap();
    let end = format!("{{\"end\":{{\"last\":{number},\"hash\":\"{hash}\"}}}}");
    let cut = lines[..=at].join("\n") + "\n" + &end + "\n";
    sound(&cut, Expected::default());
    let head = app.engine().store().audit_head().await.unwrap();
    let witness = Expected { keys: Vec::new(), link: head };
    verify(cut.as_bytes(), witness.clone()).unwrap_err();
    sound(&text, witness);
}

#[tokio::test]
async fn what_was_looked_for_comes_with_the_hash_before_each_entry() {
    let app = TestApp::connected(0).await.unwrap();
    lived(&app, 10).await;
    let event = domain::audit::Event::from_word("connector.paused");
    let filter = AuditFilter { event, ..AuditFilter::default() };
    let text = export(&app, filter.clone(), ExportFormat::JsonLines).await;
    assert!(text.lines().next().unwrap().ends_with("\"filter\":\"event=connector.paused\"}"));
    let verified = sound(&text, Expected::default());
    assert!(verified.is_filtered);
    assert_eq!(verified.entries, 10);
    let changed = text.replacen("scheduled work rests", "scheduled work goes on", 1);
    assert!(broken(changed.as_bytes(), Expected::default()).1 > Some(1));

    let table = export(&app, filter, ExportFormat::CommaSeparated).await;
    assert_eq!(table.lines().count(), 11);
    assert!(table.starts_with("sequence,at,actor_id,actor,source,event,"), "{table}");
    let rows = app.engine().store().audit(&audit_scope(&app), 0, 10_000).await.unwrap();
    let told = rows.last().unwrap();
    assert_eq!(told.event.word(), "audit.kept");
    assert!(told.document.contains("event=connector.paused"), "{}", told.document);
}
