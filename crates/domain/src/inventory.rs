//! What a pass compares: what is known with what was read. Pure.
//!
//! A pass may be cut, repeated, and read in any order; the comparison gives the same inventory in
//! the end. It holds as little as it can, because there is one entry for each device.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::{
    DistinguishedName, MailboxFacts,
    device::Owner,
    pass::{PassCounts, PassOutcome},
};

/// What is known of the devices of one connector, and which of them a reading has met.
#[derive(Debug, Default)]
pub struct Comparison {
    devices: HashMap<Uuid, Entry>,
    skipped: HashSet<Uuid>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u64,
    is_gone: bool,
    is_seen: bool,
}

/// How a device that was read stands to what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was not known.
    Added,
    /// It is known and differs, or was gone and is back.
    Changed,
    /// It is known as it is.
    Unchanged,
    /// This reading has met it before, just so.
    Repeated,
}

impl Comparison {
    /// How many devices are known and not gone.
    #[must_use]
    pub fn living(&self) -> u64 {
        self.devices.values().filter(|entry| !entry.is_gone).count() as u64
    }

    /// Takes a device that was read, and says how it differs from what is known.
    pub fn observe(&mut self, guid: Uuid, hash: u64) -> Change {
        let fresh = Entry { hash, is_gone: false, is_seen: true };
        let Some(entry) = self.devices.get_mut(&guid) else {
            self.devices.insert(guid, fresh);
            return Change::Added;
        };
        let before = std::mem::replace(entry, fresh);
        if before.hash != hash || before.is_gone {
            Change::Changed
        } else if before.is_seen {
            Change::Repeated
        } else {
            Change::Unchanged
        }
    }

    /// Takes a device that was read and is none of the connector's; whether this reading meets it
    /// for the first time.
    pub fn skip(&mut self, guid: Uuid) -> bool {
        self.skipped.insert(guid)
    }

    /// Adds what is known of one device more.
    pub fn add(&mut self, guid: Uuid, hash: u64, is_gone: bool) {
        self.devices.entry(guid).or_insert(Entry { hash, is_gone, is_seen: false });
    }

    /// Whether anything is known of a device.
    #[must_use]
    pub fn is_known(&self, guid: Uuid) -> bool {
        self.devices.contains_key(&guid)
    }

    /// The devices that this reading has met.
    pub fn seen(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.devices.iter().filter(|(_, entry)| entry.is_seen).map(|(guid, _)| *guid)
    }

    /// Takes devices as met that were read before the reading was cut.
    pub fn assume_seen(&mut self, guids: impl IntoIterator<Item = Uuid>) {
        for guid in guids {
            if let Some(entry) = self.devices.get_mut(&guid) {
                entry.is_seen = true;
            }
        }
    }

    /// Whether this reading has met a device.
    #[must_use]
    pub fn is_seen(&self, guid: Uuid) -> bool {
        self.devices.get(&guid).is_some_and(|entry| entry.is_seen)
    }

    /// Whether what this reading did not meet may be believed to be gone. `read_before`: how many
    /// devices the reading before met, if it came to its end.
    ///
    /// A list can end early without a word: a role was narrowed, a domain did not answer. So a
    /// reading that meets fewer devices than it misses is believed only if the one before met as
    /// few.
    #[must_use]
    pub fn is_plausible(&self, read_before: Option<u64>) -> bool {
        let missing = self.unseen().count() as u64;
        let read = self.devices.values().filter(|entry| entry.is_seen).count() as u64;
        let is_few =
            |read: u64| read == 0 || (missing >= SHRINKING_IS_NORMAL_BELOW && read < missing);
        missing == 0 || !is_few(read) || read_before.is_some_and(is_few)
    }

    /// Devices that are known, not gone, and were not met. Only a complete reading may call them
    /// gone.
    pub fn unseen(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.devices
            .iter()
            .filter(|(_, entry)| !entry.is_seen && !entry.is_gone)
            .map(|(guid, _)| *guid)
    }
}

/// A small organization may well lose most of its devices in a day.
const SHRINKING_IS_NORMAL_BELOW: u64 = 20;

/// What could make the reading of a list less than complete. It came to its end, or there is no
/// reading to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shortfall {
    /// Objects that were not understood.
    pub poisoned: u64,
    /// Errors that stood in place of objects.
    pub problems: u64,
    /// Whether the server said that there is more.
    pub is_truncated: bool,
    /// Whether so few devices came that something must be wrong: see
    /// [`Comparison::is_plausible`].
    pub is_implausible: bool,
}

impl Shortfall {
    /// Complete, or not.
    #[must_use]
    pub fn outcome(&self) -> PassOutcome {
        if *self == Self::default() { PassOutcome::Complete } else { PassOutcome::Incomplete }
    }

    /// One clause for each thing that is amiss.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.poisoned > 0 {
            reasons.push(format!("{} objects were not understood", self.poisoned));
        }
        if self.problems > 0 {
            reasons.push(format!("{} errors came in place of devices", self.problems));
        }
        if self.is_truncated {
            reasons.push("the server holds back a part of the list".to_owned());
        }
        if self.is_implausible {
            reasons.push(
                "most of the known devices did not come; if the next sync does not find them \
                 either, they count as gone"
                    .to_owned(),
            );
        }
        reasons
    }
}

/// The owner of a device, from its distinguished name and, if it was read, the mailbox.
///
/// The user is the logon name, else the alias, else the common name.
#[must_use]
pub fn owner(user_dn: Option<DistinguishedName>, mailbox: Option<&MailboxFacts>) -> Owner {
    let logon = mailbox
        .and_then(|mailbox| mailbox.sam_account_name.clone().or_else(|| mailbox.alias.clone()))
        .filter(|name| !name.is_empty());
    Owner {
        user: logon.or_else(|| user_dn.as_ref().and_then(DistinguishedName::first_value)),
        mailbox: mailbox.and_then(|mailbox| mailbox.primary_smtp_address.clone()),
        name: mailbox.and_then(|mailbox| mailbox.display_name.clone()),
        user_dn,
    }
}

/// One sentence about what a pass did.
#[must_use]
pub fn summary(counts: &PassCounts) -> String {
    let plural = |count: u64, one: &str, more: &str| {
        format!("{count} {}", if count == 1 { one } else { more })
    };
    format!(
        "{} read: {} new, {} changed, {} gone; {}, {} statistics",
        plural(counts.devices, "device", "devices"),
        counts.added,
        counts.changed,
        counts.gone,
        plural(counts.mailboxes, "mailbox", "mailboxes"),
        counts.statistics
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn guid(n: u8) -> Uuid {
        Uuid::from_u128(u128::from(n))
    }

    fn knowing(known: impl IntoIterator<Item = (Uuid, u64, bool)>) -> Comparison {
        let mut comparison = Comparison::default();
        known.into_iter().for_each(|(guid, hash, gone)| comparison.add(guid, hash, gone));
        comparison
    }

    #[test]
    fn each_way_of_differing_has_its_name() {
        let mut comparison = knowing([(guid(1), 10, false), (guid(2), 20, true)]);
        assert_eq!(comparison.living(), 1);
        assert_eq!(comparison.observe(guid(1), 10), Change::Unchanged);
        assert_eq!(comparison.observe(guid(1), 10), Change::Repeated);
        assert_eq!(comparison.observe(guid(1), 11), Change::Changed);
        assert_eq!(comparison.observe(guid(2), 20), Change::Changed, "it is back");
        assert_eq!(comparison.observe(guid(3), 30), Change::Added);
        assert_eq!(comparison.unseen().count(), 0);
        assert!(comparison.skip(guid(4)) && !comparison.skip(guid(4)));
    }

    #[test]
    fn only_a_reading_without_shortfall_is_complete() {
        assert_eq!(Shortfall::default().outcome(), PassOutcome::Complete);
        for shortfall in [
            Shortfall { poisoned: 1, ..Shortfall::default() },
            Shortfall { problems: 1, ..Shortfall::default() },
            Shortfall { is_truncated: true, ..Shortfall::default() },
            Shortfall { is_implausible: true, ..Shortfall::default() },
        ] {
            assert_eq!(shortfall.outcome(), PassOutcome::Incomplete);
            assert_eq!(shortfall.reasons().len(), 1);
        }
    }

    #[test]
    fn a_list_that_lost_most_of_its_devices_is_believed_the_second_time() {
        for (known, read, before, plausible) in [
            (0, 0, None, true),
            (100, 100, None, true),
            (100, 50, None, true),
            (100, 49, None, false),
            (100, 49, Some(100), false),
            (100, 49, Some(48), true),
            (100, 0, None, false),
            (100, 0, Some(0), true),
            (5, 1, None, true),
            (5, 0, None, false),
        ] {
            let mut comparison = knowing((0..known).map(|n| (guid(n), 0, false)));
            for n in 0..read {
                comparison.observe(guid(n), 0);
            }
            let said = comparison.is_plausible(before);
            assert_eq!(said, plausible, "{read} of {known}, {before:?} before");
        }
    }

    #[test]
    fn the_owner_has_the_best_name_there_is() {
        let dn = DistinguishedName::parse(r"CN=Ocampo\, Jorge,DC=contoso,DC=com").unwrap();
        assert_eq!(owner(Some(dn.clone()), None).user.unwrap(), "Ocampo, Jorge");
        let mut mailbox = MailboxFacts {
            guid: None,
            distinguished_name: dn.clone(),
            display_name: Some("Jorge Ocampo".to_owned()),
            alias: Some("jorge.o".to_owned()),
            sam_account_name: Some("jocampo".to_owned()),
            user_principal_name: None,
            primary_smtp_address: Some("jorge@contoso.com".to_owned()),
            allowed_device_ids: Vec::new(),
            blocked_device_ids: Vec::new(),
            policy: None,
            active_sync_enabled: None,
        };
        assert_eq!(owner(Some(dn.clone()), Some(&mailbox)).user.unwrap(), "jocampo");
        mailbox.sam_account_name = None;
        assert_eq!(owner(Some(dn), Some(&mailbox)).user.unwrap(), "jorge.o");
    }

    proptest! {
        /// Whatever was known, however often a reading is cut and begun again: after a reading to
        /// the end the inventory is what was read.
        #[test]
        fn a_complete_reading_converges(
            known in proptest::collection::btree_map(0..12_u8, (0..3_u64, any::<bool>()), 0..12),
            cuts in proptest::collection::vec(0..12_usize, 0..4),
            read in proptest::collection::vec((0..12_u8, 0..3_u64), 0..12),
        ) {
            let read: BTreeMap<u8, u64> = read.into_iter().collect();
            let mut rows: BTreeMap<Uuid, (u64, bool)> =
                known.iter().map(|(n, (hash, gone))| (guid(*n), (*hash, *gone))).collect();
            let mut comparison = knowing(rows.iter().map(|(g, (h, gone))| (*g, *h, *gone)));
            for length in cuts.into_iter().chain([usize::MAX]) {
                for (n, hash) in read.iter().take(length) {
                    match comparison.observe(guid(*n), *hash) {
                        Change::Added | Change::Changed => {
                            rows.insert(guid(*n), (*hash, false));
                        }
                        Change::Unchanged | Change::Repeated => {}
                    }
                }
            }
            for gone in comparison.unseen().collect::<Vec<_>>() {
                rows.entry(gone).and_modify(|row| row.1 = true);
            }
            let living: BTreeMap<Uuid, u64> =
                rows.iter().filter(|(_, row)| !row.1).map(|(g, row)| (*g, row.0)).collect();
            let expected: BTreeMap<Uuid, u64> =
                read.iter().map(|(n, hash)| (guid(*n), *hash)).collect();
            prop_assert_eq!(living, expected);
        }
    }
}
