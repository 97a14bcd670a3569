//! One request: what was asked for, what was decided about it, and what became of it on each device.

use std::fmt::Write as _;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{ActionState, Permission, RequestId, Scope, Timestamp};
use engine::{Engine, Review};
use serde::Deserialize;
use store::{Action, MOST_ACTIONS, Request, StateCounts};

use crate::{
    acts::{self, Line},
    asking::MOST_NAMED,
    live::Live,
    page::{self, Fact, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};

/// Actions shown at once.
const ROWS_PER_PAGE: u32 = 100;

#[derive(Template)]
#[template(path = "request.html", blocks = ["standing", "rows"])]
struct RequestPage {
    shell: Shell,
    live: Live,
    address: String,
    title: String,
    summary: String,
    /// Why it waits, or what was decided.
    notices: Vec<(&'static str, String)>,
    facts: Vec<Fact>,
    effects: Vec<Line>,
    warnings: Vec<Line>,
    counts: Vec<Counted>,
    share: u64,
    is_moving: bool,
    decision: Decision,
    can_cancel: bool,
    retry: Option<String>,
    rows: Vec<Row>,
    skip: u64,
    further: Option<String>,
}

/// How many actions stand in one state.
struct Counted {
    count: String,
    state: &'static str,
    tone: &'static str,
}

/// Whether somebody may decide about a request that waits.
pub(crate) enum Decision {
    /// It waits for nobody.
    None,
    /// They may.
    Yours,
    /// They may not, and why.
    NotYours(String),
}

struct Row {
    href: String,
    name: String,
    state: &'static str,
    tone: &'static str,
    standing: String,
    answer: Option<String>,
    changed: String,
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    seen: String,
    #[serde(default)]
    skip: u64,
}

/// `GET /requests/{id}`
pub(crate) async fn request(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let mut page = RequestPage::read(&engine, &signed_in, id_of(&id)?, asked.skip).await?;
    let parts = page.parts()?;
    page.live = page.live(&parts);
    Ok(page::whole(&page))
}

/// `GET /requests/{id}/live?seen=…`
pub(crate) async fn live(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let page = RequestPage::read(&engine, &signed_in, id_of(&id)?, asked.skip).await?;
    let parts = page.parts()?;
    Ok(page.live(&parts).answer(&asked.seen, &parts))
}

/// `POST /requests/{id}/approve`
pub(crate) async fn approve(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let request = engine.approve_request(&signed_in.caller, id_of(&id)?).await?;
    Ok(back_to(request.id))
}

/// `POST /requests/{id}/reject`
pub(crate) async fn reject(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let request = engine.reject_request(&signed_in.caller, id_of(&id)?).await?;
    Ok(back_to(request.id))
}

/// `POST /requests/{id}/cancel`: takes back what was not sent.
pub(crate) async fn cancel(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = id_of(&id)?;
    engine.cancel_request(&signed_in.caller, id).await?;
    Ok(back_to(id))
}

fn id_of(text: &str) -> Result<RequestId, Problem> {
    text.parse().map_err(|_| Problem::not_found("request"))
}

fn back_to(id: RequestId) -> Response {
    Redirect::to(&format!("/requests/{id}")).into_response()
}

impl RequestPage {
    async fn read(
        engine: &Engine,
        signed_in: &SignedIn,
        id: RequestId,
        skip: u64,
    ) -> Result<Self, Problem> {
        let (caller, store, now) = (&signed_in.caller, engine.store(), engine.now());
        let scope = caller.scope(Permission::ReadResource)?;
        let request = engine.request(caller, id).await?;
        let counts = store.counts_of_request(id).await?;
        let actions = store.actions_of_request(&scope, id, skip, ROWS_PER_PAGE).await?;
        let review = engine.review_request(caller, &request).await?;
        let moving = moving(&request, &counts);
        let unsent = count_of(&counts, ActionState::is_unsent);
        let may_retry = caller.may(request.kind.permission());
        let failed = count_of(&counts, |state| state == ActionState::Failed);
        let retry = match may_retry && failed > 0 && moving == 0 {
            true => Some(retry_link(engine, &scope, &request).await?),
            false => None,
        };
        let seen = skip + actions.len() as u64;
        let last_sync = match actions.as_slice() {
            [one] => last_sync(engine, signed_in, one).await?,
            _ => None,
        };
        Ok(Self {
            shell: Shell::new(Place::Approvals, signed_in),
            live: Live::default(),
            address: format!("/requests/{id}"),
            title: acts::title_of_request(&request),
            summary: summary(&request, &counts),
            notices: notices(&request, now),
            facts: facts(&request, now),
            effects: lines(&review, review.effects.iter(), |it| it.sentence().to_owned()),
            warnings: match request.is_held() {
                true => lines(&review, review.warnings.iter(), ToString::to_string),
                false => Vec::new(),
            },
            counts: counts.iter().map(|(state, count)| Counted::new(*state, *count)).collect(),
            share: (request.devices - moving.min(request.devices)) * 100 / request.devices.max(1),
            is_moving: moving > 0 && !request.is_held(),
            decision: Decision::of(signed_in, &request),
            can_cancel: unsent > 0 && may_cancel(signed_in, &request),
            retry,
            rows: actions.iter().map(|it| Row::new(it, &request, last_sync, now)).collect(),
            skip,
            further: (seen < request.devices).then(|| format!("/requests/{id}?skip={seen}")),
        })
    }

    fn parts(&self) -> Result<Vec<String>, Problem> {
        let rendered: askama::Result<Vec<String>> =
            [self.as_standing().render(), self.as_rows().render()].into_iter().collect();
        rendered.map_err(|error| Problem::internal(&error))
    }

    fn live(&self, parts: &[String]) -> Live {
        Live::new(&format!("{}/live?skip={}", self.address, self.skip), parts, self.is_moving)
    }
}

/// How many actions will go on by themselves, or when somebody decides.
fn moving(request: &Request, counts: &StateCounts) -> u64 {
    count_of(counts, |state| {
        state.is_unsent()
            || state == ActionState::Sending
            || (state == ActionState::Sent && !request.kind.is_wipe())
    })
}

fn count_of(counts: &StateCounts, is_one: impl Fn(ActionState) -> bool) -> u64 {
    counts.iter().filter(|(state, _)| is_one(*state)).map(|(_, count)| count).sum()
}

/// When the phone of an action synced last, as far as the inventory knows.
async fn last_sync(
    engine: &Engine,
    signed_in: &SignedIn,
    action: &Action,
) -> Result<Option<Timestamp>, Problem> {
    let scope = signed_in.caller.scope(Permission::ReadResource)?;
    match engine.store().device(&scope, action.device).await {
        Ok(device) => Ok(device.statistics.and_then(|it| it.last_success_sync)),
        Err(store::Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The page that asks again for what failed.
async fn retry_link(engine: &Engine, scope: &Scope, request: &Request) -> Result<String, Problem> {
    let mut link = format!("/devices/act?action={}", request.kind.word());
    let (mut skip, mut named) = (0, 0);
    loop {
        let actions =
            engine.store().actions_of_request(scope, request.id, skip, MOST_ACTIONS).await?;
        for action in actions.iter().filter(|one| one.state == ActionState::Failed) {
            if named < MOST_NAMED {
                named += 1;
                // Writing to a string cannot fail.
                let _ = write!(link, "&device={}", action.device);
            }
        }
        skip += actions.len() as u64;
        if actions.len() < MOST_ACTIONS as usize || named == MOST_NAMED {
            return Ok(link);
        }
    }
}

pub(crate) fn lines<'a, T: 'a>(
    review: &Review,
    counted: impl Iterator<Item = &'a (T, u64)>,
    text: impl Fn(&T) -> String,
) -> Vec<Line> {
    counted.map(|(what, count)| acts::counted(*count, review.devices, &text(what))).collect()
}

fn summary(request: &Request, counts: &StateCounts) -> String {
    let failed = count_of(counts, |state| state == ActionState::Failed);
    let ended = count_of(counts, |state| {
        matches!(state, ActionState::Confirmed | ActionState::Acknowledged)
    });
    let taken = count_of(counts, |state| matches!(state, ActionState::Sent | ActionState::Fetched));
    let mut clauses = vec![words::counted(request.devices, "device")];
    for (count, what) in [(ended, "done"), (taken, "taken by Exchange"), (failed, "failed")] {
        if count > 0 {
            clauses.push(format!("{} {what}", words::number(count)));
        }
    }
    if request.is_held() {
        clauses.push("waits for somebody's approval".to_owned());
    }
    words::sentence(&clauses.join("; "))
}

fn notices(request: &Request, now: Timestamp) -> Vec<(&'static str, String)> {
    let mut notices = Vec::new();
    if let Some(hold) = &request.hold {
        let until = match request.expires.filter(|_| request.is_held()) {
            Some(expires) => format!(" It ends {} if nobody does.", words::relative(expires, now)),
            None => String::new(),
        };
        let tone = if request.is_held() { "quarantined" } else { "unknown" };
        notices.push((tone, format!("{}{until}", words::sentence(&words::visible(hold)))));
    }
    if let Some(decided) = acts::decided(request, now) {
        notices.push(("unknown", decided));
    }
    notices
}

pub(crate) fn facts(request: &Request, now: Timestamp) -> Vec<Fact> {
    let text = |name, text: &str| Fact {
        name,
        value: words::breakable(&words::visible(text)),
        code: false,
    };
    let mut facts = vec![
        text("Asked by", &request.person_name),
        Fact { name: "When", value: words::time(Some(request.asked), now, ""), code: false },
        text("Reason", &request.reason),
        match &request.ticket {
            Some(ticket) => text("Ticket", ticket),
            None => Fact {
                name: "Ticket",
                value: r#"<span class="quiet">none given</span>"#.to_owned(),
                code: false,
            },
        },
    ];
    if let Some(query) = &request.query {
        let whole = if query.is_empty() { "everything there was" } else { query };
        facts.push(Fact { code: true, ..text("Found by", whole) });
    }
    facts
}

impl Decision {
    pub(crate) fn of(signed_in: &SignedIn, request: &Request) -> Self {
        if !request.is_held() {
            Self::None
        } else if request.person == signed_in.caller.person {
            Self::NotYours(
                "You asked for it, so somebody else has to decide. You can take it back."
                    .to_owned(),
            )
        } else if !signed_in.caller.may(Permission::Approve) {
            Self::NotYours(format!(
                "Somebody else has to decide: that needs {}.",
                Permission::Approve.title()
            ))
        } else {
            Self::Yours
        }
    }
}

fn may_cancel(signed_in: &SignedIn, request: &Request) -> bool {
    let caller = &signed_in.caller;
    request.person == caller.person
        || caller.may(Permission::Approve)
        || caller.may(request.kind.permission())
}

impl Counted {
    fn new(state: ActionState, count: u64) -> Self {
        let (state, tone) = (acts::state(state), acts::tone(state));
        Self { count: words::number(count), state, tone }
    }
}

impl Row {
    fn new(
        action: &Action,
        request: &Request,
        last_sync: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        // That Exchange accepted it is what the state says already.
        let answer = action.answer.as_deref().filter(|answer| *answer != "accepted");
        Self {
            href: format!("/devices/{}", action.device),
            name: words::visible(&action.name),
            state: acts::state(action.state),
            tone: acts::tone(action.state),
            standing: acts::standing(action, request, last_sync, now),
            answer: answer.map(words::visible),
            changed: words::time(Some(action.changed), now, ""),
        }
    }
}
