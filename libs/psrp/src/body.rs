//! What messages say: one variant for each type, read and written ([MS-PSRP] 2.2.2).
//!
//! Reading is tolerant: a member that is missing is empty, unless the message means nothing
//! without it. Member names are compared without regard to case, because clients differ.
//!
//! [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp

use thiserror::Error;
use uuid::Uuid;

use crate::clixml::{self, Object, Reader, Value};
use crate::host::{HostCall, HostResponse};
use crate::message::{self, MessageType};
use crate::pipeline::{ApartmentState, HostInfo, PipelineDescription};
use crate::record::{ErrorRecord, InformationRecord, InformationalRecord, ProgressRecord};
use crate::shape::{Members, array_list, enumeration, string_list};
use crate::state::{PipelineState, PoolState, ProtocolVersion};

/// Why the data of a message could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
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

/// Versions a side understands ([MS-PSRP] 2.2.2.1).
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capability {
    /// The protocol.
    pub protocol: ProtocolVersion,
    /// PowerShell; Windows says `2.0` whatever it is.
    pub powershell: String,
    /// CLIXML: `1.1.0.1`.
    pub serialization: String,
    /// A time zone in .NET's binary form, kept as it came.
    pub time_zone: Option<Vec<u8>>,
}

impl Capability {
    /// What this crate understands.
    #[must_use]
    pub fn own() -> Self {
        Self {
            protocol: ProtocolVersion::V2_3,
            powershell: "2.0".to_owned(),
            serialization: "1.1.0.1".to_owned(),
            time_zone: None,
        }
    }

    fn from_members(members: Members<'_>) -> Result<Self, Error> {
        let protocol = members.text("protocolversion");
        let protocol = protocol.as_deref().and_then(ProtocolVersion::parse);
        let time_zone = match members.value("TimeZone") {
            Some(Value::Bytes(bytes)) => Some(bytes.clone()),
            _ => None,
        };
        Ok(Self {
            protocol: protocol
                .ok_or(Error::Missing { member: "protocolversion", expected: "a version" })?,
            powershell: members.text_or_empty("PSVersion"),
            serialization: members.text_or_empty("SerializationVersion"),
            time_zone,
        })
    }

    fn to_value(&self) -> Value {
        let capability = Object::new()
            .with_extended("protocolversion", Value::Version(self.protocol.to_string()))
            .with_extended("PSVersion", Value::Version(self.powershell.clone()))
            .with_extended("SerializationVersion", Value::Version(self.serialization.clone()));
        match &self.time_zone {
            Some(bytes) => capability.with_extended("TimeZone", Value::Bytes(bytes.clone())).into(),
            None => capability.into(),
        }
    }
}

/// How many runspaces a pool has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSize {
    /// Runspaces it keeps ready.
    pub min: i32,
    /// Runspaces it may have.
    pub max: i32,
}

impl PoolSize {
    fn from_members(members: Members<'_>) -> Option<Self> {
        let (min, max) = (members.i32("MinRunspaces"), members.i32("MaxRunspaces"));
        (min.is_some() || max.is_some())
            .then(|| Self { min: min.unwrap_or(1), max: max.unwrap_or(1) })
    }

    fn add_to(self, object: Object) -> Object {
        object.with_extended("MinRunspaces", self.min).with_extended("MaxRunspaces", self.max)
    }
}

/// What a client wishes its pool to be ([MS-PSRP] 2.2.2.2).
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolOptions {
    /// How many runspaces it has.
    pub size: PoolSize,
    /// How threads are used ([MS-PSRP] 2.2.3.6); 0 leaves it to the server.
    pub thread_options: i32,
    /// Apartment of its threads.
    pub apartment_state: ApartmentState,
    /// The host its pipelines see.
    pub host: HostInfo,
    /// Anything for the application at the server: a dictionary, or `Nil`.
    pub application_arguments: Value,
}

impl Default for PoolOptions {
    /// One runspace, no host, no arguments.
    fn default() -> Self {
        Self {
            size: PoolSize { min: 1, max: 1 },
            thread_options: 0,
            apartment_state: ApartmentState::Unknown,
            host: HostInfo::of_pool(),
            application_arguments: Value::Nil,
        }
    }
}

impl PoolOptions {
    fn from_members(members: Members<'_>) -> Self {
        Self {
            size: PoolSize::from_members(members).unwrap_or(PoolSize { min: 1, max: 1 }),
            thread_options: members.i32("PSThreadOptions").unwrap_or_default(),
            apartment_state: ApartmentState::from_members(members),
            host: HostInfo::from_members(members.within("HostInfo")),
            application_arguments: members.value_or_nil("ApplicationArguments"),
        }
    }

    fn to_value(&self) -> Value {
        let text = match self.thread_options {
            0 => "Default".to_owned(),
            1 => "UseNewThread".to_owned(),
            2 => "ReuseThread".to_owned(),
            3 => "UseCurrentThread".to_owned(),
            other => other.to_string(),
        };
        let type_name = "System.Management.Automation.Runspaces.PSThreadOptions";
        self.size
            .add_to(Object::new())
            .with_extended("PSThreadOptions", enumeration(type_name, &text, self.thread_options))
            .with_extended("ApartmentState", self.apartment_state.to_value())
            .with_extended("HostInfo", self.host.to_value())
            .with_extended("ApplicationArguments", self.application_arguments.clone())
            .into()
    }
}

/// Answer to a question about runspaces ([MS-PSRP] 2.2.2.8).
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// A wish was granted, or not.
    Granted(bool),
    /// So many runspaces are free.
    Free(i64),
}

impl Availability {
    fn from_members(members: Members<'_>) -> Result<Self, Error> {
        let member = "SetMinMaxRunspacesResponse";
        match members.value(member).and_then(Value::as_bool) {
            Some(is_granted) => Ok(Self::Granted(is_granted)),
            None => members.need_i64(member).map(Self::Free),
        }
    }

    fn to_value(self) -> Value {
        match self {
            Self::Granted(is_granted) => is_granted.into(),
            Self::Free(count) => count.into(),
        }
    }
}

/// An event of a remote runspace ([MS-PSRP] 2.2.2.12).
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserEvent {
    /// Number of the event.
    pub id: i32,
    /// Who raised it, by name.
    pub source: String,
    /// When, as Windows wrote it.
    pub time: Option<String>,
    /// Who raised it, as an object.
    pub sender: Value,
    /// Its arguments.
    pub arguments: Vec<Value>,
    /// What it says.
    pub data: Value,
    /// Computer it was raised on.
    pub computer: String,
    /// Runspace it was raised in.
    pub runspace: Uuid,
}

impl UserEvent {
    fn from_members(members: Members<'_>) -> Self {
        let runspace = members.value("PSEventArgs.RunspaceId").and_then(Value::as_guid);
        Self {
            id: members.i32("PSEventArgs.EventIdentifier").unwrap_or_default(),
            source: members.text_or_empty("PSEventArgs.SourceIdentifier"),
            time: members.text("PSEventArgs.TimeGenerated"),
            sender: members.value_or_nil("PSEventArgs.Sender"),
            arguments: members.items("PSEventArgs.SourceArgs"),
            data: members.value_or_nil("PSEventArgs.MessageData"),
            computer: members.text_or_empty("PSEventArgs.ComputerName"),
            runspace: runspace.unwrap_or_default(),
        }
    }

    fn to_value(&self) -> Value {
        let time = self.time.clone().map_or(Value::Nil, Value::DateTime);
        Object::new()
            .with_extended("PSEventArgs.EventIdentifier", self.id)
            .with_extended("PSEventArgs.SourceIdentifier", self.source.as_str())
            .with_extended("PSEventArgs.TimeGenerated", time)
            .with_extended("PSEventArgs.Sender", self.sender.clone())
            .with_extended("PSEventArgs.SourceArgs", array_list(self.arguments.clone()))
            .with_extended("PSEventArgs.MessageData", self.data.clone())
            .with_extended("PSEventArgs.ComputerName", self.computer.as_str())
            .with_extended("PSEventArgs.RunspaceId", self.runspace)
            .into()
    }
}

/// Which commands a client wants to hear about ([MS-PSRP] 2.2.2.14).
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandQuery {
    /// Patterns of names.
    pub names: Vec<String>,
    /// Kinds of commands ([MS-PSRP] 2.2.3.19), a sum of flags: 8 cmdlets, 383 all.
    pub kinds: i32,
    /// Patterns of modules.
    pub modules: Vec<String>,
    /// Arguments for commands whose parameters depend on them.
    pub arguments: Vec<Value>,
}

impl CommandQuery {
    fn from_members(members: Members<'_>) -> Self {
        let texts = |name| {
            let items = members.items(name);
            items.iter().filter_map(|item| item.text().map(|text| text.into_owned())).collect()
        };
        Self {
            names: texts("Name"),
            kinds: members.i32("CommandType").unwrap_or(383),
            modules: texts("Namespace"),
            arguments: members.items("ArgumentList"),
        }
    }

    fn to_value(&self) -> Value {
        let kinds = match self.kinds {
            8 => "Cmdlet".to_owned(),
            383 => "All".to_owned(),
            other => other.to_string(),
        };
        let type_name = "System.Management.Automation.CommandTypes";
        Object::new()
            .with_extended("Name", string_list(&self.names))
            .with_extended("CommandType", enumeration(type_name, &kinds, self.kinds))
            .with_extended("Namespace", string_list(&self.modules))
            .with_extended("ArgumentList", array_list(self.arguments.clone()))
            .into()
    }
}
