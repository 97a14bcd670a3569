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

/// Asks to choose one of several, as `-Confirm` does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChoicePrompt {
    /// Heading.
    pub caption: String,
    /// Question.
    pub message: String,
    /// What can be chosen.
    pub choices: Vec<Choice>,
    /// Index of what is chosen by pressing Enter, -1 for nothing.
    pub default: i32,
}

/// One of the things to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Label, with `&` in front of the key to press.
    pub label: String,
    /// What choosing it does.
    pub help: String,
}

impl ChoicePrompt {
    /// The question a cmdlet asks before it does something that needs confirmation.
    #[must_use]
    pub fn confirmation(message: &str) -> Self {
        let choice =
            |label: &str, help: &str| Choice { label: label.to_owned(), help: help.to_owned() };
        Self {
            caption: "Confirm".to_owned(),
            message: message.to_owned(),
            choices: vec![
                choice("&Yes", "Continue with only the next step of the operation."),
                choice("Yes to &All", "Continue with all the steps of the operation."),
                choice("&No", "Skip this operation and proceed with the next operation."),
                choice("No to A&ll", "Skip this operation and all subsequent operations."),
            ],
            default: 0,
        }
    }

    /// Reads the prompt from a call, if that is what it is.
    #[must_use]
    pub fn from_call(call: &HostCall) -> Option<Self> {
        (call.method == HostMethod::PROMPT_FOR_CHOICE).then(|| Self {
            caption: call.text(0),
            message: call.text(1),
            choices: call.items(2).iter().map(Choice::from_value).collect(),
            default: call
                .parameters
                .get(3)
                .and_then(Value::as_i64)
                .and_then(|index| i32::try_from(index).ok())
                .unwrap_or(-1),
        })
    }

    /// The call that asks it.
    #[must_use]
    pub fn to_call(&self) -> HostCall {
        let choices = self.choices.iter().map(Choice::to_value).collect();
        let (caption, message) = (self.caption.as_str(), self.message.as_str());
        let choices = array_list(choices);
        let parameters = vec![caption.into(), message.into(), choices, self.default.into()];
        HostCall::new(HostMethod::PROMPT_FOR_CHOICE, parameters)
    }
}

impl Choice {
    fn from_value(value: &Value) -> Self {
        let members = Members::of(value);
        Self { label: members.text_or_empty("label"), help: members.text_or_empty("helpMessage") }
    }

    fn to_value(&self) -> Value {
        Object::new()
            .with_extended("label", self.label.as_str())
            .with_extended("helpMessage", self.help.as_str())
            .into()
    }
}

/// Asks for the values of fields, as a mandatory parameter that is missing does. Its answer is a
/// [`hashtable`](crate::pipeline::hashtable) of field names and values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPrompt {
    /// Heading.
    pub caption: String,
    /// Question.
    pub message: String,
    /// What is asked for.
    pub fields: Vec<Field>,
}

/// One of the values asked for ([MS-PSRP] 2.2.6.1.4 and 2.2.3.2).
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Name in the answer.
    pub name: String,
    /// Label to show.
    pub label: String,
    /// Type of the value, in full.
    pub type_name: String,
    /// What the value is for.
    pub help: String,
    /// True if there is no going on without it.
    pub is_mandatory: bool,
}

impl FieldPrompt {
    /// Reads the prompt from a call, if that is what it is.
    #[must_use]
    pub fn from_call(call: &HostCall) -> Option<Self> {
        (call.method == HostMethod::PROMPT).then(|| Self {
            caption: call.text(0),
            message: call.text(1),
            fields: call.items(2).iter().map(Field::from_value).collect(),
        })
    }

    /// The call that asks it.
    #[must_use]
    pub fn to_call(&self) -> HostCall {
        let fields = self.fields.iter().map(Field::to_value).collect();
        let (caption, message) = (self.caption.as_str(), self.message.as_str());
        HostCall::new(HostMethod::PROMPT, vec![caption.into(), message.into(), array_list(fields)])
    }
}

impl Field {
    fn from_value(value: &Value) -> Self {
        let members = Members::of(value);
        Self {
            name: members.text_or_empty("name"),
            label: members.text_or_empty("label"),
            type_name: members.text_or_empty("parameterTypeFullName"),
            help: members.text_or_empty("helpMessage"),
            is_mandatory: members.is_true("isMandatory"),
        }
    }

    fn to_value(&self) -> Value {
        let short = self.type_name.rsplit('.').next().unwrap_or_default();
        Object::new()
            .with_extended("name", self.name.as_str())
            .with_extended("label", self.label.as_str())
            .with_extended("parameterTypeName", short)
            .with_extended("parameterTypeFullName", self.type_name.as_str())
            .with_extended("parameterAssemblyFullName", self.type_name.as_str())
            .with_extended("helpMessage", self.help.as_str())
            .with_extended("isMandatory", self.is_mandatory)
            .with_extended("metadata", array_list(Vec::new()))
            .with_extended("modifiedByRemotingProtocol", false)
            .with_extended("isFromRemoteHost", false)
            .into()
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
