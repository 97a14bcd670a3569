//! What Exchange says when it will not: faults of the shell, and records of failed cmdlets.

use jiff::{Timestamp, tz::TimeZone};
use psrp::{clixml::Value, record::ErrorRecord};
use uuid::Uuid;
use wsman::fault::{self, Fault};

use crate::{Dialect, cmdlets::Problem, organization::ExchangeServer};

/// A fault of the shell service.
pub(super) fn fault(code: u32, subcode: &str, text: &str) -> Box<Fault> {
    let sender = code != fault::OPERATION_TIMED_OUT && code != fault::PROVIDER_FAILURE;
    Box::new(Fault {
        code: Some(code),
        soap_code: if sender { "Sender" } else { "Receiver" }.to_owned(),
        soap_subcode: Some(subcode.to_owned()),
        text: text.to_owned(),
        message: Some(text.to_owned()),
        machine: Some("localhost".to_owned()),
        ..Fault::default()
    })
}

/// A Receive that waited in vain.
pub(super) fn timed_out() -> Box<Fault> {
    fault(
        fault::OPERATION_TIMED_OUT,
        "TimedOut",
        "The WS-Management service cannot complete the operation within the time specified in \
         OperationTimeout. ",
    )
}

/// A Receive whose command or shell ended under it.
pub(super) fn aborted() -> Box<Fault> {
    fault(
        fault::OPERATION_ABORTED,
        "InternalError",
        "The I/O operation has been aborted because of either a thread exit or an application \
         request. ",
    )
}

/// A shell that is not there, or not any more.
pub(super) fn shell_not_found(id: &str) -> Box<Fault> {
    fault(
        fault::SHELL_NOT_FOUND,
        "InvalidSelectors",
        &format!(
            "The request for the Windows Remote Shell with ShellId {id} failed because the shell was \
             not found on the server. Possible causes are: the specified ShellId is incorrect or the \
             shell no longer exists on the server. Provide the correct ShellId or create a new shell \
             and retry the operation. "
        ),
    )
}

/// A command that is not there, or not any more.
pub(super) fn command_not_found() -> Box<Fault> {
    fault(
        fault::SHELL_NOT_FOUND,
        "InvalidSelectors",
        "The Windows Remote Shell received a request to perform an operation on a command identifier \
         that does not exist. Either the command has completed execution or the client specified an \
         invalid command identifier. ",
    )
}

pub(super) fn too_many_shells(quota: usize) -> Box<Fault> {
    fault(
        fault::TOO_MANY_SHELLS_OF_USER,
        "QuotaLimit",
        &format!(
            "The WS-Management service cannot process the request. This user is allowed a maximum \
             of {quota} concurrent shells, which has been exceeded. Close existing shells or \
             raise the quota for this user. "
        ),
    )
}

pub(super) fn too_many_commands(quota: usize) -> Box<Fault> {
    fault(
        fault::TOO_MANY_COMMANDS,
        "QuotaLimit",
        &format!(
            "The WS-Management service cannot process the request. The maximum number of concurrent \
             commands per shell has been exceeded: {quota}. Retry after sometime or raise the quota \
             for concurrent commands per shell. "
        ),
    )
}

pub(super) fn unknown_resource(uri: &str) -> Box<Fault> {
    fault(
        fault::RESOURCE_NOT_FOUND,
        "DestinationUnreachable",
        &format!(
            "The WS-Management service cannot process the request. The resource URI ({uri}) was not \
             found in the WS-Management catalog. "
        ),
    )
}

pub(super) fn unknown_action(action: &str) -> Box<Fault> {
    fault(
        fault::INVALID_ACTION,
        "ActionNotSupported",
        &format!("The WS-Management service does not support the action {action}. "),
    )
}

pub(super) fn malformed(reason: &str) -> Box<Fault> {
    fault(
        fault::SCHEMA_VALIDATION,
        "SchemaValidationError",
        &format!("The SOAP XML in the message does not match the schema: {reason}. "),
    )
}

/// Where and when a request was refused or failed: what support asks for.
pub(super) struct Place<'a> {
    pub(super) server: &'a ExchangeServer,
    /// Which Exchange that server speaks as.
    pub(super) dialect: Dialect,
    pub(super) request: Uuid,
    pub(super) now: Timestamp,
}

impl Place<'_> {
    fn time(&self) -> String {
        self.now.to_zoned(TimeZone::UTC).strftime("%-m/%-d/%Y %-I:%M:%S %p").to_string()
    }

    /// A refusal of Exchange's own authorization, behind the shell service.
    pub(super) fn authorization_failed(&self, exception: &str, text: &str) -> Box<Fault> {
        let Self { server, request, .. } = self;
        let message = format!(
            "[ClientAccessServer={},BackEndServer={},RequestId={request},TimeStamp={}] \
             [AuthZRequestId={request}][FailureCategory=AuthZ-{exception}] {text}",
            server.name,
            server.fqdn,
            self.time(),
        );
        Box::new(Fault {
            soap_code: "Receiver".to_owned(),
            provider: Some("Microsoft.Exchange".to_owned()),
            provider_text: Some(message.clone()),
            ..*fault(fault::PROVIDER_FAILURE, "InternalError", &message)
        })
    }

    /// The record of a failed cmdlet.
    pub(super) fn record(&self, problem: &Problem) -> ErrorRecord {
        let envelope = format!(
            "Server={},RequestId={},TimeStamp={}",
            self.server.name,
            self.request,
            self.time()
        );
        let modern = self.dialect.is_modern();
        let id = problem.fully_qualified_id(modern.then_some(envelope.as_str()));
        let target_type = if problem.target.is_some() { "String" } else { "" };
        ErrorRecord {
            category_activity: problem.activity.clone(),
            category_reason: problem.short_exception().to_owned(),
            category_target_name: problem.target.clone().unwrap_or_default(),
            category_target_type: target_type.to_owned(),
            exception_type: Some(problem.exception.to_owned()),
            target: problem.target.clone().map_or(Value::Nil, Value::from),
            ..ErrorRecord::new(&problem.message, &id, problem.category as i32)
        }
    }
}
