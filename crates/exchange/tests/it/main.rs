//! Our client against the simulated organization over loopback.

#![expect(clippy::unwrap_used, reason = "helpers of a story fail as the story itself would")]

mod directory;
mod hosted;
mod lab;
mod permissions;
mod reading;
mod sessions;
mod signing_in;
mod wish;
