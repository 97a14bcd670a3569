//! Ageing: devices that did nothing for long leave the inventory, and come back when they do.
//!
//! Nothing changes in Exchange by it, unless somebody has switched on that their partnerships are
//! removed there too.

use domain::{
    Caller, Connector, ConnectorName, Device, DeviceId, Permission, Timestamp,
    audit::{self, Entry, TargetKind},
    status_message::Event,
};
use exchange::Devices;
use jiff::SignedDuration;

use crate::{
    Engine, Error,
    sessions::{Lease, Urgency},
};

/// Partnerships removed in Exchange in one go: the others follow with the next pass.
const MOST_REMOVED: u32 = 100;

/// When a device did something last, as far as anybody knows.
fn last_activity(device: &Device) -> Option<Timestamp> {
    let statistics = device.statistics.as_ref();
    statistics
        .and_then(|statistics| statistics.last_success_sync.or(statistics.last_sync_attempt))
        .or(device.facts.first_sync)
        .or(device.facts.when_created)
}

/// What ageing would do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgeingPreview {
    /// After how many days without activity devices leave; `None`: never.
    pub inactive_days: Option<u16>,
    /// Devices that would leave now.
    pub would_leave: u64,
    /// Devices that have left.
    pub have_left: u64,
}

impl Engine {
    /// What ageing would do now.
    pub async fn preview_ageing(
        &self,
        caller: &Caller,
        name: &ConnectorName,
    ) -> Result<AgeingPreview, Error> {
        let scope = caller.scope(Permission::Read)?;
        let connector = self.store().connector(&scope, name).await?;
        let inactive_days = connector.options.discovery.inactive_days;
        let before = inactive_days.map_or(Timestamp::MIN, |days| self.days_ago(days));
        let (would_leave, have_left) = self.store().ageing(connector.id, before).await?;
        Ok(AgeingPreview { inactive_days, would_leave, have_left })
    }

    /// Lets devices leave the inventory now that did nothing for too long. How many left.
    pub async fn age_now(&self, caller: &Caller, name: &ConnectorName) -> Result<u64, Error> {
        let scope = caller.scope(Permission::ModifySite)?;
        let connector = self.store().connector(&scope, name).await?;
        if connector.options.discovery.inactive_days.is_none() {
            return Err(Error::Invalid(format!(
                "the connector {name} takes in devices however long they were inactive; set a \
                 number of days first"
            )));
        }
        let entry = self.entry_of(caller, audit::Event::AgeingAsked, &connector);
        self.audit(entry).await?;
        let left = self.age(&connector).await?;
        self.remove_aged_partnerships(&connector).await?;
        Ok(left)
    }

    /// The maintenance itself.
    pub(crate) async fn age(&self, connector: &Connector) -> anyhow::Result<u64> {
        let days = connector.options.discovery.inactive_days;
        let before = days.map_or(Timestamp::MIN, |days| self.days_ago(days));
        let left = self.store().age_devices(connector.id, before, self.now()).await?;
        if left > 0 {
            let days = days.unwrap_or_default();
            let text = format!("{left} devices left the inventory: inactive for {days} days");
            self.record(connector, Event::Aged, &text).await;
        }
        Ok(left)
    }

    /// Removes the partnerships of devices that left the inventory, if that is switched on. Each is
    /// read again first, noted, removed and read back.
    pub(crate) async fn remove_aged_partnerships(
        &self,
        connector: &Connector,
    ) -> anyhow::Result<()> {
        let options = &connector.options;
        let Some(days) =
            options.discovery.inactive_days.filter(|_| options.removes_aged_partnerships)
        else {
            return Ok(());
        };
        let before = self.days_ago(days);
        let aged = self.store().aged(connector.id, MOST_REMOVED).await?;
        if aged.is_empty() {
            return Ok(());
        }
        let mut lease = self.lease(connector, Urgency::Background).await?;
        for id in aged {
            lease.give_way().await;
            self.ready(connector, &mut lease).await?;
            let removed = self.remove_aged(connector, &mut lease, id, before).await;
            self.settled(&mut lease, removed).await?;
        }
        Ok(())
    }

    async fn remove_aged(
        &self,
        connector: &Connector,
        lease: &mut Lease,
        id: DeviceId,
        before: Timestamp,
    ) -> anyhow::Result<()> {
        let scope = self.own_scope()?;
        let (guid, began) = (self.store().device(&scope, id).await?.facts.guid, self.now());
        let there = self.take_in(connector, lease, &Devices::One(guid), true).await?;
        let device = self.store().device(&scope, id).await?;
        if there != [guid] || device.statistics_observed.is_none_or(|at| at < began) {
            tracing::info!(%id, "an aged device could not be read again and is left alone");
            return Ok(());
        }
        // It may have come back to life since.
        if last_activity(&device).is_none_or(|at| at >= before) {
            return Ok(());
        }
        let name = device.display_name();
        let text = format!("removing the partnership of {name} ({guid}) in Exchange");
        let entry = |event| {
            let entry = Entry::of(&Caller::engine(), self.now(), event);
            entry.on(TargetKind::Device, id.to_string(), &name).with("guid", guid.to_string())
        };
        // The intent is on record before anything is sent.
        let days = connector.options.discovery.inactive_days.unwrap_or_default();
        let why = format!("inactive for {days} days");
        self.audit(entry(audit::Event::PartnershipRemoving).because(Some(why))).await?;
        self.record(connector, Event::RemovingPartnership, &text).await;
        let removed = lease.organization()?.remove_partnership(guid).await;
        let is_there =
            !self.take_in(connector, lease, &Devices::One(guid), false).await?.is_empty();
        let text = match (removed, is_there) {
            (_, false) => format!("the partnership of {name} ({guid}) is gone in Exchange"),
            (Ok(()), true) => format!("the partnership of {name} ({guid}) is still in Exchange"),
            (Err(error), true) => format!("the partnership of {name} ({guid}) stays: {error}"),
        };
        self.audit(entry(audit::Event::PartnershipRemoved).answered(&text)).await?;
        self.record(connector, Event::PartnershipRemoved, &text).await;
        if !is_there {
            self.store().mark_gone(connector.id, vec![id], self.now()).await?;
        }
        Ok(())
    }

    fn days_ago(&self, days: u16) -> Timestamp {
        let ago = SignedDuration::from_hours(24 * i64::from(days));
        self.now().checked_sub(ago).unwrap_or(Timestamp::MIN)
    }
}
