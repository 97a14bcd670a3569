//! Stories about the simulated organization, told through its public face.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

mod hosted;
mod organization;
mod throttle;
mod wire;
mod writing;
