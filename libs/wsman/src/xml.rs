//! Reading envelopes: one pass over the body, names compared by namespace and never by prefix.

use std::borrow::Cow;
use std::fmt::Display;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

use crate::error::Error;
use crate::limits::Limits;
use crate::uri;

/// A body as text: UTF-8, or UTF-16 when it begins so (DSP0226, 11.1 allows both).
///
/// # Errors
///
/// [`Error::NotSoap`] for bytes in neither encoding, [`Error::TooLarge`].
pub(crate) fn decode<'a>(body: &'a [u8], limits: &Limits) -> Result<Cow<'a, str>, Error> {
    if body.len() > limits.envelope_bytes {
        return Err(Error::TooLarge { what: "bytes", limit: limits.envelope_bytes });
    }
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, _) = bytes.as_chunks::<2>();
        let units = pairs.iter().map(|pair| unit(*pair));
        Cow::Owned(char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect())
    };
    match body {
        [0xff, 0xfe, rest @ ..] => Ok(utf16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Ok(utf16(rest, u16::from_be_bytes)),
        [b'<', 0, ..] => Ok(utf16(body, u16::from_le_bytes)),
        [0, b'<', ..] => Ok(utf16(body, u16::from_be_bytes)),
        _ => {
            let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
            let text = simdutf8::basic::from_utf8(body).map(Cow::Borrowed);
            text.map_err(|_| not_soap(&String::from_utf8_lossy(body)))
        }
    }
}

/// The namespaces that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ns {
    Soap,
    Addressing,
    Transfer,
    Enumeration,
    Wsman,
    MicrosoftWsman,
    Fault,
    Shell,
    PowerShell,
    Other,
}

impl Ns {
    fn of(resolved: &ResolveResult<'_>) -> Self {
        let ResolveResult::Bound(Namespace(namespace)) = resolved else { return Self::Other };
        match *namespace {
            uri::SOAP => Self::Soap,
            uri::ADDRESSING => Self::Addressing,
            uri::TRANSFER => Self::Transfer,
            uri::ENUMERATION => Self::Enumeration,
            uri::WSMAN => Self::Wsman,
            uri::MICROSOFT_WSMAN => Self::MicrosoftWsman,
            uri::WSMAN_FAULT => Self::Fault,
            uri::SHELL => Self::Shell,
            uri::POWERSHELL => Self::PowerShell,
            _ => Self::Other,
        }
    }
}

/// The start of an element. Whoever gets one reads the element to its end before anything else.
pub(crate) struct Element<'i> {
    pub(crate) ns: Ns,
    start: BytesStart<'i>,
}

impl Element<'_> {
    /// The name without its prefix.
    pub(crate) fn name(&self) -> &str {
        self.start.local_name().into_inner()
    }

    /// Namespace and name, to match both at once.
    pub(crate) fn key(&self) -> (Ns, &str) {
        (self.ns, self.name())
    }

    /// An attribute by its name without prefix.
    pub(crate) fn attribute(&self, name: &str) -> Result<Option<String>, Error> {
        for attribute in self.start.attributes() {
            let attribute = attribute.map_err(malformed)?;
            if attribute.key.local_name().into_inner() == name {
                let value = attribute.normalized_value(XmlVersion::Implicit1_0);
                return value.map(|value| Some(value.into_owned())).map_err(malformed);
            }
        }
        Ok(None)
    }
}

/// What stands within an element.
pub(crate) enum Piece<'i> {
    Child(Element<'i>),
    Text(Cow<'i, str>),
}

/// Walks through an envelope.
pub(crate) struct Reader<'i> {
    inner: NsReader<&'i [u8]>,
    limits: &'i Limits,
    depth: usize,
}

impl<'i> Reader<'i> {
    /// Goes into the envelope.
    ///
    /// # Errors
    ///
    /// [`Error::NotSoap`] when the text is none.
    pub(crate) fn open(text: &'i str, limits: &'i Limits) -> Result<Self, Error> {
        let mut inner = NsReader::from_str(text);
        inner.config_mut().expand_empty_elements = true;
        let mut reader = Self { inner, limits, depth: 0 };
        match reader.piece() {
            Ok(Some(Piece::Child(root))) if root.key() == (Ns::Soap, "Envelope") => Ok(reader),
            Err(limit @ Error::TooLarge { .. }) => Err(limit),
            _ => Err(not_soap(text)),
        }
    }

    /// The next child of the element one is in; none when the element ended. Text between is passed over.
    pub(crate) fn child(&mut self) -> Result<Option<Element<'i>>, Error> {
        loop {
            match self.piece()? {
                Some(Piece::Child(child)) => return Ok(Some(child)),
                Some(Piece::Text(_)) => {}
                None => return Ok(None),
            }
        }
    }

    /// The next child or text of the element one is in; none when the element ended.
    pub(crate) fn piece(&mut self) -> Result<Option<Piece<'i>>, Error> {
        loop {
            let (resolved, event) = self.inner.read_resolved_event().map_err(malformed)?;
            match event {
                Event::Start(start) => {
                    let ns = Ns::of(&resolved);
                    self.depth += 1;
                    if self.depth > self.limits.depth {
                        return Err(Error::TooLarge { what: "levels", limit: self.limits.depth });
                    }
                    return Ok(Some(Piece::Child(Element { ns, start })));
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(None);
                }
                Event::Text(text) if self.depth > 0 => {
                    return Ok(Some(Piece::Text(text.into_inner())));
                }
                Event::Text(text) if text.trim().is_empty() => {}
                Event::Text(_) => return Err(malformed("text outside the envelope")),
                Event::CData(text) => return Ok(Some(Piece::Text(text.into_inner()))),
                Event::GeneralRef(reference) => {
                    let c = reference.resolve_char_ref().map_err(malformed)?;
                    let text = match c {
                        Some(c) => Cow::Owned(c.to_string()),
                        None => resolve_predefined_entity(&reference)
                            .map(Cow::Borrowed)
                            .ok_or_else(|| malformed("unknown entity"))?,
                    };
                    return Ok(Some(Piece::Text(text)));
                }
                Event::DocType(_) => return Err(malformed("document type")),
                Event::Eof => return Err(malformed("it ends too early")),
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
    }

    /// Leaves the element one is in, whatever it holds.
    pub(crate) fn skip(&mut self) -> Result<(), Error> {
        let mut open = 1_usize;
        while open > 0 {
            match self.piece()? {
                Some(Piece::Child(_)) => open += 1,
                Some(Piece::Text(_)) => {}
                None => open -= 1,
            }
        }
        Ok(())
    }

    /// The text of the element one is in, white space around it taken off, without that of its
    /// children; leaves the element.
    pub(crate) fn text(&mut self) -> Result<String, Error> {
        let mut whole = String::new();
        while let Some(piece) = self.piece()? {
            match piece {
                Piece::Text(text) => self.push_text(&mut whole, &text)?,
                Piece::Child(_) => self.skip()?,
            }
        }
        Ok(whole.trim().to_owned())
    }

    /// Adds to a text within the limit.
    pub(crate) fn push_text(&self, whole: &mut String, text: &str) -> Result<(), Error> {
        if whole.len() + text.len() > self.limits.text_bytes {
            return Err(Error::TooLarge { what: "bytes of text", limit: self.limits.text_bytes });
        }
        whole.push_str(text);
        Ok(())
    }

    /// The text of the element one is in however long, as base64 would be; leaves the element.
    pub(crate) fn long_text(&mut self) -> Result<Cow<'i, str>, Error> {
        let mut whole = Cow::Borrowed("");
        while let Some(piece) = self.piece()? {
            match piece {
                Piece::Text(text) if whole.is_empty() => whole = text,
                Piece::Text(text) => whole.to_mut().push_str(&text),
                Piece::Child(_) => self.skip()?,
            }
        }
        Ok(whole)
    }

    /// The bytes of the element one is in; leaves the element.
    pub(crate) fn base64(&mut self, element: &'static str) -> Result<Vec<u8>, Error> {
        let text = self.long_text()?;
        let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
        decode_base64(element, &text, &mut bytes)?;
        Ok(bytes)
    }

    /// Refuses one more of something of which there are so many already.
    pub(crate) fn check_count(&self, what: &'static str, count: usize) -> Result<(), Error> {
        let limit = self.limits.streams;
        if count < limit { Ok(()) } else { Err(Error::TooLarge { what, limit }) }
    }
}

/// Padding may be there or not: what matters is that no byte is lost.
const TOLERANT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Adds the bytes of a base64 text, which may hold line breaks.
pub(crate) fn decode_base64(
    element: &'static str,
    text: &str,
    bytes: &mut Vec<u8>,
) -> Result<(), Error> {
    let start = bytes.len();
    if TOLERANT.decode_vec(text, bytes).is_ok() {
        return Ok(());
    }
    bytes.truncate(start);
    let dense: String = text.split_ascii_whitespace().collect();
    TOLERANT.decode_vec(&dense, bytes).map_err(|_| Error::invalid(element, &dense))
}

/// What an integer attribute or element holds, with or without a sign (`Code` is printed both ways).
pub(crate) fn parse_code(text: &str) -> Option<u32> {
    let text = text.trim();
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u32::from_str_radix(hex, 16).ok();
    }
    text.parse().ok().or_else(|| text.parse().ok().map(i32::cast_unsigned))
}

fn not_soap(text: &str) -> Error {
    Error::NotSoap { start: text.trim_start().chars().take(Error::START_CHARS).collect() }
}

fn malformed(reason: impl Display) -> Error {
    Error::Malformed { reason: format!("{reason}") }
}
