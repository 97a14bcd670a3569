//! The chain verified where it lies: what somebody with the database in hand did to it is noticed.

use engine::AuditCheck;
use jiff::SignedDuration;
use rusqlite::Connection;
use testkit::TestApp;

use super::exports::lived;

/// Does what the database refuses, as who holds its file can.
fn tamper(app: &TestApp, statement: &str) {
    let file = app.audit_directory().with_file_name("gatepost.db");
    let database = Connection::open(file).unwrap();
    for trigger in ["audit_unchanged", "audit_removed", "audit_checkpoint_unchanged"] {
        database.execute_batch(&format!("DROP TRIGGER IF EXISTS {trigger}")).unwrap();
    }
    assert!(database.execute(statement, []).unwrap() > 0, "{statement}");
}

async fn checked(app: &TestApp) -> Option<AuditCheck> {
    app.engine().audit_check(&app.caller()).await.unwrap()
}

/// Waits until a check says what it should.
async fn until(app: &TestApp, what: &str, is_so: impl Fn(&AuditCheck) -> bool) -> AuditCheck {
    app.eventually(what, async || Ok(checked(app).await.filter(&is_so))).await.unwrap()
}

#[tokio::test]
async fn new_entries_are_verified_every_hour_and_everything_every_day_or_when_asked() {
    let app = TestApp::connected(0).await.unwrap();
    let first = until(&app, "the first check", |_| true).await;
    assert_eq!(first.whole_at, Some(first.at));
    lived(&app, 10).await;
    app.clock().advance(SignedDuration::from_hours(1));
    let head = app.engine().store().audit_head().await.unwrap().unwrap();
    let later = until(&app, "that of the hour", |it| it.link == head).await;
    assert_eq!((later.whole_at, later.broken), (first.whole_at, None));

    app.engine().check_audit(&app.caller()).unwrap();
    let whole = until(&app, "the one asked for", |it| it.whole_at > first.whole_at).await;
    assert_eq!(whole.link, head);
    app.eventually("its end", async || {
        Ok(app.engine().audit_check_under_way(&app.caller())?.is_none().then_some(()))
    })
    .await
    .unwrap();
    app.clock().advance(SignedDuration::from_hours(25));
    until(&app, "that of the day", |it| it.whole_at > whole.whole_at).await;
    assert_eq!(app.engine().audit_troubles(&app.caller()).await.unwrap(), []);
}

#[tokio::test]
async fn whatever_is_done_in_the_database_the_entry_is_named_until_it_is_set_right() {
    for (statement, entry, words) in [
        (
            "UPDATE audit SET document = replace(document, 'local', 'other') WHERE sequence = 5",
            5,
            "not the one",
        ),
        (
            "UPDATE audit SET hash = CAST(x'00' || substr(hash, 2) AS BLOB) WHERE sequence = 4",
            4,
            "not the one",
        ),
        ("DELETE FROM audit WHERE sequence = 6", 6, "missing"),
        ("DELETE FROM audit WHERE sequence >= 8", 8, "missing"),
        ("UPDATE audit SET event = 'sign-in.ended' WHERE sequence = 3", 3, "what it is found by"),
        (
            "UPDATE audit SET actor = '00000000-0000-0000-0000-000000000000' WHERE sequence = 3",
            3,
            "found by",
        ),
        ("UPDATE audit SET at = at + 1 WHERE sequence = 7", 7, "found by"),
        ("UPDATE audit SET event = 'nonsense' WHERE sequence = 7", 7, "unreadable"),
    ] {
        let app = TestApp::connected(0).await.unwrap();
        until(&app, "the first check", |_| true).await;
        lived(&app, 12).await;
        tamper(&app, statement);
        app.engine().check_audit(&app.caller()).unwrap();
        let found = until(&app, statement, |it| it.broken.is_some()).await;
        let broken = found.broken.unwrap();
        assert_eq!(broken.sequence, entry, "{statement}: {broken:?}");
        assert!(broken.what.contains(words), "{statement}: {}", broken.what);
        let troubles = app.engine().audit_troubles(&app.caller()).await.unwrap();
        assert!(troubles[0].what.starts_with(&format!("entry {entry} is not as it was written")));
    }
}

#[tokio::test]
async fn an_alarm_stays_until_everything_was_verified_again() {
    let app = TestApp::connected(0).await.unwrap();
    until(&app, "the first check", |_| true).await;
    lived(&app, 4).await;
    tamper(&app, "UPDATE audit SET event = 'sign-in.ended' WHERE sequence = 3");
    app.engine().check_audit(&app.caller()).unwrap();
    let first = until(&app, "the alarm", |it| it.broken.is_some()).await;
    app.clock().advance(SignedDuration::from_hours(1));
    let is_next = |it: &AuditCheck| it.at != first.at || it.broken != first.broken;
    let again = until(&app, "the next check", is_next).await;
    assert_eq!(again.broken.unwrap().sequence, 3);
    tamper(&app, "UPDATE audit SET event = 'audit.kept' WHERE sequence = 3");
    app.engine().check_audit(&app.caller()).unwrap();
    until(&app, "the end of the alarm", |it| it.broken.is_none()).await;
}
