//! The device query: one grammar for console, URL, API, CLI and collections.

/// A device query, parsed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {}
