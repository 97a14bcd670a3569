//! Every way to change an export, and which entry verifying names.

use engine::{AuditKey, Expected, VerifyError, verify};
use testkit::TestApp;

use super::exports::{broken, lived, pinned, whole};

/// The number of the entry in a line, if it is one.
fn number(line: &str) -> Option<u64> {
    line.strip_prefix("{\"sequence\":")?.split(',').next()?.parse().ok()
}

fn place(lines: &[String], entry: u64) -> usize {
    lines.iter().position(|line| number(line) == Some(entry)).unwrap()
}

fn joined(lines: &[String]) -> Vec<u8> {
    (lines.join("\n") + "\n").into_bytes()
}

/// What is said of an export that is not as it was written.
fn said(export: &[u8], expected: Expected) -> String {
    match verify(export, expected) {
        Err(VerifyError::Broken(broken)) => broken.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn whatever_is_done_to_an_export_the_entry_is_named() {
    let app = TestApp::connected(0).await.unwrap();
    lived(&app, 20).await;
    let expected = pinned(&app).await;
    let text = whole(&app).await;
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let check = |what: &str, changed: Vec<String>, entry: u64, words: &str| {
        let bytes = joined(&changed);
        assert_eq!(broken(&bytes, expected.clone()).1, Some(entry), "{what}");
        let said = said(&bytes, expected.clone());
        assert!(said.contains(words), "{what}: {said}");
    };
    let mut removed = lines.clone();
    removed.remove(place(&lines, 7));
    check("removed", removed, 7, "entry 7 is missing: entry 8 stands in its place");

    let mut swapped = lines.clone();
    swapped.swap(place(&lines, 5), place(&lines, 6));
    check("swapped", swapped, 5, "entry 5 is missing: entry 6 stands in its place");

    let mut doubled = lines.clone();
    doubled.insert(place(&lines, 9), lines[place(&lines, 9)].clone());
    check("twice", doubled, 10, "entry 10 is missing: entry 9 stands in its place");

    let mut renamed = lines.clone();
    let at = place(&lines, 12);
    renamed[at] = renamed[at].replace("local administrator", "somebody else");
    assert_ne!(renamed[at], lines[at]);
    check("changed", renamed, 12, "its hash differs");

    let mut cut = lines.clone();
    cut.truncate(place(&lines, 15) + 1);
    check("cut at a line", cut, 16, "it was cut");

    // The chain written anew from one entry on, as who has the database could: the hashes fit, the
    // next signature does not.
    let head = domain::audit::Link::before_all(header_id(&lines[0]));
    let anew = rewritten(&lines, head, 4);
    let first_signed = signed_after(&lines, 4);
    check("written anew", anew.clone(), first_signed + 1, "does not fit the entry before it");

    // And signed with a key of one's own.
    let own = AuditKey::new(&[1; 32]);
    let resigned = resigned(&anew, &own, header_id(&lines[0]));
    let bytes = joined(&resigned);
    assert!(said(&bytes, expected.clone()).contains("is signed with the key"));
    let line = usize::try_from(broken(&bytes, expected.clone()).0).unwrap();
    assert_eq!(line, 1 + first_checkpoint(&resigned));
    verify(&bytes[..], Expected { keys: vec![own.public()], link: None }).unwrap_err();
}

#[tokio::test]
async fn a_checkpoint_of_another_server_and_an_end_without_the_last_entries_are_noticed() {
    let (app, other) = (TestApp::connected(0).await.unwrap(), TestApp::connected(0).await.unwrap());
    lived(&app, 12).await;
    lived(&other, 12).await;
    let lines: Vec<String> = whole(&app).await.lines().map(str::to_owned).collect();
    let theirs: Vec<String> = whole(&other).await.lines().map(str::to_owned).collect();
    // The same key on both: only the id of the audit tells them apart.
    let mut mixed = lines.clone();
    let at = first_checkpoint(&lines);
    mixed[at] = theirs[first_checkpoint(&theirs)].clone();
    let line = usize::try_from(broken(&joined(&mixed), pinned(&app).await).0).unwrap();
    assert_eq!(line, at + 1);

    // Checkpoints say how many entries there were: an end before one of them does not verify.
    let last_point = lines.iter().rposition(|line| line.starts_with("{\"checkpoint\"")).unwrap();
    let entry = lines[..last_point].iter().rev().find_map(|line| number(line)).unwrap();
    let mut tail: Vec<String> = lines.clone();
    tail.remove(place(&lines, entry));
    assert_eq!(broken(&joined(&tail), pinned(&app).await).1, Some(entry));
}

fn header_id(line: &str) -> uuid::Uuid {
    let header: serde_json::Value = serde_json::from_str(line).unwrap();
    header["audit"].as_str().unwrap().parse().unwrap()
}

fn first_checkpoint(lines: &[String]) -> usize {
    lines.iter().position(|line| line.starts_with("{\"checkpoint\"")).unwrap()
}

/// The first entry from `entry` on that a checkpoint follows.
fn signed_after(lines: &[String], entry: u64) -> u64 {
    let from = place(lines, entry);
    let point = from + first_checkpoint(&lines[from..]);
    number(&lines[point - 1]).unwrap()
}

/// The export with one entry changed, and every hash after it made to fit.
fn rewritten(lines: &[String], mut link: domain::audit::Link, entry: u64) -> Vec<String> {
    let rewrite = |line: &String| {
        let Some(at) = number(line) else { return line.clone() };
        let (_, document) = line.split_once("\"entry\":").unwrap();
        let mut document = document.strip_suffix('}').unwrap().to_owned();
        if at == entry {
            document = document.replace("local administrator", "nobody");
        }
        link = link.next(document.as_bytes());
        let hash = domain::audit::hexadecimal(&link.hash);
        format!("{{\"sequence\":{at},\"hash\":\"{hash}\",\"entry\":{document}}}")
    };
    lines.iter().map(rewrite).collect()
}

/// Every checkpoint made anew with another key, of the entry before it.
fn resigned(lines: &[String], key: &AuditKey, audit: uuid::Uuid) -> Vec<String> {
    let mut link = None;
    let sign = |line: &String| {
        if let Some(sequence) = number(line) {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let digits = line["hash"].as_str().unwrap();
            let pair = |at: usize| digits.get(2 * at..2 * at + 2).unwrap();
            let byte = |at: usize| u8::from_str_radix(pair(at), 16).unwrap();
            link = Some(domain::audit::Link { sequence, hash: std::array::from_fn(byte) });
        }
        if !line.starts_with("{\"checkpoint\"") {
            return line.clone();
        }
        let point = key.checkpoint(audit, link.unwrap(), domain::Timestamp::UNIX_EPOCH);
        let (sequence, at) = (point.link.sequence, point.at);
        let hash = domain::audit::hexadecimal(&point.link.hash);
        let key = domain::audit::hexadecimal(&point.signature.signer);
        let signature = domain::audit::hexadecimal(&point.signature.bytes);
        format!(
            r#"{{"checkpoint":{{"sequence":{sequence},"hash":"{hash}","at":"{at}","key":"{key}","signature":"{signature}"}}}}"#
        )
    };
    lines.iter().map(sign).collect()
}
