//! News as the store keeps them.

use domain::{Timestamp, notification::Happened};
use serde_json::json;
use store::News;

/// The row of something that happened.
pub(super) fn of(happened: Happened, at: Timestamp) -> News {
    let (topic, connector) = (happened.topic(), happened.connector());
    let document = match happened {
        Happened::ConnectorTrouble { why, .. } | Happened::Drifted { why, .. } => {
            json!({"why": why})
        }
        Happened::CredentialExpiring { what, expires } => {
            json!({"what": what, "expires": expires.to_string()})
        }
    };
    News { at, topic, connector, device: None, document: document.to_string() }
}
