//! The way to a server: one connection, owned by the session that uses it.

mod error;
mod settings;

pub use error::ConnectError;
pub use settings::{ConnectionSettings, Timeouts};
