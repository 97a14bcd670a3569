//! The life of a connector: installed, in step, gone over to another server and back, slowed down,
//! paused, changed, replaced and removed. Time is stepped, never slept.

use std::time::Duration;

use domain::{
    Caller, Connector, ConnectorName, DeviceId, EndpointOrigin,
    connector::{ConnectorState, DiscoveryScope, SiteServer},
    pass::{PassKind, PassOutcome},
    status_message::Event,
};
use engine::{ConnectorChange, NewConnector, Removal};
use jiff::SignedDuration;
use simulator::{Budget, OrganizationOptions};
use store::JobState;
use testkit::TestApp;

fn named(name: &str) -> ConnectorName {
    ConnectorName::parse(name).unwrap()
}

/// Time passes here and over there, and nothing else happens.
fn pass_time(app: &TestApp, by: SignedDuration) {
    app.clock().advance(by);
    app.exchange().skip_to(app.clock().now());
}

async fn events(app: &TestApp, connector: &Connector) -> Vec<Event> {
    let scope = app.scope().unwrap();
    let messages = app.engine().store().status_messages(&scope, connector.id, 100).await.unwrap();
    messages.into_iter().rev().map(|message| message.event).collect()
}

/// Passes of a kind that have ended.
async fn ended(app: &TestApp, kind: PassKind) -> usize {
    let connector = app.connector().await.unwrap();
    let scope = app.scope().unwrap();
    let passes = app.engine().store().passes(&scope, connector.id, 1_000).await.unwrap();
    passes.iter().filter(|pass| pass.kind == kind && pass.finished.is_some()).count()
}

async fn wait_for_passes(app: &TestApp, kind: PassKind, count: usize) {
    app.eventually(&format!("{kind} pass {count}"), async || {
        Ok((ended(app, kind).await >= count).then_some(()))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_connector_that_is_added_installs_itself_and_reads_everything() {
    let app = TestApp::supervised(30).await_ready().await;
    let connector = app.connector().await.unwrap();
    assert_eq!(connector.state, ConnectorState::Installed);
    assert_eq!(app.devices().await.unwrap().len(), 30);
    assert_eq!(events(&app, &connector).await, [Event::Flagged, Event::Installed]);
    assert_eq!(Event::Installed.number(), 1015);
}

/// A clock that stands still hides what one that goes on shows: what is due now was due a moment ago.
#[tokio::test]
async fn a_connector_reads_everything_by_itself_in_real_time_too() {
    let app = TestApp::supervised_in_real_time(12).await_ready().await;
    assert_eq!(app.devices().await.unwrap().len(), 12);
    let next = app.engine().next_passes(&app.connector().await.unwrap()).await.unwrap();
    let in_four_hours = app.clock().now() + SignedDuration::from_hours(4);
    assert!(next.delta.is_some_and(|at| at <= in_four_hours && at > app.clock().now()));
}

/// A supervised app whose connector has been read once.
trait Ready {
    async fn await_ready(self) -> TestApp;
}

impl Ready for anyhow::Result<TestApp> {
    async fn await_ready(self) -> TestApp {
        let app = self.unwrap();
        app.add_connector().await.unwrap();
        wait_for_passes(&app, PassKind::Full, 1).await;
        app
    }
}

#[tokio::test]
async fn an_installation_that_fails_is_tried_again_every_hour() {
    let app = TestApp::supervised(5).unwrap();
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

#[tokio::test]
async fn passes_come_when_they_are_due_and_not_before() {
    let app = TestApp::supervised(10).await_ready().await;
    pass_time(&app, SignedDuration::from_mins(239));
    let next = app.engine().next_passes(&app.connector().await.unwrap()).await.unwrap();
    assert_eq!(next.delta, Some(app.clock().now() + SignedDuration::from_mins(1)));
    assert_eq!(ended(&app, PassKind::Delta).await, 0);
    pass_time(&app, SignedDuration::from_mins(1));
    wait_for_passes(&app, PassKind::Delta, 1).await;
    for delta in 2..6 {
        pass_time(&app, SignedDuration::from_hours(4));
        wait_for_passes(&app, PassKind::Delta, delta).await;
    }
    pass_time(&app, SignedDuration::from_hours(4));
    wait_for_passes(&app, PassKind::Full, 2).await;
    assert_eq!(app.last_pass().await.unwrap().outcome, Some(PassOutcome::Complete));
}

#[tokio::test]
async fn a_phone_that_falls_into_quarantine_is_shown_within_a_minute() {
    let app = TestApp::supervised(20).await_ready().await;
    let guid = app.exchange().organization().add_device();
    let discovery_ends = SignedDuration::from_mins(20);
    let then = app.clock().now() + discovery_ends;
    app.exchange().organization().advance(then);
    let connector = app.connector().await.unwrap();
    let id = DeviceId::of(connector.id, guid);
    let scope = app.scope().unwrap();
    let is_there = async || app.engine().store().device(&scope, id).await.is_ok();
    assert!(!is_there().await);
    app.clock().advance(SignedDuration::from_secs(30));
    app.eventually("the phone", async || Ok(is_there().await.then_some(()))).await.unwrap();
    assert_eq!(ended(&app, PassKind::Delta).await, 0, "no pass was needed");
}

#[tokio::test]
async fn a_delta_pass_reads_what_changed_and_nothing_else() {
    let app = TestApp::connected(400).await.unwrap();
    app.sync().await.unwrap();
    pass_time(&app, SignedDuration::from_hours(2));
    let guid = app.exchange().organization().add_device();
    let before = app.exchange().ledger().entries().objects;
    let job = app.sync_of(PassKind::Delta).await.unwrap();
    assert_eq!(job.state, JobState::Done, "{job:?}");
    let pass = app.last_pass().await.unwrap();
    assert_eq!((pass.kind, pass.outcome), (PassKind::Delta, Some(PassOutcome::Complete)));
    assert_eq!((pass.counts.added, pass.counts.gone), (1, 0), "{pass:?}");
    let read = app.exchange().ledger().entries().objects - before;
    assert!(read < 40, "{read} objects for one phone");
    let connector = app.connector().await.unwrap();
    assert_eq!(connector.last_delta_sync, Some(pass.started));
    let id = DeviceId::of(connector.id, guid);
    let device = app.engine().store().device(&app.scope().unwrap(), id).await.unwrap();
    assert!(device.owner.mailbox.is_some() && device.statistics.is_some(), "{device:?}");
}

/// A server that cannot be asked for changes is asked for more, and nothing is missed.
#[tokio::test]
async fn a_server_that_refuses_filters_is_read_in_other_ways() {
    for refused in [&["WhenChangedUTC"][..], &["WhenChangedUTC", "FirstSyncTime"]] {
        let mut options = OrganizationOptions::default();
        options.habits.refused_filters =
            refused.iter().map(|property| format!("Get-MobileDevice/{property}")).collect();
        options.habits.sort_by_refused = true;
        let app = TestApp::beside_organization(&options).unwrap();
        app.add_connector().await.unwrap();
        let job = app.sync().await.unwrap();
        assert_eq!(job.state, JobState::Done, "{refused:?}: {job:?}");
        pass_time(&app, SignedDuration::from_hours(1));
        app.exchange().organization().add_device();
        let job = app.sync_of(PassKind::Delta).await.unwrap();
        assert_eq!(job.state, JobState::Done, "{refused:?}: {job:?}");
        assert_eq!(app.last_pass().await.unwrap().counts.added, 1, "{refused:?}");
    }
}

/// Watermarks: what a failed delta pass did not bring comes with the next.
#[tokio::test]
async fn a_failed_delta_pass_loses_nothing() {
    let app = TestApp::connected(50).await.unwrap();
    app.sync().await.unwrap();
    pass_time(&app, SignedDuration::from_hours(2));
    app.exchange().organization().add_device();
    app.exchange().stop().unwrap();
    assert_eq!(app.sync_of(PassKind::Delta).await.unwrap().state, JobState::Failed);
    app.exchange().start_again().unwrap();
    pass_time(&app, SignedDuration::from_hours(2));
    assert_eq!(app.sync_of(PassKind::Delta).await.unwrap().state, JobState::Done);
    assert_eq!(app.last_pass().await.unwrap().counts.added, 1);
}

/// Begins a full sync and waits until its first page is noted.
async fn past_first_page(app: &TestApp) -> domain::JobId {
    app.exchange().faults().slow = Some(Duration::from_millis(5));
    let id = app.begin_sync().await.unwrap();
    let connector = app.connector().await.unwrap().id;
    app.eventually("a checkpoint", async || {
        Ok(app.engine().store().checkpoint(connector).await?.map(drop))
    })
    .await
    .unwrap();
    id
}

#[tokio::test]
async fn a_killed_pass_goes_on_with_the_page_it_was_reading() {
    let mut app = TestApp::connected(950).await.unwrap();
    let id = past_first_page(&app).await;
    app.kill_and_restart().unwrap();
    app.exchange().faults().slow = None;
    let job = app.finished(id).await.unwrap();
    assert_eq!(job.state, JobState::Done, "{job:?}");
    let pass = app.last_pass().await.unwrap();
    assert_eq!((pass.outcome, pass.counts.devices), (Some(PassOutcome::Complete), 950));
    assert_eq!((app.devices().await.unwrap().len(), app.totals().await.unwrap().gone), (950, 0));
    let connector = app.connector().await.unwrap().id;
    assert_eq!(app.engine().store().checkpoint(connector).await.unwrap(), None);
    // Pages have 100 devices; each begins with the last one of the page before.
    let asked = app.exchange().ledger().entries();
    let pages = asked.cmdlets.iter().filter(|one| one.parameter("SortBy").is_some()).count();
    assert!(pages <= 11 + 1, "{pages} pages: at most one was read twice");
}

#[tokio::test]
async fn a_device_removed_while_a_pass_was_cut_is_gone_after_it() {
    let mut app = TestApp::connected(450).await.unwrap();
    app.sync().await.unwrap();
    pass_time(&app, SignedDuration::from_hours(1));
    let oldest = {
        let organization = app.exchange().organization();
        organization.partnerships().min_by_key(|one| one.facts.when_created).unwrap().facts.guid
    };
    assert!(app.exchange().organization().remove_device(oldest));
    let id = past_first_page(&app).await;
    app.kill_and_restart().unwrap();
    app.exchange().faults().slow = None;
    assert_eq!(app.finished(id).await.unwrap().state, JobState::Done);
    assert_eq!(app.totals().await.unwrap().gone, 1);
    assert_eq!(app.devices().await.unwrap().len(), 449);
}

/// Law 13: what is urgent waits for one cmdlet at most, even with one session.
#[tokio::test]
async fn what_is_urgent_goes_before_the_next_cmdlet_of_a_pass() {
    let app = TestApp::connected(600).await.unwrap();
    app.sync().await.unwrap();
    pass_time(&app, SignedDuration::from_hours(48));
    let wanted: Vec<DeviceId> =
        app.devices().await.unwrap().iter().take(3).map(|device| device.id).collect();
    let id = past_first_page(&app).await;
    let asked = app.exchange().ledger().sequence();
    let caller = app.caller();
    let [first, second, third] =
        [0, 1, 2].map(|at| app.engine().refresh_device(&caller, wanted[at]));
    let (first, second, third) = tokio::join!(first, second, third);
    first.and(second).and(third).unwrap();
    app.exchange().faults().slow = None;
    app.finished(id).await.unwrap();
    let begun = app.exchange().ledger().begun_after(asked);
    let urgent = |one: &&simulator::ReceivedCmdlet| {
        one.name == "Get-MobileDevice" && one.parameter("Identity").is_some()
    };
    let places: Vec<usize> =
        (0..).zip(&begun).filter(|(_, one)| urgent(one)).map(|(at, _)| at).collect();
    assert_eq!(places.len(), 3, "{begun:?}");
    let of_pass = begun.iter().take(places[2]).filter(|one| one.parameter("SortBy").is_some());
    assert!(of_pass.count() <= 1, "{begun:?}");
}

#[tokio::test]
async fn a_throttled_account_is_slowed_down_and_no_pass_fails() {
    let mut options = OrganizationOptions { devices: 700, ..OrganizationOptions::default() };
    options.habits.budget =
        Some(Budget { cmdlets: 4, period_seconds: 3_600, delay_ms: 3, cmdlets_max: None });
    options.habits.shells_per_user = 3;
    let app = TestApp::beside_organization(&options).unwrap();
    app.add_connector().await.unwrap();
    let job = app.sync().await.unwrap();
    assert_eq!(job.state, JobState::Done, "{job:?}");
    let pass = app.last_pass().await.unwrap();
    assert_eq!(pass.outcome, Some(PassOutcome::Complete));
    assert!(pass.cost.delayed_ms > 0 && pass.cost.cmdlets > 10, "{pass:?}");
    let gauge = app.engine().budget(&app.connector().await.unwrap());
    assert_eq!(gauge.allowance, 1, "one session after a delay");
    assert!(gauge.delayed_ms > 0);
    let entries = app.exchange().ledger().entries();
    assert_eq!((entries.refused, entries.refused_shells), (0, 0));
    assert!(entries.max_open_shells <= 3, "{}", entries.max_open_shells);
}

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
    new.endpoint.url = format!("http://{fqdn}/PowerShell/");
    new.endpoint.connect_to = Some(address);
    app.engine().add_connector(&caller, new).await.unwrap();
    app.sync().await.unwrap();
    let connector = app.connector().await.unwrap();
    let scope = app.scope().unwrap();
    let messages = app.engine().store().status_messages(&scope, connector.id, 10).await.unwrap();
    let told = messages.iter().find(|message| message.event == Event::EndpointTooOld).unwrap();
    assert!(told.text.contains("14.3.123.4") && told.text.contains("15.2"), "{}", told.text);
}

#[tokio::test]
async fn a_paused_connector_rests_and_goes_on() {
    let app = TestApp::supervised(5).await_ready().await;
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

fn change(connector: Connector) -> ConnectorChange {
    ConnectorChange {
        endpoint: connector.endpoint,
        options: connector.options,
        password: None,
        proxy_password: None,
        notification_password: None,
    }
}

#[tokio::test]
async fn a_change_keeps_the_secrets_that_it_does_not_name_and_nothing_that_is_wrong() {
    let app = TestApp::connected(12).await.unwrap();
    let (caller, name) = (app.caller(), app.name());
    let connector = app.connector().await.unwrap();
    let mut wrong = change(connector.clone());
    wrong.options.discovery.inactive_days = Some(0);
    wrong.endpoint.spn = Some("HTTP/other".to_owned());
    let error = app.engine().change_connector(&caller, &name, wrong).await.unwrap_err();
    assert!(error.to_string().contains("inactivity"), "{error}");
    assert_eq!(app.connector().await.unwrap(), connector);
    let mut right = change(connector);
    right.options.discovery.inactive_days = Some(90);
    app.engine().change_connector(&caller, &name, right).await.unwrap();
    assert_eq!(app.connector().await.unwrap().options.discovery.inactive_days, Some(90));
    assert_eq!(app.sync().await.unwrap().state, JobState::Done, "the password is still there");
}

#[tokio::test]
async fn only_the_users_that_are_looked_at_are_taken_in() {
    let app = TestApp::beside(120).unwrap();
    let unit = {
        let organization = app.exchange().organization();
        let first = organization.partnerships().next().unwrap();
        first.mailbox.distinguished_name.ancestor(1).unwrap()
    };
    let inside = {
        let organization = app.exchange().organization();
        let is_inside = |one: &simulator::Partnership| {
            one.mailbox.distinguished_name.key().ends_with(&unit.key())
        };
        organization.partnerships().filter(is_inside).count()
    };
    let mut new = app.new_connector(app.name());
    new.options.discovery.scope = DiscoveryScope::Units(vec![unit.to_string()]);
    app.engine().add_connector(&app.caller(), new).await.unwrap();
    assert_eq!(app.sync().await.unwrap().state, JobState::Done);
    assert_eq!(app.devices().await.unwrap().len(), inside);

    let mut by_filter = change(app.connector().await.unwrap());
    let sam = app.devices().await.unwrap()[0].owner.user.clone().unwrap();
    by_filter.options.discovery.scope =
        DiscoveryScope::Recipients(format!("SamAccountName -eq '{sam}'"));
    app.engine().change_connector(&app.caller(), &app.name(), by_filter).await.unwrap();
    pass_time(&app, SignedDuration::from_hours(1));
    app.sync().await.unwrap();
    let pass = app.last_pass().await.unwrap();
    assert!(pass.counts.devices >= 1 && pass.counts.skipped > 0, "{pass:?}");
    assert_eq!(pass.counts.devices + pass.counts.skipped, 120);
}

#[tokio::test]
async fn replacing_is_said_in_so_many_words() {
    let app = TestApp::connected(8).await.unwrap();
    app.sync().await.unwrap();
    let second = app.exchange().another_server().unwrap();
    let caller = app.caller();
    let mut new = app.new_connector(named("other"));
    new.endpoint.url = second.url().to_owned();
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

#[tokio::test]
async fn a_removed_connector_may_leave_its_inventory() {
    let app = TestApp::connected(8).await.unwrap();
    app.sync().await.unwrap();
    let (caller, name) = (app.caller(), app.name());
    app.engine().remove_connector(&caller, &name, Removal::KeepInventory).await.unwrap();
    assert_eq!(app.devices().await.unwrap().len(), 8);
    assert_eq!(app.exchange().ledger().entries().open_shells, 0);
    app.engine().remove_connector(&caller, &name, Removal::WithInventory).await.unwrap();
    assert!(app.connector().await.is_err());
}

#[tokio::test]
async fn devices_that_do_nothing_for_long_leave_and_come_back() {
    let app = TestApp::connected(60).await.unwrap();
    app.sync().await.unwrap();
    let (caller, name) = (app.caller(), app.name());
    let refused = app.engine().age_now(&caller, &name).await.unwrap_err();
    assert!(refused.to_string().contains("number of days"), "{refused}");
    let mut aged = change(app.connector().await.unwrap());
    aged.options.discovery.inactive_days = Some(30);
    app.engine().change_connector(&caller, &name, aged).await.unwrap();
    pass_time(&app, SignedDuration::from_hours(24 * 31));
    let preview = app.engine().preview_ageing(&caller, &name).await.unwrap();
    assert_eq!((preview.inactive_days, preview.have_left), (Some(30), 0));
    assert!(preview.would_leave > 0);
    assert_eq!(app.engine().age_now(&caller, &name).await.unwrap(), preview.would_leave);
    assert_eq!(app.devices().await.unwrap().len() as u64, 60 - preview.would_leave);
    let removed =
        app.exchange().ledger().entries().counts.keys().any(|name| name.contains("Remove"));
    assert!(!removed, "nothing changed in Exchange");

    let back = app.exchange().organization().sync_all() as u64;
    app.sync().await.unwrap();
    assert!(back > 0 && app.devices().await.unwrap().len() as u64 >= back);
    let preview = app.engine().preview_ageing(&caller, &name).await.unwrap();
    assert!(preview.have_left <= 60 - back, "{preview:?}");
}

/// Only where somebody switched it on, and only what is still inactive when it is looked at again.
#[tokio::test]
async fn aged_partnerships_are_removed_in_exchange_only_if_that_is_switched_on() {
    let app = TestApp::connected(40).await.unwrap();
    app.sync().await.unwrap();
    let (caller, name) = (app.caller(), app.name());
    let mut aged = change(app.connector().await.unwrap());
    aged.options.discovery.inactive_days = Some(30);
    aged.options.removes_aged_partnerships = true;
    app.engine().change_connector(&caller, &name, aged).await.unwrap();
    pass_time(&app, SignedDuration::from_hours(24 * 31));
    let preview = app.engine().preview_ageing(&caller, &name).await.unwrap();
    let back = app.exchange().organization().sync_all() as u64;
    assert!(back > 0 && back < 40 && preview.would_leave > 40 - back);
    assert_eq!(app.engine().age_now(&caller, &name).await.unwrap(), preview.would_leave);
    let left = app.exchange().organization().device_count() as u64;
    assert!(left >= back, "{left} of 40 are left, {back} had come back");
    assert!(left < 40);
    let asked = app.exchange().ledger().entries();
    let removals = asked.cmdlets.iter().filter(|one| one.name == "Remove-MobileDevice");
    for removal in removals {
        assert_eq!(removal.parameter("Confirm"), Some("false"), "{removal:?}");
        assert!(removal.parameter("Identity").is_some());
    }
    let told = events(&app, &app.connector().await.unwrap()).await;
    let of = |event| told.iter().filter(|told| **told == event).count() as u64;
    assert_eq!(of(Event::RemovingPartnership), 40 - left);
    assert_eq!(of(Event::PartnershipRemoved), 40 - left);
}

#[tokio::test]
async fn one_person_and_one_device_are_read_again_on_demand() {
    let app = TestApp::connected(30).await.unwrap();
    app.sync().await.unwrap();
    let devices = app.devices().await.unwrap();
    let (device, address) = (devices[0].id, devices[0].owner.mailbox.clone().unwrap());
    pass_time(&app, SignedDuration::from_hours(1));
    app.engine().refresh_device(&app.caller(), device).await.unwrap();
    let scope = app.scope().unwrap();
    let read = app.engine().store().device(&scope, device).await.unwrap();
    assert_eq!(
        (read.observed, read.statistics_observed),
        (app.clock().now(), Some(app.clock().now()))
    );
    let count = app.engine().refresh_user(&Caller::LocalAdministrator, &app.name(), &address).await;
    assert!(count.unwrap() >= 1);
    assert!(app.exchange().organization().remove_device(devices[0].facts.guid));
    app.engine().refresh_device(&app.caller(), device).await.unwrap();
    let gone = app.engine().store().device(&scope, device).await.unwrap();
    assert_eq!(gone.gone_since, Some(app.clock().now()));
}
