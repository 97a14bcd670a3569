//! The values CLIXML carries: a typed tree whose objects may be shared.

use std::borrow::Cow;
use std::sync::Arc;

use uuid::Uuid;

use super::object::{Content, Object, Property};

/// One serialized value ([MS-PSRP] 2.2.5.1 for the primitives, 2.2.5.2 for objects).
///
/// Equality is by content. Two floating-point numbers are equal if their bits are, or if both are
/// not a number, so that a value that was written and read again equals itself.
#[derive(Debug, Clone)]
pub enum Value {
    /// `<Nil>`: no value.
    Nil,
    /// `<S>`: text, escapes undone.
    String(String),
    /// `<C>`: one UTF-16 code unit, which may be half of a pair.
    Char(u16),
    /// `<B>`.
    Boolean(bool),
    /// `<DT>`: date and time as Windows wrote it, to the letter (`2026-01-31T08:15:00.0000000Z`).
    DateTime(String),
    /// `<TS>`: duration as Windows wrote it (`PT9.0269026S`).
    Duration(String),
    /// `<By>`.
    UInt8(u8),
    /// `<SB>`.
    Int8(i8),
    /// `<U16>`.
    UInt16(u16),
    /// `<I16>`.
    Int16(i16),
    /// `<U32>`.
    UInt32(u32),
    /// `<I32>`.
    Int32(i32),
    /// `<U64>`.
    UInt64(u64),
    /// `<I64>`.
    Int64(i64),
    /// `<Sg>`.
    Single(f32),
    /// `<Db>`.
    Double(f64),
    /// `<D>`: decimal number of up to 29 digits, kept as text because no binary type holds it.
    Decimal(String),
    /// `<BA>`: bytes, Base64 undone.
    Bytes(Vec<u8>),
    /// `<G>`.
    Guid(Uuid),
    /// `<URI>`.
    Uri(String),
    /// `<XD>`: the text of an XML document.
    Xml(String),
    /// `<SBK>`: the text of a script block.
    ScriptBlock(String),
    /// `<SS>`: a secure string, still encrypted.
    SecureString(String),
    /// `<Version>`: two to four numbers joined by dots.
    Version(String),
    /// `<PR>`: a progress record.
    Progress(Box<Progress>),
    /// `<Obj>`. A `<Ref>` to a finished object is the same `Arc` again.
    Object(Arc<Object>),
    /// `<Ref>` to an object that is still open: a cycle, kept as it is. The object carries the
    /// same id in [`Object::ref_id`].
    Cycle(RefId),
    /// `<MS N="…">` inside `<MS>`: a named set of members.
    MemberSet(Vec<Property>),
    /// An element of a name this crate does not know, kept to be written back.
    Unknown(Box<Unknown>),
}

/// Names an object from inside itself: the how-manieth `<Obj>` of its document or message it is,
/// counted from zero in the order of their start tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RefId(pub u32);

/// An element of unknown name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// Name of the element.
    pub tag: String,
    /// Attributes other than `N` as they stood, each with a blank in front.
    pub attributes: String,
    /// XML between start and end tag as it stood.
    pub text: String,
}

/// A progress record serialized as a primitive ([MS-PSRP] 2.2.5.1.25).
///
/// Numbers are signed because Windows writes -1 for "not known".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// `AV`: what is being done.
    pub activity: String,
    /// `AI`: id of the activity.
    pub activity_id: i32,
    /// `S`: what is being done just now; `None` for `Nil`.
    pub current_operation: Option<String>,
    /// `PI`: id of the activity this one belongs to.
    pub parent_activity_id: i32,
    /// `PC`: per cent done.
    pub percent_complete: i32,
    /// `T`: `Processing` or `Completed`.
    pub kind: String,
    /// `SR`: seconds remaining.
    pub seconds_remaining: i32,
    /// `SD`: status.
    pub status_description: String,
}

impl Value {
    /// The text of a string, also of an object around a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self.primitive() {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, also of an object around one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.primitive() {
            Self::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, whatever its integer type, also of an object around one (an enum is an object
    /// around an `I32`).
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self.primitive() {
            Self::UInt8(value) => Some(i64::from(*value)),
            Self::Int8(value) => Some(i64::from(*value)),
            Self::UInt16(value) => Some(i64::from(*value)),
            Self::Int16(value) => Some(i64::from(*value)),
            Self::UInt32(value) => Some(i64::from(*value)),
            Self::Int32(value) => Some(i64::from(*value)),
            Self::UInt64(value) => i64::try_from(*value).ok(),
            Self::Int64(value) => Some(*value),
            _ => None,
        }
    }

    /// The GUID, also of an object around one.
    #[must_use]
    pub fn as_guid(&self) -> Option<Uuid> {
        match self.primitive() {
            Self::Guid(value) => Some(*value),
            _ => None,
        }
    }

    /// The object.
    #[must_use]
    pub fn as_object(&self) -> Option<&Arc<Object>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// What a person would read: the text of a primitive, the `ToString` of an object, else the
    /// text of the primitive it is around.
    ///
    /// `ToString` goes first because it is what carries the name of an enum member. Bytes, member
    /// sets, progress records and unknown elements have no text.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        if let Self::Object(object) = self
            && let Some(text) = &object.to_string
        {
            return Some(Cow::Borrowed(text));
        }
        match self.primitive() {
            Self::String(text)
            | Self::DateTime(text)
            | Self::Duration(text)
            | Self::Decimal(text)
            | Self::Uri(text)
            | Self::Xml(text)
            | Self::ScriptBlock(text)
            | Self::Version(text) => Some(Cow::Borrowed(text)),
            Self::Char(unit) => Some(Cow::Owned(String::from_utf16_lossy(&[*unit]))),
            Self::Boolean(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
            Self::UInt64(value) => Some(Cow::Owned(value.to_string())),
            Self::Single(value) => Some(Cow::Owned(value.to_string())),
            Self::Double(value) => Some(Cow::Owned(value.to_string())),
            Self::Guid(value) => Some(Cow::Owned(value.to_string())),
            other => other.as_i64().map(|value| Cow::Owned(value.to_string())),
        }
    }

    /// The items of a list, an enumerable, a stack or a queue.
    #[must_use]
    pub fn items(&self) -> Option<&[Self]> {
        match &self.as_object()?.content {
            Content::List(items)
            | Content::Enumerable(items)
            | Content::Stack(items)
            | Content::Queue(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a dictionary, in the order they were written.
    #[must_use]
    pub fn entries(&self) -> Option<&[(Self, Self)]> {
        match &self.as_object()?.content {
            Content::Dictionary(entries) => Some(entries),
            _ => None,
        }
    }

    /// A property of an object: the adapted one of that name, else the extended one, without
    /// regard to ASCII case.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Self> {
        self.as_object()?.property(name)
    }

    /// True for `Nil`.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// The value itself, or the innermost primitive if it is an object around one.
    fn primitive(&self) -> &Self {
        let mut value = self;
        while let Self::Object(object) = value
            && let Content::Primitive(inner) = &object.content
        {
            value = inner;
        }
        value
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nil, Self::Nil) => true,
            (Self::String(a), Self::String(b))
            | (Self::DateTime(a), Self::DateTime(b))
            | (Self::Duration(a), Self::Duration(b))
            | (Self::Decimal(a), Self::Decimal(b))
            | (Self::Uri(a), Self::Uri(b))
            | (Self::Xml(a), Self::Xml(b))
            | (Self::ScriptBlock(a), Self::ScriptBlock(b))
            | (Self::SecureString(a), Self::SecureString(b))
            | (Self::Version(a), Self::Version(b)) => a == b,
            (Self::Char(a), Self::Char(b)) | (Self::UInt16(a), Self::UInt16(b)) => a == b,
            (Self::Boolean(a), Self::Boolean(b)) => a == b,
            (Self::UInt8(a), Self::UInt8(b)) => a == b,
            (Self::Int8(a), Self::Int8(b)) => a == b,
            (Self::Int16(a), Self::Int16(b)) => a == b,
            (Self::UInt32(a), Self::UInt32(b)) => a == b,
            (Self::Int32(a), Self::Int32(b)) => a == b,
            (Self::UInt64(a), Self::UInt64(b)) => a == b,
            (Self::Int64(a), Self::Int64(b)) => a == b,
            (Self::Single(a), Self::Single(b)) => {
                a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
            }
            (Self::Double(a), Self::Double(b)) => {
                a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
            }
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Guid(a), Self::Guid(b)) => a == b,
            (Self::Progress(a), Self::Progress(b)) => a == b,
            (Self::Object(a), Self::Object(b)) => a == b,
            (Self::Cycle(a), Self::Cycle(b)) => a == b,
            (Self::MemberSet(a), Self::MemberSet(b)) => a == b,
            (Self::Unknown(a), Self::Unknown(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int32(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int64(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::UInt32(value)
    }
}

impl From<Uuid> for Value {
    fn from(value: Uuid) -> Self {
        Self::Guid(value)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(Arc::new(object))
    }
}
