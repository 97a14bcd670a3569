//! An entry as a syslog message (RFC 5424).
//!
//! The message is the entry's document to the letter, and the structured data hold its number and its
//! hash: whoever received them all can verify the chain from them alone.

use std::sync::OnceLock;

use domain::{Timestamp, audit::Outcome, audit::hexadecimal};
use serde_json::Value as Json;
use store::AuditRow;
use uuid::Uuid;

use super::super::rfc3339;

/// "Log audit" (RFC 5424 section 6.2.1).
const FACILITY: u8 = 13;
const WARNING: u8 = 4;
const NOTICE: u8 = 5;
/// The number that IANA keeps for examples (RFC 5612): there is none of our own.
const STRUCTURED: &str = "gatepost@32473";
/// Longest name of a host, and of a parameter's value that is no name of ours.
const MOST_HOST_BYTES: usize = 255;

pub(super) fn of_entry(row: &AuditRow, audit: Uuid) -> String {
    let entry: Json = serde_json::from_str(&row.document).unwrap_or_default();
    let text = |path: &str| entry.pointer(path).and_then(Json::as_str).unwrap_or_default();
    let severity = match row.event.outcome() {
        Outcome::Done | Outcome::Held => NOTICE,
        Outcome::Refused | Outcome::Failed => WARNING,
    };
    let (sequence, hash) = (row.link.sequence.to_string(), hexadecimal(&row.link.hash));
    let (audit, actor) = (audit.to_string(), row.actor.to_string());
    let mut parameters = vec![
        ("audit", audit.as_str()),
        ("sequence", &sequence),
        ("hash", &hash),
        ("actor", &actor),
        ("source", text("/source")),
        ("outcome", row.event.outcome().word()),
    ];
    if let Some(target) = &row.target {
        parameters.extend([("target_kind", text("/target/kind")), ("target", target)]);
    }
    message(severity, row.at, row.event.word(), &parameters, &row.document)
}

/// A message that says nothing, to see whether it arrives.
pub(super) fn test(audit: Uuid, now: Timestamp) -> String {
    let audit = audit.to_string();
    message(NOTICE, now, "test", &[("audit", &audit)], "{\"event\":\"test\"}")
}

fn message(
    severity: u8,
    at: Timestamp,
    kind: &str,
    parameters: &[(&str, &str)],
    said: &str,
) -> String {
    let (priority, at, host) = (FACILITY * 8 + severity, rfc3339(at), host());
    let mut text = format!("<{priority}>1 {at} {host} gatepost - {kind} [{STRUCTURED}");
    for (name, value) in parameters {
        text.push_str(&format!(" {name}=\""));
        for c in value.chars() {
            // RFC 5424 section 6.3.3.
            if matches!(c, '"' | '\\' | ']') {
                text.push('\\');
            }
            text.push(if c.is_control() { ' ' } else { c });
        }
        text.push('"');
    }
    text.push_str("] ");
    text.push_str(said);
    text
}

/// The name of this machine; "-" if it has none that may stand there.
fn host() -> &'static str {
    static HOST: OnceLock<String> = OnceLock::new();
    HOST.get_or_init(|| {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let name = name.trim();
        let is_fit = !name.is_empty()
            && name.len() <= MOST_HOST_BYTES
            && name.bytes().all(|byte| byte.is_ascii_graphic());
        if is_fit { name.to_owned() } else { "-".to_owned() }
    })
}

#[cfg(test)]
mod tests {
    use domain::{PersonId, audit::Event, audit::Link};

    use super::*;

    #[test]
    fn what_would_end_a_value_stands_behind_a_backslash() {
        let row = AuditRow {
            link: Link { sequence: 7, hash: [0xab; 32] },
            at: Timestamp::UNIX_EPOCH,
            event: Event::ActionFailed,
            actor: PersonId::ENGINE,
            target: Some("a\"]\\\nb".to_owned()),
            document: r#"{"source":"engine","target":{"kind":"device"}}"#.to_owned(),
        };
        let said = of_entry(&row, Uuid::nil()).replace(host(), "here");
        let hash = "ab".repeat(32);
        let (audit, actor) = (Uuid::nil(), PersonId::ENGINE);
        let expected = format!(
            r#"<108>1 1970-01-01T00:00:00Z here gatepost - action.failed [gatepost@32473 audit="{audit}" sequence="7" hash="{hash}" actor="{actor}" source="engine" outcome="failed" target_kind="device" target="a\"\]\\ b"] {}"#,
            row.document
        );
        assert_eq!(said, expected);
    }
}
