//! Features of the module as a whole.

mod documents;
mod limits;
mod messages;
mod primitives;
mod properties;

use super::{Error, Value, read};

/// Reads `xml` and expects `expected`; writes that and reads it again.
fn check(xml: &str, expected: impl Into<Value>) {
    let expected = expected.into();
    assert_eq!(read(xml.as_bytes()), Ok(expected.clone()), "{xml}");
    let written = super::write(&expected);
    assert_eq!(read(written.as_bytes()), Ok(expected), "{xml} written as {written}");
}

/// Reads `xml` and expects an error that reads `expected`.
fn check_error(xml: &str, expected: &str) -> Error {
    let error = read(xml.as_bytes()).expect_err(xml);
    assert_eq!(error.to_string(), expected, "{xml}");
    error
}
