//! How a connector does: its endpoints, its events, its log, what it uses of Exchange.

use axum::Json;
use domain::{EndpointHealth, status_message::StatusMessage};
use engine::BudgetGauge;
use serde::{Deserialize, Serialize};

use crate::{
    device::{rfc3339, text},
    job::LatestParameters,
    parameters::{Name, OfConnector},
    problem::Problem,
};

/// One address of an organization and how it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Endpoint {
    /// Address of remote PowerShell.
    pub url: String,
    /// `configured` (the connector's own), `site` (configured for a site), `exchange`, `directory`
    /// or `mailbox` (who named it).
    pub origin: String,
    /// Active Directory site of the server.
    pub site: Option<String>,
    /// Version of its Exchange; null until servers were read.
    pub version: Option<String>,
    /// Failures since it answered last.
    pub failures: u32,
    /// Not tried again before; null: it may be tried.
    pub rests_until: Option<String>,
    /// What went wrong last, and what to do.
    pub trouble: Option<String>,
    /// When a session was opened there last.
    pub last_success: Option<String>,
}

impl Endpoint {
    fn of(health: EndpointHealth) -> Self {
        Self {
            url: health.url,
            origin: health.origin.word().to_owned(),
            site: health.site,
            version: health.version,
            failures: health.failures,
            rests_until: text(health.rests_until),
            trouble: health.trouble,
            last_success: text(health.last_success),
        }
    }
}

/// The endpoints of a connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EndpointList {
    /// The endpoints, in the order they would be tried now.
    pub endpoints: Vec<Endpoint>,
}

/// Lists the endpoints of a connector and how they did.
#[utoipa::path(
    get,
    path = "/api/v1/connectors/{name}/endpoints",
    operation_id = "list_endpoints",
    tag = "connectors",
    params(Name),
    responses((status = 200, body = EndpointList), Problem)
)]
pub(crate) async fn endpoints(asked: OfConnector) -> Result<Json<EndpointList>, Problem> {
    let endpoints = asked.engine.endpoints(&asked.caller, &asked.name).await?;
    Ok(Json(EndpointList { endpoints: endpoints.into_iter().map(Endpoint::of).collect() }))
}

/// A numbered event of a connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Message {
    /// Number of the event, which never changes; 1015: the connector was installed.
    pub number: u16,
    /// The event in a word: `installed`, `failed-over`, …
    pub event: String,
    /// `information`, `warning` or `error`.
    pub severity: String,
    /// When.
    pub at: String,
    /// What happened, in one sentence.
    pub text: String,
}

impl Message {
    fn of(message: StatusMessage) -> Self {
        Self {
            number: message.event.number(),
            event: message.event.word().to_owned(),
            severity: message.event.severity().word().to_owned(),
            at: rfc3339(message.at),
            text: message.text,
        }
    }
}

/// The latest status messages of a connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MessageList {
    /// The messages, the latest first.
    pub messages: Vec<Message>,
}

/// Lists the latest status messages of a connector.
#[utoipa::path(
    get,
    path = "/api/v1/connectors/{name}/messages",
    operation_id = "list_messages",
    tag = "connectors",
    params(Name, LatestParameters),
    responses((status = 200, body = MessageList), Problem)
)]
pub(crate) async fn messages(
    asked: OfConnector<LatestParameters>,
) -> Result<Json<MessageList>, Problem> {
    let (scope, connector) = asked.connector().await?;
    let (store, limit) = (asked.engine.store(), asked.parameters.limit.0.into());
    let messages = store.status_messages(&scope, connector.id, limit).await?;
    Ok(Json(MessageList { messages: messages.into_iter().map(Message::of).collect() }))
}

/// A line of the component log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LogLine {
    /// When.
    pub at: String,
    /// Whether it is something to look at.
    pub is_warning: bool,
    /// What is searched for: `Failed to open runspace for site Berlin`.
    pub phrase: String,
    /// What else is to be said.
    pub detail: Option<String>,
}

impl LogLine {
    fn of(line: engine::LogLine) -> Self {
        Self {
            at: rfc3339(line.at),
            is_warning: line.is_warning,
            phrase: line.phrase,
            detail: line.detail,
        }
    }
}

/// The latest lines of the component log about a connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ComponentLog {
    /// The lines since the server was started, the latest first.
    pub lines: Vec<LogLine>,
}

/// Lists the latest lines of the component log about a connector since the server was started.
///
/// The server's own log keeps all of them.
#[utoipa::path(
    get,
    path = "/api/v1/connectors/{name}/log",
    operation_id = "list_log",
    tag = "connectors",
    params(Name, LatestParameters),
    responses((status = 200, body = ComponentLog), Problem)
)]
pub(crate) async fn log(
    asked: OfConnector<LatestParameters>,
) -> Result<Json<ComponentLog>, Problem> {
    let limit = asked.parameters.limit.0.into();
    let lines = asked.engine.component_log(&asked.caller, &asked.name, limit).await?;
    Ok(Json(ComponentLog { lines: lines.into_iter().map(LogLine::of).collect() }))
}

/// What a connector uses of Exchange, and how Exchange takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Budget {
    /// Sessions that may be used at once now.
    pub allowance: u8,
    /// Sessions that may be used at once at most.
    pub most: u8,
    /// Sessions in use.
    pub in_use: usize,
    /// Sessions open and idle.
    pub idle: usize,
    /// Pieces of work that wait for a session.
    pub waiting: usize,
    /// Cmdlets of the last hour.
    pub cmdlets: u64,
    /// Milliseconds by which Exchange delayed them.
    pub delayed_ms: u64,
    /// Times in the last hour that Exchange asked to wait.
    pub refusals: usize,
    /// Cmdlets that Exchange allows in `limit_seconds` before it refuses; null: it has told of no
    /// limit.
    pub limit_cmdlets: Option<u32>,
    /// In how many seconds.
    pub limit_seconds: Option<u32>,
}

impl Budget {
    fn of(gauge: BudgetGauge) -> Self {
        Self {
            allowance: gauge.allowance,
            most: gauge.most,
            in_use: gauge.in_use,
            idle: gauge.idle,
            waiting: gauge.waiting,
            cmdlets: gauge.cmdlets,
            delayed_ms: gauge.delayed_ms,
            refusals: gauge.refusals,
            limit_cmdlets: gauge.limit.map(|limit| limit.cmdlets),
            limit_seconds: gauge.limit.map(|limit| limit.seconds),
        }
    }
}

/// Says what a connector uses of Exchange.
#[utoipa::path(
    get,
    path = "/api/v1/connectors/{name}/budget",
    operation_id = "show_budget",
    tag = "connectors",
    params(Name),
    responses((status = 200, body = Budget), Problem)
)]
pub(crate) async fn budget(asked: OfConnector) -> Result<Json<Budget>, Problem> {
    let (_, connector) = asked.connector().await?;
    Ok(Json(Budget::of(asked.engine.budget(&connector))))
}
