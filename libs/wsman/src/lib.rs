//! WS-Management shell operations as PowerShell remoting uses them, and the framing of sealed HTTP
//! bodies. Both halves: what a client asks and understands, and what a server understands and answers.
//!
//! This crate turns values into SOAP envelopes and envelopes into values ([MS-WSMV], DMTF DSP0226).
//! It knows nothing of sockets, clocks, randomness, cryptography, or of what travels inside the
//! streams: message ids are arguments, payloads are bytes.
//!
//! Start reading at [`client::Shell`] for what is asked, [`client::Response`] for what is answered,
//! [`server::Request`] for the other half, and [`sealed`] for `multipart/encrypted` bodies.
//!
//! ```
//! use uuid::Uuid;
//! use wsman::client::{Response, Settings, Shell, parse};
//! use wsman::server::{Reply, parse_request};
//!
//! let (session, message, pipeline) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
//! let url = "http://ex1.corp.example/PowerShell/".to_owned();
//! let mut shell = Shell::new(Settings::exchange(url, session));
//! shell.opened("5EED".to_owned());
//!
//! // The client asks, the server understands.
//! let asked = parse_request(shell.command(message, pipeline, b"fragments").as_bytes())?;
//! assert_eq!(asked.header.shell_id.as_deref(), Some("5EED"));
//! assert_eq!(asked.operation.payload()?, b"fragments");
//!
//! // The server answers, the client understands.
//! let answer = Reply::new(Uuid::from_u128(4), &asked.header.message_id).command(pipeline);
//! assert_eq!(parse(answer.as_bytes())?, Response::Command { command_id: Some(pipeline) });
//! # Ok::<(), wsman::Error>(())
//! ```
//!
//! [MS-WSMV]: https://learn.microsoft.com/openspecs/windows_protocols/ms-wsmv
#![warn(missing_docs)]

pub mod client;
mod duration;
mod error;
pub mod fault;
mod limits;
pub mod sealed;
pub mod server;
mod stream;
pub mod uri;
mod write;
mod xml;

pub use error::Error;
pub use limits::{
    DEFAULT_MAX_ENVELOPE_BYTES, EXCHANGE_MAX_ENVELOPE_BYTES, Limits, MAX_ENVELOPE_BYTES,
    MAX_ENVELOPE_DEPTH, MAX_STREAMS, MAX_TEXT_BYTES,
};
pub use stream::{CommandState, Progress, Signal, StreamData};
