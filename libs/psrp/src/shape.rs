//! Shapes that many messages share: enums, lists, hashtables, and members read with an error that
//! names them.

use std::sync::Arc;

use crate::body::Error;
use crate::clixml::{Content, Object, Value};

/// An enum as PowerShell serializes it: an object around its number, its name as text.
pub(crate) fn enumeration(type_name: &str, text: &str, number: i32) -> Value {
    Object::around(Content::Primitive(Value::Int32(number)))
        .with_type_names([type_name, "System.Enum", "System.ValueType", "System.Object"])
        .with_text(text)
        .into()
}

/// The collection that stands for all others in host calls ([MS-PSRP] 2.2.6.1.4).
pub(crate) fn array_list(items: Vec<Value>) -> Value {
    Object::around(Content::List(items))
        .with_type_names(["System.Collections.ArrayList", "System.Object"])
        .into()
}

/// The generic list that PowerShell's client keeps commands and their arguments in.
pub(crate) fn object_list(items: Vec<Value>) -> Value {
    Object::around(Content::List(items))
        .with_type_names([
            "System.Collections.Generic.List`1[[System.Management.Automation.PSObject, \
             System.Management.Automation, Version=1.0.0.0, Culture=neutral, \
             PublicKeyToken=31bf3856ad364e35]]",
            "System.Object",
        ])
        .into()
}

/// A list of strings, such as the tags of an information record.
pub(crate) fn string_list(items: &[String]) -> Value {
    let items = items.iter().map(|item| Value::from(item.as_str())).collect();
    Object::around(Content::List(items))
        .with_type_names(["System.String[]", "System.Array", "System.Object"])
        .into()
}

/// A `Hashtable` of these entries.
pub(crate) fn hashtable(entries: Vec<(Value, Value)>) -> Value {
    Object::around(Content::Dictionary(entries))
        .with_type_names(["System.Collections.Hashtable", "System.Object"])
        .into()
}

/// The text, or `Nil`.
pub(crate) fn optional_text(text: Option<&str>) -> Value {
    text.map_or(Value::Nil, Value::from)
}

/// Members of a message, read tolerantly.
#[derive(Clone, Copy)]
pub(crate) struct Members<'a>(Option<&'a Arc<Object>>);

impl<'a> Members<'a> {
    /// The members of a value; none if it is not an object.
    pub(crate) fn of(value: &'a Value) -> Self {
        Self(value.as_object())
    }

    /// The members of a member; none if it is not there.
    pub(crate) fn within(self, name: &str) -> Self {
        Self(self.value(name).and_then(Value::as_object))
    }

    /// A member that is there and is not `Nil`. The members of all messages are extended ones,
    /// and an object of the same name elsewhere must not hide them.
    pub(crate) fn value(self, name: &str) -> Option<&'a Value> {
        let object = self.0?;
        object.extended(name).or_else(|| object.adapted(name)).filter(|value| !value.is_nil())
    }

    /// A member, `Nil` if it is not there.
    pub(crate) fn value_or_nil(self, name: &str) -> Value {
        self.value(name).cloned().unwrap_or(Value::Nil)
    }

    /// The text of a member.
    pub(crate) fn text(self, name: &str) -> Option<String> {
        self.value(name)?.text().map(|text| text.into_owned())
    }

    /// The text of a member, empty if it is not there.
    pub(crate) fn text_or_empty(self, name: &str) -> String {
        self.text(name).unwrap_or_default()
    }

    /// A member that is a number of 32 bits.
    pub(crate) fn i32(self, name: &str) -> Option<i32> {
        self.value(name)?.as_i64().and_then(|number| i32::try_from(number).ok())
    }

    /// A member that is a number.
    pub(crate) fn i64(self, name: &str) -> Option<i64> {
        self.value(name)?.as_i64()
    }

    /// A member that is true; one that is not there is not.
    pub(crate) fn is_true(self, name: &str) -> bool {
        self.value(name).and_then(Value::as_bool) == Some(true)
    }

    /// The items of a member that is a list; a single value counts as a list of one.
    pub(crate) fn items(self, name: &str) -> Vec<Value> {
        let Some(value) = self.value(name) else { return Vec::new() };
        value.items().map_or_else(|| vec![value.clone()], <[Value]>::to_vec)
    }

    /// A number of 32 bits without which the message means nothing.
    pub(crate) fn need_i32(self, name: &'static str) -> Result<i32, Error> {
        self.i32(name).ok_or(Error::Missing { member: name, expected: "a number of 32 bits" })
    }

    /// A number without which the message means nothing.
    pub(crate) fn need_i64(self, name: &'static str) -> Result<i64, Error> {
        self.i64(name).ok_or(Error::Missing { member: name, expected: "a number" })
    }

    /// A text without which the message means nothing.
    pub(crate) fn need_text(self, name: &'static str) -> Result<String, Error> {
        self.text(name).ok_or(Error::Missing { member: name, expected: "text" })
    }
}
