//! What changes something about one device. Whether it took effect is to be read back.

use domain::ActionKind;
use uuid::Uuid;

use super::Organization;
use crate::{Argument, Cmdlet, Error, Identity, Session};

impl<S: Session> Organization<S> {
    /// Edits the exemptions of a mailbox for one device id, both lists in one cmdlet: the blocked list
    /// goes before the allowed one, so an id in both would stay blocked. Only what is added and what
    /// is taken away is sent, never a whole list.
    ///
    /// `mailbox` is a distinguished name or a GUID.
    pub async fn exempt(
        &mut self,
        mailbox: &str,
        device_id: &str,
        exemption: Exemption,
    ) -> Result<(), Error> {
        // An empty id would be added as such.
        let id = Identity::parse(device_id)?.as_str().to_owned();
        let add = || Argument::Edit { add: vec![id.clone()], remove: Vec::new() };
        let remove = || Argument::Edit { add: Vec::new(), remove: vec![id.clone()] };
        let (allowed, blocked) = match exemption {
            Exemption::Allowed => (add(), remove()),
            Exemption::Blocked => (remove(), add()),
            Exemption::None => (remove(), remove()),
        };
        let set = Cmdlet::new("Set-CASMailbox")
            .of(Identity::parse(mailbox)?)
            .with("ActiveSyncAllowedDeviceIDs", allowed)
            .with("ActiveSyncBlockedDeviceIDs", blocked)
            .without_confirmation();
        self.change(set).await
    }

    /// Asks for a wipe: the device fetches it when it syncs next. What it erases depends on the
    /// client; [`domain::action::forecast`] knows.
    pub async fn wipe(&mut self, device: Uuid, wipe: Wipe) -> Result<(), Error> {
        let clear = Cmdlet::new(self.capabilities.family.clear()).of(device.try_into()?);
        let clear = match wipe {
            Wipe::Account => clear.with("AccountOnly", true),
            Wipe::Device => clear,
        };
        self.change(clear.without_confirmation()).await
    }

    /// Takes a wipe back that the device has not fetched.
    pub async fn cancel_wipe(&mut self, device: Uuid) -> Result<(), Error> {
        let clear = Cmdlet::new(self.capabilities.family.clear()).of(device.try_into()?);
        self.change(clear.with("Cancel", true).without_confirmation()).await
    }

    /// Removes a partnership: Exchange forgets the device until it asks to be let in again. The
    /// device is not told.
    pub async fn remove_partnership(&mut self, device: Uuid) -> Result<(), Error> {
        let name = self.capabilities.family.remove();
        self.change(Cmdlet::new(name).of(device.try_into()?).without_confirmation()).await
    }

    pub(super) async fn change(&mut self, cmdlet: Cmdlet) -> Result<(), Error> {
        match self.collect(cmdlet).await?.error {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }

    /// The cmdlet that an action is sent as, for the record.
    #[must_use]
    pub fn cmdlet_of(&self, action: ActionKind) -> &'static str {
        match action {
            ActionKind::Allow | ActionKind::Block | ActionKind::Release => "Set-CASMailbox",
            ActionKind::WipeAccount | ActionKind::WipeDevice | ActionKind::CancelWipe => {
                self.capabilities.family.clear()
            }
            ActionKind::Forget => self.capabilities.family.remove(),
        }
    }
}

/// Which list of a mailbox shall name a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exemption {
    /// The allowed one.
    Allowed,
    /// The blocked one.
    Blocked,
    /// Neither.
    None,
}

/// What a wipe is asked to erase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wipe {
    /// The mail account.
    Account,
    /// The whole device.
    Device,
}
