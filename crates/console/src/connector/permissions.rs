//! What the account may do: the last check of each connector, as a matrix.
//!
//! A check says how things stood when somebody asked; it is kept in memory only, since asking again
//! is cheap and an old answer is worse than none.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use domain::{ConnectorId, Timestamp};
use engine::{CheckReport, CheckResult, FeatureCheck, FeatureState};

use crate::words;

/// Last checks kept; an installation with more connectors asks anew.
const MOST_CHECKS: usize = 256;

/// The last check of each connector.
#[derive(Default)]
pub(crate) struct Checks(Mutex<HashMap<ConnectorId, (Timestamp, CheckReport)>>);

impl Checks {
    pub(super) fn keep(&self, connector: ConnectorId, at: Timestamp, report: CheckReport) {
        let mut checks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if checks.len() >= MOST_CHECKS && !checks.contains_key(&connector) {
            let oldest = checks.iter().min_by_key(|(_, (at, _))| *at).map(|(id, _)| *id);
            oldest.map(|id| checks.remove(&id));
        }
        checks.insert(connector, (at, report));
    }

    fn last(&self, connector: ConnectorId) -> Option<(Timestamp, CheckReport)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&connector).cloned()
    }

    /// What was found before a change says nothing any more.
    pub(crate) fn forget(&self, connector: ConnectorId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&connector);
    }

    pub(super) fn shown(&self, connector: ConnectorId) -> Option<Report> {
        self.last(connector).map(|(at, report)| Report::new(&report, at))
    }
}

/// A check, ready to print.
pub(super) struct Report {
    /// Exact: this part of the page does not live, so "just now" would soon be wrong.
    pub(super) when: String,
    pub(super) verdict: &'static str,
    pub(super) tone: &'static str,
    /// Steps that did not go well.
    pub(super) steps: Vec<Step>,
    /// The others.
    pub(super) fine: Vec<Step>,
    /// Features that do not work, or of which nobody knows.
    pub(super) features: Vec<Row>,
    /// The others.
    pub(super) working: Vec<Row>,
    /// Everything that grants what is missing, in order; empty if nothing is.
    pub(super) grants: String,
}

pub(super) struct Step {
    pub(super) name: String,
    pub(super) result: &'static str,
    pub(super) tone: &'static str,
    pub(super) detail: String,
}

pub(super) struct Row {
    pub(super) name: String,
    pub(super) purpose: String,
    pub(super) state: &'static str,
    pub(super) tone: &'static str,
    pub(super) missing: String,
    pub(super) consequence: &'static str,
}

impl Report {
    fn new(report: &CheckReport, at: Timestamp) -> Self {
        let (verdict, tone) = match (report.is_ready, report.is_read_only) {
            (false, _) => ("A sync cannot work yet. What is wrong stands below.", "blocked"),
            (true, true) => (
                "A sync works. The account may only read, so nothing can be changed in Exchange.",
                "allowed",
            ),
            (true, false) => ("A sync works.", "allowed"),
        };
        let steps = report.steps.iter();
        let (fine, steps): (Vec<_>, Vec<_>) =
            steps.partition(|step| step.result == CheckResult::Fine);
        let features = report.features.iter();
        let (working, features): (Vec<_>, Vec<_>) =
            features.partition(|feature| feature.state == FeatureState::Works);
        let mut grants: Vec<&str> = Vec::new();
        for command in report.features.iter().flat_map(|feature| &feature.grant) {
            if !grants.contains(&command.as_str()) {
                grants.push(command);
            }
        }
        Self {
            when: at.strftime("%Y-%m-%d at %H:%M UTC").to_string(),
            verdict,
            tone,
            steps: steps.into_iter().map(Step::new).collect(),
            fine: fine.into_iter().map(Step::new).collect(),
            features: features.into_iter().map(Row::new).collect(),
            working: working.into_iter().map(Row::new).collect(),
            grants: grants.join("\n"),
        }
    }
}

impl Step {
    fn new(step: &engine::CheckStep) -> Self {
        let (result, tone) = match step.result {
            CheckResult::Fine => ("fine", "allowed"),
            CheckResult::Missing => ("missing", "quarantined"),
            CheckResult::Failed => ("failed", "blocked"),
        };
        let detail = step.detail.as_deref().map(words::visible).unwrap_or_default();
        Self {
            name: words::sentence_start(&words::visible(&step.name)),
            result,
            tone,
            detail: words::sentence(&detail),
        }
    }
}

impl Row {
    fn new(check: &FeatureCheck) -> Self {
        let tone = match check.state {
            FeatureState::Works => "allowed",
            FeatureState::Degraded => "quarantined",
            FeatureState::Missing => "blocked",
            FeatureState::Unknown => "unknown",
        };
        let missing: Vec<String> = check.missing.iter().map(ToString::to_string).collect();
        Self {
            name: words::sentence_start(&check.feature.word().replace('-', " ")),
            purpose: words::sentence(check.feature.purpose()),
            state: check.state.word(),
            tone,
            missing: missing.join(", "),
            consequence: check.consequence,
        }
    }
}
