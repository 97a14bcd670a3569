//! The `gatepost` binary: configuration, logging, wiring and the command line.
//!
//! Two kinds of verb live here. `serve`, `demo`, `simulate` and `migrate` are the product itself,
//! put together from the other rooms; every other verb is a client of the REST API and knows
//! nothing of the database or of Exchange. This is the one crate that may see all others, prints,
//! reads the environment and ends the process.
//!
//! Start reading at `cli`, the list of verbs; then `serve`.

mod cli;
mod client;
mod config;
mod data_directory;
mod demo;
mod key_source;
mod logs;
mod output;
mod secret;
mod serve;
mod simulate;
mod stored_login;

pub use cli::{Cli, reference};

use std::process::ExitCode;

use clap::Parser as _;

/// Reads the command line and does what it says.
#[must_use]
pub fn run() -> ExitCode {
    cli::run(Cli::parse())
}
