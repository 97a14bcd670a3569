//! What goes into a statement and what comes out of it, the same for both databases.

use std::borrow::Cow;

use bytes::BytesMut;
use domain::Timestamp;
use rusqlite::types::{ToSqlOutput, ValueRef};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use crate::Error;

/// One parameter of a statement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Text(String),
    Integer(i64),
    Flag(bool),
    Bytes(Vec<u8>),
}

/// PostgreSQL's text holds no U+0000, and SQLite's functions stop at it: it is kept as this
/// character and `0`, the character itself as twice the same.
const ESCAPE: char = '\u{10fffe}';

pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    // By bytes: nearly every text is without, and few characters begin like the mark does.
    let bytes = text.as_bytes();
    if !bytes.contains(&0) && !bytes.contains(&0xf4) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(ESCAPE, "\u{10fffe}\u{10fffe}").replace('\0', "\u{10fffe}0"))
}

fn unescape(text: String) -> String {
    if !text.contains(ESCAPE) {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        plain.push(if c == ESCAPE && rest.next() == Some('0') { '\0' } else { c });
    }
    plain
}

impl Value {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(escape(text).into_owned())
    }

    pub(crate) fn optional_text(text: Option<&str>) -> Self {
        text.map_or(Self::Null, Self::text)
    }

    pub(crate) fn id(id: impl std::fmt::Display) -> Self {
        Self::Text(id.to_string())
    }

    pub(crate) fn time(time: Timestamp) -> Self {
        Self::Integer(time.as_millisecond())
    }

    pub(crate) fn optional_time(time: Option<Timestamp>) -> Self {
        time.map_or(Self::Null, Self::time)
    }

    /// A count. Counts of things that exist fit.
    pub(crate) fn count(count: u64) -> Self {
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Flag(flag) => ValueRef::Integer(i64::from(*flag)),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Text(text) => text.to_sql_checked(ty, out),
            Self::Integer(number) => number.to_sql_checked(ty, out),
            Self::Flag(flag) => flag.to_sql_checked(ty, out),
            Self::Bytes(bytes) => bytes.to_sql_checked(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        // The value that is sent checks the type in `to_sql`.
        true
    }

    to_sql_checked!();
}

/// The columns of one row, read from the first to the last.
pub(crate) struct Columns<'a> {
    row: Row<'a>,
    table: &'static str,
    index: usize,
}

enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl<'a> Columns<'a> {
    pub(crate) fn of_sqlite(row: &'a rusqlite::Row<'a>) -> Self {
        Self { row: Row::Sqlite(row), table: "a table", index: 0 }
    }

    pub(crate) fn of_postgres(row: &'a tokio_postgres::Row) -> Self {
        Self { row: Row::Postgres(row), table: "a table", index: 0 }
    }

    /// Names the table for errors.
    pub(crate) fn table(&mut self, table: &'static str) -> &mut Self {
        self.table = table;
        self
    }

    pub(crate) fn optional_text(&mut self, column: &'static str) -> Result<Option<String>, Error> {
        self.next(column).map(|text: Option<String>| text.map(unescape))
    }

    pub(crate) fn text(&mut self, column: &'static str) -> Result<String, Error> {
        self.optional_text(column)?.ok_or_else(|| self.corrupt(column))
    }

    pub(crate) fn optional_integer(&mut self, column: &'static str) -> Result<Option<i64>, Error> {
        self.next(column)
    }

    pub(crate) fn integer(&mut self, column: &'static str) -> Result<i64, Error> {
        self.optional_integer(column)?.ok_or_else(|| self.corrupt(column))
    }

    pub(crate) fn count(&mut self, column: &'static str) -> Result<u64, Error> {
        u64::try_from(self.integer(column)?).map_err(|_| self.corrupt(column))
    }

    pub(crate) fn flag(&mut self, column: &'static str) -> Result<bool, Error> {
        self.optional_flag(column)?.ok_or_else(|| self.corrupt(column))
    }

    pub(crate) fn optional_flag(&mut self, column: &'static str) -> Result<Option<bool>, Error> {
        self.next(column)
    }

    pub(crate) fn bytes(&mut self, column: &'static str) -> Result<Vec<u8>, Error> {
        self.next(column)?.ok_or_else(|| self.corrupt(column))
    }

    pub(crate) fn optional_time(
        &mut self,
        column: &'static str,
    ) -> Result<Option<Timestamp>, Error> {
        let time = self.optional_integer(column)?.map(Timestamp::from_millisecond).transpose();
        time.map_err(|_| self.corrupt(column))
    }

    pub(crate) fn time(&mut self, column: &'static str) -> Result<Timestamp, Error> {
        self.optional_time(column)?.ok_or_else(|| self.corrupt(column))
    }

    pub(crate) fn optional_uuid(&mut self, column: &'static str) -> Result<Option<Uuid>, Error> {
        let id = self.optional_text(column)?.map(|text| Uuid::parse_str(&text)).transpose();
        id.map_err(|_| self.corrupt(column))
    }

    pub(crate) fn uuid(&mut self, column: &'static str) -> Result<Uuid, Error> {
        self.optional_uuid(column)?.ok_or_else(|| self.corrupt(column))
    }

    /// A value that is kept as a word.
    pub(crate) fn optional_word<T>(
        &mut self,
        column: &'static str,
        from_word: fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(word) = self.optional_text(column)? else { return Ok(None) };
        from_word(&word).map(Some).ok_or_else(|| self.corrupt(column))
    }

    pub(crate) fn word<T>(
        &mut self,
        column: &'static str,
        from_word: fn(&str) -> Option<T>,
    ) -> Result<T, Error> {
        self.optional_word(column, from_word)?.ok_or_else(|| self.corrupt(column))
    }

    pub(crate) fn optional_json(
        &mut self,
        column: &'static str,
    ) -> Result<Option<serde_json::Value>, Error> {
        let Some(text) = self.optional_text(column)? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|_| self.corrupt(column))
    }

    pub(crate) fn json(&mut self, column: &'static str) -> Result<serde_json::Value, Error> {
        self.optional_json(column)?.ok_or_else(|| self.corrupt(column))
    }

    pub(crate) fn corrupt(&self, column: &'static str) -> Error {
        Error::Corrupt { table: self.table, column }
    }

    fn next<T>(&mut self, column: &'static str) -> Result<Option<T>, Error>
    where
        T: rusqlite::types::FromSql + for<'r> tokio_postgres::types::FromSql<'r>,
    {
        let index = self.index;
        self.index += 1;
        match self.row {
            Row::Sqlite(row) => row.get(index).map_err(|_| self.corrupt(column)),
            Row::Postgres(row) => row.try_get(index).map_err(|_| self.corrupt(column)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back() {
        for text in ["", "plain", "a\0b", "\u{10fffe}", "\u{10fffe}0", "\0\u{10fffe}\0", "0\0"] {
            assert_eq!(unescape(escape(text).into_owned()), text);
            assert!(!escape(text).contains('\0'));
        }
    }
}
