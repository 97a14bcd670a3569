//! Who asks: the local administrator's token, and console sessions.

use domain::Caller;
use jiff::SignedDuration;
use sha2::{Digest as _, Sha256};

use crate::{Engine, Error, secrets};

/// The SHA-256 of a token. The token itself is never kept.
#[derive(Clone, Copy)]
pub(crate) struct TokenHash([u8; 32]);

impl TokenHash {
    pub(crate) fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// The hash of a configured token; an empty one is none.
    pub(crate) fn of_configured(token: &str) -> Option<Self> {
        (!token.is_empty()).then(|| Self::of(token))
    }

    /// Whether two hashes are equal, in the same time whatever they hold.
    fn equals(&self, other: &Self) -> bool {
        let difference = self.0.iter().zip(&other.0).fold(0, |sum, (a, b)| sum | (a ^ b));
        std::hint::black_box(difference) == 0
    }
}

/// How long a console session lasts: a working day.
const SESSION: SignedDuration = SignedDuration::from_hours(12);

impl Engine {
    /// The caller that a bearer token stands for; `None` if it is not known.
    pub async fn caller_of_token(&self, token: &str) -> Result<Option<Caller>, Error> {
        let hash = TokenHash::of(token);
        let is_admin = self.0.admin_token.as_ref().is_some_and(|known| known.equals(&hash));
        Ok(is_admin.then_some(Caller::LocalAdministrator))
    }

    /// Begins a console session for the holder of a token, and gives its id; `None` if the token is
    /// not known. The store keeps only a hash of the id.
    pub async fn sign_in(&self, token: &str) -> Result<Option<String>, Error> {
        if self.caller_of_token(token).await?.is_none() {
            return Ok(None);
        }
        let session: String =
            secrets::random_bytes::<32>().iter().map(|byte| format!("{byte:02x}")).collect();
        let now = self.now();
        self.store().add_session(&TokenHash::of(&session).0, now + SESSION, now).await?;
        Ok(Some(session))
    }

    /// The caller of a console session; `None` if it has ended.
    pub async fn caller_of_session(&self, session: &str) -> Result<Option<Caller>, Error> {
        let found = self.store().session(&TokenHash::of(session).0, self.now()).await?;
        Ok(found.map(|_| Caller::LocalAdministrator))
    }

    /// Ends a console session.
    pub async fn sign_out(&self, session: &str) -> Result<(), Error> {
        Ok(self.store().remove_session(&TokenHash::of(session).0).await?)
    }
}
