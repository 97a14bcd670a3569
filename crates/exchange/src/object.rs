//! One object of Exchange's output, free of the wire's types.

use uuid::Uuid;

/// A bag of named properties. Names are compared without regard to ASCII case, as PowerShell does.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Object {
    /// Exchange's name of the type, without the `Deserialized.` a client may have put before it.
    pub type_name: Option<String>,
    /// What the object prints as.
    pub text: Option<String>,
    /// In the order they came.
    pub fields: Vec<(String, Value)>,
}

/// The value of one property.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A text, or whatever prints as one (an enum's name, an address).
    Text(String),
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A point in time as it was written: `2026-11-21T01:02:03.1234567Z`, perhaps without offset.
    Time(String),
    /// A GUID.
    Guid(Uuid),
    /// A directory object that is referred to.
    Reference(Reference),
    /// Several values.
    List(Vec<Self>),
}

/// A directory object that is referred to: Exchange's `ADObjectId`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reference {
    /// What it prints as: a name or a canonical path, depending on the property.
    pub text: Option<String>,
    /// Name of the object.
    pub name: Option<String>,
    /// Distinguished name of the object.
    pub distinguished_name: Option<String>,
    /// GUID of the object.
    pub guid: Option<Uuid>,
}

impl Object {
    /// The value of a property; `None` if there is none of that name, or it is empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let (_, value) = self.fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        (!matches!(value, Value::Null)).then_some(value)
    }

    /// The value of the first of several spellings of a property that has one.
    #[must_use]
    pub fn first(&self, names: &[&str]) -> Option<&Value> {
        names.iter().find_map(|name| self.get(name))
    }
}

impl Value {
    /// The value as text; lists are joined by `, `. `None` for nothing and for empty texts.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let text = match self {
            Self::Null => return None,
            Self::Text(text) | Self::Time(text) => text.clone(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Guid(guid) => guid.to_string(),
            Self::Reference(reference) => reference
                .text
                .clone()
                .or_else(|| reference.distinguished_name.clone())
                .or_else(|| reference.name.clone())?,
            Self::List(values) => {
                values.iter().filter_map(Self::text).collect::<Vec<_>>().join(", ")
            }
        };
        (!text.is_empty()).then_some(text)
    }

    /// A boolean, also one written as text.
    #[must_use]
    pub fn bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Self::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// A GUID, also one written as text or carried by a reference.
    #[must_use]
    pub fn guid(&self) -> Option<Uuid> {
        match self {
            Self::Guid(guid) => Some(*guid),
            Self::Text(text) => Uuid::try_parse(text.trim()).ok(),
            Self::Reference(reference) => reference.guid,
            _ => None,
        }
        .filter(|guid| !guid.is_nil())
    }

    /// The values of a list; a value that is no list is a list of one.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match self {
            Self::Null => &[],
            Self::List(values) => values,
            single => std::slice::from_ref(single),
        }
    }
}
