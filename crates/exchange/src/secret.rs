//! What proves who we are, kept out of every log.

use std::fmt;

/// A text nobody may see: prints as nothing and is wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text in.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Hand it to the one who needs it; do not keep it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.0).into_bytes();
        bytes.fill(0);
        // Without this the compiler may see that nobody reads the zeros and leave them out.
        std::hint::black_box(&bytes);
    }
}

/// How a connector proves who it is. The user name is in the endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A password.
    Password(Secret),
    /// The keytab file that the endpoint names.
    Keytab,
    /// The system's credential cache; needs the feature `gssapi`.
    CredentialCache,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_nothing() {
        let credential = Credential::Password(Secret::new("hunter2"));
        assert_eq!(format!("{credential:?}"), "Password(Secret)");
    }
}
