//! What is promised before an action, and what is concluded from a reading after it: a mistake in
//! either erases somebody's data, so every case stands here.

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::access::Hosting;
use crate::query::matching::tests::device as phone;
use crate::{AccessReason, AccessState, Device, DistinguishedName, WipeStatus};

const KNOWN: Server =
    Server { offers: Some(true), is_removed: false, hosting: Hosting::OnPremises };

fn now() -> Timestamp {
    "2026-03-01T00:00:00Z".parse().unwrap()
}

/// A phone with a mail app of its own that was seen an hour ago.
fn native(version: Option<&str>) -> Device {
    let mut device = phone();
    device.facts.client_version = version.map(str::to_owned);
    device.facts.access_state = AccessState::Allowed;
    device.owner.user_dn = DistinguishedName::parse("CN=Ann,DC=contoso,DC=com");
    let statistics = device.statistics.get_or_insert_default();
    statistics.last_success_sync = Some(now() - SignedDuration::from_hours(1));
    device
}

fn of_type(device_type: &str) -> Device {
    let mut device = native(Some("1.0"));
    device.facts.device_type = Some(device_type.to_owned());
    device
}

fn with_wipe(wipe: WipeStatus) -> Device {
    let mut device = native(Some("16.1"));
    device.statistics.get_or_insert_default().wipe_status = wipe;
    device
}

fn told(kind: ActionKind, device: &Device) -> Forecast {
    forecast(kind, device, KNOWN, now())
}

#[test]
fn each_client_is_told_what_a_wipe_really_erases() {
    for (device, by_account, by_device) in [
        (native(Some("16.1")), Effect::ErasesAccount, Effect::ErasesPhone),
        (native(None), Effect::ErasesAccount, Effect::ErasesPhone),
        (of_type("Outlook"), Effect::ErasesOutlook, Effect::ErasesOutlook),
        (of_type("outlook"), Effect::ErasesOutlook, Effect::ErasesOutlook),
        (of_type("WindowsMail"), Effect::ErasesMailApp, Effect::ErasesMailApp),
    ] {
        let of = device.facts.device_type.clone();
        assert_eq!(told(ActionKind::WipeAccount, &device).effect, by_account, "{of:?}");
        assert_eq!(told(ActionKind::WipeDevice, &device).effect, by_device, "{of:?}");
    }
}

#[test]
fn an_account_is_erased_alone_only_where_the_client_understands_it() {
    for (version, is_understood) in [
        ("2.5", false),
        ("12.1", false),
        ("14.1", false),
        ("16.0", false),
        ("16", false),
        ("16.1", true),
        (" 16.1 ", true),
        ("16.10", true),
        ("17.0", true),
    ] {
        let told = told(ActionKind::WipeAccount, &native(Some(version)));
        let refusal = (!is_understood).then(|| Refusal::ClientTooOld(Some(version.to_owned())));
        assert_eq!(told.refusal, refusal, "{version:?}");
    }
    // Outlook has a version of its own counting, and erases its own data in either case.
    assert_eq!(told(ActionKind::WipeAccount, &of_type("Outlook")).refusal, None);
    for unknown in [None, Some(""), Some("new")] {
        let told = told(ActionKind::WipeAccount, &native(unknown));
        assert_eq!((told.refusal, told.warnings), (None, vec![Warning::VersionUnknown]));
    }
}

#[test]
fn who_wipes_is_warned_of_what_keeps_the_wipe_from_the_phone() {
    let mut blocked = native(Some("16.1"));
    blocked.facts.access_state = AccessState::Blocked;
    let mut unseen = native(Some("16.1"));
    unseen.statistics = None;
    let mut quiet = native(Some("16.1"));
    quiet.statistics.get_or_insert_default().last_success_sync =
        Some(now() - SignedDuration::from_hours(24 * 30));
    for (device, warning) in [
        (blocked, Warning::BlockedCannotFetch),
        (unseen, Warning::NeverSeen),
        (quiet, Warning::NotSeenFor(30)),
        (of_type("Outlook"), Warning::OutlookTogether),
        (with_wipe(WipeStatus::Acknowledged), Warning::WipedAgain),
    ] {
        let told = told(ActionKind::WipeAccount, &device);
        assert_eq!((told.refusal, told.warnings), (None, vec![warning]));
    }
    let wiped = with_wipe(WipeStatus::Acknowledged);
    assert_eq!(told(ActionKind::Allow, &wiped).warnings, [Warning::WipedAgain]);
    let pending = with_wipe(WipeStatus::Sent);
    assert_eq!(told(ActionKind::Block, &pending).warnings, [Warning::WaitsForWipe]);
}

#[test]
fn what_cannot_be_done_is_refused_before_anything_is_kept() {
    use ActionKind::{Allow, CancelWipe, Forget, WipeAccount, WipeDevice};
    for (kind, wipe, refusal) in [
        (WipeAccount, WipeStatus::Requested, Some(Refusal::WipePending)),
        (WipeDevice, WipeStatus::Sent, Some(Refusal::WipePending)),
        (WipeDevice, WipeStatus::Acknowledged, None),
        (CancelWipe, WipeStatus::None, Some(Refusal::NoWipe)),
        (CancelWipe, WipeStatus::Requested, None),
        (CancelWipe, WipeStatus::Sent, Some(Refusal::WipeFetched)),
        (CancelWipe, WipeStatus::Acknowledged, Some(Refusal::WipeFetched)),
        (Forget, WipeStatus::Requested, Some(Refusal::WouldLoseWipe)),
        (Forget, WipeStatus::Sent, Some(Refusal::WouldLoseWipe)),
        (Forget, WipeStatus::Acknowledged, None),
    ] {
        assert_eq!(told(kind, &with_wipe(wipe)).refusal, refusal, "{kind} after {wipe:?}");
    }
    let device = native(Some("16.1"));
    for &kind in ActionKind::ALL {
        let mut gone = device.clone();
        gone.gone_since = Some(now());
        assert_eq!(told(kind, &gone).refusal, Some(Refusal::Gone));
        let hidden = Server { offers: Some(false), ..KNOWN };
        assert_eq!(forecast(kind, &device, hidden, now()).refusal, Some(Refusal::NotOffered));
        let removed = Server { is_removed: true, ..KNOWN };
        assert_eq!(forecast(kind, &device, removed, now()).refusal, Some(Refusal::NoConnector));
    }
    let mut nobodys = native(Some("16.1"));
    nobodys.owner.user_dn = None;
    assert_eq!(told(Allow, &nobodys).refusal, Some(Refusal::NoOwner));
    let mut nameless = native(Some("16.1"));
    nameless.facts.device_id = Some("  ".to_owned());
    assert_eq!(told(Allow, &nameless).refusal, Some(Refusal::NoOwner));
}

fn sight(wipe: WipeStatus, requested: Option<&str>) -> Sight {
    Sight {
        access: AccessState::Allowed,
        reason: Some(AccessReason::Global),
        exemptions: Some((false, false)),
        wipe,
        wipe_requested: requested.map(|at| at.parse().unwrap()),
    }
}

#[test]
fn an_old_wipe_is_never_taken_for_the_one_that_was_asked_for() {
    const EARLIER: Option<&str> = Some("2026-01-01T00:00:00Z");
    const NOW: Option<&str> = Some("2026-03-01T00:00:00Z");
    let before = sight(WipeStatus::Acknowledged, EARLIER).baseline();
    for (wipe, requested, step) in [
        (WipeStatus::Acknowledged, EARLIER, Step::NotSeen),
        (WipeStatus::Requested, NOW, Step::Reached(ActionState::Sent)),
        (WipeStatus::Sent, NOW, Step::Reached(ActionState::Fetched)),
        (WipeStatus::Acknowledged, NOW, Step::Reached(ActionState::Acknowledged)),
        (WipeStatus::None, None, Step::NotSeen),
    ] {
        let seen = seen_after(
            ActionKind::WipeDevice,
            Hosting::OnPremises,
            before,
            Some(&sight(wipe, requested)),
        );
        assert_eq!(seen, step, "{wipe:?} of {requested:?}");
    }
    let none = Baseline::default();
    let told_without_time = sight(WipeStatus::Requested, None);
    let seen =
        seen_after(ActionKind::WipeAccount, Hosting::OnPremises, none, Some(&told_without_time));
    assert_eq!(seen, Step::Reached(ActionState::Sent), "where no times are told, the word decides");
    // Gone before it was acknowledged: nobody will ever know.
    let gone = seen_after(ActionKind::WipeDevice, Hosting::OnPremises, none, None);
    assert_eq!(gone, Step::Reached(ActionState::Unverifiable));
}

#[test]
fn a_wipe_in_hosted_exchange_is_never_reported_and_stands_in_the_way_for_a_day() {
    const ASKED: Option<&str> = Some("2026-03-01T00:00:00Z");
    let hosted = |wipe| {
        let before = Baseline::default();
        seen_after(ActionKind::WipeDevice, Hosting::Hosted, before, Some(&sight(wipe, ASKED)))
    };
    assert_eq!(hosted(WipeStatus::Requested), Step::Unreported);
    assert_eq!(hosted(WipeStatus::Sent), Step::Unreported);
    assert_eq!(hosted(WipeStatus::None), Step::NotSeen);
    let told = Step::Reached(ActionState::Acknowledged);
    assert_eq!(hosted(WipeStatus::Acknowledged), told, "should it be told all the same");

    let asked = ASKED.unwrap().parse().unwrap();
    let told = (WipeStatus::Requested, Some(asked));
    let counts = |kind, hosting, hours| {
        wipe_that_counts(kind, hosting, told, asked + SignedDuration::from_hours(hours))
    };
    let (requested, none) = (WipeStatus::Requested, WipeStatus::None);
    assert_eq!(counts(ActionKind::Forget, Hosting::Hosted, 23), requested);
    assert_eq!(counts(ActionKind::Forget, Hosting::Hosted, 24), none);
    assert_eq!(counts(ActionKind::CancelWipe, Hosting::Hosted, 24), requested);
    assert_eq!(counts(ActionKind::Forget, Hosting::OnPremises, 24), requested);

    let mut wiped = with_wipe(WipeStatus::Requested);
    wiped.statistics.get_or_insert_default().wipe_requested = Some(asked);
    let server = Server { hosting: Hosting::Hosted, ..KNOWN };
    let later =
        forecast(ActionKind::Forget, &wiped, server, asked + SignedDuration::from_hours(24));
    assert_eq!((later.refusal, later.warnings), (None, vec![Warning::MayLoseWipe]));
}

#[test]
fn an_exemption_is_there_only_in_the_right_list_and_not_in_the_other() {
    for (lists, is_allowed, is_blocked, is_released) in [
        ((true, false), true, false, false),
        ((false, true), false, true, false),
        ((true, true), false, false, false),
        ((false, false), false, false, true),
    ] {
        let sight = Sight { exemptions: Some(lists), ..sight(WipeStatus::None, None) };
        for (kind, is_so) in [
            (ActionKind::Allow, is_allowed),
            (ActionKind::Block, is_blocked),
            (ActionKind::Release, is_released),
        ] {
            let (done, send) = (Step::Reached(ActionState::Confirmed), Step::Send);
            let before = if is_so { &done } else { &send };
            assert_eq!(&seen_before(kind, Some(&sight)), before, "{kind} with {lists:?}");
            let after = if is_so { done } else { Step::NotSeen };
            assert_eq!(
                seen_after(kind, Hosting::OnPremises, Baseline::default(), Some(&sight)),
                after
            );
        }
    }
}

#[test]
fn what_is_gone_or_pending_decides_before_a_cmdlet_is_sent() {
    for &kind in ActionKind::ALL {
        let gone = match kind {
            ActionKind::Forget => Step::Reached(ActionState::Confirmed),
            _ => Step::Refuse(Refusal::Gone),
        };
        assert_eq!(seen_before(kind, None), gone, "{kind}");
    }
    for wipe in [WipeStatus::Requested, WipeStatus::Sent] {
        let pending = sight(wipe, Some("2026-03-01T00:00:00Z"));
        let step = |kind| seen_before(kind, Some(&pending));
        assert_eq!(step(ActionKind::WipeDevice), Step::Refuse(Refusal::WipePending));
        assert_eq!(step(ActionKind::WipeAccount), Step::Refuse(Refusal::WipePending));
        assert_eq!(step(ActionKind::Forget), Step::Refuse(Refusal::WouldLoseWipe));
        assert_eq!(step(ActionKind::Block), Step::WaitForWipe);
    }
}
