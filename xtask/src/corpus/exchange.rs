//! Recorded exchanges, as pypsrp's tests keep them: `messages`, each with a `request` and a `response`.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde::Deserialize as _;
use serde_norway::Value as Yaml;
use wsman::client::{self, Response};
use wsman::server::{self, Operation, Request};
use wsman::{Error, StreamData};

use super::report::Report;
use super::session::Sessions;

pub(crate) fn check(name: &str, bytes: &[u8], report: &mut Report) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return report.lose(name, "is no UTF-8");
    };
    let mut sessions = Sessions::default();
    let mut exchanges = 0;
    for document in serde_norway::Deserializer::from_str(text) {
        let document = match Yaml::deserialize(document) {
            Ok(document) => document,
            Err(error) => return report.lose(name, format!("is no YAML: {error}")),
        };
        let messages = document.get("messages").and_then(Yaml::as_sequence);
        for message in messages.into_iter().flatten() {
            exchanges += 1;
            let place = format!("{name} [{}]", exchanges - 1);
            exchange(&place, message, &mut sessions, report);
        }
    }
    if exchanges == 0 {
        return report.skip(name, "no recorded exchange");
    }
    report.recordings += 1;
    report.exchanges += exchanges;
    sessions.finish(name, report);
}

fn exchange(place: &str, message: &Yaml, sessions: &mut Sessions, report: &mut Report) {
    let request = match text(message, "request") {
        Some(text) => request(&format!("{place} request"), &text, report),
        None => None,
    };
    let Some(text) = text(message, "response") else { return };
    let place = format!("{place} response");
    let response = response(&place, &text, report);
    if let Some(request) = &request {
        sessions.exchange(&place, request, response.as_ref(), report);
    }
}

/// The text of one side; none when nothing was recorded.
fn text(message: &Yaml, side: &str) -> Option<String> {
    match message.get(side)? {
        Yaml::String(text) => Some(text.clone()),
        Yaml::Tagged(tagged) => tagged.value.as_str().map(str::to_owned),
        _ => None,
    }
}

fn request(place: &str, text: &str, report: &mut Report) -> Option<Request> {
    let request = understood(place, server::parse_request(text.as_bytes()), report)?;
    count(report, "request", &request.operation);
    if let Operation::Send { streams } = &request.operation {
        compare(place, text, streams, report);
    }
    Some(request)
}

fn response(place: &str, text: &str, report: &mut Report) -> Option<Response> {
    let response = understood(place, client::parse(text.as_bytes()), report)?;
    count(report, "answer", &response);
    match &response {
        Response::Received(received) => compare(place, text, &received.streams, report),
        Response::Fault(fault) if fault.code.is_none() || fault.best_text().is_empty() => {
            report.lose(place, "is a fault without code or text");
        }
        _ => {}
    }
    Some(response)
}

/// What was understood; what is no envelope is noted, any other error is a loss.
fn understood<T>(place: &str, outcome: Result<T, Error>, report: &mut Report) -> Option<T> {
    match outcome {
        Ok(understood) => Some(understood),
        Err(Error::NotSoap { start }) => {
            let start: String = start.chars().take(60).collect();
            report.plain.push(format!("{place}: {start:?}"));
            None
        }
        Err(error) => {
            report.lose(place, anyhow::Error::new(error));
            None
        }
    }
}

/// Counts an envelope by the name of its variant.
fn count(report: &mut Report, side: &str, envelope: &impl std::fmt::Debug) {
    let shown = format!("{envelope:?}");
    let name = shown.split(['(', ' ', '{']).next().unwrap_or_default();
    *report.envelopes.entry(format!("{side} {name}")).or_default() += 1;
}

/// Compares the streams that were read with what another reader finds.
fn compare(place: &str, text: &str, streams: &[StreamData], report: &mut Report) {
    let expected = plain_streams(text);
    let found: Vec<_> = streams.iter().map(|stream| base64_text(&stream.bytes)).collect();
    if expected != found {
        report.lose(place, format!("has {} streams that differ from those read", expected.len()));
    }
}

fn base64_text(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// The base64 texts of all elements named `Stream`, without their white space.
fn plain_streams(text: &str) -> Vec<String> {
    let mut reader = Reader::from_str(text);
    let mut streams = Vec::new();
    let mut is_within = false;
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) if start.local_name().into_inner() == "Stream" => {
                streams.push(String::new());
                is_within = true;
            }
            Ok(Event::Empty(start)) if start.local_name().into_inner() == "Stream" => {
                streams.push(String::new());
            }
            Ok(Event::Text(text)) if is_within => {
                if let Some(stream) = streams.last_mut() {
                    stream.extend(text.split_ascii_whitespace());
                }
            }
            Ok(Event::End(_)) => is_within = false,
            Ok(Event::Eof) | Err(_) => return streams,
            Ok(_) => {}
        }
    }
}
