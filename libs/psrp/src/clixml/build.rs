//! Puts the elements of one scope together to values, without recursion.

use std::sync::Arc;

use super::element::Items;
use super::error::shown;
use super::names::{Ids, Names, TypeLists};
use super::object::{Content, Object, Property, TypeNames};
use super::value::{RefId, Unknown, Value};
use super::{Error, Limits};

/// What one reader keeps: shared names for its whole life, ids for one scope (a document or a
/// message), and the elements that are open.
#[derive(Debug, Default)]
pub(super) struct Builder {
    pub(super) limits: Limits,
    pub(super) names: Names,
    pub(super) type_names: Names,
    type_lists: TypeLists,
    scope: u64,
    types: Ids<TypeNames>,
    finished: Ids<Finished>,
    opened: u32,
    expansion: usize,

    frames: Vec<Frame>,
    objects: Vec<OpenObject>,
    // What belongs to open elements lies on these stacks, so that each finished vector is made
    // once and in its right size.
    properties: Vec<Property>,
    items: Vec<Value>,
    entries: Vec<(Value, Value)>,

    damage: Option<Error>,
    root: Option<Value>,
}

/// An open element. Numbers are where its part of the stacks begins.
#[derive(Debug)]
enum Frame {
    Object,
    Adapted(usize),
    Extended(usize),
    MemberSet(usize, Arc<str>),
    Items(Items, usize),
    Dictionary(usize),
    Entry(Option<Value>, Option<Value>),
}

#[derive(Debug, Default)]
struct OpenObject {
    object: Object,
    /// `N` attribute.
    name: Option<Arc<str>>,
    /// Where in `finished` it is to be found, if it has an id.
    place: Option<usize>,
    /// Values in it, those behind references counted each time.
    weight: usize,
    is_damaged: bool,
}

#[derive(Debug)]
enum Finished {
    /// Not yet: the id counted from the start of the scope, and its place among open objects.
    Open(RefId, usize),
    Object(Arc<Object>, usize),
    Damaged,
}

/// Something that does not fit, in words; the parser adds where.
pub(super) type Misfit = &'static str;

/// A limit that was passed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passed {
    pub(super) what: &'static str,
    pub(super) limit: usize,
}

fn check(what: &'static str, count: usize, limit: usize) -> Result<(), Passed> {
    if count < limit { Ok(()) } else { Err(Passed { what, limit }) }
}

impl Builder {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Forgets ids and open elements: a new document or message begins.
    pub(super) fn start_scope(&mut self) {
        self.scope += 1;
        self.types.clear();
        self.finished.clear();
        self.opened = 0;
        self.expansion = 0;
        self.frames.clear();
        self.objects.clear();
        self.properties.clear();
        self.items.clear();
        self.entries.clear();
        self.damage = None;
        self.root = None;
    }

    /// True between values: no element is open.
    pub(super) fn is_idle(&self) -> bool {
        self.frames.is_empty()
    }

    /// True if the innermost open element is an object.
    pub(super) fn is_in_object(&self) -> bool {
        matches!(self.frames.last(), Some(Frame::Object))
    }

    /// The value that was finished, or what was wrong with it.
    pub(super) fn take_root(&mut self) -> Option<Result<Value, Error>> {
        let root = self.root.take()?;
        Some(self.damage.take().map_or(Ok(root), Err))
    }

    /// Notes that the open value cannot be handed on. Reading goes on to its end, so that the ids
    /// in it are known to the values after it. Only the first `error` of a value is asked for.
    pub(super) fn damage(&mut self, error: impl FnOnce(&Self) -> Error) {
        if let Some(object) = self.objects.last_mut() {
            object.is_damaged = true;
        }
        if self.damage.is_none() {
            self.damage = Some(error(self));
        }
    }

    /// The open elements, outermost first, each with a slash behind it.
    pub(super) fn path(&self) -> String {
        let mut objects = self.objects.iter();
        let mut path = String::new();
        for frame in &self.frames {
            let (tag, name) = match frame {
                Frame::Object => ("Obj", objects.next().and_then(|object| object.name.as_deref())),
                Frame::Adapted(_) => ("Props", None),
                Frame::Extended(_) => ("MS", None),
                Frame::MemberSet(_, name) => ("MS", Some(&**name)),
                Frame::Items(Items::List, _) => ("LST", None),
                Frame::Items(Items::Enumerable, _) => ("IE", None),
                Frame::Items(Items::Stack, _) => ("STK", None),
                Frame::Items(Items::Queue, _) => ("QUE", None),
                Frame::Dictionary(_) => ("DCT", None),
                Frame::Entry(..) => ("En", None),
            };
            path.push_str(tag);
            if let Some(name) = name {
                path.extend(["[", &shown(name), "]"]);
            }
            path.push('/');
        }
        path
    }

    fn push(&mut self, frame: Frame) -> Result<(), Passed> {
        check("elements open at once", self.frames.len(), self.limits.depth)?;
        self.frames.push(frame);
        Ok(())
    }

    pub(super) fn open_object(
        &mut self,
        name: Option<Arc<str>>,
        id: Option<&str>,
    ) -> Result<(), Passed> {
        check("objects", self.opened as usize, self.limits.objects)?;
        self.push(Frame::Object)?;
        let place = id.map(|id| {
            self.finished.insert(id, Finished::Open(RefId(self.opened), self.objects.len()))
        });
        self.opened += 1;
        self.objects.push(OpenObject { name, place, ..OpenObject::default() });
        Ok(())
    }

    /// Opens `<Props>`.
    pub(super) fn open_adapted(&mut self) -> Result<(), Passed> {
        self.push(Frame::Adapted(self.properties.len()))
    }

    /// Opens `<MS>`: of an object, or as a member of another one.
    pub(super) fn open_extended(&mut self, name: Option<Arc<str>>) -> Result<(), Passed> {
        let start = self.properties.len();
        self.push(match (name, self.is_in_object()) {
            (_, true) => Frame::Extended(start),
            (name, false) => Frame::MemberSet(start, name.unwrap_or_else(|| "".into())),
        })
    }

    pub(super) fn open_items(&mut self, items: Items) -> Result<(), Passed> {
        self.push(Frame::Items(items, self.items.len()))
    }

    pub(super) fn open_dictionary(&mut self) -> Result<(), Passed> {
        self.push(Frame::Dictionary(self.entries.len()))
    }

    /// True if the innermost open element is a dictionary.
    pub(super) fn is_in_dictionary(&self) -> bool {
        matches!(self.frames.last(), Some(Frame::Dictionary(_)))
    }

    /// Opens `<En>` in a dictionary.
    pub(super) fn open_entry(&mut self) -> Result<(), Passed> {
        self.push(Frame::Entry(None, None))
    }

    /// True where `<MS N="…">` is a member.
    pub(super) fn takes_members(&self) -> bool {
        matches!(
            self.frames.last(),
            Some(Frame::Adapted(_) | Frame::Extended(_) | Frame::MemberSet(..))
        )
    }

    /// Ends the innermost open element.
    pub(super) fn close(&mut self) -> Result<Result<(), Misfit>, Passed> {
        match self.frames.pop() {
            Some(Frame::Object) => return self.close_object(),
            Some(Frame::Adapted(start)) => {
                let members = self.properties.split_off(start);
                if let Some(open) = self.objects.last_mut() {
                    append(&mut open.object.adapted, members);
                }
            }
            Some(Frame::Extended(start)) => {
                let members = self.properties.split_off(start);
                if let Some(open) = self.objects.last_mut() {
                    append(&mut open.object.extended, members);
                }
            }
            Some(Frame::MemberSet(start, name)) => {
                let members = self.properties.split_off(start);
                return self.attach(Some(name), Value::MemberSet(members), 1);
            }
            Some(Frame::Items(kind, start)) => {
                let items = self.items.split_off(start);
                return Ok(self.contain(match kind {
                    Items::List => Content::List(items),
                    Items::Enumerable => Content::Enumerable(items),
                    Items::Stack => Content::Stack(items),
                    Items::Queue => Content::Queue(items),
                }));
            }
            Some(Frame::Dictionary(start)) => {
                let entries = self.entries.split_off(start);
                return Ok(self.contain(Content::Dictionary(entries)));
            }
            Some(Frame::Entry(Some(key), Some(value))) => {
                let start = match self.frames.last() {
                    Some(Frame::Dictionary(start)) => *start,
                    _ => 0,
                };
                check("items in a container", self.entries.len() - start, self.limits.items)?;
                self.entries.push((key, value));
            }
            Some(Frame::Entry(..)) => return Ok(Err("an entry without a key or without a value")),
            None => {}
        }
        Ok(Ok(()))
    }

    fn close_object(&mut self) -> Result<Result<(), Misfit>, Passed> {
        let Some(open) = self.objects.pop() else { return Ok(Ok(())) };
        let weight = open.weight.saturating_add(1);
        let object = Arc::new(open.object);
        if let Some(place) = open.place {
            self.finished.replace(
                place,
                if open.is_damaged {
                    Finished::Damaged
                } else {
                    Finished::Object(Arc::clone(&object), weight)
                },
            );
        }
        if open.is_damaged
            && let Some(parent) = self.objects.last_mut()
        {
            parent.is_damaged = true;
        }
        self.attach(open.name, Value::Object(object), weight)
    }

    /// Gives a finished value to the innermost open element.
    pub(super) fn attach(
        &mut self,
        name: Option<Arc<str>>,
        value: Value,
        weight: usize,
    ) -> Result<Result<(), Misfit>, Passed> {
        if let Some(open) = self.objects.last_mut() {
            open.weight = open.weight.saturating_add(weight);
        }
        match self.frames.last_mut() {
            Some(Frame::Adapted(start) | Frame::Extended(start) | Frame::MemberSet(start, _)) => {
                check("members of an object", self.properties.len() - *start, self.limits.members)?;
                let name = name.unwrap_or_else(|| "".into());
                self.properties.push(Property { name, value });
            }
            Some(Frame::Items(_, start)) => {
                check("items in a container", self.items.len() - *start, self.limits.items)?;
                self.items.push(value);
            }
            Some(Frame::Entry(key, entry_value)) => {
                let place = match name.as_deref() {
                    Some("Key") => key,
                    Some("Value") => entry_value,
                    _ => return Ok(Err("an entry with something other than a key and a value")),
                };
                if place.replace(value).is_some() {
                    return Ok(Err("an entry with two keys or two values"));
                }
            }
            Some(Frame::Object) => return Ok(self.contain(Content::Primitive(value))),
            Some(Frame::Dictionary(_)) => return Ok(Err("a dictionary with a bare value")),
            None => self.root = Some(value),
        }
        Ok(Ok(()))
    }

    /// Gives content to the innermost open object.
    fn contain(&mut self, content: Content) -> Result<(), Misfit> {
        if !self.is_in_object() {
            return Err("a container outside an object");
        }
        match self.objects.last_mut() {
            Some(open) if open.object.content == Content::None => open.object.content = content,
            _ => return Err("an object with two contents"),
        }
        Ok(())
    }

    /// Gives a `ToString` to the innermost open object.
    pub(super) fn set_text(&mut self, text: String) -> Result<(), Misfit> {
        match self.objects.last_mut() {
            Some(open) if open.object.to_string.is_none() => open.object.to_string = Some(text),
            _ => return Err("an object with two ToString"),
        }
        Ok(())
    }

    /// Gives type names to the innermost open object, and to their id.
    pub(super) fn set_type_names(
        &mut self,
        id: Option<&str>,
        names: &[Arc<str>],
    ) -> Result<(), Misfit> {
        let names = self.type_lists.share(names, self.scope);
        if let Some(id) = id {
            self.types.insert(id, names.clone());
        }
        self.type_object(names)
    }

    /// Gives the type names of an id to the innermost open object; `None` if there are none.
    pub(super) fn refer_to_type_names(&mut self, id: &str) -> Option<Result<(), Misfit>> {
        let names = self.types.get(id)?.clone();
        Some(self.type_object(names))
    }

    fn type_object(&mut self, names: TypeNames) -> Result<(), Misfit> {
        match self.objects.last_mut() {
            Some(open) if open.object.type_names == TypeNames::default() => {
                open.object.type_names = names;
            }
            _ => return Err("an object with two lists of type names"),
        }
        Ok(())
    }

    /// The value that a `<Ref>` stands for, and its weight; `None` if there is none.
    pub(super) fn refer(&mut self, id: &str) -> Result<Option<(Value, usize)>, Passed> {
        match self.finished.get(id) {
            Some(Finished::Object(object, weight)) => {
                self.expansion = self.expansion.saturating_add(*weight);
                check("values behind references", self.expansion, self.limits.expansion)?;
                Ok(Some((Value::Object(Arc::clone(object)), *weight)))
            }
            Some(Finished::Open(id, place)) => {
                if let Some(open) = self.objects.get_mut(*place) {
                    open.object.ref_id = Some(*id);
                }
                Ok(Some((Value::Cycle(*id), 1)))
            }
            Some(Finished::Damaged) | None => Ok(None),
        }
    }

    /// Keeps an element of unknown name where it stands.
    pub(super) fn attach_unknown(
        &mut self,
        name: Option<Arc<str>>,
        unknown: Unknown,
    ) -> Result<Result<(), Misfit>, Passed> {
        if !self.is_in_object() {
            return self.attach(name, Value::Unknown(Box::new(unknown)), 1);
        }
        if let Some(open) = self.objects.last_mut() {
            check("members of an object", open.object.unknown.len(), self.limits.members)?;
            open.object.unknown.push(unknown);
        }
        Ok(Ok(()))
    }
}

fn append(to: &mut Vec<Property>, members: Vec<Property>) {
    if to.is_empty() {
        *to = members;
    } else {
        to.extend(members);
    }
}
