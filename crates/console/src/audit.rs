//! The audit: what was done, looked through, and handed out. Nothing here changes an entry.

use askama::Template;
use axum::{
    body::Body,
    extract::{Query as UrlQuery, State},
    http::header,
    response::{IntoResponse as _, Response},
};
use domain::{
    Permission, Source, Timestamp,
    audit::{Event, hexadecimal},
};
use engine::{Engine, ExportFormat};
use futures_util::stream;
use serde::Deserialize;
use serde_json::Value as Json;
use store::{AuditFilter, AuditRow};

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
    integrity: String,
    key: String,
    events: Vec<Choice>,
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
    target: String,
    target_kind: String,
    said: Vec<(String, String)>,
    hash: String,
}

impl Wanted {
    fn filter(&self) -> Result<AuditFilter, String> {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Ok(AuditFilter {
            who: given(&self.who),
            person: None,
            event: given(&self.event).and_then(|word| Event::from_word(&word)),
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
    let scope = signed_in.caller.scope(Permission::ReadAudit)?;
    let (filter, problem) = match wanted.filter() {
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
    Ok(page::whole(&AuditPage {
        shell: Shell::new(Place::Audit, &signed_in),
        problem,
        integrity: integrity(&engine, now).await?,
        key: hexadecimal(&engine.audit_identity(&signed_in.caller).await?.key),
        events: choices(Event::ALL.iter().map(|event| event.word()).collect(), &wanted.event),
        sources: choices(Source::ALL.iter().map(|it| it.word()).collect(), &wanted.source),
        rows: found.rows.iter().map(|row| Row::new(row, now)).collect(),
        jsonl: export("jsonl"),
        csv: export("csv"),
        first: wanted.cursor.map(|_| wanted.link("/audit", &[])),
        next,
        wanted,
    }))
}

/// One sentence on what vouches for the entries.
async fn integrity(engine: &Engine, now: Timestamp) -> Result<String, Problem> {
    let head = engine.store().audit_head().await?.map_or(0, |head| head.sequence);
    let signed = engine.store().last_audit_checkpoint().await?;
    Ok(match signed {
        None if head == 0 => "There is no entry yet.".to_owned(),
        None => format!("Entries so far: {}. Not signed yet.", words::number(head)),
        Some(signed) => format!(
            "Entries so far: {}. Signed up to entry {}, {}.",
            words::number(head),
            words::number(signed.link.sequence),
            words::relative(signed.at, now)
        ),
    })
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
            target: text("/target/name"),
            target_kind: text("/target/kind"),
            said,
            hash: hexadecimal(&row.link.hash),
        }
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
    let lines = stream::try_unfold(export, |mut export| async move {
        let next = export.next().await?;
        Ok::<_, engine::Error>(next.map(|lines| (lines, export)))
    });
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, Body::from_stream(lines)).into_response())
}
