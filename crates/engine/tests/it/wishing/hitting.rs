//! Whom a plan hits, the limit it keeps to, and the guided switch.

use domain::{AccessReason, AccessState};

use super::*;

on_both_sides! {
    a_plan_says_whom_it_hits_and_keeps_to_its_limit,
    what_was_applied_just_now_is_taken_back_with_its_hits,
    the_guided_switch_exempts_who_works_first_and_can_be_taken_back,
}

/// An organization that is open to everybody.
async fn open(side: Side) -> TestApp {
    let app = synced(side).await;
    imported(&app).await;
    applied(&app, "access:\n  default_level: allow\n  limit_of_flips: 1000\n  rules: []\n").await;
    app.sync().await.unwrap();
    app
}

async fn a_plan_says_whom_it_hits_and_keeps_to_its_limit(side: Side) {
    let app = open(side).await;
    let devices = app.devices().await.unwrap();
    let is_open = |device: &&domain::Device| {
        device.facts.access_reason == Some(AccessReason::Global)
            && device.facts.access_state == AccessState::Allowed
    };
    let hit = devices.iter().filter(is_open).count() as u64;
    assert!(hit > 20, "{hit}");
    let text = "access:\n  default_level: block\n  limit_of_flips: 5\n  rules:\n    - type: \
                NobodyHasIt\n      level: allow\n";
    let planned = plan(&app, file(text)).await.unwrap();
    let hits = planned.found.hits.as_ref().unwrap();
    assert_eq!(hits.devices(), hit);
    let [flip] = hits.flips[..] else { panic!("{hits:?}") };
    assert_eq!((flip.from, flip.to), (AccessState::Allowed, AccessState::Blocked));
    assert!(flip.people_at_most > 0 && flip.people_at_most <= hit);
    assert_eq!(hits.groups.iter().map(|group| group.flip.devices).sum::<u64>(), hit);
    assert_eq!(hits.dead, ["type NobodyHasIt"]);

    let (engine, caller, id) = (app.engine(), app.caller(), planned.plan.id);
    for accepted in [None, Some(hit - 1)] {
        let refused = engine.apply_plan(&caller, id, accepted).await.unwrap_err();
        assert!(matches!(refused, Error::Refused(_)), "{refused}");
        assert!(refused.to_string().contains(&format!("accept {hit} flips")), "{refused}");
    }
    engine.apply_plan(&caller, id, Some(hit)).await.unwrap();
    let done = engine.plan_settled(&caller, id).await.unwrap();
    assert_eq!(done.plan.state, PlanState::Applied, "{:?}", done.plan.note);
    app.sync().await.unwrap();
    let after = app.devices().await.unwrap();
    for device in devices.iter().filter(is_open) {
        let now = after.iter().find(|one| one.id == device.id).unwrap();
        assert_eq!(now.facts.access_state, AccessState::Blocked, "what was foretold happened");
    }
}

/// Right after an apply the inventory is that of before: whom taking it back hits is told all the same.
async fn what_was_applied_just_now_is_taken_back_with_its_hits(side: Side) {
    let app = open(side).await;
    app.clock().advance(SignedDuration::from_mins(1));
    let text =
        "access:\n  default_level: allow\n  rules:\n    - type: iPhone\n      level: block\n";
    let planned = plan(&app, file(text)).await.unwrap();
    let hit = planned.found.hits.as_ref().unwrap().devices();
    assert!(hit > 5, "{hit}");
    assert_eq!(apply(&app, planned.plan.id).await.plan.state, PlanState::Applied);
    app.clock().advance(SignedDuration::from_mins(1));
    let back = plan(&app, WishSource::Rollback(Some(planned.plan.id))).await.unwrap();
    let hits = back.found.hits.as_ref().unwrap();
    let states = hits.flips.iter().map(|flip| (flip.from, flip.to)).collect::<Vec<_>>();
    assert_eq!(states, [(AccessState::Blocked, AccessState::Allowed)]);
    assert!(hits.devices() >= hit, "{} of {hit}", hits.devices());
    // A wish that is only described is judged alike.
    let text = "access:\n  default_level: allow\n  rules: []\n";
    let described = app.engine().what_if(&app.caller(), &app.name(), text).await.unwrap();
    assert_eq!(described.flips.iter().map(|flip| (flip.from, flip.to)).collect::<Vec<_>>(), states);
}

async fn the_guided_switch_exempts_who_works_first_and_can_be_taken_back(side: Side) {
    let app = open(side).await;
    let before = app.devices().await.unwrap();
    let working = before.iter().find(|device| {
        let last = device.statistics.as_ref().and_then(|one| one.last_success_sync);
        device.facts.access_reason == Some(AccessReason::Global)
            && last.is_some_and(|last| {
                app.clock().now().duration_since(last) < SignedDuration::from_hours(24)
            })
    });
    let working = working.unwrap().facts.guid;
    let planned = plan(&app, WishSource::Switch { active_days: 30 }).await.unwrap();
    assert_eq!(planned.plan.state, PlanState::Ready, "{:?}", planned.found.problems);
    let exempted = planned.found.changes.iter();
    let exempted = exempted.filter(|change| matches!(change.thing, Thing::Exemption(..))).count();
    assert!(exempted > 0);
    let hits = planned.found.hits.as_ref().unwrap();
    let open_devices = before.iter().filter(|device| {
        device.facts.access_reason == Some(AccessReason::Global)
            && device.facts.access_state == AccessState::Allowed
    });
    assert!(hits.devices() < open_devices.count() as u64, "{hits:?}");
    let done = apply(&app, planned.plan.id).await;
    assert_eq!(done.plan.state, PlanState::Applied, "{:?}", done.plan.note);
    let access = || app.exchange().organization().access_of(working).unwrap();
    assert_eq!(access(), ("Allowed".to_owned(), "Individual".to_owned()));
    assert_eq!(app.exchange().organization().default_access_level_text(), "Quarantine");
    // Who works was never outside: the level came last.
    let commands = app.exchange().ledger().begun_after(0);
    let last = |cmdlet: &str| commands.iter().rposition(|one| one.name == cmdlet);
    assert!(last("Set-CASMailbox") < last("Set-ActiveSyncOrganizationSettings"));

    let back = plan(&app, WishSource::Rollback(Some(done.plan.id))).await.unwrap();
    let (engine, caller) = (app.engine(), app.caller());
    engine.apply_plan(&caller, back.plan.id, Some(1_000)).await.unwrap();
    let back = engine.plan_settled(&caller, back.plan.id).await.unwrap();
    assert_eq!(back.plan.state, PlanState::Applied, "{:?}", back.plan.note);
    assert_eq!(access(), ("Allowed".to_owned(), "Global".to_owned()));
    let held = engine.wish(&caller, &app.name()).await.unwrap().unwrap();
    assert!(held.text.contains("default_level: allow"), "{}", held.text);
    let drift = engine.check_drift(&caller, &app.name()).await.unwrap();
    assert_eq!(drift.drifted, []);
}
