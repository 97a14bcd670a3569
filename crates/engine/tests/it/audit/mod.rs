//! What is on record, and that it stays.

mod checking;
mod closing;
mod exports;
mod records;
mod streaming;
mod tampering;

use domain::{Permission, Scope, audit::Event};
use serde_json::Value as Json;
use testkit::TestApp;

/// The scope of reading the audit.
fn audit_scope(app: &TestApp) -> Scope {
    app.caller().scope(Permission::ReadAudit).unwrap()
}

/// Every entry so far, with its document.
async fn entries(app: &TestApp) -> Vec<(Event, Json)> {
    let rows = app.engine().store().audit(&audit_scope(app), 0, 10_000).await.unwrap();
    let entry = |row: &store::AuditRow| (row.event, serde_json::from_str(&row.document).unwrap());
    rows.iter().map(entry).collect()
}

/// What happened, in its order.
async fn events(app: &TestApp) -> Vec<&'static str> {
    entries(app).await.iter().map(|(event, _)| event.word()).collect()
}
