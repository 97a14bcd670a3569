//! What sends the entries: whenever there are new ones, and again after a while if it failed.

use anyhow::{anyhow, ensure};
use domain::{Caller, Permission, Timestamp, audit::StreamTarget};
use jiff::SignedDuration;
use store::AuditRow;

use super::{file, message, syslog, target};
use crate::{
    Engine,
    tasks::{self, Stop},
};

/// Entries sent at once: some hundred kilobytes.
const BATCH: u32 = 500;
/// The first wait after a failure; each further one is twice as long.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(1);
/// The longest: a receiver that is back is found within this time.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(5);
/// New entries are looked for at least this often: another process may have added them.
const LONGEST_SLEEP: SignedDuration = SignedDuration::from_secs(30);

pub(crate) async fn start(engine: &Engine) {
    let stop = engine.inner.tasks.stop();
    engine.inner.tasks.spawn(flow(engine.clone(), stop)).await;
}

async fn flow(engine: Engine, mut stop: Stop) {
    let mut failures = 0;
    while !stop.is_set() {
        let audit = &engine.inner.audit;
        let (grown, changed) = (audit.grown.notified(), audit.stream_changed.notified());
        // Cut short by a stop, a batch is sent again at the next start.
        let sent = tokio::select! {
            sent = tasks::step(engine.stream_some()) => sent,
            () = stop.wait() => return,
        };
        match sent {
            Ok(true) => {
                failures = 0;
                continue;
            }
            Ok(false) => failures = 0,
            Err(error) => {
                failures += 1;
                engine.stream_is_troubled(&error).await;
            }
        }
        let next = engine.now() + if failures == 0 { LONGEST_SLEEP } else { wait_after(failures) };
        tokio::select! {
            () = grown, if failures == 0 => {}
            () = changed => failures = 0,
            () = engine.inner.options.clock.reached(next) => {}
            () = stop.wait() => {}
        }
    }
}

fn wait_after(failures: u32) -> SignedDuration {
    let doubled = 1_i32.checked_shl(failures.saturating_sub(1)).filter(|_| failures < 16);
    doubled.map_or(LONGEST_WAIT, |times| (FIRST_WAIT * times).min(LONGEST_WAIT))
}

impl Engine {
    /// Sends the next entries, if there are any that were not received.
    async fn stream_some(&self) -> anyhow::Result<bool> {
        let Some(stream) = self.store().audit_stream().await? else { return Ok(false) };
        let target = target::read(&stream.configuration)?;
        let Some(last) = self.send_after(stream.position, &target).await? else {
            return Ok(false);
        };
        self.store().audit_streamed(&stream.configuration, last, self.now()).await?;
        if stream.trouble.is_some() {
            tracing::info!("the receiver of the audit is back");
        }
        Ok(true)
    }

    /// Sends entries after a place in the chain; the number of the last.
    pub(super) async fn send_after(
        &self,
        position: u64,
        target: &StreamTarget,
    ) -> anyhow::Result<Option<u64>> {
        let scope = Caller::engine().scope(Permission::ReadAudit)?;
        let rows = self.store().audit(&scope, position, BATCH).await?;
        let Some(last) = rows.last().map(|row| row.link.sequence) else { return Ok(None) };
        let id = self.audit_id().await?;
        let sent = match target {
            StreamTarget::Syslog(to) => {
                let messages = rows.iter().map(|row: &AuditRow| message::of_entry(row, id));
                syslog::send(to, messages.collect()).await
            }
            StreamTarget::File(file) => file::append(self.stream_folder(), *file, rows).await,
        };
        sent.map_err(|why| anyhow!(why))?;
        ensure!(last > position, "the chain does not go on after entry {position}");
        Ok(Some(last))
    }

    async fn stream_is_troubled(&self, error: &anyhow::Error) {
        let (why, now): (String, Timestamp) = (format!("{error:#}"), self.now());
        // Told once, where it begins; the state says how long.
        if let Ok(Some(stream)) = self.store().audit_stream().await
            && stream.trouble.is_none()
        {
            tracing::warn!(error = why, "the audit cannot be streamed; it is tried again");
        }
        if let Err(error) = self.store().audit_stream_troubled(&why, now).await {
            tracing::error!(%error, "that the stream is in trouble could not be kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_five_minutes() {
        let waits = [1, 2, 3, 9, 10, 15, 16, 40, u32::MAX].map(|n| wait_after(n).as_secs());
        assert_eq!(waits, [1, 2, 4, 256, 300, 300, 300, 300, 300]);
    }
}
