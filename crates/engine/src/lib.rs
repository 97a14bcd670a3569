//! Makes it happen: commands, the sync reconciler, durable jobs, signing in, the clock.
//!
//! Every change goes through a method of [`Engine`], whoever asks for it: console, REST API and
//! command line call the same ones, so they cannot differ. Reads may go straight to
//! [`Engine::store`] with the scope of the caller. This crate knows nothing of HTML, JSON over HTTP
//! or command lines, and nothing of SQL or of Exchange's spelling: it puts the rooms together that
//! do.
//!
//! Start reading at [`Engine`], then `commands` for what can be asked of it, then `worker` and
//! `sync` for what happens in the background.

mod clock;
mod commands;
mod component;
mod engine;
mod error;
mod secrets;
mod sign_in;
mod sync;
mod tasks;
mod worker;

pub use clock::Clock;
pub use commands::{CheckReport, CheckResult, CheckStep, NewConnector};
pub use engine::{Engine, Options};
pub use error::Error;
pub use store::{Job, JobState, Progress};
