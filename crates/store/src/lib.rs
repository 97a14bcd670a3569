//! Remembers: one [`Store`] over SQLite or PostgreSQL.
//!
//! It knows tables, statements, paging and how a device query becomes a filter. It does not know
//! Exchange, HTTP, what a sync is or what time it is. All statements stand in one file, `sql`, in
//! the common subset of both databases; a test prepares each of them on both.
//!
//! Start reading at [`Store::open`], then `sql`, then `filter`.

mod access_changes;
mod actions;
mod audit;
mod authority;
mod checks;
mod connectors;
mod database;
mod device_groups;
mod device_row;
mod devices;
mod endpoints;
mod error;
mod filter;
mod identity_providers;
mod jobs;
mod mailboxes;
mod notifications;
mod passes;
mod people;
mod people_writes;
mod reading;
mod sealed;
mod servers;
mod sessions;
mod shells;
mod source;
mod sql;
mod status_messages;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "throw-away"))]
pub mod throw_away;
mod tokens;
mod value;
mod wishes;

use std::path::PathBuf;
use std::sync::Arc;

pub use access_changes::AccessChange;
pub use actions::{Action, Decision, MOST_ACTIONS, Request, StateCounts, Verdict};
pub use audit::{AuditFilter, AuditPage, AuditRow, AuditStreamRow, OnRecord};
pub use connectors::connector_settings;
pub use device_groups::{AccessRow, DeviceGroup};
pub use devices::{DeviceRow, Fingerprint, KnownDevice};
pub use error::Error;
pub use identity_providers::SealedChange;
pub use jobs::{Job, JobState, NewJob, Progress};
pub use notifications::{News, WaitingNews};
pub use people::{Credential, TotpRow};
pub use people_writes::PeopleWrite;
pub use reading::{Count, Cursor, DevicePage, Facets, InvalidCursor, Page, Totals};
pub use sealed::{SEALED, SHORT_LIVED, SealedColumn, SealedRow};
pub use sessions::Session;
pub use shells::OpenShell;
pub use tokens::Token;
pub use wishes::{Plan, PlanStep, Revision, StepState, WishApplied};

use self::database::Database;
use self::value::Value;

/// The memory of the product. Cloning gives another handle to the same database.
#[derive(Debug, Clone)]
pub struct Store {
    database: Arc<Database>,
}

/// Where the memory is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A SQLite file; made if it does not exist. Its folder must exist.
    Sqlite(PathBuf),
    /// A PostgreSQL database, by URL or `key=value` words (libpq's connection strings).
    Postgres(String),
}

impl Store {
    /// Opens the database and brings its tables up to date.
    pub async fn open(target: Target) -> Result<Self, Error> {
        Ok(Self { database: Arc::new(Database::open(target).await?) })
    }

    /// Waits for what was begun, and lets go of the database. Later calls answer `Unavailable`.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// A value kept under a name.
    pub async fn meta(&self, key: &str) -> Result<Option<String>, Error> {
        let values = vec![Value::text(key)];
        self.database.query_one(sql::META, values, |row| row.table("meta").text("value")).await
    }

    /// Keeps a value under a name, with its audit.
    pub async fn set_meta_audited(
        &self,
        key: &str,
        value: &str,
        audit: &[AuditRow],
    ) -> Result<(), Error> {
        let mut steps = AuditRow::steps(audit);
        steps.push((sql::SET_META, vec![Value::text(key), Value::text(value)]));
        self.database.write(steps).await.map(drop)
    }

    /// Keeps a value under a name.
    pub async fn set_meta(&self, key: &str, value: &str) -> Result<(), Error> {
        let values = vec![Value::text(key), Value::text(value)];
        self.database.write(vec![(sql::SET_META, values)]).await.map(drop)
    }
}
