//! PostgreSQL: one connection that writes, some that read, each opened anew when it is lost.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::{Mutex, MutexGuard};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, NoTls, Statement};

use super::migration::{self, Dialect};
use super::{Bulk, ColumnType, Decode, Steps};
use crate::value::{Columns, Value};
use crate::{Error, sql};

/// Connections that read: PostgreSQL's default allows a hundred for all programs together.
const READERS: usize = 4;
/// Statements kept prepared per connection; filters have ever new texts.
const STATEMENTS: usize = 300;
/// Any number that is ours: two starting processes must not migrate at once.
const MIGRATION_LOCK: i64 = 0x6761_7465_706f_7374;

#[derive(Debug)]
pub(crate) struct Postgres {
    config: Config,
    writer: Slot,
    readers: [Slot; READERS],
    next: AtomicUsize,
    is_closed: AtomicBool,
}

type Slot = Mutex<Option<Connected>>;

#[derive(Debug)]
struct Connected {
    client: Client,
    statements: HashMap<String, Statement>,
}

impl Postgres {
    pub(crate) async fn open(address: &str) -> Result<Self, Error> {
        let postgres = Self::at(address)?;
        postgres.migrate().await?;
        Ok(postgres)
    }

    /// Reads rows of a database that is left as it is.
    pub(crate) async fn look_up<T>(
        address: &str,
        statement: &str,
        values: &[Value],
        decode: Decode<T>,
    ) -> Result<Vec<T>, Error> {
        Self::at(address)?.query(statement, values, decode).await
    }

    fn at(address: &str) -> Result<Self, Error> {
        let mut config: Config = address.parse().map_err(|error| {
            Error::Unavailable(format!("the database address cannot be read: {error}"))
        })?;
        config.application_name("gatepost");
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(std::time::Duration::from_secs(10));
        }
        Ok(Self {
            config,
            writer: Slot::default(),
            readers: std::array::from_fn(|_| Slot::default()),
            next: AtomicUsize::new(0),
            is_closed: AtomicBool::new(false),
        })
    }

    pub(crate) async fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        for slot in self.readers.iter().chain([&self.writer]) {
            drop(slot.lock().await.take());
        }
    }

    pub(crate) async fn query<T>(
        &self,
        statement: &str,
        values: &[Value],
        decode: Decode<T>,
    ) -> Result<Vec<T>, Error> {
        let free = self.readers.iter().find_map(|slot| slot.try_lock().ok());
        let mut slot = match free {
            Some(slot) => slot,
            None => {
                let turn = self.next.fetch_add(1, Ordering::Relaxed) % READERS;
                self.readers[turn].lock().await
            }
        };
        self.connected(&mut slot).await?.rows(statement, values, decode).await
    }

    pub(crate) async fn write_returning<T>(
        &self,
        statement: &'static str,
        values: &[Value],
        decode: Decode<T>,
    ) -> Result<Vec<T>, Error> {
        let mut slot = self.writer.lock().await;
        self.connected(&mut slot).await?.rows(statement, values, decode).await
    }

    pub(crate) async fn write(&self, steps: &Steps) -> Result<Vec<u64>, Error> {
        let mut slot = self.writer.lock().await;
        let connected = self.connected(&mut slot).await?;
        let mut prepared = Vec::with_capacity(steps.len());
        for (statement, _) in steps {
            prepared.push(connected.prepared(statement).await?);
        }
        let transaction = connected.client.transaction().await?;
        let mut changed = Vec::with_capacity(steps.len());
        for (statement, (_, values)) in prepared.iter().zip(steps) {
            changed.push(transaction.execute_raw(statement, values).await?);
        }
        transaction.commit().await?;
        Ok(changed)
    }

    pub(crate) async fn write_bulk(
        &self,
        bulk: &'static Bulk,
        connector: Value,
        rows: impl Iterator<Item = Vec<Value>> + Send,
    ) -> Result<(), Error> {
        let mut slot = self.writer.lock().await;
        let connected = self.connected(&mut slot).await?;
        let hold = connected.prepared(sql::HOLD_CONNECTOR).await?;
        let transaction = connected.client.transaction().await?;
        if transaction.query_opt(&hold, &[&connector]).await?.is_none() {
            return Err(Error::NotFound("the connector"));
        }
        transaction.batch_execute(&bulk.staging).await?;
        let types: Vec<Type> = bulk.types.iter().map(|ty| ty.into()).collect();
        let sink = transaction.copy_in(&bulk.copy).await?;
        let mut copy = pin!(BinaryCopyInWriter::new(sink, &types));
        for values in rows {
            let fields: Vec<_> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
            copy.as_mut().write(&fields).await?;
        }
        copy.finish().await?;
        transaction.batch_execute(&bulk.merge).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn migrate(&self) -> Result<(), Error> {
        let mut slot = self.writer.lock().await;
        let connected = self.connected(&mut slot).await?;
        let transaction = connected.client.transaction().await?;
        transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK]).await?;
        transaction.batch_execute("SET LOCAL client_min_messages = warning").await?;
        transaction.batch_execute(migration::TABLE).await?;
        let applied = transaction.query(migration::APPLIED, &[]).await?;
        let applied: Vec<_> = applied.iter().map(|row| (row.get(0), row.get(1))).collect();
        for pending in migration::pending(&applied)? {
            transaction.batch_execute(&pending.statements(Dialect::Postgres)).await?;
            let note = translated(migration::NOTE);
            transaction.execute(&note, &[&pending.number, &pending.checksum()]).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Only prepares a statement.
    #[cfg(test)]
    pub(crate) async fn prepare(&self, statement: &str) -> Result<(), Error> {
        let mut slot = self.writer.lock().await;
        self.connected(&mut slot).await?.prepared(statement).await.map(drop)
    }

    /// Only prepares the statements of a bulk.
    #[cfg(test)]
    pub(crate) async fn prepare_bulk(&self, bulk: &Bulk) -> Result<(), Error> {
        let mut slot = self.writer.lock().await;
        let connected = self.connected(&mut slot).await?;
        let transaction = connected.client.transaction().await?;
        transaction.batch_execute(&bulk.staging).await?;
        transaction.prepare(&bulk.merge).await?;
        Ok(())
    }

    async fn connected<'s>(
        &self,
        slot: &'s mut MutexGuard<'_, Option<Connected>>,
    ) -> Result<&'s mut Connected, Error> {
        if self.is_closed.load(Ordering::Acquire) {
            return Err(Error::Unavailable("the store is closed".to_owned()));
        }
        if slot.as_ref().is_some_and(|connected| connected.client.is_closed()) {
            **slot = None;
        }
        match &mut **slot {
            Some(connected) => Ok(connected),
            empty => Ok(empty.insert(Connected::open(&self.config).await?)),
        }
    }
}

impl Connected {
    async fn open(config: &Config) -> Result<Self, Error> {
        let (client, connection) = config.connect(NoTls).await?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the other half of the client; it ends when the client is dropped"
        )]
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(%error, "lost a connection to the database");
            }
        });
        Ok(Self { client, statements: HashMap::new() })
    }

    async fn prepared(&mut self, statement: &str) -> Result<Statement, Error> {
        if let Some(prepared) = self.statements.get(statement) {
            return Ok(prepared.clone());
        }
        if self.statements.len() >= STATEMENTS {
            self.statements.clear();
        }
        let prepared = self.client.prepare(&translated(statement)).await?;
        self.statements.insert(statement.to_owned(), prepared.clone());
        Ok(prepared)
    }

    async fn rows<T>(
        &mut self,
        statement: &str,
        values: &[Value],
        decode: Decode<T>,
    ) -> Result<Vec<T>, Error> {
        let prepared = self.prepared(statement).await?;
        let values: Vec<_> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let rows = self.client.query(&prepared, &values).await?;
        rows.iter().map(|row| decode(&mut Columns::of_postgres(row))).collect()
    }
}

impl From<&ColumnType> for Type {
    fn from(ty: &ColumnType) -> Self {
        match ty {
            ColumnType::Text => Self::TEXT,
            ColumnType::Integer => Self::INT8,
            ColumnType::Flag => Self::BOOL,
        }
    }
}

/// A statement in PostgreSQL's words: `$1` for `?1`, and the marks that mean something there.
fn translated(statement: &str) -> String {
    statement
        .replace('?', "$")
        .replace("/*skip locked*/", "FOR UPDATE SKIP LOCKED")
        .replace("/*hold*/", "FOR SHARE")
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(database) = error.as_db_error() else {
            return Self::Unavailable(format!("the database cannot be reached: {error}"));
        };
        match database.code() {
            &SqlState::UNIQUE_VIOLATION | &SqlState::FOREIGN_KEY_VIOLATION => {
                Self::Conflict { what: database.message().to_owned() }
            }
            &SqlState::ADMIN_SHUTDOWN
            | &SqlState::CRASH_SHUTDOWN
            | &SqlState::CANNOT_CONNECT_NOW
            | &SqlState::TOO_MANY_CONNECTIONS
            | &SqlState::INVALID_PASSWORD
            | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION
            | &SqlState::INVALID_CATALOG_NAME
            | &SqlState::DISK_FULL => {
                Self::Unavailable(format!("the database refuses: {}", database.message()))
            }
            _ => Self::Internal(database.message().to_owned()),
        }
    }
}
