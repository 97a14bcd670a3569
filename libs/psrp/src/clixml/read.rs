//! Reading messages and documents.

use std::borrow::Cow;

use super::build::Builder;
use super::element::Element;
use super::encoding::{document_text, message_text};
use super::error::shown;
use super::parse::{Parser, Step};
use super::{Error, Limits, Value};

/// Reads the data of one message: one root element, UTF-8.
///
/// # Errors
/// See [`Error`].
pub fn read(xml: &[u8]) -> Result<Value, Error> {
    Reader::new().read(xml)
}

/// Reads the data of one message within limits of one's own.
///
/// # Errors
/// See [`Error`].
pub fn read_with(xml: &[u8], limits: &Limits) -> Result<Value, Error> {
    Reader::with_limits(limits).read(xml)
}

/// Reads a whole `<Objs>` document: UTF-8, or UTF-16 with a byte order mark.
///
/// # Errors
/// The first error of any of its values; see [`DocumentReader`] for the others.
pub fn read_document(bytes: &[u8]) -> Result<Document, Error> {
    let mut reader = DocumentReader::new(bytes)?;
    let values = reader.by_ref().collect::<Result<_, _>>()?;
    Ok(Document { version: reader.version, values })
}

/// A whole `<Objs>` document, as `Export-Clixml` writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The `Version` attribute, `1.1.0.1` for all Windows versions so far.
    pub version: String,
    /// The values, in the order of the document.
    pub values: Vec<Value>,
}

/// Reads one message after another and shares names between them: the objects of one pipeline
/// have the same property names and type names, and with one reader they have them only once.
///
/// Nothing else goes from one message to the next.
#[derive(Debug, Default)]
pub struct Reader {
    builder: Builder,
}

impl Reader {
    /// A reader with the usual limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A reader with limits of one's own.
    #[must_use]
    pub fn with_limits(limits: &Limits) -> Self {
        Self { builder: Builder::new(*limits) }
    }

    /// Reads the data of one message.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn read(&mut self, xml: &[u8]) -> Result<Value, Error> {
        let text = message_text(xml)?;
        self.builder.start_scope();
        let value = read_message(text, &mut self.builder);
        // The objects belong to the caller alone.
        self.builder.start_scope();
        value
    }
}

fn read_message(text: &str, builder: &mut Builder) -> Result<Value, Error> {
    let (root, _) = Parser::new(text, 0, builder).root("message")?;
    if Element::named(&root) == Element::Unknown {
        return Err(Error::NotClixml { expected: "message", found: format!("<{}>", shown(&root)) });
    }
    let mut parser = Parser::new(text, 0, builder);
    match parser.step()? {
        Step::Value(value) => parser.end().and(value),
        Step::EndTag | Step::EndOfText => Err(Error::Empty { size_bytes: text.len() }),
    }
}

/// Hands on each value of an `<Objs>` document when it is complete.
///
/// A value that is wrong in itself ([`Error::is_local`]) fails alone: the values after it are read,
/// and may refer to type names and sound objects in it. Any other error is the last item.
#[derive(Debug)]
pub struct DocumentReader<'x> {
    text: Cow<'x, str>,
    position: usize,
    version: String,
    is_at_end: bool,
    builder: Builder,
}

impl<'x> DocumentReader<'x> {
    /// Opens a document with the usual limits.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::NotClixml`] for text and for other XML.
    pub fn new(bytes: &'x [u8]) -> Result<Self, Error> {
        Self::with_limits(bytes, &Limits::default())
    }

    /// Opens a document with limits of one's own.
    ///
    /// # Errors
    /// See [`DocumentReader::new`].
    pub fn with_limits(bytes: &'x [u8], limits: &Limits) -> Result<Self, Error> {
        let text = document_text(bytes)?;
        let mut builder = Builder::new(*limits);
        // PowerShell puts this line in front of what it writes to a stream of another process.
        let prefix = if text.starts_with("#< CLIXML") { "#< CLIXML".len() } else { 0 };
        let start = text.get(prefix..).unwrap_or_default();
        let mut parser = Parser::new(start, prefix as u64, &mut builder);
        let (root, version) = parser.root("document")?;
        if root != "Objs" {
            let found = format!("<{}>", shown(&root));
            return Err(Error::NotClixml { expected: "document", found });
        }
        let position = prefix + parser.position();
        let is_at_end = text.get(..position).is_some_and(|read| read.ends_with("/>"));
        Ok(Self { text, position, version, is_at_end, builder })
    }

    /// The `Version` attribute.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    fn advance(&mut self) -> Result<Option<Result<Value, Error>>, Error> {
        let rest = self.text.get(self.position..).unwrap_or_default();
        let mut parser = Parser::new(rest, self.position as u64, &mut self.builder);
        let value = match parser.step()? {
            Step::Value(value) => Some(value),
            Step::EndTag => {
                parser.end()?;
                None
            }
            Step::EndOfText => return Err(parser.cut_off()),
        };
        self.position += parser.position();
        Ok(value)
    }
}

impl Iterator for DocumentReader<'_> {
    type Item = Result<Value, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_at_end {
            return None;
        }
        let item = self.advance().unwrap_or_else(|error| Some(Err(error)));
        let may_go_on = match &item {
            None => false,
            Some(Ok(_)) => true,
            Some(Err(error)) => error.is_local(),
        };
        self.is_at_end = !may_go_on;
        item
    }
}
