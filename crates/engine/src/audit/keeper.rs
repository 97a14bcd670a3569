//! Signs the audit as it grows: a checkpoint every thousand entries, every hour, and at the end.

use domain::Timestamp;
use jiff::SignedDuration;

use crate::{Engine, tasks::Stop};

/// Entries between two checkpoints at most.
const MOST_UNSIGNED: u64 = 1_000;
/// An entry is signed within this time.
const INTERVAL: SignedDuration = SignedDuration::from_hours(1);

pub(super) async fn start(engine: &Engine) {
    let stop = engine.inner.tasks.stop();
    engine.inner.tasks.spawn(keep(engine.clone(), stop)).await;
}

async fn keep(engine: Engine, mut stop: Stop) {
    let mut closed = None::<Timestamp>;
    while !stop.is_set() {
        if engine.inner.options.is_supervised
            && closed.is_none_or(|at| at + INTERVAL <= engine.now())
        {
            closed = Some(engine.now());
            if let Err(error) = engine.close_if_due().await {
                tracing::error!(error = format!("{error:#}"), "old entries could not be closed");
            }
        }
        let grown = engine.inner.audit.grown.notified();
        let next = match engine.sign_if_due().await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "the audit could not be signed");
                engine.now() + INTERVAL
            }
        };
        tokio::select! {
            () = grown => {}
            () = engine.inner.options.clock.reached(next) => {}
            () = stop.wait() => {}
        }
    }
}

impl Engine {
    /// Adds a checkpoint if one is due. When to look again.
    async fn sign_if_due(&self) -> Result<Timestamp, store::Error> {
        let last = self.store().last_audit_checkpoint().await?;
        let due = last.as_ref().map(|last| last.at + INTERVAL);
        let signed = last.map_or(0, |last| last.link.sequence);
        let head = self.store().audit_head().await?.map_or(0, |head| head.sequence);
        let now = self.now();
        if head >= signed + MOST_UNSIGNED || head > signed && due.is_none_or(|due| due <= now) {
            self.sign_audit().await?;
            return Ok(now + INTERVAL);
        }
        // Nothing is due before something is added, and then this is waked.
        Ok(due.filter(|due| *due > now).unwrap_or(now + INTERVAL))
    }

    /// Adds a checkpoint of the last entry, unless it has one.
    pub(crate) async fn sign_audit(&self) -> Result<(), store::Error> {
        let Some(head) = self.store().audit_head().await? else { return Ok(()) };
        let last = self.store().last_audit_checkpoint().await?;
        if last.is_some_and(|last| last.link.sequence >= head.sequence) {
            return Ok(());
        }
        let key = &self.inner.options.audit.key;
        let checkpoint = key.checkpoint(self.audit_id().await?, head, self.now());
        match self.store().add_audit_checkpoint(&checkpoint).await {
            // Somebody else signed this entry a moment ago.
            Err(store::Error::Conflict { .. }) => Ok(()),
            added => added,
        }
    }
}
