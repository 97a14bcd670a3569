//! The host: what a server may ask the person at the client ([MS-PSRP] 2.2.3.17 and 2.2.6).
//!
//! A [`HostCall`] comes with an id and goes back as a [`HostResponse`] of the same id, unless its
//! method returns nothing. [`ChoicePrompt`] and [`FieldPrompt`] are the two calls that ask
//! something, readable and writable, so that both halves can use them.
//!
//! [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp

use std::fmt;

use crate::body::Error;
use crate::clixml::{Object, Value};
use crate::record::ErrorRecord;
use crate::shape::{Members, array_list, enumeration};

mod prompt;

pub use prompt::{Choice, ChoicePrompt, Field, FieldPrompt};

/// A method of the host, by its number ([MS-PSRP] 2.2.3.17); a newer one keeps its number.
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostMethod(pub i32);

impl HostMethod {
    /// Sets the exit code of the host.
    pub const SET_SHOULD_EXIT: Self = Self(6);
    /// Reads a line.
    pub const READ_LINE: Self = Self(11);
    /// Reads a line without showing it.
    pub const READ_LINE_AS_SECURE_STRING: Self = Self(12);
    /// Shows a progress record.
    pub const WRITE_PROGRESS: Self = Self(20);
    /// Shows a warning.
    pub const WRITE_WARNING_LINE: Self = Self(22);
    /// Asks for the values of fields: [`FieldPrompt`].
    pub const PROMPT: Self = Self(23);
    /// Asks for a user name and a password.
    pub const PROMPT_FOR_CREDENTIAL: Self = Self(24);
    /// Asks to choose one of several: [`ChoicePrompt`].
    pub const PROMPT_FOR_CHOICE: Self = Self(26);

    /// Names in the order of their numbers, from one.
    const NAMES: [&str; 56] = [
        "GetName",
        "GetVersion",
        "GetInstanceId",
        "GetCurrentCulture",
        "GetCurrentUICulture",
        "SetShouldExit",
        "EnterNestedPrompt",
        "ExitNestedPrompt",
        "NotifyBeginApplication",
        "NotifyEndApplication",
        "ReadLine",
        "ReadLineAsSecureString",
        "Write1",
        "Write2",
        "WriteLine1",
        "WriteLine2",
        "WriteLine3",
        "WriteErrorLine",
        "WriteDebugLine",
        "WriteProgress",
        "WriteVerboseLine",
        "WriteWarningLine",
        "Prompt",
        "PromptForCredential1",
        "PromptForCredential2",
        "PromptForChoice",
        "GetForegroundColor",
        "SetForegroundColor",
        "GetBackgroundColor",
        "SetBackgroundColor",
        "GetCursorPosition",
        "SetCursorPosition",
        "GetWindowPosition",
        "SetWindowPosition",
        "GetCursorSize",
        "SetCursorSize",
        "GetBufferSize",
        "SetBufferSize",
        "GetWindowSize",
        "SetWindowSize",
        "GetWindowTitle",
        "SetWindowTitle",
        "GetMaxWindowSize",
        "GetMaxPhysicalWindowSize",
        "GetKeyAvailable",
        "ReadKey",
        "FlushInputBuffer",
        "SetBufferContents1",
        "SetBufferContents2",
        "GetBufferContents",
        "ScrollBufferContents",
        "PushRunspace",
        "PopRunspace",
        "GetIsRunspacePushed",
        "GetRunspace",
        "PromptForChoiceMultipleSelection",
    ];

    /// Its name in the specification.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Self::NAMES.get(usize::try_from(self.0).ok()?.checked_sub(1)?).copied()
    }

    /// True if the server waits for an answer. Methods that only show or set something return
    /// nothing; of a method not known, an answer is the safer guess.
    #[must_use]
    pub fn wants_answer(self) -> bool {
        let Some(name) = self.name() else { return true };
        let returns_nothing = ["Set", "Write", "Notify", "Flush", "Scroll", "Push", "Pop"]
            .iter()
            .any(|verb| name.starts_with(verb))
            || name.ends_with("NestedPrompt");
        !returns_nothing
    }

    fn to_value(self) -> Value {
        let text = self.name().map_or_else(|| self.0.to_string(), str::to_owned);
        enumeration("System.Management.Automation.Remoting.RemoteHostMethodId", &text, self.0)
    }
}

impl fmt::Display for HostMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "host method {}", self.0),
        }
    }
}

/// A method of the host, called by the server ([MS-PSRP] 2.2.2.15 and 2.2.2.27).
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCall {
    /// Names the call in the answer. The server half gives the id when it sends the call; Windows
    /// writes -100 where it wants no answer.
    pub id: i64,
    /// What is called.
    pub method: HostMethod,
    /// Its arguments.
    pub parameters: Vec<Value>,
}

impl HostCall {
    /// A call to be sent.
    #[must_use]
    pub fn new(method: HostMethod, parameters: Vec<Value>) -> Self {
        Self { id: 0, method, parameters }
    }

    pub(crate) fn from_value(value: &Value) -> Result<Self, Error> {
        let members = Members::of(value);
        Ok(Self {
            id: members.need_i64("ci")?,
            method: HostMethod(members.need_i32("mi")?),
            parameters: members.items("mp"),
        })
    }

    pub(crate) fn to_value(&self) -> Value {
        Object::new()
            .with_extended("ci", self.id)
            .with_extended("mi", self.method.to_value())
            .with_extended("mp", array_list(self.parameters.clone()))
            .into()
    }

    /// The answer that returns `value`.
    #[must_use]
    pub fn answer(&self, value: impl Into<Value>) -> HostResponse {
        HostResponse { id: self.id, method: self.method, outcome: Ok(value.into()) }
    }

    /// The answer that refuses, for a reason that the server may show.
    #[must_use]
    pub fn refusal(&self, reason: &str) -> HostResponse {
        let mut error = ErrorRecord::new(reason, "HostCallRefused", 11);
        error.category_activity = self.method.to_string();
        error.category_reason = "HostException".to_owned();
        error.exception_type = Some("System.Management.Automation.Host.HostException".to_owned());
        HostResponse { id: self.id, method: self.method, outcome: Err(Box::new(error)) }
    }

    fn text(&self, index: usize) -> String {
        let text = self.parameters.get(index).and_then(Value::text);
        text.map(|text| text.into_owned()).unwrap_or_default()
    }

    fn items(&self, index: usize) -> &[Value] {
        self.parameters.get(index).and_then(Value::items).unwrap_or_default()
    }
}

/// The answer to a [`HostCall`] ([MS-PSRP] 2.2.2.16 and 2.2.2.28).
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostResponse {
    /// Id of the call.
    pub id: i64,
    /// What was called.
    pub method: HostMethod,
    /// What it returned, or why it did not.
    pub outcome: Result<Value, Box<ErrorRecord>>,
}

impl HostResponse {
    pub(crate) fn from_value(value: &Value) -> Result<Self, Error> {
        let members = Members::of(value);
        let outcome = match members.value("me") {
            Some(error) => Err(Box::new(ErrorRecord::from_value(error))),
            None => Ok(members.value_or_nil("mr")),
        };
        Ok(Self {
            id: members.need_i64("ci")?,
            method: HostMethod(members.need_i32("mi")?),
            outcome,
        })
    }

    pub(crate) fn to_value(&self) -> Value {
        let response =
            Object::new().with_extended("ci", self.id).with_extended("mi", self.method.to_value());
        match &self.outcome {
            Ok(Value::Nil) => response.into(),
            Ok(value) => response.with_extended("mr", value.clone()).into(),
            Err(error) => response.with_extended("me", error.to_value()).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_have_the_numbers_of_the_specification() {
        let numbers = [(1, "GetName"), (11, "ReadLine"), (26, "PromptForChoice"), (46, "ReadKey")];
        for (number, name) in numbers {
            assert_eq!(HostMethod(number).name(), Some(name));
        }
        assert_eq!(HostMethod(56).name(), Some("PromptForChoiceMultipleSelection"));
        assert_eq!((HostMethod(0).name(), HostMethod(57).name()), (None, None));
        let silent = (1..=56).map(HostMethod).filter(|method| !method.wants_answer());
        let silent = silent.map(|method| method.0).collect::<Vec<_>>();
        let expected = [
            6, 7, 8, 9, 10, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 28, 30, 32, 34, 36, 38, 40, 42,
            47, 48, 49, 51, 52, 53,
        ];
        assert_eq!(silent, expected);
    }

    #[test]
    fn prompts_survive_the_wire() {
        let choice = ChoicePrompt::confirmation("Wipe it?");
        let call = HostCall::from_value(&choice.to_call().to_value()).unwrap();
        assert_eq!(ChoicePrompt::from_call(&call), Some(choice));
        let fields = FieldPrompt {
            caption: "cmdlet".to_owned(),
            message: "Supply values".to_owned(),
            fields: vec![Field {
                name: "Identity".to_owned(),
                label: "Identity:".to_owned(),
                type_name: "System.String".to_owned(),
                help: String::new(),
                is_mandatory: true,
            }],
        };
        let call = HostCall::from_value(&fields.to_call().to_value()).unwrap();
        assert_eq!(
            (FieldPrompt::from_call(&call), ChoicePrompt::from_call(&call)),
            (Some(fields), None)
        );
    }
}
