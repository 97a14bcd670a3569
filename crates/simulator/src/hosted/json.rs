//! Values as the service writes them: plain texts where remote PowerShell has objects, and beside
//! some of them what they were.

use jiff::{Timestamp, tz::Offset};
use psrp::clixml::{Content, Object, Value};
use serde_json::{Map, Value as Json};

/// The word that makes a hashtable of an object.
const HASHTABLE: &str = "#Exchange.GenericHashTable";

/// Writes an object, of its properties only those of `select` if there is one.
pub(super) fn write_object(out: &mut String, value: &Value, select: Option<&[String]>) {
    out.push('{');
    let properties = value.as_object().map(|object| object.adapted.as_slice()).unwrap_or_default();
    let wanted = |name: &str| {
        select.is_none_or(|names| names.iter().any(|one| one.eq_ignore_ascii_case(name)))
    };
    let mut is_first = true;
    for property in properties.iter().filter(|property| wanted(&property.name)) {
        if !std::mem::take(&mut is_first) {
            out.push(',');
        }
        write_property(out, &property.name, &property.value);
    }
    out.push('}');
}

fn write_property(out: &mut String, name: &str, value: &Value) {
    let (system, odata) = annotations(value);
    for (kind, word) in [("data", system), ("odata", odata)] {
        if let Some(word) = word {
            write_text(out, &format!("{name}@{kind}.type"));
            out.push(':');
            write_text(out, word);
            out.push(',');
        }
    }
    write_text(out, name);
    out.push(':');
    write_value(out, value);
}

/// What stands beside a value: its type in .NET, and in `OData` where that has no other way to tell.
fn annotations(value: &Value) -> (Option<&'static str>, Option<&'static str>) {
    match value {
        Value::Guid(_) => (Some("System.Guid"), Some("#Guid")),
        Value::DateTime(_) => (Some("System.DateTime"), None),
        Value::Int16(_) => (Some("System.Int16"), Some("#Int16")),
        Value::Int32(_) => (Some("System.Int32"), None),
        Value::UInt32(_) => (Some("System.UInt32"), Some("#Int64")),
        Value::Int64(_) => (Some("System.Int64"), Some("#Int64")),
        Value::Object(object) if items(object).is_some() => (None, Some("#Collection(String)")),
        _ => (None, None),
    }
}

fn items(object: &Object) -> Option<&[Value]> {
    match &object.content {
        Content::List(items) | Content::Enumerable(items) => Some(items),
        _ => None,
    }
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Nil => out.push_str("null"),
        Value::Boolean(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::DateTime(text) => write_text(out, &date_time(text)),
        Value::Int16(_) | Value::Int32(_) | Value::Int64(_) | Value::UInt32(_) => {
            out.push_str(&value.text().unwrap_or_default());
        }
        Value::Object(object) => match items(object) {
            Some(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_text(out, &item.text().unwrap_or_default());
                }
                out.push(']');
            }
            None => write_text(out, &value.text().unwrap_or_default()),
        },
        other => write_text(out, &other.text().unwrap_or_default()),
    }
}

/// `2022-09-21T08:07:47.0000000+00:00`
fn date_time(text: &str) -> String {
    let Ok(time) = text.parse::<Timestamp>() else { return text.to_owned() };
    let local = Offset::UTC.to_datetime(time);
    let ticks = local.subsec_nanosecond() / 100;
    format!("{}.{ticks:07}+00:00", local.strftime("%Y-%m-%dT%H:%M:%S"))
}

/// A text in quotes.
pub(super) fn write_text(out: &mut String, text: &str) {
    // Writing a text as JSON cannot fail.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// The value of a parameter. An object without the word for a hashtable is none that a parameter
/// takes.
pub(super) fn read(json: &Json) -> Result<Value, String> {
    Ok(match json {
        Json::Null => Value::Nil,
        Json::Bool(flag) => Value::Boolean(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(number) => i32::try_from(number).map_or(Value::Int64(number), Value::Int32),
            None => Value::from(number.to_string()),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => {
            let items: Result<Vec<Value>, String> = items.iter().map(read).collect();
            Object::around(Content::List(items?)).into()
        }
        Json::Object(entries) => hashtable(entries)?,
    })
}

fn hashtable(entries: &Map<String, Json>) -> Result<Value, String> {
    if entries.get("@odata.type").and_then(Json::as_str) != Some(HASHTABLE) {
        return Err("Cannot convert value of type \"Newtonsoft.Json.Linq.JObject\".".to_owned());
    }
    let own = entries.iter().filter(|(name, _)| !name.contains('@'));
    let own: Result<Vec<(Value, Value)>, String> =
        own.map(|(name, value)| Ok((Value::from(name.as_str()), read(value)?))).collect();
    let own = own?;
    // A hashtable of nothing stands for a list of nothing.
    let content = if own.is_empty() { Content::List(Vec::new()) } else { Content::Dictionary(own) };
    Ok(Object::around(content).into())
}

#[cfg(test)]
mod tests {
    use psrp::clixml::{Content, Object, Value};
    use serde_json::json;

    use super::{read, write_object};

    fn check(value: impl Into<Value>, expected: &str) {
        let object: Value = Object::new().with_adapted("P", value).with_extended("Note", 1).into();
        let mut text = String::new();
        write_object(&mut text, &object, None);
        assert_eq!(text, expected);
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }

    #[test]
    fn values_are_written_with_what_they_were_beside_them() {
        let guid = uuid::Uuid::nil();
        check(
            guid,
            r##"{"P@data.type":"System.Guid","P@odata.type":"#Guid","P":"00000000-0000-0000-0000-000000000000"}"##,
        );
        check(
            Value::DateTime("2022-09-21T10:07:47+02:00".to_owned()),
            r#"{"P@data.type":"System.DateTime","P":"2022-09-21T08:07:47.0000000+00:00"}"#,
        );
        check(Value::Int32(-3), r#"{"P@data.type":"System.Int32","P":-3}"#);
        check(true, r#"{"P":true}"#);
        check(Value::Nil, r#"{"P":null}"#);
        check("a\u{1}\"b", r#"{"P":"a\u0001\"b"}"#);
        let list = Object::around(Content::List(vec!["en-US".into()]));
        check(list, r##"{"P@odata.type":"#Collection(String)","P":["en-US"]}"##);
        let word = Object::around(Content::Primitive(Value::Int32(2))).with_text("Blocked");
        check(word, r#"{"P":"Blocked"}"#);
    }

    #[test]
    fn a_hashtable_without_its_word_is_no_value() {
        let tagged = json!({"@odata.type": "#Exchange.GenericHashTable", "Add": ["a"]});
        assert_eq!(read(&tagged).unwrap().entries().map(<[_]>::len), Some(1));
        let empty = json!({"@odata.type": "#Exchange.GenericHashTable"});
        assert_eq!(read(&empty).unwrap().items(), Some(&[][..]));
        assert!(read(&json!({"Add": ["a"]})).is_err());
        assert!(read(&json!([{"Add": ["a"]}])).is_err());
    }
}
