//! How actions read to a person: named by their effect, and how far they have come. Pure.

use domain::{ActionKind, ActionState, Device, Permission, Timestamp, action::Effect};
use store::{Action, Request, Verdict};

use crate::words;

/// Whose a device is, as a page says it.
pub(crate) fn owner(device: &Device) -> String {
    let owner = device.owner.name.as_ref().or(device.owner.user.as_ref());
    owner.map_or_else(|| "its owner".to_owned(), |name| words::visible(name))
}

/// An action on one device, by its effect.
pub(crate) fn title(kind: ActionKind, effect: Effect, owner: &str) -> String {
    match (kind, effect) {
        (ActionKind::Allow, _) => format!("Allow for {owner}"),
        (ActionKind::Block, _) => format!("Block for {owner}"),
        (_, Effect::ErasesOutlook) => format!("Erase all Outlook data of {owner}"),
        (_, Effect::ErasesMailApp) => "Erase mail account on the computer".to_owned(),
        _ => kind.title().to_owned(),
    }
}

/// An action on many devices.
pub(crate) fn title_of_many(kind: ActionKind, devices: u64) -> String {
    let count = words::number(devices);
    match kind {
        ActionKind::Allow => format!("Allow {count} devices"),
        ActionKind::Block => format!("Block {count} devices"),
        ActionKind::Release => format!("Remove both exemptions of {count} devices"),
        ActionKind::WipeAccount => format!("Erase mail account on {count} phones"),
        ActionKind::WipeDevice => format!("Erase {count} entire phones"),
        ActionKind::CancelWipe => format!("Cancel erase of {count} devices"),
        ActionKind::Forget => format!("Forget {count} partnerships (erases nothing)"),
    }
}

/// A request as a list names it.
pub(crate) fn title_of_request(request: &Request) -> String {
    match request.devices {
        1 => request.kind.title().to_owned(),
        devices => title_of_many(request.kind, devices),
    }
}

/// How many devices an effect or a warning is about, and what it says; of one, no number.
pub(crate) fn counted(count: u64, of: u64, text: &str) -> Line {
    let count = (of > 1).then(|| words::number(count));
    Line { count, text: words::sentence(text) }
}

/// A sentence, and of how many devices it is true where there are many.
pub(crate) struct Line {
    pub(crate) count: Option<String>,
    pub(crate) text: String,
}

/// What somebody lacks.
pub(crate) fn needs(permission: Permission) -> String {
    format!("Needs {}.", permission.title())
}

/// The colour of a state.
pub(crate) const fn tone(state: ActionState) -> &'static str {
    match state {
        ActionState::Confirmed | ActionState::Acknowledged => "allowed",
        ActionState::Failed => "blocked",
        ActionState::Unverifiable => "quarantined",
        ActionState::Cancelled => "unknown",
        _ => "discovery",
    }
}

/// The state of an action in one or two words: what stands in a badge.
pub(crate) const fn state(action_state: ActionState) -> &'static str {
    match action_state {
        ActionState::Asked | ActionState::Approved => "waiting",
        ActionState::Sending => "being sent",
        ActionState::Sent => "sent",
        ActionState::Fetched => "fetched",
        ActionState::Acknowledged => "acknowledged",
        ActionState::Confirmed => "done",
        ActionState::Failed => "failed",
        ActionState::Unverifiable => "not verifiable",
        ActionState::Cancelled => "cancelled",
    }
}

/// How far an action has come, in one sentence.
pub(crate) fn standing(
    action: &Action,
    request: &Request,
    last_sync: Option<Timestamp>,
    now: Timestamp,
) -> String {
    let note = action.note.as_deref().map(words::visible);
    let with = |text: &str| match &note {
        Some(note) => format!("{text}: {note}"),
        None => text.to_owned(),
    };
    let clause = match action.state {
        ActionState::Asked | ActionState::Approved if request.is_held() => {
            "waits for somebody's approval".to_owned()
        }
        ActionState::Asked | ActionState::Approved => with("waits for its turn"),
        ActionState::Sending => with("is being sent to Exchange"),
        ActionState::Sent if action.kind.is_wipe() => {
            let seen = last_sync.map(|at| format!(", last seen {}", words::relative(at, now)));
            format!("sent to Exchange; waits for the phone to sync{}", seen.unwrap_or_default())
        }
        ActionState::Sent => "sent to Exchange; its effect is being read back".to_owned(),
        ActionState::Fetched => "fetched by the phone; not acknowledged yet".to_owned(),
        ActionState::Acknowledged => "acknowledged by the phone".to_owned(),
        ActionState::Confirmed => match &note {
            Some(note) => format!("nothing to do: {note}"),
            None => "done, and read back from Exchange".to_owned(),
        },
        ActionState::Failed => note.unwrap_or_else(|| "it failed".to_owned()),
        ActionState::Unverifiable => with("nobody can say whether it took effect"),
        ActionState::Cancelled => {
            note.unwrap_or_else(|| "taken back before it was sent".to_owned())
        }
    };
    words::sentence(&clause)
}

/// What was decided about a request, by whom.
pub(crate) fn decided(request: &Request, now: Timestamp) -> Option<String> {
    let decision = request.decision.as_ref()?;
    let when = words::relative(decision.at, now);
    let who = words::visible(&decision.name);
    Some(match decision.verdict {
        Verdict::Approved => format!("{who} approved it {when}."),
        Verdict::Rejected => format!("{who} rejected it {when}; nothing was sent."),
        Verdict::Cancelled => format!("{who} took back what was not sent, {when}."),
        Verdict::Expired => format!("Nobody approved it in time; it ended {when}."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_named_by_their_effect() {
        for (kind, effect, expected) in [
            (ActionKind::Allow, Effect::LetsIn, "Allow for Jane Doe"),
            (ActionKind::WipeAccount, Effect::ErasesAccount, "Erase mail account on the phone"),
            (ActionKind::WipeDevice, Effect::ErasesPhone, "Erase entire phone"),
            (ActionKind::WipeDevice, Effect::ErasesOutlook, "Erase all Outlook data of Jane Doe"),
            (ActionKind::Forget, Effect::ForgetsPartnership, "Forget partnership (erases nothing)"),
        ] {
            assert_eq!(title(kind, effect, "Jane Doe"), expected);
        }
        assert_eq!(title_of_many(ActionKind::WipeDevice, 1_204), "Erase 1,204 entire phones");
    }

    #[test]
    fn a_number_is_told_only_where_there_are_many() {
        assert_eq!(counted(1, 1, "it is so").count, None);
        assert_eq!(counted(1, 2, "it is so").count.as_deref(), Some("1"));
    }
}
