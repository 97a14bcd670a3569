//! The client half: a runspace pool and its pipelines ([MS-PSRP] 3.1).
//!
//! ```text
//! open() → bytes for Create        receive(bytes of a Stream) → next_event() until None
//! start(), send_input(), …         next_payload() → Command (first of a pipeline), then Send
//! ```
//!
//! What is received is read when its event is taken, one object at a time; [`RunspacePool::state`]
//! is that of the events taken. Nothing here waits: stopping, ending and deleting are requests of
//! the transport, and the methods of those names only say that they were made.
//!
//! [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp

use std::collections::{HashMap, VecDeque};

use thiserror::Error;
use uuid::Uuid;

use crate::body::{self, Availability, Body, Capability, CommandQuery, UserEvent};
use crate::clixml::{self, Reader, Value};
use crate::fragment::{self, Defragmenter, Fragmenter};
use crate::host::{HostCall, HostResponse};
use crate::message::{Destination, Header, MessageType};
use crate::pipeline::PipelineDescription;
use crate::record::{ErrorRecord, InformationRecord, ProgressRecord};

pub use crate::body::{PoolOptions, PoolSize};
pub use crate::state::{PipelineState, PoolState, ProtocolVersion};

/// Why something cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// The pool is in a state in which it cannot.
    #[error("cannot {action}: the runspace pool is {state}")]
    PoolState {
        /// What cannot be done.
        action: &'static str,
        /// The state.
        state: PoolState,
    },
    /// There is no such pipeline.
    #[error("there is no pipeline {0}")]
    UnknownPipeline(Uuid),
    /// There is one already.
    #[error("there is a pipeline {0} already")]
    PipelineExists(Uuid),
    /// A pipeline that does nothing.
    #[error("a pipeline needs a command")]
    NoCommand,
    /// A pipeline that was started without input, whose input has ended, or that has ended.
    #[error("pipeline {0} takes no more input")]
    InputEnded(Uuid),
    /// The server's version of the protocol does not have it.
    #[error("cannot {action}: the server speaks protocol {version}")]
    Version {
        /// What cannot be done.
        action: &'static str,
        /// The server's version.
        version: ProtocolVersion,
    },
    /// What came is not made of fragments; the pool is broken.
    #[error("received bytes that are not fragments of messages")]
    Fragment(#[from] fragment::Error),
}

/// Something the server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The pool changed its state, with the error that made it.
    PoolState(PoolState, Option<Box<ErrorRecord>>),
    /// What the application at the server says of itself, once, after opening.
    ApplicationPrivateData(Value),
    /// A pipeline changed its state, with the error that made it.
    PipelineState {
        /// Which.
        pipeline: Uuid,
        /// To which state.
        state: PipelineState,
        /// Why.
        error: Option<Box<ErrorRecord>>,
    },
    /// One object, or why it could not be read; the next one is not touched by that.
    Output {
        /// Of which pipeline.
        pipeline: Uuid,
        /// The object.
        value: Result<Value, clixml::Error>,
    },
    /// An error that did not end the pipeline.
    Error {
        /// Of which pipeline.
        pipeline: Uuid,
        /// The error.
        record: Box<ErrorRecord>,
    },
    /// A warning.
    Warning {
        /// Of which pipeline.
        pipeline: Uuid,
        /// What it says.
        message: String,
    },
    /// A verbose message.
    Verbose {
        /// Of which pipeline.
        pipeline: Uuid,
        /// What it says.
        message: String,
    },
    /// A debug message.
    Debug {
        /// Of which pipeline.
        pipeline: Uuid,
        /// What it says.
        message: String,
    },
    /// Information, since protocol 2.3.
    Information {
        /// Of which pipeline.
        pipeline: Uuid,
        /// The record.
        record: Box<InformationRecord>,
    },
    /// How far something has come.
    Progress {
        /// Of which pipeline.
        pipeline: Uuid,
        /// The record.
        record: ProgressRecord,
    },
    /// The server asks the host something; if it wants an answer, the pipeline waits for it.
    HostCall {
        /// Of which pipeline, or of the pool.
        pipeline: Option<Uuid>,
        /// The call.
        call: HostCall,
    },
    /// Answer to a question about runspaces.
    Availability {
        /// The number that asking gave.
        call: i64,
        /// The answer.
        answer: Availability,
    },
    /// The server wants to exchange a key for secure strings. It gets none, and whatever waits
    /// for it should be stopped.
    PublicKeyRequested,
    /// An event of a remote runspace.
    UserEvent(Box<UserEvent>),
    /// A message of a type this crate does not know.
    Unknown {
        /// Of which pipeline, or of the pool.
        pipeline: Option<Uuid>,
        /// The type.
        message_type: u32,
        /// Its data as they came.
        data: Vec<u8>,
    },
    /// A message that is not for us: of a pipeline that is not, or no longer, ours, or of a type
    /// that only a server receives. It was left out of account.
    Stray {
        /// Of which pipeline, or of the pool.
        pipeline: Option<Uuid>,
        /// Its type.
        message_type: MessageType,
    },
    /// A message other than an object that could not be understood.
    Poison {
        /// Of which pipeline, or of the pool.
        pipeline: Option<Uuid>,
        /// Its type, if it has one.
        message_type: Option<MessageType>,
        /// Why.
        error: body::Error,
    },
}

/// Bytes to be sent in one request: whole fragments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// Of which pipeline, or of the pool.
    pub pipeline: Option<Uuid>,
    /// In which stream.
    pub stream: PayloadStream,
    /// True for the first payload of a pipeline, which travels in the request that creates it.
    pub starts_pipeline: bool,
    /// The fragments.
    pub bytes: Vec<u8>,
}

/// Stream of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadStream {
    /// `stdin`.
    Default,
    /// `pr`: answers to host calls, which overtake input.
    PromptResponse,
}

/// A runspace pool, seen from the client.
#[derive(Debug)]
pub struct RunspacePool {
    id: Uuid,
    options: PoolOptions,
    state: PoolState,
    server: Option<Capability>,
    pipelines: HashMap<Uuid, Pipeline>,
    lanes: VecDeque<Lane>,
    next_object: u64,
    next_call: i64,
    defragmenter: Defragmenter,
    reader: Reader,
}

#[derive(Debug)]
struct Pipeline {
    state: PipelineState,
    takes_input: bool,
    is_announced: bool,
}

/// What waits to be sent of one pipeline in one stream.
#[derive(Debug)]
struct Lane {
    pipeline: Option<Uuid>,
    stream: PayloadStream,
    fragmenter: Fragmenter,
}

impl RunspacePool {
    /// A pool that is not open yet. Its id is chosen by the client, and must be new.
    #[must_use]
    pub fn new(id: Uuid, options: PoolOptions) -> Self {
        Self {
            id,
            options,
            state: PoolState::BeforeOpen,
            server: None,
            pipelines: HashMap::new(),
            lanes: VecDeque::new(),
            next_object: 1,
            next_call: 1,
            defragmenter: Defragmenter::new(),
            reader: Reader::new(),
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Its state, as of the last event taken.
    #[must_use]
    pub fn state(&self) -> PoolState {
        self.state
    }

    /// What the server understands, once it has said so.
    #[must_use]
    pub fn server(&self) -> Option<&Capability> {
        self.server.as_ref()
    }

    /// State of a pipeline, as of the last event taken.
    #[must_use]
    pub fn pipeline_state(&self, pipeline: Uuid) -> Option<PipelineState> {
        self.pipelines.get(&pipeline).map(|pipeline| pipeline.state)
    }

    /// Bytes for the shell's creation: SESSION_CAPABILITY and INIT_RUNSPACEPOOL, whole. The pool
    /// is open when the server says so.
    pub fn open(&mut self) -> Vec<u8> {
        self.state = PoolState::Opening;
        let options = self.options.clone();
        self.greeting(&Body::InitRunspacePool(options))
    }

    /// Bytes for connecting to a pool of this id that lives on at the server: SESSION_CAPABILITY
    /// and CONNECT_RUNSPACEPOOL, whole. The pool is open when the server has answered both.
    pub fn connect(&mut self) -> Vec<u8> {
        self.state = PoolState::Connecting;
        self.greeting(&Body::ConnectRunspacePool(None))
    }

    /// Takes over a pipeline of a pool that was connected to.
    ///
    /// # Errors
    /// [`Error::PipelineExists`].
    pub fn adopt(&mut self, pipeline: Uuid) -> Result<(), Error> {
        let adopted =
            Pipeline { state: PipelineState::Running, takes_input: true, is_announced: true };
        self.add_pipeline(pipeline, adopted)
    }

    /// Says that the transport has disconnected the shell.
    ///
    /// # Errors
    /// [`Error::PoolState`] if the pool is not open.
    pub fn disconnected(&mut self) -> Result<(), Error> {
        self.must_be_open("disconnect")?;
        self.state = PoolState::Disconnected;
        Ok(())
    }

    /// Says that the transport has connected the shell again, in the same session.
    ///
    /// # Errors
    /// [`Error::PoolState`] if the pool was not disconnected.
    pub fn reconnected(&mut self) -> Result<(), Error> {
        if self.state != PoolState::Disconnected {
            return Err(Error::PoolState { action: "reconnect", state: self.state });
        }
        self.state = PoolState::Opened;
        Ok(())
    }

    /// Says that the transport deletes the shell. What waited to be sent is dropped.
    pub fn close(&mut self) {
        self.end(PoolState::Closed);
    }

    /// Starts a pipeline under an id that must be new.
    ///
    /// # Errors
    /// [`Error::PoolState`] if the pool is not open, [`Error::PipelineExists`],
    /// [`Error::NoCommand`].
    pub fn start(&mut self, id: Uuid, description: &PipelineDescription) -> Result<(), Error> {
        if description.commands.is_empty() {
            return Err(Error::NoCommand);
        }
        let takes_input = !description.no_input;
        let body = Body::CreatePipeline(Box::new(description.clone()));
        self.start_with(id, &body, takes_input)
    }

    /// Starts a pipeline that lists commands.
    ///
    /// # Errors
    /// [`Error::PoolState`] if the pool is not open, [`Error::PipelineExists`].
    pub fn start_command_query(&mut self, id: Uuid, query: &CommandQuery) -> Result<(), Error> {
        self.start_with(id, &Body::GetCommandMetadata(query.clone()), false)
    }

    fn start_with(&mut self, id: Uuid, body: &Body, takes_input: bool) -> Result<(), Error> {
        self.must_be_open("start a pipeline")?;
        let state = PipelineState::Running;
        self.add_pipeline(id, Pipeline { state, takes_input, is_announced: false })?;
        self.queue(Some(id), PayloadStream::Default, body);
        Ok(())
    }

    fn add_pipeline(&mut self, id: Uuid, pipeline: Pipeline) -> Result<(), Error> {
        if self.pipelines.contains_key(&id) {
            return Err(Error::PipelineExists(id));
        }
        self.pipelines.insert(id, pipeline);
        Ok(())
    }

    /// Sends one object into a pipeline.
    ///
    /// # Errors
    /// [`Error::UnknownPipeline`], [`Error::InputEnded`], [`Error::PoolState`].
    pub fn send_input(&mut self, pipeline: Uuid, value: &Value) -> Result<(), Error> {
        self.input(pipeline)?;
        self.queue(Some(pipeline), PayloadStream::Default, &Body::PipelineInput(value.clone()));
        Ok(())
    }

    /// Ends the input of a pipeline.
    ///
    /// # Errors
    /// [`Error::UnknownPipeline`], [`Error::InputEnded`], [`Error::PoolState`].
    pub fn end_input(&mut self, pipeline: Uuid) -> Result<(), Error> {
        self.input(pipeline)?.takes_input = false;
        self.queue(Some(pipeline), PayloadStream::Default, &Body::EndOfPipelineInput);
        Ok(())
    }

    /// Bytes of a pipeline that wait to be sent, so that a long input can be fed piece by piece.
    #[must_use]
    pub fn queued_bytes(&self, pipeline: Uuid) -> usize {
        let lanes = self.lanes.iter().filter(|lane| lane.pipeline == Some(pipeline));
        lanes.map(|lane| lane.fragmenter.queued_bytes()).sum()
    }

    /// Says that the transport asks a pipeline to stop. What waited to be sent is dropped; the
    /// server answers with the state [`PipelineState::Stopped`].
    ///
    /// # Errors
    /// [`Error::UnknownPipeline`].
    pub fn stop(&mut self, pipeline: Uuid) -> Result<(), Error> {
        let known = self.pipelines.get_mut(&pipeline);
        let known = known.ok_or(Error::UnknownPipeline(pipeline))?;
        if !known.state.is_final() {
            known.state = PipelineState::Stopping;
            known.takes_input = false;
        }
        self.drop_lanes(pipeline);
        Ok(())
    }

    /// Forgets a pipeline, after the transport has terminated it.
    pub fn forget(&mut self, pipeline: Uuid) {
        self.pipelines.remove(&pipeline);
        self.drop_lanes(pipeline);
    }

    /// Answers a host call with what its method returns. A call that wants no answer gets none.
    ///
    /// # Errors
    /// [`Error::UnknownPipeline`], [`Error::PoolState`].
    pub fn answer_host_call(
        &mut self,
        pipeline: Option<Uuid>,
        call: &HostCall,
        value: impl Into<Value>,
    ) -> Result<(), Error> {
        self.respond(pipeline, call.answer(value))
    }

    /// Refuses a host call, for a reason that the server may show. A call that wants no answer
    /// gets none.
    ///
    /// # Errors
    /// [`Error::UnknownPipeline`], [`Error::PoolState`].
    pub fn refuse_host_call(
        &mut self,
        pipeline: Option<Uuid>,
        call: &HostCall,
        reason: &str,
    ) -> Result<(), Error> {
        self.respond(pipeline, call.refusal(reason))
    }

    fn respond(&mut self, pipeline: Option<Uuid>, response: HostResponse) -> Result<(), Error> {
        self.must_be_open("answer the server")?;
        if !response.method.wants_answer() {
            return Ok(());
        }
        let body = match pipeline {
            Some(id) if !self.pipelines.contains_key(&id) => {
                return Err(Error::UnknownPipeline(id));
            }
            Some(_) => Body::PipelineHostResponse(response),
            None => Body::RunspacePoolHostResponse(response),
        };
        self.queue(pipeline, PayloadStream::PromptResponse, &body);
        Ok(())
    }

    /// Wishes for more or fewer runspaces at most; the answer carries the number returned.
    ///
    /// # Errors
    /// [`Error::PoolState`].
    pub fn set_max_runspaces(&mut self, count: i32) -> Result<i64, Error> {
        self.ask("change the pool", |call| Body::SetMaxRunspaces { count, call })
    }

    /// Wishes for more or fewer runspaces at least; the answer carries the number returned.
    ///
    /// # Errors
    /// [`Error::PoolState`].
    pub fn set_min_runspaces(&mut self, count: i32) -> Result<i64, Error> {
        self.ask("change the pool", |call| Body::SetMinRunspaces { count, call })
    }

    /// Asks how many runspaces are free; the answer carries the number returned.
    ///
    /// # Errors
    /// [`Error::PoolState`].
    pub fn ask_available_runspaces(&mut self) -> Result<i64, Error> {
        self.ask("ask for free runspaces", |call| Body::GetAvailableRunspaces { call })
    }

    /// Asks for the runspace to be as new; the answer carries the number returned.
    ///
    /// # Errors
    /// [`Error::PoolState`]; [`Error::Version`] before protocol 2.3.
    pub fn reset_runspace_state(&mut self) -> Result<i64, Error> {
        let version = self.version();
        if version < ProtocolVersion::V2_3 {
            return Err(Error::Version { action: "reset the runspace", version });
        }
        self.ask("reset the runspace", |call| Body::ResetRunspaceState { call })
    }

    fn ask(&mut self, action: &'static str, body: impl Fn(i64) -> Body) -> Result<i64, Error> {
        self.must_be_open(action)?;
        let call = self.next_call;
        self.next_call += 1;
        self.queue(None, PayloadStream::Default, &body(call));
        Ok(call)
    }

    /// What is to be sent next: whole fragments of one pipeline, or of the pool, at most
    /// `max_bytes` (and at least [`fragment::MIN_PAYLOAD_BYTES`]). Answers to host calls go first;
    /// otherwise pipelines take turns.
    pub fn next_payload(&mut self, max_bytes: usize) -> Option<Payload> {
        let is_answer = |lane: &Lane| lane.stream == PayloadStream::PromptResponse;
        let index = self.lanes.iter().position(is_answer).unwrap_or_default();
        let mut lane = self.lanes.remove(index)?;
        let bytes = lane.fragmenter.next_payload(max_bytes)?;
        let (pipeline, stream) = (lane.pipeline, lane.stream);
        if !lane.fragmenter.is_empty() {
            self.lanes.push_back(lane);
        }
        let known = pipeline.and_then(|id| self.pipelines.get_mut(&id));
        let starts_pipeline = known.is_some_and(|pipeline| {
            let was_announced = pipeline.is_announced;
            pipeline.is_announced = true;
            !was_announced
        });
        Some(Payload { pipeline, stream, starts_pipeline, bytes })
    }

    /// Takes received bytes, cut anywhere. Then take the events.
    ///
    /// # Errors
    /// [`Error::Fragment`], after which the pool is broken. Messages that were complete before
    /// can still be taken.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.defragmenter.push(bytes).map_err(|error| {
            self.end(PoolState::Broken);
            Error::Fragment(error)
        })
    }

    /// The next thing the server said, or `None` if more has to be received first.
    pub fn next_event(&mut self) -> Option<Event> {
        while let Some(message) = self.defragmenter.next_message() {
            let event = match Header::split(&message) {
                Ok((header, data)) => self.understand(header, data),
                Err(error) => {
                    let error = error.into();
                    Some(Event::Poison { pipeline: None, message_type: None, error })
                }
            };
            if event.is_some() {
                return event;
            }
        }
        None
    }

    fn understand(&mut self, header: Header, data: &[u8]) -> Option<Event> {
        let Header { message_type, pipeline, .. } = header;
        let is_known = pipeline.is_none_or(|id| self.pipelines.contains_key(&id));
        // Windows names no pool in its first message, and no other pool can be meant.
        let is_ours = header.pool.is_nil() || header.pool == self.id;
        if !is_known || !is_ours {
            return Some(Event::Stray { pipeline, message_type });
        }
        match (message_type, pipeline) {
            (MessageType::PipelineOutput, Some(pipeline)) => {
                Some(Event::Output { pipeline, value: self.reader.read(data) })
            }
            _ => match Body::read_with(message_type, data, &mut self.reader) {
                Ok(body) => self.take(pipeline, body),
                Err(error) => {
                    Some(Event::Poison { pipeline, message_type: Some(message_type), error })
                }
            },
        }
    }

    fn take(&mut self, pipeline: Option<Uuid>, body: Body) -> Option<Event> {
        let message_type = body.message_type();
        match pipeline {
            Some(id) => self.take_of_pipeline(id, body),
            None => return self.take_of_pool(body),
        }
        .or(Some(Event::Stray { pipeline, message_type }))
    }

    /// `None` for what a pipeline does not say.
    fn take_of_pipeline(&mut self, pipeline: Uuid, body: Body) -> Option<Event> {
        Some(match body {
            Body::PipelineState(state, error) => {
                if let Some(known) = self.pipelines.get_mut(&pipeline) {
                    known.state = state;
                    known.takes_input &= !state.is_final();
                }
                if state.is_final() {
                    self.drop_lanes(pipeline);
                }
                Event::PipelineState { pipeline, state, error }
            }
            Body::ErrorRecord(record) => Event::Error { pipeline, record },
            Body::WarningRecord(record) => Event::Warning { pipeline, message: record.message },
            Body::VerboseRecord(record) => Event::Verbose { pipeline, message: record.message },
            Body::DebugRecord(record) => Event::Debug { pipeline, message: record.message },
            Body::InformationRecord(record) => Event::Information { pipeline, record },
            Body::ProgressRecord(record) => Event::Progress { pipeline, record },
            Body::PipelineHostCall(call) | Body::RunspacePoolHostCall(call) => {
                Event::HostCall { pipeline: Some(pipeline), call }
            }
            Body::Unknown(message_type, data) => {
                Event::Unknown { pipeline: Some(pipeline), message_type, data }
            }
            _ => return None,
        })
    }

    fn take_of_pool(&mut self, body: Body) -> Option<Event> {
        Some(match body {
            Body::SessionCapability(server) => return self.negotiate(server),
            Body::RunspacePoolInitData(size) => {
                self.options.size = size;
                self.state = PoolState::Opened;
                Event::PoolState(self.state, None)
            }
            Body::RunspacePoolState(state, error) => {
                if state.is_final() {
                    self.end(state);
                }
                self.state = state;
                Event::PoolState(state, error)
            }
            Body::ApplicationPrivateData(data) => Event::ApplicationPrivateData(data),
            Body::RunspaceAvailability { call, answer } => Event::Availability { call, answer },
            Body::RunspacePoolHostCall(call) | Body::PipelineHostCall(call) => {
                Event::HostCall { pipeline: None, call }
            }
            Body::PublicKeyRequest => Event::PublicKeyRequested,
            Body::UserEvent(event) => Event::UserEvent(event),
            Body::Unknown(message_type, data) => {
                Event::Unknown { pipeline: None, message_type, data }
            }
            other => Event::Stray { pipeline: None, message_type: other.message_type() },
        })
    }

    /// Notes what the server understands; an event only if that is of no use ([MS-PSRP]
    /// 3.1.5.4.1).
    fn negotiate(&mut self, server: Capability) -> Option<Event> {
        let version = server.protocol;
        self.server = Some(server);
        if version.major == ProtocolVersion::V2_3.major {
            return None;
        }
        self.end(PoolState::Broken);
        let message = format!("the server speaks version {version} of the protocol, not 2.x");
        let error = ErrorRecord::new(&message, "ProtocolVersionNotSupported", 26);
        Some(Event::PoolState(self.state, Some(Box::new(error))))
    }

    fn version(&self) -> ProtocolVersion {
        let version = self.server.as_ref().map(|server| server.protocol);
        version.unwrap_or(ProtocolVersion::V2_1)
    }

    fn must_be_open(&self, action: &'static str) -> Result<(), Error> {
        if self.state == PoolState::Opened {
            return Ok(());
        }
        Err(Error::PoolState { action, state: self.state })
    }

    fn input(&mut self, pipeline: Uuid) -> Result<&mut Pipeline, Error> {
        self.must_be_open("send input")?;
        let known = self.pipelines.get_mut(&pipeline);
        let known = known.ok_or(Error::UnknownPipeline(pipeline))?;
        if known.takes_input { Ok(known) } else { Err(Error::InputEnded(pipeline)) }
    }

    fn end(&mut self, state: PoolState) {
        self.state = state;
        self.lanes.clear();
        for pipeline in self.pipelines.values_mut().filter(|one| !one.state.is_final()) {
            pipeline.state = PipelineState::Failed;
            pipeline.takes_input = false;
        }
    }

    fn drop_lanes(&mut self, pipeline: Uuid) {
        self.lanes.retain(|lane| lane.pipeline != Some(pipeline));
    }

    fn greeting(&mut self, request: &Body) -> Vec<u8> {
        let mut fragmenter = Fragmenter::new();
        for body in [&Body::SessionCapability(Capability::own()), request] {
            let message = self.message(None, body);
            let object = self.take_object();
            fragmenter.push_as(object, message, false);
        }
        fragmenter.next_payload(usize::MAX).unwrap_or_default()
    }

    fn queue(&mut self, pipeline: Option<Uuid>, stream: PayloadStream, body: &Body) {
        let message = self.message(pipeline, body);
        let object = self.take_object();
        // A pipeline is created by its first payload, and has no input before it exists.
        let starts = matches!(body, Body::CreatePipeline(_) | Body::GetCommandMetadata(_));
        let is_same = |lane: &&mut Lane| lane.pipeline == pipeline && lane.stream == stream;
        match self.lanes.iter_mut().find(is_same) {
            Some(lane) => lane.fragmenter.push_as(object, message, starts),
            None => {
                let mut fragmenter = Fragmenter::new();
                fragmenter.push_as(object, message, starts);
                self.lanes.push_back(Lane { pipeline, stream, fragmenter });
            }
        }
    }

    fn message(&self, pipeline: Option<Uuid>, body: &Body) -> Vec<u8> {
        let message_type = body.message_type();
        let header =
            Header { destination: Destination::Server, message_type, pool: self.id, pipeline };
        header.join(&[&body.write(self.version())])
    }

    fn take_object(&mut self) -> u64 {
        let object = self.next_object;
        self.next_object += 1;
        object
    }
}
