//! What can go wrong with a cmdlet, in Exchange's words.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// An error as a cmdlet raises it. The wire adds server, request and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) message: String,
    /// Full name of the exception.
    pub(crate) exception: &'static str,
    /// PowerShell's number of the category.
    pub(crate) category: Category,
    pub(crate) id: ProblemId,
    /// The cmdlet.
    pub(crate) activity: String,
    /// The text it was about.
    pub(crate) target: Option<String>,
    /// The pipeline ends with it.
    pub(crate) terminating: bool,
}

/// PowerShell's error categories, with their numbers ([MS-PSRP] 2.2.3.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Category {
    NotSpecified = 0,
    InvalidArgument = 5,
    InvalidOperation = 7,
    ObjectNotFound = 13,
    OperationStopped = 14,
    OperationTimeout = 15,
    ParserError = 17,
    PermissionDenied = 18,
    ResourceUnavailable = 21,
}

/// How the fully qualified id of an error is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProblemId {
    /// Exchange's own form, from the class that raised it.
    Exchange(&'static str),
    /// PowerShell's: as it is.
    PowerShell(String),
}

impl Problem {
    /// An error of Exchange's own, about one object; the pipeline goes on.
    pub(crate) fn of_task(
        cmdlet: &str,
        class: &'static str,
        exception: &'static str,
        message: String,
    ) -> Self {
        Self {
            message,
            exception,
            category: Category::NotSpecified,
            id: ProblemId::Exchange(class),
            activity: cmdlet.to_owned(),
            target: None,
            terminating: false,
        }
    }

    /// An object that is not there.
    pub(crate) fn not_found(cmdlet: &str, class: &'static str, identity: &str, dc: &str) -> Self {
        let message = format!(
            "The operation couldn't be performed because object '{identity}' couldn't be found on '{dc}'."
        );
        Self::of_task(cmdlet, class, MANAGEMENT_OBJECT_NOT_FOUND, message)
    }

    /// A name that more than one object answers to.
    pub(crate) fn ambiguous(cmdlet: &str, class: &'static str, identity: &str) -> Self {
        let message = format!(
            "The operation couldn't be performed because '{identity}' matches multiple entries."
        );
        Self::of_task(cmdlet, class, MANAGEMENT_OBJECT_AMBIGUOUS, message)
    }

    /// A cmdlet that does not exist, or not for this person.
    pub(crate) fn unknown_cmdlet(name: &str) -> Self {
        Self {
            message: format!(
                "The term '{name}' is not recognized as the name of a cmdlet, function, script \
                 file, or operable program. Check the spelling of the name, or if a path was \
                 included, verify that the path is correct and try again."
            ),
            exception: "System.Management.Automation.CommandNotFoundException",
            category: Category::ObjectNotFound,
            id: ProblemId::PowerShell("CommandNotFoundException".to_owned()),
            activity: String::new(),
            target: Some(name.to_owned()),
            terminating: true,
        }
    }

    /// A cmdlet that the person may not run any more.
    pub(crate) fn denied(cmdlet: &str) -> Self {
        Self {
            category: Category::PermissionDenied,
            terminating: true,
            ..Self::of_task(
                cmdlet,
                "Microsoft.Exchange.Configuration.Tasks.Task",
                "Microsoft.Exchange.Configuration.Authorization.CmdletAccessDeniedException",
                format!("Access is denied: your roles don't let you run the cmdlet '{cmdlet}'."),
            )
        }
    }

    /// Script text, which a restricted runspace does not run.
    pub(crate) fn script() -> Self {
        Self {
            message: "The syntax is not supported by this runspace. This can occur if the \
                      runspace is in no-language mode."
                .to_owned(),
            exception: "System.Management.Automation.RemoteException",
            category: Category::ParserError,
            id: ProblemId::PowerShell("ScriptsNotAllowed".to_owned()),
            activity: String::new(),
            target: None,
            terminating: true,
        }
    }

    /// A fault in how a cmdlet was called.
    pub(crate) fn binding(cmdlet: &str, id: &str, message: String) -> Self {
        Self {
            message,
            exception: "System.Management.Automation.ParameterBindingException",
            category: Category::InvalidArgument,
            id: ProblemId::PowerShell(format!("{id},{cmdlet}")),
            activity: cmdlet.to_owned(),
            target: None,
            terminating: true,
        }
    }

    /// A value that a parameter does not take.
    pub(crate) fn transformation(cmdlet: &str, parameter: &str, value: &str, wanted: &str) -> Self {
        Self::binding(
            cmdlet,
            "ParameterArgumentTransformationError",
            format!(
                "Cannot process argument transformation on parameter '{parameter}'. Cannot convert \
                 value \"{value}\" to type \"{wanted}\"."
            ),
        )
    }

    /// The fully qualified id. `envelope` is server, request and time.
    pub(crate) fn fully_qualified_id(&self, envelope: Option<&str>) -> String {
        match (&self.id, envelope) {
            (ProblemId::PowerShell(id), _) => id.clone(),
            (ProblemId::Exchange(class), None) => format!("{:08X},{class}", self.hash()),
            (ProblemId::Exchange(class), Some(envelope)) => format!(
                "[{envelope}] [FailureCategory=Cmdlet-{}] {:08X},{class}",
                self.short_exception(),
                self.hash()
            ),
        }
    }

    /// `ManagementObjectNotFoundException`
    pub(crate) fn short_exception(&self) -> &'static str {
        self.exception.rsplit('.').next().unwrap_or(self.exception)
    }

    pub(crate) fn hash(&self) -> u32 {
        let mut hasher = DefaultHasher::new();
        (self.exception, &self.message).hash(&mut hasher);
        u32::try_from(hasher.finish() >> 32).unwrap_or_default()
    }
}

pub(crate) const MANAGEMENT_OBJECT_NOT_FOUND: &str =
    "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException";
const MANAGEMENT_OBJECT_AMBIGUOUS: &str =
    "Microsoft.Exchange.Configuration.Tasks.ManagementObjectAmbiguousException";
pub(crate) const STORAGE_TRANSIENT: &str =
    "Microsoft.Exchange.Data.Storage.StorageTransientException";
pub(crate) const INVALID_OPERATION: &str = "System.InvalidOperationException";
pub(crate) const OBJECT_EXISTS: &str =
    "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException";
