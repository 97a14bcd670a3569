//! Commands on record: who, what, to what.

use domain::{
    Caller, Permission, PersonId,
    authority::{Grant, Place},
    pass::PassKind,
};
use engine::{ConnectorChange, Removal, is_signed};
use jiff::SignedDuration;
use testkit::TestApp;

use super::{audit_scope, entries, events};

#[tokio::test]
async fn the_life_of_a_connector_is_on_record() {
    let app = TestApp::connected(3).await.unwrap();
    let (engine, caller, name) = (app.engine(), app.caller(), app.name());
    let connector = app.connector().await.unwrap();
    let mut options = connector.options.clone();
    options.discovery.inactive_days = Some(30);
    let change = ConnectorChange {
        endpoint: connector.endpoint,
        options,
        password: Some("N3w-Pa55word".to_owned()),
        proxy_password: None,
        notification_password: None,
        proof: None,
    };
    engine.change_connector(&caller, &name, change).await.unwrap();
    engine.pause_connector(&caller, &name, true).await.unwrap();
    engine.pause_connector(&caller, &name, true).await.unwrap();
    engine.pause_connector(&caller, &name, false).await.unwrap();
    engine.sync(&caller, &name, PassKind::Full).await.unwrap();
    engine.age_now(&caller, &name).await.unwrap();
    engine.remove_connector(&caller, &name, Removal::KeepInventory).await.unwrap();
    engine.remove_connector(&caller, &name, Removal::WithInventory).await.unwrap();
    assert_eq!(
        events(&app).await,
        [
            "connector.added",
            "connector.changed",
            "connector.paused",
            "connector.paused",
            "sync.asked",
            "ageing.asked",
            "connector.removed",
            "connector.removed",
        ]
    );
    let all = entries(&app).await;
    let (_, changed) = &all[1];
    assert_eq!(changed["target"]["id"], connector.id.to_string());
    assert_eq!(changed["target"]["name"], name.as_str());
    assert_eq!(changed["actor"]["name"], caller.name);
    let details = &changed["details"];
    assert_eq!(details["changed"], "options.inactive_days: null → 30");
    assert_eq!(details["new_passwords"], "account");
    assert!(!format!("{all:?}").contains("N3w-Pa55word"));
}

#[tokio::test]
async fn what_was_not_done_is_not_on_record() {
    let app = TestApp::connected(0).await.unwrap();
    let again = app.new_connector(app.name());
    app.engine().add_connector(&app.caller(), again).await.unwrap_err();
    assert_eq!(events(&app).await, ["connector.added"]);
}

#[tokio::test]
async fn who_is_refused_is_on_record_and_a_flood_is_not() {
    let app = TestApp::beside(0).unwrap();
    let grant = Grant { permissions: [Permission::Read].into(), place: Place::Everywhere };
    let person = PersonId(uuid::Uuid::from_u128(7));
    let caller = Caller { person, name: "jane".to_owned(), grants: vec![grant], ..app.caller() };
    let denied = caller.scope(Permission::ModifySite).unwrap_err();
    for _ in 0..100 {
        app.engine().refused(&denied, "POST /api/v1/connectors").await;
    }
    let all = entries(&app).await;
    assert_eq!(all.len(), 20);
    let (_, first) = &all[0];
    assert_eq!(first["actor"]["name"], "jane");
    assert_eq!(first["actor"]["id"], person.to_string());
    assert_eq!(first["details"]["permission"], "modify-site");
    assert_eq!(first["details"]["asked"], "POST /api/v1/connectors");
    app.clock().advance(SignedDuration::from_hours(1));
    app.engine().refused(&denied, "POST /api/v1/connectors").await;
    assert_eq!(entries(&app).await[20].1["details"]["not_written_before"], "80");
}

#[tokio::test]
async fn the_end_of_the_chain_is_signed_at_once_then_every_hour_and_when_the_engine_stops() {
    let mut app = TestApp::connected(0).await.unwrap();
    let signed = |count: u64| {
        let store = app.engine().store().clone();
        async move {
            let last = store.last_audit_checkpoint().await?;
            Ok(last.filter(|last| last.link.sequence == count))
        }
    };
    let first = app.eventually("a checkpoint", || signed(1)).await.unwrap();
    let audit = app.engine().audit_identity(&app.caller()).await.unwrap();
    let statement = domain::audit::Checkpoint::statement(audit.id, first.link, first.at);
    assert!(is_signed(&statement, &first.signature));
    assert_eq!(first.signature.signer, audit.key);

    app.engine().pause_connector(&app.caller(), &app.name(), true).await.unwrap();
    let last = app.engine().store().last_audit_checkpoint().await.unwrap();
    assert_eq!(last.as_ref(), Some(&first));
    app.clock().advance(SignedDuration::from_hours(1));
    app.eventually("the checkpoint of the hour", || signed(2)).await.unwrap();

    app.engine().pause_connector(&app.caller(), &app.name(), false).await.unwrap();
    app.restart().await.unwrap();
    let last = app.engine().store().last_audit_checkpoint().await.unwrap().unwrap();
    assert_eq!(last.link.sequence, 3);
    let rows = app.engine().store().audit(&audit_scope(&app), 2, 10).await.unwrap();
    assert_eq!(rows[0].link, last.link);
}
