//! What the service says when it will not: documents with the error thrice in them, or nothing that
//! can be read.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::reply::Reply;
use crate::cmdlets::{Category, MANAGEMENT_OBJECT_NOT_FOUND, Problem, ProblemId};

/// Zeros that stand for a body that was lost on the way.
const LOST_BODY_BYTES: usize = 512;

/// An error of a cmdlet. What is unknown or not permitted has no words.
pub(super) fn of_problem(problem: &Problem) -> Reply {
    let is_unknown = problem.category == Category::PermissionDenied
        || matches!(&problem.id, ProblemId::PowerShell(id) if id == "CommandNotFoundException");
    if is_unknown {
        return forbidden();
    }
    let (status, code) = match problem.exception {
        MANAGEMENT_OBJECT_NOT_FOUND => (StatusCode::NOT_FOUND, "NotFound"),
        _ => (StatusCode::BAD_REQUEST, "BadRequest"),
    };
    let hash = problem.hash() & 0x00ff_ffff;
    error(status, code, &format!("Ex{hash:06X}|{}|{}", problem.exception, problem.message))
}

/// A cmdlet that does not exist, or not for this application: 403 with a body that says it is
/// compressed and is not.
pub(super) fn forbidden() -> Reply {
    Reply { body: vec![0; LOST_BODY_BYTES], ..Reply::empty(StatusCode::FORBIDDEN) }
        .with("content-encoding", "gzip")
        .with("content-type", "application/json")
}

/// Something is wrong with the call itself.
pub(super) fn bad_request(why: &str) -> Reply {
    let detail = format!("|Microsoft.Exchange.Admin.OData.Core.ODataServiceException|{why}");
    error(StatusCode::BAD_REQUEST, "BadRequest", &detail)
}

/// An error with its detail.
pub(super) fn error(status: StatusCode, code: &str, detail: &str) -> Reply {
    Reply::page(status, document(code, detail).to_string())
}

fn document(code: &str, detail: &str) -> Value {
    json!({
        "error": {
            "code": code,
            "message": "Error executing cmdlet",
            "details": [{"code": "Client", "target": "", "message": detail}],
            "innererror": {
                "message": "Error executing cmdlet",
                "type": "Microsoft.Exchange.Admin.OData.Core.ODataServiceException",
                "stacktrace": "",
                "internalexception": {
                    "message": detail,
                    "type": "Microsoft.Exchange.Management.PSDirectInvoke.DirectInvokeCmdletExecutionException",
                    "stacktrace": "",
                },
            },
        },
        "adminapi.warnings@odata.type": "#Collection(String)",
        "@adminapi.warnings": [],
    })
}
