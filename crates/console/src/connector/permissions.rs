//! What the account may do: the last check of a connector, as a matrix.

use engine::{CheckReport, CheckResult, FeatureCheck, FeatureState};

use crate::words;

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
    pub(super) consequence: String,
}

impl Report {
    pub(super) fn new(report: &CheckReport) -> Self {
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
            when: report.at.strftime("%Y-%m-%d at %H:%M UTC").to_string(),
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
        Self {
            name: words::sentence_start(&check.feature.word().replace('-', " ")),
            purpose: words::sentence(check.feature.purpose()),
            state: check.state.word(),
            tone,
            missing: check.missing.join(", "),
            consequence: check.consequence.clone(),
        }
    }
}
