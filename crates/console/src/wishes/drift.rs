//! What is not as it was written down, as the pages tell it, and the way to mend it.

use axum::{
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{ConnectorName, wish::Thing};
use engine::{Drift, Drifted, Engine, WishSource};

use super::{must_be_theirs, plan_and_show, values};
use crate::{problem::Problem, session::SignedIn, words};

/// Differences that are named; the others are counted.
const NAMED: usize = 5;

/// What stands over a page while something is not as it was written down.
pub(crate) struct DriftNotice {
    pub(crate) name: String,
    pub(crate) title: String,
    /// One sentence for each difference.
    pub(crate) items: Vec<String>,
    pub(crate) more: Option<String>,
    /// HTML: when Exchange was compared.
    pub(crate) checked: String,
    /// Whether there is something to mend, and the caller may.
    pub(crate) may_mend: bool,
    pub(crate) may_check: bool,
}

impl DriftNotice {
    /// `None` while everything is as written, as far as is known.
    pub(crate) async fn read(
        engine: &Engine,
        signed_in: &SignedIn,
        name: &ConnectorName,
        may_change: bool,
    ) -> Result<Option<Self>, Problem> {
        let drift = engine.drift(&signed_in.caller, name).await?;
        let Some(drift) = drift.filter(|drift| !is_none(drift)) else { return Ok(None) };
        let mut items: Vec<String> = drift.drifted.iter().take(NAMED).map(sentence).collect();
        for problem in drift.problems.iter().take(NAMED) {
            items.push(words::sentence(&words::visible(&problem.to_string())));
        }
        if let Some(trouble) = &drift.trouble {
            items.push(words::sentence(&format!(
                "Exchange could not be compared lately: {}",
                words::visible(trouble)
            )));
        }
        let more = drift.drifted.len().saturating_sub(NAMED) as u64;
        Ok(Some(Self {
            name: name.to_string(),
            title: title(&drift),
            items,
            more: (more > 0).then(|| format!("And {} more.", words::number(more))),
            checked: words::time(Some(drift.checked), engine.now(), ""),
            may_mend: may_change && !drift.drifted.is_empty(),
            may_check: may_change,
        }))
    }
}

fn is_none(drift: &Drift) -> bool {
    drift.drifted.is_empty() && drift.problems.is_empty() && drift.trouble.is_none()
}

/// `3 settings and 1 rule are not as written.`
fn title(drift: &Drift) -> String {
    let count = |is: fn(&Thing) -> bool| {
        drift.drifted.iter().filter(|one| is(&one.change.thing)).count() as u64
    };
    let settings = count(|thing| matches!(thing, Thing::Setting(..)));
    let rules = count(|thing| matches!(thing, Thing::Rule(..)));
    let others = drift.drifted.len() as u64 - settings - rules;
    let kinds = [(settings, "setting"), (rules, "rule"), (others, "other thing")];
    let said: Vec<String> = kinds
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| words::counted(count, what))
        .collect();
    match (drift.drifted.len(), drift.problems.is_empty()) {
        (0, false) => "The wish does not fit this Exchange any more.".to_owned(),
        (0, true) => "Whether Exchange is as written is not known.".to_owned(),
        (1, _) => format!("{} is not as written.", said.join("")),
        _ => format!("{} are not as written.", said.join(", ")),
    }
}

/// One difference: what is, what shall be, who made it so.
fn sentence(one: &Drifted) -> String {
    let thing = &one.change.thing;
    let value = |value| values::of_value(thing, value);
    let who = match (&one.writer, one.written) {
        (Some(who), Some(at)) => {
            format!("{} changed it at {}", words::visible(who), at.strftime("%Y-%m-%d %H:%M UTC"))
        }
        _ => "Exchange does not say who changed it".to_owned(),
    };
    words::sentence(&format!(
        "{} is {} and shall be {}; {who}",
        values::of_thing(thing),
        value(one.change.before.as_ref()),
        value(one.change.after.as_ref()),
    ))
}

/// `POST /connectors/{name}/drift/check`: compares now.
pub(super) async fn check(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let name = must_be_theirs(&engine, &signed_in, &name).await?;
    engine.check_drift(&signed_in.caller, &name).await?;
    Ok(Redirect::to(&format!("/connectors/{name}/settings?compared")).into_response())
}

/// `POST /connectors/{name}/drift/mend`: a plan that makes it as written again.
pub(super) async fn mend(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let name = must_be_theirs(&engine, &signed_in, &name).await?;
    Ok(plan_and_show(&engine, &signed_in, &name, WishSource::Kept(None)).await?)
}
