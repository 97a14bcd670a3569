//! The remoting messages within recorded exchanges: what travels in the streams of PowerShell's shells.

use std::collections::BTreeMap;

use psrp::body::Body;
use psrp::clixml;
use psrp::fragment::Defragmenter;
use psrp::message::{Message, MessageType};
use psrp::state::ProtocolVersion;
use wsman::StreamData;
use wsman::client::Response;
use wsman::server::{Operation, Request};

use super::report::Report;
use super::{document, plain};

/// Who wrote a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Writer {
    Client,
    Server,
}

/// The streams of one recording, by writer, shell and command.
#[derive(Default)]
pub(crate) struct Sessions {
    streams: BTreeMap<(Writer, String, Option<String>), Stream>,
}

#[derive(Default)]
struct Stream {
    bytes: Vec<u8>,
    defragmenter: Defragmenter,
    messages: usize,
}

impl Sessions {
    /// Takes in one exchange; the answer is none when there was none or it is no envelope.
    pub(crate) fn exchange(
        &mut self,
        place: &str,
        request: &Request,
        response: Option<&Response>,
        report: &mut Report,
    ) {
        if !request.header.resource_uri.starts_with(wsman::uri::POWERSHELL) {
            return;
        }
        let mut shell = request.header.shell_id.clone().unwrap_or_default();
        let mut pieces: Vec<(Writer, Option<String>, &[u8])> = Vec::new();
        let argument = match &request.operation {
            command @ Operation::Command { .. } => command.payload().unwrap_or_else(|error| {
                report.lose(place, anyhow::Error::new(error));
                Vec::new()
            }),
            _ => Vec::new(),
        };
        match &request.operation {
            Operation::Create { shell_id, payload, .. } => {
                if let Some(Response::Created(created)) = response {
                    shell.clone_from(&created.shell_id);
                } else if let Some(id) = shell_id {
                    shell.clone_from(id);
                }
                pieces.push((Writer::Client, None, payload));
            }
            Operation::Connect { payload } => pieces.push((Writer::Client, None, payload)),
            Operation::Command { command_id, .. } => {
                pieces.push((Writer::Client, command_id.map(|id| id.to_string()), &argument));
            }
            Operation::Send { streams } => {
                for stream in streams {
                    pieces.push((Writer::Client, command_of(stream), &stream.bytes));
                }
            }
            _ => {}
        }
        match response {
            Some(Response::Received(received)) => {
                for stream in &received.streams {
                    pieces.push((Writer::Server, command_of(stream), &stream.bytes));
                }
            }
            Some(Response::Connected { payload }) => pieces.push((Writer::Server, None, payload)),
            _ => {}
        }
        for (writer, command, bytes) in pieces {
            let stream = self.streams.entry((writer, shell.clone(), command)).or_default();
            stream.bytes.extend_from_slice(bytes);
            if let Err(error) = stream.defragmenter.push(bytes) {
                report.lose(place, anyhow::Error::new(error));
            }
            while let Some(bytes) = stream.defragmenter.next_message() {
                stream.messages += 1;
                message(place, &bytes, report);
            }
        }
    }

    /// Compares how many messages were read with how many ended. One that never ends is no loss: its
    /// command was stopped, or its shell closed, before it had said all.
    pub(crate) fn finish(self, name: &str, report: &mut Report) {
        for ((writer, shell, command), stream) in self.streams {
            let ended = plain::messages(&stream.bytes);
            if ended != stream.messages {
                let of = command.as_deref().unwrap_or(&shell);
                let read = stream.messages;
                report
                    .lose(name, format!("{ended} messages of the {writer:?} to {of}, {read} read"));
            }
            report.unfinished += usize::from(!stream.defragmenter.is_between_messages());
        }
    }
}

fn command_of(stream: &StreamData) -> Option<String> {
    stream.command_id.map(|id| id.to_string())
}

fn message(place: &str, bytes: &[u8], report: &mut Report) {
    let message = match Message::decode(bytes) {
        Ok(message) => message,
        Err(error) => return report.lose(place, anyhow::Error::new(error)),
    };
    let kind = message.message_type;
    *report.messages.entry(kind.name().to_owned()).or_default() += 1;
    if let MessageType::Unknown(number) = kind {
        return report.lose(place, format!("holds a message of the unknown type {number:#010x}"));
    }
    check_body(place, &message, report);
    if message.data.is_empty() {
        return;
    }
    match clixml::read(&message.data) {
        Ok(value) => {
            let text = String::from_utf8_lossy(&message.data);
            document::compare(place, &text, std::slice::from_ref(&value), report);
            if clixml::read(clixml::write(&value).as_bytes()).as_ref() != Ok(&value) {
                report.lose(place, format!("{}: differs when written and read again", kind.name()));
            }
        }
        Err(error) => {
            report.lose(place, format!("{}: {:#}", kind.name(), anyhow::Error::new(error)));
        }
    }
}

/// Understands what a message says, and says it again.
fn check_body(place: &str, message: &Message, report: &mut Report) {
    let kind = message.message_type;
    match Body::read(kind, &message.data) {
        Ok(body) => {
            let again = Body::read(kind, &body.write(ProtocolVersion::V2_3));
            if again.as_ref() != Ok(&body) {
                report.lose(place, format!("{}: means something else when written", kind.name()));
            }
        }
        Err(error) => {
            report.lose(place, format!("{}: {:#}", kind.name(), anyhow::Error::new(error)));
        }
    }
}
