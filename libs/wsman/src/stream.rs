use uuid::Uuid;

use crate::error::Error;
use crate::uri;
use crate::xml::{Element, Reader};

/// One element of a stream, in a Send or in the answer to a Receive ([MS-WSMV] 2.2.4.38).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StreamData {
    /// `stdin`, `stdout`, `stderr`, or `pr` for answers to prompts.
    pub name: String,
    /// The command it belongs to; none for the shell itself.
    pub command_id: Option<Uuid>,
    /// The decoded bytes; may be empty.
    pub bytes: Vec<u8>,
    /// Whether this is the last element of its stream.
    pub end: bool,
}

/// How far a command is, in the answer to a Receive ([MS-WSMV] 2.2.4.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandState {
    /// The command; none when the server left it out.
    pub command_id: Option<Uuid>,
    /// How far it is.
    pub progress: Progress,
    /// The exit code of a process; PowerShell commands have none or 0.
    pub exit_code: Option<i32>,
}

/// The states a command can be in ([MS-WSMV] 2.2.4.8, State).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Not started.
    Pending,
    /// Running; more may come.
    Running,
    /// Ended; nothing more comes.
    Done,
    /// A state that is none of the three, kept as it was written.
    Other(String),
}

impl Progress {
    /// The URI written in the `State` attribute.
    pub fn uri(&self) -> &str {
        match self {
            Self::Pending => uri::STATE_PENDING,
            Self::Running => uri::STATE_RUNNING,
            Self::Done => uri::STATE_DONE,
            Self::Other(state) => state,
        }
    }

    pub(crate) fn from_uri(state: &str) -> Self {
        match state {
            uri::STATE_PENDING => Self::Pending,
            uri::STATE_RUNNING => Self::Running,
            uri::STATE_DONE => Self::Done,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// What a Signal asks of a command ([MS-WSMV] 2.2.4.37, and [MS-PSRP] 3.1.5.3.9 and 3.1.5.3.10 for PowerShell).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// Ends the command and frees its place; sent after every pipeline, for a server allows only
    /// so many.
    Terminate,
    /// Stops a running pipeline, which then reports that it was stopped.
    Stop,
    /// Ctrl+C for a process.
    CtrlC,
    /// Ctrl+Break for a process.
    CtrlBreak,
    /// A code that is none of these, kept as it was written.
    Other(String),
}

impl Signal {
    /// The URI written in the `Code` element.
    pub fn uri(&self) -> &str {
        match self {
            Self::Terminate => uri::SIGNAL_TERMINATE,
            Self::Stop => uri::SIGNAL_STOP,
            Self::CtrlC => uri::SIGNAL_CTRL_C,
            Self::CtrlBreak => uri::SIGNAL_CTRL_BREAK,
            Self::Other(code) => code,
        }
    }

    /// The signal of a URI, compared without regard to case because servers and clients differ in it.
    pub(crate) fn from_uri(code: &str) -> Self {
        if code.eq_ignore_ascii_case(uri::SIGNAL_STOP_SPECIFIED) {
            return Self::Stop;
        }
        let known = [Self::Terminate, Self::Stop, Self::CtrlC, Self::CtrlBreak];
        known
            .into_iter()
            .find(|signal| signal.uri().eq_ignore_ascii_case(code))
            .unwrap_or_else(|| Self::Other(code.to_owned()))
    }
}

/// Reads a `Stream` element, the one after so many others.
pub(crate) fn read_stream(
    stream: &Element<'_>,
    reader: &mut Reader<'_>,
    others: usize,
) -> Result<StreamData, Error> {
    reader.check_count("streams", others)?;
    let name = stream.attribute("Name")?.ok_or(Error::Missing { element: "Name" })?;
    let command_id = command_id(stream)?;
    let end = stream.attribute("End")?;
    let end = end.is_some_and(|end| end.eq_ignore_ascii_case("true") || end == "1");
    Ok(StreamData { name, command_id, bytes: reader.base64("Stream")?, end })
}

/// The `CommandId` attribute of an element.
pub(crate) fn command_id(element: &Element<'_>) -> Result<Option<Uuid>, Error> {
    element.attribute("CommandId")?.map(|text| parse_id("CommandId", &text)).transpose()
}

/// An id as servers and clients write it: in any case, with or without `uuid:` ([MS-WSMV] 2.2.4.33).
pub(crate) fn parse_id(element: &'static str, text: &str) -> Result<Uuid, Error> {
    let id = text.trim();
    let id = id.strip_prefix("uuid:").unwrap_or(id);
    Uuid::parse_str(id).map_err(|_| Error::invalid(element, text))
}
