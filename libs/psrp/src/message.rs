//! Messages: who is spoken to, about what, and the data ([MS-PSRP] 2.2.1).
//!
//! ```text
//! destination u32 LE │ type u32 LE │ pool GUID │ pipeline GUID │ data: CLIXML in UTF-8
//! ```
//!
//! GUIDs lie as .NET writes them, the first three groups little-endian. Windows starts the data
//! with a byte order mark, and names no pool in its SESSION_CAPABILITY.
//!
//! [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp

use std::fmt;

use uuid::Uuid;

use crate::fragment;

/// Bytes in front of the data of each message.
pub const HEADER_BYTES: usize = 40;

/// Byte order mark of UTF-8.
pub(crate) const MARK: &[u8] = b"\xEF\xBB\xBF";

/// Why bytes are not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Shorter than a header.
    #[error("message of {length} bytes, shorter than its header of {HEADER_BYTES}")]
    TooShort {
        /// Its length.
        length: usize,
    },
    /// Not fragments.
    #[error("bytes that are not fragments")]
    Fragment(#[from] fragment::Error),
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Whom it is for.
    pub destination: Destination,
    /// What it is about.
    pub message_type: MessageType,
    /// The runspace pool; nil in what Windows sends before it has looked one up.
    pub pool: Uuid,
    /// The pipeline, if it is about one.
    pub pipeline: Option<Uuid>,
    /// CLIXML in UTF-8, without a byte order mark; empty for END_OF_PIPELINE_INPUT.
    pub data: Vec<u8>,
}

/// Whom a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Destination {
    /// 1.
    Client,
    /// 2.
    Server,
    /// A number of no meaning, kept.
    Other(u32),
}

impl Message {
    /// Reads one message.
    ///
    /// # Errors
    /// [`Error::TooShort`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (header, data) = Header::split(bytes)?;
        Ok(Self {
            destination: header.destination,
            message_type: header.message_type,
            pool: header.pool,
            pipeline: header.pipeline,
            data: data.to_vec(),
        })
    }

    /// Joins the fragments of a whole stream, and reads its messages.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn decode_all(fragments: &[u8]) -> Result<Vec<Self>, Error> {
        fragment::decode_all(fragments)?.iter().map(|message| Self::decode(message)).collect()
    }

    /// Writes the message, without a byte order mark.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let header = Header {
            destination: self.destination,
            message_type: self.message_type,
            pool: self.pool,
            pipeline: self.pipeline,
        };
        // Data that begin with a mark of their own would lose it to the reader.
        let mark = if self.data.starts_with(MARK) { MARK } else { &[] };
        header.join(&[mark, &self.data])
    }
}

/// What stands in front of the data. Its user reads the data where they lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) destination: Destination,
    pub(crate) message_type: MessageType,
    pub(crate) pool: Uuid,
    pub(crate) pipeline: Option<Uuid>,
}

impl Header {
    /// The header of a message, and its data without a byte order mark.
    pub(crate) fn split(bytes: &[u8]) -> Result<(Self, &[u8]), Error> {
        let too_short = || Error::TooShort { length: bytes.len() };
        let (destination, rest) = bytes.split_first_chunk().ok_or_else(too_short)?;
        let (message_type, rest) = rest.split_first_chunk().ok_or_else(too_short)?;
        let (pool, rest) = rest.split_first_chunk().ok_or_else(too_short)?;
        let (pipeline, data) = rest.split_first_chunk().ok_or_else(too_short)?;
        let pipeline = Uuid::from_bytes_le(*pipeline);
        let header = Self {
            destination: Destination::from(u32::from_le_bytes(*destination)),
            message_type: MessageType::from(u32::from_le_bytes(*message_type)),
            pool: Uuid::from_bytes_le(*pool),
            pipeline: (!pipeline.is_nil()).then_some(pipeline),
        };
        Ok((header, data.strip_prefix(MARK).unwrap_or(data)))
    }

    /// The message of this header and these pieces of data.
    pub(crate) fn join(&self, data: &[&[u8]]) -> Vec<u8> {
        let length = data.iter().map(|piece| piece.len()).sum::<usize>();
        let mut bytes = Vec::with_capacity(HEADER_BYTES + length);
        bytes.extend_from_slice(&u32::from(self.destination).to_le_bytes());
        bytes.extend_from_slice(&self.message_type.code().to_le_bytes());
        bytes.extend_from_slice(&self.pool.to_bytes_le());
        bytes.extend_from_slice(&self.pipeline.unwrap_or_default().to_bytes_le());
        data.iter().for_each(|piece| bytes.extend_from_slice(piece));
        bytes
    }
}

impl From<u32> for Destination {
    fn from(number: u32) -> Self {
        match number {
            1 => Self::Client,
            2 => Self::Server,
            other => Self::Other(other),
        }
    }
}

impl From<Destination> for u32 {
    fn from(destination: Destination) -> Self {
        match destination {
            Destination::Client => 1,
            Destination::Server => 2,
            Destination::Other(number) => number,
        }
    }
}

/// What a message is about ([MS-PSRP] 2.2.1; the section of each variant describes its data).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MessageType {
    /// 2.2.2.1, both directions: versions.
    SessionCapability,
    /// 2.2.2.2, to the server: opens a pool.
    InitRunspacePool,
    /// 2.2.2.3, to the server.
    PublicKey,
    /// 2.2.2.4, to the client.
    EncryptedSessionKey,
    /// 2.2.2.5, to the client.
    PublicKeyRequest,
    /// 2.2.2.29, to the server: takes over a disconnected pool.
    ConnectRunspacePool,
    /// 2.2.2.6, to the server.
    SetMaxRunspaces,
    /// 2.2.2.7, to the server.
    SetMinRunspaces,
    /// 2.2.2.8, to the client.
    RunspaceAvailability,
    /// 2.2.2.9, to the client.
    RunspacePoolState,
    /// 2.2.2.10, to the server: starts a pipeline.
    CreatePipeline,
    /// 2.2.2.11, to the server.
    GetAvailableRunspaces,
    /// 2.2.2.12, to the client.
    UserEvent,
    /// 2.2.2.13, to the client.
    ApplicationPrivateData,
    /// 2.2.2.14, to the server: starts a pipeline that lists commands.
    GetCommandMetadata,
    /// 2.2.2.30, to the client: answer to ConnectRunspacePool.
    RunspacePoolInitData,
    /// 2.2.2.31, to the server.
    ResetRunspaceState,
    /// 2.2.2.15, to the client.
    RunspacePoolHostCall,
    /// 2.2.2.16, to the server.
    RunspacePoolHostResponse,
    /// 2.2.2.17, to the server.
    PipelineInput,
    /// 2.2.2.18, to the server.
    EndOfPipelineInput,
    /// 2.2.2.19, to the client.
    PipelineOutput,
    /// 2.2.2.20, to the client.
    ErrorRecord,
    /// 2.2.2.21, to the client.
    PipelineState,
    /// 2.2.2.22, to the client.
    DebugRecord,
    /// 2.2.2.23, to the client.
    VerboseRecord,
    /// 2.2.2.24, to the client.
    WarningRecord,
    /// 2.2.2.25, to the client.
    ProgressRecord,
    /// 2.2.2.26, to the client, since protocol 2.3.
    InformationRecord,
    /// 2.2.2.27, to the client.
    PipelineHostCall,
    /// 2.2.2.28, to the server.
    PipelineHostResponse,
    /// A number this crate does not know, kept.
    Unknown(u32),
}

impl MessageType {
    /// Every known type, in the order of their numbers.
    pub const KNOWN: [Self; 31] = [
        Self::SessionCapability,
        Self::InitRunspacePool,
        Self::PublicKey,
        Self::EncryptedSessionKey,
        Self::PublicKeyRequest,
        Self::ConnectRunspacePool,
        Self::SetMaxRunspaces,
        Self::SetMinRunspaces,
        Self::RunspaceAvailability,
        Self::RunspacePoolState,
        Self::CreatePipeline,
        Self::GetAvailableRunspaces,
        Self::UserEvent,
        Self::ApplicationPrivateData,
        Self::GetCommandMetadata,
        Self::RunspacePoolInitData,
        Self::ResetRunspaceState,
        Self::RunspacePoolHostCall,
        Self::RunspacePoolHostResponse,
        Self::PipelineInput,
        Self::EndOfPipelineInput,
        Self::PipelineOutput,
        Self::ErrorRecord,
        Self::PipelineState,
        Self::DebugRecord,
        Self::VerboseRecord,
        Self::WarningRecord,
        Self::ProgressRecord,
        Self::InformationRecord,
        Self::PipelineHostCall,
        Self::PipelineHostResponse,
    ];

    /// Its number on the wire.
    #[must_use]
    pub fn code(self) -> u32 {
        self.code_and_name().0
    }

    /// Its name in the specification, such as `CREATE_PIPELINE`; `UNKNOWN` for one it does not
    /// have.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.code_and_name().1
    }

    fn code_and_name(self) -> (u32, &'static str) {
        match self {
            Self::SessionCapability => (0x0001_0002, "SESSION_CAPABILITY"),
            Self::InitRunspacePool => (0x0001_0004, "INIT_RUNSPACEPOOL"),
            Self::PublicKey => (0x0001_0005, "PUBLIC_KEY"),
            Self::EncryptedSessionKey => (0x0001_0006, "ENCRYPTED_SESSION_KEY"),
            Self::PublicKeyRequest => (0x0001_0007, "PUBLIC_KEY_REQUEST"),
            Self::ConnectRunspacePool => (0x0001_0008, "CONNECT_RUNSPACEPOOL"),
            Self::SetMaxRunspaces => (0x0002_1002, "SET_MAX_RUNSPACES"),
            Self::SetMinRunspaces => (0x0002_1003, "SET_MIN_RUNSPACES"),
            Self::RunspaceAvailability => (0x0002_1004, "RUNSPACE_AVAILABILITY"),
            Self::RunspacePoolState => (0x0002_1005, "RUNSPACEPOOL_STATE"),
            Self::CreatePipeline => (0x0002_1006, "CREATE_PIPELINE"),
            Self::GetAvailableRunspaces => (0x0002_1007, "GET_AVAILABLE_RUNSPACES"),
            Self::UserEvent => (0x0002_1008, "USER_EVENT"),
            Self::ApplicationPrivateData => (0x0002_1009, "APPLICATION_PRIVATE_DATA"),
            Self::GetCommandMetadata => (0x0002_100A, "GET_COMMAND_METADATA"),
            Self::RunspacePoolInitData => (0x0002_100B, "RUNSPACEPOOL_INIT_DATA"),
            Self::ResetRunspaceState => (0x0002_100C, "RESET_RUNSPACE_STATE"),
            Self::RunspacePoolHostCall => (0x0002_1100, "RUNSPACEPOOL_HOST_CALL"),
            Self::RunspacePoolHostResponse => (0x0002_1101, "RUNSPACEPOOL_HOST_RESPONSE"),
            Self::PipelineInput => (0x0004_1002, "PIPELINE_INPUT"),
            Self::EndOfPipelineInput => (0x0004_1003, "END_OF_PIPELINE_INPUT"),
            Self::PipelineOutput => (0x0004_1004, "PIPELINE_OUTPUT"),
            Self::ErrorRecord => (0x0004_1005, "ERROR_RECORD"),
            Self::PipelineState => (0x0004_1006, "PIPELINE_STATE"),
            Self::DebugRecord => (0x0004_1007, "DEBUG_RECORD"),
            Self::VerboseRecord => (0x0004_1008, "VERBOSE_RECORD"),
            Self::WarningRecord => (0x0004_1009, "WARNING_RECORD"),
            Self::ProgressRecord => (0x0004_1010, "PROGRESS_RECORD"),
            Self::InformationRecord => (0x0004_1011, "INFORMATION_RECORD"),
            Self::PipelineHostCall => (0x0004_1100, "PIPELINE_HOST_CALL"),
            Self::PipelineHostResponse => (0x0004_1101, "PIPELINE_HOST_RESPONSE"),
            Self::Unknown(code) => (code, "UNKNOWN"),
        }
    }
}

impl From<u32> for MessageType {
    fn from(code: u32) -> Self {
        Self::KNOWN.into_iter().find(|known| known.code() == code).unwrap_or(Self::Unknown(code))
    }
}

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(code) => write!(f, "0x{code:08X}"),
            known => f.write_str(known.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn known_types_are_in_order_and_found_by_number() {
        assert!(MessageType::KNOWN.is_sorted_by_key(|known| known.code()));
        for known in MessageType::KNOWN {
            assert_eq!(MessageType::from(known.code()), known);
        }
        assert_eq!(MessageType::from(0x0002_100E), MessageType::Unknown(0x0002_100E));
    }

    #[test]
    fn guids_lie_as_dotnet_writes_them() {
        let pool = Uuid::from_u128(0x0011_2233_4455_6677_8899_AABB_CCDD_EEFF);
        let message = Message {
            destination: Destination::Server,
            message_type: MessageType::GetAvailableRunspaces,
            pool,
            pipeline: None,
            data: b"<Nil/>".to_vec(),
        };
        let bytes = message.encode();
        assert_eq!(&bytes[..8], [2, 0, 0, 0, 7, 0x10, 2, 0]);
        assert_eq!(&bytes[8..16], [0x33, 0x22, 0x11, 0, 0x55, 0x44, 0x77, 0x66]);
        assert_eq!(Message::decode(&bytes), Ok(message.clone()));
        let marked = [&bytes[..HEADER_BYTES], MARK, &bytes[HEADER_BYTES..]].concat();
        assert_eq!(Message::decode(&marked), Ok(message.clone()));
        let doubly = Message { data: MARK.to_vec(), ..message };
        assert_eq!(Message::decode(&doubly.encode()), Ok(doubly));
        assert_eq!(Message::decode(&bytes[..39]), Err(Error::TooShort { length: 39 }));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            destination in any::<u32>(),
            code in any::<u32>(),
            ids in any::<(u128, u128)>(),
            data in prop::collection::vec(0u8..0x80, 0..100),
        ) {
            let pipeline = Uuid::from_u128(ids.1);
            let message = Message {
                destination: destination.into(),
                message_type: code.into(),
                pool: Uuid::from_u128(ids.0),
                pipeline: (!pipeline.is_nil()).then_some(pipeline),
                data,
            };
            prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            drop(Message::decode(&bytes));
            drop(Message::decode_all(&bytes));
        }
    }
}
