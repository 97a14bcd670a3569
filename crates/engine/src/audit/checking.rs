//! Verifies the chain where it lies, again and again: a change in the database is noticed within an
//! hour if it is new, within a day wherever it is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use domain::{
    Caller, Permission, Scope, Timestamp,
    audit::{Checkpoint, Link, Seal, hexadecimal},
};
use jiff::SignedDuration;
use serde_json::{Value as Json, json};
use store::AuditRow;
use uuid::Uuid;

use super::{format, is_signed, rfc3339};
use crate::{Engine, Error, tasks::Stop};

/// Under which name the store keeps how far the chain was verified.
const CHECKED: &str = "audit checked";
/// What was added since is looked at so often,
const INTERVAL: SignedDuration = SignedDuration::from_hours(1);
/// and everything so often: ten million entries are read in some minutes.
const WHOLE_INTERVAL: SignedDuration = SignedDuration::from_hours(24);
/// Entries read at once.
const PAGE: u32 = 1_000;

/// How far the chain in the database was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditCheck {
    /// The last entry that is as it was written.
    pub link: Link,
    /// When that was seen.
    pub at: Timestamp,
    /// When everything from the first entry on was verified last.
    pub whole_at: Option<Timestamp>,
    /// What is not as it was written.
    pub broken: Option<BrokenChain>,
}

/// Where the chain in the database is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenChain {
    /// Number of the entry.
    pub sequence: u64,
    /// What differs.
    pub what: String,
    /// When it was found.
    pub at: Timestamp,
}

/// A check under way, and the wish for one.
#[derive(Debug, Default)]
pub(super) struct Checking {
    wanted: AtomicBool,
    /// The entry that it has come to; 0 if none is under way.
    at: AtomicU64,
    wake: tokio::sync::Notify,
}

/// What was found out by one walk along the chain.
type Walked = Result<Link, (u64, String)>;

pub(super) async fn start(engine: &Engine) {
    let stop = engine.inner.tasks.stop();
    engine.inner.tasks.spawn(check(engine.clone(), stop)).await;
}

async fn check(engine: Engine, mut stop: Stop) {
    while !stop.is_set() {
        let wake = engine.inner.audit.checking.wake.notified();
        let next = engine.now() + INTERVAL;
        let checked = tokio::select! {
            checked = engine.check_if_due() => checked,
            () = stop.wait() => return,
        };
        if let Err(error) = checked {
            tracing::error!(error = format!("{error:#}"), "the audit could not be verified");
        }
        engine.inner.audit.checking.at.store(0, Ordering::Relaxed);
        tokio::select! {
            () = wake => {}
            () = engine.inner.options.clock.reached(next) => {}
            () = stop.wait() => {}
        }
    }
}

impl Engine {
    /// How far the chain in the database was verified; `None` if it never was.
    pub async fn audit_check(&self, caller: &Caller) -> Result<Option<AuditCheck>, Error> {
        caller.scope(Permission::ReadAudit)?;
        Ok(self.kept_check().await?)
    }

    /// The entry that a check under way has come to.
    pub fn audit_check_under_way(&self, caller: &Caller) -> Result<Option<u64>, Error> {
        caller.scope(Permission::ReadAudit)?;
        let checking = &self.inner.audit.checking;
        let (at, wanted) = (&checking.at, &checking.wanted);
        let at = at.load(Ordering::Relaxed);
        Ok((at > 0 || wanted.load(Ordering::Relaxed)).then_some(at))
    }

    /// Begins to verify everything.
    pub fn check_audit(&self, caller: &Caller) -> Result<(), Error> {
        caller.scope(Permission::ReadAudit)?;
        self.inner.audit.checking.wanted.store(true, Ordering::Relaxed);
        self.inner.audit.checking.wake.notify_waiters();
        Ok(())
    }

    async fn check_if_due(&self) -> anyhow::Result<()> {
        let kept = self.kept_check().await?;
        let now = self.now();
        let whole_at = kept.as_ref().and_then(|kept| kept.whole_at);
        let is_whole = self.inner.audit.checking.wanted.swap(false, Ordering::Relaxed)
            || whole_at.is_none_or(|at| at + WHOLE_INTERVAL <= now);
        // Entries of a part that is being closed leave while one looks.
        let _alone = self.inner.audit.closing.lock().await;
        let scope = Caller::engine().scope(Permission::ReadAudit)?;
        let from = kept.as_ref().filter(|_| !is_whole).map(|kept| kept.link);
        // What the chain had grown to before; what is written meanwhile is for the next time.
        let known = self.audit_end().await?;
        let walk = Walk { engine: self, id: self.audit_id().await?, scope: &scope };
        let walked = walk.along(from, known).await?;
        let was_broken = kept.as_ref().is_some_and(|kept| kept.broken.is_some());
        let checked = match walked {
            Ok(link) => AuditCheck {
                link,
                at: now,
                whole_at: if is_whole { Some(now) } else { whole_at },
                // Only a look at everything takes an alarm back.
                broken: kept.and_then(|kept| kept.broken).filter(|_| !is_whole),
            },
            Err((sequence, what)) => {
                if !was_broken {
                    tracing::error!(entry = sequence, "the audit is not as it was written: {what}");
                }
                let start = Link::before_all(walk.id);
                let (link, at) = kept.map_or((start, now), |kept| (kept.link, kept.at));
                let broken = Some(BrokenChain { sequence, what, at: now });
                AuditCheck { link, at, whole_at, broken }
            }
        };
        Ok(self.store().set_meta(CHECKED, &written(&checked)).await?)
    }

    /// The end of the chain as this process knows it, or as the database says.
    async fn audit_end(&self) -> Result<u64, store::Error> {
        let known = *self.inner.audit.end.lock().await;
        match known {
            Some(end) => Ok(end.sequence),
            None => Ok(self.store().audit_head().await?.map_or(0, |head| head.sequence)),
        }
    }

    async fn kept_check(&self) -> Result<Option<AuditCheck>, store::Error> {
        let kept = self.store().meta(CHECKED).await?;
        Ok(kept.as_deref().and_then(read))
    }
}

struct Walk<'a> {
    engine: &'a Engine,
    id: Uuid,
    scope: &'a Scope,
}

impl Walk<'_> {
    /// From a link that was verified before, or from the beginning, to the entry that is known to be
    /// the last.
    async fn along(&self, from: Option<Link>, known: u64) -> anyhow::Result<Walked> {
        let store = self.engine.store();
        let seals = store.audit_seals().await?;
        let sealed = match self.over(&seals) {
            Ok(sealed) => sealed,
            Err(broken) => return Ok(Err(broken)),
        };
        let mut link = match from.filter(|from| from.sequence > sealed.sequence) {
            Some(from) => {
                let row = store.audit(self.scope, from.sequence - 1, 1).await?;
                if row.first().is_none_or(|row| row.link != from) {
                    let what = "it is not the one that was verified before".to_owned();
                    return Ok(Err((from.sequence, what)));
                }
                from
            }
            None => sealed,
        };
        let signed = store.last_audit_checkpoint().await?.map_or(0, |last| last.link.sequence);
        loop {
            self.engine.inner.audit.checking.at.store(link.sequence.max(1), Ordering::Relaxed);
            let mut rows = store.audit(self.scope, link.sequence, PAGE).await;
            if let Err(store::Error::Corrupt { .. }) = rows {
                // One of them cannot be read: one by one, it is found which.
                rows = store.audit(self.scope, link.sequence, 1).await;
            }
            let rows = match rows {
                Err(error @ store::Error::Corrupt { .. }) => {
                    return Ok(Err((link.sequence + 1, error.to_string())));
                }
                rows => rows?,
            };
            let Some(end) = rows.last().map(|row| row.link.sequence) else { break };
            let points = store.audit_checkpoints(link.sequence, PAGE).await?;
            let points = points.iter().filter(|point| point.link.sequence <= end);
            match self.page(link, &rows, points) {
                Ok(next) => link = next,
                Err(broken) => return Ok(Err(broken)),
            }
        }
        let missing = (link.sequence + 1, "it and what follows is missing".to_owned());
        Ok(if link.sequence < known.max(signed) { Err(missing) } else { Ok(link) })
    }

    /// Over the seals of closed parts.
    fn over(&self, seals: &[Seal]) -> Walked {
        let mut link = Link::before_all(self.id);
        for seal in seals {
            if seal.first != link.sequence + 1 || seal.previous != link.hash {
                return Err((seal.first, "the closed part does not follow the one before".into()));
            }
            if !is_signed(&seal.statement(self.id), &seal.signature) {
                return Err((seal.first, "the seal of the closed part was not signed so".into()));
            }
            link = seal.last;
        }
        Ok(link)
    }

    fn page<'p>(
        &self,
        mut link: Link,
        rows: &[AuditRow],
        points: impl Iterator<Item = &'p Checkpoint>,
    ) -> Walked {
        let mut points = points.peekable();
        for row in rows {
            let next = link.next(row.document.as_bytes());
            if row.link.sequence != next.sequence {
                return Err((next.sequence, "it is missing".to_owned()));
            }
            if row.link != next {
                let what = "it, or one before it, is not the one that was written";
                return Err((next.sequence, what.to_owned()));
            }
            if !is_found_by_what_it_says(row) {
                let what = "what it is found by is not what it says";
                return Err((next.sequence, what.to_owned()));
            }
            link = next;
            while let Some(point) = points.next_if(|it| it.link.sequence <= link.sequence) {
                let statement = Checkpoint::statement(self.id, point.link, point.at);
                if point.link != link || !is_signed(&statement, &point.signature) {
                    let what = "its checkpoint is not of this chain";
                    return Err((link.sequence, what.to_owned()));
                }
            }
        }
        Ok(link)
    }
}

/// Whether the columns that an entry is looked for by say what its document says: otherwise it could
/// be hidden from who looks for it.
fn is_found_by_what_it_says(row: &AuditRow) -> bool {
    let Ok(said) = serde_json::from_str::<Json>(&row.document) else { return false };
    let text = |path: &str| said.pointer(path).and_then(Json::as_str);
    text("/event") == Some(row.event.word())
        && text("/actor/id") == Some(row.actor.to_string().as_str())
        && text("/target/id") == row.target.as_deref()
        && text("/at") == Some(rfc3339(row.at).as_str())
}

fn written(check: &AuditCheck) -> String {
    let broken = check.broken.as_ref().map(|BrokenChain { sequence, what, at }| {
        json!({"sequence": sequence, "what": what, "at": at.to_string()})
    });
    json!({
        "sequence": check.link.sequence,
        "hash": hexadecimal(&check.link.hash),
        "at": check.at.to_string(),
        "whole_at": check.whole_at.map(|at| at.to_string()),
        "broken": broken,
    })
    .to_string()
}

fn read(kept: &str) -> Option<AuditCheck> {
    let kept: Json = serde_json::from_str(kept).ok()?;
    let time = |value: &Json| value.as_str()?.parse::<Timestamp>().ok();
    let broken = kept.get("broken").filter(|broken| !broken.is_null());
    let broken = broken.and_then(|broken| {
        Some(BrokenChain {
            sequence: broken.get("sequence")?.as_u64()?,
            what: broken.get("what")?.as_str()?.to_owned(),
            at: time(broken.get("at")?)?,
        })
    });
    let hash = format::bytes(kept.get("hash")?.as_str()?)?;
    Some(AuditCheck {
        link: Link { sequence: kept.get("sequence")?.as_u64()?, hash },
        at: time(kept.get("at")?)?,
        whole_at: kept.get("whole_at").and_then(time),
        broken,
    })
}
