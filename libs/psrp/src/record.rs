//! Records: what a pipeline says beside its output ([MS-PSRP] 2.2.3.15 and 2.2.3.16).
//!
//! [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp

use crate::clixml::{Object, Value};
use crate::shape::{Members, enumeration, optional_text, string_list};

mod error;

pub use error::{ErrorRecord, Invocation, category_name};

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
