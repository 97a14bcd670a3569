//! One connector: connection, inventory, running work, passes.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{
    AccessState, Connector, ConnectorName, Timestamp,
    connector::ConnectorState,
    pass::{Pass, PassKind, PassOutcome},
};
use engine::Engine;
use store::{Job, JobState};

use crate::{
    connectors::{organization, tone, trouble},
    page::{self, Fact, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};

/// Passes shown.
const PASSES: u32 = 20;
/// Jobs looked through for the connector's latest.
const JOBS: u32 = 50;

#[derive(Template)]
#[template(path = "connector.html", blocks = ["progress"])]
struct ConnectorPage {
    shell: Shell,
    name: String,
    summary: String,
    trouble: Option<String>,
    job: Option<Work>,
    connection: Vec<Fact>,
    inventory: Vec<Fact>,
    devices_href: String,
    passes: Vec<PassRow>,
}

struct Work {
    text: String,
    running: bool,
    share: Option<u64>,
}

struct PassRow {
    began: String,
    kind: &'static str,
    outcome: &'static str,
    tone: &'static str,
    took: String,
    counts: Vec<(&'static str, String)>,
}

/// `GET /connectors/{name}`
pub(crate) async fn connector(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let scope = signed_in.read()?;
    let name = ConnectorName::parse(&name).map_err(|_| Problem::not_found("connector"))?;
    let now = engine.now();
    let store = engine.store();
    let connector = store.connector(&scope, &name).await?;
    let job = store.jobs(&scope, JOBS).await?.into_iter().find(|job| job.connector == connector.id);
    let passes = store.passes(&scope, connector.id, PASSES).await?;
    let totals = store.totals(&scope).await?;
    let totals = totals.iter().find(|total| total.connector == connector.id);
    let is_running = job.as_ref().is_some_and(is_running);
    let view = ConnectorPage {
        shell: Shell::new(Place::Connectors, &signed_in),
        name: connector.name.to_string(),
        summary: summary(&connector),
        trouble: trouble(&connector),
        job: job.map(|job| Work::new(&job, connector.trouble.as_deref(), now)),
        connection: connection(&connector, now),
        inventory: inventory(&connector, totals, now),
        devices_href: format!("/devices?query=connector:{name}"),
        passes: passes.iter().map(|pass| PassRow::new(pass, now)).collect(),
    };
    if headers.contains_key("hx-request") {
        // Work has ended: the rest of the page is out of date too.
        let refresh = (!is_running).then_some([("hx-refresh", "true")]);
        return Ok((refresh, page::html(view.as_progress().render())).into_response());
    }
    Ok(page::whole(&view))
}

/// `POST /connectors/{name}/sync`
pub(crate) async fn sync(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let name = ConnectorName::parse(&name).map_err(|_| Problem::not_found("connector"))?;
    engine.sync(&signed_in.caller, &name, PassKind::Full).await?;
    Ok(Redirect::to(&format!("/connectors/{name}")).into_response())
}

fn is_running(job: &Job) -> bool {
    matches!(job.state, JobState::Waiting | JobState::Running)
}

/// One sentence under the name.
fn summary(connector: &Connector) -> String {
    let state = match connector.state {
        ConnectorState::Trouble => "in trouble",
        state => state.word(),
    };
    format!("{}; {state}.", words::sentence(&organization(connector)).trim_end_matches('.'))
}

/// `Full sync`
fn title(job: &Job) -> String {
    words::sentence(&job.kind).trim_end_matches('.').to_owned()
}

impl Work {
    /// `trouble` is said elsewhere on the page already.
    fn new(job: &Job, trouble: Option<&str>, now: Timestamp) -> Self {
        let progress = &job.progress;
        let expected = progress.expected.filter(|expected| *expected > 0);
        let outcome = job.outcome.as_deref().filter(|outcome| Some(*outcome) != trouble);
        let outcome = outcome.map(words::visible).unwrap_or_default();
        let outcome = words::sentence(&outcome);
        let when = job.finished.map(|at| words::relative(at, now)).unwrap_or_default();
        let text = match job.state {
            JobState::Waiting => format!("The {} waits for its turn.", job.kind),
            JobState::Running => {
                let step = progress.step.as_deref().unwrap_or("connecting");
                match expected {
                    Some(expected) => format!(
                        "{}: {step}, {} of {}.",
                        title(job),
                        words::number(progress.done),
                        words::number(expected)
                    ),
                    None if progress.done > 0 => {
                        format!("{}: {step}, {}.", title(job), words::number(progress.done))
                    }
                    None => format!("{}: {step}.", title(job)),
                }
            }
            JobState::Done => format!("The last {} ended well {when}. {outcome}", job.kind),
            JobState::Failed => format!("The last {} failed {when}. {outcome}", job.kind),
        };
        let share = expected.map(|expected| progress.done * 100 / expected);
        Self { text, running: is_running(job), share }
    }
}

impl PassRow {
    fn new(pass: &Pass, now: Timestamp) -> Self {
        let counts = &pass.counts;
        let (outcome, tone) = match pass.outcome {
            None => ("running", "discovery"),
            Some(PassOutcome::Complete) => ("complete", "allowed"),
            Some(PassOutcome::Incomplete) => ("incomplete", "quarantined"),
            Some(PassOutcome::Failed) => ("failed", "blocked"),
        };
        let until = pass.finished.unwrap_or(now).as_millisecond();
        let took = words::took(until - pass.started.as_millisecond());
        let took = if pass.finished.is_some() { took } else { format!("{took} so far") };
        Self {
            began: words::time(Some(pass.started), now, ""),
            kind: pass.kind.word(),
            outcome,
            tone,
            took,
            counts: vec![
                ("Devices", words::number(counts.devices)),
                ("New", words::number(counts.added)),
                ("Changed", words::number(counts.changed)),
                ("Gone", words::number(counts.gone)),
                ("Not understood", words::number(counts.poisoned)),
                ("Mailboxes", words::number(counts.mailboxes)),
                ("Statistics", words::number(counts.statistics)),
            ],
        }
    }
}

fn connection(connector: &Connector, now: Timestamp) -> Vec<Fact> {
    let endpoint = &connector.endpoint;
    let shown = |text: &str| words::breakable(&words::visible(text));
    let mut facts = vec![
        Fact { name: "Address", value: shown(&endpoint.url), code: true },
        Fact { name: "Signing in", value: endpoint.authentication.word().to_owned(), code: false },
    ];
    if let Some(user) = &endpoint.username {
        facts.push(Fact { name: "Account", value: shown(user), code: true });
    }
    if let Some(to) = &endpoint.connect_to {
        facts.push(Fact { name: "Connects to", value: shown(to), code: true });
    }
    if let Some(proxy) = &endpoint.proxy {
        facts.push(Fact { name: "Proxy", value: shown(&proxy.address), code: true });
    }
    let state = connector.state;
    let badge = format!(r#"<span class="badge {}">{}</span>"#, tone(state), state.word());
    facts.push(Fact { name: "State", value: badge, code: false });
    let added = words::time(Some(connector.created), now, "");
    facts.push(Fact { name: "Added", value: added, code: false });
    facts
}

fn inventory(connector: &Connector, totals: Option<&store::Totals>, now: Timestamp) -> Vec<Fact> {
    let devices = totals.map_or(0, store::Totals::devices);
    let mut facts = vec![
        Fact {
            name: "Last full sync",
            value: words::time(connector.last_full_sync, now, "never"),
            code: false,
        },
        Fact { name: "Devices", value: words::number(devices), code: false },
    ];
    let name = |state: AccessState| match state {
        AccessState::Allowed => "Allowed",
        AccessState::Blocked => "Blocked",
        AccessState::Quarantined => "Quarantined",
        AccessState::Discovery => "Discovery",
        AccessState::Unknown => "Unknown",
    };
    let states = totals.map(|totals| totals.states.as_slice()).unwrap_or_default();
    facts.extend(states.iter().map(|(state, count)| Fact {
        name: name(*state),
        value: words::number(*count),
        code: false,
    }));
    if let Some(totals) = totals.filter(|totals| totals.gone > 0) {
        facts.push(Fact { name: "Gone", value: words::number(totals.gone), code: false });
    }
    facts
}
