//! What messages say: one variant for each type, read and written ([MS-PSRP] 2.2.2).
//!
//! Reading is tolerant: a member that is missing is empty, unless the message means nothing
//! without it. Member names are compared without regard to case, because clients differ.
//!
//! [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp

use crate::clixml::{self, Object, Reader, Value};
use crate::host::{HostCall, HostResponse};
use crate::message::{self, MessageType};
use crate::pipeline::PipelineDescription;
use crate::record::{ErrorRecord, InformationRecord, InformationalRecord, ProgressRecord};
use crate::shape::Members;
use crate::state::{PipelineState, PoolState, ProtocolVersion};

mod pool;

pub use pool::{Availability, Capability, CommandQuery, PoolOptions, PoolSize, UserEvent};

/// Why the data of a message could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not even a header.
    #[error("a message without a header")]
    Header(#[from] message::Error),
    /// Not CLIXML.
    #[error("data that cannot be read")]
    Clixml(#[from] clixml::Error),
    /// Something without which the message means nothing.
    #[error("no member {member} that is {expected}")]
    Missing {
        /// Its name.
        member: &'static str,
        /// What it should have been.
        expected: &'static str,
    },
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// SESSION_CAPABILITY.
    SessionCapability(Capability),
    /// INIT_RUNSPACEPOOL.
    InitRunspacePool(PoolOptions),
    /// PUBLIC_KEY: Base64 of a public key.
    PublicKey(String),
    /// ENCRYPTED_SESSION_KEY: Base64 of a key encrypted with the public one.
    EncryptedSessionKey(String),
    /// PUBLIC_KEY_REQUEST.
    PublicKeyRequest,
    /// CONNECT_RUNSPACEPOOL: sizes wished for; none leaves the pool as it is.
    ConnectRunspacePool(Option<PoolSize>),
    /// RUNSPACEPOOL_INIT_DATA: sizes as they are.
    RunspacePoolInitData(PoolSize),
    /// RESET_RUNSPACE_STATE.
    ResetRunspaceState {
        /// Names the request in the answer.
        call: i64,
    },
    /// SET_MAX_RUNSPACES.
    SetMaxRunspaces {
        /// Runspaces wished for.
        count: i32,
        /// Names the request in the answer.
        call: i64,
    },
    /// SET_MIN_RUNSPACES.
    SetMinRunspaces {
        /// Runspaces wished for.
        count: i32,
        /// Names the request in the answer.
        call: i64,
    },
    /// GET_AVAILABLE_RUNSPACES.
    GetAvailableRunspaces {
        /// Names the request in the answer.
        call: i64,
    },
    /// RUNSPACE_AVAILABILITY: the answer to the four before.
    RunspaceAvailability {
        /// Which request it answers.
        call: i64,
        /// The answer.
        answer: Availability,
    },
    /// RUNSPACEPOOL_STATE.
    RunspacePoolState(PoolState, Option<Box<ErrorRecord>>),
    /// CREATE_PIPELINE.
    CreatePipeline(Box<PipelineDescription>),
    /// USER_EVENT.
    UserEvent(Box<UserEvent>),
    /// APPLICATION_PRIVATE_DATA: a dictionary, or `Nil`.
    ApplicationPrivateData(Value),
    /// GET_COMMAND_METADATA.
    GetCommandMetadata(CommandQuery),
    /// RUNSPACEPOOL_HOST_CALL.
    RunspacePoolHostCall(HostCall),
    /// RUNSPACEPOOL_HOST_RESPONSE.
    RunspacePoolHostResponse(HostResponse),
    /// PIPELINE_INPUT: one object.
    PipelineInput(Value),
    /// END_OF_PIPELINE_INPUT.
    EndOfPipelineInput,
    /// PIPELINE_OUTPUT: one object.
    PipelineOutput(Value),
    /// ERROR_RECORD.
    ErrorRecord(Box<ErrorRecord>),
    /// PIPELINE_STATE.
    PipelineState(PipelineState, Option<Box<ErrorRecord>>),
    /// DEBUG_RECORD.
    DebugRecord(InformationalRecord),
    /// VERBOSE_RECORD.
    VerboseRecord(InformationalRecord),
    /// WARNING_RECORD.
    WarningRecord(InformationalRecord),
    /// PROGRESS_RECORD.
    ProgressRecord(ProgressRecord),
    /// INFORMATION_RECORD.
    InformationRecord(Box<InformationRecord>),
    /// PIPELINE_HOST_CALL.
    PipelineHostCall(HostCall),
    /// PIPELINE_HOST_RESPONSE.
    PipelineHostResponse(HostResponse),
    /// A type this crate does not know, with its data as they came.
    Unknown(u32, Vec<u8>),
}

impl Body {
    /// Reads the data of a message.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn read(message_type: MessageType, data: &[u8]) -> Result<Self, Error> {
        Self::read_with(message_type, data, &mut Reader::new())
    }

    /// Reads the data of one of many messages with their common reader.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn read_with(
        message_type: MessageType,
        data: &[u8],
        reader: &mut Reader,
    ) -> Result<Self, Error> {
        match message_type {
            MessageType::EndOfPipelineInput => return Ok(Self::EndOfPipelineInput),
            MessageType::PublicKeyRequest => return Ok(Self::PublicKeyRequest),
            MessageType::Unknown(code) => return Ok(Self::Unknown(code, data.to_vec())),
            _ => {}
        }
        let value = reader.read(data)?;
        match message_type {
            MessageType::PipelineOutput => Ok(Self::PipelineOutput(value)),
            MessageType::PipelineInput => Ok(Self::PipelineInput(value)),
            _ => Self::from_value(message_type, &value),
        }
    }

    fn from_value(message_type: MessageType, value: &Value) -> Result<Self, Error> {
        use MessageType as Type;
        let members = Members::of(value);
        let error = || {
            let record = members.value("ExceptionAsErrorRecord").map(ErrorRecord::from_value);
            record.map(Box::new)
        };
        let call = || members.need_i64("ci");
        Ok(match message_type {
            Type::SessionCapability => Self::SessionCapability(Capability::from_members(members)?),
            Type::InitRunspacePool => Self::InitRunspacePool(PoolOptions::from_members(members)),
            Type::PublicKey => Self::PublicKey(members.need_text("PublicKey")?),
            Type::EncryptedSessionKey => {
                Self::EncryptedSessionKey(members.need_text("EncryptedSessionKey")?)
            }
            Type::ConnectRunspacePool => Self::ConnectRunspacePool(PoolSize::from_members(members)),
            Type::RunspacePoolInitData => Self::RunspacePoolInitData(
                PoolSize::from_members(members).unwrap_or(PoolSize { min: 1, max: 1 }),
            ),
            Type::ResetRunspaceState => Self::ResetRunspaceState { call: call()? },
            Type::SetMaxRunspaces => {
                Self::SetMaxRunspaces { count: members.need_i32("MaxRunspaces")?, call: call()? }
            }
            Type::SetMinRunspaces => {
                Self::SetMinRunspaces { count: members.need_i32("MinRunspaces")?, call: call()? }
            }
            Type::GetAvailableRunspaces => Self::GetAvailableRunspaces { call: call()? },
            Type::RunspaceAvailability => Self::RunspaceAvailability {
                call: call()?,
                answer: Availability::from_members(members)?,
            },
            Type::RunspacePoolState => {
                Self::RunspacePoolState(members.need_i32("RunspaceState")?.into(), error())
            }
            Type::CreatePipeline => {
                Self::CreatePipeline(Box::new(PipelineDescription::from_value(value)?))
            }
            Type::UserEvent => Self::UserEvent(Box::new(UserEvent::from_members(members))),
            Type::ApplicationPrivateData => {
                Self::ApplicationPrivateData(members.value_or_nil("ApplicationPrivateData"))
            }
            Type::GetCommandMetadata => {
                Self::GetCommandMetadata(CommandQuery::from_members(members))
            }
            Type::RunspacePoolHostCall => Self::RunspacePoolHostCall(HostCall::from_value(value)?),
            Type::RunspacePoolHostResponse => {
                Self::RunspacePoolHostResponse(HostResponse::from_value(value)?)
            }
            Type::PipelineHostCall => Self::PipelineHostCall(HostCall::from_value(value)?),
            Type::PipelineHostResponse => {
                Self::PipelineHostResponse(HostResponse::from_value(value)?)
            }
            Type::ErrorRecord => Self::ErrorRecord(Box::new(ErrorRecord::from_value(value))),
            Type::PipelineState => {
                Self::PipelineState(members.need_i32("PipelineState")?.into(), error())
            }
            Type::DebugRecord => Self::DebugRecord(InformationalRecord::from_value(value)),
            Type::VerboseRecord => Self::VerboseRecord(InformationalRecord::from_value(value)),
            Type::WarningRecord => Self::WarningRecord(InformationalRecord::from_value(value)),
            Type::ProgressRecord => Self::ProgressRecord(ProgressRecord::from_value(value)),
            Type::InformationRecord => {
                Self::InformationRecord(Box::new(InformationRecord::from_value(value)))
            }
            Type::PipelineInput => Self::PipelineInput(value.clone()),
            Type::PipelineOutput => Self::PipelineOutput(value.clone()),
            Type::EndOfPipelineInput => Self::EndOfPipelineInput,
            Type::PublicKeyRequest => Self::PublicKeyRequest,
            Type::Unknown(code) => Self::Unknown(code, clixml::write(value).into_bytes()),
        })
    }

    /// The type of message that says this.
    #[must_use]
    pub fn message_type(&self) -> MessageType {
        match self {
            Self::SessionCapability(_) => MessageType::SessionCapability,
            Self::InitRunspacePool(_) => MessageType::InitRunspacePool,
            Self::PublicKey(_) => MessageType::PublicKey,
            Self::EncryptedSessionKey(_) => MessageType::EncryptedSessionKey,
            Self::PublicKeyRequest => MessageType::PublicKeyRequest,
            Self::ConnectRunspacePool(_) => MessageType::ConnectRunspacePool,
            Self::RunspacePoolInitData(_) => MessageType::RunspacePoolInitData,
            Self::ResetRunspaceState { .. } => MessageType::ResetRunspaceState,
            Self::SetMaxRunspaces { .. } => MessageType::SetMaxRunspaces,
            Self::SetMinRunspaces { .. } => MessageType::SetMinRunspaces,
            Self::GetAvailableRunspaces { .. } => MessageType::GetAvailableRunspaces,
            Self::RunspaceAvailability { .. } => MessageType::RunspaceAvailability,
            Self::RunspacePoolState(..) => MessageType::RunspacePoolState,
            Self::CreatePipeline(_) => MessageType::CreatePipeline,
            Self::UserEvent(_) => MessageType::UserEvent,
            Self::ApplicationPrivateData(_) => MessageType::ApplicationPrivateData,
            Self::GetCommandMetadata(_) => MessageType::GetCommandMetadata,
            Self::RunspacePoolHostCall(_) => MessageType::RunspacePoolHostCall,
            Self::RunspacePoolHostResponse(_) => MessageType::RunspacePoolHostResponse,
            Self::PipelineInput(_) => MessageType::PipelineInput,
            Self::EndOfPipelineInput => MessageType::EndOfPipelineInput,
            Self::PipelineOutput(_) => MessageType::PipelineOutput,
            Self::ErrorRecord(_) => MessageType::ErrorRecord,
            Self::PipelineState(..) => MessageType::PipelineState,
            Self::DebugRecord(_) => MessageType::DebugRecord,
            Self::VerboseRecord(_) => MessageType::VerboseRecord,
            Self::WarningRecord(_) => MessageType::WarningRecord,
            Self::ProgressRecord(_) => MessageType::ProgressRecord,
            Self::InformationRecord(_) => MessageType::InformationRecord,
            Self::PipelineHostCall(_) => MessageType::PipelineHostCall,
            Self::PipelineHostResponse(_) => MessageType::PipelineHostResponse,
            Self::Unknown(code, _) => MessageType::Unknown(*code),
        }
    }

    /// Writes the data of the message, for a peer of this version.
    #[must_use]
    pub fn write(&self, peer: ProtocolVersion) -> Vec<u8> {
        let value = match self {
            Self::EndOfPipelineInput => return Vec::new(),
            Self::Unknown(_, data) => return data.clone(),
            Self::PipelineInput(value) | Self::PipelineOutput(value) => {
                return clixml::write(value).into_bytes();
            }
            Self::SessionCapability(capability) => capability.to_value(),
            Self::InitRunspacePool(options) => options.to_value(),
            Self::PublicKey(key) => of("PublicKey", key.as_str()),
            Self::EncryptedSessionKey(key) => of("EncryptedSessionKey", key.as_str()),
            Self::PublicKeyRequest | Self::ConnectRunspacePool(None) => Value::from(""),
            Self::ConnectRunspacePool(Some(size)) | Self::RunspacePoolInitData(size) => {
                size.add_to(Object::new()).into()
            }
            Self::ResetRunspaceState { call } | Self::GetAvailableRunspaces { call } => {
                of("ci", *call)
            }
            Self::SetMaxRunspaces { count, call } => Object::new()
                .with_extended("MaxRunspaces", *count)
                .with_extended("ci", *call)
                .into(),
            Self::SetMinRunspaces { count, call } => Object::new()
                .with_extended("MinRunspaces", *count)
                .with_extended("ci", *call)
                .into(),
            Self::RunspaceAvailability { call, answer } => Object::new()
                .with_extended("SetMinMaxRunspacesResponse", answer.to_value())
                .with_extended("ci", *call)
                .into(),
            Self::RunspacePoolState(state, error) => {
                state_of("RunspaceState", state.code(), error.as_deref())
            }
            Self::PipelineState(state, error) => {
                state_of("PipelineState", state.code(), error.as_deref())
            }
            Self::CreatePipeline(description) => description.to_value(peer),
            Self::UserEvent(event) => event.to_value(),
            Self::ApplicationPrivateData(data) => of("ApplicationPrivateData", data.clone()),
            Self::GetCommandMetadata(query) => query.to_value(),
            Self::RunspacePoolHostCall(call) | Self::PipelineHostCall(call) => call.to_value(),
            Self::RunspacePoolHostResponse(response) | Self::PipelineHostResponse(response) => {
                response.to_value()
            }
            Self::ErrorRecord(record) => record.to_value(),
            Self::DebugRecord(record) => record.to_value("Debug"),
            Self::VerboseRecord(record) => record.to_value("Verbose"),
            Self::WarningRecord(record) => record.to_value("Warning"),
            Self::ProgressRecord(record) => record.to_value(),
            Self::InformationRecord(record) => record.to_value(),
        };
        clixml::write(&value).into_bytes()
    }
}

/// An object of one member.
fn of(name: &str, value: impl Into<Value>) -> Value {
    Object::new().with_extended(name, value).into()
}

fn state_of(name: &str, code: i32, error: Option<&ErrorRecord>) -> Value {
    let state = Object::new().with_extended(name, code);
    match error {
        Some(error) => state.with_extended("ExceptionAsErrorRecord", error.to_value()).into(),
        None => state.into(),
    }
}
