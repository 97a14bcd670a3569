//! Adding, checking and removing connectors.

use domain::{
    ConnectorName,
    connector::{ConnectorState, Endpoint, Options},
    status_message::Event,
};
use engine::{CheckReport, CheckResult, CheckStep, ConnectorChange, Error};
use jiff::SignedDuration;
use simulator::OrganizationOptions;
use store::JobState;
use testkit::{Exchange, Side, TestApp};
use tokio::net::TcpListener;

on_both_sides! {
    a_connector_that_comes_to_another_organization_reads_nothing_of_it,
    a_connector_is_found_by_its_name_and_by_no_other,
    a_check_of_a_sound_connector_finds_every_step_fine,
    a_check_names_the_cmdlets_that_are_missing,
    the_last_check_outlives_the_engine_and_no_change,
    an_account_that_cannot_list_devices_is_not_ready,
    a_server_that_is_not_there_is_named,
    a_second_connector_to_the_organization_is_refused_and_told_of_the_first,
    a_connector_is_removed_with_its_inventory,
}

fn named(name: &str) -> ConnectorName {
    ConnectorName::parse(name).unwrap()
}

/// The steps of a check but for the clock: that of a story shows another year.
fn steps(report: &CheckReport) -> impl Iterator<Item = &CheckStep> {
    report.steps.iter().filter(|step| step.name != "clock")
}

/// What the first step that went wrong says.
fn trouble(report: &CheckReport) -> &str {
    let failed = report.steps.iter().find(|step| step.result == CheckResult::Failed);
    failed.and_then(|step| step.detail.as_deref()).unwrap_or_default()
}

#[tokio::test]
async fn a_connector_that_cannot_be_right_is_not_kept() {
    let app = TestApp::beside(0).unwrap();
    for (url, expected) in [
        ("exchange.contoso.com", "http"),
        ("http://exchange.contoso.com", "path"),
        ("http://jane:secret@exchange.contoso.com/PowerShell/", "user name"),
        ("http://exchange.contoso.com:99999/PowerShell/", "port"),
    ] {
        let mut new = app.new_connector(app.name());
        new.endpoint.server_mut().unwrap().url = url.to_owned();
        let error = app.engine().add_connector(&app.caller(), new).await.unwrap_err();
        assert!(matches!(&error, Error::Invalid(_)), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    assert_eq!(app.engine().store().connectors(&app.scope().unwrap()).await.unwrap(), []);
}

async fn a_connector_is_found_by_its_name_and_by_no_other(side: Side) {
    let app = side.connected(3).await.unwrap();
    let connector = app.connector().await.unwrap();
    assert_eq!(connector.state, ConnectorState::Flagged);
    assert_eq!(connector.organization, None);
    let again = app.new_connector(app.name());
    let error = app.engine().add_connector(&app.caller(), again).await.unwrap_err();
    assert!(matches!(error, Error::Conflict(_)), "{error:?}");
    let missing = app.engine().check_connector(&app.caller(), &named("other")).await;
    assert!(matches!(missing, Err(Error::NotFound(_))), "{missing:?}");
}

/// With the rights of an account grows what it can tell of the organization.
#[tokio::test]
async fn a_connector_knows_its_organization_again_when_its_account_sees_more_of_it() {
    let mut app = TestApp::beside(12).unwrap();
    let all =
        ["Get-ExchangeServer", "Get-OrganizationConfig", "Get-ActiveSyncOrganizationSettings"];
    app.exchange().hide(&all).unwrap();
    app.add_connector().await.unwrap();
    let mut keys = Vec::new();
    for hidden in [&all[..], &all[1..], &all[2..], &[], &all[..1], &all[..]] {
        app.exchange().hide(hidden).unwrap();
        app.restart().await.unwrap();
        let job = app.sync().await.unwrap();
        assert_eq!(job.state, JobState::Done, "without {hidden:?}: {job:?}");
        keys.push(app.connector().await.unwrap().organization.unwrap().key);
    }
    assert_eq!(keys[0], "127.0.0.1");
    assert!(keys[1].starts_with("cn=contoso,cn=microsoft exchange"), "{keys:?}");
    assert!(uuid::Uuid::parse_str(&keys[2]).is_ok(), "{keys:?}");
    assert!(keys[2..].iter().all(|key| *key == keys[2]), "{keys:?}");
    let (scope, connector) = (app.scope().unwrap(), app.connector().await.unwrap().id);
    let told = app.engine().store().status_messages(&scope, connector, 100).await.unwrap();
    let installed = told.iter().filter(|one| one.event == Event::Installed).count();
    assert_eq!(installed, 1);
}

/// The organization that was found first is what the inventory is of.
async fn a_connector_that_comes_to_another_organization_reads_nothing_of_it(side: Side) {
    let app = side.connected(40).await.unwrap();
    app.sync().await.unwrap();
    let connector = app.connector().await.unwrap();
    let other =
        OrganizationOptions { name: "Fabrikam".to_owned(), seed: 7, ..side.organization(12) };
    let other = Exchange::serve_beside(&other, app.clock().clone()).unwrap();
    let new = other.new_connector(app.name());
    let change = ConnectorChange {
        endpoint: new.endpoint,
        options: connector.options,
        password: new.password,
        proxy_password: None,
        notification_password: None,
        proof: new.proof,
    };
    app.engine().change_connector(&app.caller(), &app.name(), change).await.unwrap();
    let job = app.sync().await.unwrap();
    assert_eq!(job.state, JobState::Failed);
    let said = job.outcome.unwrap().to_lowercase();
    assert!(said.contains("leads to the organization fabrikam"), "{said}");
    assert!(said.contains(&side.organization_name().to_lowercase()), "{said}");
    assert_eq!(app.devices().await.unwrap().len(), 40);
    assert_eq!(app.connector().await.unwrap().organization, connector.organization);
}

async fn a_check_of_a_sound_connector_finds_every_step_fine(side: Side) {
    let app = side.connected(3).await.unwrap();
    let report = app.engine().check_connector(&app.caller(), &app.name()).await.unwrap();
    assert!(report.is_ready, "{report:?}");
    assert!(steps(&report).all(|step| step.result == CheckResult::Fine), "{report:#?}");
    let connector = app.connector().await.unwrap();
    assert_eq!(connector.state, ConnectorState::Installed);
    let organization = connector.organization.as_ref().unwrap();
    assert_eq!(organization.name, side.organization_name());
    assert_eq!(app.exchange().ledger().entries().open_shells, 0);
}

async fn a_check_names_the_cmdlets_that_are_missing(side: Side) {
    let app = side.connected(3).await.unwrap();
    app.exchange().hide(&["Get-CASMailbox"]).unwrap();
    let report = app.engine().check_connector(&app.caller(), &app.name()).await.unwrap();
    let missing: Vec<_> =
        steps(&report).filter(|step| step.result == CheckResult::Missing).collect();
    assert_eq!(missing.len(), 1, "{report:#?}");
    assert!(missing[0].name.contains("Get-CASMailbox"));
    assert!(missing[0].detail.as_deref().unwrap().contains("logon names"), "{report:#?}");
    assert!(report.is_ready);
}

async fn the_last_check_outlives_the_engine_and_no_change(side: Side) {
    let mut app = side.connected(3).await.unwrap();
    app.exchange().hide(&["Clear-MobileDevice"]).unwrap();
    let (caller, name) = (app.caller(), app.name());
    assert_eq!(app.engine().last_check(&caller, &name).await.unwrap(), None);
    let report = app.engine().check_connector(&caller, &name).await.unwrap();
    assert_eq!(report.at, app.engine().now());
    assert!(report.features.iter().any(|feature| !feature.grant.is_empty()), "{report:#?}");
    app.clock().advance(SignedDuration::from_hours(1));
    app.restart().await.unwrap();
    assert_eq!(app.engine().last_check(&caller, &name).await.unwrap(), Some(report));

    let connector = app.connector().await.unwrap();
    app.engine().store().set_last_check(connector.id, "{\"at\": \"then\"}").await.unwrap();
    assert_eq!(app.engine().last_check(&caller, &name).await.unwrap(), None);

    app.engine().check_connector(&caller, &name).await.unwrap();
    app.engine().change_connector(&caller, &name, change_to(connector.endpoint)).await.unwrap();
    assert_eq!(app.engine().last_check(&caller, &name).await.unwrap(), None);
}

#[tokio::test]
async fn a_check_that_a_change_overtook_is_not_kept() {
    let app = TestApp::beside(3).unwrap();
    let (caller, name) = (app.caller(), app.name());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut new = app.new_connector(app.name());
    new.endpoint.server_mut().unwrap().url =
        format!("http://{}/PowerShell/", listener.local_addr().unwrap());
    app.engine().add_connector(&caller, new).await.unwrap();
    let changing = async {
        // The check is under way and is answered when the connector leads elsewhere.
        let connection = listener.accept().await.unwrap();
        let change = change_to(app.exchange().endpoint());
        app.engine().change_connector(&app.caller(), &app.name(), change).await.unwrap();
        drop((listener, connection));
    };
    let (report, ()) = tokio::join!(app.engine().check_connector(&caller, &name), changing);
    assert!(!report.unwrap().is_ready);
    assert_eq!(app.engine().last_check(&caller, &name).await.unwrap(), None);
}

/// A change of nothing but the endpoint.
fn change_to(endpoint: impl Into<Endpoint>) -> ConnectorChange {
    ConnectorChange {
        endpoint: endpoint.into(),
        options: Options::default(),
        password: None,
        proxy_password: None,
        notification_password: None,
        proof: None,
    }
}

#[tokio::test]
async fn a_check_does_not_miss_what_the_server_is_too_old_for() {
    let dialect = simulator::Dialect::Exchange2010;
    let options = OrganizationOptions { dialect, ..OrganizationOptions::default() };
    let app = TestApp::beside_organization(&options).unwrap();
    app.add_connector().await.unwrap();
    let report = app.engine().check_connector(&app.caller(), &app.name()).await.unwrap();
    assert!(report.is_ready, "{report:#?}");
    assert!(steps(&report).all(|step| step.result == CheckResult::Fine), "{report:#?}");
}

async fn an_account_that_cannot_list_devices_is_not_ready(side: Side) {
    let app = side.connected(3).await.unwrap();
    app.exchange().hide(&["Get-MobileDevice", "Get-ActiveSyncDevice"]).unwrap();
    let report = app.engine().check_connector(&app.caller(), &app.name()).await.unwrap();
    assert!(!report.is_ready, "{report:#?}");
    let list = report.steps.iter().find(|step| step.name == "Get-MobileDevice").unwrap();
    assert_eq!(list.result, CheckResult::Missing);
    assert!(list.detail.as_deref().unwrap().contains("View-Only Recipients"), "{list:?}");
}

#[tokio::test]
async fn a_wrong_password_is_named_by_the_check_and_by_the_sync() {
    let app = TestApp::beside(3).unwrap();
    let mut new = app.new_connector(app.name());
    new.password = Some("not the password".to_owned());
    app.engine().add_connector(&app.caller(), new).await.unwrap();
    let report = app.engine().check_connector(&app.caller(), &app.name()).await.unwrap();
    let said = "user name or password is wrong";
    assert!(!report.is_ready);
    assert!(trouble(&report).contains(said), "{report:#?}");
    let job = app.sync().await.unwrap();
    assert_eq!(job.state, JobState::Failed);
    assert!(job.outcome.as_deref().unwrap().contains(said), "{job:?}");
    let connector = app.connector().await.unwrap();
    assert_eq!(connector.state, ConnectorState::Trouble);
    assert!(connector.trouble.unwrap().contains(said));
}

async fn a_server_that_is_not_there_is_named(side: Side) {
    let app = side.beside(3).unwrap();
    let mut new = app.new_connector(app.name());
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    match &mut new.endpoint {
        Endpoint::OnPremises(server) => server.url = format!("http://{unused}/PowerShell/"),
        Endpoint::Hosted(hosted) => hosted.service_url = Some(format!("https://{unused}")),
    }
    app.engine().add_connector(&app.caller(), new).await.unwrap();
    let report = app.engine().check_connector(&app.caller(), &app.name()).await.unwrap();
    assert!(trouble(&report).contains("cannot reach"), "{report:#?}");
}

/// Law 1: one connector per organization, whatever name the server was given.
async fn a_second_connector_to_the_organization_is_refused_and_told_of_the_first(side: Side) {
    let app = side.connected(3).await.unwrap();
    assert_eq!(app.sync().await.unwrap().state, JobState::Done);
    let other_server = app.exchange().another_server().unwrap();
    let second = other_server.new_connector(named("second"));
    app.engine().add_connector(&app.caller(), second).await.unwrap();
    let report = app.engine().check_connector(&app.caller(), &named("second")).await.unwrap();
    assert!(!report.is_ready);
    assert!(trouble(&report).contains("lab"), "{report:#?}");
    let kind = domain::pass::PassKind::Full;
    let id = app.engine().sync(&app.caller(), &named("second"), kind).await.unwrap();
    let job = app.finished(id).await.unwrap();
    assert_eq!(job.state, JobState::Failed);
    assert!(job.outcome.unwrap().contains("lab"));
    assert_eq!(app.devices().await.unwrap().len(), 3);
}

async fn a_connector_is_removed_with_its_inventory(side: Side) {
    let app = side.connected(5).await.unwrap();
    app.sync().await.unwrap();
    assert_eq!(app.devices().await.unwrap().len(), 5);
    app.engine()
        .remove_connector(&app.caller(), &app.name(), engine::Removal::WithInventory)
        .await
        .unwrap();
    assert_eq!(app.devices().await.unwrap(), []);
    let again = app
        .engine()
        .remove_connector(&app.caller(), &app.name(), engine::Removal::WithInventory)
        .await;
    assert!(matches!(again, Err(Error::NotFound(_))), "{again:?}");
    // The organization is free for another connector.
    app.add_connector().await.unwrap();
    assert_eq!(app.sync().await.unwrap().state, JobState::Done);
}
