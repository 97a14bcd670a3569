//! Stories of the engine beside a simulated organization, over the real wire.

#![expect(clippy::unwrap_used, reason = "helpers of a story fail as the story itself would")]

mod acting;
mod audit;
mod connecting;
mod explaining;
mod federation;
mod hosted;
mod living;
mod notifying;
mod people;
mod signing_in;
mod syncing;
mod wishing;
