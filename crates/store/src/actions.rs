//! Requests and actions: what people asked for, and what became of it on each device.

mod action;
mod request;

use domain::ActionState;

pub use action::Action;
pub use request::{Decision, Request, Verdict};

/// How many actions of a request stand where.
pub type StateCounts = Vec<(ActionState, u64)>;

/// Most actions that are given at once.
pub const MOST_ACTIONS: u32 = 1_000;
