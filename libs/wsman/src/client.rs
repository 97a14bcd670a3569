//! The client's half: requests of a shell, and the answers to them.

mod answer;
mod shell;

pub use answer::{Answer, Created, Item, Received, Response, parse, parse_with};
pub use shell::{Creation, InputStream, Settings, Shell, max_payload};
