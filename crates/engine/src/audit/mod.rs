//! The audit: entries become documents, documents links of the chain.
//!
//! Whoever changes something and has it on record takes the [`AuditLog`], makes rows of the entries,
//! and writes rows and change in one transaction. The rest of this room keeps what was written:
//! `keeper` signs it, `checking` verifies it where it lies, `stream` sends it on, `refusals` bounds what
//! a refused caller can make it grow by.

mod checking;
mod closing;
mod export;
mod format;
mod keeper;
mod refusals;
mod signing;
mod stream;
mod troubles;
mod verify;

use domain::{
    Caller, Connector, Permission, Timestamp,
    audit::{Entry, Event, Link, TargetKind},
};
use serde_json::{Map, Value as Json};
use store::AuditRow;
use tokio::sync::{Mutex, MutexGuard, Notify};
use uuid::Uuid;

pub use checking::{AuditCheck, BrokenChain};
pub use closing::ClosedPart;
pub use export::{AuditExport, ExportFormat};
pub use signing::{AuditKey, is_signed};
pub use stream::{AuditStream, StreamBeginning};
pub use troubles::AuditTrouble;
pub use verify::{Broken, Expected, Verified, Verifier, VerifyError, verify};

use self::refusals::Refusals;
use crate::{Engine, Error};

/// Under which name the store keeps the id of the audit.
const ID: &str = "audit id";
/// How often an entry is tried again whose place somebody else has taken.
const TRIES: u32 = 5;

/// The end of the chain, as far as this process knows it, and who is told when it grows.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    end: Mutex<Option<Link>>,
    /// The id does not change once it is known.
    id: tokio::sync::OnceCell<Uuid>,
    /// Wakes who keeps the audit when there is a new entry.
    grown: Notify,
    refusals: Refusals,
    checking: checking::Checking,
    /// Wakes who streams it when it is to go elsewhere.
    stream_changed: Notify,
    /// Held while a part is closed: one at a time.
    closing: Mutex<()>,
}

/// The right to add to the audit.
pub(crate) struct AuditLog<'a> {
    audit: &'a Audit,
    head: MutexGuard<'a, Option<Link>>,
    end: Link,
}

/// What an audit is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditIdentity {
    /// Its id, for ever.
    pub id: Uuid,
    /// The public key that it is signed with now.
    pub key: [u8; 32],
}

/// Begins to keep and to stream it.
pub(crate) async fn start(engine: &Engine) {
    keeper::start(engine).await;
    checking::start(engine).await;
    stream::start(engine).await;
}

impl Engine {
    /// What this audit is known by, for those who verify it elsewhere.
    pub async fn audit_identity(&self, caller: &Caller) -> Result<AuditIdentity, Error> {
        caller.scope(Permission::ReadAudit)?;
        let key = self.inner.options.audit.key.public();
        Ok(AuditIdentity { id: self.audit_id().await?, key })
    }

    /// The right to add to the audit. Others wait until it is given back.
    pub(crate) async fn audit_log(&self) -> Result<AuditLog<'_>, store::Error> {
        // Taken out: it is unknown until what is written now was written.
        let audit = &self.inner.audit;
        let mut head = audit.end.lock().await;
        let end = match head.take() {
            Some(end) => end,
            None => match self.store().audit_head().await? {
                Some(end) => end,
                None => Link::before_all(self.audit_id().await?),
            },
        };
        Ok(AuditLog { audit, head, end })
    }

    /// An entry of what a caller did to a connector.
    pub(crate) fn entry_of(&self, caller: &Caller, event: Event, connector: &Connector) -> Entry {
        let id = connector.id.to_string();
        Entry::of(caller, self.now(), event).on(TargetKind::Connector, id, connector.name.as_str())
    }

    /// Adds one entry that belongs to no change.
    pub(crate) async fn audit(&self, entry: Entry) -> Result<(), store::Error> {
        for _ in 1..TRIES {
            match self.audit_once(&entry).await {
                // Another process wrote at this place a moment ago.
                Err(store::Error::Conflict { .. }) => {}
                written => return written,
            }
        }
        self.audit_once(&entry).await
    }

    async fn audit_once(&self, entry: &Entry) -> Result<(), store::Error> {
        let mut log = self.audit_log().await?;
        let rows = log.rows(std::slice::from_ref(entry));
        self.store().add_audit(&rows).await?;
        log.written();
        Ok(())
    }

    /// The id of this audit, made when it is first needed.
    pub(crate) async fn audit_id(&self) -> Result<Uuid, store::Error> {
        let find = async {
            let kept = self.store().meta(ID).await?;
            if let Some(id) = kept.and_then(|text| Uuid::parse_str(&text).ok()) {
                return Ok(id);
            }
            let id = Uuid::new_v4();
            self.store().set_meta(ID, &id.to_string()).await?;
            Ok(id)
        };
        self.inner.audit.id.get_or_try_init(|| find).await.copied()
    }
}

/// Writes entries down, each with its link to the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditChain(Link);

impl AuditChain {
    /// A chain that goes on after this link.
    #[must_use]
    pub fn after(link: Link) -> Self {
        Self(link)
    }

    /// The rows of entries.
    pub fn rows(&mut self, entries: &[Entry]) -> Vec<AuditRow> {
        let rows = entries.iter().map(|entry| {
            let document = document(entry);
            self.0 = self.0.next(document.as_bytes());
            AuditRow {
                link: self.0,
                at: entry.at,
                event: entry.event,
                actor: entry.actor.id,
                target: entry.target.as_ref().map(|target| target.id.clone()),
                document,
            }
        });
        rows.collect()
    }
}

impl AuditLog<'_> {
    /// The rows of entries, to be written next.
    pub(crate) fn rows(&mut self, entries: &[Entry]) -> Vec<AuditRow> {
        let mut chain = AuditChain::after(self.end);
        let rows = chain.rows(entries);
        self.end = chain.0;
        rows
    }

    /// To be called when the rows were written. Without it the end is looked up anew.
    pub(crate) fn written(mut self) {
        *self.head = Some(self.end);
        drop(self.head);
        self.audit.grown.notify_waiters();
    }
}

/// Longest text of an entry, in bytes: more than anything that is worth keeping, and an entry fits
/// into one datagram.
const MAX_TEXT_BYTES: usize = 4_096;

/// A text, or its beginning if it is longer than any that says something.
fn kept(text: &str) -> Json {
    if text.len() <= MAX_TEXT_BYTES {
        return text.into();
    }
    let end = text.floor_char_boundary(MAX_TEXT_BYTES);
    format!("{} … ({} bytes)", text.get(..end).unwrap_or_default(), text.len()).into()
}

/// An entry as JSON: what is hashed. Fields that say nothing are left out; the others stand in the
/// order of their names, with no blank between them.
fn document(entry: &Entry) -> String {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Json| fields.insert(name.to_owned(), value);
    set("at", rfc3339(entry.at).into());
    let actor = Map::from_iter([
        ("id".to_owned(), entry.actor.id.to_string().into()),
        ("name".to_owned(), kept(&entry.actor.name)),
    ]);
    set("actor", actor.into());
    set("source", entry.source.word().into());
    set("event", entry.event.word().into());
    if let Some(target) = &entry.target {
        let target = Map::from_iter([
            ("kind".to_owned(), target.kind.word().into()),
            ("id".to_owned(), target.id.clone().into()),
            ("name".to_owned(), kept(&target.name)),
        ]);
        set("target", target.into());
    }
    for (name, text) in
        [("reason", &entry.reason), ("ticket", &entry.ticket), ("answer", &entry.answer)]
    {
        if let Some(text) = text {
            set(name, kept(text));
        }
    }
    if !entry.details.is_empty() {
        let details = entry.details.iter();
        let details = details.map(|(name, text)| ((*name).to_owned(), kept(text)));
        set("details", Map::from_iter(details).into());
    }
    Json::Object(fields).to_string()
}

/// A time to the millisecond, as the store keeps it.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time).to_string()
}
