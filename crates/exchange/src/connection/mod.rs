//! The way to a server: one connection, owned by the session that uses it.
//!
//! Signing in and sealing belong to one TCP connection, so there is no pool: a connection that is
//! lost is made anew, with a new sign-in. Everything here has a time-out and a limit.

mod address;
mod error;
mod http;
mod link;
mod settings;
mod sign_in;
mod stream;
mod tls;

pub use error::ConnectError;
pub use settings::{ConnectionSettings, Timeouts};

pub(crate) use address::Address;
pub(crate) use http::{BodyLimits, Http};
pub(crate) use link::{Answer, Connection, SendError, title};
pub(crate) use sign_in::step_aside;
pub(crate) use stream::{Stream, open};
pub(crate) use tls::secure;
