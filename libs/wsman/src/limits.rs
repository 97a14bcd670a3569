/// The envelope size Exchange allows by default, in bytes, and the one our client asks for: the
/// larger the envelope, the fewer round trips a long listing costs.
pub const EXCHANGE_MAX_ENVELOPE_BYTES: u32 = 512_000;

/// The envelope size of a Windows server whose settings were never changed, in bytes
/// (DSP0226 requires 8 KB; Windows before 2012 R2 used 150 KB).
pub const DEFAULT_MAX_ENVELOPE_BYTES: u32 = 153_600;

/// The largest envelope read, in bytes. Windows' own setting can be raised to 32 MB at most in
/// practice; nothing we ask for comes near a quarter of that.
pub const MAX_ENVELOPE_BYTES: usize = 8 * 1024 * 1024;

/// The deepest nesting of elements read. The deepest answer known, a fault of nested providers,
/// uses 12 levels.
pub const MAX_ENVELOPE_DEPTH: usize = 64;

/// The most stream elements read from one envelope. Windows puts up to 42 into one answer; one
/// element of a byte each in the largest envelope would be some 130,000.
pub const MAX_STREAMS: usize = 16_384;

/// The longest text kept of one element other than a payload, in bytes. Fault messages of
/// Exchange's throttling are the longest known, about 2 KB.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;

/// What a reader refuses to go beyond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The largest envelope, in bytes.
    pub envelope_bytes: usize,
    /// The deepest nesting of elements.
    pub depth: usize,
    /// The most stream elements in one envelope.
    pub streams: usize,
    /// The longest text of one element other than a payload, in bytes.
    pub text_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            envelope_bytes: MAX_ENVELOPE_BYTES,
            depth: MAX_ENVELOPE_DEPTH,
            streams: MAX_STREAMS,
            text_bytes: MAX_TEXT_BYTES,
        }
    }
}
