//! A hosted organization beside one on premises, told in stories: added, read, acted on, held to a
//! written wish.

use domain::{
    AccessState, ActionKind, ActionState, ConnectorName, Device, DeviceId, Permission, Query,
    RequestId,
    access::Hosting,
    action::Warning,
    connector::{ConnectorState, Endpoint, HostedEndpoint, HostedSignIn, Options},
    pass::PassKind,
    status_message::Event,
    wish::PlanState,
};
use engine::{NewConnector, Proof, SignInState, Targets, Wish, WishSource};
use jiff::SignedDuration;
use simulator::OrganizationOptions;
use store::{JobState, Page};
use testkit::{HostedExchange, TestApp};

fn cloud() -> ConnectorName {
    ConnectorName::parse("cloud").unwrap()
}

fn hosted_beside(app: &TestApp, devices: usize) -> HostedExchange {
    let start = OrganizationOptions::default().start;
    let options = OrganizationOptions::with_devices(devices, start);
    HostedExchange::serve_beside(&options, app.clock().clone()).unwrap()
}

fn new(endpoint: HostedEndpoint, proof: Option<Proof>) -> NewConnector {
    NewConnector {
        name: cloud(),
        endpoint: Endpoint::Hosted(endpoint),
        options: Options::default(),
        is_paused: false,
        password: None,
        proxy_password: None,
        notification_password: None,
        proof,
    }
}

fn certificate(exchange: &HostedExchange) -> Option<Proof> {
    let pem = exchange.certificate().pem().unwrap();
    Some(Proof::certificate(pem, None).unwrap())
}

/// A connector to the hosted organization, read once.
async fn synced(app: &TestApp, exchange: &HostedExchange) {
    let new = new(exchange.endpoint().unwrap(), certificate(exchange));
    app.engine().add_connector(&app.caller(), new).await.unwrap();
    sync(app).await;
}

async fn sync(app: &TestApp) {
    let id = app.engine().sync(&app.caller(), &cloud(), PassKind::Full).await.unwrap();
    let job = app.finished(id).await.unwrap();
    assert_eq!(job.state, JobState::Done, "{job:?}");
}

async fn devices(app: &TestApp) -> Vec<Device> {
    let query = Query::parse("connector:cloud").unwrap();
    let page = Page { after: None, limit: 500, now: app.engine().now() };
    app.engine().store().devices(&app.scope().unwrap(), &query, page).await.unwrap().devices
}

fn wish(kind: ActionKind, device: DeviceId) -> Wish {
    Wish {
        kind,
        of: Targets::Devices(vec![device]),
        reason: "lost in a train".to_owned(),
        ticket: None,
        repeat_key: None,
        expected: None,
    }
}

async fn act(app: &TestApp, kind: ActionKind, device: DeviceId) -> store::Action {
    let request = app.engine().ask(&app.caller(), wish(kind, device)).await.unwrap();
    settled(app, request.id).await
}

async fn settled(app: &TestApp, request: RequestId) -> store::Action {
    app.engine().request_settled(&app.caller(), request).await.unwrap();
    let scope = app.caller().scope(Permission::ReadResource).unwrap();
    let mut actions =
        app.engine().store().actions_of_request(&scope, request, 0, 10).await.unwrap();
    actions.remove(0)
}

#[tokio::test]
async fn both_kinds_of_organization_are_read_side_by_side() {
    let app = TestApp::connected(7).await.unwrap();
    app.sync().await.unwrap();
    let exchange = hosted_beside(&app, 40);
    synced(&app, &exchange).await;
    assert_eq!(devices(&app).await.len(), 40);
    let scope = app.scope().unwrap();
    let connector = app.engine().store().connector(&scope, &cloud()).await.unwrap();
    assert_eq!(connector.state, ConnectorState::Installed);
    assert_eq!(connector.endpoint.hosting(), Hosting::Hosted);
    let facts = connector.endpoint.hosted().unwrap().certificate.as_ref().unwrap();
    assert!(facts.subject.contains("gatepost"), "{facts:?}");
    assert!(devices(&app).await.iter().any(|device| device.statistics.is_some()));
    let report = app.engine().check_connector(&app.caller(), &cloud()).await.unwrap();
    assert!(report.is_ready, "{report:#?}");
    // Law 1 holds for tenants as well.
    let mut second = new(exchange.endpoint().unwrap(), certificate(&exchange));
    second.name = ConnectorName::parse("second").unwrap();
    let name = second.name.clone();
    app.engine().add_connector(&app.caller(), second).await.unwrap();
    let report = app.engine().check_connector(&app.caller(), &name).await.unwrap();
    assert!(!report.is_ready, "{report:#?}");
    assert!(format!("{report:?}").contains("organization of the connector cloud already"));
}

#[tokio::test]
async fn a_phone_is_blocked_and_let_in_and_its_wipe_ends_as_sent() {
    let app = TestApp::beside(1).unwrap();
    let exchange = hosted_beside(&app, 40);
    synced(&app, &exchange).await;
    let all = devices(&app).await;
    let phone = all
        .iter()
        .find(|one| {
            one.facts.access_state == AccessState::Allowed
                && one.facts.client_type.as_deref() == Some("EAS")
        })
        .unwrap();
    let blocked = act(&app, ActionKind::Block, phone.id).await;
    assert_eq!(blocked.state, ActionState::Confirmed, "{blocked:?}");
    let allowed = act(&app, ActionKind::Allow, phone.id).await;
    assert_eq!(allowed.state, ActionState::Confirmed, "{allowed:?}");

    let asked = wish(ActionKind::WipeDevice, phone.id);
    let asked = app.engine().ask(&app.caller(), asked).await.unwrap();
    let review = app.engine().review_request(&app.caller(), &asked).await.unwrap();
    assert!(review.warnings.contains(&(Warning::NeverReported, 1)), "{review:?}");
    let wiped = settled(&app, asked.id).await;
    assert_eq!(wiped.state, ActionState::Unverifiable, "{wiped:?}");
    assert!(wiped.note.as_deref().unwrap().contains("never reports back"), "{wiped:?}");
    let refused = app.engine().ask(&app.caller(), wish(ActionKind::Forget, phone.id)).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("a wipe is pending"), "one of today is in the way: {refused}");

    app.clock().advance(SignedDuration::from_hours(25));
    let forgotten = act(&app, ActionKind::Forget, phone.id).await;
    assert_eq!(forgotten.state, ActionState::Confirmed, "{forgotten:?}");
    assert!(exchange.organization().access_of(phone.facts.guid).is_none());
}

#[tokio::test]
async fn a_wish_is_planned_and_applied() {
    let app = TestApp::beside(1).unwrap();
    let exchange = hosted_beside(&app, 20);
    synced(&app, &exchange).await;
    let engine = app.engine();
    let text = engine.import_wish(&app.caller(), &cloud(), None).await.unwrap().text;
    let changed = text.replace("allow_camera: true", "allow_camera: false");
    assert_ne!(text, changed);
    let from = WishSource::File { text: changed, overwrites: false };
    let id = engine.plan_wish(&app.caller(), &cloud(), from).await.unwrap();
    let planned = engine.plan_settled(&app.caller(), id).await.unwrap();
    assert_eq!(planned.found.problems, []);
    engine.apply_plan(&app.caller(), id, None).await.unwrap();
    let done = engine.plan_settled(&app.caller(), id).await.unwrap();
    assert_eq!(done.plan.state, PlanState::Applied, "{:?}", done.plan.note);
    let said = exchange.console("Get-MobileDeviceMailboxPolicy | Format-List AllowCamera").unwrap();
    assert!(said.contains("False"), "{said}");
}

#[tokio::test]
async fn a_person_signs_in_with_a_code() {
    let app = TestApp::beside(1).unwrap();
    let exchange = hosted_beside(&app, 5);
    let endpoint = HostedEndpoint {
        application: None,
        sign_in: HostedSignIn::DeviceCode,
        ..exchange.endpoint().unwrap()
    };
    let (engine, caller) = (app.engine(), app.caller());
    engine.add_connector(&caller, new(endpoint, None)).await.unwrap();
    let report = engine.check_connector(&caller, &cloud()).await.unwrap();
    assert!(format!("{report:?}").contains("nobody has signed in yet"), "{report:#?}");
    let begun = engine.begin_sign_in(&caller, &cloud()).await.unwrap();
    assert!(begun.message.contains(&begun.code), "{begun:?}");
    assert_eq!(exchange.enter_device_codes("admin@contoso.com"), 1);
    app.eventually("the sign-in", async || {
        app.clock().advance(SignedDuration::from_secs(5));
        let now = engine.sign_in_begun(&caller, &cloud()).await?;
        Ok((now.state != SignInState::Waiting).then_some(now.state))
    })
    .await
    .map(|state| assert_eq!(state, SignInState::Done))
    .unwrap();
    sync(&app).await;
    assert_eq!(devices(&app).await.len(), 5);
}

#[tokio::test]
async fn a_certificate_that_ends_is_told_of_and_one_that_has_ended_is_refused() {
    let app = TestApp::beside(1).unwrap();
    let exchange = hosted_beside(&app, 5);
    synced(&app, &exchange).await;
    // It was made for a year.
    app.clock().advance(SignedDuration::from_hours(24 * 340));
    let report = app.engine().check_connector(&app.caller(), &cloud()).await.unwrap();
    let step = report.steps.iter().find(|step| step.name == "certificate").unwrap();
    assert!(step.detail.as_deref().unwrap().contains("expires in"), "{step:?}");
    app.clock().advance(SignedDuration::from_hours(24 * 30));
    let mut late = new(exchange.endpoint().unwrap(), certificate(&exchange));
    late.name = ConnectorName::parse("late").unwrap();
    let error = app.engine().add_connector(&app.caller(), late).await.unwrap_err();
    assert!(error.to_string().contains("expired at"), "{error}");
}

#[tokio::test]
async fn the_end_of_a_certificate_is_noted_by_itself() {
    let app = TestApp::beside(1).unwrap();
    let exchange = hosted_beside(&app, 5);
    let looked = app.eventually("the first look", async || {
        Ok(app.engine().store().meta("credentials told until").await?)
    });
    looked.await.unwrap();
    let new = new(exchange.endpoint().unwrap(), certificate(&exchange));
    app.engine().add_connector(&app.caller(), new).await.unwrap();
    let scope = app.scope().unwrap();
    let connector = app.engine().store().connector(&scope, &cloud()).await.unwrap();
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
