//! What is done for a connector now, and what was done last.

use domain::{Connector, Timestamp};
use store::{Job, JobState};

use crate::words;

pub(super) struct Work {
    pub(super) text: String,
    pub(super) running: bool,
    pub(super) share: Option<u64>,
}

pub(super) fn is_running(job: &Job) -> bool {
    matches!(job.state, JobState::Waiting | JobState::Running)
}

/// `Full sync`
fn title(job: &Job) -> String {
    match job.kind.as_str() {
        "install" => "First connection".to_owned(),
        kind => words::sentence_start(kind),
    }
}

/// `full sync`
fn name(job: &Job) -> &str {
    if job.kind == "install" { "attempt to connect" } else { &job.kind }
}

impl Work {
    /// `trouble` is said elsewhere on the page already.
    pub(super) fn new(job: &Job, trouble: Option<&str>, now: Timestamp) -> Self {
        let progress = &job.progress;
        let expected = progress.expected.filter(|expected| *expected > 0);
        let outcome = job.outcome.as_deref().filter(|outcome| Some(*outcome) != trouble);
        let outcome = outcome.map(words::visible).unwrap_or_default();
        let outcome = words::sentence(&outcome);
        let when = job.finished.map(|at| words::relative(at, now)).unwrap_or_default();
        let text = match job.state {
            JobState::Waiting => format!("The {} waits for its turn.", name(job)),
            JobState::Running => {
                let step = progress.step.as_deref().unwrap_or("connecting");
                match expected {
                    Some(expected) => format!(
                        "{}: {step}, {} of {}.",
                        title(job),
                        words::number(progress.done),
                        words::number(expected)
                    ),
                    None if progress.done > 0 => {
                        format!("{}: {step}, {}.", title(job), words::number(progress.done))
                    }
                    None => format!("{}: {step}.", title(job)),
                }
            }
            JobState::Done => format!("The last {} ended well {when}. {outcome}", name(job)),
            JobState::Failed => format!("The last {} failed {when}. {outcome}", name(job)),
        };
        let share = expected.map(|expected| (progress.done * 100 / expected).min(100));
        Self { text, running: is_running(job), share }
    }
}

/// One of the steps from a new connector to its first inventory.
pub(super) struct FirstStep {
    pub(super) text: &'static str,
    pub(super) state: &'static str,
    pub(super) mark: &'static str,
}

/// How far a connector has come that was never read; `None` once it was.
pub(super) fn first_steps(connector: &Connector, is_running: bool) -> Option<Vec<FirstStep>> {
    if connector.last_full_sync.is_some() {
        return None;
    }
    let is_connected = connector.organization.is_some();
    let states = match (is_connected, is_running) {
        (false, _) => ["done", "now", "later"],
        (true, false) if connector.trouble.is_none() => ["done", "done", "later"],
        (true, _) => ["done", "done", "now"],
    };
    let texts = ["Added", "Connected to the organization", "First full sync"];
    let step = |(text, state): (&'static str, &'static str)| FirstStep {
        text,
        state,
        mark: match state {
            "done" => "✓",
            "now" => "●",
            _ => "○",
        },
    };
    Some(texts.into_iter().zip(states).map(step).collect())
}
