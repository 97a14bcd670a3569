//! The lines of an export: written here, and read back by whoever verifies them.
//!
//! One JSON document a line: first what the audit is, then its entries, with checkpoints and seals
//! where they belong, last the end. The guide says how to verify them in any language.

use domain::{
    Timestamp,
    audit::{Checkpoint, Link, Seal, Signature, hexadecimal},
};
use serde_json::{Value as Json, json};
use store::AuditRow;
use uuid::Uuid;

use super::rfc3339;

/// The version of the format.
const FORMAT: u64 = 1;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) audit: Uuid,
    /// Public keys of those who signed it; to be trusted only as far as the file is.
    pub(super) keys: Vec<[u8; 32]>,
    /// Number of the first entry.
    pub(super) first: u64,
    /// The hash before it.
    pub(super) previous: [u8; 32],
    /// What was looked for; then the entries stand alone, the latest first.
    pub(super) filter: Option<String>,
}

/// Any other line that is no entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    Checkpoint(Checkpoint),
    Seal(Seal),
    End(Link),
}

impl Header {
    pub(super) fn line(&self) -> String {
        let Self { audit, keys, first, previous, filter } = self;
        let keys: Vec<String> = keys.iter().map(|key| hexadecimal(key)).collect();
        let (keys, filter, previous) = (json!(keys), json!(filter), hexadecimal(previous));
        format!(
            r#"{{"gatepost_audit":{FORMAT},"audit":"{audit}","keys":{keys},"first":{first},"previous":"{previous}","filter":{filter}}}"#
        )
    }

    /// What a line says, if it is one that we write, to the letter.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        let json: Json = serde_json::from_slice(line).ok()?;
        let keys = json.get("keys")?.as_array()?.iter().map(|key| bytes(key.as_str()?));
        let header = Self {
            audit: json.get("audit")?.as_str()?.parse().ok()?,
            keys: keys.collect::<Option<_>>()?,
            first: json.get("first")?.as_u64()?,
            previous: bytes(json.get("previous")?.as_str()?)?,
            filter: json.get("filter")?.as_str().map(str::to_owned),
        };
        (header.line().as_bytes() == line).then_some(header)
    }
}

impl Line {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Checkpoint(Checkpoint { link, at, signature }) => {
                let (sequence, hash) = (link.sequence, hexadecimal(&link.hash));
                let (key, signed) = (hexadecimal(&signature.signer), hexadecimal(&signature.bytes));
                format!(
                    r#"{{"checkpoint":{{"sequence":{sequence},"hash":"{hash}","at":"{at}","key":"{key}","signature":"{signed}"}}}}"#
                )
            }
            Self::Seal(seal) => {
                let Seal { first, last, at, by, file, signature, .. } = seal;
                let (previous, hash) = (hexadecimal(&seal.previous), hexadecimal(&last.hash));
                let (key, signed) = (hexadecimal(&signature.signer), hexadecimal(&signature.bytes));
                let (last, by, file) = (last.sequence, json!(by), json!(file));
                format!(
                    r#"{{"seal":{{"first":{first},"previous":"{previous}","last":{last},"hash":"{hash}","at":"{at}","file":{file},"by":{by},"key":"{key}","signature":"{signed}"}}}}"#
                )
            }
            Self::End(link) => {
                let (sequence, hash) = (link.sequence, hexadecimal(&link.hash));
                format!(r#"{{"end":{{"last":{sequence},"hash":"{hash}"}}}}"#)
            }
        }
    }

    /// What a line says, if it is one that we write, to the letter.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        let json: Json = serde_json::from_slice(line).ok()?;
        let (kind, said) = json.as_object()?.iter().next()?;
        let text = |name: &str| said.get(name)?.as_str();
        let number = |name: &str| said.get(name)?.as_u64();
        let at = || text("at")?.parse::<Timestamp>().ok();
        let signature =
            || Some(Signature { signer: bytes(text("key")?)?, bytes: bytes(text("signature")?)? });
        let hash = bytes(text("hash")?)?;
        let read = match kind.as_str() {
            "checkpoint" => Self::Checkpoint(Checkpoint {
                link: Link { sequence: number("sequence")?, hash },
                at: at()?,
                signature: signature()?,
            }),
            "seal" => Self::Seal(Seal {
                first: number("first")?,
                previous: bytes(text("previous")?)?,
                last: Link { sequence: number("last")?, hash },
                at: at()?,
                by: text("by")?.to_owned(),
                file: text("file")?.to_owned(),
                signature: signature()?,
            }),
            "end" => Self::End(Link { sequence: number("last")?, hash }),
            _ => return None,
        };
        (read.text().as_bytes() == line).then_some(read)
    }
}

/// An entry as a line; with the hash before it where that does not stand in the line before.
pub(super) fn entry(row: &AuditRow, previous: Option<[u8; 32]>) -> String {
    let (sequence, hash) = (row.link.sequence, hexadecimal(&row.link.hash));
    let previous = previous.map(|hash| format!(r#""previous":"{}","#, hexadecimal(&hash)));
    let (previous, document) = (previous.unwrap_or_default(), &row.document);
    format!(r#"{{"sequence":{sequence},{previous}"hash":"{hash}","entry":{document}}}"#)
}

/// The names of the columns of a table of entries.
pub(super) const COLUMNS: [&str; 14] = [
    "sequence",
    "at",
    "actor_id",
    "actor",
    "source",
    "event",
    "target_kind",
    "target_id",
    "target",
    "reason",
    "ticket",
    "answer",
    "details",
    "hash",
];

/// An entry as a line of comma-separated values (RFC 4180).
pub(super) fn comma_separated(row: &AuditRow) -> String {
    let entry: Json = serde_json::from_str(&row.document).unwrap_or_default();
    let said = |path: &str| match entry.pointer(path) {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let fields = [
        row.link.sequence.to_string(),
        rfc3339(row.at),
        said("/actor/id"),
        said("/actor/name"),
        said("/source"),
        said("/event"),
        said("/target/kind"),
        said("/target/id"),
        said("/target/name"),
        said("/reason"),
        said("/ticket"),
        said("/answer"),
        said("/details"),
        hexadecimal(&row.link.hash),
    ];
    fields.map(|field| quoted(&field)).join(",")
}

/// A spreadsheet takes what begins with one of these for a formula, and does what it says. An
/// apostrophe before it makes a text of it; one that is there already gets another, so that taking
/// one away gives back what was written.
const FORMULA: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];

fn quoted(field: &str) -> String {
    let harmless = if field.starts_with(FORMULA) { "'" } else { "" };
    let field = format!("{harmless}{field}");
    if field.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}

/// Bytes of lower-case hexadecimal digits.
pub(super) fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    (hexadecimal(&bytes) == digits).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use domain::{PersonId, audit::Event};

    use super::*;

    #[test]
    fn no_field_of_a_table_begins_a_formula_and_every_one_can_be_had_back() {
        for evil in ["=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "a=1"] {
            let document = json!({"actor": {"id": "x", "name": evil}, "reason": evil});
            let row = AuditRow {
                link: Link { sequence: 1, hash: [0; 32] },
                at: Timestamp::UNIX_EPOCH,
                event: Event::SyncAsked,
                actor: PersonId::ENGINE,
                target: None,
                document: document.to_string(),
            };
            let line = comma_separated(&row);
            let field = line.split(',').nth(3).unwrap();
            let field = field.strip_prefix('"').map_or(field, |it| it.strip_suffix('"').unwrap());
            let first = field.chars().next().unwrap();
            assert!(first == '\'' || !FORMULA.contains(&first), "{line:?}");
            assert_eq!(field.strip_prefix('\'').unwrap_or(field), evil);
        }
    }
}
