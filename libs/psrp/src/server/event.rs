//! What the server half hands out: events and refusals.

use uuid::Uuid;

use crate::body::{self, CommandQuery, PoolOptions, PoolSize};
use crate::clixml::{self, Value};
use crate::fragment;
use crate::host::HostResponse;
use crate::message::MessageType;
use crate::pipeline::PipelineDescription;

/// Why something cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such pipeline.
    #[error("there is no pipeline {0}")]
    UnknownPipeline(Uuid),
    /// What came is not made of fragments; the pool is broken.
    #[error("received bytes that are not fragments of messages")]
    Fragment(#[from] fragment::Error),
}

/// Something the client said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerEvent {
    /// It wants a pool; answer with [`RunspacePool::announce_open`](super::RunspacePool::announce_open).
    Opened {
        /// Id of the pool, chosen by the client.
        id: Uuid,
        /// What it is to be.
        options: Box<PoolOptions>,
    },
    /// It wants to take over the pool; answer with [`RunspacePool::announce_connected`](super::RunspacePool::announce_connected).
    Connected {
        /// Id of the pool.
        id: Uuid,
        /// Sizes wished for, if any.
        size: Option<PoolSize>,
    },
    /// It wants a pipeline, which is running from now on.
    PipelineRequested {
        /// Id of the pipeline, chosen by the client.
        id: Uuid,
        /// What it is to do.
        description: Box<PipelineDescription>,
    },
    /// It wants a pipeline that lists commands.
    CommandsRequested {
        /// Id of the pipeline, chosen by the client.
        id: Uuid,
        /// Which.
        query: CommandQuery,
    },
    /// One object of input, or why it could not be read.
    Input {
        /// Of which pipeline.
        pipeline: Uuid,
        /// The object.
        value: Result<Value, clixml::Error>,
    },
    /// No more input.
    InputEnded {
        /// Of which pipeline.
        pipeline: Uuid,
    },
    /// Answer to a host call.
    HostResponse {
        /// Of which pipeline, or of the pool.
        pipeline: Option<Uuid>,
        /// The answer; its id is what the call gave.
        response: HostResponse,
    },
    /// It wants that many runspaces at most; answer with [`RunspacePool::availability`](super::RunspacePool::availability).
    SetMaxRunspaces {
        /// How many.
        count: i32,
        /// Names the request in the answer.
        call: i64,
    },
    /// It wants that many runspaces at least; answer with [`RunspacePool::availability`](super::RunspacePool::availability).
    SetMinRunspaces {
        /// How many.
        count: i32,
        /// Names the request in the answer.
        call: i64,
    },
    /// It wants to know how many runspaces are free; answer with [`RunspacePool::availability`](super::RunspacePool::availability).
    GetAvailableRunspaces {
        /// Names the request in the answer.
        call: i64,
    },
    /// It wants the runspace to be as new; answer with [`RunspacePool::availability`](super::RunspacePool::availability).
    ResetRunspaceState {
        /// Names the request in the answer.
        call: i64,
    },
    /// It offers a key for secure strings, and waits for one encrypted with it.
    PublicKey(String),
    /// A message for no pipeline there is, or of a type that only a client receives.
    Stray {
        /// Of which pipeline, or of the pool.
        pipeline: Option<Uuid>,
        /// Its type.
        message_type: MessageType,
    },
    /// A message that could not be understood. If it was to create a pipeline, there is none.
    Poison {
        /// Of which pipeline, or of the pool.
        pipeline: Option<Uuid>,
        /// Its type, if it has one.
        message_type: Option<MessageType>,
        /// Why.
        error: body::Error,
    },
}
