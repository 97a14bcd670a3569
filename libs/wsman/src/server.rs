//! The server's half: understands requests and writes answers.

mod reply;
mod request;

pub use reply::{Reply, ShellDescription};
pub use request::{Header, Operation, Request, parse_request, parse_request_with};
