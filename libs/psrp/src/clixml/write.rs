//! Writing messages and documents.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::element::{write_bytes, write_float};
use super::object::{Content, Object, Property, TypeNames};
use super::text::encode;
use super::value::{Progress, RefId, Unknown, Value};

/// Writes the data of one message. Reading it gives an equal value.
///
/// An `Arc` that comes again is written as `<Ref>`, type names that come again as `<TNRef>`. A
/// [`Value::Cycle`] whose object is not open around it is written as `<Nil>`. Depth is the
/// caller's: what is deeper than [`Limits::depth`](super::Limits::depth) cannot be read again.
#[must_use]
pub fn write(value: &Value) -> String {
    let mut writer = Writer::default();
    writer.value(value, None);
    writer.out
}

/// Writes a document as `Export-Clixml` does; ids are those of the whole document.
#[must_use]
pub fn write_document(values: &[Value]) -> String {
    let mut writer = Writer::default();
    writer.out.push_str(
        "<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">",
    );
    for value in values {
        writer.value(value, None);
    }
    writer.out.push_str("</Objs>");
    writer.out
}

#[derive(Default)]
struct Writer {
    out: String,
    /// Ids of the objects written, by address: all of them outlive the writer.
    objects: HashMap<*const Object, u32>,
    types: HashMap<*const Arc<str>, u32>,
    /// Objects being written: the id they carry, and the id they get.
    open: Vec<(Option<RefId>, u32)>,
    opened: u32,
}

impl Writer {
    fn value(&mut self, value: &Value, name: Option<&str>) {
        match value {
            Value::Nil => self.empty("Nil", name),
            Value::String(text) => self.text("S", name, text),
            Value::Char(unit) => self.display("C", name, unit),
            Value::Boolean(value) => self.display("B", name, value),
            Value::DateTime(text) => self.text("DT", name, text),
            Value::Duration(text) => self.text("TS", name, text),
            Value::UInt8(number) => self.display("By", name, number),
            Value::Int8(number) => self.display("SB", name, number),
            Value::UInt16(number) => self.display("U16", name, number),
            Value::Int16(number) => self.display("I16", name, number),
            Value::UInt32(number) => self.display("U32", name, number),
            Value::Int32(number) => self.display("I32", name, number),
            Value::UInt64(number) => self.display("U64", name, number),
            Value::Int64(number) => self.display("I64", name, number),
            Value::Single(number) => self.element("Sg", name, |out| {
                write_float(out, f64::from(*number), format_args!("{number:?}"));
            }),
            Value::Double(number) => self.element("Db", name, |out| {
                write_float(out, *number, format_args!("{number:?}"));
            }),
            Value::Decimal(text) => self.text("D", name, text),
            Value::Bytes(bytes) => self.element("BA", name, |out| write_bytes(out, bytes)),
            Value::Guid(guid) => self.display("G", name, guid),
            Value::Uri(text) => self.text("URI", name, text),
            Value::Xml(text) => self.text("XD", name, text),
            Value::ScriptBlock(text) => self.text("SBK", name, text),
            Value::SecureString(text) => self.text("SS", name, text),
            Value::Version(text) => self.text("Version", name, text),
            Value::Progress(progress) => self.progress(progress, name),
            Value::Object(object) => self.object(object, name),
            Value::Cycle(id) => match self.open.iter().rfind(|(own, _)| *own == Some(*id)) {
                Some((_, id)) => {
                    let id = *id;
                    self.reference("Ref", name, id);
                }
                None => self.empty("Nil", name),
            },
            Value::MemberSet(members) => {
                self.start("MS", name);
                self.properties(members);
                self.end("MS");
            }
            Value::Unknown(unknown) => self.unknown(unknown, name),
        }
    }

    fn object(&mut self, object: &Arc<Object>, name: Option<&str>) {
        if let Some(id) = self.objects.get(&Arc::as_ptr(object)) {
            let id = *id;
            return self.reference("Ref", name, id);
        }
        let id = self.opened;
        self.opened += 1;
        self.objects.insert(Arc::as_ptr(object), id);
        self.start_with_id("Obj", name, id);
        self.open.push((object.ref_id, id));
        self.type_names(&object.type_names);
        if let Some(text) = &object.to_string {
            self.text("ToString", None, text);
        }
        match &object.content {
            Content::None => {}
            Content::Primitive(value) => self.value(value, None),
            Content::List(items) => self.items("LST", items),
            Content::Enumerable(items) => self.items("IE", items),
            Content::Stack(items) => self.items("STK", items),
            Content::Queue(items) => self.items("QUE", items),
            Content::Dictionary(entries) => {
                self.start("DCT", None);
                for (key, value) in entries {
                    self.start("En", None);
                    self.value(key, Some("Key"));
                    self.value(value, Some("Value"));
                    self.end("En");
                }
                self.end("DCT");
            }
        }
        for (tag, members) in [("Props", &object.adapted), ("MS", &object.extended)] {
            if !members.is_empty() {
                self.start(tag, None);
                self.properties(members);
                self.end(tag);
            }
        }
        for unknown in &object.unknown {
            self.unknown(unknown, None);
        }
        self.open.pop();
        self.end("Obj");
    }

    fn type_names(&mut self, names: &TypeNames) {
        let Some(list) = &names.0 else { return };
        if let Some(id) = self.types.get(&list.as_ptr()) {
            let id = *id;
            return self.reference("TNRef", None, id);
        }
        let id = u32::try_from(self.types.len()).unwrap_or(u32::MAX);
        self.types.insert(list.as_ptr(), id);
        self.start_with_id("TN", None, id);
        for name in names.iter() {
            self.text("T", None, name);
        }
        self.end("TN");
    }

    fn items(&mut self, tag: &str, items: &[Value]) {
        self.start(tag, None);
        for item in items {
            self.value(item, None);
        }
        self.end(tag);
    }

    fn properties(&mut self, properties: &[Property]) {
        for property in properties {
            self.value(&property.value, Some(&property.name));
        }
    }

    fn progress(&mut self, progress: &Progress, name: Option<&str>) {
        self.start("PR", name);
        self.text("AV", None, &progress.activity);
        self.display("AI", None, &progress.activity_id);
        match &progress.current_operation {
            Some(operation) => self.text("S", None, operation),
            None => self.empty("Nil", None),
        }
        self.display("PI", None, &progress.parent_activity_id);
        self.display("PC", None, &progress.percent_complete);
        self.text("T", None, &progress.kind);
        self.display("SR", None, &progress.seconds_remaining);
        self.text("SD", None, &progress.status_description);
        self.end("PR");
    }

    fn unknown(&mut self, unknown: &Unknown, name: Option<&str>) {
        self.tag(&unknown.tag, name);
        self.out.extend([&*unknown.attributes, ">", &unknown.text]);
        self.end(&unknown.tag);
    }

    fn text(&mut self, tag: &str, name: Option<&str>, text: &str) {
        self.element(tag, name, |out| encode(out, text));
    }

    fn display(&mut self, tag: &str, name: Option<&str>, value: &dyn std::fmt::Display) {
        self.element(tag, name, |out| {
            write!(out, "{value}").expect("writing to a string cannot fail");
        });
    }

    fn element(&mut self, tag: &str, name: Option<&str>, content: impl FnOnce(&mut String)) {
        self.start(tag, name);
        content(&mut self.out);
        self.end(tag);
    }

    fn empty(&mut self, tag: &str, name: Option<&str>) {
        self.tag(tag, name);
        self.out.push_str(" />");
    }

    fn reference(&mut self, tag: &str, name: Option<&str>, id: u32) {
        self.tag(tag, name);
        write!(self.out, " RefId=\"{id}\" />").expect("writing to a string cannot fail");
    }

    fn start(&mut self, tag: &str, name: Option<&str>) {
        self.tag(tag, name);
        self.out.push('>');
    }

    fn start_with_id(&mut self, tag: &str, name: Option<&str>, id: u32) {
        self.tag(tag, name);
        write!(self.out, " RefId=\"{id}\">").expect("writing to a string cannot fail");
    }

    /// A start tag up to where more attributes may follow.
    fn tag(&mut self, tag: &str, name: Option<&str>) {
        self.out.extend(["<", tag]);
        if let Some(name) = name {
            self.out.push_str(" N=\"");
            encode(&mut self.out, name);
            self.out.push('"');
        }
    }

    fn end(&mut self, tag: &str) {
        self.out.extend(["</", tag, ">"]);
    }
}
