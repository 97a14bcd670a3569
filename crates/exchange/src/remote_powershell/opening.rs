//! Opening a session: the shell, the runspace pool inside it, and what it means if that fails.

use std::time::Duration;

use psrp::{
    body::PoolOptions,
    client::{Event, RunspacePool},
    state::PoolState,
};
use uuid::Uuid;
use wsman::{
    client::{Creation, Response, Settings, Shell},
    fault::{self, Fault},
};

use super::RemotePowerShell;
use crate::{
    ConnectError,
    connection::{Answer, Connection, SendError},
    errors::{OpeningRefusal, wait_of},
};

/// Receives until the pool is open; a server that is slow needs a few.
const MAX_RECEIVES: u32 = 30;
/// Where the server does not say how long to wait.
const USUAL_WAIT: Duration = Duration::from_secs(30);

pub(super) async fn open(
    mut connection: Connection,
    url: &str,
) -> Result<RemotePowerShell, ConnectError> {
    connection.ensure().await?;
    let mut pool = RunspacePool::new(Uuid::new_v4(), PoolOptions::default());
    let payload = pool.open();
    let mut shell = shell(&connection, url);
    let creation = Creation { shell_id: Some(pool.id()), idle_timeout: None, payload: &payload };
    let created = send(&mut connection, shell.create(Uuid::new_v4(), &creation)).await?;
    let Response::Created(created) = created else {
        return Err(ConnectError::Protocol("the shell was not opened".to_owned()));
    };
    shell.opened(created.shell_id);
    let opened = open_pool(&mut connection, &shell, &mut pool).await;
    if let Err(error) = opened {
        // It would count against the account until the server's idle time-out.
        drop(send(&mut connection, shell.delete(Uuid::new_v4())).await);
        return Err(error);
    }
    Ok(RemotePowerShell { connection, shell, pool, pipeline: None })
}

/// A shell of the endpoint, not opened yet.
pub(super) fn shell(connection: &Connection, url: &str) -> Shell {
    let mut settings = Settings::exchange(url.to_owned(), Uuid::new_v4());
    settings.operation_timeout = connection.timeouts().operation;
    Shell::new(settings)
}

/// Receives until the runspace pool is open.
async fn open_pool(
    connection: &mut Connection,
    shell: &Shell,
    pool: &mut RunspacePool,
) -> Result<(), ConnectError> {
    for _ in 0..MAX_RECEIVES {
        let envelope = shell.receive(Uuid::new_v4(), None);
        match send(connection, envelope).await {
            Ok(Response::Received(received)) => {
                for stream in &received.streams {
                    pool.receive(&stream.bytes)
                        .map_err(|error| ConnectError::Protocol(error.to_string()))?;
                }
            }
            Ok(_) => return Err(ConnectError::Protocol("no output came".to_owned())),
            Err(error) => return Err(error),
        }
        while let Some(event) = pool.next_event() {
            if let Event::PoolState(state, error) = event
                && state.is_final()
            {
                let text = error.map_or_else(|| state.to_string(), |error| error.message);
                return Err(of_text(&text));
            }
        }
        if pool.state() == PoolState::Opened {
            return Ok(());
        }
    }
    Err(ConnectError::TimedOut {
        step: "opening the runspace pool".to_owned(),
        after: connection.timeouts().operation * MAX_RECEIVES,
    })
}

/// Sends a request of the opening. A server that has nothing yet gives an empty answer.
async fn send(connection: &mut Connection, envelope: String) -> Result<Response, ConnectError> {
    let answer = connection.send(envelope).await.map_err(|error| match error {
        SendError::NotConnected(error) => error,
        SendError::Cut(reason) | SendError::Lost(reason) => ConnectError::Cut(reason),
        SendError::TimedOut(after) => {
            ConnectError::TimedOut { step: "opening the session".to_owned(), after }
        }
    })?;
    if !answer.is_soap {
        return Err(not_soap(&answer, connection.path()));
    }
    let response = wsman::client::parse(&answer.body)
        .map_err(|error| ConnectError::Protocol(error.to_string()))?;
    match response {
        Response::Fault(fault) if fault.is_time_out() => {
            Ok(Response::Received(wsman::client::Received::default()))
        }
        Response::Fault(fault) => Err(of_fault(&fault)),
        response => Ok(response),
    }
}

/// What a fault of the opening means.
fn of_fault(fault: &Fault) -> ConnectError {
    let text = fault.best_text();
    match OpeningRefusal::of(text) {
        OpeningRefusal::NoRoles => return ConnectError::NoRoles,
        OpeningRefusal::Budget { wait } => {
            return ConnectError::Throttled { wait: wait.unwrap_or(USUAL_WAIT) };
        }
        OpeningRefusal::Other => {}
    }
    match fault.code {
        _ if fault.is_quota() => ConnectError::TooManyShells { wait: wait_of(text) },
        _ if fault.is_access_denied() => ConnectError::Forbidden(text.to_owned()),
        Some(fault::RESOURCE_NOT_FOUND | fault::INVALID_RESOURCE_URI) => ConnectError::NotExchange,
        _ => ConnectError::Refused(text.to_owned()),
    }
}

/// What the text of a pool that broke while it was opened means.
fn of_text(text: &str) -> ConnectError {
    match OpeningRefusal::of(text) {
        OpeningRefusal::NoRoles => ConnectError::NoRoles,
        OpeningRefusal::Budget { wait } => {
            ConnectError::Throttled { wait: wait.unwrap_or(USUAL_WAIT) }
        }
        OpeningRefusal::Other => ConnectError::Refused(text.to_owned()),
    }
}

/// What an answer is that is no SOAP.
pub(super) fn not_soap(answer: &Answer, path: &str) -> ConnectError {
    let title = crate::connection::title(&answer.body);
    match answer.status.as_u16() {
        404 => ConnectError::WrongPath { path: path.to_owned() },
        403 => ConnectError::Forbidden(title.unwrap_or_else(|| "403".to_owned())),
        status if title.is_some() || answer.body.starts_with(b"<") => {
            ConnectError::HtmlPage { status, title }
        }
        status => ConnectError::ServerError {
            status,
            reason: String::from_utf8_lossy(&answer.body).chars().take(200).collect(),
        },
    }
}
