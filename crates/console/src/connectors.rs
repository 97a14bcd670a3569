//! All connectors: where each stands. Without one: how to get there.

use std::collections::HashMap;

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use domain::{
    Connector, StatusMessage, Timestamp, connector::ConnectorState, status_message::Severity,
};
use engine::{Engine, NextPasses};
use jiff::SignedDuration;
use serde::Deserialize;

use crate::{
    connector::{not_scheduled, upcoming},
    live::Live,
    page::{self, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};

/// Errors are counted this far back.
const ERRORS_SINCE: SignedDuration = SignedDuration::from_hours(24);
/// Status messages looked through for errors.
const MESSAGES: u32 = 200;

#[derive(Template)]
#[template(path = "connectors.html", blocks = ["summary", "rows"])]
struct ConnectorsPage {
    shell: Shell,
    live: Live,
    summary: String,
    rows: Vec<Row>,
}

struct Row {
    href: String,
    name: String,
    /// HTML.
    endpoint: String,
    organization: String,
    state: String,
    tone: &'static str,
    trouble: Option<String>,
    devices: String,
    /// HTML, as are the next two.
    last_full: String,
    last_delta: String,
    next: String,
    errors: String,
}

/// What the URL says.
#[derive(Deserialize)]
pub(crate) struct Asked {
    /// Parts that the page shows already.
    #[serde(default)]
    seen: String,
}

/// `GET /connectors`
pub(crate) async fn connectors(
    State(engine): State<Engine>,
    signed_in: SignedIn,
) -> Result<Response, Problem> {
    let mut page = ConnectorsPage::read(&engine, &signed_in).await?;
    page.live = page.live(&page.parts()?);
    Ok(page::whole(&page))
}

/// `GET /connectors/live`: what differs from what the page shows.
pub(crate) async fn live(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let page = ConnectorsPage::read(&engine, &signed_in).await?;
    let parts = page.parts()?;
    Ok(page.live(&parts).answer(&asked.seen, &parts))
}

impl ConnectorsPage {
    async fn read(engine: &Engine, signed_in: &SignedIn) -> Result<Self, Problem> {
        let scope = signed_in.read()?;
        let now = engine.now();
        let connectors = engine.store().connectors(&scope).await?;
        let totals = engine.store().totals(&scope).await?;
        let devices: HashMap<_, _> =
            totals.iter().map(|total| (total.connector, total.devices())).collect();
        let is_in_trouble = |one: &&Connector| one.state == ConnectorState::Trouble;
        let in_trouble = connectors.iter().filter(is_in_trouble).count();
        let mut rows = Vec::with_capacity(connectors.len());
        for connector in &connectors {
            let messages = engine.store().status_messages(&scope, connector.id, MESSAGES).await?;
            let next = engine.next_passes(connector).await?;
            let devices = devices.get(&connector.id).copied().unwrap_or(0);
            rows.push(Row::new(connector, devices, next, &messages, now));
        }
        Ok(Self {
            shell: Shell::new(Place::Connectors, signed_in),
            live: Live::default(),
            summary: summary(connectors.len(), in_trouble),
            rows,
        })
    }

    fn parts(&self) -> Result<Vec<String>, Problem> {
        let rendered: askama::Result<Vec<String>> =
            [self.as_summary().render(), self.as_rows().render()].into_iter().collect();
        rendered.map_err(|error| Problem::internal(&error))
    }

    fn live(&self, parts: &[String]) -> Live {
        Live::new("/connectors/live", parts, false)
    }
}

/// One sentence over the list.
fn summary(connectors: usize, in_trouble: usize) -> String {
    let count = words::counted(connectors as u64, "connector");
    match (connectors, in_trouble) {
        (0, _) => "No connector yet.".to_owned(),
        (_, 0) => format!("{count}; none in trouble."),
        _ => format!("{count}; {in_trouble} in trouble."),
    }
}

impl Row {
    fn new(
        connector: &Connector,
        devices: u64,
        next: NextPasses,
        messages: &[StatusMessage],
        now: Timestamp,
    ) -> Self {
        let paused = if connector.is_paused { ", paused" } else { "" };
        Self {
            href: format!("/connectors/{}", connector.name),
            name: connector.name.to_string(),
            endpoint: words::breakable(&words::visible(connector.endpoint.url())),
            organization: organization(connector),
            state: format!("{}{paused}", connector.state.word()),
            tone: tone(connector.state),
            trouble: trouble(connector),
            devices: words::number(devices),
            last_full: words::time(connector.last_full_sync, now, "never"),
            last_delta: words::time(connector.last_delta_sync, now, "never"),
            next: next_pass(connector, next, now),
            errors: errors(messages, now),
        }
    }
}

/// The pass that comes first, and which it is.
fn next_pass(connector: &Connector, next: NextPasses, now: Timestamp) -> String {
    let full = next.full.map(|at| (at, "full"));
    let delta = next.delta.map(|at| (at, "delta"));
    // Where both are due, the full one reads what the other would.
    match full.into_iter().chain(delta).min_by_key(|(at, _)| *at) {
        Some((at, kind)) => {
            format!(r#"{}<span class="second">{kind}</span>"#, upcoming(Some(at), now, ""))
        }
        None => {
            let install = connector.next_install.filter(|_| connector.organization.is_none());
            upcoming(install, now, not_scheduled(connector))
        }
    }
}

fn errors(messages: &[StatusMessage], now: Timestamp) -> String {
    let is_recent = |one: &&StatusMessage| now.duration_since(one.at) <= ERRORS_SINCE;
    let recent = messages.iter().filter(is_recent);
    let count = recent.filter(|one| one.event.severity() == Severity::Error).count();
    words::number(count as u64)
}

/// The organization's name, or that it is not known yet.
pub(crate) fn organization(connector: &Connector) -> String {
    connector.organization.as_ref().map_or_else(
        || "not known before the first connection".to_owned(),
        |organization| words::visible(&organization.name),
    )
}

/// What is wrong with it and what to do, as a sentence.
pub(crate) fn trouble(connector: &Connector) -> Option<String> {
    connector.trouble.as_deref().map(|trouble| words::sentence(&words::visible(trouble)))
}

/// The colour class of a state; the word stands beside it.
pub(crate) fn tone(state: ConnectorState) -> &'static str {
    match state {
        ConnectorState::Flagged => "discovery",
        ConnectorState::Installed => "allowed",
        ConnectorState::Trouble => "blocked",
        ConnectorState::Removed => "unknown",
    }
}
