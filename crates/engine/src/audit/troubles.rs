//! What is wrong with the audit, for those who see to it.

use domain::{Caller, Permission, Timestamp};

use crate::{Engine, Error};

/// Something of the audit that somebody has to see to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditTrouble {
    /// What it is, in one clause.
    pub what: String,
    /// Since when.
    pub since: Timestamp,
}

impl Engine {
    /// What is wrong with the audit: nothing for who may not read it.
    pub async fn audit_troubles(&self, caller: &Caller) -> Result<Vec<AuditTrouble>, Error> {
        if !caller.may(Permission::ReadAudit) {
            return Ok(Vec::new());
        }
        let mut troubles = Vec::new();
        let check = self.audit_check(caller).await?;
        if let Some(broken) = check.and_then(|check| check.broken) {
            troubles.push(AuditTrouble {
                what: format!(
                    "entry {} is not as it was written: {}; keep a copy of the database, and find \
                     out who wrote to it",
                    broken.sequence, broken.what
                ),
                since: broken.at,
            });
        }
        if let Some(stream) = self.audit_stream(caller).await?
            && let (Some(trouble), Some(since)) = (stream.trouble, stream.troubled_since)
        {
            let entries = if stream.behind == 1 { "entry waits" } else { "entries wait" };
            troubles.push(AuditTrouble {
                what: format!("it cannot be streamed, {} {entries}: {trouble}", stream.behind),
                since,
            });
        }
        Ok(troubles)
    }
}
