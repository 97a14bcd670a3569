//! What our client writes, to be read by a person when it changes.

use std::time::Duration;

use uuid::Uuid;
use wsman::client::{Creation, InputStream, Settings, Shell, max_payload};
use wsman::{EXCHANGE_MAX_ENVELOPE_BYTES, Signal, fault};

const MESSAGE: Uuid = Uuid::from_u128(0x1111_1111_1111_1111_1111_1111_1111_1111);
const SESSION: Uuid = Uuid::from_u128(0x2222_2222_2222_2222_2222_2222_2222_2222);
const POOL: Uuid = Uuid::from_u128(0xabcd_3333_3333_3333_3333_3333_3333_3333);
const PIPELINE: Uuid = Uuid::from_u128(0xef44_4444_4444_4444_4444_4444_4444_4444);

pub(crate) fn shell() -> Shell {
    let url = "http://ex1.corp.example/PowerShell/?a=1&b=<2>".to_owned();
    let mut shell = Shell::new(Settings::exchange(url, SESSION));
    shell.opened("ABCD3333-3333-3333-3333-333333333333".to_owned());
    shell
}

fn lines(envelope: &str) -> String {
    envelope.replace("><", ">\n<")
}

#[test]
fn create_carries_the_opening_bytes_and_no_selector() {
    let shell = Shell::new(shell().settings().clone());
    let creation = Creation {
        shell_id: Some(POOL),
        idle_timeout: Some(Duration::from_secs(900)),
        payload: b"opening",
    };
    insta::assert_snapshot!(lines(&shell.create(MESSAGE, &creation)));
}

#[test]
fn command_names_the_shell_and_the_pipeline() {
    insta::assert_snapshot!(lines(&shell().command(MESSAGE, PIPELINE, b"first")));
}

#[test]
fn the_rest_differ_only_in_action_and_body() {
    let shell = shell();
    let bodies = [
        shell.send(MESSAGE, InputStream::Default, Some(PIPELINE), b"in"),
        shell.send(MESSAGE, InputStream::PromptResponse, None, b"yes"),
        shell.receive(MESSAGE, Some(PIPELINE)),
        shell.receive(MESSAGE, None),
        shell.signal(MESSAGE, PIPELINE, &Signal::Terminate),
        shell.signal(MESSAGE, PIPELINE, &Signal::Stop),
        shell.delete(MESSAGE),
        shell.disconnect(MESSAGE, None),
        shell.disconnect(MESSAGE, Some(Duration::from_millis(90_500))),
        shell.reconnect(MESSAGE),
        shell.connect(MESSAGE, b"again"),
    ]
    .map(|envelope| {
        let (_, from_action) = envelope.split_once("<a:Action").unwrap();
        let (action, rest) = from_action.split_once("</a:Action>").unwrap();
        let (_, rest) = rest.split_once("</w:OperationTimeout>").unwrap();
        format!("{action}\n  {rest}\n")
    });
    insta::assert_snapshot!(bodies.join("\n"));
}

#[test]
fn a_payload_of_the_largest_size_fits_its_envelope() {
    for max_envelope_bytes in [8_192, 153_600, EXCHANGE_MAX_ENVELOPE_BYTES] {
        let payload = vec![0xa5; max_payload(max_envelope_bytes)];
        let max = usize::try_from(max_envelope_bytes).unwrap();
        let mut settings = shell().settings().clone();
        settings.url = format!("https://{}/PowerShell", "x".repeat(1_000));
        let mut shell = Shell::new(settings);
        shell.opened("ABCD3333-3333-3333-3333-333333333333".to_owned());
        let creation = Creation { payload: &payload, ..Creation::default() };
        let envelopes = [
            shell.create(MESSAGE, &creation),
            shell.command(MESSAGE, PIPELINE, &payload),
            shell.send(MESSAGE, InputStream::Default, Some(PIPELINE), &payload),
            shell.connect(MESSAGE, &payload),
        ];
        for envelope in envelopes {
            assert!(envelope.len() <= max, "{} of {max}", envelope.len());
            assert!(envelope.len() + 4_096 > max, "{} of {max} is a waste", envelope.len());
        }
    }
    assert_eq!(max_payload(0), 1);
}

#[test]
fn the_codes_are_those_of_windows() {
    // Their names end in these numbers in wsmerror.h, which writes them in hexadecimal.
    let codes = [
        (fault::OPERATION_TIMED_OUT, 0x8033_8029),
        (fault::SHELL_NOT_FOUND, 0x8033_805b),
        (fault::MAX_ENVELOPE_SIZE_EXCEEDED, 0x8033_8048),
        (fault::TOO_MANY_SHELLS, 0x8033_81a5),
        (fault::TOO_MANY_SHELLS_OF_USER, 0x8033_81e4),
        (fault::TOO_MANY_COMMANDS, 0x8033_81e9),
    ];
    for (code, expected) in codes {
        assert_eq!(code, expected);
    }
}
