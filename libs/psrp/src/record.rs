//! Records: what a pipeline says beside its output ([MS-PSRP] 2.2.3.15 and 2.2.3.16).
//!
//! [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp

use crate::clixml::{Object, Value};
use crate::shape::{Members, enumeration, hashtable, object_list, optional_text, string_list};

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
    fn from_members(members: Members<'_>) -> Self {
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

    fn add_to(&self, record: Object) -> Object {
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

/// A warning, a verbose or a debug message ([MS-PSRP] 2.2.3.16).
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InformationalRecord {
    /// What it says.
    pub message: String,
    /// Which command was running, where the server was asked to tell.
    pub invocation: Option<Invocation>,
}

impl InformationalRecord {
    /// A record that says this.
    #[must_use]
    pub fn new(message: &str) -> Self {
        Self { message: message.to_owned(), invocation: None }
    }

    /// Reads a record; something that is no record becomes the message.
    #[must_use]
    pub fn from_value(value: &Value) -> Self {
        let members = Members::of(value);
        let message = members
            .text("InformationalRecord_Message")
            .or_else(|| value.text().map(|text| text.into_owned()));
        Self {
            message: message.unwrap_or_default(),
            invocation: members
                .is_true("InformationalRecord_SerializeInvocationInfo")
                .then(|| Invocation::from_members(members)),
        }
    }

    /// Writes the record as one of `kind`: `Warning`, `Verbose` or `Debug`.
    pub(crate) fn to_value(&self, kind: &str) -> Value {
        let record = Object::new()
            .with_type_names([
                format!("System.Management.Automation.{kind}Record").as_str(),
                "System.Management.Automation.InformationalRecord",
                "System.Object",
            ])
            .with_text(&self.message)
            .with_extended("InformationalRecord_Message", self.message.as_str())
            .with_extended(
                "InformationalRecord_SerializeInvocationInfo",
                self.invocation.is_some(),
            );
        match &self.invocation {
            Some(invocation) => invocation.add_to(record).into(),
            None => record.into(),
        }
    }
}

/// How far something has come ([MS-PSRP] 2.2.2.25).
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgressRecord {
    /// What is being done.
    pub activity: String,
    /// Id of the activity.
    pub activity_id: i32,
    /// How it stands.
    pub status: String,
    /// What is being done just now.
    pub current_operation: Option<String>,
    /// Id of the activity this one belongs to, -1 for none.
    pub parent_activity_id: i32,
    /// Per cent done, -1 for unknown.
    pub percent_complete: i32,
    /// True with the last record of an activity.
    pub is_completed: bool,
    /// Seconds remaining, -1 for unknown.
    pub seconds_remaining: i32,
}

impl ProgressRecord {
    /// Reads a record.
    #[must_use]
    pub fn from_value(value: &Value) -> Self {
        let members = Members::of(value);
        Self {
            activity: members.text_or_empty("Activity"),
            activity_id: members.i32("ActivityId").unwrap_or_default(),
            status: members.text_or_empty("StatusDescription"),
            current_operation: members.text("CurrentOperation"),
            parent_activity_id: members.i32("ParentActivityId").unwrap_or(-1),
            percent_complete: members.i32("PercentComplete").unwrap_or(-1),
            is_completed: members.i32("Type") == Some(1),
            seconds_remaining: members.i32("SecondsRemaining").unwrap_or(-1),
        }
    }

    /// Writes the record.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let (text, number) = if self.is_completed { ("Completed", 1) } else { ("Processing", 0) };
        let kind = enumeration("System.Management.Automation.ProgressRecordType", text, number);
        Object::new()
            .with_extended("Activity", self.activity.as_str())
            .with_extended("ActivityId", self.activity_id)
            .with_extended("StatusDescription", self.status.as_str())
            .with_extended("CurrentOperation", optional_text(self.current_operation.as_deref()))
            .with_extended("ParentActivityId", self.parent_activity_id)
            .with_extended("PercentComplete", self.percent_complete)
            .with_extended("Type", kind)
            .with_extended("SecondsRemaining", self.seconds_remaining)
            .into()
    }
}

/// What `Write-Information` and `Write-Host` say, since protocol 2.3 ([MS-PSRP] 2.2.2.26).
///
/// [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InformationRecord {
    /// What it says; mostly text.
    pub data: Value,
    /// The command or script that says it.
    pub source: String,
    /// When, as Windows wrote it.
    pub time: Option<String>,
    /// Words to sort by.
    pub tags: Vec<String>,
    /// Account it ran as.
    pub user: String,
    /// Computer it ran on.
    pub computer: String,
    /// Process it ran in.
    pub process_id: u32,
}

impl InformationRecord {
    /// Reads a record.
    #[must_use]
    pub fn from_value(value: &Value) -> Self {
        let members = Members::of(value);
        let texts = |value: &Value| value.text().map(|text| text.into_owned());
        Self {
            data: members.value_or_nil("MessageData"),
            source: members.text_or_empty("Source"),
            time: members.text("TimeGenerated"),
            tags: members.items("Tags").iter().filter_map(texts).collect(),
            user: members.text_or_empty("User"),
            computer: members.text_or_empty("Computer"),
            process_id: members
                .i64("ProcessId")
                .and_then(|id| u32::try_from(id).ok())
                .unwrap_or_default(),
        }
    }

    /// Writes the record.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let time = self.time.clone().map_or(Value::Nil, Value::DateTime);
        Object::new()
            .with_extended("MessageData", self.data.clone())
            .with_extended("Source", self.source.as_str())
            .with_extended("TimeGenerated", time)
            .with_extended("Tags", string_list(&self.tags))
            .with_extended("User", self.user.as_str())
            .with_extended("Computer", self.computer.as_str())
            .with_extended("ProcessId", self.process_id)
            .with_extended("NativeThreadId", 0u32)
            .with_extended("ManagedThreadId", 0u32)
            .into()
    }
}

/// The text a record was made from, for a value that is only text.
impl From<&str> for InformationRecord {
    fn from(text: &str) -> Self {
        Self {
            data: text.into(),
            source: String::new(),
            time: None,
            tags: Vec::new(),
            user: String::new(),
            computer: String::new(),
            process_id: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_survives_the_wire() {
        let mut record =
            ErrorRecord::new("The object 'x' couldn't be found.", "Id,Get-Mailbox", 13);
        record.category_activity = "Get-Mailbox".to_owned();
        record.category_reason = "ManagementObjectNotFoundException".to_owned();
        record.exception_type =
            Some("Microsoft.Exchange.Configuration.ManagementObjectNotFoundException".to_owned());
        record.error_details_message = Some("Look elsewhere.".to_owned());
        let mut read = ErrorRecord::from_value(&record.to_value());
        assert_eq!(
            read.category_message(),
            "ObjectNotFound: (:) [Get-Mailbox], ManagementObjectNotFoundException"
        );
        read.value = Value::Nil;
        assert_eq!(read, record);
    }

    #[test]
    fn what_is_no_record_becomes_the_message() {
        assert_eq!(ErrorRecord::from_value(&"broken".into()).message, "broken");
        assert_eq!(InformationalRecord::from_value(&"careful".into()).message, "careful");
        assert_eq!(ErrorRecord::from_value(&Value::Nil).message, "");
        let list = Object::around(crate::clixml::Content::List(vec![Value::Nil])).into();
        assert_eq!(ErrorRecord::from_value(&list).message, "");
    }
}
