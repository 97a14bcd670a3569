//! Verifies an export: offline, line by line, in flat memory.

use std::io::{BufRead, Read as _};

use domain::{
    Timestamp,
    audit::{Checkpoint, Link, Seal, hexadecimal},
};
use uuid::Uuid;

use super::{
    format::{Header, Line, bytes},
    is_signed,
};

/// Longest line that is looked at: some dozens of texts as long as any that is kept.
const MAX_LINE_BYTES: u64 = 1024 * 1024;

/// What is known of an audit before its export is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// Public keys that are trusted; without any, those that the export names.
    pub keys: Vec<[u8; 32]>,
    /// A link that must be in the chain.
    pub link: Option<Link>,
}

/// What was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Id of the audit.
    pub audit: Uuid,
    /// Entries seen.
    pub entries: u64,
    /// Entries of closed parts, for which their seals stand.
    pub closed: u64,
    /// Where it ends.
    pub last: Link,
    /// Checkpoints seen.
    pub checkpoints: u64,
    /// The last entry that a signature covers, and when it was signed.
    pub signed: Option<(u64, Timestamp)>,
    /// The keys that signed it.
    pub keys: Vec<[u8; 32]>,
    /// Whether the export holds only what was looked for: then nothing is known of what is missing.
    pub is_filtered: bool,
}

/// Where an export is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}{}: {what}", sequence.map(|it| format!(" (entry {it})")).unwrap_or_default())]
pub struct Broken {
    /// Number of the line, from 1.
    pub line: u64,
    /// Number of the entry that should stand there.
    pub sequence: Option<u64>,
    /// What differs.
    pub what: String,
}

/// Why an export could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It is not what was written.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// It cannot be read.
    #[error("reading the export: {0}")]
    Unreadable(#[from] std::io::Error),
}

/// Verifies a whole export.
pub fn verify(mut export: impl BufRead, expected: Expected) -> Result<Verified, VerifyError> {
    let mut verifier = Verifier::new(expected);
    let mut line = Vec::new();
    loop {
        line.clear();
        export.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(verifier.finish()?);
        }
        verifier.line(&line)?;
    }
}

/// Verifies an export that comes line by line.
#[derive(Debug)]
pub struct Verifier {
    expected: Expected,
    header: Option<Header>,
    lines: u64,
    link: Link,
    verified: Option<Verified>,
    has_ended: bool,
    has_seen_expected: bool,
}

impl Verifier {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new(expected: Expected) -> Self {
        Self {
            expected,
            header: None,
            lines: 0,
            link: Link { sequence: 0, hash: [0; 32] },
            verified: None,
            has_ended: false,
            has_seen_expected: false,
        }
    }

    /// Takes a line, with the line break at its end.
    pub fn line(&mut self, line: &[u8]) -> Result<(), Broken> {
        self.lines += 1;
        self.looked_at(line).map_err(|what| {
            let sequence = self.header.is_some().then(|| match self.is_filtered() {
                true => numbered(line).unwrap_or_default(),
                false => self.link.sequence + 1,
            });
            Broken { line: self.lines, sequence, what }
        })
    }

    /// What was verified, once everything was seen.
    pub fn finish(mut self) -> Result<Verified, Broken> {
        let (line, sequence) = (self.lines + 1, Some(self.link.sequence + 1));
        let broken = |what: &str| Broken { line, sequence, what: what.to_owned() };
        let verified = self.verified.take().ok_or_else(|| Broken {
            line: 1,
            sequence: None,
            what: "the file is empty".to_owned(),
        })?;
        if !self.has_ended {
            return Err(broken("the export ends here without its last line: it was cut"));
        }
        if self.expected.link.is_some() && !self.has_seen_expected {
            return Err(broken("the entry that is known to exist is not in the export"));
        }
        Ok(verified)
    }

    fn is_filtered(&self) -> bool {
        self.header.as_ref().is_some_and(|header| header.filter.is_some())
    }

    fn looked_at(&mut self, line: &[u8]) -> Result<(), String> {
        let line = line
            .strip_suffix(b"\n")
            .ok_or("the line has no end: the file was cut, or the line is too long")?;
        if self.has_ended {
            return Err("there is more after the last line".to_owned());
        }
        if self.header.is_none() {
            return self.begin(line);
        }
        if line.starts_with(ENTRY) {
            return if self.is_filtered() { self.lone_entry(line) } else { self.entry(line) };
        }
        match Line::of(line) {
            Some(Line::End(link)) => self.end(link),
            Some(Line::Checkpoint(checkpoint)) => self.checkpoint(&checkpoint),
            Some(Line::Seal(seal)) => self.seal(&seal),
            None => Err("the line is not one that Gatepost writes".to_owned()),
        }
    }

    fn begin(&mut self, line: &[u8]) -> Result<(), String> {
        let header = Header::of(line).ok_or("this is not the beginning of an export")?;
        if header.first == 0 {
            return Err("the first entry has no number".to_owned());
        }
        let trusted = &self.expected.keys;
        if !trusted.is_empty() && header.keys.iter().any(|key| !trusted.contains(key)) {
            return Err("the export names a key that is not trusted".to_owned());
        }
        self.link = Link { sequence: header.first - 1, hash: header.previous };
        if header.first == 1 && self.link != Link::before_all(header.audit) {
            return Err("the beginning of the chain is not that of this audit".to_owned());
        }
        self.verified = Some(Verified {
            audit: header.audit,
            entries: 0,
            closed: 0,
            last: self.link,
            checkpoints: 0,
            signed: None,
            keys: Vec::new(),
            is_filtered: header.filter.is_some(),
        });
        self.header = Some(header);
        Ok(())
    }

    /// An entry of the chain.
    fn entry(&mut self, line: &[u8]) -> Result<(), String> {
        let next = self.link.sequence + 1;
        let (sequence, rest) = number_of(line).ok_or(MALFORMED)?;
        if sequence != next {
            return Err(format!("entry {next} is missing: entry {sequence} stands in its place"));
        }
        let (hash, document) = after_hash(rest).ok_or(MALFORMED)?;
        let link = self.link.next(document);
        if !is_hexadecimal_of(hash, &link.hash) {
            return Err(DIFFERS.to_owned());
        }
        self.link = link;
        self.count(link)
    }

    /// An entry that stands without the one before it.
    fn lone_entry(&mut self, line: &[u8]) -> Result<(), String> {
        let (sequence, rest) = number_of(line).ok_or(MALFORMED)?;
        let rest = rest.strip_prefix(PREVIOUS).ok_or(MALFORMED)?;
        let (previous, rest) = rest.split_at_checked(64).ok_or(MALFORMED)?;
        let previous = std::str::from_utf8(previous).ok().and_then(bytes).ok_or(MALFORMED)?;
        let (hash, document) =
            after_hash(rest.strip_prefix(b"\"").ok_or(MALFORMED)?).ok_or(MALFORMED)?;
        let entries = self.verified.as_ref().map_or(0, |verified| verified.entries);
        if sequence == 0 || entries > 0 && sequence >= self.link.sequence {
            return Err("the entries are not in their order, the latest first".to_owned());
        }
        let link = Link { sequence: sequence - 1, hash: previous }.next(document);
        if !is_hexadecimal_of(hash, &link.hash) {
            return Err(DIFFERS.to_owned());
        }
        self.link = link;
        self.count(link)
    }

    fn count(&mut self, link: Link) -> Result<(), String> {
        if let Some(verified) = &mut self.verified {
            verified.entries += 1;
            verified.last = link;
        }
        self.compare(link)
    }

    /// Compares with what is known from elsewhere.
    fn compare(&mut self, link: Link) -> Result<(), String> {
        match self.expected.link {
            Some(expected) if expected.sequence == link.sequence => {
                self.has_seen_expected = true;
                if expected.hash == link.hash {
                    return Ok(());
                }
                Err("the entry is not the one that is known by this number".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), String> {
        let (audit, last) = self.chain()?;
        if checkpoint.link != last {
            return Err(format!(
                "the checkpoint of entry {} does not fit the entry before it",
                checkpoint.link.sequence
            ));
        }
        let statement = Checkpoint::statement(audit, checkpoint.link, checkpoint.at);
        self.trust(&statement, &checkpoint.signature)?;
        if let Some(verified) = &mut self.verified {
            verified.checkpoints += 1;
            verified.signed = Some((checkpoint.link.sequence, checkpoint.at));
        }
        Ok(())
    }

    fn seal(&mut self, seal: &Seal) -> Result<(), String> {
        let (audit, before) = self.chain()?;
        if seal.first != before.sequence + 1 || seal.previous != before.hash {
            return Err("the closed part does not follow what stands before it".to_owned());
        }
        if seal.last.sequence < seal.first {
            return Err("the closed part ends before it begins".to_owned());
        }
        self.trust(&seal.statement(audit), &seal.signature)?;
        self.link = seal.last;
        if let Some(verified) = &mut self.verified {
            verified.closed += seal.last.sequence - seal.first + 1;
            verified.last = seal.last;
            verified.signed = Some((seal.last.sequence, seal.at));
        }
        self.compare(seal.last)
    }

    /// The audit and its last link, where there is a chain.
    fn chain(&self) -> Result<(Uuid, Link), String> {
        match &self.header {
            Some(header) if header.filter.is_none() => Ok((header.audit, self.link)),
            _ => Err("an export of some entries has no such line".to_owned()),
        }
    }

    fn trust(
        &mut self,
        statement: &str,
        signature: &domain::audit::Signature,
    ) -> Result<(), String> {
        let named = self.header.as_ref().map_or(&[][..], |header| &header.keys);
        let trusted = if self.expected.keys.is_empty() { named } else { &self.expected.keys };
        if !trusted.contains(&signature.signer) {
            let signer = hexadecimal(&signature.signer);
            return Err(format!("it is signed with the key {signer}, which is not trusted"));
        }
        if !is_signed(statement, signature) {
            return Err("the signature is not of this".to_owned());
        }
        if let Some(verified) = &mut self.verified
            && !verified.keys.contains(&signature.signer)
        {
            verified.keys.push(signature.signer);
        }
        Ok(())
    }

    fn end(&mut self, link: Link) -> Result<(), String> {
        if link != self.link {
            return Err(format!("the export should end with entry {}", link.sequence));
        }
        self.has_ended = true;
        Ok(())
    }
}

const ENTRY: &[u8] = b"{\"sequence\":";
const PREVIOUS: &[u8] = b",\"previous\":\"";
const HASH: &[u8] = b",\"hash\":\"";
const DOCUMENT: &[u8] = b"\",\"entry\":";
const MALFORMED: &str = "the line is not one that Gatepost writes";
const DIFFERS: &str =
    "the entry, or one before it, is not the one that was written: its hash differs";

/// The number of an entry, and what follows it.
fn number_of(line: &[u8]) -> Option<(u64, &[u8])> {
    let rest = line.strip_prefix(ENTRY)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = rest.split_at(digits);
    if digits.is_empty() || digits.len() > 19 || digits.starts_with(b"0") {
        return None;
    }
    let add = |number: u64, digit: &u8| number * 10 + u64::from(digit - b'0');
    Some((digits.iter().fold(0, add), rest))
}

fn numbered(line: &[u8]) -> Option<u64> {
    number_of(line).map(|(number, _)| number)
}

/// The hash of an entry in digits, and its document.
fn after_hash(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let (hash, rest) = rest.strip_prefix(HASH)?.split_at_checked(64)?;
    let document = rest.strip_prefix(DOCUMENT)?.strip_suffix(b"}")?;
    Some((hash, document))
}

/// Whether these digits are those bytes, without making a text of them.
fn is_hexadecimal_of(digits: &[u8], bytes: &[u8; 32]) -> bool {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    digits.len() == 64
        && digits.chunks_exact(2).zip(bytes).all(|(pair, byte)| {
            pair[0] == DIGITS[usize::from(byte >> 4)] && pair[1] == DIGITS[usize::from(byte & 15)]
        })
}
