//! A pass: reads an organization and brings the inventory in step with it.
//!
//! A reconciler: it takes no input but the connector, compares what is known with what it reads,
//! writes only the difference, and may be cut and begun again at any point. A pass that was not
//! complete never marks a device as gone.

mod devices;
mod owners;
mod progress;
mod statistics;

use domain::{
    Connector, PassId, Timestamp,
    inventory::{self, Shortfall},
    pass::{Pass, PassCounts, PassKind, PassOutcome},
};
use exchange::Organization;
use jiff::SignedDuration;
use store::Job;
use uuid::Uuid;

use crate::{Engine, component, link::OpenOrganization, tasks::Stop};
use progress::Reporter;

/// How often a reading that was cut is begun again within one pass.
const ATTEMPTS: u32 = 3;

/// A delta sync reads statistics again that are older: each device about once a day, because
/// reading them opens mailboxes.
const STATISTICS_MAX_AGE: SignedDuration = SignedDuration::from_hours(24);

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
    Other(#[from] anyhow::Error),
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
    let started = engine.now();
    let mut pass = Pass {
        id: PassId(Uuid::now_v7()),
        connector: connector.id,
        kind,
        started,
        finished: None,
        outcome: None,
        counts: PassCounts::default(),
    };
    engine.store().begin_pass(&pass).await?;
    let mut sync = Sync {
        engine,
        connector,
        stop,
        reporter: Reporter::new(engine, job.id),
        started,
        fresh_since: match kind {
            // What the same job read before it was cut short is as good as read now.
            PassKind::Full => job.created,
            PassKind::Delta => started - STATISTICS_MAX_AGE,
        },
        counts: PassCounts::default(),
    };
    let ended = sync.reconcile(&mut pass).await;
    pass.counts = sync.counts;
    pass.finished = Some(engine.now());
    let outcome = match ended {
        Ok(shortfall) => {
            let reasons = shortfall.reasons();
            let summary = inventory::summary(&pass.counts);
            if reasons.is_empty() {
                Ok(Some(summary))
            } else {
                Ok(Some(format!(
                    "{summary}; incomplete, so nothing was marked as gone: {}",
                    reasons.join(", ")
                )))
            }
        }
        Err(Interruption::Stopped) => Ok(None),
        Err(Interruption::Exchange(error)) => Err(error.into()),
        Err(Interruption::Other(error)) => Err(error),
    };
    // The outcome of the device list was set when it ended; statistics cannot spoil it.
    pass.outcome.get_or_insert(PassOutcome::Failed);
    engine.store().update_pass(&pass).await?;
    outcome
}

impl Sync<'_> {
    async fn reconcile(&mut self, pass: &mut Pass) -> Result<Shortfall, Interruption> {
        self.reporter.step("connecting", None).await;
        let mut organization = self.open().await?;
        self.engine.install(self.connector, &mut organization).await?;
        let read = self.read(&mut organization, pass).await;
        close(organization).await;
        read
    }

    /// Everything that is read through one session; a session that is lost is opened again.
    async fn read(
        &mut self,
        organization: &mut OpenOrganization,
        pass: &mut Pass,
    ) -> Result<Shortfall, Interruption> {
        let servers = organization.servers().await?;
        self.engine.store().replace_servers(self.connector.id, &servers).await?;
        let mut attempt = 1;
        let owners = loop {
            let reading = self.read_owners(organization).await;
            match self.renewed(organization, reading, attempt).await? {
                Some(owners) => break owners,
                None => attempt += 1,
            }
        };
        let mut comparison = self.known().await?;
        let mut attempt = 1;
        let shortfall = loop {
            comparison.restart();
            let reading = self.read_devices(organization, &owners, &mut comparison).await;
            match self.renewed(organization, reading, attempt).await? {
                Some(shortfall) => break shortfall,
                None => attempt += 1,
            }
        };
        drop(owners);
        let outcome = shortfall.outcome();
        if outcome == PassOutcome::Complete {
            self.mark_gone(&comparison).await?;
        }
        drop(comparison);
        // Noted at once: the inventory is true as of now, whatever becomes of the statistics.
        pass.outcome = Some(outcome);
        pass.counts = self.counts;
        self.engine.store().update_pass(pass).await?;
        self.read_statistics(organization).await?;
        Ok(shortfall)
    }

    /// The value of a step that was done; `None` if the session was lost and opened anew, so that
    /// the step is to be done again.
    async fn renewed<T>(
        &mut self,
        organization: &mut OpenOrganization,
        done: Result<T, Interruption>,
        attempt: u32,
    ) -> Result<Option<T>, Interruption> {
        let error = match done {
            Ok(value) => return Ok(Some(value)),
            Err(Interruption::Exchange(error)) if !error.leaves_session_usable() => error,
            Err(Interruption::Exchange(error)) => {
                if let exchange::Error::Cmdlet(cmdlet) = &error {
                    let name = cmdlet.cmdlet.as_deref().unwrap_or("of the pass");
                    component::cmdlet_failed(&self.connector.name, name, &cmdlet.to_string());
                }
                return Err(error.into());
            }
            Err(other) => return Err(other),
        };
        if attempt >= ATTEMPTS {
            return Err(error.into());
        }
        tracing::info!(connector = %self.connector.name, %error, "the session was lost; opening another");
        if let exchange::Error::Throttled { wait, .. } = &error {
            self.pause(*wait).await?;
        }
        close(std::mem::replace(organization, self.open().await?)).await;
        Ok(None)
    }

    async fn open(&mut self) -> Result<OpenOrganization, Interruption> {
        let opening = async {
            let session = self.engine.connect(self.connector).await?;
            Ok(Organization::open(session).await?)
        };
        tokio::select! {
            opened = opening => opened,
            () = self.stop.wait() => Err(Interruption::Stopped),
        }
    }

    /// Waits as long as Exchange asks for, unless the engine stops.
    async fn pause(&mut self, wait: std::time::Duration) -> Result<(), Interruption> {
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

/// Gives the session's place on the server back. If that fails it ends there by itself.
async fn close(organization: OpenOrganization) {
    if let Err(error) = organization.close().await {
        tracing::debug!(%error, "a session was not closed");
    }
}
