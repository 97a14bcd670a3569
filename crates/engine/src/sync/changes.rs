//! A delta pass: what changed since the last complete pass, and nothing else.
//!
//! The same reconciler as a full pass with a shorter list. It never marks a device as gone: what did
//! not change does not come.

use std::collections::HashSet;

use domain::{DeviceId, Timestamp, inventory::Comparison, pass::Pass};
use exchange::{Devices, Observed};
use jiff::SignedDuration;
use store::KnownDevice;

use super::{Interruption, Sync, owners::Owners};
use crate::sessions::Lease;

/// Changes are asked for from so much earlier on: a domain controller may lag behind another, and
/// clocks differ.
const OVERLAP: SignedDuration = SignedDuration::from_mins(15);
/// Changed mailboxes whose devices are asked for one by one; of more, all devices are read.
const MOST_MAILBOXES: usize = 500;
/// Statistics that are read because they are old, in one delta pass.
const DUE_AT_ONCE: u32 = 2_000;

/// What was read of devices: how they differ from what is known, and the keys of their owners' names.
type Read<'a> = (&'a mut Comparison, &'a mut HashSet<String>);

impl Sync<'_> {
    /// Reads what changed since a time.
    pub(super) async fn read_changes(
        &mut self,
        lease: &mut Lease,
        pass: &mut Pass,
        since: Timestamp,
    ) -> Result<(), Interruption> {
        let since = since - OVERLAP;
        let (owners, changed) = attempt!(self, lease, self.read_changed_owners(lease, since));
        self.reporter.step("reading changed devices", None).await;
        let mut comparison = Comparison::default();
        let mut seen = HashSet::new();
        for lists in [
            vec![Devices::ChangedSince(since)],
            vec![Devices::NewSince(since), Devices::Quarantined],
            vec![Devices::All],
        ] {
            let read = &mut (&mut comparison, &mut seen);
            if self.read_lists(lease, &owners, read, lists).await? {
                break;
            }
        }
        // Of a mailbox whose device came, what there is to be known has come with it.
        let names = changed.iter().map(|mailbox| &mailbox.distinguished_name);
        let mut of_mailboxes: Vec<Devices> = names
            .filter(|name| !seen.contains(&name.key()))
            .map(|name| Devices::OfMailbox(name.to_string()))
            .collect();
        if of_mailboxes.len() > MOST_MAILBOXES {
            of_mailboxes = vec![Devices::All];
        }
        let read = &mut (&mut comparison, &mut HashSet::new());
        self.read_lists(lease, &owners, read, of_mailboxes).await?;
        self.engine.store().write_mailboxes(self.connector.id, changed).await?;
        self.list_ended(pass).await?;
        let targets = self.due_statistics(&comparison).await?;
        self.read_statistics_of(lease, targets).await
    }

    /// Reads lists one after the other; false if the server does not know to give one of them.
    async fn read_lists(
        &mut self,
        lease: &mut Lease,
        owners: &Owners,
        read: &mut Read<'_>,
        lists: Vec<Devices>,
    ) -> Result<bool, Interruption> {
        for list in lists {
            if !attempt!(self, lease, self.read_changed(lease, owners, read, &list)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads some devices and writes those that are new or differ from what is known; false if the
    /// server does not know to give them.
    async fn read_changed(
        &mut self,
        lease: &mut Lease,
        owners: &Owners,
        (comparison, seen): &mut Read<'_>,
        wanted: &Devices,
    ) -> Result<bool, Interruption> {
        let mut read = Vec::new();
        let mut reading = lease.organization()?.devices_of(wanted).await?;
        loop {
            match reading.next().await {
                Ok(Some(Observed::Value(facts))) => read.push(facts),
                Ok(Some(other)) => self.fell_short(other),
                Ok(None) => break,
                Err(error) if error.is_refusal() && *wanted != Devices::All => {
                    tracing::debug!(%error, ?wanted, "asking in another way");
                    return Ok(false);
                }
                Err(error) => return Err(error.into()),
            }
            self.go_on()?;
        }
        // Before any device is taken: whatever may be cut comes first.
        for facts in &read {
            self.read_missing_owner(lease, owners, facts).await?;
        }
        let mut rows = Vec::new();
        for facts in read {
            let id = DeviceId::of(self.connector.id, facts.guid);
            if !comparison.is_known(facts.guid)
                && let Some(known) = self.engine.store().known_device(id).await?
            {
                let known = known.fingerprint;
                comparison.add(known.guid, known.hash, known.gone);
            }
            let owner = facts.distinguished_name.as_ref().and_then(|name| name.ancestor(2));
            seen.extend(owner.map(|name| name.key()));
            self.take(owners, facts, comparison, &mut rows).await?;
        }
        self.write(&mut rows).await?;
        Ok(true)
    }

    /// The devices whose statistics are to be read: those that came, and those that are due.
    async fn due_statistics(
        &self,
        comparison: &Comparison,
    ) -> Result<Vec<KnownDevice>, Interruption> {
        let id = self.connector.id;
        let store = self.engine.store();
        let mut targets = Vec::new();
        for guid in comparison.seen() {
            targets.extend(store.known_device(DeviceId::of(id, guid)).await?);
        }
        let due = store.stale_statistics(id, self.fresh_since, DUE_AT_ONCE).await?;
        targets.extend(due.into_iter().filter(|due| !comparison.is_seen(due.fingerprint.guid)));
        Ok(targets)
    }
}
