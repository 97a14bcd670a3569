//! Who is asking: the local administrator's token, and sessions of the console.

use std::{fmt::Write as _, time::Duration};

use domain::{Caller, PersonId, Source};
use sha2::{Digest as _, Sha256};
use store::Session;

use crate::{Engine, Error, secrets::random_bytes};

/// A session of the console ends after so long, whatever happens: a working day.
const SESSION_LENGTH: Duration = Duration::from_secs(12 * 3600);
/// Longest token that is looked at.
const MAX_TOKEN_BYTES: usize = 512;

impl Engine {
    /// The caller who holds this token, if it is one.
    pub async fn caller_of_token(&self, token: &str) -> Result<Option<Caller>, Error> {
        let known = &self.inner.options.admin_token;
        let is_known = !known.is_empty()
            && token.len() <= MAX_TOKEN_BYTES
            && equal(&digest(token), &digest(known));
        Ok(is_known.then(Caller::local_administrator))
    }

    /// Begins a session for the holder of this token; what it gives is the session's secret id.
    pub async fn sign_in(&self, token: &str) -> Result<Option<String>, Error> {
        let Some(caller) = self.caller_of_token(token).await? else { return Ok(None) };
        let session = random_bytes::<32>().iter().fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        let now = self.now();
        let kept = Session { person: caller.person, expires: now + SESSION_LENGTH };
        self.store().add_session(&digest(&session), kept, now).await?;
        Ok(Some(session))
    }

    /// The caller behind a session, if it has not ended.
    pub async fn caller_of_session(&self, session: &str) -> Result<Option<Caller>, Error> {
        if session.len() > MAX_TOKEN_BYTES {
            return Ok(None);
        }
        let found = self.store().session(&digest(session), self.now()).await?;
        let is_known = found.is_some_and(|it| it.person == PersonId::LOCAL_ADMINISTRATOR);
        Ok(is_known.then(|| Caller::local_administrator().by(Source::Console)))
    }

    /// Ends a session.
    pub async fn sign_out(&self, session: &str) -> Result<(), Error> {
        Ok(self.store().remove_session(&digest(session)).await?)
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Compares without telling by time where the difference is.
fn equal(left: &[u8; 32], right: &[u8; 32]) -> bool {
    left.iter().zip(right).fold(0, |difference, (l, r)| difference | (l ^ r)) == 0
}
