//! Limits hold, and one step below them all is well.

use std::fmt::Write as _;

use super::super::{DocumentReader, Error, Limits, Reader, Value, read, read_with, write};

fn check(limits: Limits, xml: &str, what: &str) {
    match read_with(xml.as_bytes(), &limits) {
        Err(Error::Limit { what: met, .. }) => assert_eq!(met, what),
        other => panic!("{what}: {other:?}"),
    }
}

fn nested(objects: usize) -> String {
    let mut xml = String::new();
    for _ in 0..objects {
        xml.push_str("<Obj><MS>");
    }
    for _ in 0..objects {
        xml.push_str("</MS></Obj>");
    }
    xml
}

#[test]
fn each_limit_is_kept() {
    let limits =
        Limits { depth: 6, text_bytes: 20, members: 3, items: 3, objects: 3, expansion: 5 };
    for (allowed, refused, what) in [
        (nested(3), nested(4), "objects"),
        (format!("<S>{}</S>", "x".repeat(20)), format!("<S>{}</S>", "x".repeat(21)), "bytes of text"),
        (
            format!("<S>{}&amp;</S>", "x".repeat(19)),
            format!("<S>{}&amp;</S>", "x".repeat(20)),
            "bytes of text",
        ),
        (
            "<Obj><MS><Nil N='a'/><Nil N='b'/><Nil N='c'/></MS></Obj>".to_owned(),
            "<Obj><MS><Nil N='a'/><Nil N='b'/><Nil N='c'/><Nil N='d'/></MS></Obj>".to_owned(),
            "members of an object",
        ),
        (
            "<Obj><LST><Nil/><Nil/><Nil/></LST></Obj>".to_owned(),
            "<Obj><LST><Nil/><Nil/><Nil/><Nil/></LST></Obj>".to_owned(),
            "items in a container",
        ),
        (
            "<Obj><LST><Obj RefId='1'><S/></Obj><Ref RefId='1'/><Ref RefId='1'/></LST></Obj>".to_owned(),
            "<Obj><LST><Obj RefId='1'><LST><S/><S/></LST></Obj><Ref RefId='1'/><Ref RefId='1'/></LST></Obj>".to_owned(),
            "values behind references",
        ),
    ] {
        read_with(allowed.as_bytes(), &limits).unwrap();
        check(limits, &refused, what);
    }
    check(Limits { depth: 5, ..limits }, &nested(3), "elements open at once");
}

#[test]
fn the_deepest_tree_allowed_is_read_written_and_dropped() {
    let value = read(nested(Limits::DEPTH / 2).as_bytes()).unwrap();
    assert_eq!(read(write(&value).as_bytes()), Ok(value));
    check(Limits::default(), &nested(1_000_000), "elements open at once");
}

#[test]
fn references_that_double_are_stopped_and_cheap() {
    let mut xml = "<Objs><Obj RefId='0'><S>lol</S></Obj>".to_owned();
    for id in 1..100 {
        let before = id - 1;
        write!(
            xml,
            "<Obj RefId='{id}'><LST><Ref RefId='{before}'/><Ref RefId='{before}'/></LST></Obj>"
        )
        .unwrap();
    }
    let items: Vec<Result<Value, Error>> = DocumentReader::new(xml.as_bytes()).unwrap().collect();
    assert!(items.len() < 30);
    assert!(matches!(
        items.last(),
        Some(Err(Error::Limit { what: "values behind references", .. }))
    ));
}

#[test]
fn a_reader_is_good_again_after_any_error() {
    let mut reader = Reader::new();
    for broken in ["<Obj><MS><S N='a'>", "<Obj><LST><I32>x</I32></LST></Obj>", "<S>", "", "<x/>"] {
        reader.read(broken.as_bytes()).unwrap_err();
        assert_eq!(reader.read(b"<S>a</S>"), Ok("a".into()), "{broken}");
    }
}
