//! The two host calls that ask something.

use super::{HostCall, HostMethod};
use crate::clixml::{Object, Value};
use crate::shape::{Members, array_list};

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
