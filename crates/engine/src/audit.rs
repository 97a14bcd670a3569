//! The audit: entries become documents, documents links of the chain.
//!
//! Whoever changes something and has it on record takes the [`AuditLog`], makes rows of the entries,
//! and writes rows and change in one transaction.

use domain::{
    Timestamp,
    audit::{Entry, Link},
};
use serde_json::{Map, Value as Json};
use store::AuditRow;
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use crate::Engine;

/// Under which name the store keeps the id of the audit.
const ID: &str = "audit id";

/// The end of the chain, as far as this process knows it.
#[derive(Debug, Default)]
pub(crate) struct Head(Mutex<Option<Link>>);

/// The right to add to the audit.
pub(crate) struct AuditLog<'a> {
    head: MutexGuard<'a, Option<Link>>,
    end: Link,
}

impl Engine {
    /// The right to add to the audit. Others wait until it is given back.
    pub(crate) async fn audit_log(&self) -> Result<AuditLog<'_>, store::Error> {
        // Taken out: it is unknown until what is written now was written.
        let mut head = self.inner.audit.0.lock().await;
        let end = match head.take() {
            Some(end) => end,
            None => match self.store().audit_head().await? {
                Some(end) => end,
                None => Link::before_all(self.audit_id().await?),
            },
        };
        Ok(AuditLog { head, end })
    }

    /// Adds one entry that belongs to no change.
    pub(crate) async fn audit(&self, entry: Entry) -> Result<(), store::Error> {
        let mut log = self.audit_log().await?;
        let rows = log.rows(&[entry]);
        self.store().add_audit(&rows).await?;
        log.written();
        Ok(())
    }

    /// The id of this audit, made when it is first needed.
    pub(crate) async fn audit_id(&self) -> Result<Uuid, store::Error> {
        let kept = self.store().meta(ID).await?;
        if let Some(id) = kept.and_then(|text| Uuid::parse_str(&text).ok()) {
            return Ok(id);
        }
        let id = Uuid::new_v4();
        self.store().set_meta(ID, &id.to_string()).await?;
        Ok(id)
    }
}

impl AuditLog<'_> {
    /// The rows of entries, to be written next.
    pub(crate) fn rows(&mut self, entries: &[Entry]) -> Vec<AuditRow> {
        let rows = entries.iter().map(|entry| {
            let document = document(entry);
            self.end = self.end.next(document.as_bytes());
            AuditRow {
                link: self.end,
                at: entry.at,
                event: entry.event,
                actor: entry.actor.id,
                target: entry.target.as_ref().map(|target| target.id.clone()),
                document,
            }
        });
        rows.collect()
    }

    /// To be called when the rows were written. Without it the end is looked up anew.
    pub(crate) fn written(mut self) {
        *self.head = Some(self.end);
    }
}

/// An entry as JSON: what is hashed. Fields that say nothing are left out; the others stand in the
/// order of their names, with no blank between them.
fn document(entry: &Entry) -> String {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Json| fields.insert(name.to_owned(), value);
    set("at", rfc3339(entry.at).into());
    let actor = Map::from_iter([
        ("id".to_owned(), entry.actor.id.to_string().into()),
        ("name".to_owned(), entry.actor.name.clone().into()),
    ]);
    set("actor", actor.into());
    set("source", entry.source.word().into());
    set("event", entry.event.word().into());
    if let Some(target) = &entry.target {
        let target = Map::from_iter([
            ("kind".to_owned(), target.kind.word().into()),
            ("id".to_owned(), target.id.clone().into()),
            ("name".to_owned(), target.name.clone().into()),
        ]);
        set("target", target.into());
    }
    for (name, text) in
        [("reason", &entry.reason), ("ticket", &entry.ticket), ("answer", &entry.answer)]
    {
        if let Some(text) = text {
            set(name, text.clone().into());
        }
    }
    if !entry.details.is_empty() {
        let details = entry.details.iter();
        let details = details.map(|(name, text)| ((*name).to_owned(), Json::from(text.clone())));
        set("details", Map::from_iter(details).into());
    }
    Json::Object(fields).to_string()
}

/// A time to the millisecond, as the store keeps it.
fn rfc3339(time: Timestamp) -> String {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time).to_string()
}
