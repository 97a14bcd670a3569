//! What an identity names. Exchange takes many forms of it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use domain::DistinguishedName;
use uuid::Uuid;

use super::{Device, Mailbox, Organization, mailbox::escaped};

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup {
    Found(u32),
    Nothing,
    /// More than one object answers to the name.
    Ambiguous,
}

impl Organization {
    /// The device that a GUID, distinguished name, canonical name, `Name\ExchangeActiveSyncDevices\…`
    /// or, as the last resort, a device id names.
    pub(crate) fn find_device(&self, identity: &str) -> Lookup {
        if let Ok(guid) = Uuid::try_parse(identity) {
            return self
                .device_guids
                .get(&guid)
                .map_or(Lookup::Nothing, |index| Lookup::Found(*index));
        }
        let Some((owner, name)) = split(identity) else {
            return self.find_by_device_id(identity);
        };
        let Lookup::Found(owner) = self.find_mailbox(&owner) else { return Lookup::Nothing };
        let mut own = self.mailbox(owner).devices.iter().copied();
        own.find(|index| {
            self.device(*index).is_some_and(|device| same(&device.common_name(), &name))
        })
        .map_or(Lookup::Nothing, Lookup::Found)
    }

    fn find_by_device_id(&self, id: &str) -> Lookup {
        let answers = |device: &Device| same(&device.id, id) || same(&device.common_name(), id);
        one(self.present().filter(|(_, device)| answers(device)).map(|(index, _)| index))
    }

    /// The mailbox that a GUID, distinguished name, canonical name, address, alias or logon name
    /// names; else the one of that display name.
    pub(crate) fn find_mailbox(&self, identity: &str) -> Lookup {
        let logon = identity.rsplit_once('\\').map_or(identity, |(_, logon)| logon);
        let known = |text: &str| self.mailbox_names.get(&key(text));
        if let Some(index) = known(identity).or_else(|| known(logon)) {
            return Lookup::Found(*index);
        }
        let named = (0_u32..).zip(&self.mailboxes).filter(|(_, one)| same(&one.name, identity));
        one(named.map(|(index, _)| index))
    }

    /// Takes a mailbox in, under every text that names it alone.
    pub(super) fn adopt(&mut self, mailbox: Mailbox) {
        let index = u32::try_from(self.mailboxes.len()).unwrap_or(u32::MAX);
        let texts = [
            mailbox.guid.to_string(),
            mailbox.exchange_guid.to_string(),
            mailbox.distinguished_name(self),
            mailbox.canonical(self),
            mailbox.address(self),
            mailbox.user_principal_name(self),
            mailbox.alias.to_string(),
            mailbox.sam.to_string(),
        ];
        for text in texts {
            self.mailbox_names.insert(key(&text), index);
        }
        self.mailboxes.push(mailbox);
    }

    /// Takes a device in.
    pub(super) fn join(&mut self, device: Device) -> u32 {
        let index = u32::try_from(self.devices.len()).unwrap_or(u32::MAX);
        self.mailboxes[device.mailbox as usize].devices.push(index);
        let class = (device.model().device_type, device.model().model);
        let updated = self.classes.entry(class).or_insert(device.created);
        *updated = (*updated).max(device.created);
        self.device_guids.insert(device.guid, index);
        self.devices.push(Some(device));
        self.device_count += 1;
        index
    }
}

/// Owner and common name of a device identity of any of the three long forms.
fn split(identity: &str) -> Option<(String, String)> {
    const CONTAINER: &str = "ExchangeActiveSyncDevices";
    for separator in ['/', '\\'] {
        let middle = format!("{separator}{CONTAINER}{separator}");
        if let Some((owner, name)) = identity.split_once(&middle) {
            return Some((owner.to_owned(), name.to_owned()));
        }
    }
    let name = DistinguishedName::parse(identity)?;
    let owner = name.ancestor(2)?;
    Some((owner.as_str().to_owned(), name.first_value()?))
}

fn one(mut found: impl Iterator<Item = u32>) -> Lookup {
    match (found.next(), found.next()) {
        (None, _) => Lookup::Nothing,
        (Some(index), None) => Lookup::Found(index),
        (Some(_), Some(_)) => Lookup::Ambiguous,
    }
}

fn same(left: &str, right: &str) -> bool {
    left.eq_ignore_ascii_case(right) || left.to_lowercase() == right.to_lowercase()
}

/// Sixty-four bits of a name without its case. A collision among the names of one organization
/// is less likely than a broken disk.
fn key(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.to_lowercase().hash(&mut hasher);
    hasher.finish()
}

impl super::AccessRule {
    /// Whether an identity (name, GUID or distinguished name) means this rule.
    pub(crate) fn answers_to(&self, identity: &str) -> bool {
        same(&self.name(), identity)
            || same(&self.guid.to_string(), identity)
            || identity
                .to_lowercase()
                .starts_with(&format!("cn={},", escaped(&self.name())).to_lowercase())
    }
}
