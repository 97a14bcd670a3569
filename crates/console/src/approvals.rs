//! What waits for somebody's approval, the guard of wipes, and what was asked for lately.

use askama::Template;
use axum::{
    extract::{Query, State},
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{ActionState, Permission, Timestamp};
use engine::Engine;
use serde::Deserialize;
use store::Request;

use crate::{
    acts::{self, Line},
    guard::GuardView,
    live::Live,
    page::{self, Fact, Place, Shell, filters},
    problem::Problem,
    requests::{self, Decision},
    session::SignedIn,
    words,
};

/// Requests that wait are shown whole up to so many; there are rarely more than a few.
const SHOWN: usize = 20;
/// The latest requests that are listed.
const LATEST: u32 = 20;

#[derive(Template)]
#[template(path = "approvals.html", blocks = ["waiting"])]
pub(crate) struct ApprovalsPage {
    shell: Shell,
    live: Live,
    problem: Option<String>,
    done: Option<String>,
    summary: String,
    waiting: Vec<Waiting>,
    hidden: Option<String>,
    guard: GuardView,
    may_take_back: bool,
    latest: Vec<Latest>,
}

struct Waiting {
    href: String,
    title: String,
    whose: String,
    hold: String,
    /// HTML.
    ends: String,
    facts: Vec<Fact>,
    effects: Vec<Line>,
    warnings: Vec<Line>,
    decision: Decision,
}

struct Latest {
    href: String,
    title: String,
    person: String,
    reason: String,
    /// HTML.
    when: String,
    state: &'static str,
    tone: &'static str,
}

#[derive(Template)]
#[template(path = "take_back.html")]
struct TakeBackPage {
    shell: Shell,
    unsent: u64,
    summary: String,
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    seen: String,
    /// How many wipes were taken back a moment ago.
    taken: Option<u64>,
}

/// `GET /approvals`
pub(crate) async fn approvals(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let mut page = ApprovalsPage::read(&engine, &signed_in).await?;
    page.done = asked.taken.map(|taken| match taken {
        0 => "No wipe was taken back: all were sent, or there were none.".to_owned(),
        taken => format!("{} taken back.", words::counted(taken, "wipe")),
    });
    page.answer()
}

/// `GET /approvals/live?seen=…`
pub(crate) async fn live(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let page = ApprovalsPage::read(&engine, &signed_in).await?;
    let parts = page.parts()?;
    Ok(page.live(&parts).answer(&asked.seen, &parts))
}

/// `GET /approvals/take-back`: what it would take back.
pub(crate) async fn taking_back(
    State(engine): State<Engine>,
    signed_in: SignedIn,
) -> Result<Response, Problem> {
    must_take_back(&signed_in)?;
    let scope = signed_in.caller.scope(Permission::ReadResource)?;
    let (mut unsent, mut requests) = (0, 0);
    for request in engine.store().unsent_requests(&scope).await? {
        if request.kind.is_wipe() {
            let counts = engine.store().counts_of_request(request.id).await?;
            requests += 1;
            unsent += counts
                .iter()
                .filter(|(state, _)| state.is_unsent())
                .map(|(_, count)| count)
                .sum::<u64>();
        }
    }
    let summary = match unsent {
        0 => "No wipe waits to be sent.".to_owned(),
        _ => format!(
            "{} of {} not sent yet.",
            words::counted(unsent, "wipe"),
            words::counted(requests, "request")
        ),
    };
    let shell = Shell::new(Place::Approvals, &signed_in);
    Ok(page::whole(&TakeBackPage { shell, unsent, summary }))
}

/// `POST /approvals/take-back`
pub(crate) async fn take_back(
    State(engine): State<Engine>,
    signed_in: SignedIn,
) -> Result<Response, Problem> {
    let taken = engine.cancel_all_wipes(&signed_in.caller).await?;
    Ok(Redirect::to(&format!("/approvals?taken={taken}")).into_response())
}

fn may_take_back(signed_in: &SignedIn) -> bool {
    [Permission::Approve, Permission::DeleteResource, Permission::WipeDevice]
        .into_iter()
        .any(|permission| signed_in.caller.may(permission))
}

fn must_take_back(signed_in: &SignedIn) -> Result<(), Problem> {
    if !may_take_back(signed_in) {
        signed_in.caller.scope(Permission::DeleteResource)?;
    }
    Ok(())
}

impl ApprovalsPage {
    pub(crate) async fn read(engine: &Engine, signed_in: &SignedIn) -> Result<Self, Problem> {
        let (caller, now) = (&signed_in.caller, engine.now());
        let scope = caller.scope(Permission::ReadResource)?;
        let held = engine.waiting_for_approval(caller).await?;
        let mut waiting = Vec::new();
        for request in held.iter().take(SHOWN) {
            waiting.push(Waiting::read(engine, signed_in, request, now).await?);
        }
        let latest = engine.store().requests(&scope, LATEST).await?;
        let mut listed = Vec::new();
        for request in &latest {
            let counts = engine.store().counts_of_request(request.id).await?;
            listed.push(Latest::new(request, &counts, now));
        }
        Ok(Self {
            shell: Shell::new(Place::Approvals, signed_in),
            live: Live::default(),
            problem: None,
            done: None,
            summary: match (held.len() as u64, signed_in.waiting) {
                (0, _) => "Nothing waits for a second person.".to_owned(),
                (all, 0) => format!("{}; none for you to decide.", waits(all)),
                (all, yours) if all == yours => format!("{} for your decision.", waits(all)),
                (all, yours) => format!("{}, {} for your decision.", waits(all), yours),
            },
            waiting,
            hidden: (held.len() > SHOWN)
                .then(|| format!("{} more wait; the oldest stand here.", held.len() - SHOWN)),
            guard: GuardView::read(engine, signed_in).await?,
            may_take_back: may_take_back(signed_in),
            latest: listed,
        })
    }

    /// The page with what went wrong on top.
    pub(crate) fn with_problem(mut self, problem: String) -> Self {
        self.problem = Some(problem);
        self
    }

    pub(crate) fn answer(mut self) -> Result<Response, Problem> {
        let parts = self.parts()?;
        self.live = self.live(&parts);
        Ok(page::whole(&self))
    }

    fn parts(&self) -> Result<Vec<String>, Problem> {
        let waiting = self.as_waiting().render();
        Ok(vec![waiting.map_err(|error| Problem::internal(&error))?])
    }

    fn live(&self, parts: &[String]) -> Live {
        Live::new("/approvals/live", parts, false)
    }
}

fn waits(requests: u64) -> String {
    let verb = if requests == 1 { "waits" } else { "wait" };
    format!("{} {verb}", words::counted(requests, "request"))
}

impl Waiting {
    async fn read(
        engine: &Engine,
        signed_in: &SignedIn,
        request: &Request,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let review = engine.review_request(&signed_in.caller, request).await?;
        let people = match review.people {
            1 => "one person".to_owned(),
            people => format!("{} people", words::number(people)),
        };
        let whose = match review.devices < request.devices {
            true => format!(
                "Of {}; looked at here are the first {} that it can be done on, of {people}.",
                words::counted(request.devices, "device"),
                words::number(review.devices)
            ),
            false => format!("{} of {people}.", words::counted(review.devices, "device")),
        };
        Ok(Self {
            href: format!("/requests/{}", request.id),
            title: acts::title_of_request(request),
            whose,
            hold: words::sentence(&words::visible(request.hold.as_deref().unwrap_or_default())),
            ends: words::time(request.expires, now, "never"),
            facts: requests::facts(request, now),
            effects: requests::lines(&review, review.effects.iter(), |it| it.sentence().to_owned()),
            warnings: requests::lines(&review, review.warnings.iter(), ToString::to_string),
            decision: Decision::of(signed_in, request),
        })
    }
}

impl Latest {
    fn new(request: &Request, counts: &[(ActionState, u64)], now: Timestamp) -> Self {
        let any = |state: fn(ActionState) -> bool| counts.iter().any(|(one, _)| state(*one));
        let (state, tone) = if request.is_held() {
            ("waits for approval", "quarantined")
        } else if any(|state| state.is_unsent() || state == ActionState::Sending) {
            ("going on", "discovery")
        } else if any(|state| state == ActionState::Failed) {
            let is_partly = any(|state| state != ActionState::Failed);
            (if is_partly { "failed in part" } else { "failed" }, "blocked")
        } else if any(|state| matches!(state, ActionState::Sent | ActionState::Fetched)) {
            ("waits for phones", "discovery")
        } else if any(|state| state == ActionState::Cancelled) {
            ("cancelled", "unknown")
        } else {
            ("done", "allowed")
        };
        Self {
            href: format!("/requests/{}", request.id),
            title: acts::title_of_request(request),
            person: words::visible(&request.person_name),
            reason: words::visible(&request.reason),
            when: words::time(Some(request.asked), now, ""),
            state,
            tone,
        }
    }
}
