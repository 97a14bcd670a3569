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

    pub(super) fn shown(&self, connector: ConnectorId, now: Timestamp) -> Option<Report> {
        self.last(connector).map(|(at, report)| Report::new(&report, at, now))
    }
}

/// A check, ready to print.
pub(super) struct Report {
    /// HTML.
    pub(super) when: String,
    pub(super) verdict: &'static str,
    pub(super) tone: &'static str,
    /// Steps that say more than that they went well.
    pub(super) steps: Vec<Step>,
    /// The others, in one line.
    pub(super) fine: String,
    pub(super) features: Vec<Row>,
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
    fn new(report: &CheckReport, at: Timestamp, now: Timestamp) -> Self {
        let (verdict, tone) = match (report.is_ready, report.is_read_only) {
            (false, _) => ("A sync cannot work yet. What is wrong stands below.", "blocked"),
            (true, true) => (
                "A sync works. The account may only read, so nothing can be changed in Exchange.",
                "allowed",
            ),
            (true, false) => ("A sync works.", "allowed"),
        };
        let is_quiet =
            |step: &&engine::CheckStep| step.result == CheckResult::Fine && step.detail.is_none();
        let fine: Vec<String> =
            report.steps.iter().filter(is_quiet).map(|step| words::visible(&step.name)).collect();
        let steps = report.steps.iter().filter(|step| !is_quiet(step)).map(Step::new);
        let mut grants: Vec<&str> = Vec::new();
        for command in report.features.iter().flat_map(|feature| &feature.grant) {
            if !grants.contains(&command.as_str()) {
                grants.push(command);
            }
        }
        Self {
            when: words::time(Some(at), now, ""),
            verdict,
            tone,
            steps: steps.collect(),
            fine: fine.join(" · "),
            features: report.features.iter().map(Row::new).collect(),
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
        let falls_away = check.state != FeatureState::Works;
        Self {
            name: words::sentence_start(&check.feature.word().replace('-', " ")),
            purpose: words::sentence(check.feature.purpose()),
            state: check.state.word(),
            tone,
            missing: missing.join(", "),
            consequence: if falls_away { check.consequence } else { "" },
        }
    }
}
