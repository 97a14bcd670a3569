//! What happens between a client and a server.

use psrp::body::Availability;
use psrp::client::{Error, Event, PayloadStream, PipelineState, PoolSize, PoolState};
use psrp::clixml::Value;
use psrp::host::{ChoicePrompt, HostCall, HostMethod};
use psrp::message::MessageType;
use psrp::pipeline::{Command, PipelineDescription};
use psrp::record::{ErrorRecord, InformationRecord, ProgressRecord};
use psrp::server::{self, ServerEvent};
use psrp::state::ProtocolVersion;
use uuid::Uuid;

use crate::pair::Pair;

fn output(pipeline: Uuid, value: impl Into<Value>) -> Event {
    Event::Output { pipeline, value: Ok(value.into()) }
}

#[test]
fn a_pipeline_runs_however_the_wire_cuts() {
    for (max_bytes, piece_bytes) in [(22, 1), (100, 7), (32 * 1024, 1), (500_000, 500_000)] {
        let mut pair = Pair::new();
        (pair.max_bytes, pair.piece_bytes) = (max_bytes, piece_bytes);
        pair.open();
        let pipeline = pair.start("Get-MobileDevice");
        assert_eq!(pair.client.pipeline_state(pipeline), Some(PipelineState::Running));
        pair.server.output(pipeline, &"one".into()).unwrap();
        pair.server.output(pipeline, &2.into()).unwrap();
        assert_eq!(pair.complete(pipeline), [output(pipeline, "one"), output(pipeline, 2)]);
        assert_eq!(pair.client.pipeline_state(pipeline), Some(PipelineState::Completed));
        pair.client.forget(pipeline);
        pair.server.forget(pipeline);
        assert_eq!(pair.client.pipeline_state(pipeline), None);
        pair.server.pool_state(PoolState::Closed, None);
        assert_eq!(pair.fetch(None), [Event::PoolState(PoolState::Closed, None)]);
        let refused =
            pair.client.start(pipeline, &PipelineDescription::new(vec![Command::new("x")]));
        assert!(matches!(refused, Err(Error::PoolState { state: PoolState::Closed, .. })));
    }
}

#[test]
fn records_of_every_kind_arrive_in_order() {
    let mut pair = Pair::opened();
    let pipeline = pair.start("Get-Mailbox");
    let record = ErrorRecord::new("not found", "Id,Get-Mailbox", 13);
    let progress = ProgressRecord {
        activity: "Reading".to_owned(),
        activity_id: 1,
        status: "half".to_owned(),
        current_operation: None,
        parent_activity_id: -1,
        percent_complete: 50,
        is_completed: false,
        seconds_remaining: -1,
    };
    pair.server.error(pipeline, &record).unwrap();
    pair.server.warning(pipeline, "By default, only the first 1000 items are returned.").unwrap();
    pair.server.verbose(pipeline, "v").unwrap();
    pair.server.debug(pipeline, "d").unwrap();
    pair.server.information(pipeline, &InformationRecord::from("i")).unwrap();
    pair.server.progress(pipeline, &progress).unwrap();
    let mut events = pair.complete(pipeline).into_iter();
    let Some(Event::Error { record: read, .. }) = events.next() else { panic!("an error") };
    assert_eq!((read.message.as_str(), read.category), ("not found", 13));
    let message = "By default, only the first 1000 items are returned.".to_owned();
    assert_eq!(events.next(), Some(Event::Warning { pipeline, message }));
    assert_eq!(events.next(), Some(Event::Verbose { pipeline, message: "v".to_owned() }));
    assert_eq!(events.next(), Some(Event::Debug { pipeline, message: "d".to_owned() }));
    let information = Event::Information { pipeline, record: Box::new("i".into()) };
    assert_eq!(events.next(), Some(information));
    assert_eq!(events.next(), Some(Event::Progress { pipeline, record: progress }));
}

#[test]
fn a_failed_pipeline_says_why() {
    let mut pair = Pair::opened();
    let pipeline = pair.start("Get-Nothing");
    let record = ErrorRecord::new("no such command", "CommandNotFoundException", 13);
    pair.server.pipeline_state(pipeline, PipelineState::Failed, Some(&record)).unwrap();
    let events = pair.fetch(Some(pipeline));
    let [Event::PipelineState { state: PipelineState::Failed, error: Some(error), .. }] =
        &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(error.fully_qualified_error_id, "CommandNotFoundException");
}

#[test]
fn a_confirmation_is_answered_or_refused() {
    let mut pair = Pair::opened();
    let pipeline = pair.start("Clear-MobileDevice");
    let prompt = ChoicePrompt::confirmation("Are you sure you want to wipe?");
    for is_answered in [true, false] {
        let id = pair.server.host_call(Some(pipeline), prompt.to_call()).unwrap();
        let events = pair.fetch(Some(pipeline));
        let [Event::HostCall { pipeline: Some(asked_by), call }] = &events[..] else {
            panic!("{events:?}")
        };
        assert_eq!((*asked_by, ChoicePrompt::from_call(call)), (pipeline, Some(prompt.clone())));
        match is_answered {
            true => pair.client.answer_host_call(Some(pipeline), call, 2).unwrap(),
            false => pair.client.refuse_host_call(Some(pipeline), call, "no one is here").unwrap(),
        }
        let requests = pair.send();
        let [ServerEvent::HostResponse { pipeline: Some(_), response }] = &requests[..] else {
            panic!("{requests:?}")
        };
        assert_eq!((response.id, response.method), (id, HostMethod::PROMPT_FOR_CHOICE));
        match &response.outcome {
            Ok(choice) => assert!(is_answered && *choice == Value::from(2)),
            Err(error) => assert!(!is_answered && error.message == "no one is here"),
        }
    }
}

#[test]
fn a_host_call_that_wants_no_answer_gets_none() {
    let mut pair = Pair::opened();
    let shown = HostCall::new(HostMethod::WRITE_WARNING_LINE, vec!["look".into()]);
    assert_eq!(pair.server.host_call(None, shown), Ok(-100));
    let events = pair.fetch(None);
    let [Event::HostCall { pipeline: None, call }] = &events[..] else { panic!("{events:?}") };
    pair.client.answer_host_call(None, call, Value::Nil).unwrap();
    assert_eq!(pair.client.next_payload(1000), None);
}

#[test]
fn answers_overtake_input() {
    let mut pair = Pair::opened();
    let pipeline = pair.start("Set-Mailbox");
    pair.client.send_input(pipeline, &"x".repeat(10_000).into()).unwrap();
    let line = HostCall::new(HostMethod::READ_LINE, vec![]);
    pair.server.host_call(Some(pipeline), line).unwrap();
    let events = pair.fetch(Some(pipeline));
    let [Event::HostCall { call, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(pair.client.next_payload(1000).unwrap().stream, PayloadStream::Default);
    pair.client.answer_host_call(Some(pipeline), call, "line").unwrap();
    assert_eq!(pair.client.next_payload(1000).unwrap().stream, PayloadStream::PromptResponse);
    assert_eq!(pair.client.next_payload(1000).unwrap().stream, PayloadStream::Default);
}

#[test]
fn a_stopped_pipeline_drops_its_input_and_ends() {
    let mut pair = Pair::opened();
    let pipeline = pair.start("Get-MobileDeviceStatistics");
    pair.client.send_input(pipeline, &"x".into()).unwrap();
    pair.client.stop(pipeline).unwrap();
    assert_eq!(pair.client.pipeline_state(pipeline), Some(PipelineState::Stopping));
    assert_eq!(pair.send(), []);
    assert_eq!(pair.client.send_input(pipeline, &1.into()), Err(Error::InputEnded(pipeline)));
    pair.server.pipeline_state(pipeline, PipelineState::Stopped, None).unwrap();
    pair.fetch(Some(pipeline));
    assert_eq!(pair.client.pipeline_state(pipeline), Some(PipelineState::Stopped));
}

#[test]
fn two_pipelines_interleave_down_to_their_fragments() {
    let mut pair = Pair::opened();
    let pipelines = [pair.start("Get-Mailbox"), pair.start("Get-MobileDevice")];
    for pipeline in pipelines {
        pair.server.output(pipeline, &"x".repeat(100).into()).unwrap();
        pair.server.output(pipeline, &"y".into()).unwrap();
    }
    let mut outputs = Vec::new();
    while pair.server.queued_bytes(Some(pipelines[1])) > 0 {
        for pipeline in pipelines {
            if let Some(payload) = pair.server.next_payload(Some(pipeline), 60) {
                pair.client.receive(&payload).unwrap();
            }
            outputs.extend(std::iter::from_fn(|| pair.client.next_event()));
        }
    }
    outputs.sort_by_key(
        |event| matches!(event, Event::Output { pipeline, .. } if *pipeline == pipelines[1]),
    );
    let expected = pipelines.map(|id| [output(id, "x".repeat(100)), output(id, "y")]);
    assert_eq!(outputs, expected.concat());
}

#[test]
fn a_poisoned_object_fails_alone() {
    let mut pair = Pair::opened();
    let pipeline = pair.start("Get-MobileDevice");
    pair.server.output(pipeline, &"before".into()).unwrap();
    pair.server.output_xml(pipeline, b"<Obj RefId=\"0\"><MS><I32 N=\"x\">no number</I32>").unwrap();
    pair.server.output_xml(pipeline, b"\xff\xfe").unwrap();
    pair.server.output(pipeline, &"after".into()).unwrap();
    let events = pair.complete(pipeline);
    assert_eq!(events.len(), 4);
    assert_eq!((&events[0], &events[3]), (&output(pipeline, "before"), &output(pipeline, "after")));
    let is_poison = |event: &Event| matches!(event, Event::Output { value: Err(_), .. });
    assert!(events[1..3].iter().all(is_poison), "{events:?}");
}

#[test]
fn a_huge_object_crosses_in_many_fragments() {
    let mut pair = Pair::opened();
    pair.piece_bytes = 1009;
    let pipeline = pair.start("Get-MailboxLog");
    let text = "log line\n".repeat(400_000);
    pair.server.output(pipeline, &text.as_str().into()).unwrap();
    assert!(pair.server.queued_bytes(Some(pipeline)) > text.len());
    assert_eq!(pair.complete(pipeline), [output(pipeline, text)]);
    assert_eq!(pair.server.queued_bytes(Some(pipeline)), 0);
}

#[test]
fn input_is_streamed_behind_the_pipeline_that_takes_it() {
    let mut pair = Pair::opened();
    let id = Uuid::from_u128(1);
    let mut description =
        PipelineDescription::new(vec![Command::new("Get-MobileDeviceStatistics")]);
    description.no_input = false;
    pair.client.start(id, &description).unwrap();
    pair.client.send_input(id, &"first".into()).unwrap();
    pair.client.send_input(id, &"x".repeat(5000).into()).unwrap();
    pair.client.end_input(id).unwrap();
    assert_eq!(pair.client.end_input(id), Err(Error::InputEnded(id)));
    assert!(pair.client.queued_bytes(id) > 5000);
    let first = pair.client.next_payload(100_000).unwrap();
    assert!(first.starts_pipeline);
    pair.server.receive(&first.bytes).unwrap();
    let request = pair.server.next_event();
    let expected = ServerEvent::PipelineRequested { id, description: Box::new(description) };
    assert_eq!((request, pair.server.next_event()), (Some(expected), None));
    pair.max_bytes = 1000;
    let second = pair.client.next_payload(1000).unwrap();
    assert!(!second.starts_pipeline);
    pair.server.receive(&second.bytes).unwrap();
    let [first, long, end] = &pair.send()[..] else { panic!("three requests") };
    assert_eq!(first, &ServerEvent::Input { pipeline: id, value: Ok("first".into()) });
    assert_eq!(long, &ServerEvent::Input { pipeline: id, value: Ok("x".repeat(5000).into()) });
    assert_eq!(end, &ServerEvent::InputEnded { pipeline: id });
}

#[test]
fn a_pool_tells_of_its_runspaces() {
    let mut pair = Pair::opened();
    let max = pair.client.set_max_runspaces(3).unwrap();
    let free = pair.client.ask_available_runspaces().unwrap();
    let reset = pair.client.reset_runspace_state().unwrap();
    let expected = [
        ServerEvent::SetMaxRunspaces { count: 3, call: max },
        ServerEvent::GetAvailableRunspaces { call: free },
        ServerEvent::ResetRunspaceState { call: reset },
    ];
    assert_eq!(pair.send(), expected);
    pair.server.availability(max, Availability::Granted(true));
    pair.server.availability(free, Availability::Free(3));
    let expected = [
        Event::Availability { call: max, answer: Availability::Granted(true) },
        Event::Availability { call: free, answer: Availability::Free(3) },
    ];
    assert_eq!(pair.fetch(None), expected);
}

#[test]
fn an_old_server_is_not_asked_for_what_it_does_not_know() {
    let mut pair = Pair::new();
    pair.server = server::RunspacePool::with_version(ProtocolVersion::V2_1);
    pair.open();
    let refused = pair.client.reset_runspace_state();
    assert!(matches!(refused, Err(Error::Version { version: ProtocolVersion::V2_1, .. })));
    let id = Uuid::from_u128(5);
    let description = PipelineDescription::new(vec![Command::new("Get-ActiveSyncDevice")]);
    pair.client.start(id, &description).unwrap();
    let payload = pair.client.next_payload(100_000).unwrap();
    let text = String::from_utf8_lossy(&payload.bytes).into_owned();
    assert!(text.contains("MergeMyResult") && !text.contains("MergeError"));
}

#[test]
fn a_server_of_another_protocol_is_not_spoken_to() {
    let mut pair = Pair::new();
    pair.server = server::RunspacePool::with_version(ProtocolVersion { major: 3, minor: 0 });
    let creation = pair.client.open();
    pair.server.receive(&creation).unwrap();
    assert!(matches!(pair.server.next_event(), Some(ServerEvent::Opened { .. })));
    pair.server.announce_open(&Value::Nil);
    let events = pair.fetch(None);
    assert!(matches!(events[0], Event::PoolState(PoolState::Broken, Some(_))), "{events:?}");
}

#[test]
fn a_key_is_asked_for_in_vain() {
    let mut pair = Pair::opened();
    pair.server.request_public_key();
    assert_eq!(pair.fetch(None), [Event::PublicKeyRequested]);
    assert_eq!(pair.send(), []);
}

#[test]
fn a_pool_is_left_and_taken_over() {
    let mut pair = Pair::opened();
    let pipeline = pair.start("Get-Mailbox");
    pair.client.disconnected().unwrap();
    assert!(pair.client.send_input(pipeline, &1.into()).is_err());
    pair.client.reconnected().unwrap();
    assert_eq!(pair.client.state(), PoolState::Opened);

    let mut other = Pair::new();
    let request = other.client.connect();
    pair.server.receive(&request).unwrap();
    let id = pair.server.id();
    assert_eq!(pair.server.next_event(), Some(ServerEvent::Connected { id, size: None }));
    pair.server.announce_connected(&Value::Nil, PoolSize { min: 1, max: 3 });
    pair.client = other.client;
    pair.client.adopt(pipeline).unwrap();
    let events = pair.fetch(None);
    assert_eq!(events[0], Event::PoolState(PoolState::Opened, None));
    pair.server.output(pipeline, &"late".into()).unwrap();
    assert_eq!(pair.complete(pipeline), [output(pipeline, "late")]);
}

#[test]
fn what_comes_for_a_forgotten_pipeline_is_left_out_of_account() {
    let mut pair = Pair::opened();
    let pipeline = pair.start("Get-Mailbox");
    pair.client.forget(pipeline);
    pair.server.output(pipeline, &1.into()).unwrap();
    let message_type = MessageType::PipelineOutput;
    let stray = Event::Stray { pipeline: Some(pipeline), message_type };
    assert_eq!(pair.fetch(Some(pipeline)), [stray]);
    assert_eq!(pair.client.end_input(pipeline), Err(Error::UnknownPipeline(pipeline)));
}

#[test]
fn nothing_starts_twice_or_too_early() {
    let mut pair = Pair::new();
    let description = PipelineDescription::new(vec![Command::new("Get-Mailbox")]);
    let early = pair.client.start(Uuid::from_u128(1), &description);
    assert!(matches!(early, Err(Error::PoolState { state: PoolState::BeforeOpen, .. })));
    pair.open();
    let id = pair.start("Get-Mailbox");
    assert_eq!(pair.client.start(id, &description), Err(Error::PipelineExists(id)));
    let empty = PipelineDescription::new(Vec::new());
    assert_eq!(pair.client.start(Uuid::from_u128(2), &empty), Err(Error::NoCommand));
}

#[test]
fn garbage_breaks_the_pool_and_nothing_else() {
    let mut pair = Pair::opened();
    let pipeline = pair.start("Get-Mailbox");
    assert!(matches!(pair.client.receive(&[0xff; 64]), Err(Error::Fragment(_))));
    assert_eq!(pair.client.state(), PoolState::Broken);
    assert_eq!(pair.client.pipeline_state(pipeline), Some(PipelineState::Failed));
    assert_eq!(pair.client.next_event(), None);
}
