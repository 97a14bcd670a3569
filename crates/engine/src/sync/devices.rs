//! The device list: everything read, only the difference written, the missing marked as gone.

use domain::{
    DeviceFacts, DeviceId,
    device::Owner,
    inventory::{Change, Comparison, Shortfall},
    pass::PassOutcome,
};
use exchange::{Notice, Observed};
use store::DeviceRow;

use super::{Interruption, Sync, owners::Owners};
use crate::link::OpenOrganization;

/// Devices written at once: what a cut may cost.
const BATCH: usize = 2_000;

impl Sync<'_> {
    /// What is known of the connector's devices.
    pub(super) async fn known(&self) -> Result<Comparison, Interruption> {
        let known = self.engine.store().fingerprints(self.connector.id).await?;
        Ok(Comparison::new(known.iter().map(|known| (known.guid, known.hash, known.gone))))
    }

    /// Reads the whole list and writes what is new or different.
    pub(super) async fn read_devices(
        &mut self,
        organization: &mut OpenOrganization,
        owners: &Owners,
        comparison: &mut Comparison,
    ) -> Result<Shortfall, Interruption> {
        self.reporter.step("reading devices", Some(comparison.living())).await;
        self.counts.devices = 0;
        let mut shortfall = Shortfall::default();
        let mut batch = Vec::new();
        let mut reading = organization.devices().await?;
        while let Some(observed) = reading.next().await? {
            match observed {
                Observed::Value(facts) => {
                    self.counts.devices += 1;
                    let owner = self.owner_of(owners, &facts).await?;
                    batch.extend(self.difference(facts, owner, comparison));
                }
                Observed::Poison(why) => {
                    shortfall.poisoned += 1;
                    tracing::warn!(connector = %self.connector.name, %why, "a device was not understood");
                }
                Observed::Problem(error) => {
                    shortfall.problems += 1;
                    tracing::warn!(connector = %self.connector.name, %error, "a device was not read");
                }
                Observed::Notice(Notice::Truncated) => shortfall.is_truncated = true,
                Observed::Notice(_) => {}
            }
            if batch.len() >= BATCH {
                let full = std::mem::take(&mut batch);
                self.engine.store().write_devices(self.connector.id, full).await?;
            }
            if self.counts.devices.is_multiple_of(256) {
                self.reporter.done(self.counts.devices).await;
                self.go_on()?;
            }
        }
        self.engine.store().write_devices(self.connector.id, batch).await?;
        self.reporter.done(self.counts.devices).await;
        self.counts.poisoned = shortfall.poisoned;
        shortfall.is_implausible = !comparison.is_plausible(self.read_before().await?);
        Ok(shortfall)
    }

    /// How many devices the pass before this one met, if it came to the end of its list.
    async fn read_before(&self) -> Result<Option<u64>, Interruption> {
        let scope = self.engine.own_scope()?;
        // The latest is this one.
        let latest = self.engine.store().passes(&scope, self.connector.id, 2).await?;
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
