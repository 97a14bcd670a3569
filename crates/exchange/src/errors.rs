//! What cmdlets report when they fail, decided by category and id.
//!
//! Message texts are localised to the server, so no decision rests on them: Exchange 2013 and newer
//! say `[FailureCategory=Cmdlet-<exception>]` in the error id, PowerShell itself has fixed ids, and
//! where neither is there, the exception's type name decides.

use std::time::Duration;

/// One error record of a cmdlet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CmdletError {
    /// What it means.
    pub kind: CmdletErrorKind,
    /// The fully qualified error id, to the letter.
    pub id: String,
    /// PowerShell's error category by number ([MS-PSRP] 2.2.3.9).
    pub category: i32,
    /// In the server's words; shown, never decided upon.
    pub message: String,
    /// The server that said it.
    pub server: Option<String>,
    /// The number support asks for.
    pub request_id: Option<String>,
    /// The cmdlet that said it: `Get-MobileDevice`.
    pub cmdlet: Option<String>,
    /// The object or name it is about, if the record says so.
    pub target: Option<String>,
}

/// What an error means to the one who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CmdletErrorKind {
    /// There is no such object, here or not yet here.
    NotFound,
    /// The name fits several objects.
    Ambiguous,
    /// The cmdlet does not exist for this account: hidden by its roles, or another version.
    CmdletMissing,
    /// The parameter does not exist for this account: hidden by its roles, or another version.
    ParameterMissing,
    /// A parameter is needed that was not given, or parameters do not go together.
    ArgumentMissing,
    /// A value is not what the parameter takes.
    ArgumentInvalid,
    /// Pipeline input is not what the cmdlet takes.
    InputRefused,
    /// Script text was sent, which Exchange never runs.
    ScriptRefused,
    /// The object is outside of what the account may write.
    OutOfScope,
    /// The account may not do this at all.
    AccessDenied,
    /// The server asks to slow down.
    Throttled,
    /// Active Directory does not answer; passes.
    DirectoryUnavailable,
    /// The mailbox's database or server is away; passes.
    MailboxUnavailable,
    /// The mailbox cannot be opened from here: disabled, or on another side.
    MailboxInaccessible,
    /// It was stopped.
    Stopped,
    /// It asked back, and nobody is there to answer.
    Prompted,
    /// Anything else.
    Other,
}

impl CmdletErrorKind {
    /// Whether the same cmdlet may work a while later.
    #[must_use]
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Throttled | Self::DirectoryUnavailable | Self::MailboxUnavailable)
    }

    /// Whether the account lacks something, by its roles or by the server's version.
    #[must_use]
    pub fn is_missing_permission(self) -> bool {
        matches!(
            self,
            Self::CmdletMissing | Self::ParameterMissing | Self::OutOfScope | Self::AccessDenied
        )
    }

    /// The kind of an error, decided by its id, its exception's type and its category.
    #[must_use]
    pub fn of(id: &str, exception_type: Option<&str>, category: i32) -> Self {
        let parts = ErrorId::parse(id);
        parts
            .failure_category
            .and_then(of_exception)
            .or_else(|| of_error_id(parts.rest))
            .or_else(|| exception_type.and_then(of_exception))
            .or_else(|| of_category(category))
            .unwrap_or(Self::Other)
    }
}

/// Exceptions by the end of their type's name, `Exception` left out. The first that fits decides.
const EXCEPTIONS: [(&str, CmdletErrorKind); 36] = {
    use CmdletErrorKind as Kind;
    [
        ("ManagementObjectNotFound", Kind::NotFound),
        ("MailboxNotFound", Kind::NotFound),
        ("ObjectNotFound", Kind::NotFound),
        ("UserNotFound", Kind::NotFound),
        ("ADNoSuchObject", Kind::NotFound),
        ("ManagementObjectAmbiguous", Kind::Ambiguous),
        ("CommandNotFound", Kind::CmdletMissing),
        ("ParameterBindingValidation", Kind::ArgumentInvalid),
        ("ParameterBindingArgumentTransformation", Kind::ArgumentInvalid),
        ("ParsingFilter", Kind::ArgumentInvalid),
        ("DataValidation", Kind::ArgumentInvalid),
        ("ScriptsNotAllowed", Kind::ScriptRefused),
        ("OutOfScope", Kind::OutOfScope),
        ("OperationNotSupported", Kind::OutOfScope),
        ("ADScope", Kind::OutOfScope),
        ("CmdletAccessDenied", Kind::AccessDenied),
        ("UnauthorizedAccess", Kind::AccessDenied),
        ("ADOperationInsufficientRights", Kind::AccessDenied),
        ("OverBudget", Kind::Throttled),
        ("Throttling", Kind::Throttled),
        ("ThrottlingRejectedOperation", Kind::Throttled),
        ("ADTransient", Kind::DirectoryUnavailable),
        ("ADServerNotFound", Kind::DirectoryUnavailable),
        ("ADServerSettingsChanged", Kind::DirectoryUnavailable),
        ("ADTopologyUnexpected", Kind::DirectoryUnavailable),
        ("NoSuitableServerFound", Kind::DirectoryUnavailable),
        ("SuitabilityDirectory", Kind::DirectoryUnavailable),
        ("MapiExceptionMdbOffline", Kind::MailboxUnavailable),
        ("MailboxOffline", Kind::MailboxUnavailable),
        ("ConnectionFailedTransient", Kind::MailboxUnavailable),
        ("StorageTransient", Kind::MailboxUnavailable),
        ("WrongServer", Kind::MailboxUnavailable),
        ("ConnectionFailedPermanent", Kind::MailboxInaccessible),
        ("StoragePermanent", Kind::MailboxInaccessible),
        ("PipelineStopped", Kind::Stopped),
        ("HostException", Kind::Prompted),
    ]
};

fn of_exception(name: &str) -> Option<CmdletErrorKind> {
    let name = name.rsplit(['.', '-', '+']).next()?;
    let name = name.strip_suffix("Exception").unwrap_or(name);
    EXCEPTIONS.iter().find(|(end, _)| name.ends_with(end)).map(|(_, kind)| *kind)
}

/// PowerShell's own error ids, which no language changes.
fn of_error_id(rest: &str) -> Option<CmdletErrorKind> {
    use CmdletErrorKind as Kind;
    Some(match rest.split(',').next()? {
        "CommandNotFoundException" | "CommandNotFound" => Kind::CmdletMissing,
        "NamedParameterNotFound" => Kind::ParameterMissing,
        "MissingMandatoryParameter" | "AmbiguousParameterSet" | "MissingArgument" => {
            Kind::ArgumentMissing
        }
        "CannotConvertArgument"
        | "CannotConvertArgumentNoMessage"
        | "ParameterArgumentTransformationError"
        | "ParameterArgumentValidationError"
        | "ParameterArgumentValidationErrorNullNotAllowed"
        | "ParameterArgumentValidationErrorEmptyStringNotAllowed"
        | "ParameterBindingFailed"
        | "PositionalParameterNotFound" => Kind::ArgumentInvalid,
        "InputObjectNotBound" | "InputObjectMissingMandatory" => Kind::InputRefused,
        "ScriptsNotAllowed" | "NoLanguage" | "ScriptBlockNotAllowed" => Kind::ScriptRefused,
        "PipelineStopped" => Kind::Stopped,
        "HostFunctionNotImplemented" | "NotImplemented" => Kind::Prompted,
        _ => return None,
    })
}

/// Categories of [MS-PSRP] 2.2.3.9 that mean one thing only.
fn of_category(category: i32) -> Option<CmdletErrorKind> {
    Some(match category {
        13 => CmdletErrorKind::NotFound,
        14 => CmdletErrorKind::Stopped,
        18 => CmdletErrorKind::AccessDenied,
        27 => CmdletErrorKind::Throttled,
        _ => return None,
    })
}

/// A fully qualified error id, taken apart:
/// `[Server=…,RequestId=…,TimeStamp=…] [FailureCategory=…] <hash>,<class>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ErrorId<'a> {
    /// Server that reported it.
    pub server: Option<&'a str>,
    /// The request's number.
    pub request_id: Option<&'a str>,
    /// `Cmdlet-ManagementObjectNotFoundException`.
    pub failure_category: Option<&'a str>,
    /// What follows the brackets: `1082ECE3,Microsoft.Exchange.…`.
    pub rest: &'a str,
}

impl<'a> ErrorId<'a> {
    /// Takes an id apart. Exchange 2010 has no brackets; connection errors have other names in
    /// them. The time stamp follows the server's culture and is not read.
    #[must_use]
    pub fn parse(id: &'a str) -> Self {
        let mut parsed = Self { rest: id.trim_start(), ..Self::default() };
        while let Some((inside, rest)) =
            parsed.rest.strip_prefix('[').and_then(|rest| rest.split_once(']'))
        {
            for entry in inside.split(',') {
                match entry.split_once('=') {
                    Some(("Server" | "ClientAccessServer", value)) => parsed.server = Some(value),
                    Some(("RequestId", value)) => parsed.request_id = Some(value),
                    Some(("FailureCategory", value)) => parsed.failure_category = Some(value),
                    _ => {}
                }
            }
            parsed.rest = rest.trim_start();
        }
        parsed
    }
}

/// What the opening of a session was refused for, decided by its failure category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OpeningRefusal {
    /// The account opened too much; wait.
    Budget { wait: Option<Duration> },
    /// The account holds no management role.
    NoRoles,
    /// Anything else.
    Other,
}

impl OpeningRefusal {
    /// The refusal a text speaks of, such as
    /// `[AuthZRequestId=…][FailureCategory=AuthZ-AuthorizationException] Fail to create runspace …`.
    pub(crate) fn of(text: &str) -> Self {
        let Some(start) = text.find("[FailureCategory=AuthZ-") else { return Self::Other };
        let id = ErrorId::parse(text.get(start..).unwrap_or_default());
        match id.failure_category.unwrap_or_default() {
            "AuthZ-CmdletAccessDeniedException" => Self::NoRoles,
            // One category for every budget of connecting; how long is in the text alone.
            "AuthZ-AuthorizationException" | "AuthZ-OverBudgetException" => {
                Self::Budget { wait: wait_of(id.rest) }
            }
            _ => Self::Other,
        }
    }
}

/// Longest wait a server is believed, so that nonsense does not put a connector to sleep for good.
const MAX_WAIT: Duration = Duration::from_secs(60 * 60);

/// How long a text says to wait: `wait for 23 seconds`, `for at least 1500 milliseconds`. Numbers
/// before other words, such as quotas, are not it. Only English has these words; other languages
/// give `None`, and the caller waits as long as it does without being told.
#[must_use]
pub fn wait_of(text: &str) -> Option<Duration> {
    let mut words = text.split_whitespace().rev().peekable();
    while let Some(word) = words.next() {
        let unit = word.trim_end_matches(|c: char| c.is_ascii_punctuation());
        let Some(number) = words.peek().and_then(|number| number.parse::<u64>().ok()) else {
            continue;
        };
        let wait = match unit.to_ascii_lowercase().as_str() {
            "milliseconds" | "millisecond" | "msecs" | "ms" => Duration::from_millis(number),
            "seconds" | "second" | "sec" | "s" => Duration::from_secs(number),
            "minutes" | "minute" => Duration::from_secs(number.saturating_mul(60)),
            _ => continue,
        };
        return Some(wait.min(MAX_WAIT));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_id_is_taken_apart() {
        let id = "[Server=EXCHANGE1,RequestId=5c1a,TimeStamp=5/19/2020 10:19:41 PM] \
                  [FailureCategory=Cmdlet-ManagementObjectNotFoundException] \
                  1082ECE3,Microsoft.Exchange.Management.RecipientTasks.SetRemoteMailbox";
        let parsed = ErrorId::parse(id);
        assert_eq!(parsed.server, Some("EXCHANGE1"));
        assert_eq!(parsed.request_id, Some("5c1a"));
        assert_eq!(parsed.failure_category, Some("Cmdlet-ManagementObjectNotFoundException"));
        assert!(parsed.rest.starts_with("1082ECE3,"));
        assert_eq!(ErrorId::parse("[broken").rest, "[broken");
    }

    #[test]
    fn kinds_are_decided_without_the_message() {
        use CmdletErrorKind as Kind;
        let table = [
            (
                "[FailureCategory=Cmdlet-ManagementObjectNotFoundException] A,B",
                None,
                0,
                Kind::NotFound,
            ),
            (
                "[FailureCategory=Cmdlet-ManagementObjectAmbiguousException] A,B",
                None,
                0,
                Kind::Ambiguous,
            ),
            (
                "[FailureCategory=Cmdlet-MapiExceptionMdbOffline] A,B",
                None,
                0,
                Kind::MailboxUnavailable,
            ),
            (
                "[FailureCategory=Cmdlet-ConnectionFailedPermanentException] A,B",
                None,
                0,
                Kind::MailboxInaccessible,
            ),
            (
                "[FailureCategory=Cmdlet-ADTransientException] A,B",
                None,
                0,
                Kind::DirectoryUnavailable,
            ),
            ("CommandNotFoundException", None, 13, Kind::CmdletMissing),
            ("NamedParameterNotFound,Get-MobileDevice", None, 5, Kind::ParameterMissing),
            (
                "MissingMandatoryParameter,Get-MobileDeviceStatistics",
                None,
                5,
                Kind::ArgumentMissing,
            ),
            ("AmbiguousParameterSet,Get-MobileDeviceStatistics", None, 5, Kind::ArgumentMissing),
            ("ParameterArgumentTransformationError,X", None, 6, Kind::ArgumentInvalid),
            ("InputObjectNotBound,X", None, 5, Kind::InputRefused),
            ("ScriptsNotAllowed", None, 0, Kind::ScriptRefused),
            // Exchange 2010: no prefix, the exception's type decides.
            (
                "7A3D5E,Microsoft.Exchange.Management.Tasks.GetActiveSyncDeviceStatistics",
                Some("Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"),
                0,
                Kind::NotFound,
            ),
            ("", None, 18, Kind::AccessDenied),
            ("whatever,Comes", Some("System.InvalidOperationException"), 7, Kind::Other),
        ];
        for (id, exception, category, kind) in table {
            assert_eq!(CmdletErrorKind::of(id, exception, category), kind, "{id}");
        }
    }

    #[test]
    fn waiting_times_are_read_from_the_end() {
        let seconds = |n| Some(Duration::from_secs(n));
        for (text, wait) in [
            (
                "The user load quota of 1000 requests per 2 seconds has been exceeded. The next \
                 request from this user will not be approved for at least 1500 milliseconds.",
                Some(Duration::from_millis(1500)),
            ),
            (
                "exceeded your budget to create runspace. Please wait for 23 seconds. Policy: CN=x",
                seconds(23),
            ),
            ("wait for 99999999999 minutes", seconds(3600)),
            ("please close some of your 18 shells", None),
            ("", None),
        ] {
            assert_eq!(wait_of(text), wait, "{text}");
        }
    }

    #[test]
    fn refused_openings_are_told_apart() {
        let head = "Processing data failed: [ClientAccessServer=E,RequestId=1] [AuthZRequestId=2]";
        let check = |category: &str, text: &str| {
            OpeningRefusal::of(&format!("{head}[FailureCategory=AuthZ-{category}] {text}"))
        };
        assert_eq!(check("CmdletAccessDeniedException", "The user"), OpeningRefusal::NoRoles);
        assert_eq!(
            check("AuthorizationException", "Please wait for 7 seconds. Policy: CN=1 x"),
            OpeningRefusal::Budget { wait: Some(Duration::from_secs(7)) }
        );
        assert_eq!(check("TypeInitializationException", "Nested"), OpeningRefusal::Other);
        assert_eq!(OpeningRefusal::of("plain"), OpeningRefusal::Other);
    }
}
