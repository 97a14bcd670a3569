//! One object of Exchange's output, free of the wire's types.

use std::sync::Arc;

use psrp::clixml::{self, Content};
use uuid::Uuid;

/// A bag of named properties. Names are compared without regard to ASCII case, as PowerShell does.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Object {
    /// Exchange's name of the type, without the `Deserialized.` a client may have put before it.
    pub type_name: Option<String>,
    /// What the object prints as.
    pub text: Option<String>,
    /// In the order they came.
    pub fields: Vec<(Arc<str>, Value)>,
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
    /// Values by name, in the order they came.
    Dictionary(Vec<(String, Self)>),
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

/// What PowerShell adds to every object it brings from afar; it says nothing about the object.
const NOTES: [&str; 3] = ["PSComputerName", "RunspaceId", "PSShowComputerName"];
/// A binary dump of the whole object, which nobody but Exchange's own shell should read.
const DUMP: &str = "SerializationData";

impl Object {
    /// The object a CLIXML value stands for. Properties of the type come first; of the notes that
    /// PowerShell added, those that are not there already.
    #[must_use]
    pub fn from_clixml(value: clixml::Value) -> Self {
        let object = match value {
            clixml::Value::Object(object) => Arc::unwrap_or_clone(object),
            other => return Self { text: other.text().map(Into::into), ..Self::default() },
        };
        let mut fields = Vec::with_capacity(object.adapted.len());
        for property in object.adapted {
            fields.push((property.name, Value::from_clixml(property.value)));
        }
        let own = fields.len();
        for property in object.extended {
            let is_there =
                |(known, _): &(Arc<str>, Value)| known.eq_ignore_ascii_case(&property.name);
            let is_noise = *property.name == *DUMP || NOTES.contains(&&*property.name);
            if !is_noise && !fields.iter().take(own).any(is_there) {
                fields.push((property.name, Value::from_clixml(property.value)));
            }
        }
        Self { type_name: type_name(&object.type_names), text: object.to_string, fields }
    }

    /// The value of a property, taken out.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        let (_, value) =
            self.fields.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        let value = std::mem::replace(value, Value::Null);
        (value != Value::Null).then_some(value)
    }

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

/// The most specific type's name. A client may have put a word before it.
fn type_name(names: &clixml::TypeNames) -> Option<String> {
    let name = names.first()?;
    Some(name.strip_prefix("Deserialized.").unwrap_or(name).to_owned())
}

impl Value {
    /// The value a CLIXML value stands for: lists as lists, references to directory objects as such,
    /// numbers, times and texts as they are, anything else by what it prints as.
    fn from_clixml(value: clixml::Value) -> Self {
        use clixml::Value as Wire;
        match value {
            Wire::Nil => Self::Null,
            Wire::String(text)
            | Wire::Uri(text)
            | Wire::Version(text)
            | Wire::Duration(text)
            | Wire::Decimal(text)
            | Wire::ScriptBlock(text) => Self::Text(text),
            Wire::DateTime(text) => Self::Time(text),
            Wire::Boolean(value) => Self::Bool(value),
            Wire::Guid(guid) => Self::Guid(guid),
            Wire::Object(object) => Self::from_object(object),
            other => match other.as_i64() {
                Some(number) => Self::Int(number),
                None => other.text().map_or(Self::Null, |text| Self::Text(text.into_owned())),
            },
        }
    }

    fn from_object(object: Arc<clixml::Object>) -> Self {
        let is_reference =
            object.type_names.first().is_some_and(|name| name.ends_with("ADObjectId"))
                || object.adapted("DistinguishedName").is_some()
                || object.adapted("ObjectGuid").is_some();
        if is_reference {
            let text = |name: &str| object.property(name)?.text().map(std::borrow::Cow::into_owned);
            return Self::Reference(Reference {
                text: object.to_string.clone(),
                name: text("Name"),
                distinguished_name: text("DistinguishedName"),
                guid: object.property("ObjectGuid").and_then(clixml::Value::as_guid),
            });
        }
        let mut object = Arc::unwrap_or_clone(object);
        match object.content {
            Content::List(items)
            | Content::Enumerable(items)
            | Content::Stack(items)
            | Content::Queue(items) => {
                Self::List(items.into_iter().map(Self::from_clixml).collect())
            }
            // An enum prints as its name. Of a time or a text with notes the value counts: what it
            // prints as follows the server's culture.
            Content::Primitive(value) => match object.to_string.take() {
                Some(text) if value.as_i64().is_some() => Self::Text(text),
                _ => Self::from_clixml(value),
            },
            Content::Dictionary(entries) => Self::Dictionary(
                entries
                    .into_iter()
                    .filter_map(|(key, value)| {
                        Some((key.text()?.into_owned(), Self::from_clixml(value)))
                    })
                    .collect(),
            ),
            Content::None => object.to_string.map_or(Self::Null, Self::Text),
        }
    }

    /// The value as text; lists, and the names of a dictionary, are joined by `, `. `None` for
    /// nothing and for empty texts.
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
            Self::Dictionary(entries) => {
                entries.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
            }
        };
        (!text.is_empty()).then_some(text)
    }

    /// The value as text, taken out. `None` for nothing and for empty texts.
    #[must_use]
    pub fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Time(text) => (!text.is_empty()).then_some(text),
            other => other.text(),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_value_prints_as_counts_where_it_says_more() {
        for (xml, value) in [
            (
                "<Obj N='P' RefId='1'><ToString>Mailbox</ToString><I32>2</I32></Obj>",
                Value::Text("Mailbox".to_owned()),
            ),
            (
                "<Obj N='P' RefId='1'><ToString>11/21/2026</ToString><DT>2026-11-21T00:00:00Z</DT></Obj>",
                Value::Time("2026-11-21T00:00:00Z".to_owned()),
            ),
            ("<Obj N='P' RefId='1'><ToString>True</ToString><B>true</B></Obj>", Value::Bool(true)),
            (
                "<Obj N='P' RefId='1'><ToString>35 MB</ToString><Props><I32 N='Value'>35</I32></Props></Obj>",
                Value::Text("35 MB".to_owned()),
            ),
            (
                "<Obj N='P' RefId='1'><LST><S>a</S></LST></Obj>",
                Value::List(vec![Value::Text("a".to_owned())]),
            ),
            (
                "<Obj N='P' RefId='1'><DCT><En><S N='Key'>Mailbox</S><I32 N='Value'>1</I32></En></DCT></Obj>",
                Value::Dictionary(vec![("Mailbox".to_owned(), Value::Int(1))]),
            ),
            (
                "<U64 N='P'>18446744073709551615</U64>",
                Value::Text("18446744073709551615".to_owned()),
            ),
        ] {
            let xml = format!(
                "<Obj RefId='0'><TN RefId='0'><T>Deserialized.X</T></TN><Props>{xml}</Props><MS><S N='p'>no</S></MS></Obj>"
            );
            let object = Object::from_clixml(clixml::read(xml.as_bytes()).unwrap());
            assert_eq!(object.type_name.as_deref(), Some("X"));
            assert_eq!(object.fields, [("P".into(), value)]);
        }
    }
}
