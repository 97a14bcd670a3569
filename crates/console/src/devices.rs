//! The list of devices: search, access states, pages.

use askama::Template;
use axum::{
    extract::{Query as UrlQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use domain::{
    AccessState, ActionKind, Connector, Device, Permission, Query, Timestamp, query::QueryError,
};
use engine::Engine;
use serde::Deserialize;
use store::{Count, Cursor, DevicePage, Facets, Page};

use crate::{
    device::Freshness,
    live,
    page::{self, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};

const ROWS_PER_PAGE: u32 = 50;

/// What the URL says: `/devices?query=state:quarantined&cursor=…`.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    query: String,
    cursor: Option<String>,
    /// What the page that asks again shows already.
    seen: Option<String>,
}

#[derive(Template)]
#[template(path = "devices.html", blocks = ["results", "summary"])]
struct DevicesPage {
    shell: Shell,
    summary: String,
    /// Answered without the page around it.
    fragment: bool,
    query: String,
    here: String,
    live: bool,
    outcome: Outcome,
    facets: Vec<Facet>,
    found: String,
    first: Option<String>,
    next: Option<String>,
    /// What the person may ask of devices that are ticked; nothing is ticked where there is nothing.
    acts: Vec<ActionKind>,
    /// The next part, if this one has no device and is not the last.
    further: Option<String>,
}

enum Outcome {
    BadQuery(BadQuery),
    Empty(Empty),
    Rows(Vec<Row>),
}

struct BadQuery {
    message: String,
    query: String,
    pointer: String,
}

struct Empty {
    title: &'static str,
    detail: &'static str,
    action: Option<Action>,
}

struct Action {
    href: String,
    text: &'static str,
}

struct Facet {
    href: String,
    state: Option<AccessState>,
    count: String,
    current: bool,
}

struct Row {
    id: String,
    href: String,
    /// HTML.
    name: String,
    tail: String,
    device_id: String,
    owner: String,
    /// HTML.
    mailbox: String,
    model: String,
    os: String,
    client: String,
    state: AccessState,
    reason: Option<&'static str>,
    last_sync: String,
    freshness: Freshness,
}

/// `GET /devices`
pub(crate) async fn devices(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    headers: HeaderMap,
    UrlQuery(wanted): UrlQuery<Wanted>,
) -> Result<Response, Problem> {
    let scope = signed_in.caller.scope(Permission::ReadResource)?;
    let now = engine.now();
    let query_text = wanted.query.trim();
    // htmx asks for the results alone, unless it restores a page from the browser's history.
    let fragment =
        headers.contains_key("hx-request") && !headers.contains_key("hx-history-restore-request");
    let mut view = DevicesPage {
        shell: Shell::new(Place::Devices, &signed_in),
        summary: summary(&engine, &scope, now).await?,
        fragment,
        query: query_text.to_owned(),
        here: link(query_text, wanted.cursor.as_deref()),
        live: wanted.cursor.is_none(),
        outcome: Outcome::Rows(Vec::new()),
        facets: Vec::new(),
        found: String::new(),
        first: wanted.cursor.is_some().then(|| link(query_text, None)),
        next: None,
        acts: acts(&signed_in),
        further: None,
    };
    match Query::parse(query_text) {
        Err(error) => {
            view.live = false;
            view.outcome = Outcome::BadQuery(BadQuery::new(&error, query_text));
        }
        Ok(query) => {
            // A cursor that no list gave leads to the first page, which is what its giver wants.
            let after = wanted.cursor.and_then(|cursor| cursor.parse::<Cursor>().ok());
            let page = Page { after, limit: ROWS_PER_PAGE, now };
            let store = engine.store();
            let devices = store.devices(&scope, &query, page).await?;
            let facets = store.facets(&scope, &without_state(query_text, &query), now).await?;
            let found = store.count_devices(&scope, &query, now).await?;
            let connectors = store.connectors(&scope).await?;
            view.fill(&devices, &connectors, &facets, found, now);
        }
    }
    // The same mark for a page and for the parts of it that are asked for later.
    view.fragment = true;
    let mark = live::mark(&view.changing_parts().map_err(|error| Problem::internal(&error))?);
    view.fragment = fragment;
    if fragment && wanted.seen.as_ref() == Some(&mark) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let separator = if view.here.contains('?') { '&' } else { '?' };
    view.here.push_str(&format!("{separator}seen={mark}"));
    Ok(if fragment { page::html(view.changing_parts()) } else { page::whole(&view) })
}

impl DevicesPage {
    /// What a search or the passing of time changes: the results, and the sentence over them.
    fn changing_parts(&self) -> askama::Result<String> {
        Ok(self.as_results().render()? + &self.as_summary().render()?)
    }

    fn fill(
        &mut self,
        page: &DevicePage,
        connectors: &[Connector],
        facets: &Facets,
        found: Count,
        now: Timestamp,
    ) {
        self.next = page.next.as_ref().map(|cursor| link(&self.query, Some(&cursor.to_string())));
        self.facets = facet_links(facets, &self.query);
        self.found = match found {
            Count::Exactly(count) => words::counted(count, "device"),
            Count::MoreThan(count) => format!("More than {} devices", words::number(count)),
            Count::AtLeast(count) => format!("At least {}", words::counted(count, "device")),
        };
        if page.devices.is_empty() && page.next.is_some() {
            // One page looks at so many devices only; a browser with script goes on by itself.
            self.live = false;
            self.further.clone_from(&self.next);
            self.outcome = Outcome::Empty(Empty {
                title: "Nothing among the devices looked at so far",
                detail: "No index answers this search, so the inventory is looked through part by \
                         part.",
                action: self.next.clone().map(|href| Action { href, text: "Look further" }),
            });
        } else if page.devices.is_empty()
            && let Some(href) = self.first.clone()
        {
            self.outcome = Outcome::Empty(Empty {
                title: "No further device fits",
                detail: "The inventory was looked through to its end.",
                action: Some(Action { href, text: "First page" }),
            });
        } else if page.devices.is_empty() {
            self.outcome = Outcome::Empty(if connectors.is_empty() {
                Empty {
                    title: "No organization is connected yet",
                    detail: "Every phone that syncs with a connected Exchange organization shows up \
                             here. Connecting one takes ten minutes.",
                    action: Some(Action {
                        href: "/connectors".to_owned(),
                        text: "See what is needed",
                    }),
                }
            } else if self.query.is_empty() {
                Empty {
                    title: "No device is known yet",
                    detail: "Every phone that syncs with a connected organization shows up here \
                             after the first full sync.",
                    action: Some(Action {
                        href: "/connectors".to_owned(),
                        text: "Go to the connectors",
                    }),
                }
            } else {
                Empty {
                    title: "No device fits",
                    detail: "Nothing in the inventory fits this search. Devices that are gone are \
                             shown only if the search names them, as in gone:>2026-01-01.",
                    action: Some(Action { href: "/devices".to_owned(), text: "Show all devices" }),
                }
            });
        } else {
            let row = |device: &Device| {
                let connector = connectors.iter().find(|one| one.id == device.connector);
                Row::new(device, Freshness::of(device, connector, now), now)
            };
            self.outcome = Outcome::Rows(page.devices.iter().map(row).collect());
        }
    }
}

impl BadQuery {
    fn new(error: &QueryError, query: &str) -> Self {
        let pointer = format!("{}^", " ".repeat(error.position.min(Query::MAX_LENGTH)));
        Self { message: words::sentence(&error.to_string()), query: query.to_owned(), pointer }
    }
}

impl Row {
    fn new(device: &Device, freshness: Freshness, now: Timestamp) -> Self {
        let facts = &device.facts;
        let said = |text: &Option<String>| {
            text.as_deref()
                .filter(|text| !text.is_empty())
                .map_or_else(|| "not reported".to_owned(), words::visible)
        };
        let last_sync = match &device.statistics {
            None => words::time(None, now, "not read yet"),
            Some(statistics) => words::time(statistics.last_success_sync, now, "never"),
        };
        let client = match (&facts.client_type, &facts.client_version) {
            (Some(kind), Some(version)) => words::visible(&format!("{kind} {version}")),
            (kind, _) => said(kind),
        };
        Self {
            id: device.id.to_string(),
            href: format!("/devices/{}", device.id),
            name: words::breakable(&words::visible(&device.display_name())),
            tail: words::visible(device.short_id()),
            device_id: words::visible(facts.device_id.as_deref().unwrap_or_default()),
            owner: said(&device.owner.name.clone().or_else(|| device.owner.user.clone())),
            mailbox: words::breakable(&words::visible(
                device.owner.mailbox.as_deref().unwrap_or_default(),
            )),
            model: said(&facts.model),
            os: said(&facts.os),
            client,
            state: facts.access_state,
            reason: facts.access_reason.map(domain::AccessReason::word),
            last_sync,
            freshness,
        }
    }
}

/// What can be asked of many devices. Erasing entire phones is left to each device's own page, and to
/// a query that somebody writes on purpose.
fn acts(signed_in: &SignedIn) -> Vec<ActionKind> {
    let all = ActionKind::ALL.iter().copied();
    all.filter(|kind| *kind != ActionKind::WipeDevice && signed_in.caller.may(kind.permission()))
        .collect()
}

/// One sentence over the list.
async fn summary(
    engine: &Engine,
    scope: &domain::Scope,
    now: Timestamp,
) -> Result<String, Problem> {
    let totals = engine.store().totals(scope).await?;
    let connectors = engine.store().connectors(scope).await?;
    let devices: u64 = totals.iter().map(store::Totals::devices).sum();
    let quarantined: u64 = totals
        .iter()
        .flat_map(|total| &total.states)
        .filter(|(state, _)| *state == AccessState::Quarantined)
        .map(|(_, count)| count)
        .sum();
    let synced = match connectors.iter().filter_map(|connector| connector.last_full_sync).max() {
        Some(at) => format!("last full sync {}", words::relative(at, now)),
        None => "no full sync yet".to_owned(),
    };
    Ok(format!(
        "{}; {} quarantined; {synced}.",
        words::counted(devices, "device"),
        words::number(quarantined)
    ))
}

/// The query with its `state:` taken out, so that the facets count what else could be chosen.
fn without_state(text: &str, parsed: &Query) -> Query {
    Query::parse(&strip_state(text)).unwrap_or_else(|_| parsed.clone())
}

/// A text without its `state:` words, where those stand outside of parentheses and quotes.
fn strip_state(text: &str) -> String {
    if text.contains(['(', '"'])
        || text.split_whitespace().any(|word| word == "or" || word == "not")
    {
        return text.to_owned();
    }
    let words: Vec<&str> =
        text.split_whitespace().filter(|word| !word.starts_with("state:")).collect();
    words.join(" ")
}

fn facet_links(facets: &Facets, query: &str) -> Vec<Facet> {
    let rest = strip_state(query);
    let counts = facets.states.iter().map(|(_, count)| count.least());
    let open_ended = facets.states.iter().any(|(_, count)| !matches!(count, Count::Exactly(_)));
    let all = Facet {
        href: link(&rest, None),
        state: None,
        count: format!("{}{}", words::number(counts.sum()), if open_ended { "+" } else { "" }),
        current: rest == query,
    };
    let states = facets.states.iter().filter_map(|(state, count)| {
        let count = match count {
            Count::Exactly(0) => return None,
            Count::Exactly(count) => words::number(*count),
            Count::MoreThan(count) | Count::AtLeast(count) => {
                format!("{}+", words::number(*count))
            }
        };
        let chosen = format!("state:{state} {rest}");
        let current = query.split_whitespace().any(|word| word == format!("state:{state}"));
        Some(Facet { href: link(chosen.trim(), None), state: Some(*state), count, current })
    });
    std::iter::once(all).chain(states).collect()
}

fn link(query: &str, cursor: Option<&str>) -> String {
    let mut link = "/devices".to_owned();
    if !query.is_empty() {
        link.push_str(&format!("?query={}", words::query_value(query)));
    }
    if let Some(cursor) = cursor {
        link.push(if query.is_empty() { '?' } else { '&' });
        link.push_str(&format!("cursor={}", words::query_value(cursor)));
    }
    link
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_facet_replaces_the_state_and_keeps_the_rest() {
        assert_eq!(strip_state("state:blocked os:iOS*"), "os:iOS*");
        assert_eq!(strip_state("jane"), "jane");
        assert_eq!(strip_state("(state:blocked or jane)"), "(state:blocked or jane)");
    }

    #[test]
    fn links_carry_the_query() {
        assert_eq!(link("", None), "/devices");
        assert_eq!(link("", Some("7")), "/devices?cursor=7");
        assert_eq!(link("a b", Some("7")), "/devices?query=a%20b&cursor=7");
    }
}
