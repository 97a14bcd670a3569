//! A process that is killed anywhere in an apply goes on where it was, and repeats nothing.

use super::*;

on_both_sides! {
    an_apply_survives_being_killed_anywhere,
}

/// Tells one story, killing the process after so many steps. Whether it was killed.
async fn story(side: Side, steps: u32) -> bool {
    let mut app = synced(side).await;
    let devices = app.devices().await.unwrap();
    let mailbox = devices.iter().find_map(|device| device.owner.mailbox.clone()).unwrap();
    let text = format!(
        "access:\n  default_level: allow\n  rules:\n    - type: TestPhone\n      level: block\n\
         settings:\n  policy:\n    name: Phones\n    mailboxes: [{mailbox}]\n  security:\n    \
         allow_camera: false\n"
    );
    let planned = plan(&app, file(&text)).await.unwrap();
    let id = planned.plan.id;
    app.die_after(steps).unwrap();
    app.engine().apply_plan(&app.caller(), id, None).await.unwrap();
    app.eventually("its end or the process's", async || {
        let state = app.engine().plan_of_wish(&app.caller(), id).await?.plan.state;
        Ok((app.is_dead() || state == PlanState::Applied).then_some(()))
    })
    .await
    .unwrap();
    let was_killed = app.is_dead();
    app.live().unwrap();
    let done = app.engine().plan_settled(&app.caller(), id).await.unwrap();
    assert_eq!(done.plan.state, PlanState::Applied, "{steps}: {:?}", done.plan.note);
    for cmdlet in [
        "New-MobileDeviceMailboxPolicy",
        "Set-CASMailbox",
        "New-ActiveSyncDeviceAccessRule",
        "Set-ActiveSyncOrganizationSettings",
    ] {
        assert_eq!(app.exchange().ledger().count(cmdlet), 1, "{cmdlet}, killed after {steps}");
    }
    let drift = app.engine().check_drift(&app.caller(), &app.name()).await.unwrap();
    assert_eq!(drift.drifted, []);
    was_killed
}

async fn an_apply_survives_being_killed_anywhere(side: Side) {
    let mut steps = 0;
    while story(side, steps).await {
        steps += 1;
        assert!(steps < 50, "the story has an end");
    }
    assert!(steps >= 12, "four writes have more than {steps} steps");
}
