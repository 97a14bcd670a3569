//! What people ask of devices, told in stories beside both kinds of organization. Time is stepped, never
//! slept.

mod bad_luck;
mod dying;
mod guarding;

use domain::{
    AccessState, ActionKind, ActionState, Caller, Device, DeviceId, Query, WipeStatus,
    action::{Client, Warning},
    authority::BuiltInRole,
};
use engine::{Error, NewRequest, Targets};
use jiff::{SignedDuration, Timestamp};
use store::{Action, Request};
use testkit::{Side, TestApp};

on_both_sides! {
    the_help_desk_lets_a_phone_out_of_quarantine,
    allow_after_block_lets_in_and_release_leaves_neither,
    who_erases_one_outlook_is_told_of_the_others_by_name,
    a_wipe_is_sent_fetched_and_acknowledged_and_each_is_told_apart,
    a_block_waits_for_a_pending_wipe,
    a_wipe_is_cancelled_before_the_phone_fetches_it,
}

/// What asks for some devices.
fn asking(kind: ActionKind, devices: &[DeviceId]) -> NewRequest {
    NewRequest {
        kind,
        of: Targets::Devices(devices.to_vec()),
        reason: "lost in a train".to_owned(),
        ticket: Some("INC-1".to_owned()),
        repeat_key: None,
        expected: None,
    }
}

fn by_query(kind: ActionKind, text: &str) -> NewRequest {
    NewRequest { of: Targets::Query(Query::parse(text).unwrap()), ..asking(kind, &[]) }
}

/// An organization that was read once, and its devices.
async fn synced(side: Side, devices: usize) -> (TestApp, Vec<Device>) {
    let app = side.connected(devices).await.unwrap();
    app.sync().await.unwrap();
    let devices = app.devices().await.unwrap();
    (app, devices)
}

/// Asks and waits until nothing more happens by itself.
async fn done(app: &TestApp, caller: &Caller, new: NewRequest) -> Result<Request, Error> {
    let request = app.engine().ask(caller, new).await?;
    app.engine().request_settled(&app.caller(), request.id).await
}

async fn actions(app: &TestApp, request: &Request) -> Vec<Action> {
    let scope = app.caller().scope(domain::Permission::ReadResource).unwrap();
    app.engine().store().actions_of_request(&scope, request.id, 0, 1_000).await.unwrap()
}

async fn only(app: &TestApp, request: &Request) -> Action {
    let mut actions = actions(app, request).await;
    assert_eq!(actions.len(), 1);
    actions.remove(0)
}

async fn device(app: &TestApp, id: DeviceId) -> Device {
    app.engine().store().device(&app.scope().unwrap(), id).await.unwrap()
}

fn in_state(devices: &[Device], state: AccessState) -> &Device {
    devices.iter().find(|device| device.facts.access_state == state).unwrap()
}

/// A phone with a mail app of its own that understands everything.
fn modern(devices: &[Device]) -> &Device {
    let is_modern = |device: &&Device| {
        device.facts.client_version.as_deref() == Some("16.1")
            && device.facts.device_type.as_deref() == Some("iPhone")
            && device.facts.access_state == AccessState::Allowed
            && device.statistics.as_ref().unwrap().wipe_status == WipeStatus::None
    };
    devices.iter().find(is_modern).unwrap()
}

/// Where a wipe stands once it was sent: hosted Exchange says nothing more of it.
fn sent(side: Side) -> ActionState {
    if side.reports_wipes() { ActionState::Sent } else { ActionState::Unverifiable }
}

/// Where a wipe ends that a phone carries out.
fn carried_out(side: Side) -> ActionState {
    if side.reports_wipes() { ActionState::Acknowledged } else { ActionState::Unverifiable }
}

/// For so long is a wipe in the way of other actions that nobody hears of again.
const HOSTED_WIPE_IS_PENDING: SignedDuration = SignedDuration::from_hours(25);

/// Time passes here and over there, and phones do what phones do.
async fn live_on(app: &TestApp, by: SignedDuration) {
    app.clock().advance(by);
    app.exchange().organization().advance(app.clock().now());
}

/// Waits until an action has come so far, letting time pass.
async fn reach(app: &TestApp, request: &Request, state: ActionState) -> Action {
    for _ in 0..200 {
        let action = only(app, request).await;
        if action.state == state {
            return action;
        }
        live_on(app, SignedDuration::from_secs(15)).await;
        let mut left = 2_000;
        while left > 0 && only(app, request).await == action {
            tokio::task::yield_now().await;
            left -= 1;
        }
    }
    panic!("it stays {:?}", only(app, request).await);
}

async fn the_help_desk_lets_a_phone_out_of_quarantine(side: Side) {
    let (app, devices) = synced(side, 120).await;
    let phone = in_state(&devices, AccessState::Quarantined);
    let help_desk = app.person("holly", BuiltInRole::HelpDesk);
    let request = done(&app, &help_desk, asking(ActionKind::Allow, &[phone.id])).await.unwrap();
    let action = only(&app, &request).await;
    assert_eq!(action.state, ActionState::Confirmed, "{action:?}");
    assert_eq!(device(&app, phone.id).await.facts.access_state, AccessState::Allowed);
    let sent = app.exchange().ledger().received("Set-CASMailbox");
    assert_eq!(sent.len(), 1, "both lists in one cmdlet: {sent:?}");
    assert_eq!(sent[0].parameter("Confirm"), Some("false"));
    let scope = app.scope().unwrap();
    let changes = app.engine().store().access_changes(&scope, phone.id, 10).await.unwrap();
    let changes: Vec<_> = changes.iter().map(|change| (change.was, change.state)).collect();
    assert_eq!(changes, [(AccessState::Quarantined, AccessState::Allowed)]);
    let denied = app.engine().ask(&help_desk, asking(ActionKind::WipeAccount, &[phone.id])).await;
    assert!(matches!(denied, Err(Error::Denied(_))), "{denied:?}");
}

/// Exchange asks the blocked list first, so an id in both lists stays blocked.
async fn allow_after_block_lets_in_and_release_leaves_neither(side: Side) {
    let (app, devices) = synced(side, 60).await;
    let phone = modern(&devices);
    let caller = app.caller();
    let dn = phone.owner.user_dn.clone().unwrap();
    for (kind, lists) in [
        (ActionKind::Block, (false, true)),
        (ActionKind::Allow, (true, false)),
        (ActionKind::Release, (false, false)),
    ] {
        let request = done(&app, &caller, asking(kind, &[phone.id])).await.unwrap();
        assert_eq!(only(&app, &request).await.state, ActionState::Confirmed);
        let connector = app.connector().await.unwrap().id;
        let mailbox = app.engine().store().mailbox(&app.scope().unwrap(), connector, &dn).await;
        let mailbox = mailbox.unwrap();
        let id = phone.facts.device_id.clone().unwrap();
        let names =
            (mailbox.allowed_device_ids.contains(&id), mailbox.blocked_device_ids.contains(&id));
        assert_eq!(names, lists, "{kind}");
    }
    let again = done(&app, &caller, asking(ActionKind::Release, &[phone.id])).await.unwrap();
    let action = only(&app, &again).await;
    assert_eq!(action.note.as_deref(), Some("it was so already"));
    assert_eq!(app.exchange().ledger().received("Set-CASMailbox").len(), 3);
}

/// Exchange keeps all Outlook apps of a person as one.
async fn who_erases_one_outlook_is_told_of_the_others_by_name(side: Side) {
    let (app, devices) = synced(side, 600).await;
    let is_outlook = |device: &Device| Client::of(device) == Client::Outlook;
    let owner = |device: &Device| device.owner.user_dn.as_ref().map(|dn| dn.key());
    let (named, other) = devices
        .iter()
        .filter(|one| is_outlook(one))
        .find_map(|one| {
            let is_other =
                |it: &&Device| is_outlook(it) && it.id != one.id && owner(it) == owner(one);
            devices.iter().find(is_other).map(|other| (one, other))
        })
        .unwrap();
    let caller = app.caller();
    let told = async |of: &[DeviceId]| {
        let erase = asking(ActionKind::WipeAccount, of);
        let preview = app.engine().preview_action(&caller, &erase);
        let mut warnings = preview.await.unwrap().warnings.into_iter();
        warnings.find_map(|(warning, _)| match warning {
            Warning::OutlookAlong(names) => Some(names),
            _ => None,
        })
    };
    let names = told(&[named.id]).await.unwrap();
    assert!(
        names.iter().any(|name| name.ends_with(&format!("(…{})", other.short_id()))),
        "{names:?}"
    );
    let both: Vec<DeviceId> = devices
        .iter()
        .filter(|it| is_outlook(it) && owner(it) == owner(named))
        .map(|it| it.id)
        .collect();
    assert_eq!(told(&both).await, None, "who is named is not told of as forgotten");
    assert_eq!(told(&[modern(&devices).id]).await, None);
}

async fn a_wipe_is_sent_fetched_and_acknowledged_and_each_is_told_apart(side: Side) {
    let (app, devices) = synced(side, 60).await;
    let phone = modern(&devices);
    let operator = app.person("olga", BuiltInRole::OperationsAdministrator);
    let request =
        done(&app, &operator, asking(ActionKind::WipeAccount, &[phone.id])).await.unwrap();
    assert_eq!(only(&app, &request).await.state, sent(side));
    let review = app.engine().review_request(&operator, &request).await.unwrap();
    let is_told = review.warnings.iter().any(|(warning, _)| *warning == Warning::NeverReported);
    assert_eq!(is_told, !side.reports_wipes(), "who approves is told: {review:?}");
    let sent = app.exchange().ledger().received("Clear-MobileDevice");
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].parameter("AccountOnly"), Some("true"), "the account, not the phone");
    assert_eq!(sent[0].parameter("Identity"), Some(phone.facts.guid.to_string().as_str()));
    assert_eq!(sent[0].parameter("Confirm"), Some("false"));
    let twice = app.engine().ask(&operator, asking(ActionKind::WipeDevice, &[phone.id])).await;
    assert!(twice.unwrap_err().to_string().contains("pending already"));
    let lost = app.engine().ask(&operator, asking(ActionKind::Forget, &[phone.id])).await;
    assert!(lost.unwrap_err().to_string().contains("would lose it"));
    let wiped = reach(&app, &request, carried_out(side)).await;
    let is_told = !wiped.note.unwrap_or_default().contains("never reports back");
    assert_eq!(is_told, side.reports_wipes());
    assert_eq!(app.exchange().ledger().received("Clear-MobileDevice").len(), 1);
    let audit = app.engine().store().audit(&app.scope().unwrap(), 0, 100).await.unwrap();
    let told: Vec<_> = audit.iter().map(|row| row.event.word()).collect();
    assert!(
        told.windows(3)
            .any(|events| events == ["action.asked", "action.sending", "action.answered"]),
        "{told:?}"
    );
    let observed = told.iter().filter(|event| **event == "action.observed").count();
    assert_eq!(observed, if side.reports_wipes() { 2 } else { 1 }, "{told:?}");
}

async fn a_block_waits_for_a_pending_wipe(side: Side) {
    let (app, devices) = synced(side, 60).await;
    let (phone, caller) = (modern(&devices), app.caller());
    let wipe = done(&app, &caller, asking(ActionKind::WipeAccount, &[phone.id])).await.unwrap();
    let block = app.engine().ask(&caller, asking(ActionKind::Block, &[phone.id])).await.unwrap();
    reach(&app, &wipe, carried_out(side)).await;
    assert_eq!(app.exchange().ledger().received("Set-CASMailbox").len(), 0);
    if !side.reports_wipes() {
        live_on(&app, HOSTED_WIPE_IS_PENDING).await;
    }
    let blocked = reach(&app, &block, ActionState::Confirmed).await;
    assert!(blocked.intended > Some(block.asked));
}

async fn a_wipe_is_cancelled_before_the_phone_fetches_it(side: Side) {
    let (app, devices) = synced(side, 60).await;
    let (phone, caller) = (modern(&devices), app.caller());
    let none = app.engine().ask(&caller, asking(ActionKind::CancelWipe, &[phone.id])).await;
    assert!(none.unwrap_err().to_string().contains("no wipe is pending"));
    let wipe = done(&app, &caller, asking(ActionKind::WipeDevice, &[phone.id])).await.unwrap();
    let cancel = done(&app, &caller, asking(ActionKind::CancelWipe, &[phone.id])).await.unwrap();
    assert_eq!(only(&app, &cancel).await.state, ActionState::Confirmed);
    if side.reports_wipes() {
        let wipe = reach(&app, &wipe, ActionState::Cancelled).await;
        assert_eq!(wipe.note.as_deref(), Some("the wipe was taken back in Exchange"));
    } else {
        // Nobody looks at it any more, until everything is read.
        app.sync().await.unwrap();
        let wipe = only(&app, &wipe).await;
        assert_eq!(wipe.state, ActionState::Unverifiable);
        assert!(
            wipe.note.as_deref().unwrap().ends_with("no wipe is asked of the device any more"),
            "{wipe:?}"
        );
    }
    assert_eq!(device(&app, phone.id).await.statistics.unwrap().wipe_status, WipeStatus::None);
    let forget = done(&app, &caller, asking(ActionKind::Forget, &[phone.id])).await.unwrap();
    assert_eq!(only(&app, &forget).await.state, ActionState::Confirmed);
    assert!(device(&app, phone.id).await.gone_since.is_some());
}
