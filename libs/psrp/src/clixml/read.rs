//! Reading.

use super::{Error, Limits, Value};

/// A whole `<Objs>` document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// `Version` attribute.
    pub version: String,
    /// The values.
    pub values: Vec<Value>,
}

/// Reads messages.
#[derive(Debug, Default)]
pub struct Reader {
    limits: Limits,
}

impl Reader {
    /// A reader.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the data of one message.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn read(&mut self, xml: &[u8]) -> Result<Value, Error> {
        let _ = self.limits;
        Err(Error::Empty { size_bytes: xml.len() })
    }
}

/// Reads the data of one message.
///
/// # Errors
/// See [`Error`].
pub fn read(xml: &[u8]) -> Result<Value, Error> {
    Reader::new().read(xml)
}

/// Reads the data of one message within limits.
///
/// # Errors
/// See [`Error`].
pub fn read_with(xml: &[u8], limits: &Limits) -> Result<Value, Error> {
    Reader { limits: *limits }.read(xml)
}

/// Reads a document.
///
/// # Errors
/// See [`Error`].
pub fn read_document(bytes: &[u8]) -> Result<Document, Error> {
    Err(Error::Empty { size_bytes: bytes.len() })
}
