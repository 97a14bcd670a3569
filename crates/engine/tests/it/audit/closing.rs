//! Old entries leave the database, and nothing of them is lost.

use engine::{Expected, verify};
use jiff::SignedDuration;
use testkit::TestApp;

use super::{entries, exports::whole};

#[tokio::test]
async fn a_closed_part_lies_in_a_file_and_the_chain_goes_on_over_its_seal() {
    let app = TestApp::connected(0).await.unwrap();
    let (engine, caller, name) = (app.engine(), app.caller(), app.name());
    for is_paused in [true, false, true] {
        engine.pause_connector(&caller, &name, is_paused).await.unwrap();
    }
    let before = entries(&app).await;
    engine.close_audit(&caller, 30).await.unwrap_err();
    engine.close_audit(&caller, 29).await.unwrap_err();
    app.clock().advance(SignedDuration::from_hours(24 * 31));
    engine.pause_connector(&caller, &name, false).await.unwrap();
    let would = engine.preview_audit_close(&caller, 30).await.unwrap();
    assert_eq!((would.first, would.last), (1, 4));
    let part = engine.close_audit(&caller, 30).await.unwrap();
    assert_eq!(part, would);

    let left = entries(&app).await;
    let events: Vec<&str> = left.iter().map(|(event, _)| event.word()).collect();
    assert_eq!(events, ["connector.paused", "audit.kept"]);
    let key = engine.audit_identity(&caller).await.unwrap().key;
    let expected = || Expected { keys: vec![key], link: None };
    let file = std::fs::read_to_string(app.audit_directory().join(&part.file)).unwrap();
    let verified = verify(file.as_bytes(), expected()).unwrap();
    assert_eq!((verified.entries, verified.last.sequence), (4, 4));
    for (_, entry) in &before {
        assert!(file.contains(&entry.to_string()), "{entry}");
    }

    let verified = verify(whole(&app).await.as_bytes(), expected()).unwrap();
    assert_eq!((verified.closed, verified.entries, verified.last.sequence), (4, 3, 7));
    app.clock().advance(SignedDuration::from_hours(24 * 40));
    engine.pause_connector(&caller, &name, true).await.unwrap();
    let second = engine.close_audit(&caller, 30).await.unwrap();
    assert_eq!((second.first, second.last), (5, 7));
    let verified = verify(whole(&app).await.as_bytes(), expected()).unwrap();
    assert_eq!((verified.closed, verified.last.sequence), (7, 10));
}
