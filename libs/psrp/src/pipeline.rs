//! Pipelines as a client describes them ([MS-PSRP] 2.2.2.10, 2.2.3.11 to 2.2.3.13).
//!
//! [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp

use crate::body::Error;
use crate::clixml::{Object, Value};
use crate::shape::{self, Members, enumeration, object_list, optional_text};
use crate::state::ProtocolVersion;

/// A pipeline to be run: commands, each fed by the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineDescription {
    /// The commands, in order.
    pub commands: Vec<Command>,
    /// True if no input will be sent. Otherwise the pipeline waits for the end of its input.
    pub no_input: bool,
    /// True if the runspace is to remember it.
    pub add_to_history: bool,
    /// True if it runs inside another pipeline.
    pub is_nested: bool,
    /// Text to remember it by.
    pub history: Option<String>,
    /// Which records are to say what command was running.
    pub stream_options: RemoteStreamOptions,
    /// Apartment of its thread.
    pub apartment_state: ApartmentState,
    /// The host its commands see.
    pub host: HostInfo,
    /// True if what it writes to the shell's error output goes to the error stream.
    pub redirects_shell_errors: bool,
}

impl PipelineDescription {
    /// A pipeline of these commands, without input, on the pool's host.
    #[must_use]
    pub fn new(commands: Vec<Command>) -> Self {
        Self {
            commands,
            no_input: true,
            add_to_history: false,
            is_nested: false,
            history: None,
            stream_options: RemoteStreamOptions::NONE,
            apartment_state: ApartmentState::Unknown,
            host: HostInfo::of_pool(),
            redirects_shell_errors: true,
        }
    }

    pub(crate) fn from_value(value: &Value) -> Result<Self, Error> {
        let members = Members::of(value);
        let pipeline = members.within("PowerShell");
        let statements = match pipeline.value("ExtraCmds") {
            Some(_) => pipeline
                .items("ExtraCmds")
                .iter()
                .map(|statement| Members::of(statement).items("Cmds"))
                .collect(),
            None => vec![pipeline.items("Cmds")],
        };
        let mut commands = Vec::new();
        for statement in &statements {
            for command in statement {
                commands.push(Command::from_value(command)?);
            }
            if let Some(last) = commands.last_mut() {
                last.ends_statement = true;
            }
        }
        // The end of the last statement is the end of the pipeline and says nothing of its own.
        if let Some(last) = commands.last_mut() {
            last.ends_statement = false;
        }
        Ok(Self {
            commands,
            no_input: members.is_true("NoInput"),
            add_to_history: members.is_true("AddToHistory"),
            is_nested: members.is_true("IsNested") || pipeline.is_true("IsNested"),
            history: pipeline.text("History"),
            stream_options: RemoteStreamOptions(
                members.i32("RemoteStreamOptions").unwrap_or_default(),
            ),
            apartment_state: ApartmentState::from_members(members),
            host: HostInfo::from_members(members.within("HostInfo")),
            redirects_shell_errors: pipeline.is_true("RedirectShellErrorOutputPipe"),
        })
    }

    pub(crate) fn to_value(&self, peer: ProtocolVersion) -> Value {
        let mut statements: Vec<Vec<Value>> = vec![Vec::new()];
        let last = self.commands.len().saturating_sub(1);
        for (index, command) in self.commands.iter().enumerate() {
            if let Some(statement) = statements.last_mut() {
                statement.push(command.to_value(peer));
            }
            if command.ends_statement && index < last {
                statements.push(Vec::new());
            }
        }
        let first = statements.first().cloned().unwrap_or_default();
        let mut pipeline = Object::new()
            .with_extended("Cmds", object_list(first))
            .with_extended("IsNested", self.is_nested)
            .with_extended("History", optional_text(self.history.as_deref()))
            .with_extended("RedirectShellErrorOutputPipe", self.redirects_shell_errors);
        if statements.len() > 1 {
            let statements = statements
                .into_iter()
                .map(|commands| Object::new().with_extended("Cmds", object_list(commands)).into());
            pipeline = pipeline.with_extended("ExtraCmds", object_list(statements.collect()));
        }
        Object::new()
            .with_extended("NoInput", self.no_input)
            .with_extended("ApartmentState", self.apartment_state.to_value())
            .with_extended("RemoteStreamOptions", self.stream_options.to_value())
            .with_extended("AddToHistory", self.add_to_history)
            .with_extended("HostInfo", self.host.to_value())
            .with_extended("PowerShell", pipeline)
            .with_extended("IsNested", self.is_nested)
            .into()
    }
}

/// One command of a pipeline ([MS-PSRP] 2.2.3.12).
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Name of the command, or the script.
    pub name: String,
    /// True if `name` is a script.
    pub is_script: bool,
    /// Parameters and arguments, in order.
    pub parameters: Vec<Parameter>,
    /// True if a script keeps its variables to itself; `None` leaves it to the server.
    pub use_local_scope: Option<bool>,
    /// Where its streams go.
    pub merge: Merge,
    /// True if what follows is not fed by it but runs after it.
    pub ends_statement: bool,
}

impl Command {
    /// A command of this name, without parameters.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            is_script: false,
            parameters: Vec::new(),
            use_local_scope: None,
            merge: Merge::default(),
            ends_statement: false,
        }
    }

    /// A script.
    #[must_use]
    pub fn script(text: &str) -> Self {
        Self { is_script: true, ..Self::new(text) }
    }

    /// The same command with one more named parameter; a switch is given as `true`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.parameters.push(Parameter { name: Some(name.to_owned()), value: value.into() });
        self
    }

    /// The same command with one more argument without a name.
    #[must_use]
    pub fn with_argument(mut self, value: impl Into<Value>) -> Self {
        self.parameters.push(Parameter { name: None, value: value.into() });
        self
    }

    fn from_value(value: &Value) -> Result<Self, Error> {
        let members = Members::of(value);
        let parameters = members.items("Args");
        Ok(Self {
            name: members.need_text("Cmd")?,
            is_script: members.is_true("IsScript"),
            parameters: parameters.iter().map(Parameter::from_value).collect(),
            use_local_scope: members.value("UseLocalScope").and_then(Value::as_bool),
            merge: Merge::from_members(members),
            ends_statement: false,
        })
    }

    fn to_value(&self, peer: ProtocolVersion) -> Value {
        let command = Object::new()
            .with_extended("Cmd", self.name.as_str())
            .with_extended("IsScript", self.is_script)
            .with_extended("UseLocalScope", self.use_local_scope.map_or(Value::Nil, Value::from))
            .with_extended("MergeMyResult", self.merge.my_result.to_value())
            .with_extended("MergeToResult", self.merge.to_result.to_value())
            .with_extended("MergePreviousResults", self.merge.previous_results.to_value())
            .with_extended(
                "Args",
                object_list(self.parameters.iter().map(Parameter::to_value).collect()),
            );
        self.merge.add_to(command, peer).into()
    }
}

/// A parameter or an argument ([MS-PSRP] 2.2.3.13).
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name without the dash; `None` for one that is known by its place.
    pub name: Option<String>,
    /// Its value: `true` for a switch, [`hashtable`] for `@{Add = …}`.
    pub value: Value,
}

impl Parameter {
    fn from_value(value: &Value) -> Self {
        let members = Members::of(value);
        // Windows' own client writes the dash and a colon into the name of a splatted parameter.
        let name = members.text("N").map(|name| {
            let name = name.strip_prefix('-').unwrap_or(&name);
            name.strip_suffix(':').unwrap_or(name).to_owned()
        });
        Self { name: name.filter(|name| !name.is_empty()), value: members.value_or_nil("V") }
    }

    fn to_value(&self) -> Value {
        Object::new()
            .with_extended("N", optional_text(self.name.as_deref()))
            .with_extended("V", self.value.clone())
            .into()
    }
}

/// A hashtable, the form in which Exchange takes `@{Add = 'a', 'b'; Remove = 'c'}`.
#[must_use]
pub fn hashtable(entries: Vec<(Value, Value)>) -> Value {
    shape::hashtable(entries)
}

/// A list of values, for a parameter that takes several.
#[must_use]
pub fn list(items: Vec<Value>) -> Value {
    shape::array_list(items)
}

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
    fn from_members(members: Members<'_>) -> Self {
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

    fn add_to(self, mut command: Object, peer: ProtocolVersion) -> Object {
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

    fn to_value(self) -> Value {
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

    fn to_value(self) -> Value {
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
