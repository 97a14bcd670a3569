//! Why CLIXML could not be read.

use thiserror::Error;

/// Why a document, a message or one value in it could not be read.
///
/// Texts of values are never part of an error: they may be secrets.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// Well-formed XML with a root element that CLIXML does not have.
    #[error("not a CLIXML document: its root element is <{root}>")]
    NotClixml {
        /// Name of the root element.
        root: String,
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
    #[error("<{tag}> in {path} does not hold {expected} (byte {offset})")]
    Value {
        /// Element of the primitive.
        tag: String,
        /// What its text should have been.
        expected: &'static str,
        /// Elements around it, outermost first, with their `N` attributes.
        path: String,
        /// Where it ends.
        offset: u64,
    },
    /// A `<Ref>` or `<TNRef>` to something that is not there, or that could not be read.
    #[error("reference {id:?} in {path} leads to nothing that could be read (byte {offset})")]
    Reference {
        /// The `RefId`.
        id: String,
        /// Elements around it, outermost first, with their `N` attributes.
        path: String,
        /// Where it ends.
        offset: u64,
    },
    /// Elements that do not fit into each other.
    #[error("{problem} in {path} (byte {offset})")]
    Structure {
        /// What does not fit.
        problem: &'static str,
        /// Elements around it, outermost first, with their `N` attributes.
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
