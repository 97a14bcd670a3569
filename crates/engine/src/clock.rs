//! The only clock of the product.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// Tells the time and waits. A manual clock does both without time passing, so that no test waits.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual(Arc<watch::Sender<Timestamp>>),
}

impl Clock {
    /// The computer's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until somebody moves it. Its clones move with it.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(watch::Sender::new(start))))
    }

    /// The time now, in whole milliseconds: so it is kept, and what is read back must not look older
    /// than it was.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one clock of the product")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => {
                let now = Timestamp::now();
                Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
            }
            Source::Manual(time) => *time.borrow(),
        }
    }

    /// Moves a manual clock on. The computer's clock is not moved.
    pub fn advance(&self, by: SignedDuration) {
        if let Source::Manual(time) = &self.0 {
            time.send_modify(|time| *time += by);
        }
    }

    /// Waits until a time. A manual clock must be moved there by somebody else.
    pub(crate) async fn reached(&self, time: Timestamp) {
        match &self.0 {
            Source::System => {
                let left = time.duration_since(self.now());
                tokio::time::sleep(left.try_into().unwrap_or_default()).await;
            }
            Source::Manual(now) => {
                // An error means that the clock is gone: then its time never comes.
                if now.subscribe().wait_for(|now| *now >= time).await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    /// Waits. A manual clock moves on by as much instead.
    pub(crate) async fn sleep(&self, duration: Duration) {
        match &self.0 {
            Source::System => tokio::time::sleep(duration).await,
            Source::Manual(_) => {
                self.advance(SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX));
                tokio::task::yield_now().await;
            }
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_is_moved_by_waiting_and_by_nothing_else() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
        clock.clone().sleep(Duration::from_secs(3600)).await;
        clock.advance(SignedDuration::from_secs(1));
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH + SignedDuration::from_secs(3601));
    }
}
