//! A plan as JSON.

use domain::wish::{Change, Thing, Value};
use engine::PlannedWish;
use serde::{Deserialize, Serialize};

use super::catalogue;
use crate::device::rfc3339;

/// A plan, as a list has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PlanSummary {
    /// Its id.
    pub id: String,
    /// Of which connector.
    pub connector: String,
    /// Where the wish comes from: `file`, `console`, `kept` (the wish that holds) or `rollback`.
    pub origin: String,
    /// `reading` (Exchange is being read), `ready`, `refused` (it cannot be applied), `applying`,
    /// `applied`, or `failed` (it was not carried out to its end, and can be gone on with).
    pub state: String,
    /// When it was made.
    pub made: String,
    /// Who asked for what it does now.
    pub by: String,
    /// When it last moved on.
    pub changed: String,
    /// Why it stands as it does.
    pub note: Option<String>,
}

/// Plans of a connector, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PlanList {
    /// The plans.
    pub plans: Vec<PlanSummary>,
}

/// A plan with everything that is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Plan {
    /// The fields of the list.
    #[serde(flatten)]
    pub summary: PlanSummary,
    /// Why it cannot be applied.
    pub problems: Vec<WishProblem>,
    /// What is worth knowing and no obstacle.
    pub notes: Vec<String>,
    /// What is not as it shall be: deletions first.
    pub changes: Vec<PlanChange>,
    /// The writes that it takes: cmdlet and what it is about.
    pub writes: Vec<String>,
    /// The writes that were sent.
    pub steps: Vec<PlanStep>,
    /// Whom it hits, as far as the inventory knows; null where it changes nothing about access.
    pub hits: Option<PlanHits>,
    /// How many devices may change their state without somebody accepting it.
    pub limit_of_flips: u64,
}

/// Whom a plan hits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PlanHits {
    /// How many devices change because of the plan: what the limit counts.
    pub devices: u64,
    /// How many change from what to what because of the plan.
    pub flips: Vec<Flip>,
    /// How many change although the plan changes nothing for them: Exchange has not decided anew yet.
    pub settling: Vec<Flip>,
    /// The largest groups of devices that change, the largest first.
    pub groups: Vec<HitGroup>,
    /// Rules that name no device.
    pub dead: Vec<String>,
    /// Rules whose every device is decided by a stronger one.
    pub shadowed: Vec<String>,
}

/// Devices that change from one state to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Flip {
    /// What they are, as `access_state` of a device.
    pub from: String,
    /// What they would be.
    pub to: String,
    /// How many devices.
    pub devices: u64,
    /// Of how many people at most: somebody with devices of two kinds is counted twice.
    pub people_at_most: u64,
}

/// Devices that are alike and change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HitGroup {
    /// Type, model, operating system and user agent, as far as they are known.
    pub what: String,
    /// What would decide.
    pub by: String,
    /// What they are, what they would be, and how many.
    #[serde(flatten)]
    pub flip: Flip,
}

/// Something that is wrong with a wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WishProblem {
    /// Line of the file, from 1; null where it is about no line.
    pub line: Option<usize>,
    /// What is wrong and what to do.
    pub what: String,
}

/// One thing that is not as it shall be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PlanChange {
    /// What kind of thing: `policy`, `setting`, `assignment`, `default_level`, `administrators`,
    /// `text_for_users`, `rule` or `exemption`.
    pub thing: String,
    /// What people call it.
    pub name: String,
    /// What it is; null where it is not there.
    pub before: Option<serde_json::Value>,
    /// What it shall be; null where it goes.
    pub after: Option<serde_json::Value>,
    /// Whether it is there and goes.
    pub is_deletion: bool,
}

/// A write that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PlanStep {
    /// In the order they were sent, from 0.
    pub position: u32,
    /// `sending` (or nobody heard the end of it), `done` or `failed`.
    pub state: String,
    /// The cmdlet.
    pub cmdlet: String,
    /// What it is about.
    pub what: String,
    /// What Exchange said.
    pub note: Option<String>,
}

impl PlanSummary {
    pub(crate) fn of(plan: store::Plan, connector: &str) -> Self {
        Self {
            id: plan.id.to_string(),
            connector: connector.to_owned(),
            origin: plan.origin.word().to_owned(),
            state: plan.state.word().to_owned(),
            made: rfc3339(plan.made),
            by: plan.person_name,
            changed: rfc3339(plan.changed),
            note: plan.note,
        }
    }
}

impl Plan {
    pub(crate) fn of(planned: PlannedWish, connector: &str) -> Self {
        let PlannedWish { plan, found, steps } = planned;
        Self {
            summary: PlanSummary::of(plan, connector),
            problems: found.problems.into_iter().map(WishProblem::of).collect(),
            notes: found.notes,
            changes: found.changes.iter().map(PlanChange::of).collect(),
            writes: found.writes,
            steps: steps.into_iter().map(PlanStep::of).collect(),
            hits: found.hits.map(PlanHits::of),
            limit_of_flips: found.limit_of_flips,
        }
    }
}

impl PlanHits {
    fn of(hits: engine::Hits) -> Self {
        let groups = hits.groups.iter().map(|group| HitGroup {
            what: group.what.clone(),
            by: group.by.clone(),
            flip: Flip::of(&group.flip),
        });
        Self {
            devices: hits.devices(),
            flips: hits.flips.iter().map(Flip::of).collect(),
            settling: hits.settling.iter().map(Flip::of).collect(),
            groups: groups.collect(),
            dead: hits.dead,
            shadowed: hits.shadowed,
        }
    }
}

impl Flip {
    fn of(flip: &engine::Flip) -> Self {
        Self {
            from: flip.from.word().to_owned(),
            to: flip.to.word().to_owned(),
            devices: flip.devices,
            people_at_most: flip.people_at_most,
        }
    }
}

impl WishProblem {
    pub(crate) fn of(problem: engine::FileProblem) -> Self {
        Self { line: problem.line, what: problem.what }
    }
}

impl PlanChange {
    fn of(change: &Change) -> Self {
        Self {
            thing: thing(&change.thing).to_owned(),
            name: engine::name_of(&change.thing),
            before: change.before.as_ref().map(value),
            after: change.after.as_ref().map(value),
            is_deletion: change.after.is_none(),
        }
    }
}

impl PlanStep {
    fn of(step: store::PlanStep) -> Self {
        let text = |name: &str| step.document[name].as_str().unwrap_or_default().to_owned();
        Self {
            position: step.position,
            state: step.state.word().to_owned(),
            cmdlet: text("cmdlet"),
            what: text("what"),
            note: step.note,
        }
    }
}

/// What kind of thing, in a word.
pub(crate) const fn thing(thing: &Thing) -> &'static str {
    match thing {
        Thing::Policy(_) => "policy",
        Thing::Setting(..) => "setting",
        Thing::Assignment(_) => "assignment",
        Thing::DefaultLevel => "default_level",
        Thing::Administrators => "administrators",
        Thing::TextForUsers => "text_for_users",
        Thing::Rule(..) => "rule",
        Thing::Exemption(..) => "exemption",
    }
}

/// A value as a file has it.
pub(crate) fn value(value: &Value) -> serde_json::Value {
    match value {
        Value::Setting(value) => catalogue::value(value),
        Value::Texts(texts) => serde_json::Value::from(texts.clone()),
        other => serde_json::Value::String(other.to_string()),
    }
}
