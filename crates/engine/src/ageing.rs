//! Ageing: devices that did nothing for long leave the inventory, and come back when they do.
//!
//! Nothing changes in Exchange by it.

use domain::{Caller, Connector, ConnectorName, Permission, Timestamp, status_message::Event};
use jiff::SignedDuration;

use crate::{Engine, Error};

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
        let scope = caller.scope(Permission::ModifyConnector)?;
        let connector = self.store().connector(&scope, name).await?;
        if connector.options.discovery.inactive_days.is_none() {
            return Err(Error::Invalid(format!(
                "the connector {name} takes in devices however long they were inactive; set a \
                 number of days first"
            )));
        }
        Ok(self.age(&connector).await?)
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

    fn days_ago(&self, days: u16) -> Timestamp {
        let ago = SignedDuration::from_hours(24 * i64::from(days));
        self.now().checked_sub(ago).unwrap_or(Timestamp::MIN)
    }
}
