//! A simulated Exchange organization, on premises or hosted, served over the real wire.
//!
//! An [`Organization`] has servers in sites, mailboxes, phones that live, policies, access rules
//! and exemptions; it is grown from a seed, so that a test can be repeated. A [`Server`] serves
//! it as Exchange does: HTTP, NTLM with sealing or Basic, WS-Management, PowerShell remoting,
//! with Exchange's habits (row limits, quotas, warnings, prompts) and with [`Faults`] to order.
//! A [`HostedServer`] serves it as the cloud does: HTTPS, tokens, cmdlets over REST.
//! What a server was asked stands in its [`Ledger`]. A [`Console`] takes cmdlets typed by hand.
//!
//! It does not know Gatepost's engine, store or console: what it shares with the product is the
//! two protocol libraries, of which it uses the server halves, and the words of `domain`.
//!
//! Start reading at [`Organization`], then `cmdlets`, then `wire`
//! and `hosted`.

mod answer;
mod cmdlets;
mod console;
mod faults;
mod hosted;
mod ledger;
mod options;
mod organization;
mod server;
mod wire;

pub use console::Console;
pub use faults::{Faults, HostedFaults};
pub use hosted::{
    AppCertificate, Application, Codes, HostedHabits, HostedOptions, HostedServer, KeyKind, Waiting,
};
pub use ledger::{AccountUse, Entries, HostedUse, Ledger, Mark, ReceivedCmdlet};
pub use options::{
    AccessLevel, Account, Budget, Dialect, Habits, HiddenParameter, OrganizationOptions, Visible,
};
pub use organization::{Organization, Partnership};
pub use server::{Clock, Scheme, Server, ServerOptions, system_clock};
