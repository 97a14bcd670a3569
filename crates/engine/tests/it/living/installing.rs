//! A connector is installed, changed, paused, replaced and removed.

use domain::{
    connector::{ConnectorState, Endpoint, Tenant},
    pass::PassKind,
    status_message::Event,
};
use engine::Removal;
use jiff::SignedDuration;
use store::JobState;
use testkit::Side;

use super::{Ready as _, change, ended, events, named, pass_time, wait_for_passes};

on_both_sides! {
    a_connector_that_is_added_installs_itself_and_reads_everything,
    a_connector_reads_everything_by_itself_in_real_time_too,
    an_installation_that_fails_is_tried_again_every_hour,
    a_paused_connector_rests_and_goes_on,
    a_change_keeps_the_secrets_that_it_does_not_name_and_nothing_that_is_wrong,
    replacing_is_said_in_so_many_words,
    a_removed_connector_may_leave_its_inventory,
}

async fn a_connector_that_is_added_installs_itself_and_reads_everything(side: Side) {
    let app = side.supervised(30).await_ready().await;
    let connector = app.connector().await.unwrap();
    assert_eq!(connector.state, ConnectorState::Installed);
    assert_eq!(app.devices().await.unwrap().len(), 30);
    assert_eq!(events(&app, &connector).await, [Event::Flagged, Event::Installed]);
    assert_eq!(Event::Installed.number(), 1015);
}

/// A clock that stands still hides what one that goes on shows: what is due now was due a moment ago.
async fn a_connector_reads_everything_by_itself_in_real_time_too(side: Side) {
    let app = side.supervised_in_real_time(12).await_ready().await;
    assert_eq!(app.devices().await.unwrap().len(), 12);
    let next = app.engine().next_passes(&app.connector().await.unwrap()).await.unwrap();
    let in_four_hours = app.clock().now() + SignedDuration::from_hours(4);
    assert!(next.delta.is_some_and(|at| at <= in_four_hours && at > app.clock().now()));
}

async fn an_installation_that_fails_is_tried_again_every_hour(side: Side) {
    let app = side.supervised(5).unwrap();
    app.exchange().stop().unwrap();
    app.add_connector().await.unwrap();
    let failed = async |count: usize| {
        app.eventually("a failed installation", async || {
            let connector = app.connector().await?;
            let failures = events(&app, &connector).await;
            let failures = failures.iter().filter(|event| **event == Event::InstallFailed).count();
            // Read after the event, which comes last.
            Ok(if failures >= count { Some(app.connector().await?) } else { None })
        })
        .await
        .unwrap()
    };
    let connector = failed(1).await;
    let retry = SignedDuration::from_mins(60);
    assert_eq!(connector.next_install, Some(app.clock().now() + retry));
    assert_eq!(connector.state, ConnectorState::Trouble);
    assert!(connector.trouble.unwrap().contains("the server is running"), "it says what to do");
    pass_time(&app, retry);
    failed(2).await;
    app.exchange().start_again().unwrap();
    pass_time(&app, retry);
    wait_for_passes(&app, PassKind::Full, 1).await;
    let connector = app.connector().await.unwrap();
    assert_eq!((connector.state, connector.next_install), (ConnectorState::Installed, None));
}

async fn a_paused_connector_rests_and_goes_on(side: Side) {
    let app = side.supervised(5).await_ready().await;
    let (caller, name) = (app.caller(), app.name());
    app.engine().pause_connector(&caller, &name, true).await.unwrap();
    let next = app.engine().next_passes(&app.connector().await.unwrap()).await.unwrap();
    assert_eq!((next.full, next.delta), (None, None));
    pass_time(&app, SignedDuration::from_hours(48));
    // What somebody asks for is done all the same.
    assert_eq!(app.sync_of(PassKind::Delta).await.unwrap().state, JobState::Done);
    assert_eq!(ended(&app, PassKind::Full).await, 1);
    app.engine().pause_connector(&caller, &name, false).await.unwrap();
    wait_for_passes(&app, PassKind::Full, 2).await;
    let connector = app.connector().await.unwrap();
    let told = events(&app, &connector).await;
    assert!(told.contains(&Event::Paused) && told.contains(&Event::Resumed), "{told:?}");
}

async fn a_change_keeps_the_secrets_that_it_does_not_name_and_nothing_that_is_wrong(side: Side) {
    let app = side.connected(12).await.unwrap();
    let (caller, name) = (app.caller(), app.name());
    let connector = app.connector().await.unwrap();
    let mut wrong = change(connector.clone());
    wrong.options.discovery.inactive_days = Some(0);
    match &mut wrong.endpoint {
        Endpoint::OnPremises(server) => server.spn = Some("HTTP/other".to_owned()),
        Endpoint::Hosted(hosted) => hosted.tenant = Tenant::parse("fabrikam.com").unwrap(),
    }
    let error = app.engine().change_connector(&caller, &name, wrong).await.unwrap_err();
    assert!(error.to_string().contains("inactivity"), "{error}");
    assert_eq!(app.connector().await.unwrap(), connector);
    let mut right = change(connector);
    right.options.discovery.inactive_days = Some(90);
    app.engine().change_connector(&caller, &name, right).await.unwrap();
    assert_eq!(app.connector().await.unwrap().options.discovery.inactive_days, Some(90));
    assert_eq!(app.sync().await.unwrap().state, JobState::Done, "the password is still there");
}

async fn replacing_is_said_in_so_many_words(side: Side) {
    let app = side.connected(8).await.unwrap();
    app.sync().await.unwrap();
    let second = app.exchange().another_server().unwrap();
    let caller = app.caller();
    let new = second.new_connector(named("other"));
    app.engine().add_connector(&caller, new.clone()).await.unwrap();
    let report = app.engine().check_connector(&caller, &named("other")).await.unwrap();
    let refusal = report.steps.iter().find(|step| step.name == "organization").unwrap();
    assert!(refusal.detail.as_deref().unwrap().contains("--replace lab"), "{refusal:?}");

    let other =
        app.engine().store().connector(&app.scope().unwrap(), &named("other")).await.unwrap();
    let mut taking_over = change(other);
    taking_over.options.replaces = Some(app.name());
    app.engine().change_connector(&caller, &named("other"), taking_over).await.unwrap();
    let id = app.engine().sync(&caller, &named("other"), PassKind::Full).await.unwrap();
    assert_eq!(app.finished(id).await.unwrap().state, JobState::Done);
    assert_eq!(app.connector().await.unwrap().state, ConnectorState::Removed);
    let refused = app.engine().sync(&caller, &app.name(), PassKind::Full).await.unwrap_err();
    assert!(refused.to_string().contains("was removed"), "{refused}");
}

async fn a_removed_connector_may_leave_its_inventory(side: Side) {
    let app = side.connected(8).await.unwrap();
    app.sync().await.unwrap();
    let (caller, name) = (app.caller(), app.name());
    app.engine().remove_connector(&caller, &name, Removal::KeepInventory).await.unwrap();
    assert_eq!(app.devices().await.unwrap().len(), 8);
    assert_eq!(app.exchange().ledger().entries().open_shells, 0);
    app.engine().remove_connector(&caller, &name, Removal::WithInventory).await.unwrap();
    assert!(app.connector().await.is_err());
}
