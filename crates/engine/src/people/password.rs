//! Passwords as hashes: argon2id, with how each was made beside it.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use tokio::sync::Semaphore;

use crate::{Error, secrets::random_bytes};

/// Memory of one hash, in KiB: what OWASP's cheat sheet on password storage asks for with two passes
/// and one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Hashes that are worked on at once: each holds its memory and a whole core.
const AT_ONCE: usize = 2;
const SALT_BYTES: usize = 16;

/// Where passwords are hashed: a few at a time, so that many who try do not take all memory.
#[derive(Debug, Clone)]
pub(crate) struct Hashing(Arc<Semaphore>);

impl Default for Hashing {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Hashing {
    /// The hash of a new password, with how it was made.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, Error> {
        let password = password.to_owned();
        let salt = random_bytes::<SALT_BYTES>();
        let hashed = self.work(move || {
            let hashed = argon2().hash_password_with_salt(password.as_bytes(), &salt);
            hashed.map(|hash| hash.to_string())
        });
        hashed.await?.map_err(|error| anyhow::anyhow!("hashing a password: {error}").into())
    }

    /// Whether a password is the one that was hashed. Without a hash it takes as long, and is not.
    pub(crate) async fn is_right(
        &self,
        password: &str,
        hash: Option<String>,
    ) -> Result<bool, Error> {
        let password = password.to_owned();
        let is_right = self.work(move || {
            let Some(hash) = hash else {
                // Nobody learns by the time it takes whether there is such a user.
                let worked =
                    argon2().hash_password_with_salt(password.as_bytes(), &[0; SALT_BYTES]);
                std::hint::black_box(worked.is_ok());
                return false;
            };
            argon2().verify_password(password.as_bytes(), hash.as_str()).is_ok()
        });
        is_right.await
    }

    async fn work<T: Send + 'static>(
        &self,
        hashing: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let turn = Arc::clone(&self.0).acquire_owned().await;
        let turn = turn.map_err(|_| Error::Unavailable("the engine has stopped".to_owned()))?;
        let done = tokio::task::spawn_blocking(move || {
            let done = hashing();
            drop(turn);
            done
        });
        done.await.map_err(|error| Error::Internal(anyhow::Error::new(error)))
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the parameters are allowed");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_says_how_it_was_made_and_no_two_are_the_same() {
        let hashing = Hashing::default();
        let hash = hashing.hash("correct horse battery").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, hashing.hash("correct horse battery").await.unwrap());
        let is_right = async |password, hash| hashing.is_right(password, hash).await.unwrap();
        assert!(is_right("correct horse battery", Some(hash.clone())).await);
        assert!(!is_right("correct horse Battery", Some(hash)).await);
        assert!(!is_right("correct horse battery", None).await);
        assert!(!is_right("x", Some("no hash".to_owned())).await);
        // One that was made with less is still read.
        let weaker =
            Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, None).unwrap());
        let old = weaker.hash_password_with_salt(b"old", b"saltsaltsalt").unwrap().to_string();
        assert!(is_right("old", Some(old)).await);
    }
}
