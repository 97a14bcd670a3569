//! What a reading shows of an action: whether it may still be sent, and whether it took effect.
//!
//! These decide for the worker, which reads before a cmdlet, keeps what it saw as the [`Baseline`],
//! sends, and reads again. The same reading tells after a crash whether a cmdlet whose answer nobody
//! heard was carried out, so that nothing harmful is sent twice.

use jiff::{SignedDuration, Timestamp};

use super::{ActionKind, ActionState, Refusal};
use crate::{AccessReason, AccessState, WipeStatus, access::Hosting};

/// What a fresh reading of a device shows, as far as actions are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// What Exchange decides.
    pub access: AccessState,
    /// And why.
    pub reason: Option<AccessReason>,
    /// Whether the owner's lists name the device: allowed, blocked. `None` if the account may not see
    /// them.
    pub exemptions: Option<(bool, bool)>,
    /// How far a wipe has come.
    pub wipe: WipeStatus,
    /// When it was asked for.
    pub wipe_requested: Option<Timestamp>,
}

/// What stood before a cmdlet was sent: what tells a new wipe from an old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Baseline {
    /// How far a wipe had come.
    pub wipe: WipeStatus,
    /// When it was asked for, by Exchange's clock.
    pub wipe_requested: Option<Timestamp>,
}

impl Sight {
    /// What is kept of it before a cmdlet is sent.
    #[must_use]
    pub fn baseline(&self) -> Baseline {
        Baseline { wipe: self.wipe, wipe_requested: self.wipe_requested }
    }

    fn is_allowed(&self) -> bool {
        match self.exemptions {
            Some(lists) => lists == (true, false),
            None => self.is_individually(AccessState::Allowed),
        }
    }

    fn is_blocked(&self) -> bool {
        match self.exemptions {
            Some(lists) => lists == (false, true),
            None => self.is_individually(AccessState::Blocked),
        }
    }

    fn is_released(&self) -> bool {
        match self.exemptions {
            Some(lists) => lists == (false, false),
            None => self.reason.is_some_and(|reason| reason != AccessReason::Individual),
        }
    }

    fn is_individually(&self, access: AccessState) -> bool {
        self.access == access && self.reason == Some(AccessReason::Individual)
    }

    fn is_wipe_pending(&self) -> bool {
        matches!(self.wipe, WipeStatus::Requested | WipeStatus::Sent)
    }
}

/// What is to be done next about an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send the cmdlet.
    Send,
    /// It has come so far.
    Reached(ActionState),
    /// It cannot be done.
    Refuse(Refusal),
    /// A wipe is pending; a block waits for it.
    WaitForWipe,
    /// The effect is not to be seen (yet).
    NotSeen,
    /// Exchange has the wipe, and will never say more.
    Unreported,
}

/// A wipe in hosted Exchange counts as pending for so long. What became of it is never reported back,
/// so its status says "requested" for ever, and nothing could be done with the device any more.
const HOSTED_WIPE_COUNTS: SignedDuration = SignedDuration::from_hours(24);

/// How far a wipe has come, as far as that is in the way of another action. `told`: the status, and
/// when the wipe was asked for.
#[must_use]
pub fn wipe_that_counts(
    kind: ActionKind,
    hosting: Hosting,
    told: (WipeStatus, Option<Timestamp>),
    now: Timestamp,
) -> WipeStatus {
    let (status, requested) = told;
    let is_old = requested.is_some_and(|at| now.duration_since(at) >= HOSTED_WIPE_COUNTS);
    // What was asked for long ago may still be taken back, should the phone never have come.
    let is_of_no_use = hosting == Hosting::Hosted && is_old && kind != ActionKind::CancelWipe;
    if is_of_no_use && status != WipeStatus::Acknowledged { WipeStatus::None } else { status }
}

/// What a reading before the cmdlet says. `None`: the partnership is gone.
#[must_use]
pub fn seen_before(kind: ActionKind, sight: Option<&Sight>) -> Step {
    let Some(sight) = sight else {
        return match kind {
            ActionKind::Forget => Step::Reached(ActionState::Confirmed),
            _ => Step::Refuse(Refusal::Gone),
        };
    };
    let done = |is_so: bool| match is_so {
        true => Step::Reached(ActionState::Confirmed),
        false => Step::Send,
    };
    match kind {
        ActionKind::Allow => done(sight.is_allowed()),
        ActionKind::Block if sight.is_wipe_pending() => Step::WaitForWipe,
        ActionKind::Block => done(sight.is_blocked()),
        ActionKind::Release => done(sight.is_released()),
        ActionKind::WipeAccount | ActionKind::WipeDevice if sight.is_wipe_pending() => {
            Step::Refuse(Refusal::WipePending)
        }
        ActionKind::WipeAccount | ActionKind::WipeDevice => Step::Send,
        ActionKind::CancelWipe => match sight.wipe {
            WipeStatus::Requested => Step::Send,
            WipeStatus::Sent | WipeStatus::Acknowledged => Step::Refuse(Refusal::WipeFetched),
            WipeStatus::None => Step::Refuse(Refusal::NoWipe),
        },
        ActionKind::Forget if sight.is_wipe_pending() => Step::Refuse(Refusal::WouldLoseWipe),
        ActionKind::Forget => Step::Send,
    }
}

/// What a reading after the cmdlet says, compared with what stood before. `None`: the partnership is
/// gone.
#[must_use]
pub fn seen_after(
    kind: ActionKind,
    hosting: Hosting,
    before: Baseline,
    sight: Option<&Sight>,
) -> Step {
    let Some(sight) = sight else {
        return match kind {
            ActionKind::Forget => Step::Reached(ActionState::Confirmed),
            // A wiped phone whose partnership somebody removed, or never a phone again.
            ActionKind::WipeAccount | ActionKind::WipeDevice => {
                Step::Reached(ActionState::Unverifiable)
            }
            _ => Step::Refuse(Refusal::Gone),
        };
    };
    let seen = |is_so: bool| match is_so {
        true => Step::Reached(ActionState::Confirmed),
        false => Step::NotSeen,
    };
    match kind {
        ActionKind::Allow => seen(sight.is_allowed()),
        ActionKind::Block => seen(sight.is_blocked()),
        ActionKind::Release => seen(sight.is_released()),
        ActionKind::WipeAccount | ActionKind::WipeDevice => {
            let is_new = sight.wipe_requested != before.wipe_requested
                || (sight.wipe_requested.is_none() && sight.wipe != before.wipe);
            match sight.wipe {
                _ if !is_new => Step::NotSeen,
                WipeStatus::None => Step::NotSeen,
                WipeStatus::Requested | WipeStatus::Sent if hosting == Hosting::Hosted => {
                    Step::Unreported
                }
                WipeStatus::Requested => Step::Reached(ActionState::Sent),
                WipeStatus::Sent => Step::Reached(ActionState::Fetched),
                WipeStatus::Acknowledged => Step::Reached(ActionState::Acknowledged),
            }
        }
        ActionKind::CancelWipe => match sight.wipe {
            WipeStatus::None => Step::Reached(ActionState::Confirmed),
            WipeStatus::Requested => Step::NotSeen,
            WipeStatus::Sent | WipeStatus::Acknowledged => Step::Refuse(Refusal::WipeFetched),
        },
        ActionKind::Forget => Step::NotSeen,
    }
}
