//! One plan: what would change, whom that hits, and what became of it.

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{
    ConnectorName, PlanId,
    wish::{Origin, PlanState},
};
use engine::{Engine, Error, Hits, PlannedWish, WishSource};

use super::{
    Asked, Sent, is_theirs, must_be_theirs, name_of, plan_and_show, plan_of,
    plan_parts::{self, ChangeRow, HitsView, StepRow},
    refusal,
};
use crate::{
    live::Live,
    page::{self, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};

#[derive(Template)]
#[template(path = "wishes/plan.html", blocks = ["plan"])]
struct PlanPage {
    shell: Shell,
    live: Live,
    name: String,
    id: String,
    title: String,
    summary: String,
    made: String,
    state: &'static str,
    tone: &'static str,
    problem: Option<String>,
    /// Why it stands as it does, where that is not well.
    note: Option<String>,
    problems: Vec<String>,
    changes: Vec<ChangeRow>,
    more: Option<String>,
    notes: Vec<String>,
    hits: Option<HitsView>,
    writes: Vec<String>,
    steps: Vec<StepRow>,
    /// Writes of a plan that was not finished and were not sent.
    left: Vec<String>,
    offer: Offer,
    /// Whether its wish can be changed further before it is applied.
    may_go_on: bool,
    is_reading: bool,
    is_applying: bool,
    is_empty: bool,
}

/// What can be done with the plan now.
enum Offer {
    Nothing,
    /// To apply it, or to go on with it. The number is to be typed where more devices change than
    /// the wish allows: `1,204` and `1204`.
    Apply {
        label: &'static str,
        typed: Option<(String, u64)>,
    },
    TakeBack,
}

/// `GET /connectors/{name}/plans/{id}`
pub(super) async fn page(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (name, planned) = found(&engine, &signed_in, &name, &id).await?;
    let page = PlanPage::new(&engine, &signed_in, &name, &planned).await?;
    Ok(page::whole(&page.living()?))
}

/// `GET /connectors/{name}/plans/{id}/live?seen=…`
pub(super) async fn live(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path((name, id)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let (name, planned) = found(&engine, &signed_in, &name, &id).await?;
    let page = PlanPage::new(&engine, &signed_in, &name, &planned).await?.living()?;
    Ok(page.live.answer(&asked.seen, &page.parts()?))
}

/// `POST /connectors/{name}/plans/{id}/apply`
pub(super) async fn apply(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path((name, id)): Path<(String, String)>,
    Form(sent): Form<Sent>,
) -> Result<Response, Problem> {
    let name = must_be_theirs(&engine, &signed_in, &name).await?;
    let planned = of_connector(&engine, &signed_in, &name, plan_of(&id)?).await?;
    let typed: String = sent.get("flips").map_or("", String::as_str).replace([',', ' '], "");
    let flips = planned.found.hits.as_ref().map_or(0, Hits::devices);
    let accepts = typed.parse().ok().filter(|typed| *typed == flips);
    let applied = if flips > planned.found.limit_of_flips && accepts.is_none() {
        Err(Error::Refused(format!(
            "nothing was sent: {} change their state, so type {flips} to accept that",
            words::counted(flips, "device")
        )))
    } else {
        engine.apply_plan(&signed_in.caller, planned.plan.id, accepts).await
    };
    let Err(error) = applied else {
        return Ok(Redirect::to(&format!("/connectors/{name}/plans/{id}")).into_response());
    };
    let (status, text) = refusal(error)?;
    shown(&engine, &signed_in, &name, planned.plan.id, (status, text)).await
}

/// `POST /connectors/{name}/plans/{id}/take-back`: a plan for how it was before this one.
pub(super) async fn take_back(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let name = must_be_theirs(&engine, &signed_in, &name).await?;
    let planned = of_connector(&engine, &signed_in, &name, plan_of(&id)?).await?;
    let source = WishSource::Rollback(Some(planned.plan.id));
    Ok(plan_and_show(&engine, &signed_in, &name, source).await?)
}

async fn found(
    engine: &Engine,
    signed_in: &SignedIn,
    name: &str,
    id: &str,
) -> Result<(ConnectorName, PlannedWish), Problem> {
    signed_in.read()?;
    let name = name_of(name)?;
    let planned = of_connector(engine, signed_in, &name, plan_of(id)?).await?;
    Ok((name, planned))
}

async fn of_connector(
    engine: &Engine,
    signed_in: &SignedIn,
    name: &ConnectorName,
    id: PlanId,
) -> Result<PlannedWish, Problem> {
    let connector = engine.store().connector(&signed_in.read()?, name).await?;
    let planned = engine.plan_of_wish(&signed_in.caller, id).await?;
    match planned.plan.connector == connector.id {
        true => Ok(planned),
        false => Err(Problem::not_found("plan")),
    }
}

/// The page with what was wrong on top.
async fn shown(
    engine: &Engine,
    signed_in: &SignedIn,
    name: &ConnectorName,
    id: PlanId,
    (status, problem): (StatusCode, String),
) -> Result<Response, Problem> {
    let planned = of_connector(engine, signed_in, name, id).await?;
    let page = PlanPage::new(engine, signed_in, name, &planned).await?;
    let page = PlanPage { problem: Some(problem), ..page }.living()?;
    Ok((status, page::whole(&page)).into_response())
}

impl PlanPage {
    async fn new(
        engine: &Engine,
        signed_in: &SignedIn,
        name: &ConnectorName,
        planned: &PlannedWish,
    ) -> Result<Self, Problem> {
        let may_change = is_theirs(engine, signed_in, name).await;
        let PlannedWish { plan, found, steps } = planned;
        let now = engine.now();
        let (state, tone) = plan_parts::standing(plan.state);
        let (changes, more) = plan_parts::changes(&found.changes);
        let problems = found.problems.iter();
        let is_sent = |write: &String| {
            let said = |step: &store::PlanStep| {
                let text = |name: &str| step.document[name].as_str().unwrap_or_default().to_owned();
                format!("{} {}", text("cmdlet"), text("what"))
            };
            steps.iter().any(|step| said(step) == *write)
        };
        let left = found.writes.iter().filter(|write| !is_sent(write));
        let is_of_console = matches!(plan.origin, Origin::Console | Origin::File);
        let is_open = matches!(plan.state, PlanState::Ready | PlanState::Refused);
        Ok(Self {
            shell: Shell::new(Place::Nowhere, signed_in),
            live: Live::default(),
            name: name.to_string(),
            id: plan.id.to_string(),
            title: plan_parts::title(plan),
            summary: plan_parts::summary(planned, now),
            made: format!(
                "Made {} by {}",
                words::time(Some(plan.made), now, ""),
                words::escape(&words::visible(&plan.person_name))
            ),
            state,
            tone,
            problem: None,
            note: plan.note.as_deref().map(|note| words::sentence(&words::visible(note))),
            problems: problems
                .map(|one| words::sentence(&words::visible(&one.to_string())))
                .collect(),
            is_empty: changes.is_empty(),
            changes,
            more,
            notes: found.notes.iter().map(|one| words::sentence(&words::visible(one))).collect(),
            hits: found.hits.as_ref().map(HitsView::new),
            writes: found.writes.iter().map(|one| words::visible(one)).collect(),
            steps: steps.iter().map(StepRow::new).collect(),
            left: match plan.state {
                PlanState::Failed if !steps.is_empty() => {
                    left.map(|one| words::visible(one)).collect()
                }
                _ => Vec::new(),
            },
            offer: if may_change { offer(planned) } else { Offer::Nothing },
            may_go_on: may_change && is_of_console && is_open && !plan.text.is_empty(),
            is_reading: plan.state == PlanState::Reading,
            is_applying: plan.state == PlanState::Applying,
        })
    }

    fn parts(&self) -> Result<Vec<String>, Problem> {
        let plan = self.as_plan().render();
        Ok(vec![plan.map_err(|error| Problem::internal(&error))?])
    }

    fn living(mut self) -> Result<Self, Problem> {
        let address = format!("/connectors/{}/plans/{}/live", self.name, self.id);
        self.live = Live::new(&address, &self.parts()?, self.is_reading || self.is_applying);
        Ok(self)
    }
}

fn offer(planned: &PlannedWish) -> Offer {
    let flips = planned.found.hits.as_ref().map_or(0, Hits::devices);
    let is_above = flips > planned.found.limit_of_flips;
    let typed = is_above.then(|| (words::counted(flips, "device"), flips));
    match planned.plan.state {
        PlanState::Ready if planned.found.changes.is_empty() => {
            match planned.plan.origin {
                // To mend what is well, or to take back what is not there, is nothing.
                Origin::Kept => Offer::Nothing,
                _ => Offer::Apply { label: "Keep this from now on", typed },
            }
        }
        PlanState::Ready => Offer::Apply { label: "Apply", typed },
        PlanState::Failed => Offer::Apply { label: "Go on", typed },
        PlanState::Applied => Offer::TakeBack,
        PlanState::Reading | PlanState::Refused | PlanState::Applying => Offer::Nothing,
    }
}
