//! A page of an answer: objects, warnings and the link to the next, read in one go without a tree
//! of the whole in between.
//!
//! Of a property's annotations only two kinds are looked at: that it is a GUID, or a time. All other
//! types arrive as what they print as. Whatever the service may add is passed over.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::object::{Names, ObjectsSeed};
use crate::Object;

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

/// The page of a body.
pub(super) fn read(body: &[u8], names: &mut Names) -> Result<Page, serde_json::Error> {
    whole(body, |deserializer| PageSeed(&mut *names).deserialize(deserializer))
}

/// The answers of a batch, in whatever order they came.
pub(super) fn read_batch(body: &[u8], names: &mut Names) -> Result<Vec<Part>, serde_json::Error> {
    whole(body, |deserializer| BatchSeed(&mut *names).deserialize(deserializer))
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

struct PageSeed<'n>(&'n mut Names);

impl<'de> DeserializeSeed<'de> for PageSeed<'_> {
    type Value = Page;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Page, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for PageSeed<'_> {
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
                    let warnings = map.next_value::<serde_json::Value>()?;
                    let texts = warnings.as_array().map(Vec::as_slice).unwrap_or_default();
                    page.warnings
                        .extend(texts.iter().filter_map(|text| text.as_str().map(str::to_owned)));
                }
                "error" => page.error = Some(map.next_value()?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        page.next = page.next.filter(|link| !link.is_empty());
        Ok(page)
    }
}

struct BatchSeed<'n>(&'n mut Names);

impl<'de> DeserializeSeed<'de> for BatchSeed<'_> {
    type Value = Vec<Part>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Part>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for BatchSeed<'_> {
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

struct PartsSeed<'n>(&'n mut Names);

impl<'de> DeserializeSeed<'de> for PartsSeed<'_> {
    type Value = Vec<Part>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Part>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for PartsSeed<'_> {
    type Value = Vec<Part>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of answers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Part>, A::Error> {
        let mut parts = Vec::new();
        while let Some(part) = list.next_element_seed(PartSeed(&mut *self.0))? {
            parts.push(part);
        }
        Ok(parts)
    }
}

struct PartSeed<'n>(&'n mut Names);

impl<'de> DeserializeSeed<'de> for PartSeed<'_> {
    type Value = Part;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Part, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PartSeed<'_> {
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
                    let id = map.next_value::<serde_json::Value>()?;
                    part.id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
                }
                "status" => {
                    let status = map.next_value::<serde_json::Value>()?;
                    let number = status.as_u64().or_else(|| status.as_str()?.parse().ok());
                    part.status = number.and_then(|number| number.try_into().ok());
                }
                "headers" => part.headers = map.next_value()?,
                "body" => part.page = map.next_value_seed(PageSeed(&mut *self.0))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(part)
    }
}

#[cfg(test)]
mod tests;
