//! The elements of CLIXML, and the texts of its primitives ([MS-PSRP] 2.2.5.1).

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use uuid::Uuid;

use super::text;
use super::value::{Progress, Value};

/// What the name of an element says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Primitive(Primitive),
    Nil,
    Progress,
    Object,
    Reference,
    TypeNames,
    TypeNamesReference,
    ToString,
    Adapted,
    Extended,
    Items(Items),
    Dictionary,
    Entry,
    Unknown,
}

/// The containers that hold items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Items {
    List,
    Enumerable,
    Stack,
    Queue,
}

/// The primitives whose element holds nothing but text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Primitive {
    String,
    Char,
    Boolean,
    DateTime,
    Duration,
    UInt8,
    Int8,
    UInt16,
    Int16,
    UInt32,
    Int32,
    UInt64,
    Int64,
    Single,
    Double,
    Decimal,
    Bytes,
    Guid,
    Uri,
    Xml,
    ScriptBlock,
    SecureString,
    Version,
}

impl Element {
    pub(super) fn named(name: &str) -> Self {
        match name {
            "S" => Self::Primitive(Primitive::String),
            "B" => Self::Primitive(Primitive::Boolean),
            "Nil" => Self::Nil,
            "Obj" => Self::Object,
            "Ref" => Self::Reference,
            "TN" => Self::TypeNames,
            "TNRef" => Self::TypeNamesReference,
            "ToString" => Self::ToString,
            "Props" => Self::Adapted,
            "MS" => Self::Extended,
            "LST" => Self::Items(Items::List),
            "IE" => Self::Items(Items::Enumerable),
            "STK" => Self::Items(Items::Stack),
            "QUE" => Self::Items(Items::Queue),
            "DCT" => Self::Dictionary,
            "En" => Self::Entry,
            "C" => Self::Primitive(Primitive::Char),
            "DT" => Self::Primitive(Primitive::DateTime),
            "TS" => Self::Primitive(Primitive::Duration),
            "By" => Self::Primitive(Primitive::UInt8),
            "SB" => Self::Primitive(Primitive::Int8),
            "U16" => Self::Primitive(Primitive::UInt16),
            "I16" => Self::Primitive(Primitive::Int16),
            "U32" => Self::Primitive(Primitive::UInt32),
            "I32" => Self::Primitive(Primitive::Int32),
            "U64" => Self::Primitive(Primitive::UInt64),
            "I64" => Self::Primitive(Primitive::Int64),
            "Sg" => Self::Primitive(Primitive::Single),
            "Db" => Self::Primitive(Primitive::Double),
            "D" => Self::Primitive(Primitive::Decimal),
            "BA" => Self::Primitive(Primitive::Bytes),
            "G" => Self::Primitive(Primitive::Guid),
            "URI" => Self::Primitive(Primitive::Uri),
            "XD" => Self::Primitive(Primitive::Xml),
            "SBK" => Self::Primitive(Primitive::ScriptBlock),
            "SS" => Self::Primitive(Primitive::SecureString),
            "Version" => Self::Primitive(Primitive::Version),
            "PR" => Self::Progress,
            _ => Self::Unknown,
        }
    }
}

impl Primitive {
    /// The value that the text of the element stands for.
    ///
    /// # Errors
    /// What the text should have been.
    pub(super) fn value(self, text: Cow<'_, str>) -> Result<Value, &'static str> {
        let number = text.trim_ascii();
        match self {
            Self::String => Some(Value::String(text::decode(text))),
            Self::DateTime => Some(Value::DateTime(text::decode(text))),
            Self::Duration => Some(Value::Duration(text::decode(text))),
            Self::Decimal => Some(Value::Decimal(text::decode(text))),
            Self::Uri => Some(Value::Uri(text::decode(text))),
            Self::Xml => Some(Value::Xml(text::decode(text))),
            Self::ScriptBlock => Some(Value::ScriptBlock(text::decode(text))),
            Self::SecureString => Some(Value::SecureString(text::decode(text))),
            Self::Version => Some(Value::Version(text::decode(text))),
            Self::Boolean => match number {
                "true" | "1" => Some(Value::Boolean(true)),
                "false" | "0" => Some(Value::Boolean(false)),
                _ => None,
            },
            Self::Char => number.parse().ok().map(Value::Char),
            Self::UInt8 => number.parse().ok().map(Value::UInt8),
            Self::Int8 => number.parse().ok().map(Value::Int8),
            Self::UInt16 => number.parse().ok().map(Value::UInt16),
            Self::Int16 => number.parse().ok().map(Value::Int16),
            Self::UInt32 => number.parse().ok().map(Value::UInt32),
            Self::Int32 => number.parse().ok().map(Value::Int32),
            Self::UInt64 => number.parse().ok().map(Value::UInt64),
            Self::Int64 => number.parse().ok().map(Value::Int64),
            Self::Single => float(number).map(Value::Single),
            Self::Double => float(number).map(Value::Double),
            Self::Bytes => bytes(&text).map(Value::Bytes),
            Self::Guid => Uuid::try_parse(number).ok().map(Value::Guid),
        }
        .ok_or_else(|| self.expectation())
    }

    fn expectation(self) -> &'static str {
        match self {
            Self::Char => "a UTF-16 code unit",
            Self::Boolean => "true or false",
            Self::UInt8 => "an integer from 0 to 255",
            Self::Int8 => "an integer from -128 to 127",
            Self::UInt16 => "an unsigned integer of 16 bits",
            Self::Int16 => "an integer of 16 bits",
            Self::UInt32 => "an unsigned integer of 32 bits",
            Self::Int32 => "an integer of 32 bits",
            Self::UInt64 => "an unsigned integer of 64 bits",
            Self::Int64 => "an integer of 64 bits",
            Self::Single | Self::Double => "a number, NaN, INF or -INF",
            Self::Bytes => "Base64",
            Self::Guid => "a GUID",
            _ => "text",
        }
    }
}

/// The number of an XML Schema `float` or `double`, which is stricter than Rust on what is not a
/// finite number.
fn float<F: std::str::FromStr>(text: &str) -> Option<F> {
    let rust = match text {
        "NaN" => "NaN",
        "INF" => "inf",
        "-INF" => "-inf",
        _ if text.bytes().any(|b| b.is_ascii_alphabetic() && b != b'e' && b != b'E') => "",
        _ => text,
    };
    rust.parse().ok()
}

/// Writes a floating-point number so that reading gives its bits again.
pub(super) fn write_float(out: &mut String, number: f64, shortest: std::fmt::Arguments<'_>) {
    if number.is_nan() {
        out.push_str("NaN");
    } else if number.is_infinite() {
        out.push_str(if number > 0.0 { "INF" } else { "-INF" });
    } else {
        let start = out.len();
        out.write_fmt(shortest).expect("writing to a string cannot fail");
        if out.get(start..).is_some_and(|text| text.ends_with(".0")) {
            out.truncate(out.len() - ".0".len());
        }
    }
}

/// Base64 as Windows writes it; some writers leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn bytes(text: &str) -> Option<Vec<u8>> {
    if text.bytes().any(|byte| byte.is_ascii_whitespace()) {
        let solid: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        return BASE64.decode(solid).ok();
    }
    BASE64.decode(text).ok()
}

/// Appends bytes as Base64.
pub(super) fn write_bytes(out: &mut String, bytes: &[u8]) {
    BASE64.encode_string(bytes, out);
}

impl Progress {
    /// The record that these children of a `<PR>` make, in the order Windows writes them; `None`
    /// if they are others.
    pub(super) fn of(children: &[(String, String)]) -> Option<Self> {
        let [av, ai, operation, pi, pc, kind, sr, sd] = children else { return None };
        let text = |(tag, text): &(String, String), name| {
            (tag == name).then(|| text::decode(Cow::Borrowed(text)))
        };
        // Kept only if it is written back to the letter.
        let number = |(tag, text): &(String, String), name| {
            let number: i32 = text.parse().ok()?;
            (tag == name && number.to_string() == *text).then_some(number)
        };
        Some(Self {
            activity: text(av, "AV")?,
            activity_id: number(ai, "AI")?,
            current_operation: match operation.0.as_str() {
                "Nil" if operation.1.is_empty() => None,
                _ => Some(text(operation, "S")?),
            },
            parent_activity_id: number(pi, "PI")?,
            percent_complete: number(pc, "PC")?,
            kind: text(kind, "T")?,
            seconds_remaining: number(sr, "SR")?,
            status_description: text(sd, "SD")?,
        })
    }
}
