//! What a session with hosted Exchange is made with.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use domain::{Timestamp, connector::HostedEndpoint};

use super::{Certificate, Throttle, Tokens, admin_api::Made};
use crate::Secret;

/// Tells the time and waits. This crate holds no clock: whoever opens a session gives it one.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Waits.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// What a session with hosted Exchange is made with.
#[derive(Debug, Clone)]
pub struct HostedSettings {
    /// Whose organization, which application, which cloud.
    pub endpoint: HostedEndpoint,
    /// How long to wait for what.
    pub timeouts: HostedTimeouts,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What the sessions of one connector have in common.
    pub shared: Arc<Shared>,
    /// Password of the proxy, if the endpoint names a user for it.
    pub proxy_password: Option<Secret>,
}

impl HostedSettings {
    /// Settings with the usual time-outs, nothing shared and no proxy password.
    #[must_use]
    pub fn new(endpoint: HostedEndpoint, clock: Arc<dyn Clock>) -> Self {
        Self {
            endpoint,
            timeouts: HostedTimeouts::default(),
            clock,
            shared: Arc::default(),
            proxy_password: None,
        }
    }
}

/// What the sessions of one connector have in common. It lasts as long as the connector is worked
/// for, and is made anew when its credential changes.
#[derive(Debug, Default)]
pub struct Shared {
    /// The token, and its renewal.
    pub tokens: Tokens,
    /// The pace that the service asks for.
    pub throttle: Throttle,
    /// What was made lately, and may not be known everywhere yet.
    pub(super) made: Made,
}

/// How an application proves who it is.
#[derive(Debug, Clone)]
pub enum HostedCredential {
    /// A certificate that the application has registered, with its key.
    Certificate(Certificate),
    /// A client secret.
    Secret(Secret),
    /// What a person's sign-in with a device code left.
    RefreshToken(Secret),
    /// The identity of the machine.
    ManagedIdentity,
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostedTimeouts {
    /// TCP connection, each address, and the proxy's tunnel.
    pub connect: Duration,
    /// TLS handshake.
    pub tls: Duration,
    /// An answer of the service that gives tokens.
    pub sign_in: Duration,
    /// The answer to a cmdlet about one object.
    pub point: Duration,
    /// A page of a list, or a batch.
    pub list: Duration,
    /// Longest silence within an answer that has begun.
    pub read_idle: Duration,
}

impl Default for HostedTimeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            tls: Duration::from_secs(15),
            sign_in: Duration::from_secs(60),
            point: Duration::from_secs(120),
            // The service itself gives a cmdlet 15 minutes.
            list: Duration::from_secs(16 * 60),
            read_idle: Duration::from_secs(60),
        }
    }
}
