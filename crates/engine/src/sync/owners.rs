//! Who owns which device: mailboxes by distinguished name, as small as they can be kept.

use std::collections::HashMap;

use domain::{
    DeviceFacts, DistinguishedName, MailboxFacts, Timestamp, connector::DiscoveryScope,
    device::Owner, inventory,
};
use exchange::{Mailboxes, Notice, Observed};
use sha2::{Digest as _, Sha256};

use super::{Interruption, Sync};
use crate::sessions::Lease;

/// Mailboxes written at once.
const BATCH: usize = 500;

/// The owners of devices, by a digest of their distinguished names: a name is longer than all that
/// is kept of a mailbox.
#[derive(Default)]
pub(super) struct Owners {
    entries: HashMap<[u8; 16], Box<str>>,
    /// Whether a mailbox came that was not understood, or an error in place of one.
    is_partial: bool,
}

/// Between the parts of an entry; no address or logon name holds it.
const SEPARATOR: char = '\u{0}';

impl Owners {
    fn insert(&mut self, mailbox: &MailboxFacts) {
        let owner = inventory::owner(None, Some(mailbox));
        let part = |text: Option<String>| text.unwrap_or_default().replace(SEPARATOR, " ");
        let entry = [part(owner.user), part(owner.mailbox), part(owner.name)];
        let entry = entry.join(&SEPARATOR.to_string()).into_boxed_str();
        self.entries.insert(key(&mailbox.distinguished_name), entry);
    }

    /// Whether something came in place of a mailbox.
    pub(super) fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// Whether the mailbox of an owner was read.
    pub(super) fn knows(&self, owner: &Owner) -> bool {
        owner.user_dn.as_ref().is_some_and(|name| self.entries.contains_key(&key(name)))
    }

    /// The owner with this name; only the name is known if the mailbox was not read.
    pub(super) fn of(&self, user_dn: Option<DistinguishedName>) -> Owner {
        let Some(entry) = user_dn.as_ref().and_then(|name| self.entries.get(&key(name))) else {
            return inventory::owner(user_dn, None);
        };
        let mut parts = entry.split(SEPARATOR).map(|part| {
            let is_known = !part.is_empty();
            is_known.then(|| part.to_owned())
        });
        let mut next = || parts.next().flatten();
        let (user, mailbox, name) = (next(), next(), next());
        let user = user.or_else(|| user_dn.as_ref().and_then(DistinguishedName::first_value));
        Owner { user, mailbox, name, user_dn }
    }
}

fn key(name: &DistinguishedName) -> [u8; 16] {
    digest(&name.key())
}

fn digest(name_key: &str) -> [u8; 16] {
    let mut digest = [0; 16];
    digest.iter_mut().zip(Sha256::digest(name_key)).for_each(|(to, from)| *to = from);
    digest
}

impl Sync<'_> {
    /// The owners as they were read before.
    pub(super) async fn kept_owners(&mut self) -> Result<Owners, Interruption> {
        let mut owners = Owners::default();
        let mut after = String::new();
        loop {
            let (mailboxes, last) =
                self.engine.store().mailboxes(self.connector.id, &after).await?;
            mailboxes.iter().for_each(|mailbox| owners.insert(mailbox));
            self.counts.mailboxes = owners.entries.len() as u64;
            match last {
                Some(last) => after = last,
                None => return Ok(owners),
            }
        }
    }

    /// Reads the mailboxes that changed: owners, and what differs from what is known of them. The
    /// owners of others are known from before. Nothing is written yet: a pass that fails before the
    /// devices of these mailboxes are read is to find them changed again.
    pub(super) async fn read_changed_owners(
        &mut self,
        lease: &mut Lease,
        since: Timestamp,
    ) -> Result<(Owners, Vec<MailboxFacts>), Interruption> {
        self.reporter.step("reading changed mailboxes", None).await;
        let mut owners = Owners { is_partial: true, ..Owners::default() };
        let mut read = Vec::new();
        let filter = match self.scope() {
            DiscoveryScope::Recipients(filter) => Some(filter.clone()),
            DiscoveryScope::Organization | DiscoveryScope::Units(_) => None,
        };
        let wanted = Mailboxes::ChangedSince { since, filter };
        let mut reading = lease.organization()?.mailboxes_of(&wanted).await?;
        while let Some(observed) = reading.next().await? {
            if let Observed::Value(mailbox) = observed
                && self.scope().holds(Some(&mailbox.distinguished_name)) != Some(false)
            {
                owners.insert(&mailbox);
                read.push(mailbox);
            }
            self.go_on()?;
        }
        self.counts.mailboxes = read.len() as u64;
        let scope = self.engine.own_scope()?;
        let mut changed = Vec::new();
        for mailbox in read {
            let name = &mailbox.distinguished_name;
            match self.engine.store().mailbox(&scope, self.connector.id, name).await {
                Ok(known) if known == mailbox => {}
                Ok(_) | Err(store::Error::NotFound(_)) => changed.push(mailbox),
                Err(error) => return Err(error.into()),
            }
        }
        Ok((owners, changed))
    }

    /// Reads the mailbox of a device if nobody has read it before.
    pub(super) async fn read_missing_owner(
        &mut self,
        lease: &mut Lease,
        owners: &Owners,
        device: &DeviceFacts,
    ) -> Result<(), Interruption> {
        let name = device.distinguished_name.as_ref().and_then(|name| name.ancestor(2));
        let Some(name) = name.filter(|name| !owners.entries.contains_key(&key(name))) else {
            return Ok(());
        };
        if self.scope().holds(Some(&name)) != Some(true) {
            return Ok(());
        }
        match self.engine.mailbox(self.connector, lease, &name).await.map_err(Interruption::from) {
            // Without it the device has the name in its own.
            Err(Interruption::Exchange(error)) if error.leaves_session_usable() => Ok(()),
            read => read.map(drop),
        }
    }

    /// Reads every mailbox that has a device. An account that may not see mailboxes gives none,
    /// and devices then have only the names in their own.
    pub(super) async fn read_owners(&mut self, lease: &mut Lease) -> Result<Owners, Interruption> {
        self.reporter.step("reading mailboxes", None).await;
        self.counts.mailboxes = 0;
        let mut owners = Owners::default();
        let lists = match &self.connector.options.discovery.scope {
            DiscoveryScope::Organization => vec![Mailboxes::All],
            DiscoveryScope::Units(units) => units.iter().cloned().map(Mailboxes::InUnit).collect(),
            DiscoveryScope::Recipients(filter) => vec![Mailboxes::Matching(filter.clone())],
        };
        for list in lists {
            self.read_owners_of(lease, &list, &mut owners).await?;
        }
        if !owners.is_partial {
            self.forget_owners_but(&owners).await?;
        }
        Ok(owners)
    }

    /// Forgets the mailboxes that are no more, or are not looked at any more: what is kept says
    /// whose devices count, where a filter does.
    async fn forget_owners_but(&mut self, owners: &Owners) -> Result<(), Interruption> {
        let (store, id) = (self.engine.store(), self.connector.id);
        let mut after = String::new();
        loop {
            let names = store.mailbox_keys(id, &after).await?;
            let Some(last) = names.last() else { return Ok(()) };
            after.clone_from(last);
            let is_gone = |name: &String| !owners.entries.contains_key(&digest(name));
            let gone: Vec<String> = names.into_iter().filter(is_gone).collect();
            store.remove_mailboxes(id, gone).await?;
        }
    }

    async fn read_owners_of(
        &mut self,
        lease: &mut Lease,
        wanted: &Mailboxes,
        owners: &mut Owners,
    ) -> Result<(), Interruption> {
        let mut batch = Vec::new();
        let mut delay = std::time::Duration::ZERO;
        let mut reading = lease.organization()?.mailboxes_of(wanted).await?;
        while let Some(observed) = reading.next().await? {
            match observed {
                Observed::Value(mailbox) => {
                    owners.insert(&mailbox);
                    self.counts.mailboxes += 1;
                    batch.push(mailbox);
                }
                Observed::Poison(why) => {
                    owners.is_partial = true;
                    tracing::warn!(connector = %self.connector.name, %why, "a mailbox was not understood");
                }
                Observed::Problem(error) => {
                    owners.is_partial = true;
                    tracing::warn!(connector = %self.connector.name, %error, "a mailbox was not read");
                }
                Observed::Notice(Notice::Truncated) => owners.is_partial = true,
                Observed::Notice(Notice::MicroDelay { millis, .. }) => {
                    delay += std::time::Duration::from_millis(millis);
                }
                Observed::Notice(_) => {}
            }
            if batch.len() >= BATCH {
                let full = std::mem::take(&mut batch);
                self.engine.store().write_mailboxes(self.connector.id, full).await?;
                self.reporter.done(self.counts.mailboxes).await;
                self.go_on()?;
            }
        }
        self.engine.store().write_mailboxes(self.connector.id, batch).await?;
        self.rest(lease, delay.min(super::statistics::MAX_DELAY)).await
    }

    /// The owner of a device. Of a mailbox that did not come this time, what was read before
    /// stands.
    pub(super) async fn owner_of(
        &self,
        owners: &Owners,
        device: &DeviceFacts,
    ) -> Result<Owner, Interruption> {
        // A partnership lies in a container that lies in its owner.
        let user_dn = device.distinguished_name.as_ref().and_then(|name| name.ancestor(2));
        let unread = user_dn
            .as_ref()
            .filter(|name| owners.is_partial && !owners.entries.contains_key(&key(name)));
        if let Some(name) = unread {
            let scope = self.engine.own_scope()?;
            match self.engine.store().mailbox(&scope, self.connector.id, name).await {
                Ok(mailbox) => return Ok(inventory::owner(user_dn, Some(&mailbox))),
                Err(store::Error::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(owners.of(user_dn))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_found_whatever_the_case_of_the_name() {
        let name = DistinguishedName::parse(r"CN=Ocampo\, Jorge,DC=contoso,DC=com").unwrap();
        let mut owners = Owners::default();
        owners.insert(&MailboxFacts {
            guid: None,
            distinguished_name: name,
            display_name: Some("Jorge Ocampo".to_owned()),
            alias: None,
            sam_account_name: Some("jocampo".to_owned()),
            user_principal_name: None,
            primary_smtp_address: None,
            allowed_device_ids: Vec::new(),
            blocked_device_ids: Vec::new(),
            policy: None,
            active_sync_enabled: None,
        });
        let other = DistinguishedName::parse(r"cn=ocampo\, jorge,dc=CONTOSO,dc=com").unwrap();
        let found = owners.of(Some(other.clone()));
        assert_eq!(found.user.as_deref(), Some("jocampo"));
        assert_eq!(found.name.as_deref(), Some("Jorge Ocampo"));
        assert_eq!(found.mailbox, None);
        assert_eq!(found.user_dn, Some(other));
        let stranger = DistinguishedName::parse("CN=Jane,DC=contoso,DC=com");
        assert_eq!(owners.of(stranger).user.as_deref(), Some("Jane"));
    }
}
