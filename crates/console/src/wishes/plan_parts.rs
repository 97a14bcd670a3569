//! The parts of a plan, ready to print. Pure.

use domain::{
    Timestamp,
    wish::{Change, Origin, PlanState, Thing},
};
use engine::{Flip, Hits, PlannedWish};
use store::{Plan, PlanStep, StepState};

use super::values;
use crate::words;

/// Changes that are listed; more are counted.
const LISTED: usize = 500;

/// One thing that would change.
pub(super) struct ChangeRow {
    pub(super) is_removal: bool,
    pub(super) verb: &'static str,
    pub(super) thing: String,
    pub(super) before: String,
    pub(super) after: String,
}

/// Whom a plan hits.
pub(super) struct HitsView {
    pub(super) sentence: String,
    pub(super) flips: Vec<FlipRow>,
    pub(super) settling: Vec<FlipRow>,
    pub(super) groups: Vec<GroupRow>,
    pub(super) dead: Vec<String>,
    pub(super) shadowed: Vec<String>,
}

pub(super) struct FlipRow {
    pub(super) from: &'static str,
    pub(super) from_tone: &'static str,
    pub(super) to: &'static str,
    pub(super) to_tone: &'static str,
    pub(super) devices: String,
    pub(super) people: String,
}

pub(super) struct GroupRow {
    pub(super) what: String,
    pub(super) by: String,
    pub(super) flip: FlipRow,
}

/// A write that was sent.
pub(super) struct StepRow {
    pub(super) state: &'static str,
    pub(super) tone: &'static str,
    pub(super) what: String,
    pub(super) note: String,
}

/// Where a plan stands, in words, and its colour class.
pub(super) const fn standing(state: PlanState) -> (&'static str, &'static str) {
    match state {
        PlanState::Reading => ("reading Exchange", "discovery"),
        PlanState::Ready => ("not applied", "quarantined"),
        PlanState::Refused => ("cannot be applied", "blocked"),
        PlanState::Applying => ("being applied", "discovery"),
        PlanState::Applied => ("applied", "allowed"),
        PlanState::Failed => ("not finished", "blocked"),
    }
}

/// What a plan is for.
pub(super) fn title(plan: &Plan) -> String {
    match plan.origin {
        Origin::File => "The wish of a file",
        Origin::Console => "A change on the console",
        Origin::Kept if plan.document["only"] == "patterns" => "Rules for values that appeared",
        Origin::Kept if plan.document["only"] == "settings" => "Put settings right by itself",
        Origin::Kept => "Make it as written again",
        Origin::Rollback if plan.document["back_to"].is_string() => "Take a plan back",
        Origin::Rollback => "Take everything back",
    }
    .to_owned()
}

/// What would change, removals first, and how many are not listed.
pub(super) fn changes(all: &[Change]) -> (Vec<ChangeRow>, Option<String>) {
    let more = all.len().saturating_sub(LISTED) as u64;
    let mut rows: Vec<ChangeRow> = all.iter().take(LISTED).map(ChangeRow::new).collect();
    rows.sort_by_key(|row| !row.is_removal);
    (rows, (more > 0).then(|| format!("And {} more.", words::number(more))))
}

impl ChangeRow {
    fn new(change: &Change) -> Self {
        let leaves =
            matches!(change.thing, Thing::Policy(_) | Thing::Rule(..) | Thing::Exemption(..));
        let is_removal = leaves && change.after.is_none();
        let verb = match (is_removal, &change.before) {
            (true, _) => "REMOVE",
            (false, None) => "add",
            (false, Some(_)) => "change",
        };
        let value = |value| values::of_value(&change.thing, value);
        Self {
            is_removal,
            verb,
            thing: values::of_thing(&change.thing),
            before: value(change.before.as_ref()),
            after: value(change.after.as_ref()),
        }
    }
}

impl FlipRow {
    fn new(flip: &Flip) -> Self {
        Self {
            from: flip.from.word(),
            from_tone: flip.from.word(),
            to: flip.to.word(),
            to_tone: flip.to.word(),
            devices: words::number(flip.devices),
            people: words::number(flip.people_at_most),
        }
    }
}

impl HitsView {
    pub(super) fn new(hits: &Hits) -> Self {
        let devices = hits.devices();
        let sentence = match devices {
            0 => "No device changes its state because of this plan.".to_owned(),
            1 => "1 device changes its state.".to_owned(),
            _ => format!("{} change their state.", words::counted(devices, "device")),
        };
        let visible = |texts: &[String]| texts.iter().map(|text| words::visible(text)).collect();
        Self {
            sentence,
            flips: hits.flips.iter().map(FlipRow::new).collect(),
            settling: hits.settling.iter().map(FlipRow::new).collect(),
            groups: hits
                .groups
                .iter()
                .map(|group| GroupRow {
                    what: words::visible(&group.what),
                    by: words::visible(&group.by),
                    flip: FlipRow::new(&group.flip),
                })
                .collect(),
            dead: visible(&hits.dead),
            shadowed: visible(&hits.shadowed),
        }
    }
}

impl StepRow {
    pub(super) fn new(step: &PlanStep) -> Self {
        let text = |name: &str| step.document[name].as_str().unwrap_or_default();
        let (state, tone) = match step.state {
            StepState::Sending => ("on its way", "discovery"),
            StepState::Done => ("done", "allowed"),
            StepState::Failed => ("refused", "blocked"),
        };
        Self {
            state,
            tone,
            what: words::visible(&format!("{} {}", text("cmdlet"), text("what"))),
            note: step.note.as_deref().map(words::visible).unwrap_or_default(),
        }
    }
}

/// Where the plan stands and what that means, in a sentence.
pub(super) fn summary(planned: &PlannedWish, now: Timestamp) -> String {
    let plan = &planned.plan;
    let who = words::visible(&plan.person_name);
    let when = words::relative(plan.changed, now);
    let changes = words::counted(planned.found.changes.len() as u64, "change");
    let writes = words::counted(planned.found.writes.len() as u64, "write");
    let done = planned.steps.iter().filter(|step| step.state == StepState::Done).count() as u64;
    match plan.state {
        PlanState::Reading => "Exchange is being read. Nothing is sent.".to_owned(),
        PlanState::Ready if planned.found.changes.is_empty() => {
            "Nothing would change in Exchange.".to_owned()
        }
        PlanState::Ready => {
            format!("{changes}, {writes} to Exchange. Nothing was sent yet.")
        }
        PlanState::Refused => "It cannot be applied. Nothing was sent.".to_owned(),
        PlanState::Applying => {
            format!("{who} has it applied: {} of {writes} done.", words::number(done))
        }
        PlanState::Applied => {
            format!("{who} had it applied {when}. Exchange was read back and is as planned.")
        }
        PlanState::Failed => format!(
            "It was not carried out to its end {when}: {} of {writes} done.",
            words::number(done)
        ),
    }
}
