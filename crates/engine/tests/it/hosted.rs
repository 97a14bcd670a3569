//! What only a hosted organization has, told in stories: an application with a certificate, a person
//! who signs in with a code, and a second organization on premises beside it. What is the same on both
//! sides is told in `acting`, `connecting`, `living`, `syncing` and `wishing`.

use domain::{
    AccessState, ActionKind, ActionState, ConnectorName, Device, DeviceId, Permission, Query,
    access::Hosting,
    connector::{ConnectorState, HostedEndpoint, HostedSignIn},
    pass::PassKind,
    status_message::Event,
    wish::PlanState,
};
use engine::{NewConnector, NewRequest, PlannedWish, SignInState, Targets, WishSource};
use jiff::SignedDuration;
use simulator::HostedFaults;
use store::{JobState, Page};
use testkit::{Exchange, Side, TestApp};

fn named(name: &str) -> ConnectorName {
    ConnectorName::parse(name).unwrap()
}

async fn devices_of(app: &TestApp, connector: &ConnectorName) -> Vec<Device> {
    let query = Query::parse(&format!("connector:{connector}")).unwrap();
    let page = Page { after: None, limit: 500, now: app.engine().now() };
    app.engine().store().devices(&app.scope().unwrap(), &query, page).await.unwrap().devices
}

#[tokio::test]
async fn both_kinds_of_organization_are_read_side_by_side() {
    let app = TestApp::connected(7).await.unwrap();
    app.sync().await.unwrap();
    let (engine, caller, cloud) = (app.engine(), app.caller(), named("cloud"));
    let exchange = Exchange::serve_beside(&Side::Hosted.organization(40), app.clock().clone());
    let exchange = exchange.unwrap();
    engine.add_connector(&caller, exchange.new_connector(cloud.clone())).await.unwrap();
    let id = engine.sync(&caller, &cloud, PassKind::Full).await.unwrap();
    let job = app.finished(id).await.unwrap();
    assert_eq!(job.state, JobState::Done, "{job:?}");
    let devices = devices_of(&app, &cloud).await;
    assert_eq!(devices.len(), 40);
    assert!(devices.iter().any(|device| device.statistics.is_some()));
    assert_eq!(devices_of(&app, &app.name()).await.len(), 7);
    let connector = engine.store().connector(&app.scope().unwrap(), &cloud).await.unwrap();
    assert_eq!(connector.state, ConnectorState::Installed);
    assert_eq!(connector.endpoint.hosting(), Hosting::Hosted);
    let facts = connector.endpoint.hosted().unwrap().certificate.as_ref().unwrap();
    assert!(facts.subject.contains("gatepost"), "{facts:?}");
    let report = engine.check_connector(&caller, &cloud).await.unwrap();
    assert!(report.is_ready, "{report:#?}");
}

/// An order for what the service shall do, and what it is called.
type Habit = (&'static str, fn(&mut HostedFaults));

const HABITS: [Habit; 7] = [
    ("too many requests", |faults| {
        (faults.throttle_every, faults.retry_after_seconds) = (Some(3), Some(7));
    }),
    ("unavailable", |faults| faults.unavailable_every = Some(11)),
    ("transient", |faults| faults.transient_every = Some(11)),
    ("elsewhere", |faults| faults.redirect = true),
    ("one server", |faults| faults.affinity = true),
    ("an old link", |faults| faults.expired_link = Some(1)),
    ("not there yet", |faults| faults.not_there_yet_seconds = Some(20)),
];

/// Whatever the service does between a call and its answer: everything is read, and every change is
/// carried out once.
#[tokio::test]
async fn the_habits_of_the_service_cost_time_and_nothing_else() {
    for (name, order) in HABITS {
        let app = Side::Hosted.connected(60).await.unwrap();
        app.exchange().tenant().habits().page_size = 25;
        app.exchange().stop().unwrap();
        app.exchange().start_again().unwrap();
        order(&mut app.exchange().faults().hosted);
        let job = app.sync().await.unwrap();
        assert_eq!(job.state, JobState::Done, "{name}: {job:?}");
        assert_eq!(app.last_pass().await.unwrap().counts.statistics, 60, "{name}");
        let devices = app.devices().await.unwrap();
        let phone = devices
            .iter()
            .find(|one| {
                one.facts.access_state == AccessState::Allowed
                    && one.facts.client_version.as_deref() == Some("16.1")
            })
            .unwrap();
        assert_eq!(acted(&app, ActionKind::Block, phone.id).await, ActionState::Confirmed);
        assert_eq!(acted(&app, ActionKind::WipeDevice, phone.id).await, ActionState::Unverifiable);
        let mailbox = devices.iter().find_map(|device| device.owner.mailbox.clone()).unwrap();
        let done = applied(&app, &mailbox).await;
        assert_eq!(done.plan.state, PlanState::Applied, "{name}: {:?}", done.plan.note);
        let ledger = app.exchange().ledger();
        assert!(ledger.entries().hosted.pages > 0, "{name}");
        for (cmdlet, times) in [
            ("Set-CASMailbox", 2),
            ("Clear-MobileDevice", 1),
            ("New-ActiveSyncDeviceAccessRule", 1),
            ("New-MobileDeviceMailboxPolicy", 1),
        ] {
            assert_eq!(ledger.received(cmdlet).len(), times, "{name}: {cmdlet}");
        }
    }
}

/// Asks for an action and lets time pass until it has ended: what the service has no time for now is
/// tried again later.
async fn acted(app: &TestApp, kind: ActionKind, device: DeviceId) -> ActionState {
    let new = NewRequest {
        kind,
        of: Targets::Devices(vec![device]),
        reason: "lost in a train".to_owned(),
        ticket: None,
        repeat_key: None,
        expected: None,
    };
    let request = app.engine().ask(&app.caller(), new).await.unwrap();
    let scope = app.caller().scope(Permission::ReadResource).unwrap();
    app.eventually("the end of an action", async || {
        app.clock().advance(SignedDuration::from_secs(1));
        let store = app.engine().store();
        let actions = store.actions_of_request(&scope, request.id, 0, 1).await?;
        Ok(actions.first().map(|action| action.state).filter(|state| state.is_final()))
    })
    .await
    .unwrap()
}

/// Has a policy of our own and a rule made.
async fn applied(app: &TestApp, mailbox: &str) -> PlannedWish {
    let text = format!(
        "access:\n  rules:\n    - type: TestPhone\n      level: block\nsettings:\n  policy:\n    name: \
         Phones\n    mailboxes: [{mailbox}]\n  security:\n    allow_camera: false\n"
    );
    let from = WishSource::File { text, overwrites: false };
    let (engine, caller) = (app.engine(), app.caller());
    let id = engine.plan_wish(&caller, &app.name(), from).await.unwrap();
    let planned = engine.plan_settled(&caller, id).await.unwrap();
    assert_eq!(planned.plan.state, PlanState::Ready, "{:?}", planned.plan.note);
    engine.apply_plan(&caller, id, None).await.unwrap();
    engine.plan_settled(&caller, id).await.unwrap()
}

#[tokio::test]
async fn a_token_that_is_taken_away_in_mid_pass_is_asked_for_again() {
    let app = Side::Hosted.connected(600).await.unwrap();
    let id = crate::living::past_first_page(&app).await;
    app.exchange().tenant().revoke_tokens();
    app.exchange().faults().slow = None;
    let job = app.finished(id).await.unwrap();
    assert_eq!(job.state, JobState::Done, "{job:?}");
    assert_eq!(app.last_pass().await.unwrap().counts.statistics, 600);
    assert!(app.exchange().ledger().entries().hosted.unauthorized > 0);
}

#[tokio::test]
async fn an_application_without_a_role_is_told_what_it_lacks() {
    let app = Side::Hosted.connected(5).await.unwrap();
    app.exchange().faults().hosted.role_missing = true;
    let report = app.engine().check_connector(&app.caller(), &app.name()).await.unwrap();
    assert!(!report.is_ready, "{report:#?}");
    assert!(format!("{report:?}").contains("role"), "{report:#?}");
    let job = app.sync().await.unwrap();
    assert_eq!(job.state, JobState::Failed, "{job:?}");
    assert!(job.outcome.as_deref().unwrap().contains("role"), "{job:?}");
    app.exchange().faults().hosted.role_missing = false;
    assert_eq!(app.sync().await.unwrap().state, JobState::Done);
}

#[tokio::test]
async fn a_person_signs_in_with_a_code() {
    let app = Side::Hosted.beside(5).unwrap();
    let new = app.new_connector(app.name());
    let endpoint = HostedEndpoint {
        application: None,
        sign_in: HostedSignIn::DeviceCode,
        ..new.endpoint.hosted().unwrap().clone()
    };
    let new = NewConnector { endpoint: endpoint.into(), proof: None, ..new };
    let (engine, caller) = (app.engine(), app.caller());
    engine.add_connector(&caller, new).await.unwrap();
    let report = engine.check_connector(&caller, &app.name()).await.unwrap();
    assert!(format!("{report:?}").contains("nobody has signed in yet"), "{report:#?}");
    let begun = engine.begin_sign_in(&caller, &app.name()).await.unwrap();
    assert!(begun.message.contains(&begun.code), "{begun:?}");
    assert_eq!(app.exchange().tenant().enter_device_codes("admin@contoso.com"), 1);
    app.eventually("the sign-in", async || {
        app.clock().advance(SignedDuration::from_secs(5));
        let now = engine.sign_in_begun(&caller, &app.name()).await?;
        Ok((now.state != SignInState::Waiting).then_some(now.state))
    })
    .await
    .map(|state| assert_eq!(state, SignInState::Done))
    .unwrap();
    assert_eq!(app.sync().await.unwrap().state, JobState::Done);
    assert_eq!(app.devices().await.unwrap().len(), 5);
}

#[tokio::test]
async fn a_certificate_that_ends_is_told_of_and_one_that_has_ended_is_refused() {
    let app = Side::Hosted.connected(5).await.unwrap();
    app.sync().await.unwrap();
    // It was made for a year.
    app.clock().advance(SignedDuration::from_hours(24 * 340));
    let report = app.engine().check_connector(&app.caller(), &app.name()).await.unwrap();
    let step = report.steps.iter().find(|step| step.name == "certificate").unwrap();
    assert!(step.detail.as_deref().unwrap().contains("expires in"), "{step:?}");
    app.clock().advance(SignedDuration::from_hours(24 * 30));
    let late = app.new_connector(named("late"));
    let error = app.engine().add_connector(&app.caller(), late).await.unwrap_err();
    assert!(error.to_string().contains("expired at"), "{error}");
}

#[tokio::test]
async fn the_end_of_a_certificate_is_noted_by_itself() {
    let app = Side::Hosted.beside(5).unwrap();
    let looked = app.eventually("the first look", async || {
        Ok(app.engine().store().meta("credentials told until").await?)
    });
    looked.await.unwrap();
    app.add_connector().await.unwrap();
    let scope = app.scope().unwrap();
    let connector = app.connector().await.unwrap();
    for (days, event) in [(340, Event::CertificateExpiring), (30, Event::CertificateExpired)] {
        app.clock().advance(SignedDuration::from_hours(24 * days));
        app.eventually("the message", async || {
            let messages = app.engine().store().status_messages(&scope, connector.id, 50).await?;
            Ok(messages.iter().any(|message| message.event == event).then_some(()))
        })
        .await
        .unwrap();
    }
}
