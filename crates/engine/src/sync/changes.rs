//! A delta pass: what changed since the last complete pass, and nothing else.
//!
//! The same reconciler as a full pass with a shorter list. It never marks a device as gone: what did
//! not change does not come.

use std::collections::HashSet;

use domain::{
    DeviceId, DistinguishedName, Timestamp,
    inventory::{Comparison, Shortfall},
    pass::Pass,
};
use exchange::{Devices, Mailboxes, Observed};
use jiff::SignedDuration;
use store::Fingerprint;

use super::{Interruption, Sync, owners::Owners};
use crate::sessions::Lease;

/// Changes are asked for from so much earlier on: a domain controller may lag behind another, and
/// clocks differ.
const OVERLAP: SignedDuration = SignedDuration::from_mins(15);
/// Changed mailboxes whose devices are read again; with more a full pass does it.
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
    ) -> Result<Shortfall, Interruption> {
        let since = since - OVERLAP;
        let (owners, changed) = self.read_changed_owners(lease, since).await?;
        self.reporter.step("reading changed devices", None).await;
        let mut shortfall = Shortfall::default();
        let mut comparison = Comparison::default();
        let mut seen = HashSet::new();
        let before = self.counts;
        for list in [
            vec![Devices::ChangedSince(since)],
            vec![Devices::NewSince(since), Devices::Quarantined],
            vec![Devices::All],
        ] {
            self.counts = before;
            shortfall = Shortfall::default();
            let read = &mut (&mut comparison, &mut seen);
            if self.read_lists(lease, &owners, read, list, &mut shortfall).await? {
                break;
            }
        }
        // Of a mailbox whose device came, what there is to be known has come with it.
        let unseen = changed.into_iter().filter(|name| !seen.contains(&name.key()));
        let of_mailboxes: Vec<Devices> =
            unseen.map(|name| Devices::OfMailbox(name.to_string())).take(MOST_MAILBOXES).collect();
        let read = &mut (&mut comparison, &mut HashSet::new());
        self.read_lists(lease, &owners, read, of_mailboxes, &mut shortfall).await?;
        self.list_ended(pass, shortfall.outcome()).await?;
        let targets = self.due_statistics(&comparison).await?;
        self.read_statistics_of(lease, targets).await?;
        Ok(shortfall)
    }

    /// Reads lists one after the other; false if the server does not know to give one of them.
    async fn read_lists(
        &mut self,
        lease: &mut Lease,
        owners: &Owners,
        read: &mut Read<'_>,
        lists: Vec<Devices>,
        shortfall: &mut Shortfall,
    ) -> Result<bool, Interruption> {
        for list in lists {
            let mut attempt = 1;
            loop {
                self.between(lease).await?;
                let done = self.read_changed(lease, owners, read, &list, shortfall).await;
                match done {
                    Err(Interruption::Exchange(error))
                        if error.is_refusal() && list != Devices::All =>
                    {
                        tracing::debug!(%error, ?list, "asking in another way");
                        return Ok(false);
                    }
                    done => match self.renewed(lease, done, attempt).await? {
                        Some(()) => break,
                        None => attempt += 1,
                    },
                }
            }
        }
        Ok(true)
    }

    /// Reads some devices and writes those that are new or differ from what is known.
    async fn read_changed(
        &mut self,
        lease: &mut Lease,
        owners: &Owners,
        (comparison, seen): &mut Read<'_>,
        wanted: &Devices,
        shortfall: &mut Shortfall,
    ) -> Result<(), Interruption> {
        let mut read = Vec::new();
        let mut reading = lease.organization()?.devices_of(wanted).await?;
        while let Some(observed) = reading.next().await? {
            match observed {
                Observed::Value(facts) => read.push(facts),
                other => self.fell_short(other, shortfall),
            }
            self.go_on()?;
        }
        let mut rows = Vec::new();
        for facts in read {
            let id = DeviceId::of(self.connector.id, facts.guid);
            if !comparison.is_known(facts.guid)
                && let Some(known) = self.engine.store().fingerprint(id).await?
            {
                comparison.add(known.guid, known.hash, known.gone);
            }
            let owner = facts.distinguished_name.as_ref().and_then(|name| name.ancestor(2));
            seen.extend(owner.map(|name| name.key()));
            self.read_missing_owner(lease, owners, &facts).await?;
            self.take(owners, facts, comparison, &mut rows).await?;
        }
        self.write(&mut rows).await
    }

    /// Reads the mailboxes that changed: their owners, and the names of those whose devices may
    /// have changed with them.
    async fn read_changed_owners(
        &mut self,
        lease: &mut Lease,
        since: Timestamp,
    ) -> Result<(Owners, Vec<DistinguishedName>), Interruption> {
        let mut attempt = 1;
        Ok(loop {
            self.between(lease).await?;
            let wanted = Mailboxes::ChangedSince(since);
            let read = self.read_some_owners(lease, &wanted).await;
            match self.renewed(lease, read, attempt).await? {
                Some(read) => break read,
                None => attempt += 1,
            }
        })
    }

    /// The devices whose statistics are to be read: those that came, and those that are due.
    async fn due_statistics(
        &self,
        comparison: &Comparison,
    ) -> Result<Vec<Fingerprint>, Interruption> {
        let id = self.connector.id;
        let store = self.engine.store();
        let mut targets = Vec::new();
        for guid in comparison.seen() {
            targets.extend(store.fingerprint(DeviceId::of(id, guid)).await?);
        }
        let due = store.stale_statistics(id, self.fresh_since, DUE_AT_ONCE).await?;
        targets.extend(due.into_iter().filter(|due| !comparison.is_seen(due.guid)));
        Ok(targets)
    }
}
