//! So many wipes and no more, unless a second person agrees.

use std::time::Duration;

use domain::{
    Source,
    connector::Runspaces,
    guard::{Change, Limits},
};
use proptest::{
    collection::vec,
    prelude::{Strategy, any},
    prop_oneof,
    strategy::ValueTree as _,
    test_runner::TestRunner,
};

use simulator::ReceivedCmdlet;

use super::*;

on_both_sides! {
    many_wipes_wait_for_a_second_person_and_go_in_growing_batches,
    what_was_not_sent_is_taken_back_at_once,
    nobody_answers_in_time_and_nothing_is_sent,
    the_guard_is_loosened_and_lifted_by_two_people_and_tightened_by_one,
    wipes_do_not_wait_for_a_pass,
    no_interleaving_sends_more_wipes_than_the_limits,
}

/// How many of a request stand in a state.
async fn count(app: &TestApp, request: &Request, state: ActionState) -> usize {
    actions(app, request).await.iter().filter(|action| action.state == state).count()
}

async fn many_wipes_wait_for_a_second_person_and_go_in_growing_batches(side: Side) {
    let (app, _) = synced(side, 200).await;
    let operator = app.person("olga", BuiltInRole::OperationsAdministrator);
    let officer = app.person("sam", BuiltInRole::SecurityOfficer);
    let wipe = by_query(ActionKind::WipeAccount, "state:allowed type:iPhone os:iOS*");
    let request = app.engine().ask(&operator, wipe).await.unwrap();
    assert!(request.is_held(), "{request:?}");
    let both = Caller { person: operator.person, ..app.caller() };
    let own = app.engine().approve_request(&both, request.id).await.unwrap_err();
    assert!(own.to_string().contains("second person"), "{own}");
    let help_desk = app.person("holly", BuiltInRole::HelpDesk);
    let denied = app.engine().approve_request(&help_desk, request.id).await;
    assert!(matches!(denied, Err(Error::Denied(_))));
    assert_eq!(app.exchange().ledger().count("Clear-MobileDevice"), 0);
    let waiting = app.engine().waiting_for_approval(&officer).await.unwrap();
    assert_eq!(waiting, std::slice::from_ref(&request));
    app.engine().approve_request(&officer, request.id).await.unwrap();
    let twice = app.engine().approve_request(&officer, request.id).await.unwrap_err();
    assert!(twice.to_string().contains("already"), "{twice}");
    app.engine().request_settled(&app.caller(), request.id).await.unwrap();
    let possible = actions(&app, &request).await;
    let possible: Vec<_> = possible.iter().filter(|it| it.state != ActionState::Failed).collect();
    assert_eq!(app.exchange().ledger().received("Clear-MobileDevice").len(), possible.len());
    // A batch begins when the one before was sent.
    for (earlier, later) in possible.iter().zip(possible.iter().skip(1)) {
        assert!(earlier.intended <= later.intended && earlier.batch <= later.batch);
    }
}

async fn what_was_not_sent_is_taken_back_at_once(side: Side) {
    let (app, _) = synced(side, 200).await;
    let operator = app.person("olga", BuiltInRole::OperationsAdministrator);
    let officer = app.person("sam", BuiltInRole::SecurityOfficer);
    let wipe = by_query(ActionKind::WipeAccount, "state:allowed type:iPhone os:iOS*");
    let request = app.engine().ask(&operator, wipe).await.unwrap();
    app.exchange().faults().offline = true;
    app.engine().approve_request(&officer, request.id).await.unwrap();
    let before = count(&app, &request, ActionState::Failed).await as u64;
    let cancelled = app.engine().cancel_all_wipes(&operator).await.unwrap();
    let all = actions(&app, &request).await.len() as u64;
    assert_eq!(cancelled + before, all);
    app.exchange().faults().offline = false;
    live_on(&app, SignedDuration::from_hours(2)).await;
    assert_eq!(count(&app, &request, ActionState::Cancelled).await as u64, cancelled);
    assert_eq!(app.exchange().ledger().count("Clear-MobileDevice"), 0);
    assert_eq!(app.engine().cancel_all_wipes(&operator).await.unwrap(), 0);
}

async fn nobody_answers_in_time_and_nothing_is_sent(side: Side) {
    let (app, _) = synced(side, 100).await;
    let operator = app.person("olga", BuiltInRole::OperationsAdministrator);
    let wipe = by_query(ActionKind::WipeAccount, "state:allowed type:iPhone");
    let request = app.engine().ask(&operator, wipe).await.unwrap();
    app.clock().advance(SignedDuration::from_hours(25));
    let officer = app.person("sam", BuiltInRole::SecurityOfficer);
    assert_eq!(app.engine().waiting_for_approval(&officer).await.unwrap(), []);
    let late = app.engine().approve_request(&officer, request.id).await;
    assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");
    assert_eq!(app.exchange().ledger().count("Clear-MobileDevice"), 0);
}

async fn the_guard_is_loosened_and_lifted_by_two_people_and_tightened_by_one(side: Side) {
    let (app, _) = synced(side, 20).await;
    let (one, two) = (
        app.person("fay", BuiltInRole::FullAdministrator),
        app.person("finn", BuiltInRole::FullAdministrator),
    );
    let engine = app.engine();
    let tight = Change::Limits(Limits { per_person: 1, per_organization: 2 });
    let guard = engine.change_guard(&one, tight, "holidays").await.unwrap();
    assert_eq!((guard.limits.per_person, guard.proposal), (1, None));
    let lift = Change::Lift(SignedDuration::from_hours(1));
    let guard = engine.change_guard(&one, lift, "the office burned down").await.unwrap();
    assert!(guard.proposal.is_some() && !guard.is_lifted(app.clock().now()));
    assert!(matches!(engine.confirm_guard(&one).await, Err(Error::Refused(_))));
    let guard = engine.confirm_guard(&two).await.unwrap();
    assert!(guard.is_lifted(app.clock().now()));
    assert!(matches!(engine.confirm_guard(&two).await, Err(Error::Conflict(_))));
    let wipe = by_query(ActionKind::WipeAccount, "state:allowed type:iPhone");
    let preview = engine.preview_action(&one, &wipe).await.unwrap();
    assert_eq!(preview.hold, None);
    app.clock().advance(SignedDuration::from_hours(2));
    let preview = engine.preview_action(&one, &wipe).await.unwrap();
    assert!(preview.hold.is_some());
}

/// Law 13: while a pass reads everything with the one session there is, wipes go before its next
/// cmdlet.
async fn wipes_do_not_wait_for_a_pass(side: Side) {
    let app = side.beside(600).unwrap();
    let mut new = app.new_connector(app.name());
    new.options.runspaces = Runspaces::new(1).unwrap();
    app.engine().add_connector(&app.caller(), new).await.unwrap();
    app.sync().await.unwrap();
    app.clock().advance(SignedDuration::from_hours(48));
    app.exchange().skip_to(app.clock().now());
    let devices = app.devices().await.unwrap();
    let phones = devices.iter().filter(|device| {
        device.facts.access_state == AccessState::Allowed
            && device.facts.device_type.as_deref() == Some("iPhone")
    });
    let phones: Vec<DeviceId> = phones.take(3).map(|device| device.id).collect();
    let pass = crate::living::past_first_page(&app).await;
    if side == Side::Hosted {
        // Batches are small, and go on while somebody is still asking.
        app.exchange().faults().slow = Some(Duration::from_millis(50));
    }
    let asked = app.exchange().ledger().sequence();
    let wipe = asking(ActionKind::WipeDevice, &phones);
    let request = done(&app, &app.caller(), wipe).await.unwrap();
    assert_eq!(count(&app, &request, sent(side)).await, 3);
    let begun = app.exchange().ledger().begun_after(asked);
    let last = begun.iter().rposition(|one| one.name.starts_with("Clear-")).unwrap();
    let guids: Vec<String> = devices
        .iter()
        .filter(|device| phones.contains(&device.id))
        .map(|device| device.facts.guid.to_string())
        .collect();
    let is_ours = |one: &ReceivedCmdlet| {
        guids.iter().any(|guid| one.parameter("Identity") == Some(guid.as_str()))
    };
    // On premises it reads pages, and in the cloud statistics by then.
    let of_pass = begun[..last].iter().filter(|one| match side {
        Side::OnPremises => one.parameter("SortBy").is_some(),
        Side::Hosted => one.name == "Get-MobileDeviceStatistics" && !is_ours(one),
    });
    let most = match side {
        Side::OnPremises => 1,
        // Half of what would be read in one go, were it not in batches of ten.
        Side::Hosted => 250,
    };
    assert!(of_pass.count() <= most, "{begun:#?}");
    app.exchange().faults().slow = None;
    app.finished(pass).await.unwrap();
}

/// Something that happens in the story below.
#[derive(Debug, Clone)]
enum Happening {
    /// Two people ask at the same moment, by different ways, for so many wipes each.
    Asked(usize, usize),
    /// So many minutes pass.
    Passed(i64),
    /// Somebody approves the oldest request that waits.
    Approved,
    /// What was not sent is taken back.
    Cancelled,
    /// Exchange goes away, or comes back.
    Toggled,
    /// The process is killed and starts again.
    Killed,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (1_usize..5, 0_usize..7).prop_map(|(one, two)| Happening::Asked(one, two)),
        4 => (1_i64..50).prop_map(Happening::Passed),
        2 => any::<()>().prop_map(|()| Happening::Approved),
        1 => any::<()>().prop_map(|()| Happening::Cancelled),
        1 => any::<()>().prop_map(|()| Happening::Toggled),
        1 => any::<()>().prop_map(|()| Happening::Killed),
    ]
}

/// Whatever people do, by whatever way, and whatever breaks: a wipe that no second person approved
/// is sent only while the windows of its person and its organization are below the limits.
async fn no_interleaving_sends_more_wipes_than_the_limits(side: Side) {
    let mut runner = TestRunner::deterministic();
    let stories = vec(happening(), 12..20);
    for _ in 0..4 {
        let story = stories.new_tree(&mut runner).unwrap().current();
        tell(side, &story).await;
    }
}

/// Waits until nothing is due; while Exchange is away, until all that is due was put off.
async fn be_quiet(app: &TestApp) {
    let connector = app.connector().await.unwrap().id;
    app.eventually("quiet", async || {
        let open = app.engine().store().open_actions(connector, app.clock().now(), 1).await?;
        Ok(open.is_empty().then_some(()))
    })
    .await
    .unwrap();
}

async fn tell(side: Side, story: &[Happening]) {
    let (mut app, devices) = synced(side, 240).await;
    let mut phones = devices.iter().filter(|device| {
        device.facts.access_state == AccessState::Allowed
            && device.facts.device_type.as_deref() == Some("iPhone")
    });
    let one = app.person("olga", BuiltInRole::OperationsAdministrator);
    let two = app.person("otto", BuiltInRole::OperationsAdministrator).by(Source::Console);
    let officer = app.person("sam", BuiltInRole::SecurityOfficer);
    let mut requests = Vec::new();
    for happening in story {
        match happening {
            Happening::Asked(first, second) => {
                let mut some = |count: usize| -> Vec<DeviceId> {
                    phones.by_ref().take(count).map(|device| device.id).collect()
                };
                let (first, second) = (some(*first), some(*second));
                let (first, second) = (
                    asking(ActionKind::WipeDevice, &first),
                    asking(ActionKind::WipeDevice, &second),
                );
                let both =
                    tokio::join!(app.engine().ask(&one, first), app.engine().ask(&two, second));
                requests.extend([both.0, both.1].into_iter().flatten());
            }
            Happening::Passed(minutes) => {
                live_on(&app, SignedDuration::from_mins(*minutes)).await;
            }
            Happening::Approved => {
                let waiting = app.engine().waiting_for_approval(&officer).await.unwrap();
                if let Some(request) = waiting.first() {
                    app.engine().approve_request(&officer, request.id).await.unwrap();
                }
            }
            Happening::Cancelled => drop(app.engine().cancel_all_wipes(&officer).await.unwrap()),
            Happening::Toggled => {
                let mut faults = app.exchange().faults();
                faults.offline = !faults.offline;
            }
            Happening::Killed => app.kill_and_restart().unwrap(),
        }
        be_quiet(&app).await;
    }
    app.exchange().faults().offline = false;
    for _ in 0..10 {
        live_on(&app, SignedDuration::from_mins(20)).await;
        be_quiet(&app).await;
    }
    let mut sent = Vec::new();
    for request in &requests {
        let now = app.engine().request(&app.caller(), request.id).await.unwrap();
        let actions = actions(&app, request).await.into_iter();
        sent.extend(actions.filter_map(|it| Some((it.intended?, it.person, now.is_approved()))));
    }
    assert!(!sent.is_empty(), "{story:?}");
    let limits = Limits::default();
    for (at, person, _) in sent.iter().filter(|(.., is_approved)| !is_approved) {
        let within = |window: SignedDuration, then: &Timestamp| {
            then <= at && at.duration_since(*then) < window
        };
        let by_person = sent
            .iter()
            .filter(|(then, who, _)| who == person && within(Limits::PERSON_WINDOW, then));
        let of_all =
            sent.iter().filter(|(then, ..)| within(Limits::ORGANIZATION_WINDOW, then)).count();
        assert!(by_person.count() as u64 <= u64::from(limits.per_person), "{story:?}");
        assert!(of_all as u64 <= u64::from(limits.per_organization), "{story:?}");
    }
}
