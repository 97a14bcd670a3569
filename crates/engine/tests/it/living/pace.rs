//! The pace of passes: what is urgent, what Exchange allows, and what a cut of it costs.

use std::time::Duration;

use domain::{DeviceId, pass::PassOutcome};
use jiff::SignedDuration;
use simulator::{Budget, ReceivedCmdlet};
use store::JobState;
use testkit::{Side, TestApp};

use super::{pass_time, past_first_page};

on_both_sides! {
    what_is_urgent_goes_before_the_next_cmdlet_of_a_pass,
    a_throttled_account_is_slowed_down_and_no_pass_fails,
    statistics_that_are_cut_are_read_again_and_not_for_ever,
}

/// Statistics are read through several sessions at once; whichever of them is cut.
async fn statistics_that_are_cut_are_read_again_and_not_for_ever(side: Side) {
    let app = side.connected(1_100).await.unwrap();
    app.sync().await.unwrap();
    for cut in [25, 45] {
        pass_time(&app, SignedDuration::from_hours(48));
        app.exchange().faults().cut_receive = Some(cut);
        let job = app.sync().await.unwrap();
        assert_eq!(job.state, JobState::Done, "cut in answer {cut}: {job:?}");
        assert_eq!(app.last_pass().await.unwrap().counts.statistics, 1_100);
    }
    // Every statistics reading fails from here on, in every session: that is a failed pass.
    pass_time(&app, SignedDuration::from_hours(48));
    let id = app.begin_sync().await.unwrap();
    app.eventually("statistics", async || {
        let job = app.engine().job(&app.caller(), id).await?;
        Ok((job.progress.step.as_deref() == Some("reading statistics")).then_some(()))
    })
    .await
    .unwrap();
    app.exchange().stop().unwrap();
    assert_eq!(app.finished(id).await.unwrap().state, JobState::Failed);
}

async fn a_throttled_account_is_slowed_down_and_no_pass_fails(side: Side) {
    let mut options = side.organization(700);
    options.habits.budget =
        Some(Budget { cmdlets: 4, period_seconds: 3_600, delay_ms: 3, cmdlets_max: None });
    options.habits.shells_per_user = 3;
    let app = TestApp::beside_organization(&options).unwrap();
    if side == Side::Hosted {
        // The service delays every call alike, and says so in the same words.
        app.exchange().faults().hosted.micro_delay = Some(Duration::from_millis(3));
    }
    app.add_connector().await.unwrap();
    let job = app.sync().await.unwrap();
    assert_eq!(job.state, JobState::Done, "{job:?}");
    let pass = app.last_pass().await.unwrap();
    assert_eq!(pass.outcome, Some(PassOutcome::Complete));
    assert!(pass.cost.delayed_ms > 0 && pass.cost.cmdlets > 5, "{pass:?}");
    let gauge = app.engine().budget(&app.connector().await.unwrap());
    assert_eq!(gauge.allowance, 1, "one session after a delay");
    assert!(gauge.delayed_ms > 0);
    let entries = app.exchange().ledger().entries();
    assert_eq!((entries.refused, entries.refused_shells), (0, 0));
    assert!(entries.max_open_shells <= 3, "{}", entries.max_open_shells);
}

/// Exchange says in its warnings how many cmdlets it allows before it refuses. The hosted service
/// refuses and says how long: that is told in `syncing`.
#[tokio::test]
async fn what_exchange_would_refuse_waits_until_it_would_not() {
    let mut options = Side::OnPremises.organization(700);
    options.habits.budget =
        Some(Budget { cmdlets: 2, period_seconds: 60, delay_ms: 1, cmdlets_max: Some(12) });
    let app = TestApp::beside_organization(&options).unwrap();
    app.add_connector().await.unwrap();
    let before = app.clock().now();
    let job = app.sync().await.unwrap();
    assert_eq!(job.state, JobState::Done, "{job:?}");
    assert!(app.clock().now() > before, "it waited");
    assert_eq!(app.exchange().ledger().entries().refused, 0);
    let gauge = app.engine().budget(&app.connector().await.unwrap());
    let limit = gauge.limit.unwrap();
    assert_eq!((limit.cmdlets, limit.seconds), (12, 60));
}

/// Law 13: what is urgent waits for one cmdlet at most, even with one session.
async fn what_is_urgent_goes_before_the_next_cmdlet_of_a_pass(side: Side) {
    let app = side.connected(600).await.unwrap();
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
    let urgent = |one: &&ReceivedCmdlet| {
        one.name == "Get-MobileDevice" && one.parameter("Identity").is_some()
    };
    let places: Vec<usize> =
        (0..).zip(&begun).filter(|(_, one)| urgent(one)).map(|(at, _)| at).collect();
    assert_eq!(places.len(), 3, "{begun:?}");
    // The pass may go on beside the last of them, in a session of its own; what the urgent ones
    // never do is wait until another cmdlet of it ends.
    let last = begun[places[2]].began.sequence;
    let of_pass = begun.iter().filter(|one| one.parameter("SortBy").is_some());
    let waited_for = of_pass.filter(|one| one.ended.is_some_and(|end| end.sequence < last));
    assert!(waited_for.count() <= 1, "{begun:?}");
}
