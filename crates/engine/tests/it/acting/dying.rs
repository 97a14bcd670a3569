//! A process that is killed at any step neither repeats nor loses anything.

use super::*;

on_both_sides! {
    a_wipe_survives_being_killed_anywhere,
    a_block_survives_being_killed_anywhere,
    forgetting_survives_being_killed_anywhere,
}

/// Tells one story, killing the process after so many steps. Whether it was killed.
async fn story(side: Side, kind: ActionKind, steps: u32) -> bool {
    let (mut app, devices) = synced(side, 40).await;
    let phone = modern(&devices).clone();
    app.die_after(steps).unwrap();
    let request = app.engine().ask(&app.caller(), asking(kind, &[phone.id])).await.unwrap();
    let end = match kind.is_wipe() {
        true => sent(side),
        false => ActionState::Confirmed,
    };
    app.eventually("its end or the process's", async || {
        let action = only(&app, &request).await;
        let is_done = action.state == end && (action.seen.is_some() || end.is_final());
        Ok((app.is_dead() || is_done).then_some(()))
    })
    .await
    .unwrap();
    let was_killed = app.is_dead();
    app.live().unwrap();
    let action = if kind.is_wipe() {
        reach(&app, &request, carried_out(side)).await
    } else {
        reach(&app, &request, ActionState::Confirmed).await
    };
    let cmdlet = match kind {
        ActionKind::Forget => "Remove-MobileDevice",
        kind if kind.is_wipe() => "Clear-MobileDevice",
        _ => "Set-CASMailbox",
    };
    let sent = app.exchange().ledger().received(cmdlet).len();
    assert_eq!(sent, 1, "{kind} killed after {steps} steps: {action:?}");
    // The intent stands in the audit before the answer, and the chain holds.
    let audit = app.engine().store().audit(&app.scope().unwrap(), 0, 1_000).await.unwrap();
    let intents = audit.iter().filter(|row| row.event.word() == "action.sending").count();
    assert!(intents >= 1);
    for pair in audit.windows(2) {
        assert_eq!(pair[0].link.next(pair[1].document.as_bytes()), pair[1].link);
    }
    was_killed
}

async fn killed_at_every_step(side: Side, kind: ActionKind) {
    let mut steps = 0;
    while story(side, kind, steps).await {
        steps += 1;
        assert!(steps < 50, "the story has an end");
    }
    assert!(steps >= 5, "{kind} has more than {steps} steps");
}

async fn a_wipe_survives_being_killed_anywhere(side: Side) {
    killed_at_every_step(side, ActionKind::WipeAccount).await;
}

async fn a_block_survives_being_killed_anywhere(side: Side) {
    killed_at_every_step(side, ActionKind::Block).await;
}

async fn forgetting_survives_being_killed_anywhere(side: Side) {
    killed_at_every_step(side, ActionKind::Forget).await;
}
