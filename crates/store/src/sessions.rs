//! Signed-in browsers. Only hashes of their tokens are kept.

use domain::Timestamp;

use crate::{Error, Store};

/// A signed-in browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// When it ends by itself.
    pub expires: Timestamp,
}

impl Store {
    /// Keeps a session by the hash of its token, and forgets those that ended before `now`.
    pub async fn add_session(
        &self,
        hash: &[u8],
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<(), Error> {
        todo!("{hash:?}{expires}{now}")
    }

    /// The session with this hash, unless it ended before `now`.
    pub async fn session(&self, hash: &[u8], now: Timestamp) -> Result<Option<Session>, Error> {
        todo!("{hash:?}{now}")
    }

    /// Ends a session.
    pub async fn remove_session(&self, hash: &[u8]) -> Result<(), Error> {
        todo!("{hash:?}")
    }
}
