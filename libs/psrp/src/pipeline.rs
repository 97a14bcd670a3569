//! Pipelines as a client describes them ([MS-PSRP] 2.2.2.10, 2.2.3.11 to 2.2.3.13).
//!
//! [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp

use crate::body::Error;
use crate::clixml::{Object, Value};
use crate::shape::{self, Members, object_list, optional_text};
use crate::state::ProtocolVersion;

mod settings;

pub use settings::{ApartmentState, HostInfo, Merge, RemoteStreamOptions, ResultTypes};

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
