//! The statistics lane: what the mailboxes keep, read in chunks, at the pace Exchange allows.
//!
//! Reading statistics opens mailboxes, so it is what costs an organization something. One pipeline
//! at a time, many devices each, and between two of them as long a rest as Exchange asked for.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use domain::{DeviceId, Timestamp};
use exchange::{Notice, Observed, StatisticsTarget};

use super::{Interruption, Sync};
use crate::link::OpenOrganization;

/// Devices of one pipeline. More cost memory and make a cut dearer; fewer cost round trips.
const CHUNK: usize = 500;
/// No rest is longer, whatever a warning says: Exchange's own windows are minutes long.
pub(super) const MAX_DELAY: Duration = Duration::from_secs(300);

impl Sync<'_> {
    /// Reads the statistics that are missing or not fresh, of devices that are not gone, the
    /// longest unread first. An error about one device leaves what was known of it; the pass goes
    /// on.
    pub(super) async fn read_statistics(
        &mut self,
        organization: &mut OpenOrganization,
    ) -> Result<(), Interruption> {
        let mut targets = self.engine.store().fingerprints(self.connector.id).await?;
        let is_fresh = |read: Timestamp| read >= self.fresh_since;
        targets.retain(|known| !known.gone && !known.statistics_observed.is_some_and(is_fresh));
        targets.sort_by_key(|known| known.statistics_observed);
        self.reporter.step("reading statistics", Some(targets.len() as u64)).await;
        let mut targets = VecDeque::from(targets);
        let mut done = 0;
        while !targets.is_empty() {
            self.go_on()?;
            let chunk: Vec<StatisticsTarget> = targets
                .drain(..CHUNK.min(targets.len()))
                .map(|known| StatisticsTarget {
                    device: known.guid,
                    mailbox: known.user_dn.map(|name| name.to_string()).unwrap_or_default(),
                })
                .collect();
            let mut attempt = 1;
            let delay = loop {
                let read = self.read_chunk(organization, &chunk).await;
                match self.renewed(organization, read, attempt).await? {
                    Some(delay) => break delay,
                    None => attempt += 1,
                }
            };
            done += chunk.len() as u64;
            self.reporter.done(done).await;
            self.pause(delay.min(MAX_DELAY)).await?;
        }
        Ok(())
    }

    /// Reads and writes one chunk; how long Exchange wants us to rest.
    async fn read_chunk(
        &mut self,
        organization: &mut OpenOrganization,
        chunk: &[StatisticsTarget],
    ) -> Result<Duration, Interruption> {
        let wanted: HashSet<_> = chunk.iter().map(|target| target.device).collect();
        let mut delay = Duration::ZERO;
        let mut rows = Vec::with_capacity(chunk.len());
        let mut reading = organization.statistics(chunk).await?;
        while let Some(observed) = reading.next().await? {
            match observed {
                Observed::Value(statistics) => match statistics.guid {
                    Some(guid) if wanted.contains(&guid) => {
                        let id = DeviceId::of(self.connector.id, guid);
                        rows.push((id, statistics, self.engine.now()));
                    }
                    // Of another device of the same mailbox.
                    Some(_) => {}
                    None => {
                        self.counts.poisoned += 1;
                        let identity = statistics.identity.as_deref();
                        tracing::info!(identity, "statistics name no device");
                    }
                },
                Observed::Poison(why) => {
                    self.counts.poisoned += 1;
                    tracing::warn!(%why, "statistics were not understood");
                }
                Observed::Problem(error) => {
                    tracing::info!(%error, "statistics of a device were not read");
                }
                Observed::Notice(Notice::MicroDelay { millis, .. }) => {
                    delay += Duration::from_millis(millis);
                }
                Observed::Notice(_) => {}
            }
        }
        self.counts.statistics += rows.len() as u64;
        self.engine.store().write_statistics(self.connector.id, rows).await?;
        Ok(delay)
    }
}
