//! What is otherwise in the cloud: wipes that nobody hears of again, phones that are too old.

use jiff::Timestamp;

use super::{Client, Device, Model, Organization, generate};

/// Since then the cloud turns phones away that speak less than ActiveSync 16.1.
const OLD_REFUSED_SINCE: Timestamp = Timestamp::constant(1_772_323_200, 0);

impl Organization {
    /// Whether phones of a model are let in at all.
    pub(super) fn serves(&self, model: &Model) -> bool {
        let is_old = model.client == Client::Eas && model.version != "16.1";
        !(self.options.dialect.is_hosted() && is_old && self.now >= OLD_REFUSED_SINCE)
    }

    /// When a phone came last, if it came at this time while it was let in.
    pub(super) fn last_let_in(&self, model: &Model, at: Timestamp) -> Timestamp {
        if self.serves(model) { at } else { at.min(OLD_REFUSED_SINCE) }
    }

    /// A phone of the cloud has wiped itself, and nobody is told: it is gone, or it comes back as
    /// another, and the old one is never heard of again.
    pub(super) fn after_wipe(&mut self, index: u32) {
        let Some(device) = self.device(index) else { return };
        let (guid, owner, model) = (device.guid, device.mailbox, usize::from(device.model));
        if guid.as_bytes()[0].is_multiple_of(2) {
            self.remove_device(guid);
        } else {
            let device: Device = generate::new_device(self, owner, model);
            self.discover(device);
        }
    }
}
