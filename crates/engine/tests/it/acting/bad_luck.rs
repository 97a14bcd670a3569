//! What can go wrong, and what is said about it.

use domain::authority::{Grant, Place};

use super::*;

on_both_sides! {
    what_is_asked_in_a_wrong_way_is_refused_and_nothing_is_kept,
    the_same_request_sent_twice_is_one,
    what_was_removed_in_exchange_meanwhile_is_said_to_be_gone,
    a_phone_that_is_anothers_by_now_is_left_alone,
    nothing_is_sent_when_exchange_answers_with_another_device,
    exempting_one_device_leaves_the_others_of_the_person_alone,
    what_the_account_may_not_do_is_said_before_and_nothing_is_kept,
    while_exchange_is_away_an_action_waits_and_is_done_once_afterwards,
    a_connection_that_is_cut_after_a_write_repeats_nothing,
    what_cannot_be_done_stands_beside_what_can,
    a_request_beyond_ones_collection_is_not_seen,
}

async fn what_is_asked_in_a_wrong_way_is_refused_and_nothing_is_kept(side: Side) {
    let (app, devices) = synced(side, 60).await;
    let (phone, caller) = (modern(&devices), app.caller());
    let ask = async |new: NewRequest| app.engine().ask(&caller, new).await.unwrap_err();
    let silent = NewRequest { reason: " ".to_owned(), ..asking(ActionKind::Allow, &[phone.id]) };
    assert!(matches!(ask(silent).await, Error::Invalid(_)));
    let unknown = asking(ActionKind::Allow, &[DeviceId(uuid::Uuid::nil())]);
    assert!(matches!(ask(unknown).await, Error::NotFound(_)));
    assert!(matches!(ask(by_query(ActionKind::Allow, "user:nobody")).await, Error::NotFound(_)));
    let stale = NewRequest { expected: Some(7), ..by_query(ActionKind::Allow, "os:iOS*") };
    assert!(ask(stale).await.to_string().contains("7 devices were shown"));
    let old = devices.iter().find(|device| {
        device.facts.client_version.as_deref() == Some("14.1")
            && device.facts.device_type.as_deref() != Some("Outlook")
    });
    let old = asking(ActionKind::WipeAccount, &[old.unwrap().id]);
    assert!(ask(old).await.to_string().contains("needs Exchange ActiveSync 16.1"));
    let none = app.engine().store().requests(&app.scope().unwrap(), 10).await.unwrap();
    assert_eq!(none, []);
    assert_eq!(app.exchange().ledger().count("Set-CASMailbox"), 0);
}

async fn the_same_request_sent_twice_is_one(side: Side) {
    let (app, devices) = synced(side, 60).await;
    let (phone, caller) = (modern(&devices), app.caller());
    let keyed = NewRequest {
        repeat_key: Some("a-key".to_owned()),
        ..asking(ActionKind::WipeAccount, &[phone.id])
    };
    let first = done(&app, &caller, keyed.clone()).await.unwrap();
    let second = app.engine().ask(&caller, keyed.clone()).await.unwrap();
    assert_eq!(first.id, second.id);
    assert_eq!(app.exchange().ledger().received("Clear-MobileDevice").len(), 1);
    let another = devices.iter().find(|device| device.id != phone.id).unwrap();
    for other in [
        NewRequest { kind: ActionKind::Block, ..keyed.clone() },
        NewRequest { of: Targets::Devices(vec![another.id]), ..keyed },
    ] {
        assert!(matches!(app.engine().ask(&caller, other).await, Err(Error::Conflict(_))));
    }
}

async fn what_was_removed_in_exchange_meanwhile_is_said_to_be_gone(side: Side) {
    let (app, devices) = synced(side, 60).await;
    let (phone, caller) = (modern(&devices), app.caller());
    assert!(app.exchange().organization().remove_device(phone.facts.guid));
    let request = done(&app, &caller, asking(ActionKind::WipeDevice, &[phone.id])).await.unwrap();
    let action = only(&app, &request).await;
    assert_eq!(action.state, ActionState::Failed);
    assert_eq!(action.note.as_deref(), Some("the partnership is gone in Exchange"));
    assert!(device(&app, phone.id).await.gone_since.is_some());
    assert_eq!(app.exchange().ledger().count("Clear-MobileDevice"), 0);
    // To forget what is gone already is no failure, but now everybody knows.
    let forget = app.engine().ask(&caller, asking(ActionKind::Forget, &[phone.id])).await;
    assert!(forget.unwrap_err().to_string().contains("gone"));
}

async fn a_phone_that_is_anothers_by_now_is_left_alone(side: Side) {
    let (app, devices) = synced(side, 60).await;
    let caller = app.caller();
    let to_wipe = modern(&devices);
    let to_block = devices.iter().find(|device| device.id != to_wipe.id).unwrap();
    for (kind, phone) in [(ActionKind::WipeDevice, to_wipe), (ActionKind::Block, to_block)] {
        assert!(app.exchange().organization().give_device_to_another(phone.facts.guid));
        let request = done(&app, &caller, asking(kind, &[phone.id])).await.unwrap();
        let action = only(&app, &request).await;
        assert_eq!(action.state, ActionState::Failed);
        assert!(action.note.unwrap().contains("its owner or its device id is another"), "{kind}");
    }
    let ledger = app.exchange().ledger();
    assert_eq!((ledger.count("Clear-MobileDevice"), ledger.count("Set-CASMailbox")), (0, 0));
}

/// What is not the device that was meant says nothing about it: neither that it may be erased, nor
/// that it is gone.
async fn nothing_is_sent_when_exchange_answers_with_another_device(side: Side) {
    let (app, devices) = synced(side, 60).await;
    let (phone, caller) = (modern(&devices), app.caller());
    app.exchange().faults().answers_another = true;
    let request = app.engine().ask(&caller, asking(ActionKind::WipeDevice, &[phone.id])).await;
    let request = request.unwrap();
    app.eventually("the action is put off", async || {
        let action = only(&app, &request).await;
        let note = action.note.unwrap_or_default();
        Ok(note.contains("answered with").then_some(()))
    })
    .await
    .unwrap();
    assert_eq!(app.exchange().ledger().count("Clear-MobileDevice"), 0);
    let read = app.engine().refresh_device(&caller, phone.id).await.unwrap_err();
    assert!(read.to_string().contains("answered with"), "{read}");
    assert_eq!(device(&app, phone.id).await.gone_since, None);
    app.exchange().faults().answers_another = false;
    let action = reach(&app, &request, sent(side)).await;
    assert_eq!(action.guid, phone.facts.guid);
    let sent = app.exchange().ledger().received("Clear-MobileDevice");
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].parameter("Identity"), Some(phone.facts.guid.to_string().as_str()));
}

async fn exempting_one_device_leaves_the_others_of_the_person_alone(side: Side) {
    let (app, devices) = synced(side, 120).await;
    let caller = app.caller();
    let owner = |device: &Device| device.owner.user_dn.as_ref().map(|dn| dn.key());
    let (first, second) = devices
        .iter()
        .find_map(|one| {
            let is_other = |other: &&Device| other.id != one.id && owner(other) == owner(one);
            devices.iter().find(is_other).map(|other| (one, other))
        })
        .unwrap();
    for phone in [first, second] {
        done(&app, &caller, asking(ActionKind::Allow, &[phone.id])).await.unwrap();
    }
    done(&app, &caller, asking(ActionKind::Block, &[second.id])).await.unwrap();
    let (dn, connector) = (first.owner.user_dn.as_ref().unwrap(), app.connector().await.unwrap());
    let scope = app.scope().unwrap();
    let mailbox = app.engine().store().mailbox(&scope, connector.id, dn).await.unwrap();
    let id = |device: &Device| device.facts.device_id.clone().unwrap();
    assert!(mailbox.allowed_device_ids.contains(&id(first)), "{mailbox:?}");
    assert!(!mailbox.allowed_device_ids.contains(&id(second)), "{mailbox:?}");
    assert!(mailbox.blocked_device_ids.contains(&id(second)), "{mailbox:?}");
}

async fn what_the_account_may_not_do_is_said_before_and_nothing_is_kept(side: Side) {
    let app = side.connected(60).await.unwrap();
    app.exchange().hide(&["Clear-MobileDevice"]).unwrap();
    app.sync().await.unwrap();
    let devices = app.devices().await.unwrap();
    let (phone, caller) = (modern(&devices), app.caller());
    let wipe = app.engine().ask(&caller, asking(ActionKind::WipeDevice, &[phone.id])).await;
    let told = wipe.unwrap_err().to_string();
    assert!(told.contains("gatepost connector check"), "{told}");
    let held = app.engine().store().requests(&app.scope().unwrap(), 10).await.unwrap();
    assert_eq!(held, []);
    // What it may do is not held up by what it may not.
    let block = done(&app, &caller, asking(ActionKind::Block, &[phone.id])).await.unwrap();
    assert_eq!(only(&app, &block).await.state, ActionState::Confirmed);
}

async fn while_exchange_is_away_an_action_waits_and_is_done_once_afterwards(side: Side) {
    let (app, devices) = synced(side, 60).await;
    let (phone, caller) = (modern(&devices), app.caller());
    app.exchange().faults().offline = true;
    let request =
        app.engine().ask(&caller, asking(ActionKind::WipeAccount, &[phone.id])).await.unwrap();
    let waiting = app
        .eventually("putting it off", async || {
            let action = only(&app, &request).await;
            Ok(action.note.is_some().then_some(action))
        })
        .await
        .unwrap();
    assert_eq!(waiting.state, ActionState::Approved);
    assert_eq!(waiting.intended, None, "nothing was sent");
    app.exchange().faults().offline = false;
    reach(&app, &request, carried_out(side)).await;
    assert_eq!(app.exchange().ledger().received("Clear-MobileDevice").len(), 1);
}

/// What was carried out though nobody was told is not asked for again.
async fn a_connection_that_is_cut_after_a_write_repeats_nothing(side: Side) {
    let (app, devices) = synced(side, 60).await;
    let caller = app.caller();
    for (kind, cmdlet, end) in [
        (ActionKind::Block, "Set-CASMailbox", ActionState::Confirmed),
        (ActionKind::WipeAccount, "Clear-MobileDevice", carried_out(side)),
        (ActionKind::Forget, "Remove-MobileDevice", ActionState::Confirmed),
    ] {
        let phone = app.devices().await.unwrap();
        let phone = modern(&phone).id;
        app.exchange().faults().cut_after_write = Some(1);
        let request = app.engine().ask(&caller, asking(kind, &[phone])).await.unwrap();
        let action = reach(&app, &request, end).await;
        assert_eq!(app.exchange().faults().cut_after_write, None);
        assert_eq!(app.exchange().ledger().received(cmdlet).len(), 1, "{kind}: {action:?}");
    }
    assert!(devices.len() > app.devices().await.unwrap().len());
}

async fn what_cannot_be_done_stands_beside_what_can(side: Side) {
    let (app, devices) = synced(side, 200).await;
    let caller = app.caller();
    let preview = app
        .engine()
        .preview_action(
            &caller,
            &by_query(ActionKind::WipeAccount, "state:allowed type:Android,iPad"),
        )
        .await
        .unwrap();
    assert!(preview.possible() > 0 && preview.possible() < preview.devices, "{preview:?}");
    assert!(preview.hold.is_some(), "so many are held");
    let refused: u64 = preview.refusals.iter().map(|(_, count)| count).sum();
    assert_eq!(refused + preview.possible(), preview.devices);
    let iphones: Vec<_> = devices.iter().filter(|d| d.owner.user_dn.is_some()).take(3).collect();
    let request = done(
        &app,
        &caller,
        asking(ActionKind::Allow, &iphones.iter().map(|d| d.id).collect::<Vec<_>>()),
    )
    .await
    .unwrap();
    assert_eq!(actions(&app, &request).await.len(), 3);
    let counts = app.engine().store().counts_of_request(request.id).await.unwrap();
    assert_eq!(counts, [(ActionState::Confirmed, 3)]);
}

/// A request names its devices, so whoever may see some of them only does not see the others by it.
async fn a_request_beyond_ones_collection_is_not_seen(side: Side) {
    let (app, devices) = synced(side, 60).await;
    let (mine, other) = (&devices[0], &devices[1]);
    let own = Query::parse(&format!("id:{}", mine.id)).unwrap();
    let limited = |query: Query| {
        let permissions = BuiltInRole::HelpDesk.permissions();
        let grants = vec![Grant { permissions, place: Place::Collection(query) }];
        Caller { grants, ..app.person("holly", BuiltInRole::HelpDesk) }
    };
    let holly = limited(own);
    for (device, is_seen) in [(mine, true), (other, false)] {
        let request = done(&app, &app.caller(), asking(ActionKind::Allow, &[device.id])).await;
        let id = request.unwrap().id;
        assert_eq!(app.engine().request(&holly, id).await.is_ok(), is_seen);
    }
    let both = asking(ActionKind::Block, &[mine.id, other.id]);
    let both = app.engine().ask(&app.caller(), both).await.unwrap();
    assert!(app.engine().request(&holly, both.id).await.is_err());
    let scope = holly.scope(domain::Permission::ReadResource).unwrap();
    let store = app.engine().store();
    let seen = store.requests(&scope, 10).await.unwrap();
    assert_eq!(seen.len(), 1);

    // Nor is what failed at a device beyond it.
    for device in [mine, other] {
        assert!(app.exchange().organization().give_device_to_another(device.facts.guid));
        done(&app, &app.caller(), asking(ActionKind::Block, &[device.id])).await.unwrap();
    }
    let failed = store.failed_actions(&scope, Timestamp::MIN, 10).await.unwrap();
    assert!(!failed.is_empty() && failed.iter().all(|action| action.device == mine.id));
    let everywhere = app.caller().scope(domain::Permission::ReadResource).unwrap();
    let beyond = store.actions_of_device(&everywhere, other.id, 1).await.unwrap();
    assert!(store.action(&scope, beyond[0].id).await.is_err());
}
