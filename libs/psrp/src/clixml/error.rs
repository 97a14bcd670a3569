//! Why CLIXML could not be read.

use thiserror::Error;

/// Longest name shown in an error: enough to find it, and no way to fill a log.
const SHOWN_CHARACTERS: usize = 64;

/// Why a document, a message or one value in it could not be read.
///
/// Texts of values are never part of an error: they may be secrets.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// Text, or XML with a root element that CLIXML does not have.
    #[error("not a CLIXML {expected}: it begins with {found}")]
    NotClixml {
        /// What it was read as: `document`, `message` or `value`.
        expected: &'static str,
        /// What was found: `<name>` of the root element, or `text`.
        found: String,
    },
    /// No element at all.
    #[error("no CLIXML value, only {size_bytes} bytes without an element")]
    Empty {
        /// Length of what was read.
        size_bytes: usize,
    },
    /// Neither UTF-8 nor, with a byte order mark, UTF-16.
    #[error("the bytes at {offset} are not {encoding}")]
    Encoding {
        /// Encoding they were taken for.
        encoding: &'static str,
        /// Where the first wrong byte is.
        offset: u64,
    },
    /// Not well-formed XML.
    #[error("the XML is not well-formed at byte {offset}: {reason}")]
    Malformed {
        /// Where the reader stopped.
        offset: u64,
        /// What it met.
        reason: String,
    },
    /// A document type declaration, which no CLIXML has and which could define entities.
    #[error("a document type declaration at byte {offset} is refused")]
    DocumentType {
        /// Where it ends.
        offset: u64,
    },
    /// More than the reader is willing to read; see [`Limits`](super::Limits).
    #[error("more than {limit} {what} at byte {offset}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// Where it was passed.
        offset: u64,
    },
    /// Text of a primitive that is not one of its type.
    #[error("{path} does not hold {expected} (byte {offset})")]
    Value {
        /// What its text should have been.
        expected: &'static str,
        /// Its element and those around it, outermost first, with their `N` attributes.
        path: String,
        /// Where it ends.
        offset: u64,
    },
    /// A `<Ref>` or `<TNRef>` to something that is not there, or that could not be read.
    #[error("the reference {id:?} at {path} leads to nothing that could be read (byte {offset})")]
    Reference {
        /// The `RefId`.
        id: String,
        /// Its element and those around it, outermost first, with their `N` attributes.
        path: String,
        /// Where it ends.
        offset: u64,
    },
    /// Elements that do not fit into each other.
    #[error("{problem} at {path} (byte {offset})")]
    Structure {
        /// What does not fit.
        problem: &'static str,
        /// The element and those around it, outermost first, with their `N` attributes.
        path: String,
        /// Where it was met.
        offset: u64,
    },
}

impl Error {
    /// True if only one value is wrong and the XML around it is sound, so that the other values
    /// of a document can be read.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(self, Self::Value { .. } | Self::Reference { .. } | Self::Structure { .. })
    }
}

/// A name or an id as an error shows it.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARACTERS).collect()
}
