//! The time line of a device: what was done about it, by whom, why, and what Exchange said; newest
//! first.

use std::collections::BTreeSet;

use domain::{ActionKind, Device, Permission, Timestamp, audit::Event};
use engine::Engine;
use serde_json::Value as Json;
use store::{Action, AuditRow};

use crate::{problem::Problem, session::SignedIn, words};

/// Entries shown at first, and at most.
pub(crate) const SHOWN: u32 = 50;
pub(crate) const MOST: u32 = 1_000;
/// The latest requests whose own entries are told as well: who approved, who took back.
const REQUESTS: usize = 20;
/// Entries of one request: it is asked for, held, decided.
const OF_REQUEST: u32 = 10;

#[derive(Default)]
pub(crate) struct Timeline {
    pub(crate) moments: Vec<Moment>,
    /// There is more.
    pub(crate) is_cut: bool,
}

pub(crate) struct Moment {
    at: Timestamp,
    /// HTML.
    pub(crate) when: String,
    pub(crate) what: String,
    /// Why, with the ticket; or what Exchange answered.
    pub(crate) details: Vec<String>,
    pub(crate) tone: &'static str,
}

impl Timeline {
    pub(crate) async fn of(
        engine: &Engine,
        signed_in: &SignedIn,
        device: &Device,
        actions: &[Action],
        limit: u32,
    ) -> Result<Self, Problem> {
        let (store, now) = (engine.store(), engine.now());
        let scope = signed_in.caller.scope(Permission::ReadResource)?;
        let mut rows = store.audit_of(&scope, &device.id.to_string(), limit).await?;
        let requests: BTreeSet<_> = actions.iter().map(|action| action.request).collect();
        // Their ids grow with time: the latest stand last.
        for request in requests.into_iter().rev().take(REQUESTS) {
            rows.extend(store.audit_of(&scope, &request.to_string(), OF_REQUEST).await?);
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.link.sequence));
        let mut moments: Vec<Moment> = rows.iter().map(|row| Moment::of_entry(row, now)).collect();
        moments.extend(told_by_exchange(device, now));
        let changes = store.access_changes(&scope, device.id, limit).await?;
        moments.extend(changes.iter().map(|change| {
            let what = format!("Now {}, was {}.", change.state.word(), change.was.word());
            Moment::new(change.at, now, what)
        }));
        // What happened at the same moment stays in its order.
        moments.sort_by_key(|moment| std::cmp::Reverse(moment.at));
        let is_cut = moments.len() > limit as usize;
        moments.truncate(limit as usize);
        Ok(Self { moments, is_cut })
    }
}

impl Moment {
    fn new(at: Timestamp, now: Timestamp, what: String) -> Self {
        Self {
            at,
            when: words::time(Some(at), now, ""),
            what,
            details: Vec::new(),
            tone: "unknown",
        }
    }

    fn of_entry(row: &AuditRow, now: Timestamp) -> Self {
        let entry = serde_json::from_str::<Json>(&row.document).unwrap_or_default();
        let text = |place: &str| entry.pointer(place)?.as_str().map(words::visible);
        let who = text("/actor/name").unwrap_or_else(|| "Somebody".to_owned());
        let kind = text("/details/action").and_then(|word| ActionKind::from_word(&word));
        let action = kind.map_or("an action", ActionKind::title);
        let reason = text("/reason").map(|reason| match text("/ticket") {
            Some(ticket) => format!("Reason: {reason} ({ticket})"),
            None => format!("Reason: {reason}"),
        });
        let answer = text("/answer");
        let and = |answer: &Option<String>| {
            answer.as_ref().map(|answer| format!(": {answer}")).unwrap_or_default()
        };
        let (what, tone, detail) = match row.event {
            Event::ActionAsked => (format!("{who} asked: {action}"), "discovery", reason),
            Event::ActionHeld => ("Held for a second person".to_owned(), "quarantined", answer),
            Event::ActionApproved => (format!("{who} approved it"), "allowed", None),
            Event::ActionRejected => (format!("{who} rejected it"), "blocked", None),
            Event::ActionCancelled => {
                (format!("{who} took back what was not sent"), "unknown", None)
            }
            Event::ActionSending => {
                let cmdlet = text("/details/cmdlet").map(|it| format!(" as {it}"));
                let cmdlet = cmdlet.unwrap_or_default();
                (format!("Being sent to Exchange{cmdlet}: {action}"), "discovery", None)
            }
            Event::ActionAnswered => {
                (format!("Exchange answered{}", and(&answer)), "unknown", None)
            }
            Event::ActionObserved => (format!("Seen{}", and(&answer)), "allowed", None),
            Event::ActionFailed => (format!("Failed: {action}"), "blocked", answer),
            event => (format!("{who}: {event}"), "unknown", reason.or(answer)),
        };
        let details = detail.into_iter().map(|detail| words::sentence(&detail)).collect();
        Self { details, tone, ..Self::new(row.at, now, format!("{what}.")) }
    }
}

/// What Exchange itself tells of the past.
fn told_by_exchange(device: &Device, now: Timestamp) -> Vec<Moment> {
    let statistics = device.statistics.as_ref();
    let first_sync = device.facts.first_sync.or_else(|| statistics.and_then(|it| it.first_sync));
    let times = [
        (device.facts.when_created, "The partnership was made in Exchange."),
        (first_sync, "First sync."),
        (statistics.and_then(|it| it.last_success_sync), "Last sync."),
        (statistics.and_then(|it| it.wipe_requested), "Exchange has a wipe for it."),
        (statistics.and_then(|it| it.wipe_sent), "The phone fetched the wipe."),
        (statistics.and_then(|it| it.wipe_acknowledged), "The phone acknowledged the wipe."),
        (device.gone_since, "Missing from the organization."),
    ];
    let told = times.into_iter().filter_map(|(at, what)| Some((at?, what)));
    told.map(|(at, what)| Moment::new(at, now, what.to_owned())).collect()
}
