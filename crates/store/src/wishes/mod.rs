//! Wishes, the plans that were made of them, and what is looked after because of them.

mod plans;
mod revisions;

pub use plans::{Plan, PlanStep, StepState};
pub use revisions::{Revision, WishApplied};
