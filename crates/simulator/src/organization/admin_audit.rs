//! The administrator audit log: who changed what, by which cmdlet.

use std::collections::VecDeque;

use jiff::Timestamp;
use uuid::Uuid;

use super::Organization;

/// One cmdlet that was run to change something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AdminAuditEvent {
    /// `contoso.com/Users/gatepost`
    pub(crate) caller: String,
    pub(crate) cmdlet: &'static str,
    /// Names as the cmdlet has them, values as text.
    pub(crate) parameters: Vec<(&'static str, String)>,
    /// What was changed, as its identity is printed.
    pub(crate) object_modified: String,
    /// Why it failed, if it did.
    pub(crate) error: Option<String>,
    pub(crate) run_date: Timestamp,
    /// Index of the server that it ran on.
    pub(crate) server: usize,
}

/// The events that are still kept, the oldest first.
#[derive(Debug, Default)]
pub(super) struct AdminAuditLog {
    events: VecDeque<AdminAuditEvent>,
    forgotten: u64,
}

impl AdminAuditLog {
    /// Events kept: more than any test writes, little enough for a server that runs for months.
    /// Exchange itself keeps those of 90 days.
    const MAX_EVENTS: usize = 10_000;
}

impl Organization {
    pub(crate) fn log(&mut self, event: AdminAuditEvent) {
        let log = &mut self.admin_audit;
        if log.events.len() == AdminAuditLog::MAX_EVENTS {
            log.events.pop_front();
            log.forgotten += 1;
        }
        log.events.push_back(event);
    }

    /// What is still kept of the administrator audit log, the newest first, each event with an id
    /// of its own.
    pub(crate) fn admin_audit(&self) -> impl Iterator<Item = (Uuid, &AdminAuditEvent)> {
        let log = &self.admin_audit;
        let numbered = (log.forgotten..).zip(&log.events).collect::<Vec<_>>();
        let id = |number: u64| Uuid::new_v5(&self.guid, format!("event {number}").as_bytes());
        numbered.into_iter().rev().map(move |(number, event)| (id(number), event))
    }
}
