//! How Exchange came to its decision about the device, as far as it is known here.

use domain::access::{Agreement, Explanation as Decision, decision::Outcome};
use engine::Explained;

use crate::words;

/// Everything that is shown of an explanation. Names in it were made visible.
pub(super) struct Explanation {
    /// The decision, why, and what to do about it.
    pub(super) sentence: String,
    pub(super) steps: Vec<Step>,
    pub(super) mismatch: Option<Mismatch>,
    pub(super) remedies: Vec<Remedy>,
    pub(super) caveats: Vec<String>,
    /// To the second: a time that reads anew each minute would fold the part up under the reader.
    pub(super) as_of: Option<String>,
}

pub(super) struct Step {
    pub(super) title: &'static str,
    pub(super) outcome: &'static str,
    pub(super) detail: String,
    pub(super) decides: bool,
}

/// Exchange reports something else than its rules say.
pub(super) struct Mismatch {
    /// What they say.
    pub(super) by_rules: String,
    pub(super) causes: Vec<&'static str>,
}

pub(super) struct Remedy {
    pub(super) sentence: String,
    pub(super) reach: String,
}

impl Explanation {
    pub(super) fn of(explained: &Explained) -> Self {
        let owner = explained.owner.as_deref();
        let remedies = explained.remedies.iter().map(|remedy| Remedy {
            sentence: words::visible(&remedy.sentence(owner)),
            reach: remedy.reach.to_string(),
        });
        Self {
            sentence: words::visible(&explained.sentence()),
            steps: explained.explanation.as_ref().map(steps).unwrap_or_default(),
            mismatch: mismatch(explained),
            remedies: remedies.collect(),
            caveats: explained.caveats.iter().map(|caveat| words::visible(caveat)).collect(),
            as_of: explained.rules_as_of.map(words::exact),
        }
    }
}

fn mismatch(explained: &Explained) -> Option<Mismatch> {
    let Agreement::Differs { causes } = &explained.agreement else { return None };
    let decision = explained.explanation.as_ref()?;
    Some(Mismatch {
        by_rules: words::visible(&decision.sentence(explained.owner.as_deref())),
        causes: causes.iter().map(|cause| cause.sentence()).collect(),
    })
}

fn steps(decision: &Decision) -> Vec<Step> {
    let steps = decision.steps.iter().enumerate();
    let step = steps.map(|(at, step)| Step {
        title: step.kind.title(),
        outcome: match step.outcome {
            Outcome::Passed => "passed",
            Outcome::Decided => "decides",
            Outcome::NotKnown => "not known",
            Outcome::NotReached => "not reached",
        },
        detail: words::visible(step.detail()),
        decides: at == decision.deciding,
    });
    step.collect()
}
