use std::ops::Range;

use memchr::memmem;
use thiserror::Error;

use super::Protocol;

/// The largest sealed body read, in bytes: the largest envelope and room for what sealing adds.
pub const MAX_BODY_BYTES: usize = crate::MAX_ENVELOPE_BYTES + 64 * 1024;

/// The most parts of one body: the largest envelope in CredSSP's pieces of 16 KB, and to spare.
pub const MAX_PARTS: usize = 1_024;

/// What the reader of sealed bodies refuses to go beyond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The largest body, in bytes.
    pub body_bytes: usize,
    /// The most parts.
    pub parts: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_bytes: MAX_BODY_BYTES, parts: MAX_PARTS }
    }
}

/// A sealed body taken apart. Its places are ranges of the body, so that it can be unsealed where it
/// lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// What sealed it.
    pub protocol: Protocol,
    /// The parts, in order; never empty.
    pub parts: Vec<Part>,
}

/// One sealed part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// How long it is when unsealed, in bytes, padding of the mechanism included.
    pub original_bytes: usize,
    /// Where the signature (or token header) lies.
    pub signature: Range<usize>,
    /// Where the sealed bytes lie, directly behind the signature.
    pub sealed: Range<usize>,
}

/// Why a body is not a sealed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Error {
    /// The content type names no multipart of a known protocol.
    #[error("the content type is not that of a sealed body")]
    NotSealed,
    /// The body does not follow the framing.
    #[error("the sealed body has no proper {what} at byte {at}")]
    Malformed {
        /// What should be there.
        what: &'static str,
        /// Where, in bytes from the body's start.
        at: usize,
    },
    /// The body goes beyond one of [`Limits`].
    #[error("the sealed body has more than {limit} {what}")]
    TooLarge {
        /// What there was too much of.
        what: &'static str,
        /// The limit it went beyond.
        limit: usize,
    },
}

/// Takes a sealed body apart within the default [`Limits`].
///
/// # Errors
///
/// [`Error::NotSealed`] when the content type is another one: then the body is plain.
pub fn parse(content_type: &str, body: &[u8]) -> Result<Parts, Error> {
    parse_with(content_type, body, &Limits::default())
}

/// Takes a sealed body apart within limits.
///
/// # Errors
///
/// As [`parse`].
pub fn parse_with(content_type: &str, body: &[u8], limits: &Limits) -> Result<Parts, Error> {
    let (protocol, boundary) = parse_content_type(content_type)?;
    if body.len() > limits.body_bytes {
        return Err(Error::TooLarge { what: "bytes", limit: limits.body_bytes });
    }
    let mut cursor = Cursor { body, at: 0, boundary: boundary.as_bytes() };
    let mut parts = Vec::new();
    if cursor.boundary_line() != Some(Boundary::Next) {
        return Err(cursor.malformed("boundary"));
    }
    loop {
        if parts.len() == limits.parts {
            return Err(Error::TooLarge { what: "parts", limit: limits.parts });
        }
        let (part, boundary) = cursor.part()?;
        parts.push(part);
        if boundary == Boundary::Last {
            return Ok(Parts { protocol, parts });
        }
    }
}

/// Reads `multipart/encrypted;protocol="…";boundary="…"`, its parameters in any order and case.
fn parse_content_type(content_type: &str) -> Result<(Protocol, &str), Error> {
    let (media_type, parameters) = content_type.split_once(';').ok_or(Error::NotSealed)?;
    let media_type = media_type.trim();
    if !["multipart/encrypted", "multipart/x-multi-encrypted"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(media_type))
    {
        return Err(Error::NotSealed);
    }
    let parameter = |name: &str| {
        parameters.split(';').find_map(|parameter| {
            let (key, value) = parameter.split_once('=')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
        })
    };
    let protocol = parameter("protocol").ok_or(Error::NotSealed)?;
    let protocol = [Protocol::Spnego, Protocol::Kerberos, Protocol::CredSsp]
        .into_iter()
        .find(|known| known.media_type().eq_ignore_ascii_case(protocol))
        .ok_or(Error::NotSealed)?;
    let boundary = parameter("boundary").unwrap_or("Encrypted Boundary").trim();
    if boundary.is_empty() { Err(Error::NotSealed) } else { Ok((protocol, boundary)) }
}

/// What follows a boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Boundary {
    Next,
    Last,
}

struct Cursor<'a> {
    body: &'a [u8],
    at: usize,
    boundary: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Reads one part and the boundary behind it.
    fn part(&mut self) -> Result<(Part, Boundary), Error> {
        let original_bytes = self.header()?;
        self.octet_stream()?;
        let length =
            self.rest().first_chunk::<4>().ok_or_else(|| self.malformed("signature length"))?;
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let signature_start = self.at + 4;
        let sealed_start = signature_start
            .checked_add(length)
            .filter(|end| *end <= self.body.len())
            .ok_or_else(|| self.malformed("signature"))?;
        let (sealed_end, boundary) = self
            .end_of_sealed(sealed_start, original_bytes)
            .ok_or_else(|| self.malformed("end"))?;
        let part = Part {
            original_bytes,
            signature: signature_start..sealed_start,
            sealed: sealed_start..sealed_end,
        };
        Ok((part, boundary))
    }

    /// Reads the first half of a part up to the second boundary; gives the original length.
    fn header(&mut self) -> Result<usize, Error> {
        let mut original_bytes = None;
        loop {
            match self.boundary_line() {
                Some(Boundary::Next) => break,
                Some(Boundary::Last) => return Err(self.malformed("second half")),
                None => {}
            }
            let line = self.line().ok_or_else(|| self.malformed("header line"))?;
            if let Some(length) = original_length(line) {
                original_bytes = Some(length);
            }
        }
        original_bytes.ok_or_else(|| self.malformed("OriginalContent"))
    }

    /// Reads the line that announces the sealed bytes; they begin right behind it.
    fn octet_stream(&mut self) -> Result<(), Error> {
        let line = self.line().unwrap_or_default();
        let value = header_value(line, b"Content-Type");
        match value {
            Some(value) if value.eq_ignore_ascii_case(b"application/octet-stream") => Ok(()),
            _ => Err(self.malformed("octet-stream header")),
        }
    }

    /// Finds the boundary that ends the sealed bytes and goes behind it. What is sealed may contain
    /// the boundary's text; but no mechanism makes a message shorter, so the search begins where the
    /// original length ends.
    fn end_of_sealed(&mut self, start: usize, original_bytes: usize) -> Option<(usize, Boundary)> {
        let from = start.checked_add(original_bytes).filter(|from| *from <= self.body.len())?;
        let mut searched = from;
        loop {
            let found = searched + memmem::find(self.body.get(searched..)?, b"--")?;
            self.at = found;
            if let Some(boundary) = self.boundary_line() {
                return Some((found, boundary));
            }
            searched = found + 1;
        }
    }

    /// Goes behind a boundary if one stands here: dashes, spaces, its text, and dashes again if it is
    /// the last.
    fn boundary_line(&mut self) -> Option<Boundary> {
        let rest = after_blanks(self.rest().strip_prefix(b"--")?);
        let rest = rest.strip_prefix(self.boundary)?;
        if let Some(rest) = rest.strip_prefix(b"--") {
            self.at = self.body.len() - rest.len();
            return Some(Boundary::Last);
        }
        let rest = after_blanks(rest);
        let rest = rest.strip_prefix(b"\r").unwrap_or(rest).strip_prefix(b"\n")?;
        self.at = self.body.len() - rest.len();
        Some(Boundary::Next)
    }

    /// The next line without its end, at most so long as a header may be.
    fn line(&mut self) -> Option<&'a [u8]> {
        let window = self.rest().get(..MAX_HEADER_BYTES).unwrap_or_else(|| self.rest());
        let end = memchr::memchr(b'\n', window)?;
        let line = window.get(..end)?;
        self.at += end + 1;
        Some(line)
    }

    fn rest(&self) -> &'a [u8] {
        self.body.get(self.at..).unwrap_or_default()
    }

    fn malformed(&self, what: &'static str) -> Error {
        Error::Malformed { what, at: self.at }
    }
}

fn after_blanks(bytes: &[u8]) -> &[u8] {
    let blanks = bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    bytes.get(blanks..).unwrap_or_default()
}

/// The longest header line, in bytes; the longest known has 78.
const MAX_HEADER_BYTES: usize = 1_024;

/// The value of a header line of that name, surrounding white space taken off both.
fn header_value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let colon = memchr::memchr(b':', line)?;
    let (key, value) = line.split_at_checked(colon)?;
    key.trim_ascii()
        .eq_ignore_ascii_case(name)
        .then(|| value.get(1..).unwrap_or_default().trim_ascii())
}

/// The length in `OriginalContent: type=…;charset=…;Length=N`.
fn original_length(line: &[u8]) -> Option<usize> {
    let value = header_value(line, b"OriginalContent")?;
    value.split(|byte| *byte == b';').find_map(|parameter| {
        let equals = memchr::memchr(b'=', parameter)?;
        let (key, length) = parameter.split_at_checked(equals)?;
        if !key.trim_ascii().eq_ignore_ascii_case(b"Length") {
            return None;
        }
        std::str::from_utf8(length.get(1..)?.trim_ascii()).ok()?.parse().ok()
    })
}
