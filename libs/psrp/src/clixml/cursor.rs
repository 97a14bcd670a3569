//! XML underneath CLIXML: events, texts, attributes, and where they are.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::Error;

/// Walks through a text, from a place between two values on.
pub(super) struct Cursor<'x> {
    xml: Reader<&'x [u8]>,
    text: &'x str,
    /// Where in the document `text` begins.
    base: u64,
    /// Longest text given out.
    text_limit: usize,
}

/// The attributes that CLIXML knows, as they stand.
#[derive(Default)]
pub(super) struct Attributes<'s> {
    pub(super) name: Option<Cow<'s, str>>,
    pub(super) ref_id: Option<Cow<'s, str>>,
}

/// What an element that should hold nothing but text holds.
pub(super) enum Leaf<'x> {
    Text(Cow<'x, str>),
    Elements,
}

impl<'x> Cursor<'x> {
    pub(super) fn new(text: &'x str, base: u64, text_limit: usize) -> Self {
        let mut xml = Reader::from_str(text);
        let config = xml.config_mut();
        config.expand_empty_elements = true;
        // The end of the root of a document, whose start another cursor has read.
        config.allow_unmatched_ends = true;
        Self { xml, text, base, text_limit }
    }

    /// Bytes of the text that have been read.
    pub(super) fn position(&self) -> usize {
        usize::try_from(self.xml.buffer_position()).unwrap_or(usize::MAX).min(self.text.len())
    }

    /// Where the cursor is in the document.
    pub(super) fn offset(&self) -> u64 {
        self.base + self.xml.buffer_position()
    }

    /// Length of the text in bytes.
    pub(super) fn size_bytes(&self) -> usize {
        self.text.len()
    }

    /// The next event; an empty element is a start and an end.
    pub(super) fn event(&mut self) -> Result<Event<'x>, Error> {
        match self.xml.read_event() {
            Ok(Event::DocType(_)) => Err(Error::DocumentType { offset: self.offset() }),
            Ok(event) => Ok(event),
            Err(error) => Err(Error::Malformed {
                offset: self.base + self.xml.error_position(),
                reason: error.to_string(),
            }),
        }
    }

    /// What stands in the element that has just begun, up to and with its end tag.
    pub(super) fn leaf(&mut self) -> Result<Leaf<'x>, Error> {
        let (first, next) = match self.event()? {
            Event::End(_) => return Ok(Leaf::Text(Cow::Borrowed(""))),
            Event::Text(text) => (text.into_inner(), self.event()?),
            other => (Cow::Borrowed(""), other),
        };
        let text = match next {
            Event::End(_) => first,
            next => match self.pieces(first.into_owned(), next)? {
                Some(text) => Cow::Owned(text),
                None => return Ok(Leaf::Elements),
            },
        };
        self.check_length(text.len())?;
        Ok(Leaf::Text(text))
    }

    /// A text that is not in one piece; `None` if there are elements in it.
    fn pieces(&mut self, mut text: String, next: Event<'x>) -> Result<Option<String>, Error> {
        let mut event = next;
        let mut has_elements = false;
        loop {
            match event {
                Event::End(_) => return Ok((!has_elements).then_some(text)),
                Event::Text(more) => text.push_str(&more),
                Event::CData(more) => text.push_str(&more),
                Event::GeneralRef(entity) => self.push_entity(&mut text, &entity)?,
                Event::Start(_) => {
                    has_elements = true;
                    self.skip()?;
                }
                Event::Eof => return Err(self.cut_off()),
                _ => {}
            }
            event = self.event()?;
        }
    }

    fn push_entity(&self, text: &mut String, entity: &BytesRef<'_>) -> Result<(), Error> {
        match entity.resolve_char_ref() {
            Ok(Some(character)) => text.push(character),
            Ok(None) => match resolve_predefined_entity(entity) {
                Some(character) => text.push_str(character),
                None => return Err(self.malformed("an entity that XML does not define")),
            },
            Err(error) => return Err(self.malformed(&error.to_string())),
        }
        Ok(())
    }

    /// Passes over the rest of the element that has just begun; the XML in it, as it stands.
    pub(super) fn skip(&mut self) -> Result<&'x str, Error> {
        let from = self.position();
        let mut depth = 0_usize;
        loop {
            let to = self.position();
            match self.event()? {
                Event::Start(_) => depth += 1,
                Event::End(_) if depth == 0 => {
                    let inside = self.text.get(from..to).unwrap_or_default();
                    self.check_length(inside.len())?;
                    return Ok(inside);
                }
                Event::End(_) => depth -= 1,
                Event::Eof => return Err(self.cut_off()),
                _ => {}
            }
        }
    }

    /// The attributes of a start tag.
    pub(super) fn attributes<'s>(
        &self,
        start: &'s BytesStart<'x>,
    ) -> Result<Attributes<'s>, Error> {
        let raw = start.attributes_raw().trim_ascii();
        if raw.is_empty() {
            return Ok(Attributes::default());
        }
        // Nearly every tag has one attribute, `N`.
        if let Some(name) = raw.strip_prefix("N=\"").and_then(|raw| raw.strip_suffix('"'))
            && memchr::memchr(b'"', name.as_bytes()).is_none()
        {
            self.check_length(name.len())?;
            return Ok(Attributes { name: Some(Cow::Borrowed(name)), ref_id: None });
        }
        let mut attributes = Attributes::default();
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| self.malformed(&error.to_string()))?;
            self.check_length(attribute.value.len())?;
            match attribute.key.as_ref() {
                "N" => attributes.name = Some(attribute.value),
                "RefId" => attributes.ref_id = Some(attribute.value),
                _ => {}
            }
        }
        Ok(attributes)
    }

    /// The attributes of a start tag other than `N`, to be written back.
    pub(super) fn other_attributes(&self, start: &BytesStart<'x>) -> Result<String, Error> {
        let mut others = String::new();
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| self.malformed(&error.to_string()))?;
            if attribute.key.as_ref() != "N" {
                let value = attribute.value.replace('"', "&quot;");
                others.extend([" ", attribute.key.as_ref(), "=\"", &value, "\""]);
            }
        }
        self.check_length(others.len())?;
        Ok(others)
    }

    fn check_length(&self, size_bytes: usize) -> Result<(), Error> {
        if size_bytes <= self.text_limit {
            return Ok(());
        }
        let (limit, offset) = (self.text_limit, self.offset());
        Err(Error::Limit { what: "bytes of text", limit, offset })
    }

    pub(super) fn malformed(&self, reason: &str) -> Error {
        Error::Malformed { offset: self.offset(), reason: reason.to_owned() }
    }

    pub(super) fn cut_off(&self) -> Error {
        self.malformed("it ends before its last element does")
    }
}
