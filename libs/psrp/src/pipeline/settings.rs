//! How a pipeline is run: streams, threads and host.

use super::hashtable;
use crate::clixml::{Object, Value};
use crate::shape::{Members, enumeration};
use crate::state::ProtocolVersion;

/// Where the streams of a command go ([MS-PSRP] 2.2.3.12). The streams beside output and errors
/// are known to protocol 2.2 and newer, information to 2.3, and are not sent to an older server.
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Merge {
    /// Stream to be merged, as protocol 2.1 says it.
    pub my_result: ResultTypes,
    /// Where it goes, as protocol 2.1 says it.
    pub to_result: ResultTypes,
    /// What becomes input of what the commands before it left over.
    pub previous_results: ResultTypes,
    /// Where errors go.
    pub error: ResultTypes,
    /// Where warnings go.
    pub warning: ResultTypes,
    /// Where verbose messages go.
    pub verbose: ResultTypes,
    /// Where debug messages go.
    pub debug: ResultTypes,
    /// Where information goes.
    pub information: ResultTypes,
}

impl Merge {
    pub(super) fn from_members(members: Members<'_>) -> Self {
        let stream = |name| ResultTypes(members.i32(name).unwrap_or_default());
        Self {
            my_result: stream("MergeMyResult"),
            to_result: stream("MergeToResult"),
            previous_results: stream("MergePreviousResults"),
            error: stream("MergeError"),
            warning: stream("MergeWarning"),
            verbose: stream("MergeVerbose"),
            debug: stream("MergeDebug"),
            information: stream("MergeInformation"),
        }
    }

    pub(super) fn add_to(self, mut command: Object, peer: ProtocolVersion) -> Object {
        if peer >= ProtocolVersion::V2_2 {
            command = command
                .with_extended("MergeError", self.error.to_value())
                .with_extended("MergeWarning", self.warning.to_value())
                .with_extended("MergeVerbose", self.verbose.to_value())
                .with_extended("MergeDebug", self.debug.to_value());
        }
        if peer >= ProtocolVersion::V2_3 {
            command = command.with_extended("MergeInformation", self.information.to_value());
        }
        command
    }
}

/// A stream of a pipeline, by its number in .NET ([MS-PSRP] 2.2.3.31).
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResultTypes(pub i32);

impl ResultTypes {
    /// Nowhere else than usual.
    pub const NONE: Self = Self(0);
    /// The output.
    pub const OUTPUT: Self = Self(1);
    /// The errors.
    pub const ERROR: Self = Self(2);
    /// Nowhere.
    pub const NULL: Self = Self(8);

    pub(super) fn to_value(self) -> Value {
        let text = match self.0 {
            0 => "None",
            1 => "Output",
            2 => "Error",
            // Also what .NET calls the sum of output and error.
            3 => "Warning",
            4 => "Verbose",
            5 => "Debug",
            6 => "Information",
            7 => "All",
            8 => "Null",
            other => {
                return enumeration(Self::TYPE_NAME, &other.to_string(), other);
            }
        };
        enumeration(Self::TYPE_NAME, text, self.0)
    }

    const TYPE_NAME: &str = "System.Management.Automation.Runspaces.PipelineResultTypes";
}

/// Which records are to say what command was running ([MS-PSRP] 2.2.3.8): a sum of flags.
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteStreamOptions(pub i32);

impl RemoteStreamOptions {
    /// No record.
    pub const NONE: Self = Self(0);
    /// Errors.
    pub const ERRORS: Self = Self(1);
    /// Errors, warnings, debug and verbose messages.
    pub const ALL: Self = Self(15);

    pub(super) fn to_value(self) -> Value {
        const FLAGS: [(i32, &str); 4] = [
            (1, "AddInvocationInfoToErrorRecord"),
            (2, "AddInvocationInfoToWarningRecord"),
            (4, "AddInvocationInfoToDebugRecord"),
            (8, "AddInvocationInfoToVerboseRecord"),
        ];
        let text = match self {
            Self::NONE => "0".to_owned(),
            Self::ALL => "AddInvocationInfo".to_owned(),
            Self(flags) => {
                let names = FLAGS.iter().filter(|(flag, _)| flags & flag != 0);
                names.map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
            }
        };
        let type_name = "System.Management.Automation.Runspaces.RemoteStreamOptions";
        enumeration(type_name, &text, self.0)
    }
}

/// Apartment of the thread a pipeline runs on ([MS-PSRP] 2.2.3.7).
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ApartmentState {
    /// Single-threaded.
    Sta,
    /// Multi-threaded.
    Mta,
    /// As the server likes.
    #[default]
    Unknown,
}

impl ApartmentState {
    pub(crate) fn from_members(members: Members<'_>) -> Self {
        match members.i32("ApartmentState") {
            Some(0) => Self::Sta,
            Some(1) => Self::Mta,
            _ => Self::Unknown,
        }
    }

    pub(crate) fn to_value(self) -> Value {
        let (text, number) = match self {
            Self::Sta => ("STA", 0),
            Self::Mta => ("MTA", 1),
            Self::Unknown => ("UNKNOWN", 2),
        };
        // Windows names the type so in its messages, although .NET has it in System.Threading.
        enumeration("System.Management.Automation.Runspaces.ApartmentState", text, number)
    }
}

/// What host a client offers ([MS-PSRP] 2.2.3.14).
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostInfo {
    /// The host of the pool; for a pool, none.
    OfPool,
    /// A host that can be asked.
    Own {
        /// Colours, sizes and title of its window, keyed by number; `None` if it has no window.
        default_data: Option<Value>,
        /// True if it can show nothing.
        has_no_interface: bool,
    },
}

impl HostInfo {
    /// The host of the pool; for a pool, none: what would ask fails at the server.
    #[must_use]
    pub fn of_pool() -> Self {
        Self::OfPool
    }

    /// A host that can be asked and has a window of 80 by 25 characters.
    #[must_use]
    pub fn interactive() -> Self {
        let typed = |type_name: &str, value: Value| {
            Value::from(Object::new().with_extended("T", type_name).with_extended("V", value))
        };
        let pair = |first: &str, a: i32, second: &str, b: i32| {
            Value::from(Object::new().with_extended(first, a).with_extended(second, b))
        };
        let color = |number: i32| typed("System.ConsoleColor", number.into());
        let origin =
            || typed("System.Management.Automation.Host.Coordinates", pair("x", 0, "y", 0));
        let size =
            || typed("System.Management.Automation.Host.Size", pair("width", 80, "height", 25));
        let data = [
            color(7),
            color(0),
            origin(),
            origin(),
            typed("System.Int32", 25.into()),
            size(),
            size(),
            size(),
            size(),
            typed("System.String", "".into()),
        ];
        let entries = (0..).zip(data).map(|(key, value)| (Value::Int32(key), value)).collect();
        Self::Own { default_data: Some(hashtable(entries)), has_no_interface: false }
    }

    pub(crate) fn from_members(members: Members<'_>) -> Self {
        if members.value("_isHostNull").and_then(Value::as_bool) != Some(false) {
            return Self::OfPool;
        }
        Self::Own {
            default_data: members.within("_hostDefaultData").value("data").cloned(),
            has_no_interface: members.is_true("_isHostUINull"),
        }
    }

    pub(crate) fn to_value(&self) -> Value {
        let mut info = Object::new();
        if let Self::Own { default_data: Some(data), .. } = self {
            let data = Object::new().with_extended("data", data.clone());
            info = info.with_extended("_hostDefaultData", data);
        }
        let is_null = matches!(self, Self::OfPool);
        let has_no_interface = !matches!(self, Self::Own { has_no_interface: false, .. });
        let has_no_window = !matches!(self, Self::Own { default_data: Some(_), .. });
        info.with_extended("_isHostNull", is_null)
            .with_extended("_isHostUINull", has_no_interface)
            .with_extended("_isHostRawUINull", has_no_window)
            .with_extended("_useRunspaceHost", is_null)
            .into()
    }
}
