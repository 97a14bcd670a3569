//! From XML events to the builder.

use std::borrow::Cow;
use std::sync::Arc;

use quick_xml::Reader as XmlReader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::build::{Builder, Misfit, Passed};
use super::element::Element;
use super::text;
use super::value::{Progress, Unknown, Value};
use super::{Error, Limits};

/// Longest id shown in an error.
const SHOWN_ID_CHARACTERS: usize = 64;

/// Reads values one after another from a text, from a place between two values on.
pub(super) struct Parser<'x, 'b> {
    xml: XmlReader<&'x [u8]>,
    text: &'x str,
    /// Where in the document `text` begins.
    base: u64,
    builder: &'b mut Builder,
}

/// What a parser met.
pub(super) enum Step {
    /// A value, complete, or what is wrong with it alone.
    Value(Result<Value, Error>),
    /// The end tag of the root whose start an earlier parser has read.
    EndTag,
    /// The end of the text.
    EndOfText,
}

/// The attributes that CLIXML knows.
#[derive(Default)]
struct Attributes {
    name: Option<Arc<str>>,
    ref_id: Option<String>,
}

impl<'x, 'b> Parser<'x, 'b> {
    pub(super) fn new(text: &'x str, base: u64, builder: &'b mut Builder) -> Self {
        let mut xml = XmlReader::from_str(text);
        let config = xml.config_mut();
        config.expand_empty_elements = true;
        // The end of the root of a document, whose start an earlier parser has read.
        config.allow_unmatched_ends = true;
        Self { xml, text, base, builder }
    }

    /// Bytes of the text that have been read.
    pub(super) fn position(&self) -> usize {
        usize::try_from(self.xml.buffer_position()).unwrap_or(usize::MAX).min(self.text.len())
    }

    /// The start tag of the root of what is `expected`: its name and its `Version`.
    pub(super) fn root(&mut self, expected: &'static str) -> Result<(String, String), Error> {
        loop {
            match self.event()? {
                Event::Start(start) => {
                    let version = start
                        .try_get_attribute("Version")
                        .map_err(|error| self.malformed(&error.to_string()))?
                        .map(|version| version.value.into_owned());
                    return Ok((start.name().as_ref().to_owned(), version.unwrap_or_default()));
                }
                Event::Eof => return Err(Error::Empty { size_bytes: self.text.len() }),
                Event::Text(text) if text.trim_ascii().is_empty() => {}
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
                    return Err(Error::NotClixml { expected, found: "text".to_owned() });
                }
                Event::End(_) => return Err(self.malformed("an end tag without a start tag")),
                _ => {}
            }
        }
    }

    /// Reads up to the end of the next value.
    ///
    /// # Errors
    /// What makes it useless to read on. What is wrong with the value alone is in the step.
    pub(super) fn step(&mut self) -> Result<Step, Error> {
        loop {
            match self.event()? {
                Event::Start(start) => self.start(&start)?,
                Event::End(_) if self.builder.is_idle() => return Ok(Step::EndTag),
                Event::End(_) => {
                    let closed = self.builder.close();
                    self.settle(closed)?;
                }
                Event::Eof if self.builder.is_idle() => return Ok(Step::EndOfText),
                Event::Eof => return Err(self.cut_off()),
                Event::Text(text) if text.trim_ascii().is_empty() => {}
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
                    if self.builder.is_idle() {
                        return Err(self.malformed("text between values"));
                    }
                    self.misfit("text beside elements");
                }
                _ => {}
            }
            if let Some(root) = self.builder.take_root() {
                return Ok(Step::Value(root));
            }
        }
    }

    /// Makes sure that nothing but blanks and comments is left.
    pub(super) fn end(&mut self) -> Result<(), Error> {
        loop {
            match self.event()? {
                Event::Eof => return Ok(()),
                Event::Comment(_) | Event::PI(_) => {}
                Event::Text(text) if text.trim_ascii().is_empty() => {}
                _ => return Err(self.malformed("something after the root element")),
            }
        }
    }

    fn event(&mut self) -> Result<Event<'x>, Error> {
        match self.xml.read_event() {
            Ok(Event::DocType(_)) => Err(Error::DocumentType { offset: self.offset() }),
            Ok(event) => Ok(event),
            Err(error) => Err(Error::Malformed {
                offset: self.base + self.xml.error_position(),
                reason: error.to_string(),
            }),
        }
    }

    fn start(&mut self, start: &BytesStart<'x>) -> Result<(), Error> {
        let element = Element::named(start.name().as_ref());
        let attributes = self.attributes(start)?;
        let in_object = self.builder.is_in_object();
        let opened = match element {
            Element::Primitive(primitive) => {
                let text = self.leaf_text(start)?;
                let value = primitive.value(text).unwrap_or_else(|expected| {
                    let path = self.path_to(start, attributes.name.as_deref());
                    let offset = self.offset();
                    self.builder.damage(Error::Value { expected, path, offset });
                    Value::Nil
                });
                return self.attach(start, attributes.name, value, 1);
            }
            Element::Nil => {
                self.leaf_text(start)?;
                return self.attach(start, attributes.name, Value::Nil, 1);
            }
            Element::Progress | Element::Unknown => return self.unknown(start, attributes.name),
            Element::Reference => return self.reference(start, attributes),
            Element::Object => {
                self.builder.open_object(attributes.name, attributes.ref_id.as_deref())
            }
            Element::TypeNames if in_object => {
                return self.type_names(attributes.ref_id.as_deref());
            }
            Element::TypeNamesReference if in_object => {
                return self.type_names_reference(start, attributes);
            }
            Element::ToString if in_object => {
                let text = text::decode(self.leaf_text(start)?);
                let set = self.builder.set_text(text);
                return self.settle(Ok(set));
            }
            Element::Adapted if in_object => self.builder.open_adapted(),
            Element::Extended if in_object || self.builder.takes_members() => {
                self.builder.open_extended(attributes.name)
            }
            Element::Items(items) if in_object => self.builder.open_items(items),
            Element::Dictionary if in_object => self.builder.open_dictionary(),
            Element::Entry => match self.builder.open_entry() {
                Ok(true) => Ok(()),
                Ok(false) => return self.misplaced(start),
                Err(passed) => Err(passed),
            },
            _ => return self.misplaced(start),
        };
        opened.map_err(|passed| self.passed(passed))
    }

    /// Gives a value to the innermost open element.
    fn attach(
        &mut self,
        start: &BytesStart<'x>,
        name: Option<Arc<str>>,
        value: Value,
        weight: usize,
    ) -> Result<(), Error> {
        match self.builder.attach(name, value, weight) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(problem)) => {
                let (path, offset) = (self.path_to(start, None), self.offset());
                self.builder.damage(Error::Structure { problem, path, offset });
                Ok(())
            }
            Err(passed) => Err(self.passed(passed)),
        }
    }

    fn reference(&mut self, start: &BytesStart<'x>, attributes: Attributes) -> Result<(), Error> {
        self.leaf_text(start)?;
        let id = attributes.ref_id.unwrap_or_default();
        let referred = self.builder.refer(&id).map_err(|passed| self.passed(passed))?;
        let (value, weight) = referred.unwrap_or_else(|| {
            self.dangling(start, attributes.name.as_deref(), &id);
            (Value::Nil, 1)
        });
        self.attach(start, attributes.name, value, weight)
    }

    fn type_names_reference(
        &mut self,
        start: &BytesStart<'x>,
        attributes: Attributes,
    ) -> Result<(), Error> {
        self.leaf_text(start)?;
        let id = attributes.ref_id.unwrap_or_default();
        match self.builder.refer_to_type_names(&id) {
            Some(set) => self.settle(Ok(set)),
            None => {
                self.dangling(start, None, &id);
                Ok(())
            }
        }
    }

    fn type_names(&mut self, ref_id: Option<&str>) -> Result<(), Error> {
        let mut names = Vec::new();
        loop {
            match self.event()? {
                Event::Start(start) if start.name().as_ref() == "T" => {
                    let text = self.leaf_text(&start)?;
                    let name = self.builder.type_names.share(&text, |escaped| {
                        Ok::<_, Error>(text::decode(Cow::Borrowed(escaped)))
                    })?;
                    if names.len() >= self.builder.limits.members {
                        return Err(self.passed(Passed {
                            what: "type names of an object",
                            limit: self.builder.limits.members,
                        }));
                    }
                    names.push(name);
                }
                Event::Start(start) => self.misplaced(&start)?,
                Event::End(_) => break,
                Event::Eof => return Err(self.cut_off()),
                Event::Text(text) if text.trim_ascii().is_empty() => {}
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
                    self.misfit("text beside elements");
                }
                _ => {}
            }
        }
        let set = self.builder.set_type_names(ref_id, &names);
        self.settle(Ok(set))
    }

    /// Keeps an element of unknown name; a `<PR>` is one unless its children are those of a
    /// progress record.
    fn unknown(&mut self, start: &BytesStart<'x>, name: Option<Arc<str>>) -> Result<(), Error> {
        let tag = start.name().as_ref().to_owned();
        let mut attributes = String::new();
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| self.malformed(&error.to_string()))?;
            if attribute.key.as_ref() != "N" {
                let value = attribute.value.replace('"', "&quot;");
                attributes.extend([" ", attribute.key.as_ref(), "=\"", &value, "\""]);
            }
        }
        let (text, children) = self.skip()?;
        if tag == "PR"
            && attributes.is_empty()
            && let Some(progress) = children.as_deref().and_then(Progress::from_children)
        {
            return self.attach(start, name, Value::Progress(Box::new(progress)), 1);
        }
        if tag.len() + attributes.len() + text.len() > self.builder.limits.text_bytes {
            return Err(self.text_too_long());
        }
        let unknown = Unknown { tag, attributes, text: text.to_owned() };
        let attached = self.builder.attach_unknown(name, unknown);
        self.settle(attached)
    }

    /// Passes over the rest of an element: the XML in it, and its children if they are plain, that
    /// is, have no attributes and no elements in them.
    fn skip(&mut self) -> Result<(&'x str, Option<Vec<(String, String)>>), Error> {
        let from = self.position();
        let mut depth = 0_usize;
        let mut children = Some(Vec::new());
        loop {
            let to = self.position();
            match self.event()? {
                Event::Start(start) => {
                    let is_plain = depth == 0 && start.attributes_raw().trim_ascii().is_empty();
                    match children.as_mut().filter(|children| is_plain && children.len() < 9) {
                        Some(children) => {
                            children.push((start.name().as_ref().to_owned(), String::new()));
                        }
                        None => children = None,
                    }
                    depth += 1;
                }
                Event::End(_) if depth == 0 => {
                    return Ok((self.text.get(from..to).unwrap_or_default(), children));
                }
                Event::End(_) => depth -= 1,
                Event::Eof => return Err(self.cut_off()),
                Event::Text(text) if depth == 1 => {
                    if let Some((_, child)) = children.as_mut().and_then(|all| all.last_mut()) {
                        child.push_str(&text);
                    }
                }
                Event::Text(text) if text.trim_ascii().is_empty() => {}
                Event::GeneralRef(entity) if depth == 1 => {
                    let mut character = String::new();
                    self.push_entity(&mut character, &entity)?;
                    if let Some((_, child)) = children.as_mut().and_then(|all| all.last_mut()) {
                        child.push_str(&character);
                    }
                }
                _ => children = None,
            }
        }
    }

    /// The text of the element that `start` began, up to and with its end tag.
    fn leaf_text(&mut self, start: &BytesStart<'x>) -> Result<Cow<'x, str>, Error> {
        let (first, next) = match self.event()? {
            Event::End(_) => return Ok(Cow::Borrowed("")),
            Event::Text(text) => (text.into_inner(), self.event()?),
            other => (Cow::Borrowed(""), other),
        };
        let text = match next {
            Event::End(_) => first,
            next => Cow::Owned(self.mixed_text(start, first.into_owned(), next)?),
        };
        if text.len() > self.builder.limits.text_bytes {
            return Err(self.text_too_long());
        }
        Ok(text)
    }

    /// The rest of a text that is not in one piece.
    fn mixed_text(
        &mut self,
        start: &BytesStart<'x>,
        mut text: String,
        next: Event<'x>,
    ) -> Result<String, Error> {
        let mut event = next;
        loop {
            match event {
                Event::End(_) => return Ok(text),
                Event::Text(more) => text.push_str(&more),
                Event::CData(more) => text.push_str(&more),
                Event::GeneralRef(entity) => self.push_entity(&mut text, &entity)?,
                Event::Start(_) => {
                    self.skip()?;
                    let (path, offset) = (self.path_to(start, None), self.offset());
                    let problem = "an element where only text may be";
                    self.builder.damage(Error::Structure { problem, path, offset });
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

    fn attributes(&mut self, start: &BytesStart<'x>) -> Result<Attributes, Error> {
        let raw = start.attributes_raw().trim_ascii();
        if raw.is_empty() {
            return Ok(Attributes::default());
        }
        if let Some(name) = raw.strip_prefix("N=\"").and_then(|raw| raw.strip_suffix('"'))
            && memchr::memchr(b'"', name.as_bytes()).is_none()
        {
            return Ok(Attributes { name: Some(self.name(name)?), ref_id: None });
        }
        let mut attributes = Attributes::default();
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| self.malformed(&error.to_string()))?;
            match attribute.key.as_ref() {
                "N" => attributes.name = Some(self.name(&attribute.value)?),
                "RefId" => attributes.ref_id = Some(attribute.value.into_owned()),
                _ => {}
            }
        }
        Ok(attributes)
    }

    fn name(&mut self, escaped: &str) -> Result<Arc<str>, Error> {
        if escaped.len() > self.builder.limits.text_bytes {
            return Err(self.text_too_long());
        }
        let offset = self.offset();
        self.builder.names.share(escaped, |escaped| {
            let text = unescape(escaped)
                .map_err(|error| Error::Malformed { offset, reason: error.to_string() })?;
            Ok(text::decode(text))
        })
    }

    /// Passes over an element that may not stand where it does.
    fn misplaced(&mut self, start: &BytesStart<'x>) -> Result<(), Error> {
        if self.builder.is_idle() {
            let found = format!("<{}>", start.name().as_ref());
            return Err(Error::NotClixml { expected: "value", found });
        }
        let (path, offset) = (self.path_to(start, None), self.offset());
        let problem = "an element that may not stand there";
        self.builder.damage(Error::Structure { problem, path, offset });
        self.skip()?;
        Ok(())
    }

    fn dangling(&mut self, start: &BytesStart<'x>, name: Option<&str>, id: &str) {
        let path = self.path_to(start, name);
        let id = id.chars().take(SHOWN_ID_CHARACTERS).collect();
        let offset = self.offset();
        self.builder.damage(Error::Reference { id, path, offset });
    }

    fn misfit(&mut self, problem: Misfit) {
        let path = self.builder.path().trim_end_matches('/').to_owned();
        let offset = self.offset();
        self.builder.damage(Error::Structure { problem, path, offset });
    }

    /// Turns what the builder says into a damaged value or an end of reading.
    fn settle(&mut self, outcome: Result<Result<(), Misfit>, Passed>) -> Result<(), Error> {
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(problem)) => self.misfit(problem),
            Err(passed) => return Err(self.passed(passed)),
        }
        Ok(())
    }

    fn path_to(&self, start: &BytesStart<'_>, name: Option<&str>) -> String {
        let name = name.map(|name| format!("[{name}]")).unwrap_or_default();
        format!("{}{}{name}", self.builder.path(), start.name().as_ref())
    }

    fn offset(&self) -> u64 {
        self.base + self.xml.buffer_position()
    }

    pub(super) fn cut_off(&self) -> Error {
        self.malformed("it ends before its last element does")
    }

    fn malformed(&self, reason: &str) -> Error {
        Error::Malformed { offset: self.offset(), reason: reason.to_owned() }
    }

    fn passed(&self, passed: Passed) -> Error {
        Error::Limit { what: passed.what, limit: passed.limit, offset: self.offset() }
    }

    fn text_too_long(&self) -> Error {
        let Limits { text_bytes, .. } = self.builder.limits;
        self.passed(Passed { what: "bytes of text", limit: text_bytes })
    }
}
