//! Why the directory gave no servers, one variant per cause, each saying what to do.

use super::message::Outcome;
use crate::ConnectError;

/// Longest text of the server that is repeated, in characters.
const MAX_SAID: usize = 300;

/// Why the directory gave no servers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// No connection, no TLS, or no Kerberos or NTLM.
    #[error("directory: {0}")]
    Connect(ConnectError),
    /// TLS could not be begun.
    #[error(
        "TLS with directory server {server} failed: {reason}; check that the domain controller has a certificate, and whether its port wants StartTLS (389) or TLS from the first byte (636)"
    )]
    Tls {
        /// `host:port`.
        server: String,
        /// What went wrong.
        reason: String,
    },
    /// What was given cannot be used for signing in.
    #[error("cannot sign in to the directory with what the connector has: {0}")]
    CredentialUnusable(String),
    /// The user name or the password is wrong.
    #[error("directory says that the user name or password is wrong ({0}); correct the account")]
    BadCredentials(String),
    /// The account may not sign in, though its password may be right.
    #[error("account cannot sign in to the directory: {reason}; {remedy}")]
    AccountRestricted {
        /// What is the matter with it.
        reason: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// The server wants signing or TLS.
    #[error(
        "directory server takes no sign-in on a connection that is not signed; use StartTLS, LDAPS or a sealed connection"
    )]
    StrongAuthenticationRequired,
    /// The server offers no such way.
    #[error("directory server refused {step}: {reason}")]
    Refused {
        /// What was asked of it.
        step: &'static str,
        /// What it said.
        reason: String,
    },
    /// The directory is there, Exchange is not.
    #[error(
        "directory holds no Exchange server that this account can see; check that this forest has Exchange, and that the account may read the configuration partition"
    )]
    NoExchange,
    /// More came than any forest has.
    #[error("directory answered with more than {0}; this is no list of Exchange servers")]
    TooMuch(String),
    /// The connection ended in the middle of it.
    #[error("connection to the directory was cut ({0}); try again")]
    Cut(String),
    /// What came is not LDAP.
    #[error("directory server's answer is no LDAP; check the address and the port")]
    Malformed,
}

impl DirectoryError {
    /// Whether trying again later, with the same settings, can help.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Connect(error) => error.is_passing(),
            Self::Cut(_) => true,
            _ => false,
        }
    }

    /// What a refused sign-in means. Active Directory hides the cause in its text:
    /// `80090308: LdapErr: DSID-0C09041C, comment: AcceptSecurityContext error, data 52e, v4563`.
    pub(super) fn of_sign_in(outcome: &Outcome) -> Self {
        let restricted = |reason, remedy| Self::AccountRestricted { reason, remedy };
        match (outcome.code, sub_code(&outcome.text)) {
            (8, _) => Self::StrongAuthenticationRequired,
            (_, Some("525")) => Self::BadCredentials("there is no such user".to_owned()),
            (_, Some("52e")) => Self::BadCredentials("the password does not fit".to_owned()),
            (_, Some("530")) => {
                restricted("it is outside its logon hours", "have its logon hours widened")
            }
            (_, Some("531")) => restricted(
                "it may not log on from this machine",
                "have this machine added to the workstations it may log on to",
            ),
            (_, Some("532")) => restricted("its password has expired", "renew the password"),
            (_, Some("533")) => restricted("it is disabled", "have it enabled"),
            (_, Some("701")) => restricted("it has expired", "have its end date moved"),
            (_, Some("773")) => restricted(
                "its password must be changed first",
                "change the password once, or have that flag removed",
            ),
            (_, Some("775")) => restricted(
                "it is locked",
                "have it unlocked, and find out who uses an old password",
            ),
            (49, _) => Self::BadCredentials(said(outcome)),
            _ => Self::Refused { step: "to sign the account in", reason: said(outcome) },
        }
    }

    pub(super) fn of_search(outcome: &Outcome) -> Self {
        match outcome.code {
            8 => Self::StrongAuthenticationRequired,
            50 => Self::NoExchange,
            _ => Self::Refused { step: "the search", reason: said(outcome) },
        }
    }
}

impl From<ConnectError> for DirectoryError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Tls { host, reason } => Self::Tls { server: host, reason },
            ConnectError::BadCredentials(reason) => Self::BadCredentials(reason),
            ConnectError::CredentialUnusable(reason) => Self::CredentialUnusable(reason),
            other => Self::Connect(other),
        }
    }
}

impl From<super::ber::Malformed> for DirectoryError {
    fn from(_: super::ber::Malformed) -> Self {
        Self::Malformed
    }
}

/// The word behind `data` in Active Directory's text.
fn sub_code(text: &str) -> Option<&str> {
    let (_, code) = text.split_once(", data ")?;
    code.split(|c: char| !c.is_ascii_alphanumeric()).next()
}

/// The server's own words, on one line, and their number.
pub(super) fn said(outcome: &Outcome) -> String {
    let text: String = outcome.text.chars().filter(|c| !c.is_control()).take(MAX_SAID).collect();
    let code = outcome.code;
    if text.is_empty() { format!("result {code}") } else { format!("result {code}: {text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sub_codes_say_what_to_do() {
        for (code, expected) in [
            ("525", "no such user"),
            ("52e", "password does not fit"),
            ("530", "logon hours"),
            ("531", "workstations"),
            ("532", "renew the password"),
            ("533", "enabled"),
            ("701", "end date"),
            ("773", "change the password"),
            ("775", "unlocked"),
            ("999", "user name or password is wrong"),
        ] {
            let text = format!(
                "80090308: LdapErr: DSID-0C09041C, comment: AcceptSecurityContext error, data {code}, v4563\n"
            );
            let error = DirectoryError::of_sign_in(&Outcome { code: 49, text }).to_string();
            assert!(error.contains(expected), "{error}");
        }
        let strong = Outcome { code: 8, text: "BindSimple: Transport encryption required.".into() };
        assert!(DirectoryError::of_sign_in(&strong).to_string().contains("StartTLS"));
    }
}
