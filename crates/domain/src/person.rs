//! People: who can sign in, and by which way they are known.

use jiff::Timestamp;

use crate::{PersonId, authority::GroupName};

/// Somebody who can sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// For ever.
    pub id: PersonId,
    /// By which way they are known.
    pub origin: Origin,
    /// What they are called in lists, records and on the command line.
    pub name: String,
    /// As colleagues know them.
    pub display_name: Option<String>,
    /// Address for mail.
    pub address: Option<String>,
    /// What their provider said at the last sign-in. Local people are in no group.
    pub groups: Vec<String>,
    /// Whether they are kept out.
    pub is_disabled: bool,
    /// When they were added, or first came.
    pub created: Timestamp,
    /// When they last signed in.
    pub last_sign_in: Option<Timestamp>,
}

/// By which way a person is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Origin {
    /// By a user name and a password that Gatepost keeps.
    Local,
    /// By another that vouches for them.
    Provider {
        /// Name of the provider.
        provider: String,
        /// The provider's own id of the person, for ever.
        subject: String,
    },
}

impl Person {
    /// What names them on the command line and in the API: their user name, or for those whom a
    /// provider vouches for, the provider and the name.
    #[must_use]
    pub fn handle(&self) -> String {
        match &self.origin {
            Origin::Local => self.name.clone(),
            Origin::Provider { provider, .. } => format!("{provider}:{}", self.name),
        }
    }

    /// The groups that roles can be assigned to.
    pub fn group_names(&self) -> impl Iterator<Item = GroupName> {
        let provider = match &self.origin {
            Origin::Local => None,
            Origin::Provider { provider, .. } => Some(provider),
        };
        provider.into_iter().flat_map(|provider| {
            let named = |group: &String| GroupName::new(provider, group);
            self.groups.iter().filter_map(named)
        })
    }
}

/// Name that a local user signs in with: 1 to 64 letters, digits and `.`, `_`, `-`, `@`, beginning
/// with a letter or digit. Its case is kept, and does not tell two users apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserName(String);

/// Why a text is no user name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no user name: 1 to 64 letters, digits and any of . _ - @, beginning with a letter or \
     digit"
)]
pub struct InvalidUserName(String);

impl UserName {
    /// Longest name, in characters: what Active Directory allows for the part before the `@`.
    pub const MAX_LENGTH: usize = 64;

    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, InvalidUserName> {
        let is_name = text.chars().count() <= Self::MAX_LENGTH
            && text.starts_with(char::is_alphanumeric)
            && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@'));
        if is_name { Ok(Self(text.to_owned())) } else { Err(InvalidUserName(text.to_owned())) }
    }

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same for every way of writing the name.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl std::fmt::Display for UserName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Shortest password, in characters. Length is what keeps a password from being found.
pub const MIN_PASSWORD_CHARACTERS: usize = 12;
/// Longest password, in bytes: hashing takes as long as the password is.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// Why a password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Too short.
    #[error("the password is shorter than {MIN_PASSWORD_CHARACTERS} characters; take a longer one")]
    TooShort,
    /// Too long.
    #[error("the password is longer than {MAX_PASSWORD_BYTES} bytes; take a shorter one")]
    TooLong,
    /// It holds the user name.
    #[error("the password holds the user name; take another one")]
    HoldsTheName,
    /// It says the same over and over.
    #[error("the password is made of fewer than five different characters; take another one")]
    Monotonous,
}

/// Whether a password is good enough for a user.
pub fn check_password(name: &UserName, password: &str) -> Result<(), WeakPassword> {
    /// `aaaaaaaaaaaa` and `121212121212` are long, and the first that are tried.
    const MIN_DIFFERENT: usize = 5;
    /// A name such as `al` is found in many a good password.
    const MIN_NAME: usize = 4;
    if password.chars().count() < MIN_PASSWORD_CHARACTERS {
        return Err(WeakPassword::TooShort);
    }
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(WeakPassword::TooLong);
    }
    let key = name.key();
    if key.chars().count() >= MIN_NAME && password.to_lowercase().contains(&key) {
        return Err(WeakPassword::HoldsTheName);
    }
    let mut different: Vec<char> = password.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < MIN_DIFFERENT { Err(WeakPassword::Monotonous) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_users() {
        for name in ["a", "Jane.Doe", "jane@contoso.com", "2nd_level-1", "Jürgen", "王"] {
            assert_eq!(UserName::parse(name).unwrap().as_str(), name);
        }
        for name in ["", ".a", "a b", "corp:jane", "CONTOSO\\jane", &"a".repeat(65), "a\u{202e}"] {
            assert!(UserName::parse(name).is_err(), "{name:?}");
        }
        assert_eq!(UserName::parse("JANE").unwrap().key(), UserName::parse("jane").unwrap().key());
    }

    #[test]
    fn a_password_is_long_and_says_something() {
        let jane = UserName::parse("Jane.Doe").unwrap();
        for (password, answer) in [
            ("correct horse battery", Ok(())),
            ("zwölf Zeichen", Ok(())),
            ("short", Err(WeakPassword::TooShort)),
            ("12345678901", Err(WeakPassword::TooShort)),
            ("xx jane.DOE xx yy", Err(WeakPassword::HoldsTheName)),
            ("121212121212121212", Err(WeakPassword::Monotonous)),
        ] {
            assert_eq!(check_password(&jane, password), answer, "{password}");
        }
        let long = "abcdefgh".repeat(MAX_PASSWORD_BYTES);
        assert_eq!(check_password(&jane, &long), Err(WeakPassword::TooLong));
    }
}
