//! Secrets at rest: sealed so that a copy of the database alone opens nothing.

use std::sync::{Arc, PoisonError, RwLock};

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use domain::ConnectorId;
use exchange::Secret;
use rand::{TryRng as _, rngs::SysRng};

use crate::data_key::{DataKey, KeyId};

/// What a connector signs in with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ConnectorSecrets {
    pub(crate) password: Option<Secret>,
    pub(crate) proxy_password: Option<Secret>,
    pub(crate) notification_password: Option<Secret>,
    /// Certificate and key of an application, PEM.
    pub(crate) certificate: Option<Secret>,
    /// Client secret of an application.
    pub(crate) client_secret: Option<Secret>,
    /// What a person's sign-in with a code left.
    pub(crate) refresh_token: Option<Secret>,
}

/// Seals secrets with the data key, and opens what was sealed with it or with the one before.
///
/// Sealed bytes are: id of the key (4), nonce (24), XChaCha20-Poly1305 of the secret. The name of the
/// row it is kept in is authenticated along, so that a secret moved to another row does not open.
pub(crate) struct Secrets(RwLock<Ring>);

/// The keys at hand.
#[derive(Clone)]
struct Ring {
    current: Arc<Sealer>,
    previous: Option<Arc<Sealer>>,
}

struct Sealer {
    cipher: XChaCha20Poly1305,
    key: KeyId,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

const NONCE_BYTES: usize = 24;

/// Why sealed secrets do not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OpenError {
    #[error(
        "the secret was sealed with another data key; restore the key, or give the secret anew"
    )]
    OtherKey,
    #[error("the sealed secret is damaged or belongs to another row; give the secret anew")]
    Damaged,
}

impl Sealer {
    fn new(key: &DataKey) -> Self {
        Self { cipher: XChaCha20Poly1305::new(key.bytes().into()), key: key.id() }
    }
}

impl Secrets {
    pub(crate) fn new(current: &DataKey, previous: Option<&DataKey>) -> Self {
        // The same key twice is what a change that was cut at once leaves behind.
        let previous = previous.filter(|key| key.id() != current.id());
        let sealer = |key| Arc::new(Sealer::new(key));
        Self(RwLock::new(Ring { current: sealer(current), previous: previous.map(sealer) }))
    }

    /// Seals with another key from now on. What was sealed before still opens.
    pub(crate) fn go_over_to(&self, key: &DataKey) {
        let mut ring = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if ring.current.key != key.id() {
            let before = std::mem::replace(&mut ring.current, Arc::new(Sealer::new(key)));
            ring.previous = Some(before);
        }
    }

    /// Id of the key that seals, and of the one before.
    pub(crate) fn keys(&self) -> (KeyId, Option<KeyId>) {
        let ring = self.ring();
        (ring.current.key, ring.previous.map(|previous| previous.key))
    }

    fn ring(&self) -> Ring {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Seals a secret for the row of this name.
    pub(crate) fn seal(&self, row: &str, plain: &[u8]) -> anyhow::Result<Vec<u8>> {
        let Sealer { cipher, key } = &*self.ring().current;
        let nonce: [u8; NONCE_BYTES] = random_bytes();
        let payload = Payload { msg: plain, aad: row.as_bytes() };
        let sealed = cipher.encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| anyhow::anyhow!("sealing a secret failed"))?;
        Ok([key.bytes().as_slice(), &nonce, &sealed].concat())
    }

    /// Opens what was sealed for the row of this name. To be wiped after use.
    pub(crate) fn open(&self, row: &str, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (key, rest) = KeyId::split_off(sealed).ok_or(OpenError::Damaged)?;
        let ring = self.ring();
        let mut sealers = std::iter::once(ring.current).chain(ring.previous);
        let sealer = sealers.find(|sealer| sealer.key == key).ok_or(OpenError::OtherKey)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(OpenError::Damaged)?;
        let payload = Payload { msg: sealed, aad: row.as_bytes() };
        sealer.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| OpenError::Damaged)
    }
}

impl ConnectorSecrets {
    pub(crate) fn seal(
        &self,
        secrets: &Secrets,
        connector: ConnectorId,
    ) -> anyhow::Result<Vec<u8>> {
        let reveal = |secret: &Option<Secret>| secret.as_ref().map(|s| s.reveal().to_owned());
        let all = [
            &self.password,
            &self.proxy_password,
            &self.notification_password,
            &self.certificate,
            &self.client_secret,
            &self.refresh_token,
        ];
        let all = all.map(reveal);
        let mut plain = serde_json::to_vec(&all)?;
        drop(all.map(|secret| secret.map(Secret::new)));
        let sealed = secrets.seal(&row(connector), &plain);
        wipe(&mut plain);
        sealed
    }

    pub(crate) fn open(
        secrets: &Secrets,
        connector: ConnectorId,
        sealed: &[u8],
    ) -> Result<Self, OpenError> {
        let mut plain = secrets.open(&row(connector), sealed)?;
        // A list, so that there may be more of them one day: what was sealed before is shorter.
        let read = serde_json::from_slice::<Vec<Option<String>>>(&plain);
        wipe(&mut plain);
        let mut read = read.map_err(|_| OpenError::Damaged)?.into_iter();
        let mut next = || read.next().flatten().map(Secret::new);
        Ok(Self {
            password: next(),
            proxy_password: next(),
            notification_password: next(),
            certificate: next(),
            client_secret: next(),
            refresh_token: next(),
        })
    }
}

/// Bytes that nobody can guess.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SysRng.try_fill_bytes(&mut bytes).expect("the system has a source of chance");
    bytes
}

fn row(connector: ConnectorId) -> String {
    format!("connector/{connector}/secret")
}

/// Leaves nothing of a secret in memory that is given back.
pub(crate) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    // Without this the compiler may see that nobody reads the zeros and leave them out.
    std::hint::black_box(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> ConnectorSecrets {
        ConnectorSecrets {
            password: Some(Secret::new("Pa55word! \u{1F511}")),
            proxy_password: None,
            notification_password: Some(Secret::new("Brief!")),
            client_secret: Some(Secret::new("Cl1ent")),
            ..ConnectorSecrets::default()
        }
    }

    #[test]
    fn what_was_sealed_opens_again_and_shows_nothing() {
        let vault = Secrets::new(&DataKey::from([7; 32]), None);
        let id = ConnectorId(uuid::Uuid::from_u128(1));
        let sealed = secrets().seal(&vault, id).unwrap();
        assert_eq!(ConnectorSecrets::open(&vault, id, &sealed), Ok(secrets()));
        assert_ne!(sealed, secrets().seal(&vault, id).unwrap());
        assert!(!String::from_utf8_lossy(&sealed).contains("Pa55"));
        assert!(!format!("{:?}", secrets()).contains("Pa55"));
        let of_before = br#"["old",null,"mail"]"#;
        let sealed = vault.seal(&row(id), of_before).unwrap();
        let opened = ConnectorSecrets::open(&vault, id, &sealed).unwrap();
        assert_eq!(opened.password, Some(Secret::new("old")));
        assert_eq!(opened.certificate, None, "sealed before there were certificates");
    }

    #[test]
    fn another_row_another_key_and_damage_do_not_open() {
        let vault = Secrets::new(&DataKey::from([7; 32]), None);
        let id = ConnectorId(uuid::Uuid::from_u128(1));
        let sealed = secrets().seal(&vault, id).unwrap();
        let other = ConnectorId(uuid::Uuid::from_u128(2));
        let open = |vault: &Secrets, id, sealed: &[u8]| ConnectorSecrets::open(vault, id, sealed);
        assert_eq!(open(&vault, other, &sealed), Err(OpenError::Damaged));
        assert_eq!(
            open(&Secrets::new(&DataKey::from([8; 32]), None), id, &sealed),
            Err(OpenError::OtherKey)
        );
        let both = Secrets::new(&DataKey::from([8; 32]), Some(&DataKey::from([7; 32])));
        assert_eq!(open(&both, id, &sealed), Ok(secrets()));
        for cut in [0, 3, 4, 27, 28, sealed.len() - 1] {
            assert_eq!(open(&vault, id, &sealed[..cut]), Err(OpenError::Damaged));
        }
    }
}
