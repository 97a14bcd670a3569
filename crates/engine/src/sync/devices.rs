//! The device list: everything read, only the difference written, the missing marked as gone.
//!
//! The list comes in pages, in the order in which Exchange made the partnerships: that order never
//! changes, so a pass that is cut goes on with the page it was reading. A server that does not know
//! to give pages gives the list in one piece.

use std::collections::HashSet;

use domain::{
    Connector, DeviceFacts, DeviceId, Timestamp,
    connector::DiscoveryScope,
    device::Owner,
    inventory::{Change, Comparison, Shortfall},
    pass::{Checkpoint, PassCounts, PassKind, PassOutcome},
};
use exchange::{Devices, Notice, Observed};
use store::DeviceRow;
use uuid::Uuid;

use super::{Interruption, RESUMED_WITHIN, Sync, owners::Owners};
use crate::{Engine, sessions::Lease};

/// Devices written at once.
const BATCH: usize = 2_000;

/// Where a full pass goes on that was cut; `None` if it begins anew.
pub(super) async fn resumable(
    engine: &Engine,
    connector: &Connector,
) -> anyhow::Result<Option<Checkpoint>> {
    let Some(checkpoint) = engine.store().checkpoint(connector.id).await? else {
        return Ok(None);
    };
    let is_of_this_list = connector.options.discovery.scope == DiscoveryScope::Organization
        && connector.last_full_sync.is_none_or(|last| last < checkpoint.started)
        && engine.now().duration_since(checkpoint.started) < RESUMED_WITHIN
        // A device without a date would be taken for gone.
        && engine.store().made_at_no_time(connector.id).await? == 0;
    Ok(Some(checkpoint).filter(|_| is_of_this_list))
}

/// How a page ended.
enum Page {
    /// There is more, made in this second or later; so many of that second have come already.
    More(Timestamp, u64),
    /// It was the last one.
    Last,
    /// The server does not give pages as it was asked to.
    Unfit,
}

impl Sync<'_> {
    /// What is known of the connector's devices.
    pub(super) async fn known(&self) -> Result<Comparison, Interruption> {
        let known = self.engine.store().fingerprints(self.connector.id).await?;
        Ok(Comparison::new(known.iter().map(|known| (known.guid, known.hash, known.gone))))
    }

    /// Reads the whole list and writes what is new or different.
    pub(super) async fn read_list(
        &mut self,
        lease: &mut Lease,
        owners: &Owners,
        comparison: &mut Comparison,
        checkpoint: Option<Checkpoint>,
    ) -> Result<Shortfall, Interruption> {
        self.reporter.step("reading devices", Some(comparison.living())).await;
        let mut shortfall = Shortfall::default();
        let is_paged = match &self.connector.options.discovery.scope {
            DiscoveryScope::Organization => {
                self.read_pages(lease, owners, comparison, checkpoint, &mut shortfall).await?
            }
            _ => false,
        };
        if !is_paged {
            self.read_whole(lease, owners, comparison, &mut shortfall).await?;
        }
        self.reporter.done(self.counts.devices).await;
        if owners.is_partial() && matches!(self.scope(), DiscoveryScope::Recipients(_)) {
            // Whose devices are not looked at is not known for sure.
            shortfall.problems += 1;
        }
        shortfall.is_implausible = !comparison.is_plausible(self.read_before().await?);
        Ok(shortfall)
    }

    fn scope(&self) -> &DiscoveryScope {
        &self.connector.options.discovery.scope
    }

    /// Reads the list page by page; false if the server does not give pages.
    async fn read_pages(
        &mut self,
        lease: &mut Lease,
        owners: &Owners,
        comparison: &mut Comparison,
        checkpoint: Option<Checkpoint>,
        shortfall: &mut Shortfall,
    ) -> Result<bool, Interruption> {
        let id = self.connector.id;
        let mut missing = Vec::new();
        let mut from = None;
        self.counts.devices = 0;
        if let Some(checkpoint) = checkpoint {
            let read = self.engine.store().made_between(id, Timestamp::MIN, checkpoint.before);
            let gone: HashSet<Uuid> = checkpoint.missing.iter().copied().collect();
            comparison.assume_seen(read.await?.into_iter().filter(|guid| !gone.contains(guid)));
            from = Some(checkpoint.before);
            missing = checkpoint.missing;
            self.counts = checkpoint.counts;
        }
        loop {
            let mut attempt = 1;
            let page = loop {
                self.between(lease).await?;
                let size = self.engine.inner.options.page_devices;
                let wanted = Devices::Page { from, size };
                let read = self.read_page(lease, owners, comparison, &wanted, shortfall).await;
                match self.renewed(lease, read, attempt).await? {
                    Some(page) => break page,
                    None => attempt += 1,
                }
            };
            match page {
                Page::Unfit => return Ok(false),
                Page::Last => return Ok(true),
                // A page of one moment would come again for ever.
                Page::More(to, _) if Some(to) == from => return Ok(false),
                Page::More(to, come_again) => {
                    let since = from.unwrap_or(Timestamp::MIN);
                    let made = self.engine.store().made_between(id, since, to).await?;
                    missing.extend(made.into_iter().filter(|guid| !comparison.is_seen(*guid)));
                    from = Some(to);
                    // What fell short would be forgotten with a cut.
                    if *shortfall == Shortfall::default() {
                        let checkpoint = Checkpoint {
                            started: self.started,
                            before: to,
                            counts: PassCounts {
                                devices: self.counts.devices.saturating_sub(come_again),
                                ..self.counts
                            },
                            missing: missing.clone(),
                        };
                        self.engine.store().set_checkpoint(id, Some(&checkpoint)).await?;
                    }
                }
            }
        }
    }

    async fn read_page(
        &mut self,
        lease: &mut Lease,
        owners: &Owners,
        comparison: &mut Comparison,
        wanted: &Devices,
        shortfall: &mut Shortfall,
    ) -> Result<Page, Interruption> {
        let Devices::Page { from, size } = wanted else { return Ok(Page::Unfit) };
        let (mut last, mut count, mut of_last_second) = (*from, 0, 0);
        let mut batch = Vec::new();
        let mut is_cut = false;
        let mut reading = lease.organization()?.devices_of(wanted).await?;
        let ended = loop {
            let observed = match reading.next().await {
                Ok(Some(observed)) => observed,
                Ok(None) => break Ok(true),
                Err(error) if error.is_refusal() => break Ok(false),
                Err(error) => break Err(error),
            };
            count += 1;
            match observed {
                Observed::Value(facts) => {
                    let made = facts.when_created;
                    if count > *size || made.is_none() || whole_second(made) < whole_second(last) {
                        break Ok(false);
                    }
                    of_last_second += 1;
                    if whole_second(made) != whole_second(last) {
                        of_last_second = 1;
                    }
                    last = made;
                    self.take(owners, facts, comparison, &mut batch).await?;
                }
                Observed::Notice(Notice::Truncated) => {
                    is_cut = true;
                    count -= 1;
                }
                Observed::Notice(_) => count -= 1,
                other => self.fell_short(other, shortfall),
            }
        };
        // What was taken counts as known, however the page ended.
        self.write(&mut batch).await?;
        if !ended? {
            return Ok(Page::Unfit);
        }
        Ok(match last {
            Some(last) if is_cut || count >= *size => {
                let second = Timestamp::from_second(last.as_second()).unwrap_or(last);
                Page::More(second, of_last_second)
            }
            _ => Page::Last,
        })
    }

    /// Reads the list in one piece, or one for each organizational unit.
    async fn read_whole(
        &mut self,
        lease: &mut Lease,
        owners: &Owners,
        comparison: &mut Comparison,
        shortfall: &mut Shortfall,
    ) -> Result<(), Interruption> {
        let lists = match self.scope() {
            DiscoveryScope::Units(units) => units.iter().cloned().map(Devices::InUnit).collect(),
            _ => vec![Devices::All],
        };
        comparison.restart();
        *shortfall = Shortfall::default();
        self.counts.devices = 0;
        for list in lists {
            let mut attempt = 1;
            loop {
                self.between(lease).await?;
                let read = self.read_devices(lease, owners, comparison, &list, shortfall).await;
                match self.renewed(lease, read, attempt).await? {
                    Some(()) => break,
                    None => attempt += 1,
                }
            }
        }
        Ok(())
    }

    /// Reads some devices and writes what is new or different.
    pub(super) async fn read_devices(
        &mut self,
        lease: &mut Lease,
        owners: &Owners,
        comparison: &mut Comparison,
        wanted: &Devices,
        shortfall: &mut Shortfall,
    ) -> Result<(), Interruption> {
        let mut batch = Vec::new();
        let mut reading = lease.organization()?.devices_of(wanted).await?;
        let ended = loop {
            match reading.next().await {
                Ok(Some(Observed::Value(facts))) => {
                    self.take(owners, facts, comparison, &mut batch).await?;
                }
                Ok(Some(other)) => self.fell_short(other, shortfall),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        // What was taken counts as known, however the reading ended.
        self.write(&mut batch).await?;
        Ok(ended?)
    }

    /// Takes a device that was read.
    pub(super) async fn take(
        &mut self,
        owners: &Owners,
        facts: DeviceFacts,
        comparison: &mut Comparison,
        batch: &mut Vec<DeviceRow>,
    ) -> Result<(), Interruption> {
        let owner = self.owner_of(owners, &facts).await?;
        if matches!(self.scope(), DiscoveryScope::Recipients(_)) && !owners.knows(&owner) {
            self.counts.skipped += 1;
            return Ok(());
        }
        self.counts.devices += 1;
        batch.extend(self.difference(facts, owner, comparison));
        if batch.len() >= BATCH {
            self.write(batch).await?;
        }
        if self.counts.devices.is_multiple_of(256) {
            self.reporter.done(self.counts.devices).await;
            self.go_on()?;
        }
        Ok(())
    }

    pub(super) async fn write(&mut self, batch: &mut Vec<DeviceRow>) -> Result<(), Interruption> {
        let full = std::mem::take(batch);
        Ok(self.engine.store().write_devices(self.connector.id, full).await?)
    }

    /// Notes what is no device.
    pub(super) fn fell_short<T>(&mut self, observed: Observed<T>, shortfall: &mut Shortfall) {
        let connector = &self.connector.name;
        match observed {
            Observed::Poison(why) => {
                shortfall.poisoned += 1;
                self.counts.poisoned += 1;
                tracing::warn!(%connector, %why, "a device was not understood");
            }
            Observed::Problem(error) => {
                shortfall.problems += 1;
                tracing::warn!(%connector, %error, "a device was not read");
            }
            Observed::Notice(Notice::Truncated) => shortfall.is_truncated = true,
            Observed::Value(_) | Observed::Notice(_) => {}
        }
    }

    /// How many devices the pass before this one met, if it came to the end of its list.
    async fn read_before(&self) -> Result<Option<u64>, Interruption> {
        // The latest is this one.
        let latest = self.engine.store().passes_of(self.connector.id, PassKind::Full, 2).await?;
        let before = latest.get(1).filter(|pass| pass.outcome != Some(PassOutcome::Failed));
        Ok(before.map(|pass| pass.counts.devices))
    }

    /// The row to be written, if the device is new or differs.
    fn difference(
        &mut self,
        facts: DeviceFacts,
        owner: Owner,
        comparison: &mut Comparison,
    ) -> Option<DeviceRow> {
        let guid = facts.guid;
        let row = DeviceRow { facts, owner, observed: self.started };
        match comparison.observe(guid, row.hash()) {
            Change::Added => self.counts.added += 1,
            Change::Changed => self.counts.changed += 1,
            Change::Unchanged => return None,
            Change::Repeated => {
                self.counts.devices -= 1;
                return None;
            }
        }
        Some(row)
    }

    /// Marks what a complete reading did not meet.
    pub(super) async fn mark_gone(&mut self, comparison: &Comparison) -> Result<(), Interruption> {
        let gone: Vec<DeviceId> =
            comparison.unseen().map(|guid| DeviceId::of(self.connector.id, guid)).collect();
        self.counts.gone = gone.len() as u64;
        for part in gone.chunks(BATCH) {
            self.engine.store().mark_gone(self.connector.id, part.to_vec(), self.started).await?;
        }
        Ok(())
    }
}

/// Pages are asked for by whole seconds.
fn whole_second(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_second)
}
