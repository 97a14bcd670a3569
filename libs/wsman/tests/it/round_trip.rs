//! What one half writes, the other reads back; what nobody wrote, nobody chokes on.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use uuid::Uuid;
use wsman::client::{
    Creation, InputStream, Received, Response, Settings, Shell, parse, parse_with,
};
use wsman::fault::Fault;
use wsman::server::{Operation, Reply, Request, ShellDescription, parse_request};
use wsman::{CommandState, Limits, Progress, Signal, StreamData};

/// Text that XML can hold and that no reader trims.
fn text() -> impl Strategy<Value = String> {
    "[!-~äß€𝄞]([ -~\t\n\räß€𝄞]{0,40}[!-~äß€𝄞])?"
}

fn id() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..400)
}

fn timeout() -> impl Strategy<Value = Duration> {
    (0_u64..10_000_000).prop_map(Duration::from_millis)
}

fn shell() -> impl Strategy<Value = Shell> {
    let settings = (text(), text(), id(), any::<u32>(), timeout(), text(), text());
    (settings, text()).prop_map(|(settings, shell_id)| {
        let (
            url,
            resource_uri,
            session_id,
            max_envelope_bytes,
            operation_timeout,
            locale,
            protocol_version,
        ) = settings;
        let mut shell = Shell::new(Settings {
            url,
            resource_uri,
            session_id,
            max_envelope_bytes,
            operation_timeout,
            locale,
            protocol_version,
        });
        shell.opened(shell_id);
        shell
    })
}

fn signal() -> impl Strategy<Value = Signal> {
    prop_oneof![
        Just(Signal::Terminate),
        Just(Signal::Stop),
        Just(Signal::CtrlC),
        Just(Signal::CtrlBreak),
        text().prop_map(Signal::Other),
    ]
}

fn stream() -> impl Strategy<Value = StreamData> {
    (text(), option::of(id()), bytes(), any::<bool>())
        .prop_map(|(name, command_id, bytes, end)| StreamData { name, command_id, bytes, end })
}

fn state() -> impl Strategy<Value = CommandState> {
    let progress = prop_oneof![
        Just(Progress::Pending),
        Just(Progress::Running),
        Just(Progress::Done),
        text().prop_map(Progress::Other),
    ];
    (option::of(id()), progress, option::of(any::<i32>())).prop_map(
        |(command_id, progress, exit_code)| CommandState { command_id, progress, exit_code },
    )
}

fn fault() -> impl Strategy<Value = Fault> {
    let texts = (option::of("[A-Za-z]{1,20}"), text(), option::of(text()), option::of(text()));
    let provider = (option::of(text()), option::of(text()), option::of(text()));
    (any::<u32>(), texts, provider).prop_map(|(code, texts, (message, provider_text, provider))| {
        let (soap_subcode, text, detail, machine) = texts;
        Fault {
            code: Some(code),
            soap_code: "Sender".to_owned(),
            soap_subcode,
            text,
            detail,
            machine,
            message,
            provider: provider.filter(|_| provider_text.is_some()),
            provider_text,
        }
    })
}

fn read(shell: &Shell, envelope: &str, message_id: Uuid) -> Request {
    let request = parse_request(envelope.as_bytes()).unwrap();
    let settings = shell.settings();
    let header = &request.header;
    assert_eq!(header.message_id, format!("uuid:{}", message_id.to_string().to_uppercase()));
    assert_eq!(header.to, settings.url);
    assert_eq!(header.resource_uri, settings.resource_uri);
    assert_eq!(header.max_envelope_bytes, Some(settings.max_envelope_bytes));
    assert_eq!(header.operation_timeout, Some(settings.operation_timeout));
    assert_eq!(header.locale.as_deref(), Some(settings.locale.as_str()));
    let named = (header.action != wsman::uri::ACTION_CREATE).then_some(shell.id()).flatten();
    assert_eq!(header.shell_id.as_deref(), named);
    request
}

proptest! {
    #[test]
    fn requests_survive(
        shell in shell(), message in id(), command in id(), target in option::of(id()),
        payload in bytes(), timeout in option::of(timeout()), signal in signal(),
    ) {
        let check = |envelope: String, expected: Operation| {
            assert_eq!(read(&shell, &envelope, message).operation, expected);
        };
        let creation = Creation { shell_id: target, idle_timeout: timeout, payload: &payload };
        check(shell.create(message, &creation), Operation::Create {
            shell_id: target.map(|id| id.to_string().to_uppercase()),
            idle_timeout: timeout,
            input_streams: vec!["stdin".to_owned(), "pr".to_owned()],
            output_streams: vec!["stdout".to_owned()],
            payload: payload.clone(),
        });
        let started = read(&shell, &shell.command(message, command, &payload), message).operation;
        prop_assert_eq!(started.payload().unwrap(), payload.clone());
        let data = StreamData { name: "pr".to_owned(), command_id: target, bytes: payload.clone(), end: false };
        check(
            shell.send(message, InputStream::PromptResponse, target, &payload),
            Operation::Send { streams: vec![data] },
        );
        let streams = vec!["stdout".to_owned()];
        check(shell.receive(message, target), Operation::Receive { command_id: target, streams });
        check(
            shell.signal(message, command, &signal),
            Operation::Signal { command_id: Some(command), signal: signal.clone() },
        );
        check(shell.delete(message), Operation::Delete);
        check(shell.disconnect(message, timeout), Operation::Disconnect { idle_timeout: timeout });
        check(shell.reconnect(message), Operation::Reconnect);
        check(shell.connect(message, &payload), Operation::Connect { payload: payload.clone() });
    }

    #[test]
    fn answers_survive(
        message in id(), relates_to in text(), command in id(), streams in vec(stream(), 0..5),
        state in option::of(state()), fault in fault(), payload in bytes(),
        texts in (text(), text(), text()), timeout in timeout(),
    ) {
        let reply = Reply::new(message, &relates_to);
        let check = |envelope: String, expected: Response| {
            let answer = parse_with(envelope.as_bytes(), &Limits::default()).unwrap();
            assert_eq!((answer.relates_to, answer.response), (relates_to.clone(), expected));
        };
        let description = ShellDescription {
            shell_id: texts.0.clone(), owner: texts.1.clone(), url: texts.2, idle_timeout: timeout,
            ..ShellDescription::default()
        };
        let created = wsman::client::Created {
            shell_id: texts.0, owner: Some(texts.1), idle_timeout: Some(timeout),
        };
        check(reply.created(&description), Response::Created(created));
        check(reply.command(command), Response::Command { command_id: Some(command) });
        check(reply.sent(), Response::Sent);
        check(
            reply.received(&streams, state.as_ref()),
            Response::Received(Received { streams: streams.clone(), state }),
        );
        check(reply.signalled(), Response::Signalled);
        check(reply.deleted(), Response::Deleted);
        check(reply.disconnected(), Response::Disconnected);
        check(reply.reconnected(), Response::Reconnected);
        check(reply.connected(&payload), Response::Connected { payload: payload.clone() });
        check(reply.fault(&fault), Response::Fault(fault.clone()));
        let listed = parse(reply.enumerated(&[description.clone(), description]).as_bytes()).unwrap();
        let Response::Enumerated(items) = listed else { panic!("not a list") };
        prop_assert_eq!(items.len(), 2);
    }

    #[test]
    fn nonsense_is_refused_without_panic(body in vec(any::<u8>(), 0..300)) {
        assert!(parse(&body).is_err());
        assert!(parse_request(&body).is_err());
    }

    #[test]
    fn damaged_envelopes_are_read_without_panic(
        command in id(), streams in vec(stream(), 0..3), fault in fault(),
        at in any::<proptest::sample::Index>(), with in bytes(), cut in 0_usize..40,
    ) {
        let reply = Reply::new(command, "uuid:1");
        let shell = super::requests::shell();
        let envelopes = [
            reply.received(&streams, None),
            reply.fault(&fault),
            shell.command(command, command, &with),
        ];
        for envelope in envelopes {
            let mut bytes = envelope.into_bytes();
            let start = at.index(bytes.len());
            let end = (start + cut).min(bytes.len());
            bytes.splice(start..end, with.iter().copied());
            drop(parse(&bytes));
            drop(parse_request(&bytes));
        }
    }
}
