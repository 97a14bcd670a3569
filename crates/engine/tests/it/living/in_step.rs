//! Passes: when they come, what they read, and what a cut costs.

use std::collections::BTreeSet;

use domain::{
    Caller, DeviceId,
    connector::DiscoveryScope,
    pass::{PassKind, PassOutcome},
};
use jiff::SignedDuration;
use simulator::{Partnership, ReceivedCmdlet};
use store::JobState;
use testkit::{Side, TestApp};

use super::{Ready as _, change, ended, pass_time, past_first_page, wait_for_passes};

on_both_sides! {
    passes_come_when_they_are_due_and_not_before,
    a_phone_that_falls_into_quarantine_is_shown_within_a_minute,
    a_delta_pass_reads_what_changed_and_nothing_else,
    a_server_that_refuses_filters_is_read_in_other_ways,
    a_failed_delta_pass_loses_nothing,
    a_killed_pass_goes_on_with_the_page_it_was_reading,
    a_killed_pass_over_some_users_goes_on_with_its_page,
    a_device_removed_while_a_pass_was_cut_is_gone_after_it,
    a_delta_pass_that_is_cut_anywhere_loses_nothing,
    only_the_users_that_are_looked_at_are_taken_in_later_too,
    only_the_users_that_are_looked_at_are_taken_in,
    one_person_and_one_device_are_read_again_on_demand,
}

async fn passes_come_when_they_are_due_and_not_before(side: Side) {
    let app = side.supervised(10).await_ready().await;
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

async fn a_phone_that_falls_into_quarantine_is_shown_within_a_minute(side: Side) {
    let app = side.supervised(20).await_ready().await;
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

async fn a_delta_pass_reads_what_changed_and_nothing_else(side: Side) {
    let app = side.connected(400).await.unwrap();
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
async fn a_server_that_refuses_filters_is_read_in_other_ways(side: Side) {
    for refused in [&["WhenChangedUTC"][..], &["WhenChangedUTC", "FirstSyncTime"]] {
        let mut options = side.organization(100);
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
async fn a_failed_delta_pass_loses_nothing(side: Side) {
    let app = side.connected(50).await.unwrap();
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

async fn a_killed_pass_goes_on_with_the_page_it_was_reading(side: Side) {
    let mut app = side.connected(950).await.unwrap();
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
    // What the killed one left open was given back, and so is what was opened since.
    app.eventually("no shells", async || {
        let open = app.exchange().ledger().entries().open_shells;
        Ok((open == 0 && app.engine().store().shells().await?.is_empty()).then_some(()))
    })
    .await
    .unwrap();
    // Pages have 100 devices; each begins with the last one of the page before.
    let asked = app.exchange().ledger().entries();
    let pages = asked.cmdlets.iter().filter(|one| one.parameter("SortBy").is_some()).count();
    if side.sorts_lists() {
        assert!(pages <= 11 + 1, "{pages} pages: at most one was read twice");
    } else {
        let is_list = |one: &&ReceivedCmdlet| {
            one.name == "Get-MobileDevice" && one.parameter("ResultSize") == Some("Unlimited")
        };
        let lists = asked.cmdlets.iter().filter(is_list).count();
        assert!(pages == 0 && lists <= 2, "{lists} lists: it was read twice at most");
    }
}

/// Whether by filter: the ways in which a connector can look at some users only.
fn ways_of_scope(side: Side) -> Vec<bool> {
    if side.has_units() { vec![false, true] } else { vec![true] }
}

/// Of a connector that looks at some users only, too: by unit, and by filter.
async fn a_killed_pass_over_some_users_goes_on_with_its_page(side: Side) {
    for by_filter in ways_of_scope(side) {
        let mut app = side.beside(900).unwrap();
        let units: BTreeSet<String> = {
            let organization = app.exchange().organization();
            let unit = |one: Partnership| one.mailbox.distinguished_name.ancestor(1);
            organization.partnerships().filter_map(unit).map(|unit| unit.to_string()).collect()
        };
        let mut new = app.new_connector(app.name());
        new.options.discovery.scope = match by_filter {
            false => DiscoveryScope::Units(units.into_iter().collect()),
            true => DiscoveryScope::Recipients("SamAccountName -like 'a*'".to_owned()),
        };
        app.engine().add_connector(&app.caller(), new).await.unwrap();
        let id = past_first_page(&app).await;
        let asked = app.exchange().ledger().sequence();
        app.kill_and_restart().unwrap();
        app.exchange().faults().slow = None;
        let job = app.finished(id).await.unwrap();
        assert_eq!(job.state, JobState::Done, "{job:?}");
        let pass = app.last_pass().await.unwrap();
        assert_eq!(pass.outcome, Some(PassOutcome::Complete));
        assert_eq!(pass.counts.devices, app.devices().await.unwrap().len() as u64);
        if !by_filter {
            assert_eq!(pass.counts.devices, 900);
        }
        let begun = app.exchange().ledger().begun_after(asked);
        let mut pages = begun.iter().filter(|one| one.parameter("SortBy").is_some());
        let page = pages.next().map(|page| page.parameter("Filter").is_some());
        assert_eq!(page, side.sorts_lists().then_some(true), "it goes on in mid-list");
        // Nothing has changed since: the next pass has nothing to write.
        app.sync().await.unwrap();
        let counts = app.last_pass().await.unwrap().counts;
        assert_eq!((counts.added, counts.changed, counts.gone), (0, 0, 0));
    }
}

async fn a_device_removed_while_a_pass_was_cut_is_gone_after_it(side: Side) {
    let mut app = side.connected(450).await.unwrap();
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

/// Wherever the connection is cut: what was read is written, and what was not is read again.
async fn a_delta_pass_that_is_cut_anywhere_loses_nothing(side: Side) {
    for cut in 1..12 {
        let app = side.connected(60).await.unwrap();
        app.sync().await.unwrap();
        pass_time(&app, SignedDuration::from_hours(2));
        let guid = app.exchange().organization().add_device();
        app.exchange().faults().cut_receive = Some(cut);
        // A session that is cut while it is opened fails the pass; any other costs a reading.
        if app.sync_of(PassKind::Delta).await.unwrap().state == JobState::Failed {
            pass_time(&app, SignedDuration::from_hours(1));
            let job = app.sync_of(PassKind::Delta).await.unwrap();
            assert_eq!(job.state, JobState::Done, "cut in answer {cut}: {job:?}");
        }
        let id = DeviceId::of(app.connector().await.unwrap().id, guid);
        let found = app.engine().store().device(&app.scope().unwrap(), id).await;
        assert!(found.is_ok_and(|device| device.statistics.is_some()), "cut in answer {cut}");
        assert_eq!(app.last_pass().await.unwrap().counts.added, 1, "cut in answer {cut}");
    }
}

/// Whatever reads devices: a pass over what changed, and somebody who asks for one person.
async fn only_the_users_that_are_looked_at_are_taken_in_later_too(side: Side) {
    for by_filter in ways_of_scope(side) {
        let app = side.beside(100).unwrap();
        let (unit, letter) = {
            let organization = app.exchange().organization();
            let first = organization.partnerships().next().unwrap().mailbox.clone();
            let letter = first.sam_account_name.unwrap().chars().next().unwrap();
            (first.distinguished_name.ancestor(1).unwrap(), letter.to_string())
        };
        let is_inside = |one: &Partnership| {
            if by_filter {
                one.mailbox.sam_account_name.as_ref().is_some_and(|name| name.starts_with(&letter))
            } else {
                one.mailbox.distinguished_name.is_inside(unit.as_str())
            }
        };
        let mut new = app.new_connector(app.name());
        new.options.discovery.scope = match by_filter {
            false => DiscoveryScope::Units(vec![unit.to_string()]),
            true => DiscoveryScope::Recipients(format!("SamAccountName -like '{letter}*'")),
        };
        app.engine().add_connector(&app.caller(), new).await.unwrap();
        app.sync().await.unwrap();
        pass_time(&app, SignedDuration::from_hours(1));
        let expected = || {
            let organization = app.exchange().organization();
            let mut inside: Vec<_> = organization.partnerships().filter(is_inside).collect();
            inside.sort_by_key(|one| one.facts.guid);
            inside.into_iter().map(|one| one.facts.guid).collect::<Vec<_>>()
        };
        let found = async || {
            let devices = app.devices().await.unwrap();
            devices.into_iter().map(|device| device.facts.guid).collect::<Vec<_>>()
        };
        assert_eq!(found().await, expected());
        let before = expected().len();
        for _ in 0..40 {
            app.exchange().organization().add_device();
        }
        assert!(expected().len() > before && expected().len() < before + 40);
        assert_eq!(app.sync_of(PassKind::Delta).await.unwrap().state, JobState::Done);
        assert_eq!(found().await, expected());
        let outsider = {
            let organization = app.exchange().organization();
            let mut others = organization.partnerships().filter(|one| !is_inside(one));
            others.next().unwrap().mailbox.primary_smtp_address.clone().unwrap()
        };
        let read = app.engine().refresh_user(&app.caller(), &app.name(), &outsider).await;
        assert_eq!(read.unwrap(), 0);
        assert_eq!(found().await, expected());
    }
}

async fn only_the_users_that_are_looked_at_are_taken_in(side: Side) {
    let app = side.beside(120).unwrap();
    let unit = {
        let organization = app.exchange().organization();
        let first = organization.partnerships().next().unwrap();
        first.mailbox.distinguished_name.ancestor(1).unwrap()
    };
    let inside = {
        let organization = app.exchange().organization();
        let is_inside =
            |one: &Partnership| one.mailbox.distinguished_name.key().ends_with(&unit.key());
        organization.partnerships().filter(is_inside).count()
    };
    let mut new = app.new_connector(app.name());
    new.options.discovery.scope = DiscoveryScope::Units(vec![unit.to_string()]);
    let added = app.engine().add_connector(&app.caller(), new).await;
    if side.has_units() {
        added.unwrap();
    } else {
        let refused = added.unwrap_err().to_string();
        assert!(refused.contains("keeps no organizational units of yours"), "{refused}");
        app.add_connector().await.unwrap();
    }
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

async fn one_person_and_one_device_are_read_again_on_demand(side: Side) {
    let app = side.connected(30).await.unwrap();
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
    let count =
        app.engine().refresh_user(&Caller::local_administrator(), &app.name(), &address).await;
    assert!(count.unwrap() >= 1);
    assert!(app.exchange().organization().remove_device(devices[0].facts.guid));
    app.engine().refresh_device(&app.caller(), device).await.unwrap();
    let gone = app.engine().store().device(&scope, device).await.unwrap();
    assert_eq!(gone.gone_since, Some(app.clock().now()));
}
