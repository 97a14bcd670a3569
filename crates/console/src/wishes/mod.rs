//! What an organization shall be: its settings, who gets in, and the plans that make it so.
//!
//! The pages edit the same wish as files do. Nothing is sent from a form: it makes a plan, and the
//! plan's own page shows what would change before somebody applies it.

mod access;
mod access_form;
mod beginning;
mod drift;
mod plan;
mod plan_parts;
mod rules;
mod setting_fields;
mod settings;
mod values;

use std::collections::BTreeMap;

use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use domain::{ConnectorName, Permission, PlanId, Timestamp, connector::ConnectorState};
use engine::{Engine, Error, WishSource, WishToEdit};
use store::Plan;

pub(crate) use self::drift::DriftNotice;
use self::plan_parts::standing;
use crate::{console::Console, problem::Problem, session::SignedIn, words};

/// Plans shown on the pages of a wish.
const PLANS: u32 = 10;

/// What a browser sent.
type Sent = BTreeMap<String, String>;

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .route("/settings", get(settings::anywhere))
        .route("/access", get(access::anywhere))
        .route("/connectors/{name}/settings", get(settings::page).post(settings::plan))
        .route("/connectors/{name}/access", get(access::page).post(access::plan))
        .route("/connectors/{name}/access/switch", post(beginning::switch))
        .route("/connectors/{name}/wish", get(beginning::file))
        .route("/connectors/{name}/wish/import", post(beginning::import))
        .route("/connectors/{name}/wish/take-back", post(beginning::take_back))
        .route("/connectors/{name}/drift/check", post(drift::check))
        .route("/connectors/{name}/drift/mend", post(drift::mend))
        .route("/connectors/{name}/plans/{id}", get(plan::page))
        .route("/connectors/{name}/plans/{id}/live", get(plan::live))
        .route("/connectors/{name}/plans/{id}/apply", post(plan::apply))
        .route("/connectors/{name}/plans/{id}/take-back", post(plan::take_back))
}

/// What the pages of a wish have in common.
struct Around {
    name: String,
    /// `settings` or `access`.
    place: &'static str,
    /// The other connectors, to go to their page of this kind.
    others: Vec<String>,
    /// Which wish holds, in a sentence.
    holds: String,
    /// Whether nothing was applied yet.
    is_first: bool,
    /// The plan whose wish is edited further.
    from: Option<String>,
    revision: u64,
    drift: Option<DriftNotice>,
    plans: Vec<PlanRow>,
    may_change: bool,
}

/// A plan in a list.
struct PlanRow {
    href: String,
    title: String,
    state: &'static str,
    tone: &'static str,
    person: String,
    /// HTML.
    when: String,
}

impl Around {
    async fn read(
        engine: &Engine,
        signed_in: &SignedIn,
        edit: &WishToEdit,
        place: &'static str,
    ) -> Result<Self, Problem> {
        let now = engine.now();
        let name = &edit.connector.name;
        let all = engine.store().connectors(&signed_in.read()?).await?;
        let others = all
            .iter()
            .filter(|one| one.state != ConnectorState::Removed && one.id != edit.connector.id);
        let plans = engine.plans_of_wish(&signed_in.caller, name, PLANS).await?;
        let is_there = edit.connector.state != ConnectorState::Removed;
        let may_change = edit.may_change && is_there;
        Ok(Self {
            name: name.to_string(),
            place,
            others: others.map(|one| one.name.to_string()).collect(),
            holds: holds(edit, now),
            is_first: edit.held.is_none(),
            from: edit.from.map(|from| from.to_string()),
            revision: edit.revision(),
            drift: DriftNotice::read(engine, signed_in, name, may_change).await?,
            plans: plans.iter().map(|plan| PlanRow::new(name, plan, now)).collect(),
            may_change,
        })
    }
}

/// Which wish holds, and what Exchange has beside it.
fn holds(edit: &WishToEdit, now: Timestamp) -> String {
    let wish = match &edit.held {
        Some(held) => format!(
            "Revision {}, applied by {} {}.",
            held.revision,
            words::visible(&held.person_name),
            words::relative(held.kept, now)
        ),
        None => "Nothing is written down yet; everything is as Exchange has it.".to_owned(),
    };
    let seen = match &edit.observed {
        Some((at, _)) => format!("Exchange was read {}.", words::relative(*at, now)),
        None => "Exchange's settings and rules were not read yet.".to_owned(),
    };
    format!("{wish} {seen}")
}

impl PlanRow {
    fn new(name: &ConnectorName, plan: &Plan, now: Timestamp) -> Self {
        let (state, tone) = standing(plan.state);
        Self {
            href: format!("/connectors/{name}/plans/{}", plan.id),
            title: plan_parts::title(plan),
            state,
            tone,
            person: words::visible(&plan.person_name),
            when: words::time(Some(plan.made), now, ""),
        }
    }
}

/// To the page of the only connector; to the list where there are several, or none.
async fn anywhere(engine: &Engine, signed_in: &SignedIn, place: &str) -> Result<Response, Problem> {
    let all = engine.store().connectors(&signed_in.read()?).await?;
    let mut there = all.iter().filter(|one| one.state != ConnectorState::Removed);
    let to = match (there.next(), there.next()) {
        (Some(only), None) => format!("/connectors/{}/{place}", only.name),
        _ => "/connectors".to_owned(),
    };
    Ok(Redirect::to(&to).into_response())
}

fn name_of(text: &str) -> Result<ConnectorName, Problem> {
    crate::connector::name_of(text)
}

/// The id of a plan in an address.
fn plan_of(text: &str) -> Result<PlanId, Problem> {
    text.parse().map_err(|_| Problem::not_found("plan"))
}

/// The plan that a page goes on from, if its address names one.
fn from_of(text: Option<&String>) -> Option<PlanId> {
    text.and_then(|text| text.parse().ok())
}

/// Nobody looks at a form before it is known that its sender may change something here.
async fn must_be_theirs(
    engine: &Engine,
    signed_in: &SignedIn,
    name: &str,
) -> Result<ConnectorName, Problem> {
    let scope = signed_in.caller.scope(Permission::ModifyConnectorPolicy)?;
    let name = name_of(name)?;
    Ok(engine.store().connector(&scope, &name).await?.name)
}

/// Whether somebody may change what a connector shall be.
pub(crate) async fn is_theirs(engine: &Engine, signed_in: &SignedIn, name: &ConnectorName) -> bool {
    match signed_in.caller.scope(Permission::ModifyConnectorPolicy) {
        Ok(scope) => engine.store().connector(&scope, name).await.is_ok(),
        Err(_) => false,
    }
}

/// Makes a plan, and leads to its page.
async fn plan_and_show(
    engine: &Engine,
    signed_in: &SignedIn,
    name: &ConnectorName,
    from: WishSource,
) -> Result<Response, Error> {
    let plan = engine.plan_wish(&signed_in.caller, name, from).await?;
    Ok(Redirect::to(&format!("/connectors/{name}/plans/{plan}")).into_response())
}

/// What stands over a form that was not taken, and with which status; other errors are a page.
fn refusal(error: Error) -> Result<(StatusCode, String), Problem> {
    let status = match &error {
        Error::Invalid(_) | Error::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Conflict(_) | Error::NotFound(_) => StatusCode::CONFLICT,
        Error::Unavailable(_) => StatusCode::BAD_GATEWAY,
        _ => return Err(error.into()),
    };
    Ok((status, words::sentence(&words::visible(&error.to_string()))))
}

/// `GET /live` and others: the parts that a page shows already.
#[derive(serde::Deserialize)]
struct Asked {
    #[serde(default)]
    seen: String,
    /// The plan to go on from.
    from: Option<String>,
}
