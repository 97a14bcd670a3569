//! All connectors: where each stands.

use std::collections::HashMap;

use askama::Template;
use axum::{extract::State, response::Response};
use domain::{Connector, Timestamp, connector::ConnectorState};
use engine::Engine;

use crate::{
    page::{self, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};

#[derive(Template)]
#[template(path = "connectors.html")]
struct ConnectorsPage {
    shell: Shell,
    summary: String,
    rows: Vec<Row>,
}

struct Row {
    href: String,
    name: String,
    /// HTML.
    endpoint: String,
    organization: String,
    state: &'static str,
    tone: &'static str,
    trouble: Option<String>,
    devices: String,
    last_full_sync: String,
}

/// `GET /connectors`
pub(crate) async fn connectors(
    State(engine): State<Engine>,
    signed_in: SignedIn,
) -> Result<Response, Problem> {
    let scope = signed_in.read()?;
    let now = engine.now();
    let connectors = engine.store().connectors(&scope).await?;
    let totals = engine.store().totals(&scope).await?;
    let devices: HashMap<_, _> =
        totals.iter().map(|total| (total.connector, total.devices())).collect();
    let in_trouble =
        connectors.iter().filter(|connector| connector.state == ConnectorState::Trouble).count();
    let page = ConnectorsPage {
        shell: Shell::new(Place::Connectors, &signed_in),
        summary: summary(connectors.len(), in_trouble),
        rows: connectors
            .iter()
            .map(|connector| {
                Row::new(connector, devices.get(&connector.id).copied().unwrap_or(0), now)
            })
            .collect(),
    };
    Ok(page::whole(&page))
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
    fn new(connector: &Connector, devices: u64, now: Timestamp) -> Self {
        Self {
            href: format!("/connectors/{}", connector.name),
            name: connector.name.to_string(),
            endpoint: words::breakable(&words::visible(&connector.endpoint.url)),
            organization: organization(connector),
            state: connector.state.word(),
            tone: tone(connector.state),
            trouble: trouble(connector),
            devices: words::number(devices),
            last_full_sync: words::time(connector.last_full_sync, now, "never"),
        }
    }
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
