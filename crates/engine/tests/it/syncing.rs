//! Syncs: what arrives, what is left alone, what is marked as gone, and what a cut does.

use std::collections::BTreeMap;

use domain::{Device, DeviceId, DeviceStatistics, device::Owner, pass::PassOutcome};
use simulator::{OrganizationOptions, Partnership};
use store::JobState;
use testkit::{Side, TestApp};
use uuid::Uuid;

on_both_sides! {
    a_first_sync_brings_every_device_once_with_all_its_fields,
    a_second_sync_changes_nothing,
    a_thousand_and_one_devices_arrive,
    what_changes_over_there_changes_here,
    a_removed_device_is_gone_after_a_complete_pass_and_not_before,
    a_mailbox_that_is_not_understood_leaves_its_devices_as_they_are,
    a_list_that_shrinks_to_a_few_is_not_believed_at_once,
    a_cut_in_the_middle_ends_in_the_same_inventory,
    mailboxes_that_cannot_be_opened_cost_their_statistics_alone,
    a_server_killed_in_mid_sync_ends_with_the_same_inventory,
    a_server_stopped_in_mid_sync_puts_the_job_back,
    two_who_ask_for_a_sync_get_the_same_one,
    a_budget_that_stays_used_up_is_waited_for_and_then_named,
}

/// Asserts that the inventory is what the organization holds: each partnership once, every field.
async fn assert_in_step(app: &TestApp) {
    let devices = app.devices().await.unwrap();
    let wanted: BTreeMap<Uuid, Partnership> = {
        let organization = app.exchange().organization();
        organization.partnerships().map(|one| (one.facts.guid, one)).collect()
    };
    let found: Vec<Uuid> = devices.iter().map(|device| device.facts.guid).collect();
    assert_eq!(found, wanted.keys().copied().collect::<Vec<_>>());
    let connector = app.connector().await.unwrap().id;
    for device in devices {
        let partnership = &wanted[&device.facts.guid];
        assert_eq!(device.id, DeviceId::of(connector, device.facts.guid));
        assert_eq!(device.owner, owner(partnership), "{}", device.display_name());
        let statistics = device.statistics.clone().map(|mut statistics| {
            statistics.other.clear();
            statistics
        });
        // The GUID says whose they are; the path of the device is not asked for again.
        let wanted = DeviceStatistics { identity: None, ..partnership.statistics.clone() };
        assert_eq!(statistics, Some(wanted));
        let mut facts = device.facts;
        facts.other.clear();
        assert_eq!(facts, partnership.facts);
    }
}

fn owner(partnership: &Partnership) -> Owner {
    let mailbox = &partnership.mailbox;
    Owner {
        user: mailbox.sam_account_name.clone(),
        mailbox: mailbox.primary_smtp_address.clone(),
        name: mailbox.display_name.clone(),
        user_dn: Some(mailbox.distinguished_name.clone()),
    }
}

/// What stays the same from sync to sync.
fn lasting(devices: Vec<Device>) -> Vec<Device> {
    let lasting = |device| Device { statistics_observed: None, ..device };
    devices.into_iter().map(lasting).collect()
}

async fn a_first_sync_brings_every_device_once_with_all_its_fields(side: Side) {
    let app = side.connected(120).await.unwrap();
    let job = app.sync().await.unwrap();
    assert_eq!(job.state, JobState::Done, "{job:?}");
    assert_in_step(&app).await;
    let pass = app.last_pass().await.unwrap();
    assert_eq!(pass.outcome, Some(PassOutcome::Complete));
    assert_eq!((pass.counts.devices, pass.counts.added), (120, 120));
    assert_eq!(pass.counts.statistics, 120);
    let connector = app.connector().await.unwrap();
    assert_eq!(connector.last_full_sync, Some(pass.started));
    assert_eq!(connector.organization.as_ref().unwrap().name, side.organization_name());
    let asked = app.exchange().ledger().entries();
    assert_eq!((asked.open_shells, asked.unterminated_commands), (0, 0));
}

async fn a_second_sync_changes_nothing(side: Side) {
    let app = side.connected(120).await.unwrap();
    app.sync().await.unwrap();
    let before = app.devices().await.unwrap();
    app.sync().await.unwrap();
    let counts = app.last_pass().await.unwrap().counts;
    assert_eq!((counts.devices, counts.added, counts.changed, counts.gone), (120, 0, 0, 0));
    assert_eq!(lasting(app.devices().await.unwrap()), lasting(before));
}

/// Law 2: never a limit of Exchange's own. The list stops at 1,000 unless told otherwise.
async fn a_thousand_and_one_devices_arrive(side: Side) {
    let app = side.connected(1_001).await.unwrap();
    assert_eq!(app.sync().await.unwrap().state, JobState::Done);
    assert_in_step(&app).await;
}

async fn what_changes_over_there_changes_here(side: Side) {
    let app = side.connected(60).await.unwrap();
    app.sync().await.unwrap();
    let hour = jiff::SignedDuration::from_hours(1);
    {
        let mut organization = app.exchange().organization();
        organization.add_device();
        let then = organization.now() + hour;
        organization.advance(then);
    }
    app.clock().advance(hour);
    app.sync().await.unwrap();
    assert_in_step(&app).await;
    assert!(app.last_pass().await.unwrap().counts.added >= 1);
}

/// Law 2: a pass that was not complete never marks a device as gone.
async fn a_removed_device_is_gone_after_a_complete_pass_and_not_before(side: Side) {
    let app = side.connected(40).await.unwrap();
    app.sync().await.unwrap();
    let before_devices = objects_before_devices(&app).await;
    let removed = {
        let mut organization = app.exchange().organization();
        let guid = organization.device_guids().nth(7).unwrap();
        assert!(organization.remove_device(guid));
        guid
    };
    app.exchange().faults().poison_object = Some(before_devices + 20);
    let job = app.sync().await.unwrap();
    assert_eq!(job.state, JobState::Done, "{job:?}");
    let pass = app.last_pass().await.unwrap();
    assert_eq!(pass.outcome, Some(PassOutcome::Incomplete), "{job:?}");
    assert_eq!(pass.counts.gone, 0);
    assert_eq!(app.totals().await.unwrap().gone, 0);

    assert_eq!(app.sync().await.unwrap().state, JobState::Done);
    let pass = app.last_pass().await.unwrap();
    assert_eq!((pass.outcome, pass.counts.gone), (Some(PassOutcome::Complete), 1));
    assert_in_step(&app).await;
    let id = DeviceId::of(app.connector().await.unwrap().id, removed);
    let device = app.engine().store().device(&app.scope().unwrap(), id).await.unwrap();
    assert_eq!(device.gone_since, Some(pass.started));
}

/// How many objects a sync is sent before the first device, seen from one that changes nothing:
/// devices come last, for no time passes and their statistics are fresh.
async fn objects_before_devices(app: &TestApp) -> u64 {
    let before = app.exchange().ledger().entries().objects;
    app.sync().await.unwrap();
    let devices = app.exchange().organization().device_count() as u64;
    app.exchange().ledger().entries().objects - before - devices
}

async fn a_mailbox_that_is_not_understood_leaves_its_devices_as_they_are(side: Side) {
    let app = side.connected(40).await.unwrap();
    app.sync().await.unwrap();
    app.exchange().faults().poison_object = Some(objects_before_devices(&app).await);
    assert_eq!(app.sync().await.unwrap().state, JobState::Done);
    assert_eq!(app.exchange().faults().poison_object, None);
    assert_eq!(app.last_pass().await.unwrap().counts.changed, 0);
    assert_in_step(&app).await;
}

/// A list can end early without a word.
async fn a_list_that_shrinks_to_a_few_is_not_believed_at_once(side: Side) {
    let app = side.connected(100).await.unwrap();
    app.sync().await.unwrap();
    app.exchange().faults().truncate_after = Some(10);
    app.sync().await.unwrap();
    let pass = app.last_pass().await.unwrap();
    assert_eq!((pass.outcome, pass.counts.gone), (Some(PassOutcome::Incomplete), 0));
    app.exchange().faults().truncate_after = None;
    app.sync().await.unwrap();
    assert_in_step(&app).await;
}

async fn a_cut_in_the_middle_ends_in_the_same_inventory(side: Side) {
    for receive in [2, 5, 9] {
        let app = side.connected(300).await.unwrap();
        app.exchange().faults().cut_receive = Some(receive);
        let mut job = app.sync().await.unwrap();
        if job.state == JobState::Failed {
            job = app.sync().await.unwrap();
        }
        assert_eq!(job.state, JobState::Done, "{job:?}");
        assert_in_step(&app).await;
        assert_eq!(app.totals().await.unwrap().gone, 0);
    }
}

async fn mailboxes_that_cannot_be_opened_cost_their_statistics_alone(side: Side) {
    let app = side.connected(60).await.unwrap();
    let offline = {
        let organization = app.exchange().organization();
        organization.database_names().next().unwrap().to_owned()
    };
    app.exchange().faults().offline_databases.insert(offline);
    assert_eq!(app.sync().await.unwrap().state, JobState::Done);
    let pass = app.last_pass().await.unwrap();
    assert_eq!((pass.outcome, pass.counts.devices), (Some(PassOutcome::Complete), 60));
    let read = pass.counts.statistics;
    assert!((1..60).contains(&read), "{read} statistics");
    app.exchange().faults().offline_databases.clear();
    app.sync().await.unwrap();
    assert_in_step(&app).await;
}

/// Begins a sync and waits until its first devices are stored.
async fn in_mid_sync(app: &TestApp) -> domain::JobId {
    app.exchange().faults().slow = Some(std::time::Duration::from_millis(5));
    let id = app.begin_sync().await.unwrap();
    while app.totals().await.unwrap().devices() == 0 {
        let jobs = app.engine().store().jobs(&app.scope().unwrap(), 1).await.unwrap();
        assert_eq!(jobs[0].finished, None, "{:?}", jobs[0]);
        tokio::task::yield_now().await;
    }
    id
}

async fn a_server_killed_in_mid_sync_ends_with_the_same_inventory(side: Side) {
    let mut app = side.connected(2_500).await.unwrap();
    let id = in_mid_sync(&app).await;
    app.kill_and_restart().unwrap();
    app.exchange().faults().slow = None;
    let job = app.finished(id).await.unwrap();
    assert_eq!(job.state, JobState::Done, "{job:?}");
    assert_in_step(&app).await;
    assert_eq!(app.totals().await.unwrap().gone, 0);
    assert_eq!(app.last_pass().await.unwrap().outcome, Some(PassOutcome::Complete));
}

async fn a_server_stopped_in_mid_sync_puts_the_job_back(side: Side) {
    let mut app = side.connected(2_500).await.unwrap();
    let id = in_mid_sync(&app).await;
    app.restart().await.unwrap();
    app.exchange().faults().slow = None;
    let job = app.finished(id).await.unwrap();
    assert_eq!(job.state, JobState::Done, "{job:?}");
    assert_in_step(&app).await;
}

async fn two_who_ask_for_a_sync_get_the_same_one(side: Side) {
    let app = side.connected(300).await.unwrap();
    app.exchange().faults().slow = Some(std::time::Duration::from_millis(5));
    let first = app.begin_sync().await.unwrap();
    assert_eq!(app.begin_sync().await.unwrap(), first);
    app.finished(first).await.unwrap();
    assert_ne!(app.begin_sync().await.unwrap(), first);
}

#[tokio::test]
async fn exchange_2010_speaks_another_dialect_and_gives_the_same() {
    let options = OrganizationOptions {
        dialect: simulator::Dialect::Exchange2010,
        ..OrganizationOptions::default()
    };
    let app = TestApp::beside_organization(&options).unwrap();
    app.add_connector().await.unwrap();
    let job = app.sync().await.unwrap();
    assert_eq!(job.state, JobState::Done, "{job:?}");
    assert_in_step(&app).await;
}

/// Law 14: Exchange's own budget is respected. Waiting ends, and the job says why it failed.
async fn a_budget_that_stays_used_up_is_waited_for_and_then_named(side: Side) {
    let app = side.connected(10).await.unwrap();
    match side {
        Side::OnPremises => app.exchange().faults().budget_exceeded_seconds = Some(60),
        Side::Hosted => {
            let hosted = &mut app.exchange().faults().hosted;
            (hosted.throttle_every, hosted.retry_after_seconds) = (Some(1), Some(60));
        }
    }
    let before = app.clock().now();
    let job = app.sync().await.unwrap();
    assert_eq!(job.state, JobState::Failed);
    assert!(job.outcome.as_deref().unwrap().contains("budget"), "{job:?}");
    let waited = app.clock().now().duration_since(before);
    assert!(waited >= jiff::SignedDuration::from_mins(5), "{waited}");
    app.exchange().faults().budget_exceeded_seconds = None;
    app.exchange().faults().hosted.throttle_every = None;
    assert_eq!(app.sync().await.unwrap().state, JobState::Done);
    assert_in_step(&app).await;
}
