//! One connector: where it stands, what it may do, what it does and did.

pub(crate) mod actions;
mod parts;
mod passes;
mod permissions;
mod work;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    response::{IntoResponse as _, Response},
};
use domain::{
    Connector, ConnectorName, Timestamp,
    connector::{ConnectorState, Expiry, HostedSignIn},
};
use engine::{Engine, SignInState};
use serde::Deserialize;

pub(crate) use self::parts::{not_scheduled, upcoming};
use self::{
    parts::{EndpointRow, Gauge, LogRow, MessageRow},
    passes::{Chart, PassRow},
    permissions::Report,
    work::{FirstStep, Work, first_steps, is_running},
};
use crate::{
    connectors::{organization, trouble},
    console::Console,
    live::Live,
    page::{self, Fact, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    wishes::{self, DriftNotice},
    words,
};

/// Passes shown.
const PASSES: u32 = 20;
/// Jobs looked through for the connector's latest.
const JOBS: u32 = 50;
/// Lines of the component log shown.
const LOG_LINES: usize = 40;
/// Status messages shown.
const MESSAGES: u32 = 50;

#[derive(Template)]
#[template(
    path = "connector.html",
    blocks = ["state", "progress", "permissions", "inventory", "endpoints", "budget", "passes", "messages", "log", "ageing", "wish"]
)]
struct ConnectorPage {
    shell: Shell,
    name: String,
    live: Live,
    summary: String,
    notices: Vec<Notice>,
    can_work: bool,
    is_paused: bool,
    steps: Vec<FirstStep>,
    job: Option<Work>,
    report: Option<Report>,
    begins_check: bool,
    has_account: bool,
    /// Whether a person signs in with a code.
    signs_in_by_code: bool,
    is_hosted: bool,
    connection: Vec<Fact>,
    inventory: Vec<Fact>,
    devices_href: String,
    endpoints: Vec<EndpointRow>,
    gauge: Gauge,
    chart: Option<Chart>,
    passes: Vec<PassRow>,
    messages: Vec<MessageRow>,
    log: Vec<LogRow>,
    ageing: String,
    can_age: bool,
    drift: Option<DriftNotice>,
    wish: String,
}

/// Something to know before all else.
struct Notice {
    tone: &'static str,
    text: String,
}

/// What the URL says.
#[derive(Deserialize)]
pub(crate) struct Asked {
    /// Parts that the page shows already.
    #[serde(default)]
    seen: String,
    /// The connector was just added or changed: it is checked without another click.
    new: Option<String>,
}

pub(crate) fn name_of(text: &str) -> Result<ConnectorName, Problem> {
    ConnectorName::parse(text).map_err(|_| Problem::not_found("connector"))
}

/// `GET /connectors/{name}`
pub(crate) async fn connector(
    State(console): State<Console>,
    signed_in: SignedIn,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let scope = signed_in.read()?;
    let connector = console.engine.store().connector(&scope, &name_of(&name)?).await?;
    let mut page = ConnectorPage::read(&console, &signed_in, &connector).await?;
    page.begins_check = asked.new.is_some() && page.report.is_none();
    page.live = page.live(&page.parts()?);
    Ok(page::whole(&page))
}

/// `GET /connectors/{name}/live`: what differs from what the page shows.
pub(crate) async fn live(
    State(console): State<Console>,
    signed_in: SignedIn,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let scope = signed_in.read()?;
    let connector = match console.engine.store().connector(&scope, &name_of(&name)?).await {
        Ok(connector) => connector,
        // Somebody removed it: the page says so when it is loaded anew, and asks no more.
        Err(store::Error::NotFound(_)) => return Ok([("hx-refresh", "true")].into_response()),
        Err(error) => return Err(error.into()),
    };
    let page = ConnectorPage::read(&console, &signed_in, &connector).await?;
    let parts = page.parts()?;
    Ok(page.live(&parts).answer(&asked.seen, &parts))
}

/// The section of the page that shows the last check.
async fn permissions_section(
    console: &Console,
    signed_in: &SignedIn,
    connector: &Connector,
) -> Result<Response, Problem> {
    let page = ConnectorPage::read(console, signed_in, connector).await?;
    Ok(page::html(page.as_permissions().render()))
}

impl ConnectorPage {
    async fn read(
        console: &Console,
        signed_in: &SignedIn,
        connector: &Connector,
    ) -> Result<Self, Problem> {
        let scope = signed_in.read()?;
        let engine: &Engine = &console.engine;
        let now = engine.now();
        let (store, name) = (engine.store(), &connector.name);
        let jobs = store.jobs(&scope, JOBS).await?;
        let job = jobs.into_iter().find(|job| job.connector == connector.id);
        let passes = store.passes(&scope, connector.id, PASSES).await?;
        let totals = store.totals(&scope).await?;
        let totals = totals.iter().find(|total| total.connector == connector.id);
        let messages = store.status_messages(&scope, connector.id, MESSAGES).await?;
        let report = engine.last_check(&signed_in.caller, name).await?;
        let log = engine.component_log(&signed_in.caller, name, LOG_LINES).await?;
        let endpoints = engine.endpoints(&signed_in.caller, name).await?;
        let next = engine.next_passes(connector).await?;
        let ageing = engine.preview_ageing(&signed_in.caller, name).await?;
        let (ageing, can_age) = parts::ageing(&ageing);
        let is_busy = job.as_ref().is_some_and(is_running);
        let is_theirs = wishes::is_theirs(engine, signed_in, name).await;
        Ok(Self {
            shell: Shell::new(Place::Connectors, signed_in),
            name: name.to_string(),
            live: Live::default(),
            summary: summary(connector),
            notices: notices(connector, now)
                .into_iter()
                .chain(sign_in_notice(engine, signed_in, connector).await)
                .collect(),
            signs_in_by_code: is_by_code(connector),
            is_hosted: connector.endpoint.hosted().is_some(),
            can_work: connector.state != ConnectorState::Removed,
            is_paused: connector.is_paused,
            steps: first_steps(connector, is_busy).unwrap_or_default(),
            job: job.map(|job| Work::new(&job, connector.trouble.as_deref(), now)),
            report: report.as_ref().map(Report::new),
            begins_check: false,
            has_account: !connector.endpoint.account().is_empty(),
            connection: parts::connection(connector, now),
            inventory: parts::inventory(connector, totals, next, now),
            devices_href: format!("/devices?query=connector:{name}"),
            endpoints: endpoints.iter().map(|one| EndpointRow::new(one, now)).collect(),
            gauge: Gauge::new(engine.budget(connector)),
            chart: Chart::new(&passes, now),
            passes: passes.iter().map(|pass| PassRow::new(pass, now)).collect(),
            messages: messages.iter().map(|one| MessageRow::new(one, now)).collect(),
            log: log.iter().map(LogRow::new).collect(),
            ageing,
            can_age,
            drift: DriftNotice::read(engine, signed_in, name, is_theirs).await?,
            wish: wish(engine.wish(&signed_in.caller, name).await?.as_ref(), now),
        })
    }

    /// The parts of the page that live.
    fn parts(&self) -> Result<Vec<String>, Problem> {
        let rendered: askama::Result<Vec<String>> = [
            self.as_state().render(),
            self.as_progress().render(),
            self.as_inventory().render(),
            self.as_endpoints().render(),
            self.as_budget().render(),
            self.as_passes().render(),
            self.as_messages().render(),
            self.as_log().render(),
            self.as_ageing().render(),
            self.as_wish().render(),
        ]
        .into_iter()
        .collect();
        rendered.map_err(|error| Problem::internal(&error))
    }

    fn live(&self, parts: &[String]) -> Live {
        // Connecting for the first time is no sync, and somebody waits for it.
        let is_busy = self.job.as_ref().is_some_and(|job| job.running) || self.gauge.in_use > 0;
        Live::new(&format!("/connectors/{}/live", self.name), parts, is_busy)
    }
}

/// One sentence under the name.
fn summary(connector: &Connector) -> String {
    let state = match connector.state {
        ConnectorState::Trouble => "in trouble",
        state => state.word(),
    };
    let paused = if connector.is_paused { ", paused" } else { "" };
    let organization = words::sentence(&organization(connector));
    format!("{}; {state}{paused}.", organization.trim_end_matches('.'))
}

/// Whether it is written down what the organization shall be.
fn wish(held: Option<&store::Revision>, now: Timestamp) -> String {
    match held {
        Some(held) => format!(
            "Revision {} holds, applied by {} {}. Exchange is compared with it every hour.",
            held.revision,
            words::visible(&held.person_name),
            words::relative(held.kept, now)
        ),
        None => {
            "Nothing is written down yet; settings and access stay as Exchange has them.".to_owned()
        }
    }
}

fn is_by_code(connector: &Connector) -> bool {
    let way = connector.endpoint.hosted().map(|hosted| hosted.sign_in);
    way == Some(HostedSignIn::DeviceCode)
}

/// Where a person is to go and what to enter, and what became of it.
async fn sign_in_notice(
    engine: &Engine,
    signed_in: &SignedIn,
    connector: &Connector,
) -> Option<Notice> {
    if !is_by_code(connector) {
        return None;
    }
    // Who may not change the connector is not shown the code either.
    let begun = engine.sign_in_begun(&signed_in.caller, &connector.name).await.ok()?;
    let (tone, text) = match begun.state {
        SignInState::Waiting => ("quarantined", words::visible(&begun.message)),
        SignInState::Done => return None,
        SignInState::Failed(why) => ("blocked", words::sentence(&words::visible(&why))),
    };
    Some(Notice { tone, text })
}

/// What is wrong, what rests, and what to do.
fn notices(connector: &Connector, now: Timestamp) -> Vec<Notice> {
    let mut notices = Vec::new();
    if connector.state == ConnectorState::Removed {
        let text = "This connector was removed and reads nothing any more. Its inventory is kept as \
                    it was.";
        notices.push(Notice { tone: "unknown", text: text.to_owned() });
        return notices;
    }
    if let Some(trouble) = trouble(connector) {
        let again = connector.next_install.filter(|at| *at > now).map(|at| {
            format!(
                " Gatepost tries again {}, and at once when the connector is changed.",
                words::relative(at, now)
            )
        });
        let text = format!("{trouble}{}", again.unwrap_or_default());
        notices.push(Notice { tone: "blocked", text });
    }
    let certificate = connector.endpoint.hosted().and_then(|hosted| hosted.certificate.as_ref());
    if let Some(certificate) = certificate {
        let expiry = Expiry::of(certificate, now);
        let tone = if expiry == Expiry::Over { "blocked" } else { "quarantined" };
        if let Some(text) = expiry.sentence(certificate) {
            notices.push(Notice { tone, text: words::sentence(&words::visible(&text)) });
        }
    }
    if connector.is_paused {
        let text =
            "Paused: nothing is read by itself. What somebody asks for is done all the same.";
        notices.push(Notice { tone: "quarantined", text: text.to_owned() });
    }
    notices
}
