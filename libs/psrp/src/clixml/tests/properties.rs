//! Laws that hold for any value and for any bytes.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use uuid::Uuid;

use super::super::{
    Content, Error, Object, Progress, Property, RefId, TypeNames, Unknown, Value, count, read,
    read_document, write, write_document,
};

/// Text of all kinds, with what CLIXML escapes more often than chance would have it.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z ]{0,8}",
        "(\\PC|[\\x00-\\x20]|_x|_xD83D_|_xDE00_|_x0041_|_X0041_|[&<>\"']|]]>){0,6}",
        any::<String>(),
    ]
}

fn primitive() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Nil),
        text().prop_map(Value::String),
        any::<u16>().prop_map(Value::Char),
        any::<bool>().prop_map(Value::Boolean),
        text().prop_map(Value::DateTime),
        text().prop_map(Value::Duration),
        any::<u8>().prop_map(Value::UInt8),
        any::<i8>().prop_map(Value::Int8),
        any::<u16>().prop_map(Value::UInt16),
        any::<i16>().prop_map(Value::Int16),
        any::<u32>().prop_map(Value::UInt32),
        any::<i32>().prop_map(Value::Int32),
        any::<u64>().prop_map(Value::UInt64),
        any::<i64>().prop_map(Value::Int64),
        any::<u32>().prop_map(|bits| Value::Single(f32::from_bits(bits))),
        any::<u64>().prop_map(|bits| Value::Double(f64::from_bits(bits))),
        text().prop_map(Value::Decimal),
        vec(any::<u8>(), 0..20).prop_map(Value::Bytes),
        any::<u128>().prop_map(|bits| Value::Guid(Uuid::from_u128(bits))),
        text().prop_map(Value::Uri),
        text().prop_map(Value::Xml),
        text().prop_map(Value::ScriptBlock),
        text().prop_map(Value::SecureString),
        text().prop_map(Value::Version),
        progress(),
        unknown().prop_map(|unknown| Value::Unknown(Box::new(unknown))),
    ]
}

fn progress() -> impl Strategy<Value = Value> {
    (any::<[i32; 4]>(), text(), option::of(text()), text(), text()).prop_map(
        |(numbers, activity, current_operation, kind, status_description)| {
            let [activity_id, parent_activity_id, percent_complete, seconds_remaining] = numbers;
            Value::Progress(Box::new(Progress {
                activity,
                activity_id,
                current_operation,
                parent_activity_id,
                percent_complete,
                kind,
                seconds_remaining,
                status_description,
            }))
        },
    )
}

fn unknown() -> impl Strategy<Value = Unknown> {
    let inner =
        "(text|&amp;|<a b=\"c\">d</a>|<Obj RefId=\"0\"/>|<!-- e -->|<!\\[CDATA\\[f\\]\\]>){0,3}";
    ("[XYZ][a-z0-9]{0,5}", "( [a-m][a-z]{1,4}=\"[a-z&&[^&]]{0,3}\")?", inner)
        .prop_map(|(tag, attributes, text)| Unknown { tag, attributes, text })
}

fn members(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Vec<Property>> {
    vec((text(), value).prop_map(|(name, value)| Property::new(&name, value)), 0..4)
}

fn object(value: impl Strategy<Value = Value> + Clone) -> impl Strategy<Value = Value> {
    let items = || vec(value.clone(), 0..4);
    let content = prop_oneof![
        Just(Content::None),
        value.clone().prop_map(Content::Primitive),
        items().prop_map(Content::List),
        items().prop_map(Content::Enumerable),
        items().prop_map(Content::Stack),
        items().prop_map(Content::Queue),
        vec((value.clone(), value.clone()), 0..3).prop_map(Content::Dictionary),
    ]
    // An unknown element directly in an object stands beside its content.
    .prop_filter("unknown content", |content| {
        !matches!(content, Content::Primitive(Value::Unknown(_)))
    });
    (
        option::of(vec(text(), 0..3)),
        option::of(text()),
        content,
        members(value.clone()),
        members(value.clone()),
        vec(unknown(), 0..2),
    )
        .prop_map(|(type_names, to_string, content, adapted, extended, unknown)| {
            let type_names = type_names.map_or_else(TypeNames::default, |names| {
                TypeNames::new(names.iter().map(String::as_str))
            });
            Object { type_names, to_string, content, adapted, extended, unknown, ref_id: None }
                .into()
        })
}

fn value() -> impl Strategy<Value = Value> {
    primitive().prop_recursive(4, 32, 4, |value| {
        prop_oneof![
            4 => object(value.clone()),
            1 => members(value).prop_map(|members| {
                Object { extended: vec![Property::new("set", Value::MemberSet(members))], ..Object::new() }.into()
            }),
        ]
    })
}

/// A root that holds one value twice, its type names twice, and itself.
fn tangled() -> impl Strategy<Value = Value> {
    (value(), value()).prop_map(|(shared, other)| {
        let types = shared.as_object().map(|object| object.type_names.clone()).unwrap_or_default();
        let cycle = || Value::Cycle(RefId(0));
        let middle = Object {
            type_names: types.clone(),
            content: Content::List(vec![shared.clone(), cycle(), other]),
            ..Object::new()
        };
        let middle = Value::from(middle);
        Object {
            type_names: types,
            adapted: vec![Property::new("a", middle.clone()), Property::new("b", shared)],
            extended: vec![Property::new("c", middle), Property::new("d", cycle())],
            ref_id: Some(RefId(0)),
            ..Object::new()
        }
        .into()
    })
}

proptest! {
    // Trees are dear to make and to shrink; this many cost a second or two.
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn reading_what_was_written_gives_an_equal_value(value in prop_oneof![value(), tangled()]) {
        let xml = write(&value);
        if let Value::Unknown(_) = value {
            // Inside of a message what is not known is kept; a whole message of it is none.
            let refused = read(xml.as_bytes());
            prop_assert!(matches!(refused, Err(Error::NotClixml { .. })), "{refused:?}");
            return Ok(());
        }
        let again = read(xml.as_bytes()).unwrap();
        prop_assert_eq!(&again, &value, "{}", xml);
        // What equality does not see: what is shared with what.
        prop_assert_eq!(write(&again), xml);
        prop_assert_eq!(count(&[again]), count(&[value]));
    }

    #[test]
    fn documents_too(values in vec(prop_oneof![value(), tangled()], 0..4)) {
        // Each tangle has its own root; only the first one's id is that of the document.
        let xml = write_document(&values);
        let first = read_document(xml.as_bytes()).unwrap().values;
        let again = write_document(&first);
        prop_assert_eq!(&again, &xml);
        prop_assert_eq!(read_document(again.as_bytes()).unwrap().values, first);
    }

    #[test]
    fn an_object_equals_its_copy_and_nothing_else(value in value()) {
        let copy = Value::from(Object::around(Content::List(vec![value.clone()])));
        prop_assert_ne!(&copy, &value);
        if let Value::Object(object) = &value {
            prop_assert_eq!(&Value::Object(Arc::new(Object::clone(object))), &value);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        drop(read(&bytes));
        drop(read_document(&bytes));
    }

    #[test]
    fn any_markup_is_read_or_refused(pieces in vec(prop_oneof![
        "</?(Obj|MS|Props|LST|DCT|En|TN|T|S|I32|BA|PR|AV|Ref|TNRef|Nil|ToString|Objs|X)( (N|RefId)=\"[0-3a]?\")* ?/?>",
        "<!--|-->|<!\\[CDATA\\[|\\]\\]>|&amp;|&|[0-9]|<|>|_xD800_|<!DOCTYPE a>|<\\?a\\?>",
    ], 0..30)) {
        let xml = pieces.concat();
        for xml in [xml.clone(), format!("<Obj RefId=\"0\">{xml}</Obj>")] {
            if let Ok(value) = read(xml.as_bytes()) {
                prop_assert_eq!(read(write(&value).as_bytes()), Ok(value), "{}", xml);
            }
        }
        drop(read_document(format!("<Objs>{xml}</Objs>").as_bytes()));
    }
}
