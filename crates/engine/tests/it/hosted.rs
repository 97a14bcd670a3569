//! What only a hosted organization has, told in stories: an application with a certificate, a person
//! who signs in with a code, and a second organization on premises beside it. What is the same on both
//! sides is told in `acting`, `connecting`, `living`, `syncing` and `wishing`.

use domain::{
    ConnectorName, Device, Query,
    access::Hosting,
    connector::{ConnectorState, HostedEndpoint, HostedSignIn},
    pass::PassKind,
    status_message::Event,
};
use engine::{NewConnector, SignInState};
use jiff::SignedDuration;
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
