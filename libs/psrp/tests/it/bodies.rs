//! Every message that can be said can be understood.

use proptest::prelude::{Just, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};
use psrp::body::{Availability, Body, Capability, CommandQuery, PoolOptions, PoolSize, UserEvent};
use psrp::clixml::Value;
use psrp::host::{ChoicePrompt, HostCall, HostMethod};
use psrp::message::MessageType;
use psrp::pipeline::{
    Command, HostInfo, Merge, Parameter, PipelineDescription, RemoteStreamOptions, ResultTypes,
    hashtable, list,
};
use psrp::record::{
    ErrorRecord, InformationRecord, InformationalRecord, Invocation, ProgressRecord,
};
use psrp::state::{PipelineState, PoolState, ProtocolVersion};
use uuid::Uuid;

/// One body of each known type.
fn one_of_each() -> Vec<Body> {
    let call = HostCall { id: 4, ..ChoicePrompt::confirmation("Really?").to_call() };
    let informational = InformationalRecord::new("careful");
    vec![
        Body::SessionCapability(Capability { time_zone: Some(vec![1, 2]), ..Capability::own() }),
        Body::InitRunspacePool(PoolOptions { host: HostInfo::interactive(), ..Default::default() }),
        Body::PublicKey("QUJD".to_owned()),
        Body::EncryptedSessionKey("REVG".to_owned()),
        Body::PublicKeyRequest,
        Body::ConnectRunspacePool(Some(PoolSize { min: 1, max: 5 })),
        Body::SetMaxRunspaces { count: 5, call: 1 },
        Body::SetMinRunspaces { count: 2, call: 2 },
        Body::RunspaceAvailability { call: 3, answer: Availability::Granted(false) },
        Body::RunspacePoolState(PoolState::Opened, None),
        Body::CreatePipeline(Box::new(PipelineDescription::new(vec![Command::new("Get-Mailbox")]))),
        Body::GetAvailableRunspaces { call: 9 },
        Body::UserEvent(Box::new(UserEvent {
            id: 1,
            source: "timer".to_owned(),
            time: Some("2026-01-01T00:00:00Z".to_owned()),
            sender: Value::Nil,
            arguments: vec![1.into()],
            data: "data".into(),
            computer: "ex1".to_owned(),
            runspace: Uuid::from_u128(3),
        })),
        Body::ApplicationPrivateData(hashtable(vec![("a".into(), 1.into())])),
        Body::GetCommandMetadata(CommandQuery {
            names: vec!["Get-*Device".to_owned()],
            kinds: 8,
            modules: Vec::new(),
            arguments: Vec::new(),
        }),
        Body::RunspacePoolInitData(PoolSize { min: 1, max: 3 }),
        Body::ResetRunspaceState { call: 8 },
        Body::RunspacePoolHostCall(call.clone()),
        Body::RunspacePoolHostResponse(call.answer(1)),
        Body::PipelineInput(list(vec![1.into(), "x".into()])),
        Body::EndOfPipelineInput,
        Body::PipelineOutput("text".into()),
        Body::ErrorRecord(Box::new(error())),
        Body::PipelineState(PipelineState::Failed, Some(Box::new(error()))),
        Body::DebugRecord(informational.clone()),
        Body::VerboseRecord(informational.clone()),
        Body::WarningRecord(informational),
        Body::ProgressRecord(ProgressRecord {
            activity: "a".to_owned(),
            activity_id: 1,
            status: "s".to_owned(),
            current_operation: Some("o".to_owned()),
            parent_activity_id: 2,
            percent_complete: 3,
            is_completed: true,
            seconds_remaining: 4,
        }),
        Body::InformationRecord(Box::new(InformationRecord {
            source: "Write-Host".to_owned(),
            tags: vec!["PSHOST".to_owned()],
            process_id: 12,
            ..InformationRecord::from("hello")
        })),
        Body::PipelineHostCall(HostCall::new(HostMethod::READ_LINE, Vec::new())),
        Body::PipelineHostResponse(call.answer(Value::Nil)),
    ]
}

/// A record as it is read, so that it compares equal after the wire.
fn error() -> ErrorRecord {
    let mut record = ErrorRecord::new("gone", "Gone,Remove-MobileDevice", 13);
    record.invocation = Some(Invocation {
        command: "Remove-MobileDevice".to_owned(),
        invocation_name: "Remove-MobileDevice".to_owned(),
        line: String::new(),
        position_message: String::new(),
        script: String::new(),
        script_line: 1,
        column: 2,
        history_id: 3,
        pipeline_position: 1,
        pipeline_length: 1,
        bound_parameters: vec![("Identity".into(), "x".into())],
        unbound_arguments: Vec::new(),
    });
    ErrorRecord::from_value(&record.to_value())
}

#[test]
fn every_type_of_message_is_written_and_read() {
    let bodies = one_of_each();
    let types = bodies.iter().map(Body::message_type).collect::<Vec<_>>();
    assert_eq!(types, MessageType::KNOWN);
    for body in bodies {
        let data = body.write(ProtocolVersion::V2_3);
        assert_eq!(Body::read(body.message_type(), &data).as_ref(), Ok(&body));
    }
}

#[test]
fn what_is_missing_is_named_or_empty() {
    let empty = b"<Obj RefId=\"0\"><MS /></Obj>";
    let refused = MessageType::KNOWN.into_iter().filter(|kind| Body::read(*kind, empty).is_err());
    let names = refused.map(MessageType::name).collect::<Vec<_>>();
    let expected = [
        "SESSION_CAPABILITY",
        "PUBLIC_KEY",
        "ENCRYPTED_SESSION_KEY",
        "SET_MAX_RUNSPACES",
        "SET_MIN_RUNSPACES",
        "RUNSPACE_AVAILABILITY",
        "RUNSPACEPOOL_STATE",
        "GET_AVAILABLE_RUNSPACES",
        "RESET_RUNSPACE_STATE",
        "RUNSPACEPOOL_HOST_CALL",
        "RUNSPACEPOOL_HOST_RESPONSE",
        "PIPELINE_STATE",
        "PIPELINE_HOST_CALL",
        "PIPELINE_HOST_RESPONSE",
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_refused_host_call_keeps_its_reason() {
    let call = HostCall::new(HostMethod::READ_LINE, Vec::new());
    let data = Body::PipelineHostResponse(call.refusal("nobody here")).write(ProtocolVersion::V2_2);
    let Ok(Body::PipelineHostResponse(response)) =
        Body::read(MessageType::PipelineHostResponse, &data)
    else {
        panic!("a response")
    };
    assert_eq!(response.outcome.unwrap_err().message, "nobody here");
}

fn parameters() -> impl Strategy<Value = Vec<Parameter>> {
    let value = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::collection::vec(".{0,8}".prop_map(Value::from), 0..3).prop_map(|items| hashtable(
            vec![("Add".into(), list(items.clone())), ("Remove".into(), list(items))]
        )),
        Just(Value::Nil),
    ];
    let parameter = (prop::option::of("[A-Za-z]{1,12}"), value)
        .prop_map(|(name, value)| Parameter { name, value });
    prop::collection::vec(parameter, 0..4)
}

fn commands() -> impl Strategy<Value = Vec<Command>> {
    let command = ("[A-Z][a-z]+-[A-Za-z]+", parameters(), any::<(bool, bool)>(), 0i32..9).prop_map(
        |(name, parameters, (is_script, ends_statement), stream)| Command {
            is_script,
            parameters,
            use_local_scope: is_script.then_some(ends_statement),
            merge: Merge { warning: ResultTypes(stream), ..Merge::default() },
            ends_statement,
            ..Command::new(&name)
        },
    );
    prop::collection::vec(command, 1..4).prop_map(|mut commands| {
        if let Some(last) = commands.last_mut() {
            last.ends_statement = false;
        }
        commands
    })
}

proptest! {
    #[test]
    fn a_pipeline_survives_the_wire(commands in commands(), flags in any::<[bool; 4]>()) {
        let mut pipeline = PipelineDescription::new(commands);
        [pipeline.no_input, pipeline.add_to_history, pipeline.is_nested, _] = flags;
        pipeline.history = flags[3].then(|| "h".to_owned());
        pipeline.stream_options = RemoteStreamOptions(i32::from(flags[3]) * 5);
        let body = Body::CreatePipeline(Box::new(pipeline));
        let data = body.write(ProtocolVersion::V2_3);
        prop_assert_eq!(Body::read(MessageType::CreatePipeline, &data), Ok(body));
    }

    #[test]
    fn no_data_panic(index in 0usize..31, xml in "(<(Obj|MS|I32|S|LST|DCT|En)( N=\"(ci|mi|mp|Cmds)\")?/?>){0,12}") {
        drop(Body::read(MessageType::KNOWN[index], xml.as_bytes()));
    }
}
