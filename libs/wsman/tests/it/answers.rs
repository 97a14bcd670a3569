//! What servers answer, in the style of Windows and with other prefixes, understood by our client.

use std::time::Duration;

use wsman::client::{Created, Item, Received, Response, parse, parse_with};
use wsman::fault::{self, Fault};
use wsman::{CommandState, Error, Limits, Progress, StreamData};

/// An answer as a server would write it that shares no prefix with ours.
fn answer(action: &str, body: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?>
        <env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"
            xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing"
            xmlns:wst="http://schemas.xmlsoap.org/ws/2004/09/transfer"
            xmlns:m="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
            xmlns:e="http://schemas.xmlsoap.org/ws/2004/09/enumeration"
            xmlns="http://schemas.microsoft.com/wbem/wsman/1/windows/shell">
          <!-- a server may comment -->
          <env:Header><wsa:Action>{action}</wsa:Action><wsa:RelatesTo>uuid:7</wsa:RelatesTo></env:Header>
          <env:Body>{body}</env:Body>
        </env:Envelope>"#
    )
}

fn check(action: &str, body: &str, expected: &Response) {
    let answer = answer(action, body);
    assert_eq!(parse(answer.as_bytes()).as_ref(), Ok(expected));
    let utf16: Vec<u8> =
        "\u{feff}".encode_utf16().chain(answer.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(parse(&utf16).as_ref(), Ok(expected));
}

fn shell_action(name: &str) -> String {
    format!("http://schemas.microsoft.com/wbem/wsman/1/windows/shell/{name}")
}

const ID: &str = "0f0e0d0c-0B0A-0908-0706-050403020100";

fn id() -> uuid::Uuid {
    uuid::Uuid::parse_str(ID).unwrap()
}

#[test]
fn create_gives_the_shell_wherever_its_id_stands() {
    let created = Created {
        shell_id: ID.to_owned(),
        idle_timeout: Some(Duration::from_secs(900)),
        owner: Some(r"CORP\svc & co".to_owned()),
    };
    let shell = format!(
        "<Shell><ShellId>{ID}</ShellId><Owner>CORP\\svc &amp; co</Owner><IdleTimeOut>PT900.000S</IdleTimeOut></Shell>"
    );
    let action = "http://schemas.xmlsoap.org/ws/2004/09/transfer/CreateResponse";
    let reference = format!(
        "<wst:ResourceCreated><wsa:Address>http://ex1/</wsa:Address><wsa:ReferenceParameters>\
         <m:ResourceURI>x</m:ResourceURI><m:SelectorSet><m:Selector Name='Other'>no</m:Selector>\
         <m:Selector Name='ShellID'>{ID}</m:Selector></m:SelectorSet></wsa:ReferenceParameters>\
         </wst:ResourceCreated>"
    );
    check(action, &format!("{reference}{shell}"), &Response::Created(created.clone()));
    check(action, &format!("<wst:ResourceCreated/>{shell}"), &Response::Created(created));
    let bare = Created { shell_id: ID.to_owned(), ..Created::default() };
    check(action, &reference, &Response::Created(bare));
}

#[test]
fn empty_bodies_are_told_apart_by_their_action() {
    check("http://schemas.xmlsoap.org/ws/2004/09/transfer/DeleteResponse", "", &Response::Deleted);
    check(&shell_action("DisconnectResponse"), " ", &Response::Disconnected);
    check(&shell_action("ReconnectResponse"), "", &Response::Reconnected);
    check(&shell_action("SendResponse"), "<SendResponse/>", &Response::Sent);
    check(&shell_action("SignalResponse"), "<SignalResponse />", &Response::Signalled);
    let put = "http://schemas.xmlsoap.org/ws/2004/09/transfer/PutResponse";
    check(put, "", &Response::Got(Vec::new()));
    let body = format!("<CommandResponse><CommandId>{ID}</CommandId></CommandResponse>");
    check(&shell_action("CommandResponse"), &body, &Response::Command { command_id: Some(id()) });
}

#[test]
fn output_comes_in_pieces_with_a_state() {
    let body = format!(
        "<ReceiveResponse><Stream Name='stdout' CommandId='{ID}'>aGVs\r\n  bG8=</Stream>\
         <Stream Name='stdout'/><Stream Name='stderr' End='TRUE'></Stream>\
         <Stream Name='stdout'>d29&#121;bGQ</Stream>\
         <CommandState CommandId='{ID}' State='{}'><ExitCode>-1</ExitCode></CommandState></ReceiveResponse>",
        Progress::Done.uri()
    );
    let piece = |name: &str, bytes: &[u8]| StreamData {
        name: name.to_owned(),
        bytes: bytes.to_vec(),
        ..StreamData::default()
    };
    let received = Received {
        streams: vec![
            StreamData { command_id: Some(id()), ..piece("stdout", b"hello") },
            piece("stdout", b""),
            StreamData { end: true, ..piece("stderr", b"") },
            piece("stdout", b"world"),
        ],
        state: Some(CommandState {
            command_id: Some(id()),
            progress: Progress::Done,
            exit_code: Some(-1),
        }),
    };
    check(&shell_action("ReceiveResponse"), &body, &Response::Received(received));
}

#[test]
fn lists_and_resources_are_flattened() {
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let shell = Item {
        name: "Shell".to_owned(),
        fields: vec![field("ShellId", "A"), field("State", "Disconnected"), field("Empty", "")],
    };
    let body = "<e:EnumerateResponse><e:EnumerationContext/><m:Items><Shell><ShellId> A </ShellId>\
        <Inner><State>Disconnected</State></Inner><Empty/></Shell></m:Items><m:EndOfSequence/></e:EnumerateResponse>";
    let action = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/EnumerateResponse";
    check(action, body, &Response::Enumerated(vec![shell]));
    let body = "<c:Config xmlns:c='http://schemas.microsoft.com/wbem/wsman/1/config'>\
        <c:MaxEnvelopeSizekb>500</c:MaxEnvelopeSizekb></c:Config>";
    let config =
        Item { name: "Config".to_owned(), fields: vec![field("MaxEnvelopeSizekb", "500")] };
    check(
        "http://schemas.xmlsoap.org/ws/2004/09/transfer/GetResponse",
        body,
        &Response::Got(vec![config]),
    );
}

fn fault_body(detail: &str) -> String {
    format!(
        "<env:Fault><env:Code><env:Value>env:Receiver</env:Value><env:Subcode><env:Value>m:TimedOut</env:Value>\
         </env:Subcode></env:Code><env:Reason><env:Text xml:lang='en-US'>It took too long.  </env:Text>\
         <env:Text xml:lang='de-DE'>Es dauerte zu lange.</env:Text></env:Reason><env:Detail>{detail}</env:Detail></env:Fault>"
    )
}

fn check_fault(detail: &str, expected: Fault) {
    let expected = Fault {
        soap_code: "Receiver".to_owned(),
        soap_subcode: Some("TimedOut".to_owned()),
        text: "It took too long.".to_owned(),
        ..expected
    };
    check(
        "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault",
        &fault_body(detail),
        &Response::Fault(expected),
    );
}

#[test]
fn faults_keep_code_texts_and_machine() {
    let text = |text: &str| Some(text.to_owned());
    check_fault("", Fault::default());
    check_fault(
        "<f:WSManFault xmlns:f='http://schemas.microsoft.com/wbem/wsman/1/wsmanfault' Code='2150858793' Machine='ex1'>\
         <f:Message>It took too long. </f:Message></f:WSManFault>",
        Fault {
            code: Some(fault::OPERATION_TIMED_OUT),
            machine: text("ex1"),
            message: text("It took too long."),
            ..Fault::default()
        },
    );
    check_fault(
        "<m:FaultDetail>http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/InvalidValue</m:FaultDetail>\
         <WSManFault xmlns='http://schemas.microsoft.com/wbem/wsman/1/wsmanfault' Code='-2144108503' Machine='ex1'>\
         <Message><ProviderFault provider='microsoft.exchange' path='x.dll'>\
         [Server=EX1] Too many &lt;shells&gt;.<WSManFault Code='5'><Message> Wait.</Message></WSManFault>\
         </ProviderFault></Message></WSManFault>",
        Fault {
            code: Some(fault::OPERATION_TIMED_OUT),
            detail: text("http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/InvalidValue"),
            machine: text("ex1"),
            provider: text("microsoft.exchange"),
            provider_text: text("[Server=EX1] Too many <shells>. Wait."),
            ..Fault::default()
        },
    );
    check_fault(
        "<p:MSFT_WmiError xmlns:p='http://schemas.microsoft.com/wbem/wsman/1/wmi/root/MSFT_WmiError'>\
         <p:error_Code>2150858817</p:error_Code><p:Message>No such thing.</p:Message></p:MSFT_WmiError>",
        Fault {
            code: Some(fault::SCHEMA_VALIDATION),
            message: text("No such thing."),
            ..Fault::default()
        },
    );
}

#[test]
fn faults_know_what_to_do_about_them() {
    let of = |code: u32| Fault { code: Some(code), ..Fault::default() };
    assert!(of(fault::OPERATION_TIMED_OUT).is_time_out());
    assert!(Fault { soap_subcode: Some("TimedOut".to_owned()), ..Fault::default() }.is_time_out());
    assert!(of(fault::SHELL_NOT_FOUND).is_not_found());
    assert!(of(fault::ACCESS_DENIED).is_access_denied());
    for code in [
        fault::TOO_MANY_SHELLS,
        fault::SYSTEM_QUOTA,
        fault::TOO_MANY_COMMANDS,
        fault::TOO_MANY_USERS,
    ] {
        assert!(of(code).is_quota(), "{code}");
    }
    assert!(!of(fault::REDIRECT_REQUESTED).is_quota());
    let mut fault = Fault { text: "reason".to_owned(), ..Fault::default() };
    assert_eq!(fault.best_text(), "reason");
    fault.message = Some("message".to_owned());
    assert_eq!(fault.best_text(), "message");
    fault.provider_text = Some("provider".to_owned());
    assert_eq!(fault.best_text(), "provider");
}

#[test]
fn what_is_no_envelope_is_named_with_its_beginning() {
    let page = "<!DOCTYPE html><html><head><title>404 - File or directory not found.</title>";
    let not_soap = |start: &str| Err(Error::NotSoap { start: start.to_owned() });
    assert_eq!(parse(page.as_bytes()), not_soap(page));
    assert_eq!(parse(b""), not_soap(""));
    assert_eq!(parse(b" \r\nBad Request"), not_soap("Bad Request"));
    assert_eq!(parse(b"<html><body>no</body></html>"), not_soap("<html><body>no</body></html>"));
    assert_eq!(parse(b"<Envelope/>"), not_soap("<Envelope/>"));
    assert_eq!(parse(b"caf\xe9"), not_soap("caf\u{fffd}"));
    let long = "x".repeat(1_000);
    assert_eq!(parse(long.as_bytes()), not_soap(&"x".repeat(Error::START_CHARS)));
}

#[test]
fn broken_envelopes_are_refused_with_a_reason() {
    let check = |text: &str, expected: &str| {
        assert_eq!(parse(text.as_bytes()).unwrap_err().to_string(), expected);
    };
    let whole = answer(&shell_action("ReceiveResponse"), "<ReceiveResponse/>");
    let (half, _) = whole.split_once("</env:Body>").unwrap();
    check(half, "the envelope is not well-formed: it ends too early");
    check(&answer("", ""), "the envelope has no Body");
    check(&answer("", "<wst:ResourceCreated/>"), "the envelope has no ShellId");
    check(&answer("urn:unheard-of", ""), r#"the action "urn:unheard-of" is unknown"#);
    check(
        &answer("", "<ReceiveResponse><Stream>YQ==</Stream></ReceiveResponse>"),
        "the envelope has no Name",
    );
    check(
        &answer("", "<ReceiveResponse><Stream Name='stdout'>!</Stream></ReceiveResponse>"),
        r#"Stream has the value "!", which it cannot have"#,
    );
    check(
        &answer("", "<CommandResponse><CommandId>7</CommandId></CommandResponse>"),
        r#"CommandId has the value "7", which it cannot have"#,
    );
    check(&answer("", "&nbsp;"), "the envelope is not well-formed: unknown entity");
}

#[test]
fn limits_are_kept() {
    let check = |limits: &Limits, body: &str, expected: &str| {
        let answer = answer("", body);
        assert_eq!(parse_with(answer.as_bytes(), limits).unwrap_err().to_string(), expected);
    };
    let limits = Limits { envelope_bytes: 4_096, depth: 5, streams: 2, text_bytes: 512 };
    check(&limits, &"x".repeat(4_096), "the envelope has more than 4096 bytes");
    check(&limits, "<a><b><c><d/></c></b></a>", "the envelope has more than 5 levels");
    let stream = "<Stream Name='stdout'/>".repeat(3);
    let body = format!("<ReceiveResponse>{stream}</ReceiveResponse>");
    check(&limits, &body, "the envelope has more than 2 streams");
    let body = format!(
        "<env:Fault><env:Reason><env:Text>{}</env:Text></env:Reason></env:Fault>",
        "x".repeat(513)
    );
    check(&limits, &body, "the envelope has more than 512 bytes of text");
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    check(&Limits::default(), &deep, "the envelope has more than 64 levels");
}

#[test]
fn the_answer_says_which_request_it_answers() {
    let answer = answer(&shell_action("SendResponse"), "<SendResponse/>");
    assert_eq!(parse_with(answer.as_bytes(), &Limits::default()).unwrap().relates_to, "uuid:7");
}
