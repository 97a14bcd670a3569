//! What messages about a pool say: versions, sizes, wishes, answers and events.

use uuid::Uuid;

use super::Error;
use crate::clixml::{Object, Value};
use crate::pipeline::{ApartmentState, HostInfo};
use crate::shape::{Members, array_list, enumeration, string_list};
use crate::state::ProtocolVersion;

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

    pub(super) fn from_members(members: Members<'_>) -> Result<Self, Error> {
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

    pub(super) fn to_value(&self) -> Value {
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
    pub(super) fn from_members(members: Members<'_>) -> Option<Self> {
        let (min, max) = (members.i32("MinRunspaces"), members.i32("MaxRunspaces"));
        (min.is_some() || max.is_some())
            .then(|| Self { min: min.unwrap_or(1), max: max.unwrap_or(1) })
    }

    pub(super) fn add_to(self, object: Object) -> Object {
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
    pub(super) fn from_members(members: Members<'_>) -> Self {
        Self {
            size: PoolSize::from_members(members).unwrap_or(PoolSize { min: 1, max: 1 }),
            thread_options: members.i32("PSThreadOptions").unwrap_or_default(),
            apartment_state: ApartmentState::from_members(members),
            host: HostInfo::from_members(members.within("HostInfo")),
            application_arguments: members.value_or_nil("ApplicationArguments"),
        }
    }

    pub(super) fn to_value(&self) -> Value {
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
    pub(super) fn from_members(members: Members<'_>) -> Result<Self, Error> {
        let member = "SetMinMaxRunspacesResponse";
        match members.value(member).and_then(Value::as_bool) {
            Some(is_granted) => Ok(Self::Granted(is_granted)),
            None => members.need_i64(member).map(Self::Free),
        }
    }

    pub(super) fn to_value(self) -> Value {
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
    pub(super) fn from_members(members: Members<'_>) -> Self {
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

    pub(super) fn to_value(&self) -> Value {
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
    pub(super) fn from_members(members: Members<'_>) -> Self {
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

    pub(super) fn to_value(&self) -> Value {
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
