//! What administrators do to the organization.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Device, Mailbox, Organization, Settings, Wipe, decision, generate};

/// How a list of device ids is to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Exactly these.
    Overwrite(Vec<String>),
    /// These more, those less.
    Edit { add: Vec<String>, remove: Vec<String> },
}

impl Wish {
    pub(crate) fn grant(&self, list: &mut Vec<String>) {
        let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        match self {
            Self::Overwrite(whole) => list.clone_from(whole),
            Self::Edit { add, remove } => {
                list.retain(|id| !remove.iter().any(|gone| same(gone, id)));
                for id in add {
                    if !list.iter().any(|known| same(known, id)) {
                        list.push(id.clone());
                    }
                }
            }
        }
    }
}

impl Organization {
    /// The partnership is removed, as by an administrator. False if there is none.
    pub fn remove_device(&mut self, guid: Uuid) -> bool {
        let Some(index) = self.device_guids.remove(&guid) else { return false };
        let Some(device) = self.devices[index as usize].take() else { return false };
        let changed = generate::whole_second(self.now);
        let owner = &mut self.mailboxes[device.mailbox as usize];
        owner.devices.retain(|own| *own != index);
        if owner.devices.is_empty() {
            // That there are partnerships is written on the user.
            owner.changed = changed;
        }
        self.device_count -= 1;
        true
    }

    /// The partnership is another's from now on. False if there is none, or nobody else.
    pub fn give_device_to_another(&mut self, guid: Uuid) -> bool {
        let Some(index) = self.device_guids.get(&guid).copied() else { return false };
        let Some(device) = self.devices[index as usize].as_mut() else { return false };
        let from = device.mailbox as usize;
        let to = (from + 1) % self.mailboxes.len();
        let Ok(index_of_new) = u32::try_from(to) else { return false };
        device.mailbox = index_of_new;
        self.mailboxes[from].devices.retain(|own| *own != index);
        self.mailboxes[to].devices.push(index);
        to != from
    }

    /// Asks for a wipe. False if there is no such partnership.
    pub fn wipe_device(&mut self, guid: Uuid, account_only: bool, requestor: &str) -> bool {
        let requested = self.now;
        let Some(index) = self.device_guids.get(&guid).copied() else { return false };
        let Some(device) = self.devices[index as usize].as_mut() else { return false };
        let requestor = requestor.to_owned();
        device.wipe = Some(Box::new(Wipe {
            account_only,
            requestor,
            requested,
            sent: None,
            acknowledged: None,
            is_carried_out: false,
        }));
        if !self.restless.contains(&index) {
            self.restless.push(index);
        }
        true
    }

    /// Takes a wipe back that the phone has not fetched. False if there is none.
    pub(crate) fn cancel_wipe(&mut self, index: u32) -> bool {
        let Some(device) = self.devices[index as usize].as_mut() else { return false };
        let pending = device.wipe.as_ref().is_some_and(|wipe| wipe.sent.is_none());
        if pending {
            device.wipe = None;
        }
        pending
    }

    /// Changes a mailbox, and what follows from it for its phones.
    pub(crate) fn change_mailbox(&mut self, index: u32, change: impl FnOnce(&mut Mailbox)) {
        let mailbox = &mut self.mailboxes[index as usize];
        change(mailbox);
        mailbox.changed = generate::whole_second(self.now);
        for device in mailbox.devices.clone() {
            self.settle(device);
        }
    }

    /// Edits the exemptions of a mailbox.
    pub(crate) fn exempt(&mut self, index: u32, allowed: Option<&Wish>, blocked: Option<&Wish>) {
        self.change_mailbox(index, |mailbox| {
            if let Some(wish) = allowed {
                wish.grant(&mut mailbox.allowed);
            }
            if let Some(wish) = blocked {
                wish.grant(&mut mailbox.blocked);
            }
        });
    }

    /// Changes the settings, and what follows from them for every phone.
    pub(crate) fn change_settings(&mut self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings);
        self.settings.changed = generate::whole_second(self.now);
        self.settle_all();
    }

    /// A GUID for something new.
    pub(crate) fn new_guid(&mut self) -> Uuid {
        generate::guid(&mut self.chance)
    }

    /// The whole second of the organization's time.
    pub(crate) fn second(&self) -> Timestamp {
        generate::whole_second(self.now)
    }

    /// Decides anew about one phone, unless it is still in discovery.
    pub(super) fn settle(&mut self, index: u32) {
        let Some(device) = self.device(index).filter(|device| device.discovery_ends.is_none())
        else {
            return;
        };
        let owner = self.mailbox(device.mailbox);
        let policy = self.policy_of(owner);
        let default = self.settings.default_access_level;
        let verdict = decision::decide(device, owner, policy, &self.rules, default);
        let before = (device.state, device.reason, device.rule);
        if before == (verdict.state, verdict.reason, verdict.rule) {
            return;
        }
        let now = generate::whole_second(self.now);
        let Some(device) = self.devices[index as usize].as_mut() else { return };
        (device.state, device.reason, device.rule) = (verdict.state, verdict.reason, verdict.rule);
        device.changed = now;
    }

    pub(super) fn settle_all(&mut self) {
        self.settle_those(|_| true);
    }

    /// Decides anew about these phones.
    pub(super) fn settle_those(&mut self, concerned: impl Fn(&Device) -> bool) {
        for index in 0..u32::try_from(self.devices.len()).unwrap_or(u32::MAX) {
            if self.device(index).is_some_and(&concerned) {
                self.settle(index);
            }
        }
    }
}
