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

use uuid::Uuid;

use crate::body::{Body, Capability, CommandQuery};
use crate::clixml::{Reader, Value};
use crate::fragment::{Defragmenter, Fragmenter};
use crate::host::{HostCall, HostResponse};
use crate::message::{Destination, Header};
use crate::pipeline::PipelineDescription;

mod event;
mod receiving;

pub use crate::body::{PoolOptions, PoolSize};
pub use crate::fragment::MIN_PAYLOAD_BYTES;
pub use crate::state::{PipelineState, PoolState, ProtocolVersion};
pub use event::{Error, Event, Payload, PayloadStream};

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
    /// `max_bytes` (and at least [`MIN_PAYLOAD_BYTES`]). Answers to host calls go first;
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
