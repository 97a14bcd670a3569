//! Counts what a tree holds, to be compared with a count of the XML it was read from.

use std::collections::HashSet;
use std::sync::Arc;

use super::object::{Content, Object, Property};
use super::value::Value;

/// What the values of one document or message hold.
///
/// Each number is that of the elements named beside it, so that a count of the XML by any other
/// means must give the same. What stands inside elements of unknown name is not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// `<Obj>`.
    pub objects: usize,
    /// `<ToString>`.
    pub to_strings: usize,
    /// Children of `<Props>` and of `<MS>`.
    pub members: usize,
    /// `<Ref>`.
    pub references: usize,
    /// `<TNRef>`.
    pub type_references: usize,
    /// Elements of unknown name.
    pub unknown: usize,
}

/// Counts the values of one document or message, as they were read: an `Arc` met again is a
/// reference, and so are type names met again.
#[must_use]
pub fn count(values: &[Value]) -> Counts {
    let mut census = Census::default();
    let mut waiting: Vec<&Value> = values.iter().collect();
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(object) if census.seen.insert(Arc::as_ptr(object)) => {
                census.object(object);
                wait_for_parts(object, &mut waiting);
            }
            Value::Object(_) | Value::Cycle(_) => census.counts.references += 1,
            Value::MemberSet(members) => {
                census.counts.members += members.len();
                waiting.extend(members.iter().map(|member| &member.value));
            }
            Value::Unknown(_) => census.counts.unknown += 1,
            _ => {}
        }
    }
    census.counts
}

#[derive(Default)]
struct Census {
    counts: Counts,
    seen: HashSet<*const Object>,
    seen_types: HashSet<*const Arc<str>>,
}

impl Census {
    fn object(&mut self, object: &Object) {
        self.counts.objects += 1;
        self.counts.to_strings += usize::from(object.to_string.is_some());
        self.counts.members += object.adapted.len() + object.extended.len();
        self.counts.unknown += object.unknown.len();
        if let Some(names) = &object.type_names.0
            && !self.seen_types.insert(names.as_ptr())
        {
            self.counts.type_references += 1;
        }
    }
}

fn wait_for_parts<'a>(object: &'a Object, waiting: &mut Vec<&'a Value>) {
    match &object.content {
        Content::None => {}
        Content::Primitive(value) => waiting.push(value),
        Content::List(items)
        | Content::Enumerable(items)
        | Content::Stack(items)
        | Content::Queue(items) => waiting.extend(items),
        Content::Dictionary(entries) => {
            waiting.extend(entries.iter().flat_map(|(key, value)| [key, value]));
        }
    }
    let members = object.adapted.iter().chain(&object.extended);
    waiting.extend(members.map(|Property { value, .. }| value));
}
