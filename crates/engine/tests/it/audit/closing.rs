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

#[tokio::test]
async fn old_entries_are_closed_by_themselves_when_the_retention_says_so() {
    let app = TestApp::supervised(0).unwrap();
    let (engine, caller) = (app.engine(), app.caller());
    for wrong in [0, 1, 29] {
        engine.set_audit_retention(&caller, Some(wrong)).await.unwrap_err();
    }
    assert_eq!(engine.preview_audit_retention(&caller, Some(30)).await.unwrap(), None);
    engine.set_audit_retention(&caller, Some(30)).await.unwrap();
    assert_eq!(engine.audit_retention(&caller).await.unwrap(), Some(30));
    app.clock().advance(SignedDuration::from_hours(24 * 45));
    engine.set_audit_retention(&caller, Some(31)).await.unwrap();
    assert_eq!(engine.store().audit_seals().await.unwrap(), []);
    // A month beyond what was asked for, so that a part is worth a file.
    app.clock().advance(SignedDuration::from_hours(24 * 17));
    let seal = app
        .eventually("a closed part", async || {
            // A new entry makes the keeper look again.
            engine.set_audit_retention(&caller, Some(31)).await?;
            Ok(engine.store().audit_seals().await?.pop())
        })
        .await
        .unwrap();
    assert_eq!((seal.first, seal.last.sequence, seal.by.as_str()), (1, 1, "Gatepost"));
    let told = app.eventually("its entry", async || {
        let all = entries(&app).await;
        Ok(all.into_iter().find(|(event, _)| event.word() == "audit.kept"))
    });
    assert_eq!(told.await.unwrap().1["details"]["file"], "1-1.jsonl");
    let key = engine.audit_identity(&caller).await.unwrap().key;
    let expected = Expected { keys: vec![key], link: Some(seal.last) };
    let verified = verify(whole(&app).await.as_bytes(), expected).unwrap();
    assert_eq!(verified.closed, 1);
    engine.set_audit_retention(&caller, None).await.unwrap();
    assert_eq!(engine.audit_retention(&caller).await.unwrap(), None);
}

#[tokio::test]
async fn only_security_may_close_and_the_engine_itself() {
    use domain::authority::BuiltInRole;
    let app = TestApp::connected(0).await.unwrap();
    for role in [BuiltInRole::Auditor, BuiltInRole::HelpDesk, BuiltInRole::OperationsAdministrator]
    {
        let other = app.caller_as(role);
        for refused in [
            app.engine().close_audit(&other, 30).await.map(drop),
            app.engine().preview_audit_close(&other, 30).await.map(drop),
            app.engine().set_audit_retention(&other, None).await,
            app.engine().preview_audit_retention(&other, None).await.map(drop),
        ] {
            assert!(matches!(refused, Err(engine::Error::Denied(_))), "{role:?}: {refused:?}");
        }
    }
}
