//! The audit: what was done, looked through, and handed out. Nothing here changes an entry.

pub(crate) mod keeping;

use askama::Template;
use axum::{
    body::Body,
    extract::{Query as UrlQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use domain::{
    Permission, Source, Timestamp,
    audit::{Event, Outcome, hexadecimal},
};
use engine::{Engine, ExportFormat};
use futures_util::stream::try_unfold;
use serde::Deserialize;
use serde_json::Value as Json;
use store::{AuditFilter, AuditRow};

use self::keeping::Keeping;
use crate::{
    page::{self, Place, Shell, filters},
    problem::Problem,
    session::SignedIn,
    words,
};

const ROWS_PER_PAGE: u32 = 50;

/// What the URL says. Fields of a form that were left empty are empty texts.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(crate) struct Wanted {
    who: String,
    event: String,
    outcome: String,
    target: String,
    source: String,
    from: String,
    to: String,
    text: String,
    cursor: Option<u64>,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    shell: Shell,
    wanted: Wanted,
    problem: Option<String>,
    done: Option<String>,
    keeping: Keeping,
    key: String,
    events: Vec<Choice>,
    outcomes: Vec<Choice>,
    sources: Vec<Choice>,
    rows: Vec<Row>,
    jsonl: String,
    csv: String,
    first: Option<String>,
    next: Option<String>,
}

struct Choice {
    word: &'static str,
    is_chosen: bool,
}

struct Row {
    sequence: u64,
    /// HTML.
    at: String,
    who: String,
    source: String,
    event: String,
    outcome: &'static str,
    target: String,
    target_kind: String,
    target_href: Option<String>,
    said: Vec<(String, String)>,
    hash: String,
}

impl Wanted {
    fn filter(&self) -> Result<AuditFilter, String> {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Ok(AuditFilter {
            who: given(&self.who),
            person: None,
            event: known("event", &self.event, Event::from_word)?,
            outcome: known("outcome", &self.outcome, Outcome::from_word)?,
            target: given(&self.target),
            source: given(&self.source),
            from: day(&self.from)?,
            to: day(&self.to)?,
            text: given(&self.text),
        })
    }

    /// The same at another address.
    fn link(&self, path: &str, more: &[(&str, String)]) -> String {
        let fields = [
            ("who", &self.who),
            ("event", &self.event),
            ("outcome", &self.outcome),
            ("target", &self.target),
            ("source", &self.source),
            ("from", &self.from),
            ("to", &self.to),
            ("text", &self.text),
        ];
        let fields = fields.into_iter().filter(|(_, text)| !text.is_empty());
        let fields = fields.map(|(name, text)| (name, text.clone()));
        let pairs = fields.chain(more.iter().cloned());
        let pairs = pairs.map(|(name, text)| format!("{name}={}", words::query_value(&text)));
        let query = pairs.collect::<Vec<_>>().join("&");
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }
}

/// The value of a word, if there is one.
fn known<T>(what: &str, word: &str, of: fn(&str) -> Option<T>) -> Result<Option<T>, String> {
    let unknown = || format!("\"{}\" is no {what} of the audit.", words::visible(word));
    if word.is_empty() { Ok(None) } else { of(word).ok_or_else(unknown).map(Some) }
}

/// A day, or a time.
fn day(text: &str) -> Result<Option<Timestamp>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let time = text.parse().or_else(|_| format!("{text}T00:00:00Z").parse());
    let wrong = |_| format!("\"{}\" is no day. Write it as 2026-03-02.", words::visible(text));
    time.map(Some).map_err(wrong)
}

/// `GET /audit`
pub(crate) async fn audit(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    UrlQuery(wanted): UrlQuery<Wanted>,
) -> Result<Response, Problem> {
    shown(&engine, &signed_in, wanted, Told::default()).await
}

/// What came of what was asked for.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) problem: Option<(StatusCode, String)>,
    pub(crate) done: Option<String>,
}

/// The page, with what came of what was asked for on top.
async fn shown(
    engine: &Engine,
    signed_in: &SignedIn,
    wanted: Wanted,
    told: Told,
) -> Result<Response, Problem> {
    let scope = signed_in.caller.scope(Permission::ReadAudit)?;
    let (filter, wrong) = match wanted.filter() {
        Ok(filter) => (filter, None),
        Err(problem) => (AuditFilter::default(), Some(problem)),
    };
    let now = engine.now();
    let found = engine.store().audit_found(&scope, &filter, wanted.cursor, ROWS_PER_PAGE).await?;
    let export = |format: &str| wanted.link("/audit/export", &[("format", format.to_owned())]);
    let next = found.next.map(|next| wanted.link("/audit", &[("cursor", next.to_string())]));
    let choices = |all: Vec<&'static str>, chosen: &str| {
        let choice = |word| Choice { word, is_chosen: word == chosen };
        all.into_iter().map(choice).collect::<Vec<_>>()
    };
    let (status, problem) = told.problem.unzip();
    let page = page::whole(&AuditPage {
        shell: Shell::new(Place::Audit, signed_in),
        problem: problem.or(wrong),
        done: told.done,
        keeping: Keeping::read(engine, signed_in).await?,
        key: hexadecimal(&engine.audit_identity(&signed_in.caller).await?.key),
        events: choices(Event::ALL.iter().map(|event| event.word()).collect(), &wanted.event),
        outcomes: choices(Outcome::ALL.iter().map(|it| it.word()).collect(), &wanted.outcome),
        sources: choices(Source::ALL.iter().map(|it| it.word()).collect(), &wanted.source),
        rows: found.rows.iter().map(|row| Row::new(row, now)).collect(),
        jsonl: export("jsonl"),
        csv: export("csv"),
        first: wanted.cursor.map(|_| wanted.link("/audit", &[])),
        next,
        wanted,
    });
    Ok((status.unwrap_or(StatusCode::OK), page).into_response())
}

impl Row {
    fn new(row: &AuditRow, now: Timestamp) -> Self {
        let entry: Json = serde_json::from_str(&row.document).unwrap_or_default();
        let text = |path: &str| {
            let said = entry.pointer(path).and_then(Json::as_str).unwrap_or_default();
            words::visible(said)
        };
        let mut said: Vec<(String, String)> = ["reason", "ticket", "answer"]
            .into_iter()
            .map(|name| (name.to_owned(), text(&format!("/{name}"))))
            .collect();
        let details = entry.get("details").and_then(Json::as_object).into_iter().flatten();
        said.extend(details.map(|(name, text)| {
            (name.replace('_', " "), words::visible(text.as_str().unwrap_or_default()))
        }));
        said.retain(|(_, text)| !text.is_empty());
        Self {
            sequence: row.link.sequence,
            at: words::time(Some(row.at), now, ""),
            who: text("/actor/name"),
            source: text("/source"),
            event: text("/event"),
            outcome: row.event.outcome().word(),
            target: text("/target/name"),
            target_href: address(
                &text("/target/kind"),
                row.target.as_deref(),
                &text("/target/name"),
            ),
            target_kind: text("/target/kind"),
            said,
            hash: hexadecimal(&row.link.hash),
        }
    }
}

/// Where a target has a page of its own.
fn address(kind: &str, id: Option<&str>, name: &str) -> Option<String> {
    let id = words::query_value(id?);
    match kind {
        "device" => Some(format!("/devices/{id}")),
        "request" => Some(format!("/requests/{id}")),
        "connector" => Some(format!("/connectors/{}", words::query_value(name))),
        _ => None,
    }
}

#[derive(Deserialize)]
pub(crate) struct Export {
    #[serde(default)]
    format: String,
}

/// `GET /audit/export`
pub(crate) async fn export(
    State(engine): State<Engine>,
    signed_in: SignedIn,
    UrlQuery(wanted): UrlQuery<Wanted>,
    UrlQuery(Export { format }): UrlQuery<Export>,
) -> Result<Response, Problem> {
    let filter = wanted.filter().map_err(|what| Problem::from(engine::Error::Invalid(what)))?;
    let (format, kind, name) = match format.as_str() {
        "csv" => (ExportFormat::CommaSeparated, "text/csv; charset=utf-8", "audit.csv"),
        _ => (ExportFormat::JsonLines, "application/jsonl", "audit.jsonl"),
    };
    let export = engine.export_audit(&signed_in.caller, filter, format).await?;
    let lines = try_unfold(export, |mut export| async move {
        let next = export.next().await?;
        Ok::<_, engine::Error>(next.map(|lines| (lines, export)))
    });
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, Body::from_stream(lines)).into_response())
}
