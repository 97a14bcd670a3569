//! The key itself, and what it is called.

use std::{fmt, sync::Arc};

use sha2::{Digest as _, Sha256};

use crate::secrets::wipe;

/// A key that secrets are sealed with. Prints as its id, and is wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct DataKey([u8; Self::BYTES]);

/// Tells one key from another; says nothing about the key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; Self::BYTES]);

/// Makes a new key where the current one is kept.
#[derive(Clone)]
pub struct KeyMaker {
    /// Makes it. The current one is kept beside it first, so that a start after a crash finds both.
    pub make: Arc<dyn Fn() -> anyhow::Result<DataKey> + Send + Sync>,
    /// Where the current one is kept then.
    pub keeps_in: String,
}

/// The keys that a server is started with.
#[derive(Clone)]
pub struct DataKeys {
    /// Seals and opens.
    pub current: DataKey,
    /// Opens what was sealed before the current one came.
    pub previous: Option<DataKey>,
    /// Where the current one comes from, for people: a path, a variable.
    pub origin: String,
    /// Makes another one there; `None` where only people can put one.
    pub maker: Option<KeyMaker>,
}

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not {} bytes, as they are or in hexadecimal or base64", DataKey::BYTES)]
pub struct InvalidKey;

impl DataKey {
    /// Length: ChaCha20-Poly1305's.
    pub const BYTES: usize = 32;

    /// A new one, that nobody can guess.
    #[must_use]
    pub fn random() -> Self {
        Self(crate::secrets::random_bytes())
    }

    /// Reads a key: its bytes as they are, or as text in hexadecimal or base64 with blanks around.
    pub fn parse(content: &[u8]) -> Result<Self, InvalidKey> {
        if let Ok(bytes) = content.try_into() {
            return Ok(Self(bytes));
        }
        let text = str::from_utf8(content).map_err(|_| InvalidKey)?.trim();
        let mut bytes = from_hexadecimal(text).or_else(|| from_base64(text)).ok_or(InvalidKey)?;
        let key = bytes.as_slice().try_into().map(Self);
        wipe(&mut bytes);
        key.map_err(|_| InvalidKey)
    }

    /// What it is called.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let digest = Sha256::new().chain_update(b"gatepost data key id").chain_update(self.0);
        let mut id = [0; KeyId::BYTES];
        id.iter_mut().zip(digest.finalize()).for_each(|(to, from)| *to = from);
        KeyId(id)
    }

    /// The bytes, for whoever keeps them or seals with them.
    #[must_use]
    pub fn bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl From<[u8; Self::BYTES]> for DataKey {
    fn from(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }
}

impl Drop for DataKey {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey {}", self.id())
    }
}

impl KeyId {
    pub(crate) const BYTES: usize = 4;

    pub(crate) fn bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// The id at the beginning of sealed bytes, and the rest of them.
    pub(crate) fn split_off(sealed: &[u8]) -> Option<(Self, &[u8])> {
        sealed.split_first_chunk().map(|(id, rest)| (Self(*id), rest))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<[u8; DataKey::BYTES]> for DataKeys {
    /// One key, given by who starts the engine.
    fn from(bytes: [u8; DataKey::BYTES]) -> Self {
        let origin = "whoever started the engine".to_owned();
        Self { current: bytes.into(), previous: None, origin, maker: None }
    }
}

impl fmt::Debug for DataKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { current, previous, origin, .. } = self;
        let mut keys = f.debug_struct("DataKeys");
        keys.field("current", current).field("previous", previous).field("origin", origin);
        keys.finish_non_exhaustive()
    }
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn from_hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit = |c: &u8| char::from(*c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_bytes_hexadecimal_or_base64() {
        let key = DataKey::from([0xab; 32]);
        let hexadecimal = "ab".repeat(32);
        let base64 = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=";
        for content in [
            [0xab; 32].to_vec(),
            hexadecimal.clone().into_bytes(),
            format!(" {}\n", hexadecimal.to_uppercase()).into_bytes(),
            base64.into(),
            format!("{base64}\r\n").into_bytes(),
        ] {
            assert_eq!(DataKey::parse(&content), Ok(key.clone()));
        }
        for wrong in ["", "ab", &"ab".repeat(31), &"ab".repeat(33), &"xy".repeat(32), "q6ur"] {
            assert_eq!(DataKey::parse(wrong.as_bytes()), Err(InvalidKey), "{wrong:?}");
        }
        assert_eq!(DataKey::parse(&[0xff; 31]), Err(InvalidKey));
    }

    #[test]
    fn a_key_shows_nothing_but_its_id() {
        let key = DataKey::from([0xab; 32]);
        let shown = format!("{:?} {:?}", key, DataKeys::from([0xab; 32]));
        assert!(shown.contains(&key.id().to_string()));
        assert!(!shown.to_lowercase().contains("abab") && !shown.contains("171, 171"), "{shown}");
        assert_ne!(DataKey::random().id(), DataKey::random().id());
    }
}
