//! For tests and benchmarks only: a whole Gatepost beside a simulated organization.
//!
//! [`Exchange`] serves a simulated organization on a loopback address, over the real wire: on premises
//! over remote PowerShell, or a hosted one, with its sign-in, over HTTPS. [`Side`] says which.
//! [`TestApp`] is an engine on a database of its own beside one of those, with verbs to tell
//! stories with: add a connector, sync, look at the devices, restart, kill. Its clock stands still
//! until a story moves it, so nothing here waits for time to pass.
//!
//! Start reading at [`TestApp`].

mod app;
mod exchange;
mod side;
mod tenant;

pub use app::TestApp;
pub use exchange::Exchange;
pub use side::Side;
pub use tenant::Tenant;
