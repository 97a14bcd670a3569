//! The audit: read, looked through and handed out. There is no address that changes an entry.

pub(crate) mod check;
pub(crate) mod stream;

use std::collections::BTreeMap;

use axum::{
    Extension, Json, body,
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
};
use domain::{
    Caller, Permission, PersonId, Timestamp,
    audit::{Event, Outcome, hexadecimal},
};
use engine::{ClosedPart, Engine, ExportFormat};
use futures_util::stream::try_unfold;
use serde::{Deserialize, Serialize};
use store::{AuditFilter, AuditRow};

use crate::{
    device::rfc3339,
    parameters::{Body, DryRun, IdempotencyKey, Limit, NoParameters, Parameters},
    preview::Preview,
    problem::Problem,
};

/// One entry of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditEntry {
    /// The first entry has 1, and there are no gaps.
    #[serde(default)]
    pub sequence: u64,
    /// When.
    pub at: String,
    /// Who.
    pub actor: AuditActor,
    /// By which way they asked: `console`, `cli`, `api` or `engine`.
    pub source: String,
    /// What happened.
    pub event: String,
    /// To what.
    pub target: Option<AuditTarget>,
    /// Why, as the actor said.
    pub reason: Option<String>,
    /// Number of a ticket.
    pub ticket: Option<String>,
    /// What Exchange answered, or what was seen.
    pub answer: Option<String>,
    /// Whatever else belongs to it.
    #[serde(default)]
    pub details: BTreeMap<String, String>,
    /// The hash of everything up to this entry.
    #[serde(default)]
    pub hash: String,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditActor {
    /// For ever.
    pub id: String,
    /// As people knew them at that time.
    pub name: String,
}

/// What something was done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditTarget {
    /// What kind of thing.
    pub kind: String,
    /// For ever.
    pub id: String,
    /// As people knew it at that time.
    pub name: String,
}

/// Some entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditList {
    /// The entries, latest first.
    pub entries: Vec<AuditEntry>,
    /// The cursor of the next page; null on the last. A page without entries may have one: a page
    /// looks at only so many.
    pub next: Option<String>,
}

/// What the audit is known by, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditState {
    /// Its id.
    pub id: String,
    /// The public key (Ed25519) that it is signed with now, in hexadecimal digits.
    pub key: String,
    /// Number of the last entry.
    pub last: u64,
    /// The hash of everything up to it.
    pub hash: String,
    /// The last entry that a signature covers.
    pub signed: Option<u64>,
    /// When it was signed.
    pub signed_at: Option<String>,
}

/// What is looked for. Everything that is given must fit.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// By whom: the beginning of a name, or an id.
    who: Option<String>,
    /// What happened, such as `connector.added`.
    event: Option<String>,
    /// How it went: `done`, `held`, `refused` or `failed`.
    outcome: Option<String>,
    /// To what: an id, or a part of a name.
    target: Option<String>,
    /// By which way it was asked for.
    source: Option<String>,
    /// From then on (RFC 3339).
    from: Option<String>,
    /// Before then (RFC 3339).
    to: Option<String>,
    /// A text anywhere in the entry.
    text: Option<String>,
    /// Where the page before ended.
    cursor: Option<String>,
    /// Entries after this number, in place of a cursor.
    after: Option<u64>,
    /// How many entries at most.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 1000)]
    limit: Limit,
    /// Of an export: `jsonl` or `csv`.
    format: Option<String>,
}

impl AuditEntry {
    /// An entry as it is kept.
    pub(crate) fn of(row: &AuditRow) -> Result<Self, Problem> {
        let read: Result<Self, _> = serde_json::from_str(&row.document);
        let entry = read.map_err(|error| {
            tracing::error!(%error, sequence = row.link.sequence, "an entry cannot be read");
            Problem::internal()
        })?;
        Ok(Self { sequence: row.link.sequence, hash: hexadecimal(&row.link.hash), ..entry })
    }
}

impl Wanted {
    fn filter(&self) -> Result<AuditFilter, Problem> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let person = self.who.as_deref().and_then(|who| who.parse::<PersonId>().ok());
        let event = given(&self.event).map(|word| {
            Event::from_word(&word).ok_or_else(|| {
                Problem::invalid(
                    format_args!("{word} is no event of the audit"),
                    "docs/guide/audit.md lists the events",
                )
            })
        });
        let outcome = given(&self.outcome).map(|word| {
            Outcome::from_word(&word).ok_or_else(|| {
                Problem::invalid(
                    format_args!("{word} is no outcome"),
                    "done, held, refused and failed are",
                )
            })
        });
        Ok(AuditFilter {
            outcome: outcome.transpose()?,
            who: given(&self.who).filter(|_| person.is_none()),
            person,
            event: event.transpose()?,
            target: given(&self.target),
            source: given(&self.source),
            from: time("from", &self.from)?,
            to: time("to", &self.to)?,
            text: given(&self.text),
        })
    }
}

fn time(name: &str, text: &Option<String>) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text.as_deref().filter(|text| !text.is_empty()) else { return Ok(None) };
    let parsed = text.parse().map_err(|_| {
        Problem::invalid(
            format_args!("{name} is {text:?}, which is no time"),
            "give a time such as 2026-03-02T10:00:00Z",
        )
    });
    parsed.map(Some)
}

/// Lists entries of the audit, latest first.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    operation_id = "list_audit",
    tag = "audit",
    params(Wanted),
    responses((status = 200, body = AuditList), Problem)
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<AuditList>, Problem> {
    let scope = caller.scope(Permission::ReadAudit)?;
    let filter = wanted.filter()?;
    let limit = u32::from(wanted.limit.0);
    let before = wanted.cursor.as_deref().map(str::parse).transpose().map_err(|_| {
        Problem::invalid("the cursor is not one that a list gave", "begin without a cursor")
    })?;
    let after = wanted.after.unwrap_or(0);
    let page = engine.store().audit_found(&scope, &filter, before, limit).await?;
    let rows = page.rows.iter().filter(|row| row.link.sequence > after);
    let entries = rows.map(AuditEntry::of).collect::<Result<Vec<_>, _>>()?;
    let next = page.next.filter(|next| *next > after + 1).map(|next| next.to_string());
    Ok(Json(AuditList { entries, next }))
}

/// Hands out all entries, or those that fit.
///
/// A whole export as JSON lines can be verified offline. That it was made is on record.
#[utoipa::path(
    get,
    path = "/api/v1/audit/export",
    operation_id = "export_audit",
    tag = "audit",
    params(Wanted),
    responses(
        (status = 200, description = "The entries, line by line", body = String),
        Problem
    )
)]
pub(crate) async fn export(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, Problem> {
    let (format, kind) = match wanted.format.as_deref() {
        None | Some("jsonl") => (ExportFormat::JsonLines, "application/jsonl"),
        Some("csv") => (ExportFormat::CommaSeparated, "text/csv; charset=utf-8"),
        Some(other) => {
            return Err(Problem::invalid(
                format_args!("{other} is no format of an export"),
                "jsonl and csv are",
            ));
        }
    };
    let export = engine.export_audit(&caller, wanted.filter()?, format).await?;
    let lines = try_unfold(export, |mut export| async move {
        let next = export.next().await?;
        Ok::<_, engine::Error>(next.map(|lines| (lines, export)))
    });
    Ok(([(header::CONTENT_TYPE, kind)], body::Body::from_stream(lines)).into_response())
}

/// What is to be closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditClose {
    /// Entries older than so many days are closed.
    pub older_than_days: u16,
}

/// A part of the audit that was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditClosed {
    /// Number of its first entry.
    pub first: u64,
    /// Number of its last.
    pub last: u64,
    /// Name of the file that holds its entries, in the folder `audit` of the data directory.
    pub file: String,
}

/// Closes old entries.
///
/// They are written into a file that can be verified, and leave the database; a signed seal stays in
/// their place for ever.
#[utoipa::path(
    post,
    path = "/api/v1/audit/close",
    operation_id = "close_audit",
    tag = "audit",
    params(DryRun, IdempotencyKey),
    request_body = AuditClose,
    responses(
        (status = 200, description = "What was closed; with dry_run=true, what would be", body = AuditClosed),
        Problem
    )
)]
pub(crate) async fn close(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
    Body(AuditClose { older_than_days }): Body<AuditClose>,
) -> Result<Response, Problem> {
    if dry_run {
        let part = engine.preview_audit_close(&caller, older_than_days).await?;
        let (first, last) = (part.first, part.last);
        return Ok(Preview::of(format!("close the entries {first} to {last} of the audit")));
    }
    let ClosedPart { first, last, file } = engine.close_audit(&caller, older_than_days).await?;
    Ok(Json(AuditClosed { first, last, file }).into_response())
}

/// After how many days entries are closed by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditRetention {
    /// The number of days; null: never.
    pub days: Option<u16>,
}

/// Says after how many days entries are closed by themselves.
#[utoipa::path(
    get,
    path = "/api/v1/audit/retention",
    operation_id = "show_audit_retention",
    tag = "audit",
    responses((status = 200, body = AuditRetention), Problem)
)]
pub(crate) async fn retention(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<AuditRetention>, Problem> {
    Ok(Json(AuditRetention { days: engine.audit_retention(&caller).await? }))
}

/// Sets after how many days entries are closed by themselves.
#[utoipa::path(
    put,
    path = "/api/v1/audit/retention",
    operation_id = "set_audit_retention",
    tag = "audit",
    params(DryRun, IdempotencyKey),
    request_body = AuditRetention,
    responses(
        (status = 200, description = "As it is now; with dry_run=true, what would change", body = AuditRetention),
        Problem
    )
)]
pub(crate) async fn set_retention(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
    Body(wanted): Body<AuditRetention>,
) -> Result<Response, Problem> {
    if dry_run {
        let part = engine.preview_audit_retention(&caller, wanted.days).await?;
        let when =
            wanted.days.map_or_else(|| "never".to_owned(), |days| format!("after {days} days"));
        let now = part.map(|part| format!(", {} to {} at once", part.first, part.last));
        let now = now.unwrap_or_default();
        return Ok(Preview::of(format!("close entries of the audit {when}{now}")));
    }
    engine.set_audit_retention(&caller, wanted.days).await?;
    Ok(Json(wanted).into_response())
}

/// Says what the audit is known by, and up to where it is signed.
#[utoipa::path(
    get,
    path = "/api/v1/audit/state",
    operation_id = "show_audit",
    tag = "audit",
    responses((status = 200, body = AuditState), Problem)
)]
pub(crate) async fn state(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<AuditState>, Problem> {
    let identity = engine.audit_identity(&caller).await?;
    let head = engine.store().audit_head().await?;
    let signed = engine.store().last_audit_checkpoint().await?;
    Ok(Json(AuditState {
        id: identity.id.to_string(),
        key: hexadecimal(&identity.key),
        last: head.map_or(0, |head| head.sequence),
        hash: head.map(|head| hexadecimal(&head.hash)).unwrap_or_default(),
        signed: signed.as_ref().map(|signed| signed.link.sequence),
        signed_at: signed.map(|signed| rfc3339(signed.at)),
    }))
}
