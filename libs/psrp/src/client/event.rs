//! What the client half hands out: events, payloads and refusals.

use uuid::Uuid;

use crate::body::{self, Availability, UserEvent};
use crate::clixml::{self, Value};
use crate::fragment;
use crate::host::HostCall;
use crate::message::MessageType;
use crate::record::{ErrorRecord, InformationRecord, ProgressRecord};
use crate::state::{PipelineState, PoolState, ProtocolVersion};

/// Why something cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
