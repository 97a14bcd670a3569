//! Requests as clients other than ours write them, understood by the server's half.

use std::time::Duration;

use wsman::server::{Operation, parse_request};
use wsman::{Error, Signal, StreamData, uri};

/// A request with the prefixes and the order of headers of Windows.
fn request(action: &str, headers: &str, body: &str) -> String {
    format!(
        r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"><s:Header><a:To>http://ex1.corp.example:80/PowerShell?PSVersion=5.1.1</a:To><w:ResourceURI s:mustUnderstand="true">http://schemas.microsoft.com/powershell/Microsoft.Exchange</w:ResourceURI><a:ReplyTo><a:Address s:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo><a:Action s:mustUnderstand="true">{action}</a:Action><w:MaxEnvelopeSize s:mustUnderstand="true">512000</w:MaxEnvelopeSize><a:MessageID>uuid:A7E8B4C2-0000-4000-8000-00000000000A</a:MessageID><w:Locale xml:lang="de-DE" s:mustUnderstand="false" /><p:DataLocale xml:lang="en-GB" s:mustUnderstand="false" /><p:SessionId s:mustUnderstand="false">uuid:51</p:SessionId><p:OperationID s:mustUnderstand="false">uuid:52</p:OperationID><p:SequenceId s:mustUnderstand="false">1</p:SequenceId>{headers}<w:OperationTimeout>PT180.000S</w:OperationTimeout></s:Header><s:Body>{body}</s:Body></s:Envelope>"#
    )
}

const SHELL_SELECTOR: &str =
    r#"<w:SelectorSet><w:Selector Name="ShellId">F00D</w:Selector></w:SelectorSet>"#;
const ID: uuid::Uuid = uuid::Uuid::from_u128(0x0a0b_0c0d_0000_0000_0000_0000_0000_0001);

fn check(action: &str, body: &str, expected: &Operation) {
    let request = request(action, SHELL_SELECTOR, body);
    assert_eq!(&parse_request(request.as_bytes()).unwrap().operation, expected);
}

#[test]
fn the_header_is_understood_in_any_order() {
    let options = r#"<w:OptionSet xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" s:mustUnderstand="true"><w:Option Name="protocolversion" MustComply="true">2.3</w:Option><w:Option Name="nil" xsi:nil="true"/></w:OptionSet>"#;
    let text = request(uri::ACTION_DELETE, &format!("{options}{SHELL_SELECTOR}"), "");
    let header = parse_request(text.as_bytes()).unwrap().header;
    assert_eq!(header.action, uri::ACTION_DELETE);
    assert_eq!(header.message_id, "uuid:A7E8B4C2-0000-4000-8000-00000000000A");
    assert_eq!(header.to, "http://ex1.corp.example:80/PowerShell?PSVersion=5.1.1");
    assert_eq!(header.resource_uri, uri::EXCHANGE);
    assert_eq!(header.shell_id.as_deref(), Some("F00D"));
    assert_eq!(header.session_id.as_deref(), Some("uuid:51"));
    assert_eq!(header.max_envelope_bytes, Some(512_000));
    assert_eq!(header.operation_timeout, Some(Duration::from_secs(180)));
    assert_eq!(header.locale.as_deref(), Some("de-DE"));
    assert_eq!(header.data_locale.as_deref(), Some("en-GB"));
    assert_eq!(header.option("ProtocolVersion"), Some("2.3"));
    assert_eq!(header.option("nil"), Some(""));
    assert_eq!(header.option("other"), None);
}

#[test]
fn powershell_opens_a_shell() {
    check(
        uri::ACTION_CREATE,
        r#"<rsp:Shell xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell" Name="WinRM1" ShellId="F00D"><rsp:IdleTimeOut>PT240.000S</rsp:IdleTimeOut><rsp:InputStreams>stdin pr</rsp:InputStreams><rsp:OutputStreams>stdout</rsp:OutputStreams><creationXml xmlns="http://schemas.microsoft.com/powershell">b3Blbg==</creationXml></rsp:Shell>"#,
        &Operation::Create {
            shell_id: Some("F00D".to_owned()),
            idle_timeout: Some(Duration::from_secs(240)),
            input_streams: vec!["stdin".to_owned(), "pr".to_owned()],
            output_streams: vec!["stdout".to_owned()],
            payload: b"open".to_vec(),
        },
    );
}

#[test]
fn a_command_shell_has_a_command_line_in_words() {
    let body = r#"<r:CommandLine xmlns:r="http://schemas.microsoft.com/wbem/wsman/1/windows/shell"><r:Command>cmd &amp; more</r:Command><r:Arguments>/c</r:Arguments><r:Arguments> dir  </r:Arguments></r:CommandLine>"#;
    let operation = Operation::Command {
        command_id: None,
        command: "cmd & more".to_owned(),
        arguments: vec!["/c".to_owned(), " dir  ".to_owned()],
    };
    check(uri::ACTION_COMMAND, body, &operation);
}

#[test]
fn a_pipeline_has_one_argument_in_base64() {
    let body = r#"<rsp:CommandLine xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell" CommandId="0A0B0C0D-0000-0000-0000-000000000001"><rsp:Command></rsp:Command><rsp:Arguments>Zmly
        c3Q=</rsp:Arguments></rsp:CommandLine>"#;
    let text = request(uri::ACTION_COMMAND, SHELL_SELECTOR, body);
    let operation = parse_request(text.as_bytes()).unwrap().operation;
    assert_eq!(operation.payload(), Ok(b"first".to_vec()));
    let Operation::Command { command_id, .. } = operation else { panic!("no command") };
    assert_eq!(command_id, Some(ID));
    assert_eq!(Operation::Delete.payload(), Err(Error::Missing { element: "Arguments" }));
}

#[test]
fn input_output_and_signals_are_understood() {
    let rsp = r#"xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell""#;
    let id = "0a0b0c0d-0000-0000-0000-000000000001";
    check(
        uri::ACTION_SEND,
        &format!(
            r#"<rsp:Send {rsp}><rsp:Stream Name="stdin" CommandId="{id}" End="True">aW4=</rsp:Stream><rsp:Stream Name="pr"/></rsp:Send>"#
        ),
        &Operation::Send {
            streams: vec![
                StreamData {
                    name: "stdin".to_owned(),
                    command_id: Some(ID),
                    bytes: b"in".to_vec(),
                    end: true,
                },
                StreamData { name: "pr".to_owned(), ..StreamData::default() },
            ],
        },
    );
    check(
        uri::ACTION_RECEIVE,
        &format!(
            r#"<rsp:Receive {rsp} SequenceId="0"><rsp:DesiredStream CommandId="{id}">stdout stderr</rsp:DesiredStream></rsp:Receive>"#
        ),
        &Operation::Receive {
            command_id: Some(ID),
            streams: vec!["stdout".to_owned(), "stderr".to_owned()],
        },
    );
    let signals = [
        (
            "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/terminate",
            Signal::Terminate,
        ),
        (
            "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/Terminate",
            Signal::Terminate,
        ),
        ("powershell/signal/crtl_c", Signal::Stop),
        ("powershell/signal/ctrl_c", Signal::Stop),
        ("http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/ctrl_c", Signal::CtrlC),
        ("urn:hup", Signal::Other("urn:hup".to_owned())),
    ];
    for (code, signal) in signals {
        let body = format!(
            r#"<rsp:Signal {rsp} CommandId="{id}"><rsp:Code>{code}</rsp:Code></rsp:Signal>"#
        );
        check(uri::ACTION_SIGNAL, &body, &Operation::Signal { command_id: Some(ID), signal });
    }
}

#[test]
fn shells_are_left_taken_back_taken_over_and_listed() {
    let rsp = r#"xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell""#;
    let disconnect = |idle_timeout| Operation::Disconnect { idle_timeout };
    check(uri::ACTION_DISCONNECT, &format!("<rsp:Disconnect {rsp} />"), &disconnect(None));
    check(uri::ACTION_DISCONNECT, "", &disconnect(None));
    let body =
        format!("<rsp:Disconnect {rsp}><rsp:IdleTimeOut>PT1H</rsp:IdleTimeOut></rsp:Disconnect>");
    check(uri::ACTION_DISCONNECT, &body, &disconnect(Some(Duration::from_secs(3_600))));
    check(uri::ACTION_RECONNECT, &format!("<rsp:Reconnect {rsp}/>"), &Operation::Reconnect);
    let body = format!(
        r#"<rsp:Connect {rsp}><connectXml xmlns="http://schemas.microsoft.com/powershell">YWdhaW4</connectXml></rsp:Connect>"#
    );
    check(uri::ACTION_CONNECT, &body, &Operation::Connect { payload: b"again".to_vec() });
    check(uri::ACTION_GET, "", &Operation::Get);
    check("urn:unheard-of", "<w:Unheard/>", &Operation::Other);
    let body = r#"<n:Enumerate xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration"><w:OptimizeEnumeration/></n:Enumerate>"#;
    check(uri::ACTION_ENUMERATE, body, &Operation::Enumerate);
}

#[test]
fn what_cannot_be_understood_is_refused() {
    let check = |text: &str, expected: &str| {
        assert_eq!(parse_request(text.as_bytes()).unwrap_err().to_string(), expected);
    };
    check("GET / HTTP/1.1", r#"the body is not a SOAP envelope but begins with "GET / HTTP/1.1""#);
    check(&request("", "", ""), "the envelope has no Action");
    let headers = "<w:OperationTimeout>soon</w:OperationTimeout>";
    check(
        &request(uri::ACTION_GET, headers, ""),
        r#"OperationTimeout has the value "soon", which it cannot have"#,
    );
    let bomb = r#"<!DOCTYPE s [<!ENTITY a "aaaaaaaa">]><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"/>"#;
    assert!(matches!(parse_request(bomb.as_bytes()), Err(Error::NotSoap { .. })));
}
