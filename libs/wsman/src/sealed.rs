//! Bodies sealed by the authentication's session key: `multipart/encrypted` ([MS-WSMV] 2.2.9.1).
//!
//! Each part is a small header in text and, behind it, a four-byte little-endian length, a signature
//! of that length, and the sealed bytes. This module frames and unframes; sealing is somebody else's.

mod frame;
mod parse;

pub use frame::{Style, content_type, frame, frame_parts};
pub use parse::{Error, Limits, MAX_BODY_BYTES, MAX_PARTS, Part, Parts, parse, parse_with};

/// What sealed the body, as its content type says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Negotiate, whichever mechanism it settled on, and NTLM.
    Spnego,
    /// Kerberos without Negotiate, as Exchange asks for.
    Kerberos,
    /// CredSSP, whose parts hold at most 16 KB each.
    CredSsp,
}

impl Protocol {
    /// The media type of the sealed parts.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Spnego => "application/HTTP-SPNEGO-session-encrypted",
            Self::Kerberos => "application/HTTP-Kerberos-session-encrypted",
            Self::CredSsp => "application/HTTP-CredSSP-session-encrypted",
        }
    }
}
