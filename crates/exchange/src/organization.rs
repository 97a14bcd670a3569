//! An Exchange organization, read through a session in the domain's words.

use domain::{
    DeviceFacts, DeviceStatistics, MailboxFacts, ServerFacts, connector::OrganizationIdentity,
};
use uuid::Uuid;

use crate::{CmdletError, Error, Notice, Session};

/// An Exchange organization, read through a session in the domain's words.
#[derive(Debug)]
pub struct Organization<S: Session> {
    session: S,
    capabilities: Capabilities,
}

/// Which cmdlets the account may use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// Every cmdlet Gatepost can make use of, and whether it is there; `None` where nobody knows
    /// because `Get-Command` is hidden.
    pub cmdlets: Vec<(&'static str, Option<bool>)>,
    /// Which family of names the devices have.
    pub family: Family,
}

/// Which family of names an organization's device cmdlets have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Family {
    /// `*-MobileDevice*`: Exchange 2013 and newer.
    #[default]
    MobileDevice,
    /// `*-ActiveSyncDevice*`: Exchange 2010.
    ActiveSync,
}

/// Of which device the statistics are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatisticsTarget {
    /// Exchange's GUID of the partnership.
    pub device: Uuid,
    /// The owner: GUID or distinguished name of the mailbox.
    pub mailbox: String,
}

/// One thing a reading met.
#[derive(Debug, Clone, PartialEq)]
pub enum Observed<T> {
    /// A record.
    Value(T),
    /// An object that is not what it should be, and why.
    Poison(String),
    /// An error about one object; the reading goes on.
    Problem(CmdletError),
    /// A warning that says something about the reading.
    Notice(Notice),
}

/// A reading that is going on: records come as the server gives them.
#[derive(Debug)]
pub struct Reading<'a, S: Session, T> {
    organization: &'a mut Organization<S>,
    record: std::marker::PhantomData<T>,
}

impl<S: Session, T> Reading<'_, S, T> {
    /// The next thing; `None` at the end of a reading that came to its end.
    pub async fn next(&mut self) -> Result<Option<Observed<T>>, Error> {
        let _ = &mut self.organization.session;
        todo!()
    }
}

impl<S: Session> Organization<S> {
    /// Learns what the account may do, and widens the view to the whole forest.
    pub async fn open(session: S) -> Result<Self, Error> {
        Ok(Self { session, capabilities: Capabilities::default() })
    }

    /// What the account may do.
    #[must_use]
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Exchange's own id of the organization; `host` stands in where the account may see none.
    pub async fn identity(&mut self, host: &str) -> Result<OrganizationIdentity, Error> {
        let _ = host;
        todo!()
    }

    /// Every server; empty where the account may not see them.
    pub async fn servers(&mut self) -> Result<Vec<ServerFacts>, Error> {
        todo!()
    }

    /// Every device of the organization.
    pub async fn devices(&mut self) -> Result<Reading<'_, S, DeviceFacts>, Error> {
        todo!()
    }

    /// Every mailbox that has a device.
    pub async fn mailboxes(&mut self) -> Result<Reading<'_, S, MailboxFacts>, Error> {
        todo!()
    }

    /// The statistics of some devices.
    pub async fn statistics(
        &mut self,
        targets: &[StatisticsTarget],
    ) -> Result<Reading<'_, S, DeviceStatistics>, Error> {
        let _ = targets;
        todo!()
    }

    /// Ends the session.
    pub async fn close(self) -> Result<(), Error> {
        self.session.close().await
    }
}
