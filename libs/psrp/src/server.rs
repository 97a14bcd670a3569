//! The server half: the mirror image of [`client`](crate::client), for whoever plays a server.
//!
//! It speaks as Windows does: data begin with a byte order mark, SESSION_CAPABILITY names no
//! pool, and host calls that want no answer have the number -100.
//!
//! What is said of a pipeline waits in a queue of its own until the transport asks for it;
//! [`RunspacePool::queued_bytes`] tells a producer when to pause.

use std::collections::HashMap;

use uuid::Uuid;

use crate::body::{Availability, Body, Capability, PoolSize};
use crate::clixml::{self, Reader, Value};
use crate::fragment::{Defragmenter, Fragmenter};
use crate::host::HostCall;
use crate::message::{Destination, Header, MARK, MessageType};
use crate::record::{ErrorRecord, InformationRecord, InformationalRecord, ProgressRecord};
use crate::state::{PipelineState, PoolState, ProtocolVersion};

mod event;

pub use crate::fragment::MIN_PAYLOAD_BYTES;
pub use event::{Error, ServerEvent};

/// Number of a host call that wants no answer, as Windows writes it.
const NO_ANSWER: i64 = -100;

/// A runspace pool, seen from the server.
#[derive(Debug)]
pub struct RunspacePool {
    id: Uuid,
    state: PoolState,
    client: Option<Capability>,
    capability: Capability,
    pipelines: HashMap<Uuid, PipelineState>,
    queues: HashMap<Option<Uuid>, Fragmenter>,
    next_object: u64,
    next_call: i64,
    defragmenter: Defragmenter,
    reader: Reader,
}

impl Default for RunspacePool {
    fn default() -> Self {
        Self::new()
    }
}

impl RunspacePool {
    /// A pool that nobody has asked for yet, of protocol 2.3.
    #[must_use]
    pub fn new() -> Self {
        Self::with_version(ProtocolVersion::V2_3)
    }

    /// A pool of an older server.
    #[must_use]
    pub fn with_version(protocol: ProtocolVersion) -> Self {
        Self {
            id: Uuid::nil(),
            state: PoolState::BeforeOpen,
            client: None,
            capability: Capability { protocol, ..Capability::own() },
            pipelines: HashMap::new(),
            queues: HashMap::new(),
            next_object: 1,
            next_call: 1,
            defragmenter: Defragmenter::new(),
            reader: Reader::new(),
        }
    }

    /// Its id, nil before a client asked for it.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Its state.
    #[must_use]
    pub fn state(&self) -> PoolState {
        self.state
    }

    /// What the client understands, once it has said so.
    #[must_use]
    pub fn client(&self) -> Option<&Capability> {
        self.client.as_ref()
    }

    /// State of a pipeline.
    #[must_use]
    pub fn state_of(&self, pipeline: Uuid) -> Option<PipelineState> {
        self.pipelines.get(&pipeline).copied()
    }

    /// Takes received bytes, cut anywhere: those of the shell's creation, of a command and of
    /// what is sent to either. Then take the events.
    ///
    /// # Errors
    /// [`Error::Fragment`], after which the pool is broken.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.defragmenter.push(bytes).map_err(|error| {
            self.state = PoolState::Broken;
            Error::Fragment(error)
        })
    }

    /// The next thing the client said, or `None` if more has to be received first.
    pub fn next_event(&mut self) -> Option<ServerEvent> {
        while let Some(message) = self.defragmenter.next_message() {
            let event = match Header::split(&message) {
                Ok((header, data)) => self.understand(header, data),
                Err(error) => {
                    let error = error.into();
                    Some(ServerEvent::Poison { pipeline: None, message_type: None, error })
                }
            };
            if event.is_some() {
                return event;
            }
        }
        None
    }

    fn understand(&mut self, header: Header, data: &[u8]) -> Option<ServerEvent> {
        let Header { message_type, pipeline, .. } = header;
        if let (MessageType::PipelineInput, Some(pipeline)) = (message_type, pipeline)
            && self.pipelines.contains_key(&pipeline)
        {
            return Some(ServerEvent::Input { pipeline, value: self.reader.read(data) });
        }
        match Body::read_with(message_type, data, &mut self.reader) {
            Ok(body) => self.take(header, body),
            Err(error) => {
                let message_type = Some(message_type);
                Some(ServerEvent::Poison { pipeline, message_type, error })
            }
        }
    }

    fn take(&mut self, header: Header, body: Body) -> Option<ServerEvent> {
        let Header { message_type, pool, pipeline, .. } = header;
        let is_known = pipeline.is_some_and(|id| self.pipelines.contains_key(&id));
        Some(match (body, pipeline) {
            (Body::SessionCapability(client), None) => {
                self.client = Some(client);
                return None;
            }
            (Body::InitRunspacePool(options), None) => {
                self.id = pool;
                self.state = PoolState::Opening;
                ServerEvent::Opened { id: pool, options: Box::new(options) }
            }
            (Body::ConnectRunspacePool(size), None) => {
                self.id = pool;
                self.state = PoolState::Connecting;
                ServerEvent::Connected { id: pool, size }
            }
            (Body::CreatePipeline(description), Some(id)) if !is_known => {
                self.pipelines.insert(id, PipelineState::Running);
                ServerEvent::PipelineRequested { id, description }
            }
            (Body::GetCommandMetadata(query), Some(id)) if !is_known => {
                self.pipelines.insert(id, PipelineState::Running);
                ServerEvent::CommandsRequested { id, query }
            }
            (Body::EndOfPipelineInput, Some(pipeline)) if is_known => {
                ServerEvent::InputEnded { pipeline }
            }
            (Body::PipelineHostResponse(response), Some(_)) if is_known => {
                ServerEvent::HostResponse { pipeline, response }
            }
            (Body::RunspacePoolHostResponse(response), None) => {
                ServerEvent::HostResponse { pipeline, response }
            }
            (Body::SetMaxRunspaces { count, call }, None) => {
                ServerEvent::SetMaxRunspaces { count, call }
            }
            (Body::SetMinRunspaces { count, call }, None) => {
                ServerEvent::SetMinRunspaces { count, call }
            }
            (Body::GetAvailableRunspaces { call }, None) => {
                ServerEvent::GetAvailableRunspaces { call }
            }
            (Body::ResetRunspaceState { call }, None) => ServerEvent::ResetRunspaceState { call },
            (Body::PublicKey(key), None) => ServerEvent::PublicKey(key),
            _ => ServerEvent::Stray { pipeline, message_type },
        })
    }

    /// Grants the pool: SESSION_CAPABILITY, APPLICATION_PRIVATE_DATA (a dictionary, or `Nil`) and
    /// the state `Opened`.
    pub fn announce_open(&mut self, private_data: &Value) {
        self.greet(private_data);
        self.pool_state(PoolState::Opened, None);
    }

    /// Hands the pool over to another client: SESSION_CAPABILITY, RUNSPACEPOOL_INIT_DATA and
    /// APPLICATION_PRIVATE_DATA.
    pub fn announce_connected(&mut self, private_data: &Value, size: PoolSize) {
        self.state = PoolState::Opened;
        self.queue(None, &Body::SessionCapability(self.capability.clone()));
        self.queue(None, &Body::RunspacePoolInitData(size));
        self.queue(None, &Body::ApplicationPrivateData(private_data.clone()));
    }

    fn greet(&mut self, private_data: &Value) {
        self.queue(None, &Body::SessionCapability(self.capability.clone()));
        self.queue(None, &Body::ApplicationPrivateData(private_data.clone()));
    }

    /// Changes the state of the pool, and says so.
    pub fn pool_state(&mut self, state: PoolState, error: Option<&ErrorRecord>) {
        self.state = state;
        let error = error.cloned().map(Box::new);
        self.queue(None, &Body::RunspacePoolState(state, error));
    }

    /// Answers a question about runspaces.
    pub fn availability(&mut self, call: i64, answer: Availability) {
        self.queue(None, &Body::RunspaceAvailability { call, answer });
    }

    /// Asks for a key for secure strings.
    pub fn request_public_key(&mut self) {
        self.queue(None, &Body::PublicKeyRequest);
    }

    /// Hands one object on.
    ///
    /// # Errors
    /// [`Error::UnknownPipeline`].
    pub fn output(&mut self, pipeline: Uuid, value: &Value) -> Result<(), Error> {
        self.output_xml(pipeline, clixml::write(value).as_bytes())
    }

    /// Hands on one object that is CLIXML already, or that only claims to be.
    ///
    /// # Errors
    /// [`Error::UnknownPipeline`].
    pub fn output_xml(&mut self, pipeline: Uuid, xml: &[u8]) -> Result<(), Error> {
        self.must_know(pipeline)?;
        self.queue_data(Some(pipeline), MessageType::PipelineOutput, xml);
        Ok(())
    }

    /// Reports an error that does not end the pipeline.
    ///
    /// # Errors
    /// [`Error::UnknownPipeline`].
    pub fn error(&mut self, pipeline: Uuid, record: &ErrorRecord) -> Result<(), Error> {
        self.say(pipeline, &Body::ErrorRecord(Box::new(record.clone())))
    }

    /// Warns.
    ///
    /// # Errors
    /// [`Error::UnknownPipeline`].
    pub fn warning(&mut self, pipeline: Uuid, message: &str) -> Result<(), Error> {
        self.say(pipeline, &Body::WarningRecord(InformationalRecord::new(message)))
    }

    /// Says something to those who asked for details.
    ///
    /// # Errors
    /// [`Error::UnknownPipeline`].
    pub fn verbose(&mut self, pipeline: Uuid, message: &str) -> Result<(), Error> {
        self.say(pipeline, &Body::VerboseRecord(InformationalRecord::new(message)))
    }

    /// Says something to those who look for a fault.
    ///
    /// # Errors
    /// [`Error::UnknownPipeline`].
    pub fn debug(&mut self, pipeline: Uuid, message: &str) -> Result<(), Error> {
        self.say(pipeline, &Body::DebugRecord(InformationalRecord::new(message)))
    }

    /// Gives information, which clients before protocol 2.3 do not know.
    ///
    /// # Errors
    /// [`Error::UnknownPipeline`].
    pub fn information(&mut self, pipeline: Uuid, record: &InformationRecord) -> Result<(), Error> {
        self.say(pipeline, &Body::InformationRecord(Box::new(record.clone())))
    }

    /// Says how far it has come.
    ///
    /// # Errors
    /// [`Error::UnknownPipeline`].
    pub fn progress(&mut self, pipeline: Uuid, record: &ProgressRecord) -> Result<(), Error> {
        self.say(pipeline, &Body::ProgressRecord(record.clone()))
    }

    /// Changes the state of a pipeline, and says so.
    ///
    /// # Errors
    /// [`Error::UnknownPipeline`].
    pub fn pipeline_state(
        &mut self,
        pipeline: Uuid,
        state: PipelineState,
        error: Option<&ErrorRecord>,
    ) -> Result<(), Error> {
        self.say(pipeline, &Body::PipelineState(state, error.cloned().map(Box::new)))?;
        self.pipelines.insert(pipeline, state);
        Ok(())
    }

    /// Calls a method of the client's host; returns the id the answer will have.
    ///
    /// # Errors
    /// [`Error::UnknownPipeline`].
    pub fn host_call(&mut self, pipeline: Option<Uuid>, call: HostCall) -> Result<i64, Error> {
        if let Some(id) = pipeline {
            self.must_know(id)?;
        }
        let id = if call.method.wants_answer() {
            self.next_call += 1;
            self.next_call - 1
        } else {
            NO_ANSWER
        };
        let call = HostCall { id, ..call };
        let body = match pipeline {
            Some(_) => Body::PipelineHostCall(call),
            None => Body::RunspacePoolHostCall(call),
        };
        self.queue(pipeline, &body);
        Ok(id)
    }

    /// Bytes that wait to be fetched.
    #[must_use]
    pub fn queued_bytes(&self, pipeline: Option<Uuid>) -> usize {
        self.queues.get(&pipeline).map_or(0, Fragmenter::queued_bytes)
    }

    /// What is to be sent next of a pipeline, or of the pool: whole fragments, at most `max_bytes`
    /// (and at least [`MIN_PAYLOAD_BYTES`]).
    pub fn next_payload(&mut self, pipeline: Option<Uuid>, max_bytes: usize) -> Option<Vec<u8>> {
        self.queues.get_mut(&pipeline)?.next_payload(max_bytes)
    }

    /// Forgets a pipeline that was terminated, and what waited to be fetched of it.
    pub fn forget(&mut self, pipeline: Uuid) {
        self.pipelines.remove(&pipeline);
        self.queues.remove(&Some(pipeline));
    }

    fn say(&mut self, pipeline: Uuid, body: &Body) -> Result<(), Error> {
        self.must_know(pipeline)?;
        self.queue(Some(pipeline), body);
        Ok(())
    }

    fn must_know(&self, pipeline: Uuid) -> Result<(), Error> {
        let is_known = self.pipelines.contains_key(&pipeline);
        if is_known { Ok(()) } else { Err(Error::UnknownPipeline(pipeline)) }
    }

    fn queue(&mut self, pipeline: Option<Uuid>, body: &Body) {
        let client = self.client.as_ref().map_or(ProtocolVersion::V2_1, |client| client.protocol);
        self.queue_data(pipeline, body.message_type(), &body.write(client));
    }

    fn queue_data(&mut self, pipeline: Option<Uuid>, message_type: MessageType, data: &[u8]) {
        let is_first = message_type == MessageType::SessionCapability;
        let pool = if is_first { Uuid::nil() } else { self.id };
        let header = Header { destination: Destination::Client, message_type, pool, pipeline };
        let object = self.next_object;
        self.next_object += 1;
        let message = header.join(&[MARK, data]);
        self.queues.entry(pipeline).or_default().push_as(object, message, false);
    }
}
