//! Who may do what: a caller, a permission, and the proof that one was checked for the other.

use crate::ConnectorId;

/// Somebody or something that asks, after signing in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// Holder of the local administrator token: may do everything.
    LocalAdministrator,
}

impl Caller {
    /// Name for records.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::LocalAdministrator => "local administrator",
        }
    }

    /// The proof that this caller may do what `permission` names, and where.
    pub fn scope(&self, permission: Permission) -> Result<Scope, Denied> {
        match self {
            Self::LocalAdministrator => Ok(Scope { permission, connectors: None }),
        }
    }
}

/// What a caller may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// See devices, connectors and jobs.
    Read,
    /// Add, change and remove connectors, and start their syncs.
    ModifyConnector,
}

/// Proof that a caller was checked. Only [`Caller::scope`] makes one, and every read of the store
/// takes one, so that a query without authority does not compile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    permission: Permission,
    connectors: Option<Vec<ConnectorId>>,
}

impl Scope {
    /// What the scope was made for.
    #[must_use]
    pub fn permission(&self) -> Permission {
        self.permission
    }

    /// The connectors it is limited to; `None` means all.
    #[must_use]
    pub fn connectors(&self) -> Option<&[ConnectorId]> {
        self.connectors.as_deref()
    }
}

/// The caller may not do that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{caller} has no permission {permission:?}")]
pub struct Denied {
    /// Who asked.
    pub caller: String,
    /// What was missing.
    pub permission: Permission,
}
