//! What can go wrong with the memory of the product.

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing, or the scope does not reach it.
    #[error("{0} does not exist")]
    NotFound(&'static str),
    /// It would break a promise, such as one connector per organization.
    #[error("{what}")]
    Conflict {
        /// The promise, in one clause.
        what: String,
    },
    /// The database cannot be reached or written now. Trying again later may help.
    #[error("{0}")]
    Unavailable(String),
    /// The database was made by a newer version.
    #[error(
        "the database has schema {found}, this version knows schemas up to {known}: \
         start the newer version that made it"
    )]
    Newer {
        /// Number of its newest migration.
        found: i64,
        /// Number of ours.
        known: i64,
    },
    /// A migration that was applied is not the one this version holds.
    #[error("migration {0} of the database is not the one this version holds")]
    ForeignSchema(i64),
    /// A row holds what this version never writes.
    #[error("a row of {table} holds an unreadable {column}")]
    Corrupt {
        /// Which table.
        table: &'static str,
        /// Which column.
        column: &'static str,
    },
    /// The database refused a statement; a fault of ours.
    #[error("the database refused a statement: {0}")]
    Internal(String),
}

impl Error {
    /// Puts a conflict that the database found into words for people.
    pub(crate) fn or_conflict(self, words: impl FnOnce() -> String) -> Self {
        match self {
            Self::Conflict { .. } => Self::Conflict { what: words() },
            other => other,
        }
    }
}
