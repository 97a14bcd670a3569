//! The device list: everything read, only the difference written, the missing marked as gone.
//!
//! The list comes in pages, in the order in which Exchange made the partnerships: that order never
//! changes, so a pass that is cut goes on with the page it was reading: which devices it has seen is
//! kept page by page. A server that does not know to give pages gives the list in one piece.

use domain::{
    Connector, DeviceFacts, DeviceId, Timestamp,
    connector::DiscoveryScope,
    device::Owner,
    inventory::{Change, Comparison},
    pass::{Checkpoint, PassKind, PassOutcome},
};
use exchange::{Devices, Notice, Observed};
use store::DeviceRow;

use super::{Interruption, RESUMED_WITHIN, Sync, owners::Owners};
use crate::{Engine, sessions::Lease};

/// Devices written at once: few, so that their memory is warm when the next ones take it.
const BATCH: usize = 500;

/// Where a full pass goes on that was cut; `None` if it begins anew.
pub(super) async fn resumable(
    engine: &Engine,
    connector: &Connector,
) -> anyhow::Result<Option<Checkpoint>> {
    let checkpoint = engine.store().checkpoint(connector.id).await?;
    let is_of_use = |checkpoint: &Checkpoint| {
        connector.last_full_sync.is_none_or(|last| last < checkpoint.started)
            && engine.now().duration_since(checkpoint.started) < RESUMED_WITHIN
    };
    match checkpoint.filter(is_of_use) {
        None => {
            engine.store().forget_checkpoint(connector.id).await?;
            Ok(None)
        }
        resumed => Ok(resumed),
    }
}

/// The page that is read next.
struct Wanted {
    /// Which of the lists.
    list: usize,
    /// Its organizational unit, if it is not that of the organization.
    unit: Option<String>,
    /// Devices made in this second or later.
    from: Option<Timestamp>,
}

/// How a page ended.
enum Page {
    /// There is more, made in this second or later.
    More(Timestamp),
    /// It was the last one.
    Last,
    /// The server does not give pages as it was asked to.
    Unfit,
}

impl Sync<'_> {
    /// What is known of the connector's devices.
    pub(super) async fn known(&self) -> Result<Comparison, Interruption> {
        let (mut comparison, mut after) = (Comparison::default(), i64::MIN);
        let store = self.engine.store();
        while let Some((known, last)) = store.fingerprints_after(self.connector.id, after).await? {
            known.iter().for_each(|known| comparison.add(known.guid, known.hash, known.gone));
            after = last;
        }
        Ok(comparison)
    }

    /// Reads every list that the scope asks for, and writes what is new or different.
    pub(super) async fn read_list(
        &mut self,
        lease: &mut Lease,
        owners: &Owners,
        comparison: &mut Comparison,
        checkpoint: Option<Checkpoint>,
    ) -> Result<(), Interruption> {
        self.reporter.step("reading devices", Some(comparison.living())).await;
        let (mut first, mut from) = (0, None);
        if let Some(checkpoint) = checkpoint {
            comparison.assume_seen(self.engine.store().seen(self.connector.id).await?);
            (first, from) = (checkpoint.list, checkpoint.before);
            (self.counts, self.shortfall) = (checkpoint.counts, checkpoint.shortfall);
        }
        let units = match self.scope() {
            DiscoveryScope::Units(units) => units.iter().cloned().map(Some).collect(),
            _ => vec![None],
        };
        for (list, unit) in units.into_iter().enumerate().skip(first) {
            let mut page = Wanted { list, unit, from: from.take() };
            let (shortfall, poisoned) = (self.shortfall, self.counts.poisoned);
            if !self.read_pages(lease, owners, comparison, &mut page).await? {
                (self.shortfall, self.counts.poisoned) = (shortfall, poisoned);
                let whole = page.unit.map_or(Devices::All, Devices::InUnit);
                attempt!(self, lease, self.read_devices(lease, owners, comparison, &whole));
            }
            self.checkpoint(list + 1, None).await?;
        }
        self.reporter.done(self.counts.devices).await;
        if owners.is_partial() && matches!(self.scope(), DiscoveryScope::Recipients(_)) {
            // Whose devices are not looked at is not known for sure.
            self.shortfall.problems += 1;
        }
        self.shortfall.is_implausible = !comparison.is_plausible(self.read_before().await?);
        Ok(())
    }

    /// Reads a list page by page; false if the server does not give pages.
    async fn read_pages(
        &mut self,
        lease: &mut Lease,
        owners: &Owners,
        comparison: &mut Comparison,
        wanted: &mut Wanted,
    ) -> Result<bool, Interruption> {
        loop {
            match attempt!(self, lease, self.read_page(lease, owners, comparison, wanted)) {
                Page::Unfit => return Ok(false),
                Page::Last => return Ok(true),
                // A page of one moment would come again for ever.
                Page::More(to) if Some(to) == wanted.from => return Ok(false),
                Page::More(to) => {
                    wanted.from = Some(to);
                    self.checkpoint(wanted.list, wanted.from).await?;
                }
            }
        }
    }

    async fn read_page(
        &mut self,
        lease: &mut Lease,
        owners: &Owners,
        comparison: &mut Comparison,
        wanted: &Wanted,
    ) -> Result<Page, Interruption> {
        let size = self.engine.inner.options.page_devices;
        let Wanted { unit, from, .. } = wanted;
        let (mut last, mut count) = (*from, 0);
        let mut batch = Vec::new();
        let mut is_cut = false;
        let page = Devices::Page { unit: unit.clone(), from: *from, size };
        let mut reading = lease.organization()?.devices_of(&page).await?;
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
                    if count > size || made.is_none() || whole_second(made) < whole_second(last) {
                        break Ok(false);
                    }
                    last = made;
                    self.take_listed(owners, facts, comparison, &mut batch).await?;
                }
                Observed::Notice(Notice::Truncated) => {
                    is_cut = true;
                    count -= 1;
                }
                Observed::Notice(_) => count -= 1,
                other => self.fell_short(other),
            }
        };
        // What was taken counts as known, and the page may be read again.
        self.write(&mut batch).await?;
        if !ended? {
            return Ok(Page::Unfit);
        }
        Ok(match last {
            Some(last) if is_cut || count >= size => {
                Page::More(Timestamp::from_second(last.as_second()).unwrap_or(last))
            }
            _ => Page::Last,
        })
    }

    /// Notes what is read of a list, so that a pass that is cut goes on from there.
    async fn checkpoint(
        &mut self,
        list: usize,
        before: Option<Timestamp>,
    ) -> Result<(), Interruption> {
        let Self { started, counts, shortfall, .. } = *self;
        let checkpoint = Checkpoint { started, list, before, counts, shortfall };
        let seen = std::mem::take(&mut self.seen);
        Ok(self.engine.store().add_checkpoint(self.connector.id, &checkpoint, &seen).await?)
    }

    /// Reads some devices and writes what is new or different.
    async fn read_devices(
        &mut self,
        lease: &mut Lease,
        owners: &Owners,
        comparison: &mut Comparison,
        wanted: &Devices,
    ) -> Result<(), Interruption> {
        let mut batch = Vec::new();
        let mut reading = lease.organization()?.devices_of(wanted).await?;
        let ended = loop {
            match reading.next().await {
                Ok(Some(Observed::Value(facts))) => {
                    self.take_listed(owners, facts, comparison, &mut batch).await?;
                }
                Ok(Some(other)) => self.fell_short(other),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        // What was taken counts as known, and the list may be read again.
        self.write(&mut batch).await?;
        Ok(ended?)
    }

    /// Takes a device of the whole list, and keeps in mind for the checkpoint that it was seen.
    async fn take_listed(
        &mut self,
        owners: &Owners,
        facts: DeviceFacts,
        comparison: &mut Comparison,
        batch: &mut Vec<DeviceRow>,
    ) -> Result<(), Interruption> {
        let guid = facts.guid;
        if self.take(owners, facts, comparison, batch).await? {
            self.seen.push(guid);
        }
        Ok(())
    }

    /// Takes a device that was read; false if it is one that nobody looks at.
    pub(super) async fn take(
        &mut self,
        owners: &Owners,
        facts: DeviceFacts,
        comparison: &mut Comparison,
        batch: &mut Vec<DeviceRow>,
    ) -> Result<bool, Interruption> {
        let owner = self.owner_of(owners, &facts).await?;
        if !self.is_looked_at(owners, &owner).await? {
            self.counts.skipped += u64::from(comparison.skip(facts.guid));
            return Ok(false);
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
        Ok(true)
    }

    /// Whether the devices of an owner are looked at. Lists of organizational units hold no others.
    async fn is_looked_at(&self, owners: &Owners, owner: &Owner) -> Result<bool, Interruption> {
        let user = owner.user_dn.as_ref();
        Ok(match self.scope().holds(user) {
            None if owners.knows(owner) => true,
            None if !owners.is_partial() => false,
            Some(_) if !owners.is_partial() => true,
            _ => self.engine.is_looked_at(self.connector, user).await?,
        })
    }

    pub(super) async fn write(&mut self, batch: &mut Vec<DeviceRow>) -> Result<(), Interruption> {
        let full = std::mem::take(batch);
        Ok(self.engine.store().write_devices(self.connector.id, full).await?)
    }

    /// Notes what is no device.
    pub(super) fn fell_short<T>(&mut self, observed: Observed<T>) {
        let shortfall = &mut self.shortfall;
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
