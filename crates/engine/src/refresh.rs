//! Single devices, read again while somebody waits.

use domain::{
    Caller, Connector, ConnectorName, DeviceFacts, DeviceId, DistinguishedName, MailboxFacts,
    Permission, audit::Event, device::Owner, inventory,
};
use exchange::{CmdletErrorKind, Devices, Mailboxes, Observed, StatisticsTarget};
use store::DeviceRow;
use uuid::Uuid;

use crate::{
    Engine, Error,
    sessions::{Lease, Urgency},
};

/// Devices of one person that are read at once; Exchange allows a hundred.
const MOST_DEVICES: usize = 1_000;

impl Engine {
    /// Reads one device again, with its statistics. A device that Exchange no longer has is marked
    /// as gone.
    pub async fn refresh_device(&self, caller: &Caller, id: DeviceId) -> Result<(), Error> {
        let scope = caller.scope(Permission::ReadResource)?;
        let device = self.store().device(&scope, id).await?;
        let connectors = self.store().connectors(&scope).await?;
        let connector = connectors.into_iter().find(|one| one.id == device.connector);
        let connector =
            connector.ok_or_else(|| Error::NotFound("the connector of the device".to_owned()))?;
        self.must_not_be_removed(&connector)?;
        let guid = device.facts.guid;
        let wanted = Devices::One(guid);
        let read = self.refresh(&connector, &wanted).await.map_err(|error| unavailable(&error))?;
        match read.iter().find(|read| **read != guid) {
            Some(other) => Err(Error::Unavailable(format!(
                "Exchange was asked for the device {guid} and answered with {other}"
            ))),
            None if read.is_empty() => {
                Ok(self.store().mark_gone(connector.id, vec![id], self.now()).await?)
            }
            None => Ok(()),
        }
    }

    /// Reads the devices of one person again, with their statistics; how many there are. `user` is
    /// an address, a logon name or a distinguished name.
    pub async fn refresh_user(
        &self,
        caller: &Caller,
        name: &ConnectorName,
        user: &str,
    ) -> Result<u64, Error> {
        let scope = caller.scope(Permission::ModifySite)?;
        let connector = self.store().connector(&scope, name).await?;
        self.must_not_be_removed(&connector)?;
        if user.trim().is_empty() {
            return Err(Error::Invalid(
                "the user is empty; give an address or a logon name".into(),
            ));
        }
        let entry = self.entry_of(caller, Event::SyncAsked, &connector);
        self.audit(entry.with("kind", "one person").with("user", user)).await?;
        let wanted = Devices::OfMailbox(user.to_owned());
        let read = self.refresh(&connector, &wanted).await.map_err(|error| unavailable(&error))?;
        Ok(read.len() as u64)
    }

    async fn refresh(&self, connector: &Connector, wanted: &Devices) -> anyhow::Result<Vec<Uuid>> {
        let mut lease = self.lease(connector, Urgency::Interactive).await?;
        let read = self.take_in(connector, &mut lease, wanted, true).await;
        self.settled(&mut lease, read).await
    }

    /// Reads a few devices and writes those that are new or differ; with their statistics, if these
    /// are wanted too. Which devices came.
    pub(crate) async fn take_in(
        &self,
        connector: &Connector,
        lease: &mut Lease,
        wanted: &Devices,
        with_statistics: bool,
    ) -> anyhow::Result<Vec<Uuid>> {
        let mut found = Vec::new();
        {
            let mut reading = lease.organization()?.devices_of(wanted).await?;
            while let Some(observed) = reading.next().await? {
                match observed {
                    Observed::Value(facts) if found.len() < MOST_DEVICES => found.push(facts),
                    Observed::Problem(error) if error.kind != CmdletErrorKind::NotFound => {
                        return Err(exchange::Error::from(error).into());
                    }
                    _ => {}
                }
            }
        }
        let mut came = Vec::new();
        let mut rows = Vec::new();
        let mut targets = Vec::new();
        for facts in found {
            let guid = facts.guid;
            let user = facts.distinguished_name.as_ref().and_then(|name| name.ancestor(2));
            if !self.is_looked_at(connector, user.as_ref()).await? {
                continue;
            }
            came.push(guid);
            let owner = self.owner(connector, lease, &facts).await?;
            targets.push(StatisticsTarget::of(guid, owner.user_dn.as_ref()));
            let row = DeviceRow { facts, owner, observed: self.now() };
            let id = DeviceId::of(connector.id, guid);
            let known = self.store().known_device(id).await?.map(|known| known.fingerprint);
            let differs = known.is_none_or(|known| known.hash != row.hash() || known.gone);
            // Whoever asks for statistics wants to see that the rest is true as of now, too.
            if differs || with_statistics {
                rows.push(row);
            }
        }
        self.store().write_devices(connector.id, rows).await?;
        if with_statistics && !targets.is_empty() {
            self.take_in_statistics(connector, lease, &targets).await?;
        }
        Ok(came)
    }

    async fn take_in_statistics(
        &self,
        connector: &Connector,
        lease: &mut Lease,
        targets: &[StatisticsTarget],
    ) -> anyhow::Result<()> {
        let mut rows = Vec::new();
        let mut reading = lease.organization()?.statistics(targets).await?;
        while let Some(observed) = reading.next().await? {
            if let Observed::Value(statistics) = observed
                && let Some(guid) = statistics.guid.filter(|guid| !guid.is_nil())
            {
                rows.push((DeviceId::of(connector.id, guid), statistics, self.now()));
            }
        }
        Ok(self.store().write_statistics(connector.id, rows).await?)
    }

    /// The owner of a device: as known, else read.
    async fn owner(
        &self,
        connector: &Connector,
        lease: &mut Lease,
        device: &DeviceFacts,
    ) -> anyhow::Result<Owner> {
        let Some(name) = device.distinguished_name.as_ref().and_then(|name| name.ancestor(2))
        else {
            return Ok(inventory::owner(None, None));
        };
        let mailbox = self.mailbox(connector, lease, &name).await?;
        Ok(inventory::owner(Some(name), mailbox.as_ref()))
    }

    /// Whether the devices of a user are looked at. Where a filter says so, its mailboxes are known
    /// from the passes.
    pub(crate) async fn is_looked_at(
        &self,
        connector: &Connector,
        user: Option<&DistinguishedName>,
    ) -> anyhow::Result<bool> {
        let is_inside = connector.options.discovery.scope.holds(user);
        match (is_inside, user) {
            (Some(is_inside), _) => Ok(is_inside),
            (None, None) => Ok(false),
            (None, Some(user)) => {
                match self.store().mailbox(&self.own_scope()?, connector.id, user).await {
                    Ok(_) => Ok(true),
                    Err(store::Error::NotFound(_)) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            }
        }
    }

    /// The mailbox with a distinguished name: as known, else read and kept; `None` if Exchange shows
    /// none.
    pub(crate) async fn mailbox(
        &self,
        connector: &Connector,
        lease: &mut Lease,
        name: &DistinguishedName,
    ) -> anyhow::Result<Option<MailboxFacts>> {
        match self.store().mailbox(&self.own_scope()?, connector.id, name).await {
            Ok(mailbox) => return Ok(Some(mailbox)),
            Err(store::Error::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
        self.read_mailbox(connector, lease, name).await
    }

    /// The mailbox with a distinguished name, read now and kept; `None` if Exchange shows none.
    pub(crate) async fn read_mailbox(
        &self,
        connector: &Connector,
        lease: &mut Lease,
        name: &DistinguishedName,
    ) -> anyhow::Result<Option<MailboxFacts>> {
        let mut found = None;
        {
            let wanted = Mailboxes::One(name.to_string());
            let mut reading = lease.organization()?.mailboxes_of(&wanted).await?;
            while let Some(observed) = reading.next().await? {
                if let Observed::Value(mailbox) = observed {
                    found = Some(mailbox);
                }
            }
        }
        if let Some(mailbox) = found.clone() {
            self.store().write_mailboxes(connector.id, vec![mailbox]).await?;
        }
        Ok(found)
    }

    /// The devices that the inventory shows as quarantined.
    pub(crate) async fn known_in_quarantine(
        &self,
        connector: &Connector,
        limit: u32,
    ) -> anyhow::Result<Vec<Uuid>> {
        let text = format!("state:quarantined connector:{}", connector.name);
        let query = domain::Query::parse(&text).map_err(|error| anyhow::anyhow!("{error}"))?;
        let scope = self.own_scope()?;
        let mut known = Vec::new();
        let mut after = None;
        // A page may be short and not be the last.
        while known.len() < limit as usize {
            let page = store::Page { after, limit, now: self.now() };
            let found = self.store().devices(&scope, &query, page).await?;
            known.extend(found.devices.iter().map(|device| device.facts.guid));
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        Ok(known)
    }
}

impl Engine {
    /// The outcome of what was done through a lease. What an error says of the session, and what was
    /// spent, is noted first.
    pub(crate) async fn settled<T>(
        &self,
        lease: &mut Lease,
        outcome: anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        if let Err(error) = &outcome {
            match error.downcast_ref() {
                Some(error) => self.lost(lease, error).await,
                None => self.give_up(lease).await,
            }
        }
        lease.settle(self.now());
        outcome
    }

    /// Notes what an error of Exchange says of the session, and of the budget.
    pub(crate) async fn lost(&self, lease: &mut Lease, error: &exchange::Error) {
        if let exchange::Error::Throttled { .. } = error {
            lease.pool().refused(self.now());
        }
        if !error.leaves_session_usable() {
            self.give_up(lease).await;
        }
    }

    async fn give_up(&self, lease: &mut Lease) {
        if let Some(held) = lease.take() {
            self.close_soon(held).await;
        }
    }
}

fn unavailable(error: &anyhow::Error) -> Error {
    Error::Unavailable(format!("{error:#}"))
}
