//! From XML events to the builder.

use std::borrow::Cow;
use std::sync::Arc;

use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

use super::build::{Builder, Misfit, Passed};
use super::cursor::{Cursor, Leaf};
use super::element::{Element, Primitive};
use super::error::shown;
use super::value::{Progress, Unknown, Value};
use super::{Error, text};

/// Reads values one after another from a text, from a place between two values on.
pub(super) struct Parser<'x, 'b> {
    xml: Cursor<'x>,
    builder: &'b mut Builder,
}

/// What a parser met.
pub(super) enum Step {
    /// A value, complete, or what is wrong with it alone.
    Value(Result<Value, Error>),
    /// The end tag of the document whose start another parser has read.
    EndTag,
    /// The end of the text.
    EndOfText,
}

impl<'x, 'b> Parser<'x, 'b> {
    pub(super) fn new(text: &'x str, base: u64, builder: &'b mut Builder) -> Self {
        Self { xml: Cursor::new(text, base, builder.limits.text_bytes), builder }
    }

    /// Bytes of the text that have been read.
    pub(super) fn position(&self) -> usize {
        self.xml.position()
    }

    pub(super) fn cut_off(&self) -> Error {
        self.xml.cut_off()
    }

    /// The start tag of the root of what is `expected`: its name and its `Version`.
    pub(super) fn root(&mut self, expected: &'static str) -> Result<(String, String), Error> {
        loop {
            match self.xml.event()? {
                Event::Start(start) => {
                    let version = start
                        .try_get_attribute("Version")
                        .map_err(|error| self.xml.malformed(&error.to_string()))?
                        .map(|version| version.value.into_owned());
                    return Ok((start.name().as_ref().to_owned(), version.unwrap_or_default()));
                }
                Event::Eof => return Err(Error::Empty { size_bytes: self.xml.size_bytes() }),
                Event::Text(text) if text.trim_ascii().is_empty() => {}
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
                    return Err(Error::NotClixml { expected, found: "text".to_owned() });
                }
                Event::End(_) => return Err(self.xml.malformed("an end tag without a start tag")),
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
            match self.xml.event()? {
                Event::Start(start) => self.start(&start)?,
                Event::End(end) if self.builder.is_idle() => match end.name().as_ref() {
                    "Objs" => return Ok(Step::EndTag),
                    _ => return Err(self.xml.malformed("an end tag without a start tag")),
                },
                Event::End(_) => {
                    let closed = self.builder.close();
                    self.settle(closed)?;
                }
                Event::Eof if self.builder.is_idle() => return Ok(Step::EndOfText),
                other => self.between_elements(&other)?,
            }
            if let Some(root) = self.builder.take_root() {
                return Ok(Step::Value(root));
            }
        }
    }

    /// Makes sure that nothing but blanks and comments is left.
    pub(super) fn end(&mut self) -> Result<(), Error> {
        loop {
            match self.xml.event()? {
                Event::Eof => return Ok(()),
                Event::Comment(_) | Event::PI(_) => {}
                Event::Text(text) if text.trim_ascii().is_empty() => {}
                _ => return Err(self.xml.malformed("something after the root element")),
            }
        }
    }

    /// Passes over what may stand between elements.
    fn between_elements(&mut self, event: &Event<'_>) -> Result<(), Error> {
        match event {
            Event::Text(text) if text.trim_ascii().is_empty() => {}
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
                if self.builder.is_idle() {
                    return Err(self.xml.malformed("text between values"));
                }
                self.misfit("text beside elements");
            }
            Event::Eof => return Err(self.xml.cut_off()),
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, start: &BytesStart<'x>) -> Result<(), Error> {
        let element = Element::named(start.name().as_ref());
        let attributes = self.xml.attributes(start)?;
        let name = attributes.name.map(|name| self.name(&name)).transpose()?;
        let id = attributes.ref_id.as_deref();
        let in_object = self.builder.is_in_object();
        let opened = match element {
            Element::Primitive(primitive) => return self.primitive(start, name, primitive),
            Element::Nil => {
                self.leaf(start)?;
                return self.attach(start, name, Value::Nil, 1);
            }
            Element::Progress | Element::Unknown => return self.unknown(start, name),
            Element::Reference => return self.reference(start, name, id.unwrap_or_default()),
            Element::Object => self.builder.open_object(name, id),
            Element::TypeNames if in_object => return self.type_names(id),
            Element::TypeNamesReference if in_object => {
                return self.type_names_reference(start, id.unwrap_or_default());
            }
            Element::ToString if in_object => {
                let text = text::decode(self.leaf(start)?);
                let set = self.builder.set_text(text);
                return self.settle(Ok(set));
            }
            Element::Adapted if in_object => self.builder.open_adapted(),
            Element::Extended if in_object || self.builder.takes_members() => {
                self.builder.open_extended(name)
            }
            Element::Items(items) if in_object => self.builder.open_items(items),
            Element::Dictionary if in_object => self.builder.open_dictionary(),
            Element::Entry if self.builder.is_in_dictionary() => self.builder.open_entry(),
            _ => return self.misplaced(start),
        };
        opened.map_err(|passed| self.passed(passed))
    }

    fn primitive(
        &mut self,
        start: &BytesStart<'x>,
        name: Option<Arc<str>>,
        primitive: Primitive,
    ) -> Result<(), Error> {
        let text = self.leaf(start)?;
        let value = primitive.value(text).unwrap_or_else(|expected| {
            let offset = self.xml.offset();
            self.builder.damage(|builder| {
                let path = path(builder, start, name.as_deref());
                Error::Value { expected, path, offset }
            });
            Value::Nil
        });
        self.attach(start, name, value, 1)
    }

    /// Gives a value to the innermost open element.
    fn attach(
        &mut self,
        start: &BytesStart<'x>,
        name: Option<Arc<str>>,
        value: Value,
        weight: usize,
    ) -> Result<(), Error> {
        let attached = self.builder.attach(name, value, weight);
        if let Err(problem) = attached.map_err(|passed| self.passed(passed))? {
            self.misfit_at(start, problem);
        }
        Ok(())
    }

    fn reference(
        &mut self,
        start: &BytesStart<'x>,
        name: Option<Arc<str>>,
        id: &str,
    ) -> Result<(), Error> {
        self.leaf(start)?;
        let referred = self.builder.refer(id).map_err(|passed| self.passed(passed))?;
        let (value, weight) = referred.unwrap_or_else(|| {
            self.dangling(start, name.as_deref(), id);
            (Value::Nil, 1)
        });
        self.attach(start, name, value, weight)
    }

    fn type_names_reference(&mut self, start: &BytesStart<'x>, id: &str) -> Result<(), Error> {
        self.leaf(start)?;
        match self.builder.refer_to_type_names(id) {
            Some(set) => return self.settle(Ok(set)),
            None => self.dangling(start, None, id),
        }
        Ok(())
    }

    fn type_names(&mut self, id: Option<&str>) -> Result<(), Error> {
        let mut names = Vec::new();
        loop {
            match self.xml.event()? {
                Event::Start(start) if start.name().as_ref() == "T" => {
                    let text = self.leaf(&start)?;
                    let limit = self.builder.limits.members;
                    if names.len() >= limit {
                        return Err(self.passed(Passed { what: "type names", limit }));
                    }
                    names.push(self.builder.type_names.share(&text, |escaped| {
                        Ok::<_, Error>(text::decode(Cow::Borrowed(escaped)))
                    })?);
                }
                Event::Start(start) => self.misplaced(&start)?,
                Event::End(_) => break,
                other => self.between_elements(&other)?,
            }
        }
        let set = self.builder.set_type_names(id, &names);
        self.settle(Ok(set))
    }

    /// Keeps an element of unknown name; a `<PR>` is one unless its children are those of a
    /// progress record.
    fn unknown(&mut self, start: &BytesStart<'x>, name: Option<Arc<str>>) -> Result<(), Error> {
        let tag = start.name().as_ref().to_owned();
        let attributes = self.xml.other_attributes(start)?;
        let text = self.xml.skip()?.to_owned();
        if tag == "PR"
            && attributes.is_empty()
            && let Some(progress) = plain_children(&text).as_deref().and_then(Progress::of)
        {
            return self.attach(start, name, Value::Progress(Box::new(progress)), 1);
        }
        let attached = self.builder.attach_unknown(name, Unknown { tag, attributes, text });
        self.settle(attached)
    }

    /// The text of the element that `start` began, up to and with its end tag.
    fn leaf(&mut self, start: &BytesStart<'x>) -> Result<Cow<'x, str>, Error> {
        match self.xml.leaf()? {
            Leaf::Text(text) => Ok(text),
            Leaf::Elements => {
                self.misfit_at(start, "an element where only text may be");
                Ok(Cow::Borrowed(""))
            }
        }
    }

    fn name(&mut self, escaped: &str) -> Result<Arc<str>, Error> {
        self.builder.names.share(escaped, |escaped| {
            let text = unescape(escaped).map_err(|error| self.xml.malformed(&error.to_string()))?;
            Ok(text::decode(text))
        })
    }

    /// Passes over an element that may not stand where it does.
    fn misplaced(&mut self, start: &BytesStart<'x>) -> Result<(), Error> {
        if self.builder.is_idle() {
            let found = format!("<{}>", shown(start.name().as_ref()));
            return Err(Error::NotClixml { expected: "value", found });
        }
        self.misfit_at(start, "an element that may not stand there");
        self.xml.skip()?;
        Ok(())
    }

    fn dangling(&mut self, start: &BytesStart<'x>, name: Option<&str>, id: &str) {
        let offset = self.xml.offset();
        self.builder.damage(|builder| Error::Reference {
            id: shown(id),
            path: path(builder, start, name),
            offset,
        });
    }

    fn misfit_at(&mut self, start: &BytesStart<'x>, problem: Misfit) {
        let offset = self.xml.offset();
        self.builder.damage(|builder| Error::Structure {
            problem,
            path: path(builder, start, None),
            offset,
        });
    }

    fn misfit(&mut self, problem: Misfit) {
        let offset = self.xml.offset();
        self.builder.damage(|builder| {
            let path = builder.path().trim_end_matches('/').to_owned();
            Error::Structure { problem, path, offset }
        });
    }

    /// Turns what the builder says into a damaged value or an end of reading.
    fn settle(&mut self, outcome: Result<Result<(), Misfit>, Passed>) -> Result<(), Error> {
        if let Err(problem) = outcome.map_err(|passed| self.passed(passed))? {
            self.misfit(problem);
        }
        Ok(())
    }

    fn passed(&self, passed: Passed) -> Error {
        Error::Limit { what: passed.what, limit: passed.limit, offset: self.xml.offset() }
    }
}

/// The element that `start` begins and those around it.
fn path(builder: &Builder, start: &BytesStart<'_>, name: Option<&str>) -> String {
    let name = name.map(|name| format!("[{}]", shown(name))).unwrap_or_default();
    format!("{}{}{name}", builder.path(), shown(start.name().as_ref()))
}

/// Names and texts of the elements in `xml`; `None` if they have attributes or elements in them, or
/// if there is anything else.
fn plain_children(xml: &str) -> Option<Vec<(String, String)>> {
    let mut cursor = Cursor::new(xml, 0, xml.len());
    let mut children = Vec::new();
    loop {
        match cursor.event().ok()? {
            Event::Start(start) if start.attributes_raw().trim_ascii().is_empty() => {
                let Leaf::Text(text) = cursor.leaf().ok()? else { return None };
                children.push((start.name().as_ref().to_owned(), text.into_owned()));
            }
            Event::Text(text) if text.trim_ascii().is_empty() => {}
            Event::Eof => return Some(children),
            _ => return None,
        }
    }
}
