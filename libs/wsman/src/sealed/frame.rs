use super::Protocol;

/// How the boundaries of a body are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// `--Encrypted Boundary`, as Windows and all clients write it.
    #[default]
    Windows,
    /// `-- Encrypted Boundary`, as Exchange writes it.
    Exchange,
}

impl Style {
    fn boundary(self) -> &'static str {
        match self {
            Self::Windows => "--Encrypted Boundary",
            Self::Exchange => "-- Encrypted Boundary",
        }
    }
}

/// The `Content-Type` of a body of one part. (A body of several is `multipart/x-multi-encrypted`,
/// which only CredSSP needs: pass the number of parts.)
pub fn content_type(protocol: Protocol, parts: usize) -> String {
    let multipart = if parts > 1 { "x-multi-encrypted" } else { "encrypted" };
    let protocol = protocol.media_type();
    format!("multipart/{multipart};protocol=\"{protocol}\";boundary=\"Encrypted Boundary\"")
}

/// Frames one sealed message. `original_bytes` is the length of the plain text, plus the padding if
/// the mechanism added any; `signature` and `sealed` are what sealing gave.
pub fn frame(
    protocol: Protocol,
    style: Style,
    original_bytes: usize,
    signature: &[u8],
    sealed: &[u8],
) -> Vec<u8> {
    frame_parts(protocol, style, [(original_bytes, signature, sealed)])
}

/// Frames a message sealed in several parts, each as for [`frame`].
pub fn frame_parts<'a>(
    protocol: Protocol,
    style: Style,
    parts: impl IntoIterator<Item = (usize, &'a [u8], &'a [u8])>,
) -> Vec<u8> {
    let boundary = style.boundary();
    let mut body = Vec::new();
    for (original_bytes, signature, sealed) in parts {
        let start = format!(
            "{boundary}\r\n\
             \tContent-Type: {}\r\n\
             \tOriginalContent: type=application/soap+xml;charset=UTF-8;Length={original_bytes}\r\n\
             {boundary}\r\n\
             \tContent-Type: application/octet-stream\r\n",
            protocol.media_type(),
        );
        body.reserve(start.len() + 4 + signature.len() + sealed.len() + boundary.len() + 4);
        body.extend_from_slice(start.as_bytes());
        // INVARIANT: a signature is some tens of bytes; one of 4 GB cannot be.
        let length = u32::try_from(signature.len()).unwrap_or(u32::MAX);
        body.extend_from_slice(&length.to_le_bytes());
        body.extend_from_slice(signature);
        body.extend_from_slice(sealed);
    }
    body.extend_from_slice(boundary.as_bytes());
    body.extend_from_slice(b"--\r\n");
    body
}
