//! Reading devices: pages, single ones, counts.

use std::{collections::BTreeMap, fmt, str::FromStr};

use domain::{AccessState, ConnectorId, Device, DeviceId, Query, Scope, Timestamp};

use crate::connectors::reaches;
use crate::database::Database;
use crate::device_row::decode;
use crate::filter::walk::{Part, Reach};
use crate::filter::{ConnectorFacts, Filter};
use crate::source::Source;
use crate::value::Value;
use crate::{Error, Store, sql};

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
///
/// A page may have fewer devices than were asked for, or none, and still not be the last: one call
/// looks at only so many rows. Only `next` says whether there may be more.
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
    /// So many among those that were looked at, which were not all.
    AtLeast(u64),
}

impl Count {
    /// As many as there are for sure.
    #[must_use]
    pub fn least(self) -> u64 {
        let (Self::Exactly(count) | Self::MoreThan(count) | Self::AtLeast(count)) = self;
        count
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(count) => count.fmt(f),
            Self::MoreThan(count) => write!(f, "more than {count}"),
            Self::AtLeast(count) => write!(f, "at least {count}"),
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
        let filter = self.filter(scope, query, page.now).await?;
        let limit = page.limit.clamp(1, Page::MAX_LIMIT);
        let reach = Reach::of(&filter);
        self.database.devices(filter, page.after, limit, reach).await
    }

    /// One device, gone or not.
    pub async fn device(&self, scope: &Scope, id: DeviceId) -> Result<Device, Error> {
        let found = self.database.query_one(&sql::device(), vec![Value::id(id)], decode).await?;
        let (_, device) = found.ok_or(Error::NotFound("the device"))?;
        let is_whole = |within: &[ConnectorId]| within.contains(&device.connector);
        if scope.connectors().is_none_or(is_whole) {
            return Ok(device);
        }
        let connectors = self.connectors(scope).await?;
        let connector = connectors.iter().find(|connector| connector.id == device.connector);
        let is_within = connector.is_some_and(|connector| scope.holds(&device, &connector.name));
        if is_within { Ok(device) } else { Err(Error::NotFound("the device")) }
    }

    /// Rows that are walked through in little time. With more, searching needs indexes.
    pub const WALKED_ROWS: i64 = 20_000;

    /// Makes what a search in a large inventory needs, if it is large and does not have it yet: to be
    /// called when a pass has written many devices. Takes some seconds for a hundred thousand.
    pub async fn prepare_search(&self) -> Result<(), Error> {
        self.database.prepare_search(Self::WALKED_ROWS).await
    }

    /// How many devices a query finds.
    pub async fn count_devices(
        &self,
        scope: &Scope,
        query: &Query,
        now: Timestamp,
    ) -> Result<Count, Error> {
        if query.root().is_none() && scope.collections().is_empty() {
            let totals = self.totals(scope).await?;
            return Ok(Count::Exactly(totals.iter().map(Totals::devices).sum()));
        }
        let filter = self.filter(scope, query, now).await?;
        self.database.count_devices(filter).await
    }

    /// How the devices that a query finds divide into access states. Exact if the query has no
    /// condition.
    pub async fn facets(
        &self,
        scope: &Scope,
        query: &Query,
        now: Timestamp,
    ) -> Result<Facets, Error> {
        let mut states = Vec::with_capacity(AccessState::ALL.len());
        if query.root().is_none() && scope.collections().is_empty() {
            let totals = self.totals(scope).await?;
            for state in AccessState::ALL {
                let counts = totals.iter().flat_map(|total| &total.states);
                let of_state = counts.filter(|(counted, _)| counted == state);
                states.push((*state, Count::Exactly(of_state.map(|(_, count)| count).sum())));
            }
            return Ok(Facets { states });
        }
        for state in AccessState::ALL {
            let mut filter = self.filter(scope, query, now).await?;
            filter.and_state(*state);
            states.push((*state, self.database.count_devices(filter).await?));
        }
        Ok(Facets { states })
    }

    /// How many devices each connector has, exactly. Connectors without devices are left out.
    pub async fn totals(&self, scope: &Scope) -> Result<Vec<Totals>, Error> {
        let rows = self.database.query(sql::TOTALS, vec![], |row| {
            row.table("device");
            let connector = ConnectorId(row.uuid("connector")?);
            let state = row.word("access_state", AccessState::from_word)?;
            Ok((connector, state, row.count("count")?, row.count("gone")?))
        });
        let mut totals = BTreeMap::new();
        for (connector, state, count, gone) in rows.await? {
            if !reaches(scope, connector) {
                continue;
            }
            let none = || Totals { connector, states: Vec::new(), gone: 0 };
            let total = totals.entry(connector).or_insert_with(none);
            if count > gone {
                total.states.push((state, count - gone));
            }
            total.gone += gone;
        }
        Ok(totals.into_values().collect())
    }

    pub(crate) async fn filter(
        &self,
        scope: &Scope,
        query: &Query,
        now: Timestamp,
    ) -> Result<Filter, Error> {
        let connectors = self.database.query(sql::CONNECTOR_FACTS, vec![], |row| {
            row.table("connector");
            Ok(ConnectorFacts {
                id: ConnectorId(row.uuid("id")?),
                name: row.text("name")?,
                last_full_sync: row.optional_time("last_full_sync")?,
            })
        });
        Ok(Filter::new(scope, query, &connectors.await?, now))
    }
}

impl Database {
    pub(crate) async fn devices(
        &self,
        filter: Filter,
        after: Option<Cursor>,
        limit: u32,
        reach: Reach,
    ) -> Result<DevicePage, Error> {
        let way = self.way(filter).await?;
        let mut page = DevicePage { devices: Vec::new(), next: after };
        for reach in reach.steps(&way) {
            let below = page.next.map_or(i64::MAX, |cursor| cursor.0);
            let Part { source, rest } = self.part(&way, below, reach).await?;
            let Source { text, mut values } = source;
            let missing = limit as usize - page.devices.len();
            values.push(Value::Integer(below));
            let before = values.len();
            values.push(Value::Integer(i64::try_from(missing + 1).unwrap_or(i64::MAX)));
            let one_more = values.len();
            let statement = format!(
                "{} {text} AND d.sequence < ?{before} ORDER BY d.sequence DESC LIMIT ?{one_more}",
                sql::DEVICE
            );
            let mut found = self.query(&statement, values, decode).await?;
            let is_full = found.len() > missing;
            found.truncate(missing);
            let next = if is_full { found.last().map(|(sequence, _)| *sequence) } else { rest };
            page.next = next.map(Cursor);
            page.devices.extend(found.into_iter().map(|(_, device)| device));
            if page.devices.len() == limit as usize || page.next.is_none() {
                break;
            }
        }
        Ok(page)
    }

    async fn count_devices(&self, filter: Filter) -> Result<Count, Error> {
        let most = Store::COUNT_LIMIT;
        let reach = Reach::of(&filter);
        let way = self.way(filter).await?;
        let Part { source, rest } = self.part(&way, i64::MAX, reach).await?;
        let Source { text, values } = source;
        let statement =
            format!("SELECT count(*) FROM (SELECT 1 AS one {text} LIMIT {}) AS found", most + 1);
        let count = self.query_one(&statement, values, |row| row.table("device").count("count"));
        let count = count.await?.unwrap_or_default();
        Ok(match rest {
            _ if count > most => Count::MoreThan(most),
            Some(_) => Count::AtLeast(count),
            None => Count::Exactly(count),
        })
    }
}
