//! The two databases behind one set of verbs.

mod migration;
mod postgres;
mod sqlite;
#[cfg(test)]
mod tests;

use self::{postgres::Postgres, sqlite::Sqlite};
use crate::value::{Columns, Value};
use crate::{Error, Target};

/// Statements that are applied together or not at all.
pub(crate) type Steps = Vec<(&'static str, Vec<Value>)>;

/// Turns a row into what was asked for.
pub(crate) type Decode<T> = fn(&mut Columns<'_>) -> Result<T, Error>;

#[derive(Debug)]
pub(crate) enum Database {
    Sqlite(Sqlite),
    Postgres(Box<Postgres>),
}

impl Database {
    pub(crate) async fn open(target: Target) -> Result<Self, Error> {
        match target {
            Target::Sqlite(path) => Sqlite::open(&path).await.map(Self::Sqlite),
            Target::Postgres(address) => {
                Postgres::open(&address).await.map(|it| Self::Postgres(Box::new(it)))
            }
        }
    }

    /// Reads rows of a database that is left as it is.
    pub(crate) async fn look_up<T: Send + 'static>(
        target: Target,
        statement: &'static str,
        values: Vec<Value>,
        decode: Decode<T>,
    ) -> Result<Vec<T>, Error> {
        match target {
            Target::Sqlite(path) => Sqlite::look_up(path, statement, values, decode).await,
            Target::Postgres(address) => {
                Postgres::look_up(&address, statement, &values, decode).await
            }
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close().await,
        }
    }

    /// Reads rows.
    pub(crate) async fn query<T: Send + 'static>(
        &self,
        statement: &str,
        values: Vec<Value>,
        decode: Decode<T>,
    ) -> Result<Vec<T>, Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.query(statement, values, decode).await,
            Self::Postgres(postgres) => postgres.query(statement, &values, decode).await,
        }
    }

    /// Reads at most one row.
    pub(crate) async fn query_one<T: Send + 'static>(
        &self,
        statement: &str,
        values: Vec<Value>,
        decode: Decode<T>,
    ) -> Result<Option<T>, Error> {
        Ok(self.query(statement, values, decode).await?.pop())
    }

    /// Runs statements in one transaction; the answer says how many rows each of them changed.
    pub(crate) async fn write(&self, steps: Steps) -> Result<Vec<u64>, Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.write(steps).await,
            Self::Postgres(postgres) => postgres.write(&steps).await,
        }
    }

    /// Runs one statement that changes rows and gives rows back.
    pub(crate) async fn write_returning<T: Send + 'static>(
        &self,
        statement: &'static str,
        values: Vec<Value>,
        decode: Decode<T>,
    ) -> Result<Vec<T>, Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.write_returning(statement, values, decode).await,
            Self::Postgres(postgres) => postgres.write_returning(statement, &values, decode).await,
        }
    }

    /// Writes many rows of one connector in one transaction. `NotFound` if the connector is gone.
    pub(crate) async fn write_bulk(
        &self,
        bulk: &'static Bulk,
        connector: Value,
        rows: impl Iterator<Item = Vec<Value>> + Send + 'static,
    ) -> Result<(), Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.write_bulk(bulk, connector, rows).await,
            Self::Postgres(postgres) => postgres.write_bulk(bulk, connector, rows).await,
        }
    }
}

/// Many rows for one table: SQLite is quickest with one prepared statement for each row,
/// PostgreSQL with a `COPY` into a temporary table and one statement from there.
#[derive(Debug)]
pub(crate) struct Bulk {
    /// For SQLite: one row, its columns as parameters in their order. Tried one after the other
    /// until one of them has written.
    pub(crate) row: Vec<String>,
    /// For PostgreSQL: makes the temporary table `incoming`.
    pub(crate) staging: String,
    /// For PostgreSQL: fills it.
    pub(crate) copy: String,
    /// For PostgreSQL: writes what is in it.
    pub(crate) merge: String,
    /// The types of the columns.
    pub(crate) types: Vec<ColumnType>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnType {
    Text,
    Integer,
    Flag,
}

impl Bulk {
    /// Inserts rows; those whose `key` is there already are overwritten where `changed` holds.
    pub(crate) fn upsert(
        table: &str,
        key: &str,
        columns: &[(&str, ColumnType)],
        changed: &str,
    ) -> Self {
        let names = list(columns, |_, name| name.to_owned());
        let marks = list(columns, |index, _| format!("?{}", index + 1));
        let sets = list(columns, |_, name| format!("{name} = excluded.{name}"));
        let end = format!("ON CONFLICT ({key}) DO UPDATE SET {sets} {changed}");
        Self {
            row: vec![format!("INSERT INTO {table} ({names}) VALUES ({marks}) {end}")],
            merge: format!("INSERT INTO {table} ({names}) SELECT {names} FROM incoming {end}"),
            ..Self::staged(columns)
        }
    }

    /// Overwrites columns of rows that are there: those with the same `id`, the first column, and
    /// the same connector, the second.
    pub(crate) fn update(table: &str, columns: &[(&str, ColumnType)], only: &str) -> Self {
        Self::update_in_steps(table, columns, &[], only)
    }

    /// The same where many rows say little that is new: each of `often` is a number of columns from
    /// the first on that suffice if all after them are as they were. SQLite writes every index that
    /// a statement could touch, so what is not named costs nothing.
    pub(crate) fn update_in_steps(
        table: &str,
        columns: &[(&str, ColumnType)],
        often: &[usize],
        only: &str,
    ) -> Self {
        let assigned = columns.get(2..).unwrap_or_default();
        let staged = list(assigned, |_, name| format!("{name} = incoming.{name}"));
        let mut row = Vec::new();
        let mut upto = columns.len();
        let step = |from: usize, upto: usize| {
            let set = columns.get(2..upto).unwrap_or_default();
            let sets = list(set, |index, name| format!("{name} = ?{}", index + 3));
            let looked_at = columns.iter().zip(1..).take(upto).skip(from);
            let differs: Vec<_> =
                looked_at.map(|((name, _), mark)| format!("{name} IS NOT ?{mark}")).collect();
            let differs = match from {
                2 => String::new(),
                _ => format!("AND ({})", differs.join(" OR ")),
            };
            format!("UPDATE {table} SET {sets} WHERE id = ?1 AND connector = ?2 {differs} {only}")
        };
        for &from in often.iter().chain([&2]) {
            row.push(step(from, upto));
            upto = from;
        }
        Self {
            row,
            merge: format!(
                "UPDATE {table} SET {staged} FROM incoming WHERE {table}.id = incoming.id \
                 AND {table}.connector = incoming.connector {only}"
            ),
            ..Self::staged(columns)
        }
    }

    fn staged(columns: &[(&str, ColumnType)]) -> Self {
        let names = list(columns, |_, name| name.to_owned());
        let typed = columns.iter().map(|(name, ty)| match ty {
            ColumnType::Text => format!("{name} text COLLATE \"C\""),
            ColumnType::Integer => format!("{name} bigint"),
            ColumnType::Flag => format!("{name} boolean"),
        });
        let typed = typed.collect::<Vec<_>>().join(", ");
        Self {
            row: Vec::new(),
            merge: String::new(),
            staging: format!("CREATE TEMPORARY TABLE incoming ({typed}) ON COMMIT DROP"),
            copy: format!("COPY incoming ({names}) FROM STDIN BINARY"),
            types: columns.iter().map(|(_, ty)| *ty).collect(),
        }
    }
}

fn list(columns: &[(&str, ColumnType)], item: impl Fn(usize, &str) -> String) -> String {
    let items = columns.iter().enumerate().map(|(index, (name, _))| item(index, name));
    items.collect::<Vec<_>>().join(", ")
}
