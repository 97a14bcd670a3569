//! The supervisor: sees to it that every connector is installed and in step, for years.
//!
//! It holds no state that matters: what is due follows from the connectors and their passes, so it
//! goes on after a restart as if nothing had been.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{
    Connector, ConnectorId, Timestamp,
    connector::{ConnectorState, INSTALL_RETRY},
    pass::{PassKind, PassOutcome},
};
use jiff::SignedDuration;

use crate::{Engine, Error, endpoints::is_of_account, sync, tasks::Stop, worker};

/// How often phones in quarantine are looked for: with the time a look takes, a new one is shown
/// within a minute.
const QUARANTINE_INTERVAL: SignedDuration = SignedDuration::from_secs(30);
/// After looks that failed the next comes later, up to this: a server that is off is not knocked at
/// for days.
const LONGEST_LOOK_RETRY: SignedDuration = SignedDuration::from_mins(16);
/// Looking takes no more than one part in so many of the time, however many phones wait.
const LOOK_SHARE: i32 = 10;
/// The supervisor looks at least this often.
const LONGEST_SLEEP: SignedDuration = QUARANTINE_INTERVAL;
/// After a scheduled pass has failed, the next is not put off to the next day.
const PASS_RETRY: SignedDuration = SignedDuration::from_mins(60);

/// When the next passes of a connector are due; `None`: only when asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NextPasses {
    /// The next full pass.
    pub full: Option<Timestamp>,
    /// The next delta pass.
    pub delta: Option<Timestamp>,
}

/// When the quarantine of each connector is looked at again.
#[derive(Debug, Default)]
pub(crate) struct QuarantineLane(Arc<Mutex<HashMap<ConnectorId, Look>>>);

/// A look into the quarantine.
#[derive(Debug, Clone, Copy)]
struct Look {
    next: Timestamp,
    is_under_way: bool,
    /// Looks that failed since one did not.
    failures: u32,
}

impl Look {
    /// Notes that a look failed. One that the account was refused for is not tried again before the
    /// next pass is: many refusals in a while lock an account.
    fn failed(&mut self, now: Timestamp, is_of_account: bool) {
        let doubled = QUARANTINE_INTERVAL * 2_i32.saturating_pow(self.failures.min(10));
        self.failures = self.failures.saturating_add(1);
        let wait = if is_of_account { PASS_RETRY } else { doubled.min(LONGEST_LOOK_RETRY) };
        self.next = now + wait;
    }
}

pub(crate) async fn start(engine: &Engine) {
    let stop = engine.inner.tasks.stop();
    engine.inner.tasks.spawn(supervise(engine.clone(), stop)).await;
}

async fn supervise(engine: Engine, mut stop: Stop) {
    while !stop.is_set() {
        let changed = engine.inner.connectors_changed.notified();
        let next = match engine.do_what_is_due().await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the supervisor could not look");
                engine.now() + LONGEST_SLEEP
            }
        };
        tokio::select! {
            () = changed => {}
            () = engine.inner.options.clock.reached(next) => {}
            () = stop.wait() => {}
        }
    }
}

impl Engine {
    /// Starts what is due for every connector. When to look again.
    pub(crate) async fn do_what_is_due(&self) -> anyhow::Result<Timestamp> {
        let now = self.now();
        let mut next = now + LONGEST_SLEEP;
        for connector in self.store().connectors(&self.own_scope()?).await? {
            if connector.state == ConnectorState::Removed {
                continue;
            }
            if connector.organization.is_none() {
                match connector.next_install.filter(|at| *at > now) {
                    Some(at) => next = next.min(at),
                    None if connector.is_paused => {}
                    None => self.add_job(&connector, worker::INSTALL).await?,
                }
                continue;
            }
            if !connector.is_at_work() {
                continue;
            }
            for kind in [PassKind::Full, PassKind::Delta] {
                match self.due(&connector, kind).await? {
                    // The clock went on since `now`, and what is due already is due as of then.
                    Some(at) if at <= self.now() => {
                        if self.is_still_at_work(&connector).await? {
                            self.add_job(&connector, worker::job_kind(kind)).await?;
                        }
                        // A full pass reads what a delta pass would have.
                        break;
                    }
                    Some(at) => next = next.min(at),
                    None => {}
                }
            }
            next = next.min(self.look_into_quarantine(&connector).await);
            self.look_at_wish(&connector).await?;
            self.keep_refresh_tokens(&connector).await;
        }
        self.recycle_sessions().await;
        Ok(next)
    }

    /// Whether nobody has paused or removed a connector while the others were looked at.
    async fn is_still_at_work(&self, connector: &Connector) -> anyhow::Result<bool> {
        match self.store().connector(&self.own_scope()?, &connector.name).await {
            Ok(connector) => Ok(connector.is_at_work()),
            Err(store::Error::NotFound(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// When the next passes of a connector are due.
    pub async fn next_passes(&self, connector: &Connector) -> Result<NextPasses, Error> {
        if !connector.is_at_work() {
            return Ok(NextPasses::default());
        }
        Ok(NextPasses {
            full: self.due(connector, PassKind::Full).await?,
            delta: self.due(connector, PassKind::Delta).await?,
        })
    }

    /// When the next pass of a kind is due.
    pub(crate) async fn due(
        &self,
        connector: &Connector,
        kind: PassKind,
    ) -> anyhow::Result<Option<Timestamp>> {
        let (id, now) = (connector.id, self.now());
        let schedules = &connector.options.schedules;
        let full = self.store().passes_of(id, PassKind::Full, 1).await?.pop();
        let (schedule, last) = match kind {
            PassKind::Full => (&schedules.full, full),
            // A full pass reads what a delta pass would have.
            PassKind::Delta => {
                let delta = self.store().passes_of(id, PassKind::Delta, 1).await?.pop();
                (&schedules.delta, full.into_iter().chain(delta).max_by_key(|pass| pass.started))
            }
        };
        let last = last.as_ref();
        let due = schedule.next(&schedules.zone, last.map(|pass| pass.started), now);
        let retry = last
            .filter(|pass| pass.outcome == Some(PassOutcome::Failed))
            .map(|pass| pass.finished.unwrap_or(pass.started) + PASS_RETRY);
        Ok(due.map(|due| retry.map_or(due, |retry| due.min(retry))))
    }

    /// Looks for phones in quarantine if it is time. When it is time again.
    async fn look_into_quarantine(&self, connector: &Connector) -> Timestamp {
        let now = self.now();
        let looks = Arc::clone(&self.inner.quarantine.0);
        {
            let mut looks = looks.lock().unwrap_or_else(PoisonError::into_inner);
            let look = looks.entry(connector.id).or_insert(Look {
                next: now + QUARANTINE_INTERVAL,
                is_under_way: false,
                failures: 0,
            });
            // The first full pass shows them all.
            if look.is_under_way || connector.last_full_sync.is_none() {
                return now + QUARANTINE_INTERVAL;
            }
            if look.next > now {
                return look.next;
            }
            *look = Look { next: now + QUARANTINE_INTERVAL, is_under_way: true, ..*look };
        }
        let (engine, connector) = (self.clone(), connector.clone());
        let looking = async move {
            let looked = Box::pin(sync::quarantine::look(&engine, &connector)).await;
            let mut looks = looks.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(look) = looks.get_mut(&connector.id) else { return };
            look.is_under_way = false;
            match looked {
                Ok(took) => {
                    look.failures = 0;
                    look.next = look.next.max(engine.now() + took * LOOK_SHARE);
                }
                Err(error) => {
                    look.failed(engine.now(), is_of_account(&error));
                    let error = format!("{error:#}");
                    tracing::info!(connector = %connector.name, error, next = %look.next, "the quarantine was not seen");
                }
            }
        };
        self.inner.tasks.spawn(Box::pin(looking)).await;
        now + QUARANTINE_INTERVAL
    }

    /// Notes that a connector could not be installed, and when that is tried again.
    pub(crate) async fn install_failed(
        &self,
        connector: &Connector,
        why: &str,
    ) -> anyhow::Result<()> {
        let next = self.now() + INSTALL_RETRY;
        self.store().set_next_install(connector.id, Some(next)).await?;
        let text = format!("{why} (tried again in {} minutes)", INSTALL_RETRY.as_mins());
        self.record(connector, domain::status_message::Event::InstallFailed, &text).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_that_fail_come_seldom_and_those_of_a_refused_account_most_seldom() {
        let now = Timestamp::UNIX_EPOCH;
        let mut look = Look { next: now, is_under_way: false, failures: 0 };
        for seconds in [30, 60, 120, 240, 480, 960, 960] {
            look.failed(now, false);
            assert_eq!(look.next, now + SignedDuration::from_secs(seconds));
        }
        look.failed(now, true);
        assert_eq!(look.next, now + PASS_RETRY);
    }
}
