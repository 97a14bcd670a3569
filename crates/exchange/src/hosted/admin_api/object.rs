//! From the service's JSON to objects, property by property.

use std::{borrow::Cow, collections::HashMap, fmt, sync::Arc};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use uuid::Uuid;

use crate::{Object, Value};

/// Names of properties: a thousand objects have the same thirty.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<Box<str>, Arc<str>>);

/// Most names kept; an organization has some hundred.
const MAX_NAMES: usize = 10_000;

impl Names {
    fn of(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let fresh: Arc<str> = name.into();
        if self.0.len() < MAX_NAMES {
            self.0.insert(name.into(), Arc::clone(&fresh));
        }
        fresh
    }
}

/// One answer that is being read.
#[derive(Debug)]
pub(super) struct Reading<'n> {
    names: &'n mut Names,
    /// How many values more it may hold.
    left: usize,
    /// Properties of the object before: the next one has as many.
    width: usize,
}

/// Most values of one answer, objects among them. A value has a hundred times the memory of what it
/// may be written as (`[],`), so the length of a body is no limit. A thousand mailboxes with all there
/// is to be said of them have three hundred thousand.
pub(super) const MAX_VALUES: usize = 1_000_000;

impl<'n> Reading<'n> {
    pub(super) const fn new(names: &'n mut Names) -> Self {
        Self { names, left: MAX_VALUES, width: 0 }
    }

    /// Takes one value more.
    pub(super) fn take<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            E::custom(format_args!("there are more than {MAX_VALUES} values in one answer"))
        })?;
        Ok(())
    }
}

/// A list of objects, or the one object that some answers hold in its place.
pub(super) struct ObjectsSeed<'r, 'n>(pub(super) &'r mut Reading<'n>);

impl<'de> DeserializeSeed<'de> for ObjectsSeed<'_, '_> {
    type Value = Vec<Result<Object, String>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ObjectsSeed<'_, '_> {
    type Value = Vec<Result<Object, String>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut objects = Vec::new();
        while let Some(object) = list.next_element_seed(ObjectSeed(&mut *self.0))? {
            objects.push(object);
        }
        Ok(objects)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Ok(vec![ObjectSeed(self.0).visit_map(map)?])
    }
}

struct ObjectSeed<'r, 'n>(&'r mut Reading<'n>);

/// What an annotation says of the property that follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Guid,
    Time,
    Other,
}

impl Kind {
    /// `System.Guid`, `#Guid`, `System.DateTime`, `#DateTimeOffset`; each also in a nullable.
    fn of(annotation: &str) -> Self {
        if annotation.contains("Collection(") {
            Self::Other
        } else if annotation.contains("Guid") {
            Self::Guid
        } else if annotation.contains("DateTime") {
            Self::Time
        } else {
            Self::Other
        }
    }
}

impl<'de> DeserializeSeed<'de> for ObjectSeed<'_, '_> {
    type Value = Result<Object, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed<'_, '_> {
    type Value = Result<Object, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        self.0.take()?;
        let mut fields = Vec::with_capacity(self.0.width);
        // The annotation that was read last, and what it says. Its name begins with the property's.
        let mut told: Option<(Cow<'de, str>, Kind)> = None;
        while let Some(key) = map.next_key_seed(KeySeed)? {
            if let Some((name, _)) = key.split_once('@') {
                let kind = map.next_value_seed(KindSeed)?;
                let is_told = told.as_ref().is_some_and(|(annotation, known)| {
                    is_of(annotation, name) && *known != Kind::Other
                });
                if !is_told {
                    told = Some((key, kind));
                }
                continue;
            }
            let kind = told.take().filter(|(annotation, _)| is_of(annotation, &key));
            let kind = kind.map(|(_, kind)| kind);
            let value = map.next_value_seed(ValueSeed(&mut *self.0))?;
            fields.push((self.0.names.of(&key), as_told(value, kind)));
        }
        self.0.width = fields.len();
        Ok(Ok(Object { fields, ..Object::default() }))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        self.0.take()?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Err("a list came in the place of an object".to_owned()))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        self.0.take()?;
        Ok(Err("nothing came in the place of an object".to_owned()))
    }

    /// Some cmdlets give texts: an object that prints as one.
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        self.printing_as(text)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Self::Value, E> {
        self.printing_as(&value)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Self::Value, E> {
        self.printing_as(&value)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Self::Value, E> {
        self.printing_as(&value)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Self::Value, E> {
        self.printing_as(&value)
    }
}

impl ObjectSeed<'_, '_> {
    fn printing_as<E: serde::de::Error>(
        self,
        value: &(impl ToString + ?Sized),
    ) -> Result<Result<Object, String>, E> {
        self.0.take()?;
        Ok(Ok(Object { text: Some(value.to_string()), ..Object::default() }))
    }
}

fn as_told(value: Value, kind: Option<Kind>) -> Value {
    match (kind, value) {
        (Some(Kind::Guid), Value::Text(text)) => {
            Uuid::try_parse(text.trim()).map_or(Value::Text(text), Value::Guid)
        }
        (Some(Kind::Time), Value::Text(text)) => Value::Time(text),
        (_, value) => value,
    }
}

/// Whether an annotation is about a property.
fn is_of(annotation: &str, property: &str) -> bool {
    annotation.strip_prefix(property).is_some_and(|rest| rest.starts_with('@'))
}

/// What an annotation says; one that is no text says nothing.
struct KindSeed;

impl<'de> DeserializeSeed<'de> for KindSeed {
    type Value = Kind;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Kind, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for KindSeed {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an annotation")
    }

    fn visit_str<E>(self, text: &str) -> Result<Kind, E> {
        Ok(Kind::of(text))
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Kind, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Kind::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kind, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Kind::Other)
    }
}

/// The name of a property, borrowed where it can be.
struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(text.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(text.to_owned().into())
    }
}

/// A value, and what is in it.
pub(super) struct ValueSeed<'r, 'n>(pub(super) &'r mut Reading<'n>);

impl<'de> DeserializeSeed<'de> for ValueSeed<'_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.0.take()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or_else(|_| Value::Text(value.to_string()), Value::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(ValueSeed(&mut *self.0))? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if name.contains('@') {
                map.next_value::<IgnoredAny>()?;
            } else {
                entries.push((name, map.next_value_seed(ValueSeed(&mut *self.0))?));
            }
        }
        Ok(Value::Dictionary(entries))
    }
}
