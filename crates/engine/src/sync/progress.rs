//! How far a job has come, told to the store now and then.

use std::time::Duration;

use domain::{JobId, Timestamp};
use store::Progress;

use crate::Engine;

/// Not more often than this, so that telling costs nothing.
const INTERVAL: Duration = Duration::from_millis(500);

pub(super) struct Reporter<'a> {
    engine: &'a Engine,
    job: JobId,
    progress: Progress,
    told: Timestamp,
}

impl<'a> Reporter<'a> {
    pub(super) fn new(engine: &'a Engine, job: JobId) -> Self {
        Self { engine, job, progress: Progress::default(), told: Timestamp::MIN }
    }

    /// A new step begins.
    pub(super) async fn step(&mut self, name: &str, expected: Option<u64>) {
        self.progress = Progress { step: Some(name.to_owned()), done: 0, expected };
        self.tell().await;
    }

    /// So many of the step are done.
    pub(super) async fn done(&mut self, done: u64) {
        self.progress.done = done;
        if let Some(expected) = &mut self.progress.expected {
            *expected = done.max(*expected);
        }
        let is_due = self.told.checked_add(INTERVAL).is_ok_and(|due| self.engine.now() >= due);
        if is_due {
            self.tell().await;
        }
    }

    async fn tell(&mut self) {
        self.told = self.engine.now();
        // Progress is for people; a pass does not fail for want of it.
        if let Err(error) = self.engine.store().update_job(self.job, &self.progress).await {
            tracing::debug!(%error, "progress could not be noted");
        }
    }
}
