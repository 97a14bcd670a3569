//! Objects: type names, text, content and members ([MS-PSRP] 2.2.5.2).

use std::sync::Arc;

use super::value::{RefId, Unknown, Value};

/// An `<Obj>`. Every part is optional, and content and members may stand side by side.
///
/// Equality is by content and does not look at [`Object::ref_id`].
#[derive(Debug, Clone, Default)]
pub struct Object {
    /// `<TN>` or `<TNRef>`: names of the type and its ancestors, most specific first.
    pub type_names: TypeNames,
    /// `<ToString>`.
    pub to_string: Option<String>,
    /// The primitive or container the object is around.
    pub content: Content,
    /// `<Props>`: properties of the type itself.
    pub adapted: Vec<Property>,
    /// `<MS>`: properties added by PowerShell. A name may stand here and in `adapted`.
    pub extended: Vec<Property>,
    /// Elements of unknown name beside the members, kept to be written back.
    pub unknown: Vec<Unknown>,
    /// The id by which a [`Value::Cycle`] inside this object names it; `None` where nothing does.
    pub ref_id: Option<RefId>,
}

/// What an object is around ([MS-PSRP] 2.2.5.2.6 for the containers).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Content {
    /// Nothing: members only.
    #[default]
    None,
    /// A primitive: an enum is around an `I32`, a string with notes around an `S`.
    Primitive(Value),
    /// `<LST>`.
    List(Vec<Value>),
    /// `<IE>`.
    Enumerable(Vec<Value>),
    /// `<STK>`, top first.
    Stack(Vec<Value>),
    /// `<QUE>`, oldest first.
    Queue(Vec<Value>),
    /// `<DCT>`: keys and values, in the order they were written.
    Dictionary(Vec<(Value, Value)>),
}

/// A named value in `<Props>` or `<MS>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// The name, shared by all objects that one reader has read.
    pub name: Arc<str>,
    /// The value.
    pub value: Value,
}

impl Property {
    /// A property.
    #[must_use]
    pub fn new(name: &str, value: impl Into<Value>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// The names of an object's type and of its ancestors. Cloning shares them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypeNames(pub(super) Option<Arc<[Arc<str>]>>);

impl TypeNames {
    /// Type names, most specific first.
    #[must_use]
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(Some(names.into_iter().map(Arc::from).collect()))
    }

    /// The most specific name.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.iter().next()
    }

    /// The names, most specific first.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|names| names.iter()).map(|name| &**name)
    }

    /// True if the object says nothing of its type.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|names| names.is_empty())
    }

    /// True if the type is `name`, or has it among its ancestors, without regard to ASCII case.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

impl Object {
    /// An object of no type and with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An object around a container or a primitive.
    #[must_use]
    pub fn around(content: Content) -> Self {
        Self { content, ..Self::default() }
    }

    /// The same object with these type names, most specific first.
    #[must_use]
    pub fn with_type_names<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.type_names = TypeNames::new(names);
        self
    }

    /// The same object with this `ToString`.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.to_string = Some(text.into());
        self
    }

    /// The same object around this content.
    #[must_use]
    pub fn with_content(mut self, content: Content) -> Self {
        self.content = content;
        self
    }

    /// The same object with one more adapted property.
    #[must_use]
    pub fn with_adapted(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.adapted.push(Property::new(name, value));
        self
    }

    /// The same object with one more extended property.
    #[must_use]
    pub fn with_extended(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extended.push(Property::new(name, value));
        self
    }

    /// A property: the adapted one of that name, else the extended one, without regard to ASCII
    /// case.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Value> {
        self.adapted(name).or_else(|| self.extended(name))
    }

    /// The adapted property of that name, without regard to ASCII case.
    #[must_use]
    pub fn adapted(&self, name: &str) -> Option<&Value> {
        named(&self.adapted, name)
    }

    /// The extended property of that name, without regard to ASCII case.
    #[must_use]
    pub fn extended(&self, name: &str) -> Option<&Value> {
        named(&self.extended, name)
    }
}

fn named<'a>(properties: &'a [Property], name: &str) -> Option<&'a Value> {
    properties
        .iter()
        .find(|property| property.name.eq_ignore_ascii_case(name))
        .map(|property| &property.value)
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.type_names == other.type_names
            && self.to_string == other.to_string
            && self.content == other.content
            && self.adapted == other.adapted
            && self.extended == other.extended
            && self.unknown == other.unknown
    }
}

impl Eq for Object {}
