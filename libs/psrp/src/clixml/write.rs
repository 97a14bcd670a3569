//! Writing.

use super::Value;

/// Writes one message.
#[must_use]
pub fn write(value: &Value) -> String {
    format!("{value:?}")
}

/// Writes a document.
#[must_use]
pub fn write_document(values: &[Value]) -> String {
    format!("{values:?}")
}
