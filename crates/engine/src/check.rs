//! Preflight: connects and says what works, what is missing and what to do. What the last check of
//! a connector found is kept until the connector is changed.

mod document;
mod hosted;

use domain::{
    Caller, Connector, ConnectorName, EndpointHealth, EndpointOrigin, Permission, Timestamp,
    connector::{ConnectorState, Endpoint, ServerEndpoint},
};
use exchange::{
    AnySession, Capabilities, ConnectError, FeatureCheck, Organization, RemotePowerShell,
    hosted::SignInError,
};
use jiff::SignedDuration;

use crate::{Engine, Error, endpoints::at_endpoint, link::OpenOrganization};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckReport {
    /// When.
    pub at: Timestamp,
    /// Whether a sync can work.
    pub is_ready: bool,
    /// Whether nothing but reading can work.
    pub is_read_only: bool,
    /// What was tried, in order.
    pub steps: Vec<CheckStep>,
    /// What works with the account's permissions, and what falls away; empty if nobody could sign
    /// in.
    pub features: Vec<FeatureCheck>,
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
    /// Every result.
    pub const ALL: [Self; 3] = [Self::Fine, Self::Missing, Self::Failed];

    /// The word used in tables, files and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Missing => "missing",
            Self::Failed => "failed",
        }
    }

    /// The result of a word; `None` for a word that is none.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|result| result.word() == word)
    }
}

/// Kerberos refuses clocks that differ by more (RFC 4120, 1.3).
const MOST_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The steps of connecting, in their order.
const CONNECTING: [&str; 4] = ["reach the server", "TLS", "sign in", "open a session"];
/// From this step on it is about the account, not about the server.
const SIGNING_IN: usize = 2;
/// Endpoints that are tried in one check.
const MOST_ENDPOINTS: usize = 10;

impl Engine {
    /// Connects now and says what works. A step that fails is part of the report, not an error.
    pub async fn check_connector(
        &self,
        caller: &Caller,
        name: &ConnectorName,
    ) -> Result<CheckReport, Error> {
        let scope = caller.scope(Permission::ModifySite)?;
        let connector = self.store().connector(&scope, name).await?;
        let secret = self.store().sealed_secret(connector.id).await?;
        let mut report = Box::pin(self.check(&connector)).await?;
        report.at = self.now();
        // An endpoint that is stood in for by another is no trouble of the connector; and that a
        // password is wrong says more than that a server is off.
        let failed = || report.steps.iter().filter(|step| step.result == CheckResult::Failed);
        let worst = failed().find(|step| step.is_of("sign in")).or_else(|| failed().next());
        let trouble = worst.filter(|_| !report.is_ready).and_then(|step| step.detail.clone());
        if trouble.is_some() {
            let state = ConnectorState::Trouble;
            self.store().set_connector_state(connector.id, state, trouble.as_deref()).await?;
        }
        // Secrets are sealed anew with each change of a connector, and what was found before one
        // says nothing any more.
        if self.store().sealed_secret(connector.id).await? == secret {
            self.store().set_last_check(connector.id, &document::of(&report).to_string()).await?;
        }
        Ok(report)
    }

    /// What the last check found, if there was one since the connector was added or changed.
    pub async fn last_check(
        &self,
        caller: &Caller,
        name: &ConnectorName,
    ) -> Result<Option<CheckReport>, Error> {
        let scope = caller.scope(Permission::Read)?;
        let connector = self.store().connector(&scope, name).await?;
        let kept = self.store().last_check(connector.id).await?;
        // One that is not understood is none: asking again is cheap.
        Ok(kept.as_deref().and_then(document::report))
    }

    async fn check(&self, connector: &Connector) -> Result<CheckReport, Error> {
        match &connector.endpoint {
            Endpoint::OnPremises(server) => self.check_servers(connector, server).await,
            Endpoint::Hosted(hosted) => self.check_hosted(connector, hosted).await,
        }
    }

    async fn check_servers(
        &self,
        connector: &Connector,
        server: &ServerEndpoint,
    ) -> Result<CheckReport, Error> {
        let mut report = CheckReport::default();
        let mut directory_step = None;
        if let Some(directory) = &connector.options.directory {
            let (result, detail) = match self.find_in_directory(connector).await {
                Ok(count) => {
                    let detail = format!("{} knows {count} servers", directory.server);
                    (CheckResult::Fine, detail)
                }
                Err(error) => (CheckResult::Missing, format!("{error:#}")),
            };
            directory_step = Some((result, detail));
        }
        let (settings, credential) = self.settings(connector, server).await?;
        let mut organization = None;
        // One after the other, so that each is known to work before it is needed.
        let mut endpoints = self.known_endpoints(connector).await?;
        for at in 0..endpoints.len().min(MOST_ENDPOINTS) {
            let Some(one) = endpoints.get_mut(at) else { break };
            // Servers that nobody configured are tried when there is no other.
            if one.origin > EndpointOrigin::Site && organization.is_some() {
                continue;
            }
            let settings = at_endpoint(&settings, one);
            let connected = RemotePowerShell::connect(&settings, &credential).await;
            let is_first = organization.is_none();
            let failed = report.connected(one, &connected);
            match connected {
                Ok(session) => {
                    one.succeeded(self.now());
                    report.push_clock(session.server_time(), self.now());
                    if is_first {
                        organization = Some((one.url.clone(), session));
                    } else if let Err(error) = exchange::Session::close(session).await {
                        tracing::debug!(%error, "the session of a check was not closed");
                    }
                }
                Err(error) => {
                    one.failed(self.now(), &error.to_string());
                    // Another server would say the same of the account, and lock it in the end.
                    if failed >= SIGNING_IN {
                        break;
                    }
                }
            }
        }
        self.store().replace_endpoints(connector.id, &endpoints).await?;
        if let Some((result, detail)) = directory_step {
            report.push("directory", result, Some(detail));
        }
        let Some((url, session)) = organization else { return Ok(report) };
        self.check_session(connector, &url, session.into(), &mut report).await;
        Ok(report)
    }

    async fn check_session(
        &self,
        connector: &Connector,
        url: &str,
        session: AnySession,
        report: &mut CheckReport,
    ) {
        match Organization::open(session).await {
            Ok(open) => self.check_organization(connector, url, open, report).await,
            Err(error) => {
                report.push("read the cmdlets", CheckResult::Failed, Some(error.to_string()));
            }
        }
    }

    async fn check_organization(
        &self,
        connector: &Connector,
        url: &str,
        mut organization: OpenOrganization,
        report: &mut CheckReport,
    ) {
        match self.install(connector, url, &mut organization).await {
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
        let account = connector.endpoint.account();
        let capabilities = organization.capabilities();
        report.features = capabilities.matrix(&account);
        report.is_read_only = capabilities.is_read_only();
        let can_list_devices = capabilities.can_list_devices();
        // A session that cannot be closed ends by itself on the server.
        if let Err(error) = organization.close().await {
            tracing::debug!(%error, "the session of a check was not closed");
        }
        // An endpoint that does not answer is stood in for by one that does.
        let is_sound = report.steps.iter().all(|step| {
            step.result != CheckResult::Failed || CONNECTING.iter().any(|n| step.is_of(n))
        });
        report.is_ready = can_list_devices && is_sound;
    }
}

impl CheckStep {
    /// Whether it is this step of connecting, to whichever endpoint.
    fn is_of(&self, step: &str) -> bool {
        self.name.split(": ").next() == Some(step)
    }
}

impl CheckReport {
    /// Notes how connecting to an endpoint went; at which step it failed.
    fn connected<S>(
        &mut self,
        endpoint: &EndpointHealth,
        connected: &Result<S, ConnectError>,
    ) -> usize {
        let is_tls = endpoint.url.to_ascii_lowercase().starts_with("https:");
        let is_own = !self.steps.iter().any(|step| step.is_of("reach the server"));
        let named = |step: &str| match is_own {
            true => step.to_owned(),
            false => format!("{step}: {}", endpoint.url),
        };
        let failed = connected.as_ref().err().map_or(CONNECTING.len(), step_of);
        for (at, name) in CONNECTING.iter().enumerate().take(failed) {
            // Of the others it is enough to know that they let us in.
            if !is_own && at + 1 < CONNECTING.len() {
                continue;
            }
            let is_plain = *name == "TLS" && !is_tls;
            let detail = is_plain.then(|| "not used: signing in seals what is sent".to_owned());
            self.push(&named(name), CheckResult::Fine, detail);
        }
        if let Err(error) = connected {
            let name = CONNECTING.get(failed).copied().unwrap_or("connect");
            self.push(&named(name), CheckResult::Failed, Some(error.to_string()));
        }
        failed
    }

    /// Notes how far the server's clock is from ours. It is told by the whole second.
    fn push_clock(&mut self, theirs: Option<Timestamp>, ours: Timestamp) {
        let Some(theirs) = theirs else { return };
        let skew = theirs.duration_since(ours);
        if skew.abs() <= MOST_SKEW {
            self.push("clock", CheckResult::Fine, None);
            return;
        }
        let direction = if skew.is_negative() { "behind" } else { "ahead of" };
        let minutes = skew.abs().as_mins();
        let detail = format!(
            "the server's clock is {minutes} minutes {direction} this machine's; Kerberos refuses \
             more than 5: set both by the same time server"
        );
        self.push("clock", CheckResult::Missing, Some(detail));
    }

    fn push(&mut self, name: &str, result: CheckResult, detail: Option<String>) {
        self.steps.push(CheckStep { name: name.to_owned(), result, detail });
    }
}

/// At which step of connecting an error arises.
fn step_of(error: &ConnectError) -> usize {
    match error {
        // It signed in; Exchange has nothing for it.
        ConnectError::SignIn(SignInError::NoRole) => 3,
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
        | ConnectError::SignIn(_)
        | ConnectError::Authentication(_) => 2,
        _ => 3,
    }
}
