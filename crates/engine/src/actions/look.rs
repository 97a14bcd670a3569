//! What a fresh reading shows of the device of an action.

use domain::{
    ActionKind, Connector, Device, WipeStatus,
    access::Hosting,
    action::{Sight, wipe_that_counts},
};
use exchange::Devices;
use store::Action;

use crate::{Engine, sessions::Lease};

/// What a look at a device found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    /// `None`: the partnership is gone.
    pub(super) sight: Option<Sight>,
    /// It is another's, or has another id, than when somebody asked.
    pub(super) is_moved: bool,
    /// Where the mailboxes live.
    pub(super) hosting: Hosting,
}

impl Engine {
    /// Reads the device of an action again.
    pub(super) async fn look(
        &self,
        connector: &Connector,
        lease: &mut Lease,
        action: &Action,
    ) -> anyhow::Result<Seen> {
        let (began, hosting) = (self.now(), connector.endpoint.hosting());
        let there = self.take_in(connector, lease, &Devices::One(action.guid), true).await?;
        if let Some(other) = there.iter().find(|guid| **guid != action.guid) {
            anyhow::bail!(
                "Exchange was asked for the device {} and answered with {other}; nothing is done",
                action.guid
            );
        }
        if there.is_empty() {
            self.store().mark_gone(connector.id, vec![action.device], began).await?;
            return Ok(Seen { sight: None, is_moved: false, hosting });
        }
        let device = self.store().device(&self.own_scope()?, action.device).await?;
        let is_moved = device.owner.user_dn.as_ref().map(|dn| dn.key())
            != action.owner.as_ref().map(|dn| dn.key())
            || device.facts.device_id != action.device_id;
        let needs_statistics = action.kind.is_wipe()
            || matches!(
                action.kind,
                ActionKind::Block | ActionKind::CancelWipe | ActionKind::Forget
            );
        if needs_statistics && device.statistics_observed.is_none_or(|at| at < began) {
            anyhow::bail!(
                "the statistics of the device could not be read, so nobody knows how its wipe stands"
            );
        }
        let exemptions = match action.kind.is_of_access() {
            true => self.exemptions(connector, lease, &device).await?,
            false => None,
        };
        let statistics = device.statistics.unwrap_or_default();
        let told = (statistics.wipe_status, statistics.wipe_requested);
        let wipe = wipe_that_counts(action.kind, hosting, told, began);
        let sight = Sight {
            access: device.facts.access_state,
            reason: device.facts.access_reason,
            exemptions,
            wipe,
            wipe_requested: statistics.wipe_requested.filter(|_| {
                // Where no times are told, the status word alone decides.
                wipe != WipeStatus::None
            }),
        };
        Ok(Seen { sight: Some(sight), is_moved, hosting })
    }

    /// Which lists of the owner name the device, read now; `None` if the account may not see them.
    async fn exemptions(
        &self,
        connector: &Connector,
        lease: &mut Lease,
        device: &Device,
    ) -> anyhow::Result<Option<(bool, bool)>> {
        let Some(owner) = &device.owner.user_dn else { return Ok(None) };
        if lease.organization()?.capabilities().sees("Get-CASMailbox") == Some(false) {
            return Ok(None);
        }
        let Some(mailbox) = self.read_mailbox(connector, lease, owner).await? else {
            return Ok(None);
        };
        let id = device.facts.device_id.as_deref().unwrap_or_default();
        let names = |list: &[String]| list.iter().any(|one| one.eq_ignore_ascii_case(id));
        Ok(Some((names(&mailbox.allowed_device_ids), names(&mailbox.blocked_device_ids))))
    }
}
