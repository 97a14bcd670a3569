//! The audit streamed to those who watch many programs in one place: what is sent, and how far.
//!
//! The audit itself is the queue: a stream is a place in the chain, and what lies behind it was
//! received. So nothing is lost while the receiver is away, however long, and after a stop the last
//! entries may come twice.

mod file;
mod flow;
mod message;
mod syslog;
mod target;

use domain::{
    Caller, Permission, Timestamp,
    audit::{Entry, Event, StreamTarget, TargetKind},
};
use store::AuditStreamRow;

pub(crate) use flow::start;

use crate::{Engine, Error, Trial};

/// A stream of the audit, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditStream {
    /// Where it leads.
    pub target: StreamTarget,
    /// The last entry that was received.
    pub position: u64,
    /// Entries that were not received yet.
    pub behind: u64,
    /// What is wrong, if anything is.
    pub trouble: Option<String>,
    /// Since when.
    pub troubled_since: Option<Timestamp>,
    /// When an entry was received last.
    pub last_sent: Option<Timestamp>,
}

/// Where a new stream begins. One that is there goes on where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StreamBeginning {
    /// With the entry that says it was set.
    #[default]
    Now,
    /// With the first entry that is in no closed part.
    First,
}

impl Engine {
    /// Where the audit is streamed to, if it is.
    pub async fn audit_stream(&self, caller: &Caller) -> Result<Option<AuditStream>, Error> {
        caller.scope(Permission::ReadAudit)?;
        let Some(row) = self.store().audit_stream().await? else { return Ok(None) };
        let head = self.store().audit_head().await?.map_or(0, |head| head.sequence);
        Ok(Some(AuditStream {
            target: target::read(&row.configuration)?,
            position: row.position,
            behind: head.saturating_sub(row.position),
            trouble: row.trouble,
            troubled_since: row.troubled_since,
            last_sent: row.last_sent,
        }))
    }

    /// Says what is wrong with a target, if anything is. Keeps nothing.
    pub fn validate_audit_stream(
        &self,
        caller: &Caller,
        target: &StreamTarget,
    ) -> Result<(), Error> {
        caller.scope(Permission::ModifySecurity)?;
        target::validate(target).map_err(Error::Invalid)
    }

    /// Streams the audit there from now on.
    pub async fn set_audit_stream(
        &self,
        caller: &Caller,
        target: StreamTarget,
        beginning: StreamBeginning,
    ) -> Result<(), Error> {
        self.validate_audit_stream(caller, &target)?;
        let before = self.store().audit_stream().await?;
        let entry = self.of_stream(caller, "set").await?.with("to", target::in_words(&target));
        let mut log = self.audit_log().await?;
        let position = match beginning {
            StreamBeginning::Now => log.end.sequence,
            StreamBeginning::First => {
                self.store().audit_seals().await?.last().map_or(0, |seal| seal.last.sequence)
            }
        };
        let told = log.rows(&[entry]);
        self.store().set_audit_stream(&target::written(&target), position, &told).await?;
        log.written();
        self.inner.audit.stream_changed.notify_waiters();
        if let Some(before) = before {
            self.take_leave(before, Some(&target)).await;
        }
        Ok(())
    }

    /// Ends the stream.
    pub async fn remove_audit_stream(&self, caller: &Caller) -> Result<(), Error> {
        caller.scope(Permission::ModifySecurity)?;
        let before = self.store().audit_stream().await?.ok_or_else(no_stream)?;
        let entry = self.of_stream(caller, "removed").await?;
        let mut log = self.audit_log().await?;
        let told = log.rows(&[entry]);
        self.store().remove_audit_stream(&told).await?;
        log.written();
        self.inner.audit.stream_changed.notify_waiters();
        self.take_leave(before, None).await;
        Ok(())
    }

    /// Sends a test message at once: to a target that is thought of, or to that of the stream.
    pub async fn try_audit_stream(
        &self,
        caller: &Caller,
        wanted: Option<StreamTarget>,
    ) -> Result<Trial, Error> {
        caller.scope(Permission::ModifySecurity)?;
        let target = match wanted {
            Some(target) => target,
            None => {
                let row = self.store().audit_stream().await?.ok_or_else(no_stream)?;
                target::read(&row.configuration)?
            }
        };
        self.validate_audit_stream(caller, &target)?;
        let entry = self.of_stream(caller, "tried").await?.with("to", target::in_words(&target));
        self.audit(entry).await?;
        let begun = self.now();
        let sent = match &target {
            StreamTarget::Syslog(syslog) => {
                let test = message::test(self.audit_id().await?, begun);
                syslog::send(syslog, vec![test]).await
            }
            StreamTarget::File(_) => file::can_be_written(self.stream_folder()).await,
        };
        let duration = self.now().duration_since(begun).as_millis();
        Ok(Trial {
            is_success: sent.is_ok(),
            answer: sent.unwrap_or_else(|why| why),
            duration_ms: duration.try_into().unwrap_or_default(),
        })
    }

    /// Tells the receiver of before, once, that it gets no more: who watches there must not take
    /// silence for quiet.
    async fn take_leave(&self, before: AuditStreamRow, now: Option<&StreamTarget>) {
        let Ok(StreamTarget::Syslog(old)) = target::read(&before.configuration) else { return };
        if now == Some(&StreamTarget::Syslog(old.clone())) {
            return;
        }
        let engine = self.clone();
        let leaving = async move {
            if let Err(error) = engine.send_after(before.position, &StreamTarget::Syslog(old)).await
            {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the receiver of before was not told that the stream leaves it"
                );
            }
        };
        self.inner.tasks.spawn(leaving).await;
    }

    async fn of_stream(&self, caller: &Caller, change: &str) -> Result<Entry, Error> {
        let id = self.audit_id().await?;
        Ok(Entry::of(caller, self.now(), Event::AuditChanged)
            .on(TargetKind::Audit, id.to_string(), "the audit")
            .with("stream", change))
    }

    fn stream_folder(&self) -> std::path::PathBuf {
        self.inner.options.audit.directory.clone()
    }
}

fn no_stream() -> Error {
    Error::NotFound("the audit is streamed nowhere; set where to first".to_owned())
}
