//! Preflight: connects and says what works, what is missing and what to do.

use domain::{Caller, Connector, ConnectorName, Permission, connector::ConnectorState};
use exchange::{Capabilities, ConnectError, Organization, RemotePowerShell};

use crate::{Engine, Error, link::OpenOrganization};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// Whether a sync can work.
    pub is_ready: bool,
    /// What was tried, in order.
    pub steps: Vec<CheckStep>,
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckStep {
    /// What was tried.
    pub name: String,
    /// How it went.
    pub result: CheckResult,
    /// What was found, or what to do.
    pub detail: Option<String>,
}

/// How a step of a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckResult {
    /// As it should.
    Fine,
    /// Something is not there; other things work without it.
    Missing,
    /// It failed, and what follows could not be tried.
    Failed,
}

impl CheckResult {
    /// The word used in tables, files and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Missing => "missing",
            Self::Failed => "failed",
        }
    }
}

/// The steps of connecting, in their order.
const CONNECTING: [&str; 4] = ["reach the server", "TLS", "sign in", "open a session"];

impl Engine {
    /// Connects now and says what works. A step that fails is part of the report, not an error.
    pub async fn check_connector(
        &self,
        caller: &Caller,
        name: &ConnectorName,
    ) -> Result<CheckReport, Error> {
        let scope = caller.scope(Permission::ModifyConnector)?;
        let connector = self.store().connector(&scope, name).await?;
        let report = self.check(&connector).await?;
        let trouble = report
            .steps
            .iter()
            .find(|step| step.result == CheckResult::Failed)
            .and_then(|step| step.detail.clone());
        if trouble.is_some() {
            let state = ConnectorState::Trouble;
            self.store().set_connector_state(connector.id, state, trouble.as_deref()).await?;
        }
        Ok(report)
    }

    async fn check(&self, connector: &Connector) -> Result<CheckReport, Error> {
        let is_tls = connector.endpoint.url.to_ascii_lowercase().starts_with("https:");
        let (settings, credential) = self.settings(connector).await?;
        let mut report = CheckReport { is_ready: false, steps: Vec::new() };
        let session = match RemotePowerShell::connect(&settings, &credential).await {
            Ok(session) => {
                report.connected(CONNECTING.len(), is_tls);
                session
            }
            Err(error) => {
                report.connected(step_of(&error), is_tls);
                let failed = CONNECTING.get(step_of(&error)).copied().unwrap_or("connect");
                report.push(failed, CheckResult::Failed, Some(error.to_string()));
                return Ok(report);
            }
        };
        match Organization::open(session).await {
            Ok(organization) => self.check_organization(connector, organization, &mut report).await,
            Err(error) => {
                report.push("read the cmdlets", CheckResult::Failed, Some(error.to_string()));
            }
        }
        Ok(report)
    }

    async fn check_organization(
        &self,
        connector: &Connector,
        mut organization: OpenOrganization,
        report: &mut CheckReport,
    ) {
        match self.install(connector, &mut organization).await {
            Ok(()) => report.push("organization", CheckResult::Fine, None),
            Err(error) => {
                report.push("organization", CheckResult::Failed, Some(format!("{error:#}")));
            }
        }
        for (cmdlet, is_there) in organization.capabilities().needed() {
            let (result, detail) = match is_there {
                Some(true) => (CheckResult::Fine, None),
                Some(false) => {
                    let purpose = Capabilities::purpose(cmdlet);
                    let detail = format!("the account does not see it; it is for {purpose}");
                    (CheckResult::Missing, Some(detail))
                }
                None => (
                    CheckResult::Fine,
                    Some("not known: the account may not ask which cmdlets it sees".to_owned()),
                ),
            };
            report.push(cmdlet, result, detail);
        }
        let can_list_devices = organization.capabilities().can_list_devices();
        // A session that cannot be closed ends by itself on the server.
        if let Err(error) = organization.close().await {
            tracing::debug!(%error, "the session of a check was not closed");
        }
        report.is_ready =
            can_list_devices && report.steps.iter().all(|step| step.result != CheckResult::Failed);
    }
}

impl CheckReport {
    /// Notes that so many steps of connecting were passed.
    fn connected(&mut self, passed: usize, is_tls: bool) {
        for name in CONNECTING.iter().take(passed) {
            let is_plain = *name == "TLS" && !is_tls;
            let detail = is_plain.then(|| "not used: signing in seals what is sent".to_owned());
            self.push(name, CheckResult::Fine, detail);
        }
    }

    fn push(&mut self, name: &str, result: CheckResult, detail: Option<String>) {
        self.steps.push(CheckStep { name: name.to_owned(), result, detail });
    }
}

/// At which step of connecting an error arises.
fn step_of(error: &ConnectError) -> usize {
    match error {
        ConnectError::InvalidEndpoint(_)
        | ConnectError::Unreachable { .. }
        | ConnectError::Proxy { .. }
        | ConnectError::WrongPath { .. }
        | ConnectError::HtmlPage { .. }
        | ConnectError::Cut(_)
        | ConnectError::TimedOut { .. } => 0,
        ConnectError::UntrustedCertificate { .. }
        | ConnectError::CertificateName { .. }
        | ConnectError::PinMismatch { .. }
        | ConnectError::Tls { .. }
        | ConnectError::SslRequired => 1,
        ConnectError::NoCommonScheme { .. }
        | ConnectError::BasicWithoutTls
        | ConnectError::BadCredentials(_)
        | ConnectError::AccountRestricted(_)
        | ConnectError::MissingSpn { .. }
        | ConnectError::ClockSkew(_)
        | ConnectError::NoKdc(_)
        | ConnectError::CredentialUnusable(_)
        | ConnectError::Authentication(_) => 2,
        _ => 3,
    }
}
