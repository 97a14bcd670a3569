//! PowerShell Remoting Protocol ([MS-PSRP]) without I/O: the values, the messages, and both
//! halves of a conversation as state machines.
//!
//! Bytes go in ([`client::RunspacePool::receive`]), events come out
//! ([`client::RunspacePool::next_event`]), and what is to be sent is fetched
//! ([`client::RunspacePool::next_payload`]). An object is handed on as soon as its message is
//! complete; an object that cannot be read fails alone.
//!
//! What this crate does *not* know: HTTP, SOAP, authentication, Exchange, clocks and tasks. Who
//! carries the bytes, and when, is the caller's business; so are session keys: a secure string is
//! kept as it came, and a request for a key is handed on and never answered.
//!
//! Start reading at [`client`], whose mirror image is [`server`]; below them lie [`body`] (what a
//! message says), [`message`] (its header), [`fragment`] (how it is cut) and [`clixml`] (values).
//!
//! [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp

#![warn(missing_docs)]

pub mod body;
pub mod client;
pub mod clixml;
pub mod fragment;
pub mod host;
pub mod message;
pub mod pipeline;
pub mod record;
pub mod server;
pub mod state;

mod shape;
