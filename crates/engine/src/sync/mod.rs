//! A pass: reads an organization and brings the inventory in step with it.
//!
//! A reconciler: it takes no input but the connector, compares what is known with what it reads,
//! writes only the difference, and may be cut and begun again at any point. A pass that was not
//! complete never marks a device as gone.

/// Does a step between two cmdlets of others; again if the session is lost, with another one. (No
/// function of a closure: of the future of a borrowing closure nobody can say yet that it is `Send`.)
macro_rules! attempt {
    ($sync:ident, $lease:ident, $step:expr) => {{
        let mut attempts = $sync.attempts();
        loop {
            $sync.between($lease).await?;
            let done = $step.await;
            if let Some(value) = $sync.renewed($lease, done, &mut attempts).await? {
                break value;
            }
        }
    }};
}

mod changes;
mod devices;
mod owners;
mod progress;
pub(crate) mod quarantine;
mod statistics;

use std::time::Duration;

use domain::{
    Connector, PassId, Timestamp,
    connector::DiscoveryScope,
    inventory::{self, Shortfall},
    pass::{Checkpoint, Pass, PassCost, PassCounts, PassKind, PassOutcome},
    status_message::Event,
};
use jiff::SignedDuration;
use store::Job;
use uuid::Uuid;

use crate::{
    Engine,
    component::Phrase,
    sessions::{Lease, Urgency},
    tasks::Stop,
};
use progress::Reporter;

/// How often a reading that was cut is begun again within one pass.
const ATTEMPTS: u32 = 3;

/// A delta sync reads statistics again that are older: each device about once a day, because
/// reading them opens mailboxes.
const STATISTICS_MAX_AGE: SignedDuration = SignedDuration::from_hours(24);

/// A full pass that was cut longer ago is begun anew: what it read is too old.
const RESUMED_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// Passes and jobs are kept for so long: more than a year, to compare with.
const HISTORY: SignedDuration = SignedDuration::from_hours(24 * 400);

/// What a pass works with.
pub(crate) struct Sync<'a> {
    engine: &'a Engine,
    connector: &'a Connector,
    stop: &'a mut Stop,
    reporter: Reporter<'a>,
    started: Timestamp,
    /// Statistics read since then are not read again.
    fresh_since: Timestamp,
    counts: PassCounts,
    cost: PassCost,
    /// What makes the reading of the devices less than complete.
    shortfall: Shortfall,
    /// Devices of the whole list seen since the checkpoint; a delta pass has none.
    seen: Vec<Uuid>,
}

/// How often a step was begun, and how things stood before.
struct Attempts {
    made: u32,
    shortfall: Shortfall,
    poisoned: u64,
}

/// Why a pass ends early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Interruption {
    /// The engine stops.
    #[error("the server is being stopped")]
    Stopped,
    /// Exchange, or the way there.
    #[error(transparent)]
    Exchange(#[from] exchange::Error),
    /// Anything else.
    #[error(transparent)]
    Other(anyhow::Error),
}

impl From<anyhow::Error> for Interruption {
    fn from(error: anyhow::Error) -> Self {
        error.downcast().map_or_else(Self::Other, Self::Exchange)
    }
}

impl From<store::Error> for Interruption {
    fn from(error: store::Error) -> Self {
        Self::Other(error.into())
    }
}

/// Runs one pass to its end; one sentence about it, or `None` if a shutdown cut it short.
pub(crate) async fn run(
    engine: &Engine,
    connector: &Connector,
    kind: PassKind,
    job: &Job,
    stop: &mut Stop,
) -> anyhow::Result<Option<String>> {
    // What changed since the last complete pass can be asked for only if there was one.
    let since = connector.last_full_sync.max(connector.last_delta_sync);
    let since = since.filter(|_| kind == PassKind::Delta && connector.last_full_sync.is_some());
    let checkpoint =
        if since.is_none() { devices::resumable(engine, connector).await? } else { None };
    let now = engine.now();
    let started = checkpoint.as_ref().map_or(now, |checkpoint| checkpoint.started);
    let mut pass = Pass {
        id: PassId(Uuid::now_v7()),
        connector: connector.id,
        kind: if since.is_some() { PassKind::Delta } else { PassKind::Full },
        started,
        finished: None,
        outcome: None,
        counts: PassCounts::default(),
        cost: PassCost::default(),
        endpoint: None,
    };
    engine.store().begin_pass(&pass).await?;
    let mut sync = Sync {
        engine,
        connector,
        stop,
        reporter: Reporter::new(engine, job.id),
        started,
        fresh_since: match since {
            // What the same pass read before it was cut is as good as read now.
            None => job.created.min(started),
            Some(_) => now - STATISTICS_MAX_AGE,
        },
        counts: PassCounts::default(),
        cost: PassCost::default(),
        shortfall: Shortfall::default(),
        seen: Vec::new(),
    };
    let ended = sync.reconcile(&mut pass, since, checkpoint).await;
    pass.counts = sync.counts;
    pass.cost = sync.cost;
    pass.finished = Some(engine.now());
    if ended.is_ok() {
        engine.look_for_signs(connector).await?;
    }
    let outcome = match ended {
        Ok(()) => {
            let reasons = sync.shortfall.reasons();
            let summary = inventory::summary(&pass.counts);
            if reasons.is_empty() {
                Ok(Some(summary))
            } else {
                let text = format!(
                    "{summary}; incomplete, so nothing was marked as gone: {}",
                    reasons.join(", ")
                );
                engine.record(connector, Event::PassIncomplete, &text).await;
                Ok(Some(text))
            }
        }
        Err(Interruption::Stopped) => Ok(None),
        Err(Interruption::Exchange(error)) => Err(error.into()),
        Err(Interruption::Other(error)) => Err(error),
    };
    // The outcome of the device list was set when it ended; statistics cannot spoil it.
    pass.outcome.get_or_insert(PassOutcome::Failed);
    engine.store().update_pass(&pass).await?;
    if pass.cost.delayed_ms > 0 {
        let seconds = pass.cost.delayed_ms.div_ceil(1_000);
        let text = format!("Exchange slowed a {} sync down by {seconds} s", pass.kind);
        engine.record(connector, Event::Throttled, &text).await;
    }
    outcome
}

impl Sync<'_> {
    async fn reconcile(
        &mut self,
        pass: &mut Pass,
        since: Option<Timestamp>,
        checkpoint: Option<Checkpoint>,
    ) -> Result<(), Interruption> {
        self.reporter.step("connecting", None).await;
        let mut lease = self.lease().await?;
        pass.endpoint = lease.held().map(|held| held.endpoint.clone());
        let read = match since {
            Some(since) => self.read_changes(&mut lease, pass, since).await,
            None => self.read_everything(&mut lease, pass, checkpoint).await,
        };
        self.settle(&mut lease);
        pass.endpoint =
            lease.held().map(|held| held.endpoint.clone()).or_else(|| pass.endpoint.take());
        drop(lease);
        if read.is_ok() && since.is_none() {
            Box::pin(self.engine.remove_aged_partnerships(self.connector)).await?;
        }
        read
    }

    /// Everything that is read through one session; a session that is lost is opened again.
    async fn read_everything(
        &mut self,
        lease: &mut Lease,
        pass: &mut Pass,
        checkpoint: Option<Checkpoint>,
    ) -> Result<(), Interruption> {
        attempt!(self, lease, self.read_servers(lease));
        // With a filter, whose mailbox is found decides whose devices are looked at.
        let is_filtered = matches!(self.scope(), DiscoveryScope::Recipients(_));
        let owners = if checkpoint.is_some() && !is_filtered {
            self.kept_owners().await?
        } else {
            attempt!(self, lease, self.read_owners(lease))
        };
        let mut comparison = self.known().await?;
        self.read_list(lease, &owners, &mut comparison, checkpoint).await?;
        drop(owners);
        if self.shortfall.outcome() == PassOutcome::Complete {
            self.mark_gone(&comparison).await?;
        }
        drop(comparison);
        self.engine.store().forget_checkpoint(self.connector.id).await?;
        self.list_ended(pass).await?;
        self.read_stale_statistics(lease).await?;
        self.engine.age(self.connector).await?;
        let old = self.engine.now().checked_sub(HISTORY).unwrap_or(Timestamp::MIN);
        Ok(self.engine.store().forget_history(old).await?)
    }

    /// Notes at once how the list ended: the inventory is true as of now, whatever becomes of the
    /// statistics.
    async fn list_ended(&mut self, pass: &mut Pass) -> Result<(), Interruption> {
        pass.outcome = Some(self.shortfall.outcome());
        pass.counts = self.counts;
        pass.cost = self.cost;
        self.engine.store().update_pass(pass).await?;
        Ok(self.engine.store().prepare_search().await?)
    }

    /// Which servers there are: where one can go over to, and whether this one sees all mailboxes.
    async fn read_servers(&mut self, lease: &mut Lease) -> Result<(), Interruption> {
        let servers = lease.organization()?.servers().await?;
        self.engine.store().replace_servers(self.connector.id, &servers).await?;
        self.engine.found_servers(self.connector, &servers).await?;
        if let Err(error) = self.engine.find_in_directory(self.connector).await {
            let error = format!("{error:#}");
            tracing::warn!(connector = %self.connector.name, error, "the directory was not read");
        }
        let url = lease.held().map(|held| held.endpoint.clone()).unwrap_or_default();
        if let Some(sentence) = self.engine.too_old(self.connector, &url).await? {
            self.engine.record(self.connector, Event::EndpointTooOld, &sentence).await;
        }
        Ok(())
    }

    fn attempts(&self) -> Attempts {
        Attempts { made: 0, shortfall: self.shortfall, poisoned: self.counts.poisoned }
    }

    /// The value of a step that was done; `None` if the session was lost, so that the step is to be
    /// done again with another.
    async fn renewed<T>(
        &mut self,
        lease: &mut Lease,
        done: Result<T, Interruption>,
        attempts: &mut Attempts,
    ) -> Result<Option<T>, Interruption> {
        let error = match done {
            Ok(value) => return Ok(Some(value)),
            Err(Interruption::Exchange(error)) if !error.leaves_session_usable() => error,
            Err(Interruption::Exchange(error)) => {
                if let exchange::Error::Cmdlet(cmdlet) = &error {
                    let name = cmdlet.cmdlet.as_deref().unwrap_or("of the pass");
                    let why = cmdlet.to_string();
                    self.engine.say(&self.connector.name, Phrase::CmdletFailed(name, &why));
                }
                return Err(error.into());
            }
            Err(other) => return Err(other),
        };
        self.settle(lease);
        self.cost.sessions_lost += 1;
        attempts.made += 1;
        if attempts.made >= ATTEMPTS {
            return Err(error.into());
        }
        // What fell short comes again.
        (self.shortfall, self.counts.poisoned) = (attempts.shortfall, attempts.poisoned);
        tracing::info!(connector = %self.connector.name, %error, "the session was lost; opening another");
        if let Some(lost) = lease.take() {
            tokio::select! {
                () = self.engine.close(lost) => {}
                () = self.stop.wait() => return Err(Interruption::Stopped),
            }
        }
        if let exchange::Error::Throttled { wait, .. } = &error {
            lease.pool().refused(self.engine.now());
            self.rest(lease, *wait).await?;
        }
        Ok(None)
    }

    fn scope(&self) -> &DiscoveryScope {
        &self.connector.options.discovery.scope
    }

    async fn lease(&mut self) -> Result<Lease, Interruption> {
        tokio::select! {
            opened = self.engine.lease(self.connector, Urgency::Background) => Ok(opened?),
            () = self.stop.wait() => Err(Interruption::Stopped),
        }
    }

    /// What is done between two cmdlets: what was spent is noted, what is urgent goes first, and
    /// what Exchange would refuse waits.
    async fn between(&mut self, lease: &mut Lease) -> Result<(), Interruption> {
        self.settle(lease);
        self.go_on()?;
        while let Some(rest) = lease.pool().rest(self.engine.now()) {
            lease.step_aside();
            self.pause(rest).await?;
        }
        self.take_turn(lease).await
    }

    /// Rests as long as Exchange asks for, in nobody's way.
    async fn rest(&mut self, lease: &mut Lease, wait: Duration) -> Result<(), Interruption> {
        if wait.is_zero() {
            return Ok(());
        }
        self.settle(lease);
        lease.step_aside();
        self.pause(wait).await?;
        self.take_turn(lease).await
    }

    async fn take_turn(&mut self, lease: &mut Lease) -> Result<(), Interruption> {
        tokio::select! {
            () = lease.give_way() => {}
            () = self.stop.wait() => return Err(Interruption::Stopped),
        }
        tokio::select! {
            ready = self.engine.ready(self.connector, lease) => Ok(ready?),
            () = self.stop.wait() => Err(Interruption::Stopped),
        }
    }

    fn settle(&mut self, lease: &mut Lease) {
        let spent = lease.settle(self.engine.now());
        self.cost.cmdlets += spent.cmdlets;
        self.cost.delayed_ms += spent.delayed_ms;
    }

    /// Waits, unless the engine stops.
    async fn pause(&mut self, wait: Duration) -> Result<(), Interruption> {
        tokio::select! {
            () = self.engine.inner.options.clock.sleep(wait) => Ok(()),
            () = self.stop.wait() => Err(Interruption::Stopped),
        }
    }

    /// Ends the pass between two writes if the engine stops.
    fn go_on(&self) -> Result<(), Interruption> {
        if self.stop.is_set() { Err(Interruption::Stopped) } else { Ok(()) }
    }
}
