//! What was asked of a device lately, and how far it has come.

use domain::{ActionState, Device, Timestamp, WipeStatus, access::Hosting};
use engine::Engine;
use store::{Action, Request};

use crate::{acts, problem::Problem, session::SignedIn, words};

/// Actions that have ended are shown up to so many; those that go on are all shown.
const ENDED: usize = 3;

pub(crate) struct Recent {
    pub(crate) title: String,
    pub(crate) state: &'static str,
    pub(crate) tone: &'static str,
    pub(crate) standing: String,
    /// Who, why, and the ticket. HTML.
    pub(crate) asked: String,
    pub(crate) href: String,
    /// Where to take it back, if it was not sent and is about this device alone.
    pub(crate) cancel: Option<String>,
    pub(crate) is_moving: bool,
}

/// How far a wipe has come.
pub(crate) struct Ladder {
    pub(crate) steps: Vec<Step>,
    /// The page that forgets the partnership, once the wipe is acknowledged.
    pub(crate) forget: Option<String>,
}

pub(crate) struct Step {
    /// `done`, `now` or `later`.
    pub(crate) class: &'static str,
    pub(crate) mark: &'static str,
    pub(crate) name: &'static str,
    /// HTML.
    pub(crate) when: String,
}

/// What goes on, and the latest that has ended.
pub(crate) async fn of(
    engine: &Engine,
    signed_in: &SignedIn,
    device: &Device,
    actions: &[Action],
) -> Result<Vec<Recent>, Problem> {
    let mut recent = Vec::new();
    let mut ended = 0;
    for action in actions {
        let has_ended = action.state.is_final();
        ended += usize::from(has_ended);
        if has_ended && ended > ENDED {
            continue;
        }
        let request = engine.request(&signed_in.caller, action.request).await?;
        recent.push(Recent::new(action, &request, signed_in, device, engine.now()));
    }
    Ok(recent)
}

impl Recent {
    fn new(
        action: &Action,
        request: &Request,
        signed_in: &SignedIn,
        device: &Device,
        now: Timestamp,
    ) -> Self {
        let statistics = device.statistics.as_ref();
        let last_sync = statistics.and_then(|it| it.last_success_sync.or(it.last_sync_attempt));
        let ticket = request.ticket.as_deref().map(|ticket| format!(" ({ticket})"));
        let why = format!("{}{}", request.reason, ticket.unwrap_or_default());
        let who = words::escape(&words::visible(&request.person_name));
        let when = words::time(Some(request.asked), now, "");
        let caller = &signed_in.caller;
        let may = request.person == caller.person || caller.may(request.kind.permission());
        let is_alone = request.devices == 1 && action.state.is_unsent();
        Self {
            title: action.kind.title().to_owned(),
            state: acts::state(action.state),
            tone: acts::tone(action.state),
            standing: acts::standing(action, request, last_sync, now),
            asked: format!("{who}, {when}: {}", words::escape(&words::visible(&why))),
            href: format!("/requests/{}", request.id),
            cancel: (may && is_alone).then(|| format!("/requests/{}/cancel", request.id)),
            is_moving: !action.state.is_final()
                && !request.is_held()
                && !matches!(action.state, ActionState::Sent | ActionState::Fetched),
        }
    }
}

impl Ladder {
    /// Of the wipe that Exchange tells of, if it tells of one.
    pub(crate) fn of(device: &Device, hosting: Hosting, now: Timestamp) -> Option<Self> {
        let statistics = device.statistics.as_ref()?;
        // Hosted Exchange tells of the first rung alone, and nobody climbs the others.
        if hosting == Hosting::Hosted && statistics.wipe_status != WipeStatus::Acknowledged {
            return None;
        }
        let reached = match statistics.wipe_status {
            WipeStatus::None => return None,
            WipeStatus::Requested => 1,
            WipeStatus::Sent => 2,
            WipeStatus::Acknowledged => 3,
        };
        let rungs = [
            ("Requested", statistics.wipe_requested),
            ("Fetched by the phone", statistics.wipe_sent),
            ("Acknowledged by the phone", statistics.wipe_acknowledged),
        ];
        let steps = rungs.into_iter().zip(1..).map(|((name, at), number)| {
            let is_done = number <= reached;
            Step {
                class: match number - reached {
                    ..=0 => "done",
                    1 => "now",
                    _ => "later",
                },
                mark: if is_done { "✓" } else { "" },
                name,
                when: match is_done {
                    true => words::time(at, now, "at a time that Exchange does not tell"),
                    false => words::time(None, now, "not yet"),
                },
            }
        });
        let is_acknowledged = statistics.wipe_status == WipeStatus::Acknowledged;
        let is_there = is_acknowledged && device.gone_since.is_none();
        Some(Self {
            steps: steps.collect(),
            forget: is_there.then(|| format!("/devices/act?action=forget&device={}", device.id)),
        })
    }
}
