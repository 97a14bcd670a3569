//! The guard of wipes: its limits, what was sent within them, and the forms that change it.

use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{
    Permission, Timestamp,
    connector::ConnectorState,
    guard::{Change, Guard, Limits},
};
use engine::{Engine, Error};
use jiff::SignedDuration;
use serde::Deserialize;

use crate::{approvals::ApprovalsPage, problem::Problem, session::SignedIn, words};

/// How the guard stands, as a page shows it.
pub(crate) struct GuardView {
    pub(crate) limits: String,
    pub(crate) used: Vec<String>,
    pub(crate) per_person: u32,
    pub(crate) per_organization: u32,
    /// Until when it is lifted.
    pub(crate) lifted: Option<String>,
    pub(crate) proposal: Option<ProposalView>,
    pub(crate) may_change: bool,
    pub(crate) may_confirm: bool,
    pub(crate) longest_lift: i64,
    pub(crate) most: u32,
}

pub(crate) struct ProposalView {
    pub(crate) text: String,
    /// The person who looks proposed it.
    pub(crate) is_own: bool,
}

impl GuardView {
    pub(crate) async fn read(engine: &Engine, signed_in: &SignedIn) -> Result<Self, Problem> {
        let (caller, now) = (&signed_in.caller, engine.now());
        let guard = engine.guard(caller).await?;
        let limits = guard.limits;
        let before = |window: SignedDuration| now.checked_sub(window).unwrap_or(Timestamp::MIN);
        let mut used = Vec::new();
        for connector in engine.store().connectors(&signed_in.read()?).await? {
            if connector.state == ConnectorState::Removed {
                continue;
            }
            let (own, there) = engine
                .store()
                .recent_wipes(
                    caller.person,
                    before(Limits::PERSON_WINDOW),
                    connector.id,
                    before(Limits::ORGANIZATION_WINDOW),
                )
                .await?;
            if used.is_empty() {
                used.push(format!("{own} of {} yours in the last hour", limits.per_person));
            }
            let most = limits.per_organization;
            used.push(format!("{there} of {most} of {} in the last day", connector.name));
        }
        let is_fresh = |at: Timestamp| now.duration_since(at) < Guard::PROPOSAL_LIFE;
        let proposal = guard.proposal.as_ref().filter(|proposal| is_fresh(proposal.at));
        let may_change = caller.may(Permission::ModifySecurity);
        Ok(Self {
            limits: format!(
                "{} an hour by one person, {} a day for one organization.",
                words::counted(limits.per_person.into(), "wipe"),
                limits.per_organization
            ),
            used,
            per_person: limits.per_person,
            per_organization: limits.per_organization,
            lifted: guard.lifted_until.filter(|until| now < *until).map(|until| {
                format!("Lifted: no limit holds. It comes back {}.", words::relative(until, now))
            }),
            proposal: proposal.map(|proposal| ProposalView {
                text: format!(
                    "{} proposed {} {}. Reason: {}",
                    words::visible(&proposal.name),
                    change(proposal.change),
                    words::relative(proposal.at, now),
                    words::sentence(&words::visible(&proposal.reason))
                ),
                is_own: proposal.by == caller.person,
            }),
            may_change,
            may_confirm: may_change || caller.may(Permission::Approve),
            longest_lift: Change::LONGEST_LIFT.as_hours(),
            most: Limits::MOST,
        })
    }
}

fn change(change: Change) -> String {
    match change {
        Change::Limits(Limits { per_person, per_organization }) => {
            format!(
                "{per_person} an hour for a person and {per_organization} a day for an organization"
            )
        }
        Change::Lift(time) => {
            format!("no limits for {}", words::counted(time.as_hours().unsigned_abs(), "hour"))
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct NewLimits {
    #[serde(default)]
    per_person: String,
    #[serde(default)]
    per_organization: String,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
pub(crate) struct NewLift {
    #[serde(default)]
    hours: String,
    #[serde(default)]
    reason: String,
}

/// `POST /guard/limits`: tighter at once; looser when a second person agrees.
pub(crate) async fn limits(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Form(form): Form<NewLimits>,
) -> Result<Response, Problem> {
    let number = |text: &str| {
        text.trim()
            .parse()
            .map_err(|_| Error::Invalid("a limit is a number from 0 to 1000".to_owned()))
    };
    let wanted = number(&form.per_person).and_then(|per_person| {
        let per_organization = number(&form.per_organization)?;
        Ok(Change::Limits(Limits { per_person, per_organization }))
    });
    let changed = match wanted {
        Ok(change) => engine.change_guard(&signed_in.caller, change, &form.reason).await,
        Err(error) => Err(error),
    };
    answer(&engine, &signed_in, changed).await
}

/// `POST /guard/lift`: no limits for a while, when a second person agrees.
pub(crate) async fn lift(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Form(form): Form<NewLift>,
) -> Result<Response, Problem> {
    let hours = form.hours.trim().parse::<u8>();
    let changed = match hours {
        Ok(hours) => {
            let change = Change::Lift(SignedDuration::from_hours(hours.into()));
            engine.change_guard(&signed_in.caller, change, &form.reason).await
        }
        Err(_) => Err(Error::Invalid("say for how many hours the guard is lifted".to_owned())),
    };
    answer(&engine, &signed_in, changed).await
}

/// `POST /guard/confirm`: agrees to what another proposed.
pub(crate) async fn confirm(
    State(engine): State<Engine>,
    signed_in: SignedIn,
) -> Result<Response, Problem> {
    let changed = engine.confirm_guard(&signed_in.caller).await;
    answer(&engine, &signed_in, changed).await
}

/// `POST /guard/restore`: takes a lift or a proposal back.
pub(crate) async fn restore(
    State(engine): State<Engine>,
    signed_in: SignedIn,
) -> Result<Response, Problem> {
    let changed = engine.restore_guard(&signed_in.caller).await;
    answer(&engine, &signed_in, changed).await
}

/// Back to the page, or the page with what was wrong on top.
async fn answer(
    engine: &Engine,
    signed_in: &SignedIn,
    changed: Result<Guard, Error>,
) -> Result<Response, Problem> {
    let Err(error) = changed else {
        return Ok(Redirect::to("/approvals#guard").into_response());
    };
    let status = match &error {
        Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Conflict(_) => StatusCode::CONFLICT,
        Error::Refused(_) => StatusCode::FORBIDDEN,
        _ => return Err(error.into()),
    };
    let problem = format!("The guard stays as it is. {}", words::sentence(&error.to_string()));
    let page = ApprovalsPage::read(engine, signed_in).await?.with_problem(problem);
    Ok((status, page.answer()?).into_response())
}
