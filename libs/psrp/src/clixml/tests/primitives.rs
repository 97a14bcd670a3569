//! Every primitive of [MS-PSRP] 2.2.5.1, right and wrong.

use uuid::Uuid;

use super::super::{Content, Object, Progress, Unknown, Value, read, write};
use super::{check, check_error};

fn text(text: &str) -> String {
    text.to_owned()
}

#[test]
fn every_primitive_is_typed() {
    let id = Uuid::parse_str("792e5b37-4505-47ef-b7d2-8711bb7affa8").unwrap();
    for (xml, value) in [
        ("<Nil/>", Value::Nil),
        ("<Nil></Nil>", Value::Nil),
        ("<S>This is a string</S>", Value::String(text("This is a string"))),
        ("<C>97</C>", Value::Char(97)),
        ("<C>55357</C>", Value::Char(0xD83D)),
        ("<B>true</B>", Value::Boolean(true)),
        ("<B>false</B>", Value::Boolean(false)),
        (
            "<DT>2008-04-11T10:42:32.2731993-07:00</DT>",
            Value::DateTime(text("2008-04-11T10:42:32.2731993-07:00")),
        ),
        ("<TS>PT9.0269026S</TS>", Value::Duration(text("PT9.0269026S"))),
        ("<By>254</By>", Value::UInt8(254)),
        ("<SB>-127</SB>", Value::Int8(-127)),
        ("<U16>65535</U16>", Value::UInt16(65535)),
        ("<I16>-32767</I16>", Value::Int16(-32767)),
        ("<U32>4294967295</U32>", Value::UInt32(u32::MAX)),
        ("<I32>-2147483648</I32>", Value::Int32(i32::MIN)),
        ("<U64>18446744073709551615</U64>", Value::UInt64(u64::MAX)),
        ("<I64>-9223372036854775808</I64>", Value::Int64(i64::MIN)),
        ("<Sg>12.34</Sg>", Value::Single(12.34)),
        ("<Sg>-INF</Sg>", Value::Single(f32::NEG_INFINITY)),
        ("<Db>12.34</Db>", Value::Double(12.34)),
        ("<Db>1.7976931348623157E+308</Db>", Value::Double(f64::MAX)),
        ("<Db>-0</Db>", Value::Double(-0.0)),
        ("<Db>NaN</Db>", Value::Double(f64::NAN)),
        ("<Db>INF</Db>", Value::Double(f64::INFINITY)),
        (
            "<D>79228162514264337593543950335</D>",
            Value::Decimal(text("79228162514264337593543950335")),
        ),
        ("<BA>AQIDBA==</BA>", Value::Bytes(vec![1, 2, 3, 4])),
        ("<BA>AQID\r\n  BA</BA>", Value::Bytes(vec![1, 2, 3, 4])),
        ("<BA />", Value::Bytes(vec![])),
        ("<G>792e5b37-4505-47ef-b7d2-8711bb7affa8</G>", Value::Guid(id)),
        ("<G>792E5B37-4505-47EF-B7D2-8711BB7AFFA8</G>", Value::Guid(id)),
        ("<URI>http://www.microsoft.com/</URI>", Value::Uri(text("http://www.microsoft.com/"))),
        (
            "<XD>&lt;a href=\"x\"&gt;_x000A_&lt;/a&gt;</XD>",
            Value::Xml(text("<a href=\"x\">\n</a>")),
        ),
        (
            "<SBK>get-command -type cmdlet</SBK>",
            Value::ScriptBlock(text("get-command -type cmdlet")),
        ),
        ("<SS>bnVsbA==</SS>", Value::SecureString(text("bnVsbA=="))),
        ("<Version>6.2.1.3</Version>", Value::Version(text("6.2.1.3"))),
        ("<I32> 7\n</I32>", Value::Int32(7)),
    ] {
        check(xml, value);
    }
}

#[test]
fn text_is_kept_to_the_letter() {
    for (xml, value) in [
        ("<S></S>", ""),
        ("<S/>", ""),
        ("<S>  two  blanks\n\t</S>", "  two  blanks\n\t"),
        ("<S>a\r\nb</S>", "a\r\nb"),
        ("<S>_x000D__x000A_</S>", "\r\n"),
        ("<S>Order_x005F_x0020_</S>", "Order_x0020_"),
        ("<S>snake_case_x</S>", "snake_case_x"),
        ("<S>_xD83D__xDE00_ 😀</S>", "😀 😀"),
        ("<S>half _xD83D_ a pair</S>", "half _xD83D_ a pair"),
        ("<S>&lt;&amp;&gt;&quot;&apos;&#65;&#x42;</S>", "<&>\"'AB"),
        ("<S>a<![CDATA[<b>&amp;]]>c</S>", "a<b>&amp;c"),
        ("<S>a<!-- not this -->b<?nor this?>c</S>", "abc"),
        ("<S>&#95;x0041_</S>", "A"),
    ] {
        check(xml, value);
    }
}

#[test]
fn a_wrong_primitive_is_named_with_its_place() {
    for (xml, expected) in [
        ("<I32>abc</I32>", "I32 does not hold an integer of 32 bits (byte 14)"),
        ("<I32/>", "I32 does not hold an integer of 32 bits (byte 6)"),
        ("<B>True</B>", "B does not hold true or false (byte 11)"),
        ("<By>256</By>", "By does not hold an integer from 0 to 255 (byte 12)"),
        ("<C>65536</C>", "C does not hold a UTF-16 code unit (byte 12)"),
        ("<Db>infinity</Db>", "Db does not hold a number, NaN, INF or -INF (byte 17)"),
        ("<BA>***</BA>", "BA does not hold Base64 (byte 12)"),
        ("<G>792e5b37</G>", "G does not hold a GUID (byte 15)"),
        (
            r#"<Obj RefId="0"><Props><Obj N="Id" RefId="1"><MS><U16 N="Count">-1</U16></MS></Obj></Props></Obj>"#,
            "Obj/Props/Obj[Id]/MS/U16[Count] does not hold an unsigned integer of 16 bits (byte 71)",
        ),
    ] {
        assert!(check_error(xml, expected).is_local());
    }
}

#[test]
fn a_progress_record_is_typed() {
    check(
        "<PR N=\"Record\"><AV>Preparing _x000A_modules</AV><AI>0</AI><Nil /><PI>-1</PI><PC>-1</PC>\
         <T>Completed</T><SR>-1</SR><SD> </SD></PR>",
        Value::Progress(Box::new(Progress {
            activity: text("Preparing \nmodules"),
            activity_id: 0,
            current_operation: None,
            parent_activity_id: -1,
            percent_complete: -1,
            kind: text("Completed"),
            seconds_remaining: -1,
            status_description: text(" "),
        })),
    );
}

#[test]
fn what_is_unknown_is_written_back() {
    let unknown = |tag: &str, attributes: &str, inner: &str| {
        let [tag, attributes, text] = [tag, attributes, inner].map(str::to_owned);
        Value::Unknown(Box::new(Unknown { tag, attributes, text }))
    };
    for (xml, value) in [
        ("<PR><AV>only an activity</AV></PR>", unknown("PR", "", "<AV>only an activity</AV>")),
        (
            "<MS><New N=\"n\" a=\"1\" b='\"'>x &amp; <Obj RefId=\"9\"/> </New></MS>",
            unknown("New", " a=\"1\" b=\"&quot;\"", "x &amp; <Obj RefId=\"9\"/> "),
        ),
        ("<MS><New N=\"n\" /></MS>", unknown("New", "", "")),
    ] {
        let xml = format!(
            "<Obj RefId=\"0\">{}</Obj>",
            xml.replace("<PR>", "<MS><PR N=\"n\">").replace("</PR>", "</PR></MS>")
        );
        let read_back = read(xml.as_bytes()).unwrap();
        assert_eq!(read_back.property("n"), Some(&value), "{xml}");
        assert_eq!(read(write(&read_back).as_bytes()), Ok(read_back), "{xml}");
    }
}

#[test]
fn accessors_see_through_objects() {
    let id = Uuid::from_u128(7);
    let around = |value: Value| Value::from(Object::around(Content::Primitive(value)));
    for value in [Value::from("a"), around("a".into()), around(around("a".into()))] {
        assert_eq!((value.as_str(), value.text().as_deref()), (Some("a"), Some("a")));
        assert_eq!((value.as_i64(), value.as_bool(), value.as_guid()), (None, None, None));
    }
    assert_eq!(around(Value::UInt8(7)).as_i64(), Some(7));
    assert_eq!(Value::UInt64(u64::MAX).as_i64(), None);
    assert_eq!(around(true.into()).as_bool(), Some(true));
    assert_eq!(around(id.into()).as_guid(), Some(id));
    for (value, text) in [
        (Value::Char(65), "A"),
        (false.into(), "false"),
        (Value::Int64(-1), "-1"),
        (Value::UInt64(u64::MAX), "18446744073709551615"),
        (Value::Double(0.5), "0.5"),
        (id.into(), "00000000-0000-0000-0000-000000000007"),
        (Object::around(Content::Primitive(1.into())).with_text("Allowed").into(), "Allowed"),
    ] {
        assert_eq!(value.text().as_deref(), Some(text));
    }
    for value in [Value::Nil, Value::Bytes(vec![1]), Object::new().into()] {
        assert_eq!(value.text(), None, "{value:?}");
        assert!(value.items().is_none() && value.property("a").is_none());
    }
}
