//! Where the audit is streamed to, for those who watch many programs in one place.

use crate::device::words;

/// Where the audit is streamed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamTarget {
    /// A receiver of syslog messages (RFC 5424).
    Syslog(Syslog),
    /// A file in the data directory, a JSON document a line.
    File(StreamFile),
}

/// A receiver of syslog messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Syslog {
    /// Name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How messages get there.
    pub transport: Transport,
    /// Certificates (PEM) of the authorities that are trusted in place of the system's.
    pub trusted: Option<String>,
}

/// How syslog messages are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// TLS (RFC 5425).
    Tls,
    /// TCP with octet counting (RFC 6587 section 3.4.1).
    Tcp,
    /// Datagrams (RFC 5426): nobody says whether they arrived.
    Udp,
}

words!(Transport { Tls = "tls", Tcp = "tcp", Udp = "udp" });

impl Transport {
    /// The port that receivers usually listen on.
    #[must_use]
    pub fn usual_port(self) -> u16 {
        match self {
            Self::Tls => 6514,
            Self::Tcp => 601,
            Self::Udp => 514,
        }
    }
}

/// A file that begins anew when it is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamFile {
    /// At how many megabytes (2^20 bytes) the next one is begun.
    pub size_mb: u16,
    /// How many full ones are kept.
    pub kept: u16,
}

impl StreamFile {
    /// Largest file: what a program that reads it later still opens.
    pub const MOST_MB: u16 = 4096;
    /// Full files at most.
    pub const MOST_KEPT: u16 = 1000;
}

impl Default for StreamFile {
    fn default() -> Self {
        Self { size_mb: 100, kept: 10 }
    }
}
