//! What a connection is made with.

use std::time::Duration;

use domain::connector::ServerEndpoint;

use crate::Secret;

/// What a connection is made with.
#[derive(Debug, Clone)]
pub struct ConnectionSettings {
    /// Where to, and how to sign in.
    pub endpoint: ServerEndpoint,
    /// Password of the proxy, if the endpoint names a user for it.
    pub proxy_password: Option<Secret>,
    /// How long to wait for what.
    pub timeouts: Timeouts,
}

impl ConnectionSettings {
    /// Settings with the usual time-outs and no proxy password.
    #[must_use]
    pub fn new(endpoint: ServerEndpoint) -> Self {
        Self { endpoint, proxy_password: None, timeouts: Timeouts::default() }
    }
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP connection, each address, and the proxy's tunnel.
    pub connect: Duration,
    /// TLS handshake.
    pub tls: Duration,
    /// Signing in, all steps together, tickets included.
    pub authentication: Duration,
    /// How long the server may hold one request before it says "nothing yet": a long poll.
    pub operation: Duration,
    /// How much longer than `operation` an answer may take to begin.
    pub margin: Duration,
    /// Longest silence within an answer that has begun.
    pub read_idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            tls: Duration::from_secs(15),
            authentication: Duration::from_secs(60),
            // Below the usual idle cut of firewalls and balancers (60 s and more), far below
            // Exchange's own 900 s.
            operation: Duration::from_secs(20),
            margin: Duration::from_secs(40),
            read_idle: Duration::from_secs(60),
        }
    }
}
