//! Whatever is sealed with the data key, in whichever table: what is gone through when the key
//! changes.

use crate::database::Database;
use crate::value::{Columns, Value};
use crate::{AuditRow, Error, Store, Target, sql};

/// A column of sealed bytes. Every column called `sealed` is one of [`SEALED`], or says in
/// [`SHORT_LIVED`] why not; a test looks.
#[derive(Debug)]
pub struct SealedColumn {
    /// The table it is in.
    pub table: &'static str,
    /// What the bytes are bound to, before and after the id of their row.
    bound_to: (&'static str, &'static str),
    page: &'static str,
    replace: &'static str,
}

/// What is opened and sealed anew when the data key changes.
pub const SEALED: [SealedColumn; 4] = [
    SealedColumn {
        table: "connector_secret",
        bound_to: ("connector/", "/secret"),
        page: sql::SEALED_OF_CONNECTORS,
        replace: sql::RESEAL_CONNECTOR,
    },
    SealedColumn {
        table: "channel",
        bound_to: ("channel/", "/secret"),
        page: sql::SEALED_OF_CHANNELS,
        replace: sql::RESEAL_CHANNEL,
    },
    SealedColumn {
        table: "totp",
        bound_to: ("totp/", "/secret"),
        page: sql::SEALED_OF_TOTP,
        replace: sql::RESEAL_TOTP,
    },
    SealedColumn {
        table: "identity_provider",
        bound_to: ("identity_provider/", "/secret"),
        page: sql::SEALED_OF_IDENTITY_PROVIDERS,
        replace: sql::RESEAL_IDENTITY_PROVIDER,
    },
];

/// Tables whose sealed bytes are of no use after some minutes: the key before opens them so long.
pub const SHORT_LIVED: [&str; 1] = ["sign_in_attempt"];

/// Sealed bytes and the id of their row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRow {
    /// Id of the row.
    pub id: String,
    /// The bytes.
    pub sealed: Vec<u8>,
}

impl SealedColumn {
    /// What the bytes of a row are bound to: the name they were sealed under.
    #[must_use]
    pub fn row(&self, id: &str) -> String {
        let (before, after) = self.bound_to;
        format!("{before}{id}{after}")
    }
}

impl Store {
    /// Rows with sealed bytes, in the order of their ids, after an id; from the first if it is empty.
    pub async fn sealed(
        &self,
        column: &SealedColumn,
        after: &str,
        limit: u32,
    ) -> Result<Vec<SealedRow>, Error> {
        let values = vec![Value::text(after), Value::Integer(i64::from(limit))];
        let decode = |row: &mut Columns<'_>| {
            row.table("a sealed one");
            Ok(SealedRow { id: row.text("id")?, sealed: row.bytes("sealed")? })
        };
        self.database.query(column.page, values, decode).await
    }

    /// Puts other sealed bytes in the place of those that are there, all or none. Where others were
    /// written meanwhile these stay.
    pub async fn reseal(
        &self,
        column: &SealedColumn,
        rows: Vec<(SealedRow, Vec<u8>)>,
    ) -> Result<(), Error> {
        let step = |(old, new): (SealedRow, Vec<u8>)| {
            let values = vec![Value::id(old.id), Value::Bytes(old.sealed), Value::Bytes(new)];
            (column.replace, values)
        };
        self.database.write(rows.into_iter().map(step).collect()).await.map(drop)
    }

    /// A value kept under a name in a database that is left as it is: it is not brought up to date,
    /// and a server may run on it.
    pub async fn look_up_meta(target: Target, key: &str) -> Result<Option<String>, Error> {
        let values = vec![Value::text(key)];
        let decode = |row: &mut Columns<'_>| row.table("meta").text("value");
        Ok(Database::look_up(target, sql::META, values, decode).await?.pop())
    }

    /// Keeps a value under a name, and has it on record.
    pub async fn set_meta_on_record(
        &self,
        key: &str,
        value: &str,
        audit: &[AuditRow],
    ) -> Result<(), Error> {
        let mut steps = AuditRow::steps(audit);
        steps.push((sql::SET_META, vec![Value::text(key), Value::text(value)]));
        self.database.write(steps).await.map(drop)
    }
}
