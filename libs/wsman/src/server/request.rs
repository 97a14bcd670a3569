use std::time::Duration;

use uuid::Uuid;

use crate::error::Error;
use crate::limits::Limits;
use crate::stream::{Signal, StreamData, command_id, read_stream};
use crate::xml::{Element, Ns, Reader, decode};
use crate::{duration, uri};

/// A request of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What all requests have.
    pub header: Header,
    /// What is asked.
    pub operation: Operation,
}

/// The header of a request ([MS-WSMV] 2.2.3, DSP0226 section 5).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// The action's URI.
    pub action: String,
    /// The request's id as it was written, with its `uuid:`; clients compare the answer's to it to the letter.
    pub message_id: String,
    /// The address it was sent to.
    pub to: String,
    /// The kind of shell.
    pub resource_uri: String,
    /// The shell, from the selectors.
    pub shell_id: Option<String>,
    /// The client's session.
    pub session_id: Option<String>,
    /// The largest answer the client takes, in bytes.
    pub max_envelope_bytes: Option<u32>,
    /// How long the client waits.
    pub operation_timeout: Option<Duration>,
    /// The language of texts.
    pub locale: Option<String>,
    /// The language of data.
    pub data_locale: Option<String>,
    /// The options by name.
    pub options: Vec<(String, String)>,
}

impl Header {
    /// The value of an option, its name compared without regard to case.
    pub fn option(&self, name: &str) -> Option<&str> {
        let found = self.options.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Open a shell.
    Create {
        /// The id the client proposes.
        shell_id: Option<String>,
        /// How long the shell may be left alone.
        idle_timeout: Option<Duration>,
        /// The names of the streams the client writes.
        input_streams: Vec<String>,
        /// The names of the streams the client reads.
        output_streams: Vec<String>,
        /// The decoded bytes of `creationXml`; empty for a command shell.
        payload: Vec<u8>,
    },
    /// Start a command.
    Command {
        /// The id the client chose.
        command_id: Option<Uuid>,
        /// The command line; empty for PowerShell.
        command: String,
        /// The arguments as they were written; for PowerShell one, in base64: see [`Operation::payload`].
        arguments: Vec<String>,
    },
    /// Take input.
    Send {
        /// The pieces, in order.
        streams: Vec<StreamData>,
    },
    /// Give output.
    Receive {
        /// The command; none for the shell's own output.
        command_id: Option<Uuid>,
        /// The names of the streams wanted.
        streams: Vec<String>,
    },
    /// Stop or terminate a command.
    Signal {
        /// The command; none for the shell.
        command_id: Option<Uuid>,
        /// What is asked of it.
        signal: Signal,
    },
    /// Close the shell.
    Delete,
    /// Leave the shell running alone.
    Disconnect {
        /// For how long.
        idle_timeout: Option<Duration>,
    },
    /// Give the shell back.
    Reconnect,
    /// Hand over a disconnected shell.
    Connect {
        /// The decoded bytes of `connectXml`.
        payload: Vec<u8>,
    },
    /// Read a resource.
    Get,
    /// List resources.
    Enumerate,
    /// Something else, named by [`Header::action`]; to be answered with
    /// [`fault::INVALID_ACTION`](crate::fault::INVALID_ACTION).
    Other,
}

impl Operation {
    /// The first bytes of a PowerShell command: its only argument, decoded.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] when this is no command or has no argument, [`Error::Invalid`] when the
    /// argument is not base64.
    pub fn payload(&self) -> Result<Vec<u8>, Error> {
        match self {
            Self::Command { arguments, .. } if !arguments.is_empty() => {
                let mut bytes = Vec::new();
                for argument in arguments {
                    crate::xml::decode_base64("Arguments", argument, &mut bytes)?;
                }
                Ok(bytes)
            }
            _ => Err(Error::Missing { element: "Arguments" }),
        }
    }
}

/// Reads a request within the default [`Limits`].
///
/// # Errors
///
/// [`Error::NotSoap`] for anything that is not an envelope, the others for one that is broken.
pub fn parse_request(body: &[u8]) -> Result<Request, Error> {
    parse_request_with(body, &Limits::default())
}

/// Reads a request within limits.
///
/// # Errors
///
/// As [`parse_request`].
pub fn parse_request_with(body: &[u8], limits: &Limits) -> Result<Request, Error> {
    let text = decode(body, limits)?;
    let mut reader = Reader::open(&text, limits)?;
    let mut header = Header::default();
    let mut operation = None;
    while let Some(part) = reader.child()? {
        match part.key() {
            (Ns::Soap, "Header") => read_header(&mut reader, &mut header)?,
            (Ns::Soap, "Body") => operation = read_body(&mut reader)?.or(operation),
            _ => reader.skip()?,
        }
    }
    // A body that is empty, or that may be, leaves the word to the action.
    let operation = match (header.action.as_str(), operation) {
        (uri::ACTION_DELETE, _) => Operation::Delete,
        (uri::ACTION_GET, _) => Operation::Get,
        (uri::ACTION_ENUMERATE | uri::ACTION_PULL, _) => Operation::Enumerate,
        (uri::ACTION_RECONNECT, _) => Operation::Reconnect,
        (uri::ACTION_DISCONNECT, None) => Operation::Disconnect { idle_timeout: None },
        (_, Some(operation)) => operation,
        ("", None) => return Err(Error::Missing { element: "Action" }),
        (_, None) => Operation::Other,
    };
    Ok(Request { header, operation })
}

fn read_header(reader: &mut Reader<'_>, header: &mut Header) -> Result<(), Error> {
    while let Some(child) = reader.child()? {
        match child.key() {
            (Ns::Addressing, "Action") => header.action = reader.text()?,
            (Ns::Addressing, "MessageID") => header.message_id = reader.text()?,
            (Ns::Addressing, "To") => header.to = reader.text()?,
            (Ns::Wsman, "ResourceURI") => header.resource_uri = reader.text()?,
            (Ns::MicrosoftWsman, "SessionId") => header.session_id = Some(reader.text()?),
            (Ns::Wsman, "MaxEnvelopeSize") => {
                let text = reader.text()?;
                let size = text.parse().map_err(|_| Error::invalid("MaxEnvelopeSize", &text))?;
                header.max_envelope_bytes = Some(size);
            }
            (Ns::Wsman, "OperationTimeout") => {
                header.operation_timeout = Some(read_duration("OperationTimeout", reader)?);
            }
            (Ns::Wsman, "Locale") => {
                header.locale = child.attribute("lang")?;
                reader.skip()?;
            }
            (Ns::MicrosoftWsman, "DataLocale") => {
                header.data_locale = child.attribute("lang")?;
                reader.skip()?;
            }
            (Ns::Wsman, "SelectorSet") => {
                let selectors = read_named(reader)?;
                let shell = selectors.into_iter().find(|(n, _)| n.eq_ignore_ascii_case("ShellId"));
                header.shell_id = shell.map(|(_, id)| id);
            }
            (Ns::Wsman, "OptionSet") => header.options = read_named(reader)?,
            _ => reader.skip()?,
        }
    }
    Ok(())
}

/// Reads the children of a `SelectorSet` or `OptionSet`: name and text.
fn read_named(reader: &mut Reader<'_>) -> Result<Vec<(String, String)>, Error> {
    let mut pairs = Vec::new();
    while let Some(child) = reader.child()? {
        reader.check_count("options", pairs.len())?;
        let name = child.attribute("Name")?.ok_or(Error::Missing { element: "Name" })?;
        pairs.push((name, reader.text()?));
    }
    Ok(pairs)
}

fn read_duration(element: &'static str, reader: &mut Reader<'_>) -> Result<Duration, Error> {
    let text = reader.text()?;
    duration::parse(&text).ok_or_else(|| Error::invalid(element, &text))
}

/// Reads a body by its element; none when it has none that is known.
fn read_body(reader: &mut Reader<'_>) -> Result<Option<Operation>, Error> {
    let mut operation = None;
    while let Some(child) = reader.child()? {
        let read = match child.key() {
            (Ns::Shell, "Shell") => read_create(&child, reader)?,
            (Ns::Shell, "CommandLine") => read_command(&child, reader)?,
            (Ns::Shell, "Send") => read_send(reader)?,
            (Ns::Shell, "Receive") => read_receive(reader)?,
            (Ns::Shell, "Signal") => read_signal(&child, reader)?,
            (Ns::Shell, "Disconnect") => read_disconnect(reader)?,
            (Ns::Shell, "Connect") => read_connect(reader)?,
            _ => {
                reader.skip()?;
                continue;
            }
        };
        operation = Some(read);
    }
    Ok(operation)
}

fn read_create(shell: &Element<'_>, reader: &mut Reader<'_>) -> Result<Operation, Error> {
    let shell_id = shell.attribute("ShellId")?;
    let mut idle_timeout = None;
    let mut input_streams = Vec::new();
    let mut output_streams = Vec::new();
    let mut payload = Vec::new();
    while let Some(child) = reader.child()? {
        match child.key() {
            (Ns::Shell, "IdleTimeOut" | "IdleTimeout") => {
                idle_timeout = Some(read_duration("IdleTimeOut", reader)?);
            }
            (Ns::Shell, "InputStreams") => input_streams = words(&reader.text()?),
            (Ns::Shell, "OutputStreams") => output_streams = words(&reader.text()?),
            (_, "creationXml") => payload = reader.base64("creationXml")?,
            _ => reader.skip()?,
        }
    }
    Ok(Operation::Create { shell_id, idle_timeout, input_streams, output_streams, payload })
}

fn words(text: &str) -> Vec<String> {
    text.split_ascii_whitespace().map(str::to_owned).collect()
}

fn read_command(line: &Element<'_>, reader: &mut Reader<'_>) -> Result<Operation, Error> {
    let command_id = command_id(line)?;
    let mut command = String::new();
    let mut arguments = Vec::new();
    while let Some(child) = reader.child()? {
        match child.key() {
            (Ns::Shell, "Command") => command = reader.text()?,
            (Ns::Shell, "Arguments") => {
                reader.check_count("arguments", arguments.len())?;
                arguments.push(reader.long_text()?.into_owned());
            }
            _ => reader.skip()?,
        }
    }
    Ok(Operation::Command { command_id, command, arguments })
}

fn read_send(reader: &mut Reader<'_>) -> Result<Operation, Error> {
    let mut streams = Vec::new();
    while let Some(child) = reader.child()? {
        match child.key() {
            (Ns::Shell, "Stream") => {
                let stream = read_stream(&child, reader, streams.len())?;
                streams.push(stream);
            }
            _ => reader.skip()?,
        }
    }
    Ok(Operation::Send { streams })
}

fn read_receive(reader: &mut Reader<'_>) -> Result<Operation, Error> {
    let mut command = None;
    let mut streams = Vec::new();
    while let Some(child) = reader.child()? {
        match child.key() {
            (Ns::Shell, "DesiredStream") => {
                command = command_id(&child)?;
                streams = words(&reader.text()?);
            }
            _ => reader.skip()?,
        }
    }
    Ok(Operation::Receive { command_id: command, streams })
}

fn read_signal(signal: &Element<'_>, reader: &mut Reader<'_>) -> Result<Operation, Error> {
    let command_id = command_id(signal)?;
    let mut code = None;
    while let Some(child) = reader.child()? {
        match child.key() {
            (Ns::Shell, "Code") => code = Some(Signal::from_uri(&reader.text()?)),
            _ => reader.skip()?,
        }
    }
    let signal = code.ok_or(Error::Missing { element: "Code" })?;
    Ok(Operation::Signal { command_id, signal })
}

fn read_disconnect(reader: &mut Reader<'_>) -> Result<Operation, Error> {
    let mut idle_timeout = None;
    while let Some(child) = reader.child()? {
        match child.key() {
            (Ns::Shell, "IdleTimeOut" | "IdleTimeout") => {
                idle_timeout = Some(read_duration("IdleTimeOut", reader)?);
            }
            _ => reader.skip()?,
        }
    }
    Ok(Operation::Disconnect { idle_timeout })
}

fn read_connect(reader: &mut Reader<'_>) -> Result<Operation, Error> {
    let mut payload = Vec::new();
    while let Some(child) = reader.child()? {
        match child.key() {
            (_, "connectXml") => payload = reader.base64("connectXml")?,
            _ => reader.skip()?,
        }
    }
    Ok(Operation::Connect { payload })
}
