//! SQLite: one thread that writes, some that read.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params_from_iter};
use tokio::sync::oneshot;

use super::migration::{self, Dialect};
use super::{Bulk, Decode, Steps};
use crate::Error;
use crate::sql;
use crate::value::{Columns, Value};

/// Readers: a page is read in milliseconds, so few suffice; a long count does not block the rest.
const READERS: usize = 4;
/// Statements kept prepared per connection: more than there are constants.
const STATEMENTS: usize = 200;
/// How long to wait for another program, such as a backup, that looks into the file.
const PATIENCE: Duration = Duration::from_secs(5);

type Work = Box<dyn FnOnce(&mut Connection) + Send>;

#[derive(Debug)]
pub(crate) struct Sqlite {
    writer: Lane,
    readers: Lane,
    /// Held as long as the store is open: only one process may write.
    lock: Mutex<Option<File>>,
    /// Whether the indexes of `search.sql` are there.
    has_search: AtomicBool,
}

/// Pages that the writer keeps, and while it makes indexes.
const CACHE: &str = "PRAGMA cache_size = -10240;";
const SORTING_CACHE: &str = "PRAGMA cache_size = -4096;";

/// The indexes of a large inventory, and what makes the rest in one transaction.
const SEARCH: &str = include_str!("search.sql");
/// Stands between the two.
const LAST_PART: &str = "-- [last]";
/// Made last of all.
const SEARCH_IS_THERE: &str =
    "SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = 'device_removed'";

/// A queue of work and the threads that do it.
#[derive(Debug)]
struct Lane {
    queue: Mutex<Option<mpsc::Sender<Work>>>,
    ended: tokio::sync::Mutex<Vec<oneshot::Receiver<()>>>,
}

impl Sqlite {
    pub(crate) async fn open(path: &Path) -> Result<Self, Error> {
        let path = path.to_owned();
        let (answer, opened) = oneshot::channel();
        // Opening may wait for the disk, so it has a thread of its own.
        spawn("store-open", move || {
            drop(answer.send(Self::open_now(&path)));
        })?;
        opened.await.map_err(|_| closed())?
    }

    /// Reads rows of a file that is left as it is.
    pub(crate) async fn look_up<T: Send + 'static>(
        path: PathBuf,
        statement: &'static str,
        values: Vec<Value>,
        decode: Decode<T>,
    ) -> Result<Vec<T>, Error> {
        let (answer, read) = oneshot::channel();
        spawn("store-look", move || {
            let found = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)
                .and_then(|connection| rows(&connection, statement, &values, decode));
            drop(answer.send(found));
        })?;
        read.await.map_err(|_| closed())?
    }

    fn open_now(path: &Path) -> Result<Self, Error> {
        let lock = lock(path)?;
        let mut connection = connect(path, OpenFlags::default())?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; \
             PRAGMA wal_autocheckpoint = 4000;",
        )?;
        connection.execute_batch(CACHE)?;
        migrate(&mut connection)?;
        let readers = (0..READERS).map(|_| {
            let reader = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            reader.execute_batch("PRAGMA cache_size = -2048;")?;
            Ok(reader)
        });
        let readers = readers.collect::<Result<Vec<_>, Error>>()?;
        let has_search = connection.prepare(SEARCH_IS_THERE)?.exists([])?;
        Ok(Self {
            has_search: AtomicBool::new(has_search),
            writer: Lane::start("store-writer", vec![connection])?,
            readers: Lane::start("store-reader", readers)?,
            lock: Mutex::new(Some(lock)),
        })
    }

    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether the indexes of a large inventory are there.
    pub(crate) fn has_search(&self) -> bool {
        self.has_search.load(Ordering::Acquire)
    }

    async fn set_cache(&self, setting: &'static str) -> Result<(), Error> {
        self.writer.run(move |connection| Ok(connection.execute_batch(setting)?)).await
    }

    /// Makes the indexes of a large inventory, one after the other: others write in between.
    pub(crate) async fn make_search(&self) -> Result<(), Error> {
        let (indexes, last) = SEARCH.split_once(LAST_PART).unwrap_or((SEARCH, ""));
        // What is sorted may take as much memory as the cache: the disk does as well here.
        self.set_cache(SORTING_CACHE).await?;
        for index in indexes.split_inclusive(";\n") {
            self.writer.run(move |connection| Ok(connection.execute_batch(index)?)).await?;
        }
        let last = move |connection: &mut Connection| {
            let transaction = begin(connection)?;
            if !transaction.prepare(SEARCH_IS_THERE)?.exists([])? {
                transaction.execute_batch(last)?;
            }
            Ok(transaction.commit()?)
        };
        self.writer.run(last).await?;
        self.set_cache(CACHE).await?;
        self.has_search.store(true, Ordering::Release);
        Ok(())
    }

    pub(crate) async fn query<T: Send + 'static>(
        &self,
        statement: &str,
        values: Vec<Value>,
        decode: Decode<T>,
    ) -> Result<Vec<T>, Error> {
        let statement = statement.to_owned();
        self.readers.run(move |connection| rows(connection, &statement, &values, decode)).await
    }

    pub(crate) async fn write_returning<T: Send + 'static>(
        &self,
        statement: &'static str,
        values: Vec<Value>,
        decode: Decode<T>,
    ) -> Result<Vec<T>, Error> {
        self.writer.run(move |connection| rows(connection, statement, &values, decode)).await
    }

    pub(crate) async fn write(&self, steps: Steps) -> Result<Vec<u64>, Error> {
        let work = move |connection: &mut Connection| {
            let transaction = begin(connection)?;
            let mut changed = Vec::with_capacity(steps.len());
            for (statement, values) in &steps {
                let mut statement = transaction.prepare_cached(statement)?;
                let rows = statement.execute(params_from_iter(values))?;
                changed.push(u64::try_from(rows).unwrap_or_default());
            }
            transaction.commit()?;
            Ok(changed)
        };
        self.writer.run(work).await
    }

    pub(crate) async fn write_bulk(
        &self,
        bulk: &'static Bulk,
        connector: Value,
        rows: impl Iterator<Item = Vec<Value>> + Send + 'static,
    ) -> Result<(), Error> {
        let work = move |connection: &mut Connection| {
            let transaction = begin(connection)?;
            let known = transaction.prepare_cached(sql::HOLD_CONNECTOR)?.exists([connector])?;
            if !known {
                return Err(Error::NotFound("the connector"));
            }
            {
                let prepared = bulk.row.iter().map(|text| transaction.prepare_cached(text));
                let mut statements = prepared.collect::<Result<Vec<_>, _>>()?;
                for values in rows {
                    for statement in &mut statements {
                        let marks = statement.parameter_count();
                        if statement.execute(params_from_iter(values.iter().take(marks)))? > 0 {
                            break;
                        }
                    }
                }
            }
            transaction.commit()?;
            Ok(())
        };
        self.writer.run(work).await
    }

    /// Only prepares a statement.
    #[cfg(test)]
    pub(crate) async fn prepare(&self, statement: &str) -> Result<(), Error> {
        let statement = statement.to_owned();
        self.writer.run(move |connection| Ok(connection.prepare(&statement).map(drop)?)).await
    }
}

impl Lane {
    fn start(name: &str, connections: Vec<Connection>) -> Result<Self, Error> {
        let (sender, receiver) = mpsc::channel::<Work>();
        let receiver = Arc::new(Mutex::new(receiver));
        let mut ended = Vec::new();
        for mut connection in connections {
            let receiver = Arc::clone(&receiver);
            let (end, end_seen) = oneshot::channel();
            ended.push(end_seen);
            spawn(name, move || {
                loop {
                    let work = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(work) = work else { break };
                    work(&mut connection);
                }
                drop(connection);
                let _ = end.send(());
            })?;
        }
        Ok(Self { queue: Mutex::new(Some(sender)), ended: tokio::sync::Mutex::new(ended) })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        {
            let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let work: Work = Box::new(move |connection| {
                // Whoever asked may have stopped waiting; what was written stays written.
                drop(answer.send(work(connection)));
            });
            queue.as_ref().ok_or_else(closed)?.send(work).map_err(|_| closed())?;
        }
        answered.await.map_err(|_| closed())?
    }

    async fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        for ended in self.ended.lock().await.drain(..) {
            let _ = ended.await;
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    thread
        .map(drop)
        .map_err(|error| Error::Unavailable(format!("no thread for the store: {error}")))
}

fn closed() -> Error {
    Error::Unavailable("the store is closed".to_owned())
}

/// One process per database: the lock is on a file beside it and ends with the process.
fn lock(path: &Path) -> Result<File, Error> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let unusable = |error: &std::io::Error| {
        Error::Unavailable(format!("cannot open the database {}: {error}", path.display()))
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(PathBuf::from(beside))
        .map_err(|error| unusable(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Unavailable(format!(
            "another gatepost uses {}: stop it first, or ask it with --server",
            path.parent().unwrap_or(path).display()
        ))),
        Err(TryLockError::Error(error)) => Err(unusable(&error)),
    }
}

fn connect(path: &Path, extra: OpenFlags) -> Result<Connection, Error> {
    let flags = if extra.contains(OpenFlags::SQLITE_OPEN_READ_ONLY) {
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX
    } else {
        extra
    };
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

fn migrate(connection: &mut Connection) -> Result<(), Error> {
    let transaction = begin(connection)?;
    transaction.execute_batch(migration::TABLE)?;
    let applied = rows(&transaction, migration::APPLIED, &[], |columns| {
        Ok((columns.integer("number")?, columns.text("checksum")?))
    })?;
    for pending in migration::pending(&applied)? {
        transaction.execute_batch(&pending.statements(Dialect::Sqlite))?;
        transaction.execute(migration::NOTE, (pending.number, pending.checksum()))?;
    }
    transaction.commit()?;
    Ok(())
}

fn begin(connection: &mut Connection) -> Result<rusqlite::Transaction<'_>, Error> {
    Ok(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

fn rows<T>(
    connection: &Connection,
    statement: &str,
    values: &[Value],
    decode: Decode<T>,
) -> Result<Vec<T>, Error> {
    let mut statement = connection.prepare_cached(statement)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut decoded = Vec::new();
    while let Some(row) = rows.next()? {
        decoded.push(decode(&mut Columns::of_sqlite(row))?);
    }
    Ok(decoded)
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => Self::Conflict { what: error.to_string() },
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
                | ErrorCode::NotADatabase
                | ErrorCode::DatabaseCorrupt,
            ) => Self::Unavailable(format!("the database cannot be used: {error}")),
            _ => Self::Internal(error.to_string()),
        }
    }
}
