//! Ed25519 over what the checkpoints and seals of the audit state.

use domain::{
    Timestamp,
    audit::{Checkpoint, Link, Seal, Signature},
};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use uuid::Uuid;

/// The key that vouches for the audit. Whoever holds the database but not this key cannot write the
/// audit anew. It prints as nothing.
#[derive(Clone)]
pub struct AuditKey(SigningKey);

impl std::fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuditKey")
    }
}

impl AuditKey {
    /// The key of these secret bytes.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(secret))
    }

    /// Its public half, for those who verify.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Signs a link of the chain.
    #[must_use]
    pub fn checkpoint(&self, audit: Uuid, link: Link, at: Timestamp) -> Checkpoint {
        let at = to_the_millisecond(at);
        let signature = self.sign(&Checkpoint::statement(audit, link, at));
        Checkpoint { link, at, signature }
    }

    /// Signs the seal of a closed part; the signature that it holds already is replaced.
    #[must_use]
    pub fn seal(&self, audit: Uuid, seal: Seal) -> Seal {
        let seal = Seal { at: to_the_millisecond(seal.at), ..seal };
        Seal { signature: self.sign(&seal.statement(audit)), ..seal }
    }

    fn sign(&self, statement: &str) -> Signature {
        Signature { signer: self.public(), bytes: self.0.sign(statement.as_bytes()).to_bytes() }
    }
}

/// Whether a signature is of this statement. Whether the signer is to be trusted is another question.
#[must_use]
pub fn is_signed(statement: &str, signature: &Signature) -> bool {
    let signed = ed25519_dalek::Signature::from_bytes(&signature.bytes);
    VerifyingKey::from_bytes(&signature.signer)
        .is_ok_and(|key| key.verify_strict(statement.as_bytes(), &signed).is_ok())
}

/// As the store keeps it: what is signed must read the same afterwards.
fn to_the_millisecond(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}
