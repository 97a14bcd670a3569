//! Servers that fail and come back. On premises alone: the hosted service is one endpoint, and which of its
//! machines answers is its own affair.

use domain::{EndpointOrigin, connector::SiteServer, pass::PassOutcome, status_message::Event};
use engine::{NewConnector, Removal};
use jiff::SignedDuration;
use simulator::OrganizationOptions;
use store::JobState;
use testkit::TestApp;

use super::{Ready as _, events, pass_time, past_first_page};

fn with_sites(mut new: NewConnector, sites: &[(&str, &str)]) -> NewConnector {
    let one = |(site, url): &(&str, &str)| SiteServer { site: (*site).into(), url: (*url).into() };
    new.options.sites = sites.iter().map(one).collect();
    new
}

#[tokio::test]
async fn another_server_stands_in_and_the_preferred_one_is_used_again_when_it_is_back() {
    let app = TestApp::beside(40).unwrap();
    let second = app.exchange().server(1).unwrap();
    let new = with_sites(app.new_connector(app.name()), &[("Berlin", second.url())]);
    app.engine().add_connector(&app.caller(), new).await.unwrap();
    app.exchange().stop().unwrap();
    assert_eq!(app.sync().await.unwrap().state, JobState::Done);
    let connector = app.connector().await.unwrap();
    assert_eq!(app.last_pass().await.unwrap().endpoint.as_deref(), Some(second.url()));
    assert!(events(&app, &connector).await.contains(&Event::FailedOver));
    let endpoints = app.engine().endpoints(&app.caller(), &app.name()).await.unwrap();
    let own = endpoints.iter().find(|one| one.origin == EndpointOrigin::Configured).unwrap();
    assert!(own.rests_until.is_some() && own.trouble.is_some(), "{own:?}");

    app.exchange().start_again().unwrap();
    pass_time(&app, SignedDuration::from_mins(2));
    assert_eq!(app.sync().await.unwrap().state, JobState::Done);
    assert_eq!(app.last_pass().await.unwrap().endpoint.as_deref(), Some(app.exchange().url()));
    assert!(events(&app, &connector).await.contains(&Event::Returned));
}

#[tokio::test]
async fn servers_that_nobody_configured_are_left_alone_where_that_is_wished() {
    let app = TestApp::connected(5).await.unwrap();
    app.sync().await.unwrap();
    let origins = async || {
        let endpoints = app.engine().endpoints(&app.caller(), &app.name()).await.unwrap();
        endpoints.into_iter().map(|one| one.origin).collect::<Vec<_>>()
    };
    assert!(origins().await.contains(&EndpointOrigin::Exchange));
    let mut change = super::change(app.connector().await.unwrap());
    change.options.stays_at_configured_servers = true;
    app.engine().change_connector(&app.caller(), &app.name(), change).await.unwrap();
    assert_eq!(origins().await, [EndpointOrigin::Configured]);
    app.sync().await.unwrap();
    assert_eq!(origins().await, [EndpointOrigin::Configured]);
}

#[tokio::test]
async fn a_server_lost_in_mid_pass_costs_one_page() {
    let app = TestApp::beside(650).unwrap();
    let second = app.exchange().server(1).unwrap();
    let new = with_sites(app.new_connector(app.name()), &[("Berlin", second.url())]);
    app.engine().add_connector(&app.caller(), new).await.unwrap();
    let id = past_first_page(&app).await;
    app.exchange().stop().unwrap();
    let job = app.finished(id).await.unwrap();
    assert_eq!(job.state, JobState::Done, "{job:?}");
    let pass = app.last_pass().await.unwrap();
    assert_eq!((pass.outcome, pass.counts.devices), (Some(PassOutcome::Complete), 650));
    assert!(pass.cost.sessions_lost >= 1);
    assert_eq!(app.devices().await.unwrap().len(), 650);
}

/// A wrong password would be wrong at every server, and lock the account in the end.
#[tokio::test]
async fn a_wrong_password_is_not_tried_at_every_server() {
    let app = TestApp::beside(5).unwrap();
    let second = app.exchange().server(1).unwrap();
    let mut new = with_sites(app.new_connector(app.name()), &[("Berlin", second.url())]);
    new.password = Some("wrong".to_owned());
    app.engine().add_connector(&app.caller(), new).await.unwrap();
    assert_eq!(app.sync().await.unwrap().state, JobState::Failed);
    assert_eq!(second.ledger().entries().requests, 0);
}

#[tokio::test]
async fn an_endpoint_too_old_for_the_newest_mailboxes_is_named() {
    let options = OrganizationOptions {
        server_versions: vec![[14, 3, 123, 4], [15, 2, 1748, 10], [15, 2, 1748, 10]],
        ..OrganizationOptions::default()
    };
    let app = TestApp::beside_organization(&options).unwrap();
    // The story reaches its servers by other names than the organization has for them.
    let mut new = app.new_connector(app.name());
    let fqdn = {
        app.add_connector().await.unwrap();
        app.sync().await.unwrap();
        let connector = app.connector().await.unwrap();
        let servers =
            app.engine().store().servers(&app.scope().unwrap(), connector.id).await.unwrap();
        let old =
            servers.iter().find(|one| one.version.as_deref().is_some_and(|v| v.starts_with("14")));
        old.unwrap().fqdn.clone().unwrap()
    };
    let caller = app.caller();
    app.engine().remove_connector(&caller, &app.name(), Removal::WithInventory).await.unwrap();
    let address =
        app.exchange().url().trim_start_matches("http://").split('/').next().unwrap().to_owned();
    new.endpoint.server_mut().unwrap().url = format!("http://{fqdn}/PowerShell/");
    new.endpoint.server_mut().unwrap().connect_to = Some(address);
    app.engine().add_connector(&caller, new).await.unwrap();
    app.sync().await.unwrap();
    let connector = app.connector().await.unwrap();
    let scope = app.scope().unwrap();
    let messages = app.engine().store().status_messages(&scope, connector.id, 10).await.unwrap();
    let told = messages.iter().find(|message| message.event == Event::EndpointTooOld).unwrap();
    assert!(told.text.contains("14.3.123.4") && told.text.contains("15.2"), "{}", told.text);
}

/// A server that is off for a night is told of once, and not knocked at every half minute.
#[tokio::test]
async fn a_night_without_a_server_is_one_message() {
    let app = TestApp::supervised(5).await_ready().await;
    let second = app.exchange().server(1).unwrap();
    let mut change = super::change(app.connector().await.unwrap());
    change.options.sites = vec![SiteServer { site: "Berlin".into(), url: second.url().into() }];
    app.engine().change_connector(&app.caller(), &app.name(), change).await.unwrap();
    // The rules are looked at once an hour, which is not what this is about.
    let connector = app.connector().await.unwrap().id;
    app.eventually("a look at the rules", async || {
        Ok(app.engine().store().observed(connector).await?)
    })
    .await
    .unwrap();
    app.exchange().stop().unwrap();
    second.stop().unwrap();
    let tries = async || {
        let log = app.engine().component_log(&app.caller(), &app.name(), 5_000).await.unwrap();
        let own = app.exchange().url().split('/').nth(2).unwrap();
        let of_own = |line: &&engine::LogLine| {
            let why = line.detail.as_deref().unwrap_or_default();
            line.phrase.starts_with("Failed to open runspace") && why.contains(own)
        };
        log.iter().filter(of_own).count()
    };
    // Each look after a failed one comes later than the one before.
    let waits = [30, 30, 60, 120, 240].map(SignedDuration::from_secs);
    for wait in waits {
        let (before, since) = (tries().await, app.clock().now());
        let has_tried = async || {
            app.clock().advance(SignedDuration::from_secs(1));
            Ok((tries().await > before).then_some(()))
        };
        app.eventually("a look", has_tried).await.unwrap();
        let waited = app.clock().now().duration_since(since);
        // The clock went on while the look before was ending.
        assert!(waited * 2 > wait, "{waited} in place of {wait}");
    }
    let told = events(&app, &app.connector().await.unwrap()).await;
    assert_eq!(told.iter().filter(|event| **event == Event::Unreachable).count(), 1, "{told:?}");
}
