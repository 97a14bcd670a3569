//! What vouches for the chain: signed checkpoints, and seals of parts that were closed.

use jiff::Timestamp;
use uuid::Uuid;

use super::Link;

/// An Ed25519 signature, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// The public key that it can be verified with.
    pub signer: [u8; 32],
    /// RFC 8032.
    pub bytes: [u8; 64],
}

/// A link of the chain that was signed: nobody without the key can write the chain anew up to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Up to where.
    pub link: Link,
    /// When.
    pub at: Timestamp,
    /// Of [`Checkpoint::statement`].
    pub signature: Signature,
}

impl Checkpoint {
    /// What is signed: lines of text, so that anybody can make them in any language.
    #[must_use]
    pub fn statement(audit: Uuid, link: Link, at: Timestamp) -> String {
        let (sequence, hash) = (link.sequence, hexadecimal(&link.hash));
        format!("gatepost audit checkpoint\n{audit}\n{sequence}\n{hash}\n{at}")
    }
}

/// What stays of a part of the audit that was closed: its entries are in a file, and the chain goes
/// on from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Number of its first entry.
    pub first: u64,
    /// The hash before that entry.
    pub previous: [u8; 32],
    /// Its last entry.
    pub last: Link,
    /// When it was closed.
    pub at: Timestamp,
    /// By whom, as people know them.
    pub by: String,
    /// Name of the file that holds its entries.
    pub file: String,
    /// Of [`Seal::statement`].
    pub signature: Signature,
}

impl Seal {
    /// What is signed.
    #[must_use]
    pub fn statement(&self, audit: Uuid) -> String {
        let Self { first, last, at, file, by, .. } = self;
        let (previous, hash) = (hexadecimal(&self.previous), hexadecimal(&last.hash));
        let last = last.sequence;
        format!(
            "gatepost audit seal\n{audit}\n{first}\n{previous}\n{last}\n{hash}\n{at}\n{file}\n{by}"
        )
    }
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |nibble: u8| DIGITS[usize::from(nibble & 15)];
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}
