//! `<Objs>` documents: encodings, what is not one, objects that fail alone.

use super::super::{DocumentReader, Error, Value, count, read_document, write_document};

const START: &str =
    r#"<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">"#;

#[test]
fn a_document_is_its_values() {
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"utf-16\"?>\r\n<!-- x -->{START}\r\n  <S>ä</S><Nil />\r\n</Objs>\r\n"
    );
    let marked = |unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("\u{FEFF}{xml}").encode_utf16().flat_map(unit).collect()
    };
    for bytes in [
        xml.as_bytes().to_vec(),
        format!("\u{FEFF}{xml}").into_bytes(),
        marked(u16::to_le_bytes),
        marked(u16::to_be_bytes),
        format!("#< CLIXML\r\n{xml}").into_bytes(),
    ] {
        let document = read_document(&bytes).unwrap();
        assert_eq!(document.version, "1.1.0.1");
        assert_eq!(document.values, ["ä".into(), Value::Nil]);
        let written = write_document(&document.values);
        assert_eq!(read_document(written.as_bytes()), Ok(document));
    }
    for empty in
        [format!("{START}</Objs>"), "<Objs/>".to_owned(), "<Objs Version='1' />".to_owned()]
    {
        assert_eq!(read_document(empty.as_bytes()).unwrap().values, []);
    }
}

#[test]
fn ids_are_those_of_the_whole_document() {
    let xml = format!(
        r#"{START}<Obj RefId="0"><TN RefId="0"><T>A</T></TN></Obj><Obj RefId="1"><TNRef RefId="0" /><LST><Ref RefId="0" /></LST></Obj><Ref RefId="1" /></Objs>"#
    );
    let document = read_document(xml.as_bytes()).unwrap();
    assert_eq!(document.values[1], document.values[2]);
    let counts = count(&document.values);
    assert_eq!((counts.objects, counts.references, counts.type_references), (2, 2, 1));
    assert_eq!(write_document(&document.values), xml);
}

#[test]
fn what_is_no_clixml_is_named() {
    for (bytes, expected) in [
        (
            &b"<configuration><S/></configuration>"[..],
            "not a CLIXML document: it begins with <configuration>",
        ),
        (b"<S>a</S>", "not a CLIXML document: it begins with <S>"),
        (b"MIT License", "not a CLIXML document: it begins with text"),
        (b"", "no CLIXML value, only 0 bytes without an element"),
        (
            b"<Objs><S>a</S>",
            "the XML is not well-formed at byte 14: it ends before its last element does",
        ),
        (
            b"<Objs></Objs><Objs/>",
            "the XML is not well-formed at byte 20: something after the root element",
        ),
        (b"<Objs>text</Objs>", "the XML is not well-formed at byte 10: text between values"),
        (b"<Objs></Obj>", "the XML is not well-formed at byte 12: an end tag without a start tag"),
        (b"<S>\xFF</S>", "the bytes at 3 are not UTF-8"),
    ] {
        assert_eq!(read_document(bytes).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_poisoned_value_fails_alone() {
    let xml = format!(
        r#"{START}<S>first</S><Obj RefId="0"><TN RefId="0"><T>A</T></TN><Props><Obj N="Sound" RefId="1"><LST><S>b</S></LST></Obj><Obj N="Bad" RefId="2"><I32>x</I32></Obj></Props></Obj><Obj RefId="3"><TNRef RefId="0" /><LST><Ref RefId="1" /></LST></Obj><Obj RefId="4"><LST><Ref RefId="2" /></LST></Obj><Ref RefId="0" /><S>last</S></Objs>"#
    );
    let items: Vec<_> = DocumentReader::new(xml.as_bytes()).unwrap().collect();
    let [first, bad, sound, behind_bad, bad_again, last] = &items[..] else {
        panic!("{items:?}");
    };
    assert_eq!((first, last), (&Ok("first".into()), &Ok("last".into())));
    assert!(matches!(bad, Err(Error::Value { path, .. }) if path == "Obj/Props/Obj[Bad]/I32"));
    let sound = sound.as_ref().unwrap();
    assert!(sound.as_object().unwrap().type_names.contains("A"));
    assert_eq!(sound.items().unwrap()[0].items().unwrap(), ["b".into()]);
    assert!(matches!(behind_bad, Err(Error::Reference { id, .. }) if id == "2"));
    assert!(matches!(bad_again, Err(Error::Reference { id, .. }) if id == "0"));
}

#[test]
fn broken_xml_ends_a_document() {
    let xml = format!("{START}<S>first</S><S>second</T><S>third</S></Objs>");
    let items: Vec<_> = DocumentReader::new(xml.as_bytes()).unwrap().collect();
    assert_eq!(items.len(), 2);
    assert_eq!(items[0], Ok("first".into()));
    assert!(matches!(items[1], Err(Error::Malformed { offset: 101, .. })), "{items:?}");
}
