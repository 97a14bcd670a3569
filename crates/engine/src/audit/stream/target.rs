//! Where a stream leads: what is wrong with it, and how it is kept.

use anyhow::Context as _;
use domain::audit::{StreamFile, StreamTarget, Syslog, Transport};
use serde_json::{Value as Json, json};

use super::syslog;

/// Longest name of a receiver (RFC 1035 section 2.3.4).
const MOST_HOST_BYTES: usize = 255;
/// Longest bundle of certificates.
const MOST_PEM_BYTES: usize = 512 * 1024;

/// Says what is wrong with a target, if anything is.
pub(super) fn validate(target: &StreamTarget) -> Result<(), String> {
    match target {
        StreamTarget::Syslog(syslog) => validate_syslog(syslog),
        StreamTarget::File(StreamFile { size_mb, kept }) => {
            let (size, files) = (StreamFile::MOST_MB, StreamFile::MOST_KEPT);
            if *size_mb == 0 || *size_mb > size {
                return Err(format!("a file has 1 to {size} megabytes, not {size_mb}"));
            }
            if *kept > files {
                return Err(format!("at most {files} full files are kept, not {kept}"));
            }
            Ok(())
        }
    }
}

fn validate_syslog(Syslog { host, port, transport, trusted }: &Syslog) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_');
    if host.is_empty() || host.len() > MOST_HOST_BYTES || !host.chars().all(is_plain) {
        return Err(format!("{host:?} is no receiver, as in siem.contoso.com"));
    }
    if *port == 0 {
        return Err(format!("the port is 0; it is usually {}", transport.usual_port()));
    }
    let Some(pem) = trusted else { return Ok(()) };
    if *transport != Transport::Tls {
        return Err(format!("certificates are for tls, and this is {transport}"));
    }
    if pem.len() > MOST_PEM_BYTES {
        return Err(format!("the trusted certificates are longer than {MOST_PEM_BYTES} bytes"));
    }
    syslog::trust(Some(pem)).map(drop)
}

/// As it is kept.
pub(super) fn written(target: &StreamTarget) -> Json {
    match target {
        StreamTarget::Syslog(Syslog { host, port, transport, trusted }) => json!({
            "kind": "syslog",
            "host": host,
            "port": port,
            "transport": transport.word(),
            "trusted": trusted,
        }),
        StreamTarget::File(StreamFile { size_mb, kept }) => {
            json!({"kind": "file", "size_mb": size_mb, "kept": kept})
        }
    }
}

/// What was kept.
pub(super) fn read(kept: &Json) -> anyhow::Result<StreamTarget> {
    let text = |name: &str| kept.get(name).and_then(Json::as_str);
    let number = |name: &str| kept.get(name)?.as_u64()?.try_into().ok();
    let read = || match text("kind")? {
        "syslog" => Some(StreamTarget::Syslog(Syslog {
            host: text("host")?.to_owned(),
            port: number("port")?,
            transport: text("transport").and_then(Transport::from_word)?,
            trusted: text("trusted").map(str::to_owned),
        })),
        "file" => Some(StreamTarget::File(StreamFile {
            size_mb: number("size_mb")?,
            kept: number("kept")?,
        })),
        _ => None,
    };
    read().context("where the audit is streamed to cannot be read; set it again")
}

/// For people and the record.
pub(super) fn in_words(target: &StreamTarget) -> String {
    match target {
        StreamTarget::Syslog(Syslog { host, port, transport, .. }) => {
            format!("syslog by {transport} at {host}:{port}")
        }
        StreamTarget::File(StreamFile { size_mb, kept }) => {
            format!("a file of {size_mb} MB, {kept} full ones kept")
        }
    }
}
