//! WS-Management shell operations as PowerShell remoting uses them, and the framing of sealed HTTP
//! bodies. Both halves: what a client asks and understands, and what a server understands and answers.
//!
//! This crate turns values into SOAP envelopes and envelopes into values ([MS-WSMV], DMTF DSP0226).
//! It knows nothing of sockets, clocks, randomness, cryptography, or of what travels inside the
//! streams: message ids are arguments, payloads are bytes.
//!
//! Start reading at [`client::Shell`] for what is asked, [`client::Response`] for what is answered,
//! [`server::Request`] for the other half, and [`sealed`] for `multipart/encrypted` bodies.
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
