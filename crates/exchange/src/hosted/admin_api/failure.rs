//! What the service's errors mean.
//!
//! The text that tells most comes first: the detail, taken apart at its bars or read as JSON; then
//! the exception inside; then the outermost message. Exceptions that only carry another one are
//! opened. No decision rests on words that people read.
//!
//! INVARIANT: that something is not there is said by the cmdlet's own exception and by nothing else. A
//! 404 of a gateway, or of an address that is gone, says nothing about any object.

use hyper::StatusCode;
use serde_json::Value;

use super::super::Answer;
use crate::{CmdletError, CmdletErrorKind, connection::title, errors::ErrorId};

/// Longest text of an error that is kept.
const MAX_TEXT: usize = 2_000;
/// How deep errors are looked for in errors.
const MAX_DEPTH: usize = 8;
/// Longest document in which an error is looked for: the longest that were seen have a stack trace of
/// some kilobytes.
const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;
/// Most codes and types of exceptions of one error.
const MAX_NAMES: usize = 32;

/// What passes by itself, even where the status is 400.
const PASSING: [&str; 6] = [
    "CmdletProxyNotAvailableFailure",
    "CmdletProxyNotAvailableException",
    "ServerBusyException",
    "TransientException",
    "BackendCommunicationException",
    "MailboxInfoStale",
];
/// The anchor named a mailbox that is not where the service looked.
const WRONG_ANCHOR: &str = "ErrorIncorrectRoutingHint";

/// An answer that is no success.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) error: CmdletError,
    /// Whether the same may work a while later, by what the error says of itself.
    pub(super) is_passing: bool,
    /// Whether it was sent to the wrong place.
    pub(super) is_misrouted: bool,
    /// Whether it has the form that Exchange gives its errors. Others answer with errors too.
    pub(super) is_of_exchange: bool,
}

/// What is found in an error, level by level.
#[derive(Debug, Default)]
struct Found {
    /// Codes and types of exceptions, the innermost first.
    names: Vec<String>,
    message: Option<String>,
    /// The id of an error record that was passed on: `[Server=…] [FailureCategory=…] …`.
    record: Option<String>,
}

impl Failure {
    /// The failure that an answer is.
    pub(super) fn of(answer: &Answer, cmdlet: &str) -> Self {
        let plain = answer.plain().ok();
        let body = plain.as_deref().filter(|body| body.len() <= MAX_DOCUMENT_BYTES);
        let body = body.and_then(|body| serde_json::from_slice::<Value>(body).ok());
        let error = body.as_ref().and_then(|body| body.get("error"));
        let mut failure = Self::read(answer.status.as_u16(), error, cmdlet);
        let is_rubbish = plain.as_deref().is_none_or(|body| body.iter().all(|byte| *byte == 0));
        if answer.status == StatusCode::FORBIDDEN && is_rubbish {
            // A cmdlet that is not known, or not to this application, is answered with rubbish.
            failure.error.kind = CmdletErrorKind::CmdletMissing;
            failure.error.message =
                format!("{cmdlet} is not known to the service, or not to this application");
        } else if let Some(title) = plain.as_deref().and_then(title) {
            failure.error.message = format!(
                "a web page titled {title:?} came in place of an answer; look for a proxy or sign-in portal in the way"
            );
        }
        let header = |name| answer.header(name).map(str::to_owned);
        let own = &mut failure.error;
        own.request_id = own.request_id.take().or_else(|| header("request-id"));
        own.server = own.server.take().or_else(|| header("x-calculatedbetarget"));
        failure
    }

    /// The failure that a status and the `error` of a body are.
    pub(super) fn read(status: u16, error: Option<&Value>, cmdlet: &str) -> Self {
        let (is_of_exchange, mut found) = (error, Found::default());
        if let Some(error) = error {
            found.look_into(error, 0);
        }
        let names = || found.names.iter().map(|name| short(name));
        let is_passing = names().any(|name| PASSING.contains(&name));
        let is_misrouted = names().any(|name| name == WRONG_ANCHOR);
        let record = found.record.as_deref().unwrap_or_default();
        let parts = ErrorId::parse(record);
        let kind = match (status, is_passing) {
            (429, _) => CmdletErrorKind::Throttled,
            (_, true) => CmdletErrorKind::MailboxUnavailable,
            _ => found.kind(record).unwrap_or_else(|| of_status(status)),
        };
        let some = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let unexplained = || format!("the service answered HTTP {status} without an explanation");
        let message = found.message.clone().unwrap_or_else(unexplained);
        let error = CmdletError {
            kind,
            id: if record.is_empty() { found.names.join(",") } else { record.to_owned() },
            category: 0,
            message: short_of(&message),
            server: some(parts.server),
            request_id: some(parts.request_id),
            cmdlet: some(Some(cmdlet)),
            target: None,
        };
        let is_of_exchange = is_of_exchange.is_some_and(Value::is_object);
        Self { status, error, is_passing, is_misrouted, is_of_exchange }
    }
}

impl Found {
    /// Looks into `{code, message, details, innererror}`, into `{Message, TypeName, InnerError}`, and
    /// into texts that hold such a thing.
    fn look_into(&mut self, value: &Value, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let Value::Object(map) = value else {
            if let Value::String(text) = value {
                self.look_into_text(text, depth);
            }
            return;
        };
        let get = |name: &str| {
            map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        };
        if let Some(Value::Array(details)) = get("details") {
            details.iter().take(MAX_DEPTH).for_each(|detail| self.look_into(detail, depth + 1));
        }
        for inner in ["innererror", "internalexception"] {
            if let Some(inner) = get(inner) {
                self.look_into(inner, depth + 1);
            }
        }
        if let Some(Value::String(message)) = get("message") {
            self.look_into_text(message, depth + 1);
        }
        for name in ["typename", "type", "code"] {
            if let Some(Value::String(name)) = get(name) {
                self.name(name);
            }
        }
    }

    /// Looks into a text: JSON again, `Ex6F9304|<exception>|<text>`, or words around an error record.
    fn look_into_text(&mut self, text: &str, depth: usize) {
        let text = text.trim();
        if depth <= MAX_DEPTH
            && text.starts_with('{')
            && let Ok(inner @ Value::Object(_)) = serde_json::from_str(text)
        {
            return self.look_into(&inner, depth + 1);
        }
        if let Some((_, rest)) = text.split_once("[Server=") {
            let record = format!("[Server={rest}");
            let first = record.lines().next().unwrap_or_default();
            self.record.get_or_insert_with(|| short_of(first));
        }
        let mut parts = text.splitn(3, '|');
        if let (Some(hash), Some(exception), Some(words)) =
            (parts.next(), parts.next(), parts.next())
            && is_hash(hash)
        {
            let before = self.names.len();
            // The text of one that only carries another may be such a text itself.
            self.look_into_text(words, depth + 1);
            if self.names.len() == before {
                self.message.get_or_insert_with(|| words.trim().to_owned());
            }
            self.name(exception.trim());
            return;
        }
        if !text.is_empty() {
            self.message.get_or_insert_with(|| text.to_owned());
        }
    }

    fn name(&mut self, name: &str) {
        if self.names.len() < MAX_NAMES {
            self.names.push(short_of(name));
        }
    }

    /// What the names mean, the innermost first; what only carries another says nothing.
    fn kind(&self, record: &str) -> Option<CmdletErrorKind> {
        let known = |kind: CmdletErrorKind| (kind != CmdletErrorKind::Other).then_some(kind);
        known(CmdletErrorKind::of(record, None, 0)).or_else(|| {
            let mut kinds = self.names.iter().filter_map(|name| {
                known(CmdletErrorKind::of(name, Some(name), 0)).or_else(|| of_code(short(name)))
            });
            kinds.next()
        })
    }
}

/// As much of a text as is kept.
fn short_of(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

/// `Ex6F9304`: what stands before the first bar.
fn is_hash(text: &str) -> bool {
    let text = text.trim();
    text.is_empty()
        || text.strip_prefix("Ex").is_some_and(|hash| {
            !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
}

/// The last part of the name of an exception, or a code.
fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn of_code(code: &str) -> Option<CmdletErrorKind> {
    use CmdletErrorKind as Kind;
    Some(match code {
        "Forbidden" | "Unauthorized" | "AccessDenied" => Kind::AccessDenied,
        "BadRequest" | "InvalidRequest" => Kind::ArgumentInvalid,
        // A part of a batch need not have a status.
        "TooManyRequests" | "TooManyRequestsException" => Kind::Throttled,
        _ => return None,
    })
}

const fn of_status(status: u16) -> CmdletErrorKind {
    use CmdletErrorKind as Kind;
    match status {
        401 | 403 => Kind::AccessDenied,
        500..=599 => Kind::MailboxUnavailable,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(status: u16, body: &Value) -> Failure {
        let body = serde_json::to_vec(body).unwrap();
        Failure::of(&Answer::of(status, &[("request-id", "7")], &body), "Get-MobileDevice")
    }

    #[test]
    fn the_detail_says_most() {
        let text =
            "The operation couldn't be performed because object '1' couldn't be found on 'A'.";
        let detail = format!(
            "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|{text}"
        );
        let failure = read(
            404,
            &json!({"error": {
            "code": "NotFound", "message": "Error executing cmdlet",
            "details": [{"code": "Client", "target": "", "message": detail}],
            "innererror": {"message": "Error executing cmdlet",
                "type": "Microsoft.Exchange.Admin.OData.Core.ODataServiceException",
                "internalexception": {"message": "Error executing cmdlet",
                    "type": "Microsoft.Exchange.Management.PSDirectInvoke.DirectInvokeCmdletExecutionException"}}}}),
        );
        assert_eq!(failure.error.kind, CmdletErrorKind::NotFound);
        assert_eq!(failure.error.message, text);
        assert_eq!(failure.error.request_id.as_deref(), Some("7"));
        assert!(!failure.is_passing && !failure.is_misrouted);
    }

    #[test]
    fn errors_inside_of_errors_are_found() {
        use CmdletErrorKind as Kind;
        let nested = json!({"Message": "Nothing of that name.",
            "TypeName": "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException",
            "InnerError": null})
        .to_string();
        let carried = "Ex1A2B3C|Microsoft.Exchange.Configuration.Tasks.CmdletProxyException|Error on \
                       proxy command: [Server=AM0,RequestId=9,TimeStamp=x] \
                       [FailureCategory=Cmdlet-ManagementObjectAmbiguousException] 8B0F,Some.Class";
        let twice =
            "Ex1A2B3C|A.CmdletProxyException|Ex6F9304|B.ManagementObjectNotFoundException|Gone.";
        for (message, kind) in [
            (nested.as_str(), Kind::NotFound),
            (carried, Kind::Ambiguous),
            (twice, Kind::NotFound),
            (
                "ExA1|Microsoft.Exchange.Data.DataValidationException|too long",
                Kind::ArgumentInvalid,
            ),
            ("|System.Management.Automation.ParameterBindingException|x", Kind::ArgumentInvalid),
            ("Just words.", Kind::ArgumentInvalid),
        ] {
            let failure = read(
                400,
                &json!({"error": {"code": "BadRequest", "details": [{"message": message}]}}),
            );
            assert_eq!(failure.error.kind, kind, "{message}");
        }
        let failure = read(400, &json!({"error": {"details": [{"message": twice}]}}));
        assert_eq!(failure.error.message, "Gone.");
    }

    #[test]
    fn what_is_not_said_by_the_cmdlet_is_not_absent() {
        for body in [
            json!({"error": {"code": "NotFound", "message": "Resource not found for the segment."}}),
            json!({"error": {"code": "NotFound"}}),
            json!("not found"),
        ] {
            assert_eq!(read(404, &body).error.kind, CmdletErrorKind::Other, "{body}");
        }
        let page = Answer::of(404, &[], b"<html><title>Gateway</title></html>");
        let failure = Failure::of(&page, "Get-MobileDevice");
        assert_eq!(failure.error.kind, CmdletErrorKind::Other);
        assert!(failure.error.message.contains("\"Gateway\""), "{}", failure.error.message);
        let page = Answer::of(403, &[], b"<html><title>Blocked</title></html>");
        assert_eq!(Failure::of(&page, "X").error.kind, CmdletErrorKind::AccessDenied);
    }

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        for (status, body, passes) in [
            (400, json!({"error": {"code": "CmdletProxyNotAvailableFailure"}}), true),
            (500, json!({"error": {"innererror": {"type": "A.B.ServerBusyException"}}}), true),
            (
                400,
                json!({"error": {"details": [{"message": "ExAB|A.TransientException|x"}]}}),
                true,
            ),
            (400, json!({"error": {"code": "BadRequest"}}), false),
        ] {
            let failure = read(status, &body);
            assert_eq!(failure.is_passing, passes, "{body}");
            assert_eq!(failure.error.kind.is_passing(), passes, "{body}");
        }
        assert!(read(400, &json!({"error": {"code": "ErrorIncorrectRoutingHint"}})).is_misrouted);
    }

    #[test]
    fn a_refusal_of_zeros_means_that_the_cmdlet_is_not_there() {
        let zeros = Answer::of(403, &[("content-encoding", "gzip")], &[0; 200]);
        let failure = Failure::of(&zeros, "Clear-MobileDevice");
        assert_eq!(failure.error.kind, CmdletErrorKind::CmdletMissing);
        assert!(failure.error.message.contains("Clear-MobileDevice"));
        let told = read(403, &json!({"error": {"code": "Forbidden", "message": "No."}}));
        assert_eq!(told.error.kind, CmdletErrorKind::AccessDenied);
    }
}
