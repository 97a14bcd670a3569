use std::time::Duration;

use uuid::Uuid;

use crate::error::Error;
use crate::fault::{Fault, read_fault};
use crate::limits::Limits;
use crate::stream::{CommandState, Progress, StreamData, command_id, parse_id, read_stream};
use crate::xml::{Element, Ns, Piece, Reader, decode, parse_code};
use crate::{duration, uri};

/// A server's answer with what ties it to its request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The message id of the request, as the server repeated it, with its `uuid:`; empty when it did not.
    pub relates_to: String,
    /// What it answers.
    pub response: Response,
}

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// The shell is open.
    Created(Created),
    /// The command runs.
    Command {
        /// The command's id; the one the client chose, if the server honours that.
        command_id: Option<Uuid>,
    },
    /// The input was taken.
    Sent,
    /// Output.
    Received(Received),
    /// The signal was taken.
    Signalled,
    /// The shell is closed.
    Deleted,
    /// The shell runs on alone.
    Disconnected,
    /// The shell is this client's again.
    Reconnected,
    /// The shell was taken over.
    Connected {
        /// The bytes of `connectResponseXml`.
        payload: Vec<u8>,
    },
    /// Any other answer, such as a resource that was read: what it says, which may be nothing.
    Got(Vec<Item>),
    /// Shells or commands were listed.
    Enumerated(Vec<Item>),
    /// The server will not or cannot. Comes with HTTP status 500.
    Fault(Fault),
}

/// An open shell, as the answer to Create describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Created {
    /// The server's id of the shell, to be repeated as it is written.
    pub shell_id: String,
    /// How long the shell may be left alone.
    pub idle_timeout: Option<Duration>,
    /// The user the server knows the client as.
    pub owner: Option<String>,
}

/// Output of a command or a shell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Received {
    /// The pieces, in order.
    pub streams: Vec<StreamData>,
    /// How far the command is; the server may leave it out.
    pub state: Option<CommandState>,
}

/// One resource in an answer, flattened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Item {
    /// The local name of its element: `Shell`, `Command`, `Config`.
    pub name: String,
    /// Its leaves by local name and text, in order.
    pub fields: Vec<(String, String)>,
}

/// Reads an answer within the default [`Limits`].
///
/// # Errors
///
/// [`Error::NotSoap`] for anything that is not an envelope, such as a proxy's page. A fault of the
/// server is not an error but [`Response::Fault`].
pub fn parse(body: &[u8]) -> Result<Response, Error> {
    parse_with(body, &Limits::default()).map(|answer| answer.response)
}

/// Reads an answer within limits, with the id of the request it answers.
///
/// # Errors
///
/// As [`parse`].
pub fn parse_with(body: &[u8], limits: &Limits) -> Result<Answer, Error> {
    let text = decode(body, limits)?;
    let mut reader = Reader::open(&text, limits)?;
    let mut action = String::new();
    let mut relates_to = String::new();
    let mut response = None;
    while let Some(part) = reader.child()? {
        match part.key() {
            (Ns::Soap, "Header") => {
                while let Some(header) = reader.child()? {
                    match header.key() {
                        (Ns::Addressing, "Action") => action = reader.text()?,
                        (Ns::Addressing, "RelatesTo") => relates_to = reader.text()?,
                        _ => reader.skip()?,
                    }
                }
            }
            (Ns::Soap, "Body") => response = read_body(&mut reader)?.or(response),
            _ => reader.skip()?,
        }
    }
    match response.or_else(|| of_empty_body(&action)) {
        Some(Response::Created(created)) if created.shell_id.is_empty() => {
            Err(Error::Missing { element: "ShellId" })
        }
        Some(response) => Ok(Answer { relates_to, response }),
        None if action.is_empty() => Err(Error::Missing { element: "Body" }),
        None => Err(Error::UnknownAction { action }),
    }
}

/// What an answer without a body says.
fn of_empty_body(action: &str) -> Option<Response> {
    let answers = [
        (uri::ACTION_DELETE, Response::Deleted),
        (uri::ACTION_SEND, Response::Sent),
        (uri::ACTION_SIGNAL, Response::Signalled),
        (uri::ACTION_DISCONNECT, Response::Disconnected),
        (uri::ACTION_RECONNECT, Response::Reconnected),
    ];
    let request = action.strip_suffix("Response")?;
    let known = answers.into_iter().find(|(action, _)| *action == request);
    Some(known.map_or(Response::Got(Vec::new()), |(_, response)| response))
}

/// Reads a body by its elements; none when it has no element that says what it answers.
fn read_body(reader: &mut Reader<'_>) -> Result<Option<Response>, Error> {
    let mut response = None;
    while let Some(child) = reader.child()? {
        let read = match child.key() {
            (Ns::Soap, "Fault") => Response::Fault(read_fault(reader)?),
            (Ns::Transfer, "ResourceCreated") => Response::Created(read_created(reader)?),
            (Ns::Shell, "Shell") if matches!(response, Some(Response::Created(_))) => {
                complete(&mut response, item(&child, reader)?);
                continue;
            }
            (Ns::Shell, "CommandResponse") => {
                Response::Command { command_id: read_command_id(reader)? }
            }
            (Ns::Shell, "SendResponse") => skipped(reader, Response::Sent)?,
            (Ns::Shell, "ReceiveResponse") => Response::Received(read_received(reader)?),
            (Ns::Shell, "SignalResponse") => skipped(reader, Response::Signalled)?,
            (Ns::Shell, "DisconnectResponse") => skipped(reader, Response::Disconnected)?,
            (Ns::Shell, "ReconnectResponse") => skipped(reader, Response::Reconnected)?,
            (Ns::Shell, "ConnectResponse") => read_connected(reader)?,
            (Ns::Enumeration, "EnumerateResponse" | "PullResponse") => {
                Response::Enumerated(read_items(reader)?)
            }
            _ => Response::Got(vec![item(&child, reader)?]),
        };
        response = Some(read);
    }
    Ok(response)
}

fn skipped(reader: &mut Reader<'_>, response: Response) -> Result<Response, Error> {
    reader.skip()?;
    Ok(response)
}

/// Reads the reference to the new shell (WS-Transfer, 3.4).
fn read_created(reader: &mut Reader<'_>) -> Result<Created, Error> {
    let mut shell_id = None;
    let mut open = 1_usize;
    while open > 0 {
        match reader.child()? {
            Some(child) if child.key() == (Ns::Wsman, "Selector") => {
                let name = child.attribute("Name")?;
                let text = reader.text()?;
                if name.is_some_and(|name| name.eq_ignore_ascii_case("ShellId")) {
                    shell_id = Some(text);
                }
            }
            Some(_) => open += 1,
            None => open -= 1,
        }
    }
    Ok(Created { shell_id: shell_id.unwrap_or_default(), ..Created::default() })
}

/// Adds what the shell's description says to what the reference said.
fn complete(response: &mut Option<Response>, shell: Item) {
    let Some(Response::Created(created)) = response else { return };
    for (name, value) in shell.fields {
        match name.as_str() {
            "ShellId" if created.shell_id.is_empty() => created.shell_id = value,
            "IdleTimeOut" => created.idle_timeout = duration::parse(&value),
            "Owner" => created.owner = Some(value),
            _ => {}
        }
    }
}

fn read_command_id(reader: &mut Reader<'_>) -> Result<Option<Uuid>, Error> {
    let mut command_id = None;
    while let Some(child) = reader.child()? {
        if child.key() == (Ns::Shell, "CommandId") {
            command_id = Some(parse_id("CommandId", &reader.text()?)?);
        } else {
            reader.skip()?;
        }
    }
    Ok(command_id)
}

fn read_received(reader: &mut Reader<'_>) -> Result<Received, Error> {
    let mut received = Received::default();
    while let Some(child) = reader.child()? {
        match child.key() {
            (Ns::Shell, "Stream") => {
                let stream = read_stream(&child, reader, received.streams.len())?;
                received.streams.push(stream);
            }
            (Ns::Shell, "CommandState") => received.state = Some(read_state(&child, reader)?),
            _ => reader.skip()?,
        }
    }
    Ok(received)
}

fn read_state(state: &Element<'_>, reader: &mut Reader<'_>) -> Result<CommandState, Error> {
    let command_id = command_id(state)?;
    let uri = state.attribute("State")?.ok_or(Error::Missing { element: "State" })?;
    let mut exit_code = None;
    while let Some(child) = reader.child()? {
        if child.key() == (Ns::Shell, "ExitCode") {
            let text = reader.text()?;
            let code = parse_code(&text).ok_or_else(|| Error::invalid("ExitCode", &text))?;
            exit_code = Some(code.cast_signed());
        } else {
            reader.skip()?;
        }
    }
    Ok(CommandState { command_id, progress: Progress::from_uri(&uri), exit_code })
}

fn read_connected(reader: &mut Reader<'_>) -> Result<Response, Error> {
    let mut payload = Vec::new();
    while let Some(child) = reader.child()? {
        if child.key() == (Ns::PowerShell, "connectResponseXml") {
            payload = reader.base64("connectResponseXml")?;
        } else {
            reader.skip()?;
        }
    }
    Ok(Response::Connected { payload })
}

/// Reads the items of a list, in `Items` of WS-Management or of WS-Enumeration.
fn read_items(reader: &mut Reader<'_>) -> Result<Vec<Item>, Error> {
    let mut items = Vec::new();
    while let Some(child) = reader.child()? {
        if !matches!(child.key(), (Ns::Wsman | Ns::Enumeration, "Items")) {
            reader.skip()?;
            continue;
        }
        while let Some(child) = reader.child()? {
            reader.check_count("items", items.len())?;
            items.push(item(&child, reader)?);
        }
    }
    Ok(items)
}

/// Flattens an element into its leaves.
fn item(element: &Element<'_>, reader: &mut Reader<'_>) -> Result<Item, Error> {
    let mut item = Item { name: element.name().to_owned(), fields: Vec::new() };
    // The names of the open elements below the item, each with its text so far and whether it has
    // children, in which case it is no leaf.
    let mut open: Vec<(String, String, bool)> = Vec::new();
    loop {
        match reader.piece()? {
            Some(Piece::Child(child)) => {
                if let Some((_, _, has_children)) = open.last_mut() {
                    *has_children = true;
                }
                open.push((child.name().to_owned(), String::new(), false));
            }
            Some(Piece::Text(text)) => {
                if let Some((_, whole, _)) = open.last_mut() {
                    reader.push_text(whole, &text)?;
                }
            }
            None => match open.pop() {
                Some((name, text, false)) => {
                    reader.check_count("fields", item.fields.len())?;
                    item.fields.push((name, text.trim().to_owned()));
                }
                Some(_) => {}
                None => return Ok(item),
            },
        }
    }
}
