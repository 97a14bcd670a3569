//! A page of an answer: objects, warnings and the link to the next, read in one go without a tree
//! of the whole in between.
//!
//! Of a property's annotations only two kinds are looked at: that it is a GUID, or a time. All other
//! types arrive as what they print as. Whatever the service may add is passed over.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::object::{Names, ObjectsSeed, Reading, ValueSeed};
use crate::{Object, Value};

/// What an answer holds.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Objects, and what stood in the place of one and is none.
    pub(super) objects: Vec<Result<Object, String>>,
    /// In the server's words.
    pub(super) warnings: Vec<String>,
    /// Where the next page is.
    pub(super) next: Option<String>,
    /// What a part of a batch failed with.
    pub(super) error: Option<serde_json::Value>,
}

/// One answer of a batch.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) id: String,
    pub(super) status: Option<u16>,
    pub(super) headers: serde_json::Value,
    pub(super) page: Page,
}

/// Most parts of a batch that are read, of which ten are asked for.
const MAX_PARTS: usize = 100;

/// The page of a body.
pub(super) fn read(body: &[u8], names: &mut Names) -> Result<Page, serde_json::Error> {
    whole(body, |deserializer| PageSeed(&mut Reading::new(names)).deserialize(deserializer))
}

/// The answers of a batch, in whatever order they came.
pub(super) fn read_batch(body: &[u8], names: &mut Names) -> Result<Vec<Part>, serde_json::Error> {
    whole(body, |deserializer| BatchSeed(&mut Reading::new(names)).deserialize(deserializer))
}

/// Reads a document to its end. A service that cuts texts by UTF-16 units leaves halves of
/// characters, which are no text: they are replaced, and the document is read again.
fn whole<T>(
    body: &[u8],
    mut read: impl FnMut(
        &mut serde_json::Deserializer<serde_json::de::SliceRead<'_>>,
    ) -> Result<T, serde_json::Error>,
) -> Result<T, serde_json::Error> {
    let mut once = |body: &[u8]| {
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        let value = read(&mut deserializer)?;
        deserializer.end()?;
        Ok(value)
    };
    once(body).or_else(|error: serde_json::Error| match mended(body) {
        Some(mended) => once(&mended),
        None => Err(error),
    })
}

/// The same with U+FFFD for escapes that are half a character, and bytes that are no UTF-8; `None`
/// if there are none.
fn mended(body: &[u8]) -> Option<Vec<u8>> {
    let unit = |at: usize| {
        let digits = std::str::from_utf8(body.get(at + 2..at + 6)?).ok()?;
        (body.get(at..at + 2)? == b"\\u").then(|| u16::from_str_radix(digits, 16).ok())?
    };
    let mut text = String::from_utf8_lossy(body).into_owned().into_bytes();
    if text.len() != body.len() {
        return mended(&text).or(Some(text));
    }
    let (mut at, mut halves) = (0, Vec::new());
    while let Some(found) = backslash(body, at) {
        at = match unit(found) {
            Some(0xd800..=0xdbff) if matches!(unit(found + 6), Some(0xdc00..=0xdfff)) => found + 12,
            Some(0xd800..=0xdfff) => {
                halves.push(found);
                found + 6
            }
            _ => found + 2,
        };
    }
    for half in &halves {
        text.get_mut(half + 2..half + 6)?.copy_from_slice(b"fffd");
    }
    (!halves.is_empty()).then_some(text)
}

fn backslash(body: &[u8], from: usize) -> Option<usize> {
    Some(from + body.get(from..)?.iter().position(|byte| *byte == b'\\')?)
}

/// A value as a document again, for those who look for something in it.
fn document(value: Value) -> serde_json::Value {
    match value {
        Value::Bool(flag) => flag.into(),
        Value::Int(number) => number.into(),
        Value::Text(text) => text.into(),
        Value::List(values) => values.into_iter().map(document).collect(),
        Value::Dictionary(entries) => {
            entries.into_iter().map(|(name, value)| (name, document(value))).collect()
        }
        other => other.text().map_or(serde_json::Value::Null, Into::into),
    }
}

struct PageSeed<'r, 'n>(&'r mut Reading<'n>);

impl<'de> DeserializeSeed<'de> for PageSeed<'_, '_> {
    type Value = Page;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Page, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for PageSeed<'_, '_> {
    type Value = Page;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page of objects")
    }

    fn visit_unit<E>(self) -> Result<Page, E> {
        Ok(Page::default())
    }

    fn visit_str<E>(self, text: &str) -> Result<Page, E> {
        Ok(Page { error: Some(text.into()), ..Page::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page, A::Error> {
        let mut page = Page::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "value" => page.objects = map.next_value_seed(ObjectsSeed(&mut *self.0))?,
                "@odata.nextLink" | "odata.nextLink" => page.next = map.next_value()?,
                "@adminapi.warnings" | "adminapi.warnings" => {
                    if let Value::List(texts) = map.next_value_seed(ValueSeed(&mut *self.0))? {
                        page.warnings.extend(texts.iter().filter_map(Value::text));
                    }
                }
                "error" => {
                    let error = document(map.next_value_seed(ValueSeed(&mut *self.0))?);
                    page.error = Some(error).filter(|error| !error.is_null());
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        page.next = page.next.filter(|link| !link.is_empty());
        Ok(page)
    }
}

struct BatchSeed<'r, 'n>(&'r mut Reading<'n>);

impl<'de> DeserializeSeed<'de> for BatchSeed<'_, '_> {
    type Value = Vec<Part>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Part>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for BatchSeed<'_, '_> {
    type Value = Vec<Part>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answers of a batch")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<Part>, A::Error> {
        let mut parts = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == "responses" {
                parts = map.next_value_seed(PartsSeed(&mut *self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(parts)
    }
}

struct PartsSeed<'r, 'n>(&'r mut Reading<'n>);

impl<'de> DeserializeSeed<'de> for PartsSeed<'_, '_> {
    type Value = Vec<Part>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Part>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for PartsSeed<'_, '_> {
    type Value = Vec<Part>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of answers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Part>, A::Error> {
        let mut parts = Vec::new();
        while let Some(part) = list.next_element_seed(PartSeed(&mut *self.0))? {
            if parts.len() == MAX_PARTS {
                return Err(A::Error::custom("a batch has more parts than were asked for"));
            }
            parts.push(part);
        }
        Ok(parts)
    }
}

struct PartSeed<'r, 'n>(&'r mut Reading<'n>);

impl<'de> DeserializeSeed<'de> for PartSeed<'_, '_> {
    type Value = Part;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Part, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PartSeed<'_, '_> {
    type Value = Part;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one answer of a batch")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Part, A::Error> {
        let mut part = Part {
            id: String::new(),
            status: None,
            headers: serde_json::Value::Null,
            page: Page::default(),
        };
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "id" => {
                    let id = map.next_value_seed(ValueSeed(&mut *self.0))?;
                    part.id = id.text().unwrap_or_default();
                }
                "status" => {
                    let status = map.next_value_seed(ValueSeed(&mut *self.0))?;
                    part.status = status.text().and_then(|text| text.parse().ok());
                }
                "headers" => {
                    part.headers = document(map.next_value_seed(ValueSeed(&mut *self.0))?);
                }
                "body" => part.page = map.next_value_seed(PageSeed(&mut *self.0))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(part)
    }
}

#[cfg(test)]
mod tests;
