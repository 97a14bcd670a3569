//! News as the store keeps them.

use domain::{Timestamp, notification::Happened};
use serde_json::json;
use store::News;

/// The row of something that happened.
pub(super) fn of(happened: Happened, at: Timestamp) -> News {
    let (topic, connector, device) = (happened.topic(), happened.connector(), happened.device());
    let document = match happened {
        Happened::NewDevice { .. } | Happened::Quarantined { .. } => json!({}),
        Happened::ActionFailed { name, action, request, why, .. } => {
            json!({"name": name, "action": action, "request": request.to_string(), "why": why})
        }
        Happened::ApprovalWanted { request, action, devices, requester, reason } => json!({
            "request": request.to_string(),
            "action": action,
            "devices": devices,
            "requester": requester,
            "reason": reason,
        }),
        Happened::ConnectorTrouble { why, .. } => json!({"why": why}),
        Happened::CredentialExpiring { what, expires } => {
            json!({"what": what, "expires": expires.to_string()})
        }
    };
    News { at, topic, connector, device, document: document.to_string() }
}
