//! The statistics lane: what the mailboxes keep, read in chunks, at the pace Exchange allows.
//!
//! Reading statistics opens mailboxes, so it is what costs an organization something. Many devices
//! in one pipeline, as many pipelines at once as the budget has sessions, and between two of them as
//! long a rest as Exchange asked for. Hosted Exchange has no pipelines, and is asked for a few at a time:
//! what is urgent does not wait for the others.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use domain::{Connector, ConnectorId, DeviceId, DeviceStatistics, Timestamp, access::Hosting};
use exchange::{Notice, Observed, StatisticsTarget};
use store::KnownDevice;
use tokio::task::JoinSet;

use super::{Interruption, Sync};
use crate::{Engine, sessions::Lease};

/// Devices of one pipeline. More cost memory and make a cut dearer; fewer cost round trips.
const CHUNK: usize = 500;
/// Devices that hosted Exchange is asked for in one go: as many as one batch holds.
const BATCH: usize = 10;
/// Devices whose statistics are read before the next are looked for.
const TARGETS_AT_ONCE: u32 = 6_000;
/// No rest is longer, whatever a warning says: Exchange's own windows are minutes long.
pub(super) const MAX_DELAY: Duration = Duration::from_secs(300);

/// What one chunk gave.
#[derive(Default)]
struct Chunk {
    rows: Vec<(DeviceId, DeviceStatistics, Timestamp)>,
    poisoned: u64,
    /// How long Exchange wants us to rest.
    delay: Duration,
    /// So many devices were asked for, from the beginning. The others gave way to what is urgent.
    asked: usize,
}

impl Sync<'_> {
    /// Reads the statistics of every device that is not gone and has none, or none that are fresh. An
    /// error about one device leaves what was known of it; the pass goes on.
    pub(super) async fn read_stale_statistics(
        &mut self,
        lease: &mut Lease,
    ) -> Result<(), Interruption> {
        let (id, before) = (self.connector.id, self.fresh_since);
        let count = self.engine.store().count_stale_statistics(id, before).await?;
        self.reporter.step("reading statistics", Some(count)).await;
        let (mut done, mut after) = (0, i64::MIN);
        loop {
            // Some at a time: all of them would be the largest thing in memory.
            let store = self.engine.store();
            let (targets, last) =
                store.stale_statistics_after(id, before, after, TARGETS_AT_ONCE).await?;
            if targets.is_empty() {
                return Ok(());
            }
            after = last;
            self.read_chunks(lease, targets, &mut done).await?;
        }
    }

    /// Reads the statistics of some devices.
    pub(super) async fn read_statistics_of(
        &mut self,
        lease: &mut Lease,
        mut targets: Vec<KnownDevice>,
    ) -> Result<(), Interruption> {
        targets.retain(|known| !known.fingerprint.gone);
        self.reporter.step("reading statistics", Some(targets.len() as u64)).await;
        self.read_chunks(lease, targets, &mut 0).await
    }

    async fn read_chunks(
        &mut self,
        lease: &mut Lease,
        targets: Vec<KnownDevice>,
        done: &mut u64,
    ) -> Result<(), Interruption> {
        let mut targets = VecDeque::from(targets);
        while let Some(chunk) = next_chunk(&mut targets) {
            let beside = self.read_beside(&mut targets).await;
            let mut delay = self.read_chunk(lease, chunk, done).await?;
            let (rest, unread) = self.join(beside, done).await?;
            delay = delay.max(rest);
            // Here, where attempts are counted.
            for chunk in unread {
                delay = delay.max(self.read_chunk(lease, chunk, done).await?);
            }
            self.reporter.done(*done).await;
            self.rest(lease, delay.min(MAX_DELAY)).await?;
        }
        Ok(())
    }

    /// Reads and writes one chunk; how long Exchange wants us to rest.
    async fn read_chunk(
        &mut self,
        lease: &mut Lease,
        mut chunk: Vec<KnownDevice>,
        done: &mut u64,
    ) -> Result<Duration, Interruption> {
        let (engine, connector) = (self.engine, self.connector);
        let mut delay = Duration::ZERO;
        while !chunk.is_empty() {
            let read = attempt!(self, lease, read(engine, connector, lease, &chunk));
            chunk.drain(..read.asked);
            *done += read.asked as u64;
            delay = delay.max(self.write_chunk(read).await?);
        }
        Ok(delay)
    }

    async fn write_chunk(&mut self, read: Chunk) -> Result<Duration, Interruption> {
        self.counts.statistics += read.rows.len() as u64;
        self.counts.poisoned += read.poisoned;
        self.engine.store().write_statistics(self.connector.id, read.rows).await?;
        Ok(read.delay)
    }

    /// Begins to read more chunks, as many as there are sessions to spare.
    async fn read_beside(&self, targets: &mut VecDeque<KnownDevice>) -> JoinSet<Beside> {
        let mut beside = JoinSet::new();
        while !targets.is_empty() {
            let Some(mut lease) = self.engine.one_more_place(self.connector).await else { break };
            let Some(chunk) = next_chunk(targets) else { break };
            let (engine, connector) = (self.engine.clone(), self.connector.clone());
            beside.spawn(async move {
                let read = async {
                    engine.ready(&connector, &mut lease).await?;
                    read(&engine, &connector, &mut lease, &chunk).await
                };
                let read = read.await;
                if let Err(Interruption::Exchange(error)) = &read {
                    engine.lost(&mut lease, error).await;
                }
                let spent = lease.settle(engine.now());
                Beside { read, spent, chunk }
            });
        }
        beside
    }

    /// Takes what was read beside: how long Exchange wants us to rest, and the chunks that were not
    /// read.
    async fn join(
        &mut self,
        mut beside: JoinSet<Beside>,
        done: &mut u64,
    ) -> Result<(Duration, Vec<Vec<KnownDevice>>), Interruption> {
        let (mut delay, mut unread) = (Duration::ZERO, Vec::new());
        while let Some(joined) = beside.join_next().await {
            let Ok(Beside { read, spent, mut chunk }) = joined else {
                return Err(anyhow::anyhow!("reading statistics ended in a panic").into());
            };
            self.cost.cmdlets += spent.cmdlets;
            self.cost.delayed_ms += spent.delayed_ms;
            match read {
                Ok(read) => {
                    chunk.drain(..read.asked);
                    *done += read.asked as u64;
                    delay = delay.max(self.write_chunk(read).await?);
                    unread.push(chunk);
                }
                Err(error) => {
                    tracing::info!(connector = %self.connector.name, %error, "a chunk is read again");
                    self.cost.sessions_lost += 1;
                    unread.push(chunk);
                }
            }
        }
        Ok((delay, unread))
    }
}

/// A chunk that was read beside another.
struct Beside {
    read: Result<Chunk, Interruption>,
    spent: exchange::Spent,
    chunk: Vec<KnownDevice>,
}

fn next_chunk(targets: &mut VecDeque<KnownDevice>) -> Option<Vec<KnownDevice>> {
    let chunk: Vec<KnownDevice> = targets.drain(..CHUNK.min(targets.len())).collect();
    (!chunk.is_empty()).then_some(chunk)
}

/// Reads one chunk, or the beginning of it if something urgent waits.
async fn read(
    engine: &Engine,
    connector: &Connector,
    lease: &mut Lease,
    chunk: &[KnownDevice],
) -> Result<Chunk, Interruption> {
    let at_once = match connector.endpoint.hosting() {
        Hosting::OnPremises => CHUNK,
        Hosting::Hosted => BATCH,
    };
    let mut read = Chunk::default();
    read.rows.reserve(chunk.len());
    for part in chunk.chunks(at_once) {
        if read.asked > 0 && lease.pool().is_wanted() {
            break;
        }
        read_part(engine, connector.id, lease, part, &mut read).await?;
        read.asked += part.len();
    }
    Ok(read)
}

async fn read_part(
    engine: &Engine,
    connector: ConnectorId,
    lease: &mut Lease,
    part: &[KnownDevice],
    read: &mut Chunk,
) -> Result<(), Interruption> {
    let wanted: HashSet<_> = part.iter().map(|known| known.fingerprint.guid).collect();
    let targets: Vec<_> = part
        .iter()
        .map(|known| StatisticsTarget::of(known.fingerprint.guid, known.user_dn.as_ref()))
        .collect();
    let mut reading = lease.organization()?.statistics(&targets).await?;
    while let Some(observed) = reading.next().await? {
        match observed {
            Observed::Value(statistics) => match statistics.guid {
                Some(guid) if wanted.contains(&guid) => {
                    let id = DeviceId::of(connector, guid);
                    read.rows.push((id, statistics, engine.now()));
                }
                // Of another device of the same mailbox.
                Some(_) => {}
                None => {
                    read.poisoned += 1;
                    let identity = statistics.identity.as_deref();
                    tracing::info!(identity, "statistics name no device");
                }
            },
            Observed::Poison(why) => {
                read.poisoned += 1;
                tracing::warn!(%why, "statistics were not understood");
            }
            Observed::Problem(error) => {
                tracing::info!(%error, "statistics of a device were not read");
            }
            Observed::Notice(Notice::MicroDelay { millis, .. }) => {
                read.delay += Duration::from_millis(millis);
            }
            Observed::Notice(_) => {}
        }
    }
    Ok(())
}
