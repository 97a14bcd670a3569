//! Errors, and the command that was running when something was said.

use crate::clixml::{Object, Value};
use crate::shape::{Members, enumeration, hashtable, object_list, optional_text};

/// An error ([MS-PSRP] 2.2.3.15).
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorRecord {
    /// Message of the exception.
    pub message: String,
    /// Which error of which command: `ManagementObjectNotFoundException,Get-Mailbox`; Exchange
    /// puts server and request id in front.
    pub fully_qualified_error_id: String,
    /// Number of the category; [`category_name`] knows its name.
    pub category: i32,
    /// The command that failed.
    pub category_activity: String,
    /// What happened, usually the exception's type without its namespace.
    pub category_reason: String,
    /// What it happened to.
    pub category_target_name: String,
    /// Type of what it happened to.
    pub category_target_type: String,
    /// Type of the exception, in full.
    pub exception_type: Option<String>,
    /// What it happened to, as an object.
    pub target: Value,
    /// Message meant to be shown in place of the exception's.
    pub error_details_message: Option<String>,
    /// What to do about it.
    pub recommended_action: Option<String>,
    /// Which command was running, where the server was asked to tell.
    pub invocation: Option<Invocation>,
    /// The record as it came; `Nil` for one that is to be written from the fields above.
    pub value: Value,
}

impl ErrorRecord {
    /// A record to be written.
    #[must_use]
    pub fn new(message: &str, fully_qualified_error_id: &str, category: i32) -> Self {
        Self {
            message: message.to_owned(),
            fully_qualified_error_id: fully_qualified_error_id.to_owned(),
            category,
            category_activity: String::new(),
            category_reason: String::new(),
            category_target_name: String::new(),
            category_target_type: String::new(),
            exception_type: None,
            target: Value::Nil,
            error_details_message: None,
            recommended_action: None,
            invocation: None,
            value: Value::Nil,
        }
    }

    /// Reads a record. Whatever is missing stays empty; something that is no record at all
    /// becomes the message.
    #[must_use]
    pub fn from_value(value: &Value) -> Self {
        let members = Members::of(value);
        let exception = members.within("Exception");
        let message = exception
            .text("Message")
            .or_else(|| members.text("Exception"))
            .or_else(|| value.text().map(|text| text.into_owned()));
        let exception_type = members
            .value("Exception")
            .and_then(Value::as_object)
            .and_then(|exception| exception.type_names.first())
            .map(str::to_owned);
        Self {
            message: message.unwrap_or_default(),
            fully_qualified_error_id: members.text_or_empty("FullyQualifiedErrorId"),
            category: members.i32("ErrorCategory_Category").unwrap_or_default(),
            category_activity: members.text_or_empty("ErrorCategory_Activity"),
            category_reason: members.text_or_empty("ErrorCategory_Reason"),
            category_target_name: members.text_or_empty("ErrorCategory_TargetName"),
            category_target_type: members.text_or_empty("ErrorCategory_TargetType"),
            exception_type,
            target: members.value_or_nil("TargetObject"),
            error_details_message: members.text("ErrorDetails_Message"),
            recommended_action: members.text("ErrorDetails_RecommendedAction"),
            invocation: members
                .is_true("SerializeExtendedInfo")
                .then(|| Invocation::from_members(members)),
            value: value.clone(),
        }
    }

    /// Writes the record, or gives back what it was read from.
    #[must_use]
    pub fn to_value(&self) -> Value {
        if !self.value.is_nil() {
            return self.value.clone();
        }
        let record = Object::new()
            .with_type_names(["System.Management.Automation.ErrorRecord", "System.Object"])
            .with_text(self.error_details_message.as_ref().unwrap_or(&self.message))
            .with_extended("Exception", self.exception())
            .with_extended("TargetObject", self.target.clone())
            .with_extended("FullyQualifiedErrorId", self.fully_qualified_error_id.as_str())
            .with_extended("InvocationInfo", Value::Nil)
            .with_extended("ErrorCategory_Category", self.category)
            .with_extended("ErrorCategory_Activity", self.category_activity.as_str())
            .with_extended("ErrorCategory_Reason", self.category_reason.as_str())
            .with_extended("ErrorCategory_TargetName", self.category_target_name.as_str())
            .with_extended("ErrorCategory_TargetType", self.category_target_type.as_str())
            .with_extended("ErrorCategory_Message", self.category_message())
            .with_extended("SerializeExtendedInfo", self.invocation.is_some());
        let record = match (&self.error_details_message, &self.recommended_action) {
            (None, None) => record,
            (message, action) => record
                .with_extended("ErrorDetails_Message", optional_text(message.as_deref()))
                .with_extended("ErrorDetails_RecommendedAction", optional_text(action.as_deref())),
        };
        match &self.invocation {
            Some(invocation) => invocation.add_to(record).into(),
            None => record.into(),
        }
    }

    /// The category as PowerShell shows it: `ObjectNotFound: (x:String) [Get-Mailbox], Reason`.
    #[must_use]
    pub fn category_message(&self) -> String {
        format!(
            "{}: ({}:{}) [{}], {}",
            category_name(self.category).unwrap_or("NotSpecified"),
            self.category_target_name,
            self.category_target_type,
            self.category_activity,
            self.category_reason,
        )
    }

    fn exception(&self) -> Value {
        let type_name = self.exception_type.as_deref().unwrap_or("System.Exception");
        let names = ["System.Exception", "System.Object"].into_iter();
        let names = std::iter::once(type_name).chain(names.filter(|name| *name != type_name));
        Object::new()
            .with_type_names(names)
            .with_text(format!("{type_name}: {}", self.message))
            .with_adapted("Message", self.message.as_str())
            .with_adapted("Data", hashtable(Vec::new()))
            .with_adapted("InnerException", Value::Nil)
            .with_adapted("TargetSite", Value::Nil)
            .with_adapted("StackTrace", Value::Nil)
            .with_adapted("HelpLink", Value::Nil)
            .with_adapted("Source", Value::Nil)
            // COR_E_EXCEPTION, the result of every exception that has no other.
            .with_adapted("HResult", -2_146_233_088)
            .into()
    }
}

/// Name of an error category ([MS-PSRP] 2.2.3.9), such as `ObjectNotFound` for 13.
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[must_use]
pub fn category_name(category: i32) -> Option<&'static str> {
    const NAMES: [&str; 32] = [
        "NotSpecified",
        "OpenError",
        "CloseError",
        "DeviceError",
        "DeadlockDetected",
        "InvalidArgument",
        "InvalidData",
        "InvalidOperation",
        "InvalidResult",
        "InvalidType",
        "MetadataError",
        "NotImplemented",
        "NotInstalled",
        "ObjectNotFound",
        "OperationStopped",
        "OperationTimeout",
        "SyntaxError",
        "ParserError",
        "PermissionDenied",
        "ResourceBusy",
        "ResourceExists",
        "ResourceUnavailable",
        "ReadError",
        "WriteError",
        "FromStdErr",
        "SecurityError",
        "ProtocolError",
        "ConnectionError",
        "AuthenticationError",
        "LimitsExceeded",
        "QuotaExceeded",
        "NotEnabled",
    ];
    NAMES.get(usize::try_from(category).ok()?).copied()
}

/// Which command was running ([MS-PSRP] 2.2.3.15.1).
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// Name of the command.
    pub command: String,
    /// Name it was called by.
    pub invocation_name: String,
    /// Line of script.
    pub line: String,
    /// Where in the script, for a person.
    pub position_message: String,
    /// Script it stands in.
    pub script: String,
    /// Line number in the script.
    pub script_line: i32,
    /// Column in the line.
    pub column: i32,
    /// Number in the history of the runspace.
    pub history_id: i64,
    /// Its place in the pipeline, from one.
    pub pipeline_position: i32,
    /// Commands in the pipeline.
    pub pipeline_length: i32,
    /// Parameters that were given by name.
    pub bound_parameters: Vec<(Value, Value)>,
    /// Arguments that fitted no parameter.
    pub unbound_arguments: Vec<Value>,
}

impl Invocation {
    pub(super) fn from_members(members: Members<'_>) -> Self {
        Self {
            command: members.text_or_empty("CommandInfo_Name"),
            invocation_name: members.text_or_empty("InvocationInfo_InvocationName"),
            line: members.text_or_empty("InvocationInfo_Line"),
            position_message: members.text_or_empty("InvocationInfo_PositionMessage"),
            script: members.text_or_empty("InvocationInfo_ScriptName"),
            script_line: members.i32("InvocationInfo_ScriptLineNumber").unwrap_or_default(),
            column: members.i32("InvocationInfo_OffsetInLine").unwrap_or_default(),
            history_id: members.i64("InvocationInfo_HistoryId").unwrap_or_default(),
            pipeline_position: members.i32("InvocationInfo_PipelinePosition").unwrap_or_default(),
            pipeline_length: members.i32("InvocationInfo_PipelineLength").unwrap_or_default(),
            bound_parameters: members
                .value("InvocationInfo_BoundParameters")
                .and_then(Value::entries)
                .map(<[_]>::to_vec)
                .unwrap_or_default(),
            unbound_arguments: members.items("InvocationInfo_UnboundArguments"),
        }
    }

    pub(super) fn add_to(&self, record: Object) -> Object {
        let origin = enumeration("System.Management.Automation.CommandOrigin", "Runspace", 0);
        let cmdlet = enumeration("System.Management.Automation.CommandTypes", "Cmdlet", 8);
        let public =
            enumeration("System.Management.Automation.SessionStateEntryVisibility", "Public", 0);
        record
            .with_extended(
                "InvocationInfo_BoundParameters",
                hashtable(self.bound_parameters.clone()),
            )
            .with_extended("InvocationInfo_CommandOrigin", origin)
            .with_extended("InvocationInfo_ExpectingInput", false)
            .with_extended("InvocationInfo_InvocationName", self.invocation_name.as_str())
            .with_extended("InvocationInfo_Line", self.line.as_str())
            .with_extended("InvocationInfo_OffsetInLine", self.column)
            .with_extended("InvocationInfo_HistoryId", self.history_id)
            .with_extended("InvocationInfo_PipelineIterationInfo", object_list(Vec::new()))
            .with_extended("InvocationInfo_PipelineLength", self.pipeline_length)
            .with_extended("InvocationInfo_PipelinePosition", self.pipeline_position)
            .with_extended("InvocationInfo_PSScriptRoot", "")
            .with_extended("InvocationInfo_PSCommandPath", Value::Nil)
            .with_extended("InvocationInfo_PositionMessage", self.position_message.as_str())
            .with_extended("InvocationInfo_ScriptLineNumber", self.script_line)
            .with_extended("InvocationInfo_ScriptName", self.script.as_str())
            .with_extended(
                "InvocationInfo_UnboundArguments",
                object_list(self.unbound_arguments.clone()),
            )
            .with_extended("SerializeExtent", false)
            .with_extended("CommandInfo_CommandType", cmdlet)
            .with_extended("CommandInfo_Definition", self.command.as_str())
            .with_extended("CommandInfo_Name", self.command.as_str())
            .with_extended("CommandInfo_Visibility", public)
    }
}
