//! Answers as they were recorded, in form; the values are our own.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn objects(json: &str) -> Vec<Object> {
    let page = read(json.as_bytes(), &mut Names::default()).unwrap();
    page.objects.into_iter().map(Result::unwrap).collect()
}

#[test]
fn a_page_is_read_without_loss() {
    let json = r##"{"@odata.context":"https://outlook.office.com/adminapi/beta/contoso.onmicrosoft.com/$metadata#Collection(Exchange.GenericHashTable)",
 "adminapi.warnings@odata.type":"#Collection(String)","@adminapi.warnings":["mind this"],
 "value":[{"DatabaseGuid@data.type":"System.Guid","DatabaseGuid@odata.type":"#Guid","DatabaseGuid":"ae0627d4-0000-4000-8000-00000000a001",
  "PitrCopyIntervalInSeconds@data.type":"System.Int16","PitrCopyIntervalInSeconds@odata.type":"#Int16","PitrCopyIntervalInSeconds":0,
  "Languages@odata.type":"#Collection(String)","Languages":["en-US"],
  "WhenMailboxCreated@data.type":"System.DateTime","WhenMailboxCreated":"2022-09-21T08:07:47.0000000+00:00",
  "ProhibitSendQuota":"99 GB (106,300,440,576 bytes)","RetainDeletedItemsFor":"00:00:00",
  "ThrottlingPolicy":null,"ArchiveStatus":"None","IsMailboxEnabled":true,"Big":18446744073709551615,"Ratio":0.5,
  "Inner":{"@odata.type":"#X","A":1}}],
 "@odata.nextLink":"https://outlook.office365.com/adminapi/beta/x/InvokeCommand?$skiptoken=1"}"##;
    let page = read(json.as_bytes(), &mut Names::default()).unwrap();
    assert_eq!(page.warnings, ["mind this"]);
    assert!(page.next.unwrap().ends_with("$skiptoken=1"));
    let object = page.objects.into_iter().next().unwrap().unwrap();
    let text = |text: &str| Value::Text(text.to_owned());
    let guid = Uuid::parse_str("ae0627d4-0000-4000-8000-00000000a001").unwrap();
    let expected = [
        ("DatabaseGuid", Value::Guid(guid)),
        ("PitrCopyIntervalInSeconds", Value::Int(0)),
        ("Languages", Value::List(vec![text("en-US")])),
        ("WhenMailboxCreated", Value::Time("2022-09-21T08:07:47.0000000+00:00".to_owned())),
        ("ProhibitSendQuota", text("99 GB (106,300,440,576 bytes)")),
        ("RetainDeletedItemsFor", text("00:00:00")),
        ("ThrottlingPolicy", Value::Null),
        ("ArchiveStatus", text("None")),
        ("IsMailboxEnabled", Value::Bool(true)),
        ("Big", text("18446744073709551615")),
        ("Ratio", text("0.5")),
        ("Inner", Value::Dictionary(vec![("A".to_owned(), Value::Int(1))])),
    ];
    assert_eq!(object.fields, expected.map(|(name, value)| (name.into(), value)));
}

#[test]
fn what_is_no_list_of_objects_is_taken_as_what_it_is() {
    assert!(objects(r#"{"value":null}"#).is_empty());
    assert!(objects("{}").is_empty());
    assert_eq!(objects(r#"{"value":{"Name":"one"}}"#).len(), 1);
    let page = read(br#"{"value":[null,[1],"text",{"Name":"x"}]}"#, &mut Names::default()).unwrap();
    let kinds: Vec<bool> = page.objects.iter().map(Result::is_ok).collect();
    assert_eq!(kinds, [false, false, true, true]);
    assert!(read(b"<html>", &mut Names::default()).is_err());
    assert!(read(br#"{"value":[{"A":1}]"#, &mut Names::default()).is_err(), "cut short");
}

#[test]
fn halves_of_characters_do_not_spoil_a_page() {
    let halves = r#"{"value":[{"Model":"a\ud83db","Whole":"\ud83d\ude00","Escaped":"\\ud83d"}]}"#;
    let [object] = &objects(halves)[..] else { panic!("one") };
    let text = |name: &str| object.get(name).unwrap().text().unwrap();
    assert_eq!(text("Model"), "a\u{fffd}b");
    assert_eq!(text("Whole"), "😀");
    assert_eq!(text("Escaped"), "\\ud83d");
    let mut bytes = br#"{"value":[{"Model":"x"}]}"#.to_vec();
    let at = bytes.iter().position(|byte| *byte == b'x').unwrap();
    bytes[at] = 0xff;
    let page = read(&bytes, &mut Names::default()).unwrap();
    assert_eq!(page.objects[0].as_ref().unwrap().get("Model").unwrap().text().unwrap(), "\u{fffd}");
}

#[test]
fn a_batch_is_told_apart_by_ids() {
    let json = r#"{"responses":[
        {"id":"b","status":404,"body":{"error":{"code":"NotFound"}}},
        {"body":{"value":[{"Guid":"x"}],"@odata.nextLink":"https://x/y"},"id":"a","status":"200"},
        {"id":7,"headers":{"Retry-After":"3"},"body":"no"}]}"#;
    let parts = read_batch(json.as_bytes(), &mut Names::default()).unwrap();
    let of = |at: usize| (parts[at].id.as_str(), parts[at].status, parts[at].page.objects.len());
    assert_eq!(of(0), ("b", Some(404), 0));
    assert!(parts[0].page.error.is_some());
    assert_eq!(of(1), ("a", Some(200), 1));
    assert_eq!(parts[1].page.next.as_deref(), Some("https://x/y"));
    assert_eq!(of(2), ("7", None, 0));
    assert_eq!(parts[2].page.error, Some("no".into()));
}

/// A body that is not long by itself can be far more in memory.
#[test]
fn an_answer_has_an_end_whatever_it_is_made_of() {
    let most = crate::hosted::admin_api::object::MAX_VALUES;
    let many = |one: &str, times| vec![one; times].join(",");
    let full = format!(r#"{{"value":[{}]}}"#, many("{}", most));
    assert_eq!(objects(&full).len(), most);
    let refused = |text: String| {
        read(text.as_bytes(), &mut Names::default())
            .map(drop)
            .and_then(|()| read_batch(text.as_bytes(), &mut Names::default()).map(drop))
            .unwrap_err()
            .to_string()
    };
    for text in [
        format!(r#"{{"value":[{}]}}"#, many("{}", most + 1)),
        format!(r#"{{"value":[{}]}}"#, many("null", most + 1)),
        format!(r#"{{"value":[{{"A":[{}]}}]}}"#, many("[]", most)),
        format!(r#"{{"@adminapi.warnings":[{}]}}"#, many(r#""""#, most)),
        format!(r#"{{"error":[{}]}}"#, many("[]", most)),
    ] {
        let error = refused(text);
        assert!(error.contains("more than 1000000 values"), "{error}");
    }
    let error = refused(format!(r#"{{"responses":[{}]}}"#, many("{}", 101)));
    assert!(error.contains("more parts"), "{error}");
}

#[test]
fn no_error_is_none() {
    let page = read(br#"{"error":null,"value":[{"A":1}]}"#, &mut Names::default()).unwrap();
    assert_eq!((page.objects.len(), page.error), (1, None));
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let names = prop_oneof![
        Just("value".to_owned()),
        Just("@odata.nextLink".to_owned()),
        Just("@adminapi.warnings".to_owned()),
        Just("error".to_owned()),
        Just("responses".to_owned()),
        Just("id".to_owned()),
        Just("body".to_owned()),
        Just("Guid@data.type".to_owned()),
        Just("Guid".to_owned()),
        ".{0,6}",
    ];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,12}".prop_map(serde_json::Value::from),
        Just("System.Guid".into()),
    ];
    leaf.prop_recursive(5, 48, 8, move |inner| {
        let map = prop::collection::vec((names.clone(), inner.clone()), 0..8);
        prop_oneof![
            prop::collection::vec(inner, 0..8).prop_map(Into::into),
            map.prop_map(|entries| serde_json::Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(json in any_json(), cut in 0.0..1.2_f64) {
        let text = json.to_string();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
        let end = ((text.len() as f64 * cut) as usize).min(text.len());
        let bytes = &text.as_bytes()[..end];
        drop(read(bytes, &mut Names::default()));
        drop(read_batch(bytes, &mut Names::default()));
        drop(super::super::failure::Failure::read(400, Some(&json), "Get-X"));
    }

    #[test]
    fn bytes_of_any_kind_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(read(&bytes, &mut Names::default()));
        drop(read_batch(&bytes, &mut Names::default()));
    }

    #[test]
    fn fields_keep_their_order_and_their_text(fields in prop::collection::vec(("[A-Za-z]{1,8}", ".{0,20}"), 0..10)) {
        let mut json = String::from(r#"{"value":[{"#);
        for (at, (name, value)) in fields.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            json += &format!("{comma}{}:{}", serde_json::json!(name), serde_json::json!(value));
        }
        json += "}]}";
        let [object] = &objects(&json)[..] else { panic!("one") };
        let read: Vec<(String, Value)> =
            object.fields.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
        let expected: Vec<(String, Value)> =
            fields.into_iter().map(|(name, value)| (name, Value::Text(value))).collect();
        prop_assert_eq!(read, expected);
    }
}
