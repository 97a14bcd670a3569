//! What a client makes of what the server says.

use uuid::Uuid;

use super::{Error, Event, PoolState, ProtocolVersion, RunspacePool};
use crate::body::{Body, Capability};
use crate::message::{Header, MessageType};
use crate::record::ErrorRecord;

impl RunspacePool {
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
}
