//! The lane: carries actions out, one connector beside the other, each device in its order.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use domain::{Connector, ConnectorId, Timestamp, connector::ConnectorState};
use jiff::SignedDuration;
use tokio::sync::{Notify, watch};

use crate::{
    Engine,
    sessions::Lease,
    tasks::{self, Stop},
};

/// The lane looks at least this often, should a wake-up be lost.
const LONGEST_SLEEP: SignedDuration = SignedDuration::from_secs(30);
/// Actions taken at once from the store.
pub(super) const AT_ONCE: u32 = 100;
/// After a fault of ours a connector's actions rest so long.
const AFTER_FAULT: SignedDuration = SignedDuration::from_secs(30);

/// What wakes the lane, and who is at work.
#[derive(Debug)]
pub(crate) struct Lane {
    wake: Notify,
    changes: watch::Sender<u64>,
    busy: Mutex<HashSet<ConnectorId>>,
}

impl Default for Lane {
    fn default() -> Self {
        let changes = watch::Sender::new(0);
        Self { wake: Notify::new(), changes, busy: Mutex::default() }
    }
}

impl Lane {
    /// There is something to do, or something has changed.
    pub(crate) fn wake(&self) {
        self.changes.send_modify(|count| *count += 1);
        self.wake.notify_one();
    }

    /// Tells when an action has changed.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Takes a connector for one worker; false if another has it.
    fn take(&self, connector: ConnectorId) -> bool {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(connector)
    }

    fn give_back(&self, connector: ConnectorId) {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&connector);
    }

    fn is_busy(&self, connector: ConnectorId) -> bool {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).contains(&connector)
    }
}

pub(crate) async fn start(engine: &Engine) {
    let stop = engine.inner.tasks.stop();
    engine.inner.tasks.spawn(watch(engine.clone(), stop)).await;
}

async fn watch(engine: Engine, mut stop: Stop) {
    while !stop.is_set() {
        let next = match engine.begin_due_actions().await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "looking for actions failed");
                engine.now() + LONGEST_SLEEP
            }
        };
        tokio::select! {
            () = engine.inner.lane.wake.notified() => {}
            () = engine.inner.options.clock.reached(next) => {}
            () = stop.wait() => {}
        }
    }
}

impl Engine {
    /// Begins what is due and nobody works on. When something is due next.
    async fn begin_due_actions(&self) -> anyhow::Result<Timestamp> {
        self.expire_requests().await?;
        let now = self.now();
        let mut next = now + LONGEST_SLEEP;
        let connectors = self.store().connectors(&self.own_scope()?).await?;
        for (id, due) in self.store().connectors_with_actions().await? {
            if self.inner.lane.is_busy(id) {
                continue;
            }
            if due > now {
                next = next.min(due);
                continue;
            }
            let connector = connectors.iter().find(|connector| connector.id == id);
            let is_at_work = |one: &&Connector| one.state != ConnectorState::Removed;
            match connector.filter(is_at_work) {
                Some(connector) => self.begin_actions(connector.clone()).await,
                None => self.fail_actions(id).await?,
            }
        }
        Ok(next)
    }

    async fn begin_actions(&self, connector: Connector) {
        if !self.inner.lane.take(connector.id) {
            return;
        }
        let engine = self.clone();
        let working = async move {
            let id = connector.id;
            if let Err(error) = tasks::step(Box::pin(engine.act_on(&connector))).await {
                let error = format!("{error:#}");
                tracing::error!(connector = %connector.name, error, "actions rest after a fault");
                engine.inner.options.clock.sleep(AFTER_FAULT.unsigned_abs()).await;
            }
            engine.inner.lane.give_back(id);
            engine.inner.lane.wake();
        };
        self.inner.tasks.spawn(Box::pin(working)).await;
    }

    /// Does what is due on a connector, until nothing is.
    async fn act_on(&self, connector: &Connector) -> anyhow::Result<()> {
        let stop = self.inner.tasks.stop();
        // One session for all that is due: a pass that comes in between would hold up each of them.
        let mut session = None;
        loop {
            let open = self.store().open_actions(connector.id, self.now(), AT_ONCE).await?;
            if open.is_empty() || stop.is_set() {
                return Ok(());
            }
            let (mut devices, mut refused) = (HashSet::new(), HashSet::new());
            for action in open {
                if stop.is_set() {
                    return Ok(());
                }
                // A request whose guard said no is held by now, and of a device the next action
                // waits for this one.
                if refused.contains(&action.request) || !devices.insert(action.device) {
                    continue;
                }
                let request = action.request;
                if !self.carry_on(connector, &mut session, action).await? {
                    refused.insert(request);
                }
                self.inner.lane.wake();
                // Somebody who waits before a screen has a turn between two actions.
                session = session.filter(|lease: &Lease| !lease.pool().is_wanted());
            }
        }
    }
}
