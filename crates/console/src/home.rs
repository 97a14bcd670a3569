//! The home page: what somebody must act on, the oldest first; then how fresh everything is.

use askama::Template;
use axum::{
    extract::{Query as UrlQuery, State},
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{
    Connector, Device, IdentityProvider, Permission, PersonId, Query, Timestamp,
    connector::ConnectorState,
};
use engine::Engine;
use jiff::SignedDuration;
use serde::Deserialize;
use store::{Page, Request};

use crate::{
    acts, connectors,
    live::Live,
    page::{self, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    wishes::DriftNotice,
    words,
};

/// Of each kind so many are shown; a link leads to the rest.
const SHOWN: usize = 10;
/// Phones in quarantine that are looked at to find the oldest: more than anybody works off in a day.
const LOOKED_AT: u32 = Page::MAX_LIMIT;
/// Failed actions that are looked at.
const FAILED: u32 = 100;
/// An action that failed longer ago is history.
const FAILED_WITHIN: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Somebody has to see to a credential that ends sooner.
const ENDS_SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

#[derive(Template)]
#[template(path = "home.html", blocks = ["queue"])]
struct HomePage {
    shell: Shell,
    live: Live,
    summary: String,
    quarantine: Queue<Phone>,
    approvals: Queue<Item>,
    failed: Queue<Item>,
    drifted: Queue<Item>,
    troubles: Queue<Item>,
    credentials: Queue<Item>,
    fresh: Vec<(String, String)>,
}

/// One kind of work.
struct Queue<T> {
    /// How much there is.
    count: String,
    items: Vec<T>,
    /// There is more than is shown.
    is_cut: bool,
}

struct Phone {
    href: String,
    name: String,
    tail: String,
    what: String,
    /// HTML.
    since: String,
    /// Where to allow and to block it, for who may.
    acts: Option<(String, String)>,
}

struct Item {
    href: Option<String>,
    name: String,
    text: String,
    /// HTML.
    when: String,
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    seen: String,
}

/// `GET /`: the work queue, or the first steps while there is no connector.
pub(crate) async fn home(
    State(engine): State<Engine>,
    signed_in: SignedIn,
) -> Result<Response, Problem> {
    if engine.store().connectors(&signed_in.read()?).await?.is_empty() {
        return Ok(Redirect::to("/connectors").into_response());
    }
    let mut page = HomePage::read(&engine, &signed_in).await?;
    let parts = page.parts()?;
    page.live = Live::new("/live", &parts, false);
    Ok(page::whole(&page))
}

/// `GET /live?seen=…`
pub(crate) async fn live(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    UrlQuery(asked): UrlQuery<Asked>,
) -> Result<Response, Problem> {
    let parts = HomePage::read(&engine, &signed_in).await?.parts()?;
    Ok(Live::new("/live", &parts, false).answer(&asked.seen, &parts))
}

impl HomePage {
    async fn read(engine: &Engine, signed_in: &SignedIn) -> Result<Self, Problem> {
        let now = engine.now();
        let connectors = engine.store().connectors(&signed_in.read()?).await?;
        let at_work = |one: &&Connector| one.state != ConnectorState::Removed;
        let mut view = Self {
            shell: Shell::new(Place::Home, signed_in),
            live: Live::default(),
            summary: String::new(),
            quarantine: quarantine(engine, signed_in, now).await?,
            approvals: approvals(engine, signed_in, now).await?,
            failed: failed(engine, signed_in, now).await?,
            drifted: drifted(engine, signed_in, &connectors).await?,
            troubles: troubles(engine, signed_in, &connectors, now).await?,
            credentials: credentials(engine, signed_in, now).await?,
            fresh: connectors.iter().filter(at_work).map(|one| fresh(one, now)).collect(),
        };
        view.summary = view.summary();
        Ok(view)
    }

    fn parts(&self) -> Result<Vec<String>, Problem> {
        let queue = self.as_queue().render();
        Ok(vec![queue.map_err(|error| Problem::internal(&error))?])
    }

    fn summary(&self) -> String {
        let kinds = [
            (&self.quarantine.count, "in quarantine"),
            (&self.approvals.count, "waiting for approval"),
            (&self.failed.count, "failed lately"),
            (&self.drifted.count, "not as written"),
            (&self.troubles.count, "in trouble"),
            (&self.credentials.count, "about to expire"),
        ];
        let said: Vec<String> = kinds
            .into_iter()
            .filter(|(count, _)| *count != "0")
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        match said.is_empty() {
            true => "Nothing waits for you.".to_owned(),
            false => format!("{}.", said.join("; ")),
        }
    }
}

impl<T> Queue<T> {
    fn of(mut items: Vec<T>) -> Self {
        let count = words::number(items.len() as u64);
        let is_cut = items.len() > SHOWN;
        items.truncate(SHOWN);
        Self { count, items, is_cut }
    }

    fn none() -> Self {
        Self::of(Vec::new())
    }
}

/// Phones in quarantine, those that were seen first before the others.
async fn quarantine(
    engine: &Engine,
    signed_in: &SignedIn,
    now: Timestamp,
) -> Result<Queue<Phone>, Problem> {
    let Ok(scope) = signed_in.caller.scope(Permission::ReadResource) else {
        return Ok(Queue::none());
    };
    let query = Query::parse("state:quarantined").map_err(|error| Problem::internal(&error))?;
    let page = Page { after: None, limit: LOOKED_AT, now };
    let mut found = engine.store().devices(&scope, &query, page).await?;
    found.devices.sort_by_key(first_seen);
    let may_act = signed_in.caller.may(Permission::ModifyResource);
    let phones = found.devices.iter().take(SHOWN + 1).map(|one| Phone::new(one, may_act, now));
    let mut queue = Queue::of(phones.collect());
    let more = if found.next.is_some() { "+" } else { "" };
    queue.count = format!("{}{more}", words::number(found.devices.len() as u64));
    Ok(queue)
}

fn first_seen(device: &Device) -> Timestamp {
    let facts = &device.facts;
    facts.first_sync.or(facts.when_created).unwrap_or(device.observed)
}

impl Phone {
    fn new(device: &Device, may_act: bool, now: Timestamp) -> Self {
        let facts = &device.facts;
        let known = [facts.model.as_deref(), facts.os.as_deref(), facts.client_type.as_deref()];
        let known: Vec<String> =
            known.into_iter().flatten().filter(|it| !it.is_empty()).map(words::visible).collect();
        let act = |kind| format!("/devices/act?action={kind}&device={}", device.id);
        Self {
            href: format!("/devices/{}", device.id),
            name: words::sentence_start(&acts::owner(device)),
            tail: words::visible(device.short_id()),
            what: match known.is_empty() {
                true => "model not reported".to_owned(),
                false => known.join(" · "),
            },
            since: words::time(Some(first_seen(device)), now, ""),
            acts: may_act.then(|| (act("allow"), act("block"))),
        }
    }
}

async fn approvals(
    engine: &Engine,
    signed_in: &SignedIn,
    now: Timestamp,
) -> Result<Queue<Item>, Problem> {
    if !signed_in.caller.may(Permission::ReadResource) {
        return Ok(Queue::none());
    }
    let waiting = engine.waiting_for_approval(&signed_in.caller).await?;
    let item = |request: &Request| Item {
        href: Some(format!("/requests/{}", request.id)),
        name: acts::title_of_request(request),
        text: words::visible(&format!("{}: {}", request.person_name, request.reason)),
        when: words::time(Some(request.asked), now, ""),
    };
    Ok(Queue::of(waiting.iter().map(item).collect()))
}

async fn failed(
    engine: &Engine,
    signed_in: &SignedIn,
    now: Timestamp,
) -> Result<Queue<Item>, Problem> {
    let Ok(scope) = signed_in.caller.scope(Permission::ReadResource) else {
        return Ok(Queue::none());
    };
    let since = now.checked_sub(FAILED_WITHIN).unwrap_or(Timestamp::MIN);
    let failed = engine.store().failed_actions(&scope, since, FAILED).await?;
    let is_cut = failed.len() >= FAILED as usize;
    let items = failed.iter().map(|action| Item {
        href: Some(format!("/requests/{}", action.request)),
        name: words::visible(&action.name),
        text: format!(
            "{}: {}",
            action.kind.title(),
            words::visible(action.note.as_deref().unwrap_or("it failed"))
        ),
        when: words::time(Some(action.changed), now, ""),
    });
    let mut queue = Queue::of(items.collect());
    if is_cut {
        queue.count.push('+');
    }
    Ok(queue)
}

/// Organizations that are not as somebody wrote them down.
async fn drifted(
    engine: &Engine,
    signed_in: &SignedIn,
    connectors: &[Connector],
) -> Result<Queue<Item>, Problem> {
    let mut items = Vec::new();
    for connector in connectors.iter().filter(|one| one.state != ConnectorState::Removed) {
        let name = &connector.name;
        let notice = DriftNotice::read(engine, signed_in, name, false).await?;
        items.extend(notice.map(|notice| Item {
            href: Some(format!("/connectors/{name}/settings")),
            name: format!("{name}: {}", notice.title),
            text: notice.items.join(" "),
            when: format!("compared {}", notice.checked),
        }));
    }
    Ok(Queue::of(items))
}

/// What is wrong with the audit, then connectors that do not work.
async fn troubles(
    engine: &Engine,
    signed_in: &SignedIn,
    connectors: &[Connector],
    now: Timestamp,
) -> Result<Queue<Item>, Problem> {
    let audit = engine.audit_troubles(&signed_in.caller).await?;
    let mut items: Vec<Item> = audit
        .into_iter()
        .map(|trouble| Item {
            href: Some("/audit".to_owned()),
            name: "The audit".to_owned(),
            text: words::sentence(&words::visible(&trouble.what)),
            when: words::time(Some(trouble.since), now, ""),
        })
        .collect();
    items.extend(connectors.iter().filter_map(trouble));
    Ok(Queue::of(items))
}

fn trouble(connector: &Connector) -> Option<Item> {
    let text =
        connectors::trouble(connector).filter(|_| connector.state == ConnectorState::Trouble)?;
    Some(Item {
        href: Some(format!("/connectors/{}", connector.name)),
        name: connector.name.to_string(),
        text,
        when: String::new(),
    })
}

/// Tokens that end soon: one's own, and everybody's for who sees to security; for those also the
/// secrets of identity providers, and after their end as well, for then nobody signs in.
async fn credentials(
    engine: &Engine,
    signed_in: &SignedIn,
    now: Timestamp,
) -> Result<Queue<Item>, Problem> {
    let caller = &signed_in.caller;
    let whose = (!caller.may(Permission::ModifySecurity)).then_some(caller.person);
    let mut tokens = engine.store().tokens(whose).await?;
    tokens.retain(|token| now < token.expires && token.expires < now + ENDS_SOON);
    tokens.sort_by_key(|token| token.expires);
    let ending = engine.ending_provider_secrets(caller, now + ENDS_SOON).await?;
    let secret = |(provider, expires): &(IdentityProvider, Timestamp)| Item {
        href: Some(format!("/administration/sign-in/{}", provider.name)),
        name: format!("Secret of {}", words::visible(&provider.title)),
        text: match *expires > now {
            true => "people sign in with it".to_owned(),
            false => "it has ended; give the new one".to_owned(),
        },
        when: words::time(Some(*expires), now, ""),
    };
    let mut items: Vec<Item> = ending.iter().map(secret).collect();
    for token in tokens {
        let owner = owner(engine, token.person, caller.person).await?;
        items.push(Item {
            href: None,
            name: format!("API token {}", words::visible(&token.name)),
            text: owner,
            when: words::time(Some(token.expires), now, ""),
        });
    }
    Ok(Queue::of(items))
}

async fn owner(engine: &Engine, person: PersonId, own: PersonId) -> Result<String, Problem> {
    if person == own {
        return Ok("yours".to_owned());
    }
    let found = engine.store().person(person).await?;
    Ok(found.map_or_else(
        || "of somebody who is no more".to_owned(),
        |person| format!("of {}", words::visible(&person.name)),
    ))
}

/// How fresh the inventory of a connector is. HTML.
fn fresh(connector: &Connector, now: Timestamp) -> (String, String) {
    let full = words::time(connector.last_full_sync, now, "none yet");
    let delta = words::time(connector.last_delta_sync, now, "none yet");
    let paused = if connector.is_paused { "; paused" } else { "" };
    (connector.name.to_string(), format!("last full sync {full}, delta {delta}{paused}"))
}
