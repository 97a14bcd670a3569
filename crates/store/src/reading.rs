//! Reading devices: pages, single ones, counts.

use std::{fmt, str::FromStr};

use domain::{AccessState, ConnectorId, Device, DeviceId, Query, Scope, Timestamp};

use crate::{Error, Store};

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Where the part before ended; `None` for the first part.
    pub after: Option<Cursor>,
    /// How many devices at most: 1 to [`Page::MAX_LIMIT`]; what lies outside is moved inside.
    pub limit: u32,
    /// What ages in the query count from.
    pub now: Timestamp,
}

impl Page {
    /// Most devices on a page: about 2 MB of text.
    pub const MAX_LIMIT: u32 = 1000;
}

/// A place in a list of devices. Opaque; its text stands in URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub(crate) i64);

/// The text is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not one that a list gave")]
pub struct InvalidCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| InvalidCursor)
    }
}

/// Part of a list of devices: those that came to be known last stand first.
#[derive(Debug, Clone, PartialEq)]
pub struct DevicePage {
    /// The devices.
    pub devices: Vec<Device>,
    /// Where the next part begins; `None` if this is the last.
    pub next: Option<Cursor>,
}

/// A number of devices, counted only as far as counting is quick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// So many.
    Exactly(u64),
    /// More than so many.
    MoreThan(u64),
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(count) => count.fmt(f),
            Self::MoreThan(count) => write!(f, "more than {count}"),
        }
    }
}

/// How the devices that a query finds divide into access states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facets {
    /// One count for each state, in the order of [`AccessState::ALL`].
    pub states: Vec<(AccessState, Count)>,
}

/// How many devices a connector has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// Which connector.
    pub connector: ConnectorId,
    /// Devices that are not gone, by access state; states without devices are left out.
    pub states: Vec<(AccessState, u64)>,
    /// Devices that are gone.
    pub gone: u64,
}

impl Totals {
    /// Devices that are not gone.
    #[must_use]
    pub fn devices(&self) -> u64 {
        self.states.iter().map(|(_, count)| count).sum()
    }
}

impl Store {
    /// Counting stops here: 10,000 devices are counted in some milliseconds.
    pub const COUNT_LIMIT: u64 = 10_000;

    /// One page of the devices that a query finds, latest known first.
    pub async fn devices(
        &self,
        scope: &Scope,
        query: &Query,
        page: Page,
    ) -> Result<DevicePage, Error> {
        todo!("{scope:?}{query:?}{page:?}")
    }

    /// One device, gone or not.
    pub async fn device(&self, scope: &Scope, id: DeviceId) -> Result<Device, Error> {
        todo!("{scope:?}{id}")
    }

    /// How many devices a query finds.
    pub async fn count_devices(
        &self,
        scope: &Scope,
        query: &Query,
        now: Timestamp,
    ) -> Result<Count, Error> {
        todo!("{scope:?}{query:?}{now}")
    }

    /// How the devices that a query finds divide into access states. Exact if the query has no
    /// condition.
    pub async fn facets(
        &self,
        scope: &Scope,
        query: &Query,
        now: Timestamp,
    ) -> Result<Facets, Error> {
        todo!("{scope:?}{query:?}{now}")
    }

    /// How many devices each connector has, exactly. Connectors without devices are left out.
    pub async fn totals(&self, scope: &Scope) -> Result<Vec<Totals>, Error> {
        todo!("{scope:?}")
    }
}
