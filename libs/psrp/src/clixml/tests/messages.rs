//! Objects: parts, containers, references.

use std::sync::Arc;

use super::super::{Content, Object, RefId, TypeNames, Unknown, Value, count, read, write};
use super::{check, check_error};
use crate::clixml::Reader;

/// Every part of an object at once.
#[test]
fn an_object_keeps_all_its_parts() {
    check(
        r#"<Obj RefId="0">
             <TN RefId="0"><T>Deserialized.Microsoft.Exchange.Data.Directory.ADObjectId</T><T>System.Object</T></TN>
             <ToString>contoso.com/Default</ToString>
             <LST><S>a</S><Nil /></LST>
             <Props><S N="Name">Default</S><B N="IsDefault">true</B></Props>
             <MS><S N="PSComputerName">ex1</S></MS>
           </Obj>"#,
        Object::around(Content::List(vec!["a".into(), Value::Nil]))
            .with_type_names([
                "Deserialized.Microsoft.Exchange.Data.Directory.ADObjectId",
                "System.Object",
            ])
            .with_text("contoso.com/Default")
            .with_adapted("Name", "Default")
            .with_adapted("IsDefault", true)
            .with_extended("PSComputerName", "ex1"),
    );
}

#[test]
fn an_enum_is_text_and_number() {
    let xml = r#"<Obj RefId="0"><TN RefId="0"><T>Microsoft.Exchange.Data.Directory.SystemConfiguration.DeviceAccessState</T><T>System.Enum</T></TN><ToString>Quarantined</ToString><I32>3</I32></Obj>"#;
    let value = read(xml.as_bytes()).unwrap();
    assert_eq!(value.text().unwrap(), "Quarantined");
    assert_eq!(value.as_i64(), Some(3));
    assert!(value.as_object().unwrap().type_names.contains("system.enum"));
    check(xml, value);
}

#[test]
fn every_container_is_kept_beside_members() {
    let items = || vec![1.into(), 2.into()];
    for (tag, content) in [
        ("LST", Content::List(items())),
        ("IE", Content::Enumerable(items())),
        ("STK", Content::Stack(items())),
        ("QUE", Content::Queue(items())),
    ] {
        check(
            &format!(
                "<Obj RefId='0'><{tag}><I32>1</I32><I32>2</I32></{tag}><MS><S N='a'>b</S></MS></Obj>"
            ),
            Object::around(content.clone()).with_extended("a", "b"),
        );
        check(
            &format!(
                "<Obj><Props><S N='a'>b</S></Props><{tag}><I32>1</I32><I32>2</I32></{tag}></Obj>"
            ),
            Object::around(content).with_adapted("a", "b"),
        );
    }
    check("<Obj><LST /></Obj>", Object::around(Content::List(vec![])));
}

#[test]
fn a_dictionary_keeps_keys_of_any_type_and_their_order() {
    let inner = Object::around(Content::List(vec![]));
    check(
        r#"<Obj RefId="0"><DCT>
             <En><S N="Key">b</S><I32 N="Value">1</I32></En>
             <En><I32 N="Key">7</I32><Obj N="Value" RefId="1"><LST /></Obj></En>
             <En><Nil N="Value" /><S N="Key">b</S></En>
           </DCT><MS><I32 N="Count">3</I32></MS></Obj>"#,
        Object::around(Content::Dictionary(vec![
            ("b".into(), 1.into()),
            (7.into(), inner.into()),
            ("b".into(), Value::Nil),
        ]))
        .with_extended("Count", 3),
    );
}

#[test]
fn one_name_may_be_adapted_and_extended() {
    let xml = r#"<Obj RefId="0"><Props><S N="Name">adapted</S></Props><MS><S N="Name">extended</S><S N="name">again</S></MS></Obj>"#;
    let value = read(xml.as_bytes()).unwrap();
    let object = value.as_object().unwrap();
    assert_eq!(object.adapted("Name"), Some(&"adapted".into()));
    assert_eq!(object.extended("Name"), Some(&"extended".into()));
    assert_eq!(value.property("NAME"), Some(&"adapted".into()));
    assert_eq!(object.extended.len(), 2);
    check(xml, value);
}

#[test]
fn member_sets_keep_their_members() {
    let xml = "<Obj><MS><MS N=\"PSStandardMembers\"><Obj N=\"Display\"><LST><S>a</S></LST></Obj></MS><S N=\"b\">c</S></MS></Obj>";
    let value = read(xml.as_bytes()).unwrap();
    let Some(Value::MemberSet(members)) = value.property("PSStandardMembers") else {
        panic!("{value:?}");
    };
    assert_eq!(members[0].value.items(), Some(&["a".into()][..]));
    assert_eq!(count(std::slice::from_ref(&value)).members, 3);
    check(xml, value);
}

#[test]
fn a_reference_is_the_same_object_again() {
    let xml = r#"<Obj RefId="0"><LST><Obj RefId="1"><LST><S>x</S></LST></Obj></LST><Props><Ref N="Again" RefId="1" /></Props></Obj>"#;
    let value = read(xml.as_bytes()).unwrap();
    let first = value.items().unwrap()[0].as_object().unwrap();
    let again = value.property("Again").unwrap().as_object().unwrap();
    assert!(Arc::ptr_eq(first, again));
    assert_eq!(write(&value).matches("<Ref ").count(), 1);
    check(xml, value);
}

#[test]
fn a_cycle_is_kept_as_it_is() {
    let xml = r#"<Obj RefId="7"><MS><Obj N="Child" RefId="8"><MS><Ref N="Parent" RefId="7" /><Ref N="Self" RefId="8" /></MS></Obj></MS></Obj>"#;
    let value = read(xml.as_bytes()).unwrap();
    assert_eq!(value.as_object().unwrap().ref_id, Some(RefId(0)));
    let child = value.property("Child").unwrap();
    assert_eq!(child.property("Parent"), Some(&Value::Cycle(RefId(0))));
    assert_eq!(child.property("Self"), Some(&Value::Cycle(RefId(1))));
    let child = child.clone();
    check(xml, value);
    // Taken out of its parent it has nothing to lead back to.
    let alone = read(write(&child).as_bytes()).unwrap();
    assert_eq!(alone.property("Parent"), Some(&Value::Nil));
    assert_eq!(alone.property("Self"), Some(&Value::Cycle(RefId(0))));
}

#[test]
fn type_names_are_shared_and_written_once() {
    let xml = r#"<Obj RefId="0"><TN RefId="0"><T>A</T></TN><LST><Obj RefId="1"><TNRef RefId="0" /></Obj><Obj RefId="2"><TN RefId="1"><T>A</T></TN></Obj><Obj RefId="3"><TN RefId="2" /></Obj><Obj RefId="4"><TNRef RefId="2" /></Obj></LST></Obj>"#;
    let mut reader = Reader::new();
    for _ in 0..2 {
        let value = reader.read(xml.as_bytes()).unwrap();
        let counts = count(std::slice::from_ref(&value));
        assert_eq!((counts.objects, counts.type_references), (5, 2));
        assert_eq!(write(&value).matches("<TNRef ").count(), 2);
        assert_eq!(value.items().unwrap()[2].as_object().unwrap().type_names, TypeNames::new([]));
        check(xml, value);
    }
}

#[test]
fn names_are_shared_between_messages_and_ids_are_not() {
    let mut reader = Reader::new();
    let xml =
        br#"<Obj RefId="0"><TN RefId="0"><T>A</T></TN><MS><S N="a_x000A_&lt;">b</S></MS></Obj>"#;
    let [first, second] = [reader.read(xml).unwrap(), reader.read(xml).unwrap()];
    let [first, second] = [first, second].map(|value| Arc::clone(value.as_object().unwrap()));
    assert_eq!(&*first.extended[0].name, "a\n<");
    assert!(Arc::ptr_eq(&first.extended[0].name, &second.extended[0].name));
    assert!(std::ptr::eq(
        first.type_names.first().unwrap().as_ptr(),
        second.type_names.first().unwrap().as_ptr()
    ));
    reader.read(br#"<Ref RefId="0" />"#).unwrap_err();
    reader.read(br#"<Obj><TNRef RefId="0" /></Obj>"#).unwrap_err();
}

#[test]
fn ids_may_be_any_text() {
    let xml = r#"<Obj RefId="RefId-0"><TN RefId="t"><T>A</T></TN><LST><Obj RefId="00"><TNRef RefId="t" /></Obj><Ref RefId="00" /></LST></Obj>"#;
    let value = read(xml.as_bytes()).unwrap();
    assert_eq!(value.items().unwrap()[0], value.items().unwrap()[1]);
    check(xml, value);
}

#[test]
fn unknown_elements_beside_members_are_written_back() {
    let unknown =
        Unknown { tag: "New".to_owned(), attributes: String::new(), text: "<S>a</S>".to_owned() };
    let mut object = Object::around(Content::List(vec![]));
    object.unknown.push(unknown);
    check("<Obj><New><S>a</S></New><LST /></Obj>", object);
}

#[test]
fn what_does_not_fit_is_said() {
    for (xml, expected) in [
        (
            r#"<Ref RefId="3" />"#,
            r#"the reference "3" at Ref leads to nothing that could be read (byte 17)"#,
        ),
        (
            r#"<Obj><TNRef RefId="0" /></Obj>"#,
            r#"the reference "0" at Obj/TNRef leads to nothing that could be read (byte 24)"#,
        ),
        ("<Obj><S>a</S><S>b</S></Obj>", "an object with two contents at Obj/S (byte 21)"),
        ("<Obj>text</Obj>", "text beside elements at Obj (byte 9)"),
        (
            "<Obj><LST><LST /></LST></Obj>",
            "an element that may not stand there at Obj/LST/LST (byte 17)",
        ),
        ("<Obj><DCT><S>a</S></DCT></Obj>", "a dictionary with a bare value at Obj/DCT/S (byte 18)"),
        (
            "<Obj><DCT><En><S N=\"Key\">a</S></En></DCT></Obj>",
            "an entry without a key or without a value at Obj/DCT (byte 35)",
        ),
        ("<S>a<b>c</b></S>", "an element where only text may be at S (byte 16)"),
    ] {
        assert!(check_error(xml, expected).is_local());
    }
    for (xml, expected) in [
        ("", "no CLIXML value, only 0 bytes without an element"),
        ("<html><body/></html>", "not a CLIXML message: it begins with <html>"),
        ("Service Unavailable", "not a CLIXML message: it begins with text"),
        ("<LST />", "not a CLIXML value: it begins with <LST>"),
        (
            "<S>a</S><S>b</S>",
            "the XML is not well-formed at byte 11: something after the root element",
        ),
        (
            "<Obj><S>a</S>",
            "the XML is not well-formed at byte 13: it ends before its last element does",
        ),
        (
            "<S>&nbsp;</S>",
            "the XML is not well-formed at byte 9: an entity that XML does not define",
        ),
        (
            "<!DOCTYPE S [<!ENTITY a 'b'>]><S>&a;</S>",
            "a document type declaration at byte 30 is refused",
        ),
    ] {
        assert!(!check_error(xml, expected).is_local());
    }
}

#[test]
fn errors_show_no_more_than_the_start_of_a_name() {
    let long = "n".repeat(1000);
    let xml = format!("<Obj><MS><I32 N=\"{long}\">x</I32></MS></Obj>");
    assert!(read(xml.as_bytes()).unwrap_err().to_string().len() < 200);
    let xml = format!("<Obj><MS><Ref RefId=\"{long}\" /></MS></Obj>");
    assert!(read(xml.as_bytes()).unwrap_err().to_string().len() < 200);
    let xml = format!("<{long} />");
    assert!(read(xml.as_bytes()).unwrap_err().to_string().len() < 200);
}
