//! For tests and benchmarks only: a whole Gatepost beside a simulated organization.
//!
//! [`Exchange`] serves a simulated organization on a loopback address, over the real wire.
//! [`TestApp`] is an engine on a database of its own beside one of those, with verbs to tell
//! stories with: add a connector, sync, look at the devices, restart, kill. Its clock stands still
//! until a story moves it, so nothing here waits for time to pass.
//!
//! Start reading at [`TestApp`].

mod app;
mod exchange;

pub use app::TestApp;
pub use exchange::Exchange;
