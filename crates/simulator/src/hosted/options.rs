//! Who may sign in to a hosted organization, and which habits its service has.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use uuid::Uuid;

use super::{access_token::Tokens, certificate::Tls, device_code::Codes};
use crate::{Clock, HiddenParameter, Visible};

/// How a hosted organization is presented.
#[derive(Clone)]
pub struct HostedOptions {
    /// Where the time comes from.
    pub now: Clock,
    /// How often the organization lives a little further; `None`: only when a test says so.
    pub living: Option<Duration>,
    /// Who may sign in.
    pub applications: Vec<Application>,
    /// Limits and times.
    pub habits: HostedHabits,
    pub(super) tls: Arc<Tls>,
    /// Tokens outlive a server that is stopped and comes again.
    pub(super) tokens: Tokens,
    pub(super) codes: Arc<Codes>,
}

impl HostedOptions {
    /// The usual service for these applications, with a root certificate of its own.
    ///
    /// # Errors
    /// When a certificate cannot be made.
    pub fn new(now: Clock, applications: Vec<Application>) -> std::io::Result<Self> {
        Ok(Self {
            now,
            living: None,
            applications,
            habits: HostedHabits::default(),
            tls: Arc::new(Tls::generate()?),
            tokens: Tokens::generate()?,
            codes: Arc::default(),
        })
    }

    /// The root that clients must trust.
    #[must_use]
    pub fn root_pem(&self) -> String {
        self.tls.root_pem.clone()
    }

    /// Codes that wait for a person.
    #[must_use]
    pub fn device_codes(&self) -> Arc<Codes> {
        Arc::clone(&self.codes)
    }

    /// Every token that was given so far is refused from now on, with a challenge for claims.
    pub fn revoke_tokens(&self) {
        self.tokens.revoke();
    }
}

impl std::fmt::Debug for HostedOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostedOptions")
            .field("applications", &self.applications)
            .field("habits", &self.habits)
            .finish_non_exhaustive()
    }
}

/// An application that is registered in the tenant.
#[derive(Clone)]
pub struct Application {
    /// Its id.
    pub id: Uuid,
    /// What it is called: `gatepost`.
    pub name: String,
    /// Its client secret, if it has one.
    pub secret: Option<String>,
    /// The secret counts no more.
    pub secret_is_expired: bool,
    /// Certificates that it has registered, in PEM.
    pub certificates: Vec<String>,
    /// Which cmdlets its roles show.
    pub visible: Visible,
    /// Which parameters of those its roles hide.
    pub hidden_parameters: Vec<HiddenParameter>,
}

impl Application {
    /// An application that sees every cmdlet, and proves itself with nothing yet.
    #[must_use]
    pub fn new(id: Uuid, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            secret: None,
            secret_is_expired: false,
            certificates: Vec::new(),
            visible: Visible::All,
            hidden_parameters: Vec::new(),
        }
    }
}

impl std::fmt::Debug for Application {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Application({} {}, {:?})", self.name, self.id, self.visible)
    }
}

/// Limits and times of the hosted service.
#[derive(Debug, Clone)]
pub struct HostedHabits {
    /// The largest page, and the usual one.
    pub page_size: usize,
    /// How long a link to a page is good.
    pub link_lifetime: SignedDuration,
    /// How long a token is good.
    pub token_lifetime: SignedDuration,
    /// Calls in one window.
    pub rate_limit: u32,
    /// Length of the window.
    pub rate_window: SignedDuration,
    /// Calls that are answered at one time.
    pub concurrency: usize,
}

impl Default for HostedHabits {
    fn default() -> Self {
        Self {
            page_size: 1_000,
            link_lifetime: SignedDuration::from_mins(5),
            token_lifetime: SignedDuration::from_secs(3_599),
            rate_limit: 30_000,
            rate_window: SignedDuration::from_secs(16),
            concurrency: 40,
        }
    }
}
