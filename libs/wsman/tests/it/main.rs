//! Both halves of the envelopes against each other, against fixtures in the style of real servers
//! and clients, and against nonsense.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod answers;
mod foreign;
mod requests;
mod round_trip;
mod sealed;
