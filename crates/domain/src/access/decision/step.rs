//! The steps of Exchange's decision: what each finds, and how a person is told.

use std::cmp::Ordering;

use super::{Decision, Described, Known, Missing, Standing};
use crate::access::{AccessLevel, AccessRule, Characteristic};
use crate::{AccessReason, AccessState, device::words};

/// The steps, in Exchange's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StepKind {
    /// The owner signed in.
    SignIn,
    /// ActiveSync is on for the mailbox.
    ActiveSync,
    /// The mailbox policy is satisfied, or lets in who cannot.
    MailboxPolicy,
    /// The mailbox's blocked list.
    PersonalBlock,
    /// The mailbox's allowed list.
    PersonalAllow,
    /// Rules that block.
    BlockRules,
    /// Rules that quarantine.
    QuarantineRules,
    /// Rules that allow.
    AllowRules,
    /// The default access level.
    DefaultLevel,
}

words!(StepKind {
    SignIn = "sign-in",
    ActiveSync = "activesync",
    MailboxPolicy = "mailbox-policy",
    PersonalBlock = "personal-block",
    PersonalAllow = "personal-allow",
    BlockRules = "block-rules",
    QuarantineRules = "quarantine-rules",
    AllowRules = "allow-rules",
    DefaultLevel = "default-level",
});

impl StepKind {
    /// What stands over the step.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::SignIn => "Signed in",
            Self::ActiveSync => "ActiveSync for the mailbox",
            Self::MailboxPolicy => "Mailbox policy",
            Self::PersonalBlock => "Blocked list of the mailbox",
            Self::PersonalAllow => "Allowed list of the mailbox",
            Self::BlockRules => "Block rules",
            Self::QuarantineRules => "Quarantine rules",
            Self::AllowRules => "Allow rules",
            Self::DefaultLevel => "Default access level",
        }
    }
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It let the device pass on to the next.
    Passed,
    /// It decided.
    Decided,
    /// What it needs is not known; taken as if it let the device pass.
    NotKnown,
    /// A step before it decided.
    NotReached,
}

words!(Outcome {
    Passed = "passed",
    Decided = "decided",
    NotKnown = "not-known",
    NotReached = "not-reached",
});

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub kind: StepKind,
    /// What came of it.
    pub outcome: Outcome,
    /// What it decides, or would, were it reached.
    pub would_decide: Option<AccessState>,
    /// Every rule of this step that names the device, also where the step was not reached.
    pub matching: Vec<AccessRule>,
    /// How many of the step's rules look at something that is not known of the device.
    pub not_compared: usize,
    detail: String,
}

impl Step {
    /// What happened here, in a sentence or two.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

/// What a step finds, reached or not.
pub(super) struct Finding {
    kind: StepKind,
    pub(super) decides: Option<Decision>,
    is_known: bool,
    matching: Vec<AccessRule>,
    not_compared: usize,
    detail: String,
}

impl Finding {
    fn new(kind: StepKind, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let matching = Vec::new();
        Self { kind, decides: None, is_known: true, matching, not_compared: 0, detail }
    }

    fn deciding(self, state: AccessState, reason: Option<AccessReason>) -> Self {
        Self { decides: Some(Decision { state, reason, rule: None }), ..self }
    }

    fn unknown(self) -> Self {
        Self { is_known: false, ..self }
    }

    /// The step, seen from the one that decides, and the decision if it is that one.
    pub(super) fn settle(self, place: Ordering) -> (Step, Option<Decision>) {
        let outcome = match place {
            Ordering::Greater => Outcome::NotReached,
            Ordering::Equal if self.decides.is_some() => Outcome::Decided,
            _ if self.is_known => Outcome::Passed,
            _ => Outcome::NotKnown,
        };
        let is_reached = outcome != Outcome::NotReached;
        let detail = match self.matching.first() {
            _ if is_reached => self.detail,
            None => "Not reached.".to_owned(),
            Some(rule) => {
                let would = format!("would {}", rule.level);
                format!("Not reached: {} {would} it.", named(&self.matching))
            }
        };
        let Self { kind, matching, not_compared, .. } = self;
        let would_decide = self.decides.as_ref().map(|decision| decision.state);
        let decision = self.decides.filter(|_| is_reached);
        (Step { kind, outcome, would_decide, matching, not_compared, detail }, decision)
    }
}

/// What each step finds, in Exchange's order.
pub(super) fn findings(
    device: &Described<'_>,
    standing: &Standing<'_>,
    known: &Known<'_>,
) -> Vec<Finding> {
    vec![
        Finding::new(
            StepKind::SignIn,
            "Taken as done: Exchange looks at a device only after its owner signed in.",
        ),
        active_sync(standing),
        mailbox_policy(standing),
        personal_block(standing),
        personal_allow(standing),
        rules(StepKind::BlockRules, AccessLevel::Block, device, known),
        rules(StepKind::QuarantineRules, AccessLevel::Quarantine, device, known),
        rules(StepKind::AllowRules, AccessLevel::Allow, device, known),
        default_level(known),
    ]
}

fn active_sync(standing: &Standing<'_>) -> Finding {
    let kind = StepKind::ActiveSync;
    match standing.active_sync_enabled {
        Some(true) => Finding::new(kind, "ActiveSync is on for the mailbox."),
        Some(false) => {
            Finding::new(kind, "ActiveSync is off for the mailbox, so no device of it gets in.")
                .deciding(AccessState::Blocked, None)
        }
        None => {
            Finding::new(kind, "Not known whether ActiveSync is on for the mailbox; taken as on.")
                .unknown()
        }
    }
}

fn mailbox_policy(standing: &Standing<'_>) -> Finding {
    let kind = StepKind::MailboxPolicy;
    let policy = standing
        .policy
        .map_or_else(|| "The mailbox policy".to_owned(), |name| format!("The policy \"{name}\""));
    match (standing.lets_unable_in, standing.satisfies_policy) {
        (_, Some(true)) => Finding::new(kind, format!("{policy} is applied in full.")),
        (Some(true), _) => {
            let detail = format!("{policy} lets clients in that cannot enforce it.");
            Finding::new(kind, detail)
        }
        (Some(false), Some(false)) => {
            let detail = format!(
                "{policy} is not applied in full, and it lets no client in that cannot enforce it."
            );
            Finding::new(kind, detail).deciding(AccessState::Blocked, Some(AccessReason::Policy))
        }
        (Some(false), None) => {
            let detail = format!(
                "{policy} lets no client in that cannot enforce it; not known whether this one \
                 has applied it. Taken as applied."
            );
            Finding::new(kind, detail).unknown()
        }
        (None, _) => {
            let detail =
                format!("{policy} was not read, so what it asks is not known. Taken as satisfied.");
            Finding::new(kind, detail).unknown()
        }
    }
}

fn personal_block(standing: &Standing<'_>) -> Finding {
    let kind = StepKind::PersonalBlock;
    match standing.in_blocked_list {
        Some(true) => Finding::new(kind, "The blocked list of the mailbox names it.")
            .deciding(AccessState::Blocked, Some(AccessReason::Individual)),
        Some(false) => Finding::new(kind, "The blocked list of the mailbox does not name it."),
        None => {
            let detail = "The blocked list of the mailbox was not read. Taken as not naming it.";
            Finding::new(kind, detail).unknown()
        }
    }
}

fn personal_allow(standing: &Standing<'_>) -> Finding {
    let kind = StepKind::PersonalAllow;
    match standing.in_allowed_list {
        Some(true) => Finding::new(kind, "The allowed list of the mailbox names it.")
            .deciding(AccessState::Allowed, Some(AccessReason::Individual)),
        Some(false) => Finding::new(kind, "The allowed list of the mailbox does not name it."),
        None => {
            let detail = "The allowed list of the mailbox was not read. Taken as not naming it.";
            Finding::new(kind, detail).unknown()
        }
    }
}

fn rules(kind: StepKind, level: AccessLevel, device: &Described<'_>, known: &Known<'_>) -> Finding {
    let of_level = || known.rules.iter().filter(|rule| rule.level == level);
    let mut matching: Vec<AccessRule> =
        of_level().filter(|rule| rule.matches(device)).cloned().collect();
    matching.sort();
    let not_compared = |about: fn(Characteristic) -> bool| {
        let is_missing = |rule: &&AccessRule| device.value(rule.characteristic).is_none();
        of_level().filter(is_missing).filter(|rule| about(rule.characteristic)).count()
    };
    // Nobody but the device knows the header, and only Windows clients send it: that it is missing
    // makes no decision doubtful.
    let header = not_compared(|about| about == Characteristic::WindowsLiveHeader);
    let open = match device.missing {
        Missing::NotReported => 0,
        Missing::NotSaid => not_compared(|about| about != Characteristic::WindowsLiveHeader),
    };
    let mut detail = match matching.len() {
        0 => format!("No {level} rule names it."),
        1 => format!("{} {level}s it.", sentence_case(&named(&matching))),
        _ => format!("{} {level} it.", sentence_case(&named(&matching))),
    };
    if open > 0 {
        detail.push_str(&format!(" Not said of it: what {} of them compare.", open));
    }
    if header > 0 {
        detail.push_str(&format!(" Not known of it: the header that {header} of them compare."));
    }
    let finding = Finding { not_compared: open + header, ..Finding::new(kind, detail) };
    match matching.first().cloned() {
        None if open > 0 => finding.unknown(),
        None => finding,
        Some(rule) => {
            let decision = Decision {
                state: level.state(),
                reason: Some(AccessReason::Rule),
                rule: Some(rule),
            };
            Finding { matching, decides: Some(decision), ..finding }
        }
    }
}

fn default_level(known: &Known<'_>) -> Finding {
    let kind = StepKind::DefaultLevel;
    let Some(level) = known.default_level else {
        let detail = "No rule and no exemption names it, and the default level is not known.";
        return Finding::new(kind, detail).unknown();
    };
    let detail = format!("No rule and no exemption names it, and the default level is {level}.");
    Finding::new(kind, detail).deciding(level.state(), Some(AccessReason::Global))
}

/// Most rules a sentence names: more are counted.
const MOST_NAMED: usize = 3;

/// `the rule "a" (model)`, `the rules "a" (model) and "b" (type)`, `… and 7 more`.
pub(in crate::access) fn named(rules: &[AccessRule]) -> String {
    let names: Vec<String> = rules.iter().take(MOST_NAMED).map(AccessRule::to_string).collect();
    let more = rules.len().saturating_sub(MOST_NAMED);
    match names.as_slice() {
        [] => "no rule".to_owned(),
        [one] => format!("the rule {one}"),
        names if more > 0 => format!("the rules {} and {more} more", names.join(", ")),
        [first @ .., last] => format!("the rules {} and {last}", first.join(", ")),
    }
}

fn sentence_case(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
