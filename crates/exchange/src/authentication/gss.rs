//! Security contexts by the system's GSSAPI library (MIT): Kerberos as `krb5.conf` has it. Built
//! with the feature `gssapi`.
//!
//! It serves Kerberos with a password, and Kerberos and Negotiate with what the system itself has:
//! a credential cache, or the client keytab of `KRB5_CLIENT_KTNAME` and `krb5.conf` (so also the
//! computer's own account). Unlike `sspi` it knows every encryption type of the system and a
//! channel binding that every acceptor takes.
//!
//! Two things it leaves to others. A keytab that the connector names is read by `sspi`, because
//! GSSAPI takes one only through the environment of the whole process or through
//! `gss_acquire_cred_from`, which libgssapi does not offer; where such a connector needs a channel
//! binding, make the keytab the system's client keytab. And the key distribution centres of the
//! connector are not looked at: those of `krb5.conf` and of DNS are asked.

use std::{
    ops::Range,
    sync::{Mutex, PoisonError},
};

use libgssapi::{
    context::{ClientCtx, CtxFlags, SecurityContext as _},
    credential::{Cred, CredUsage},
    error::{Error, MajorFlags},
    name::Name,
    oid::{
        GSS_MECH_KRB5, GSS_MECH_SPNEGO, GSS_NT_HOSTBASED_SERVICE, GSS_NT_KRB5_PRINCIPAL, Oid,
        OidSet,
    },
    util::{GssIov, GssIovType},
};

use super::{Party, Scheme, SecurityContext, Step, Wrapped, account};
use crate::{ConnectError, Credential, Secret};

/// Whether this library is the one to use.
pub(super) fn is_for(scheme: Scheme, party: &Party<'_>) -> bool {
    match (scheme, party.credential) {
        (Scheme::Kerberos, Credential::Password(_) | Credential::CredentialCache)
        | (Scheme::Negotiate, Credential::CredentialCache) => true,
        // Negotiate with a password may have to fall to NTLM, for which the system has no library.
        (Scheme::Kerberos | Scheme::Negotiate | Scheme::Ntlm | Scheme::Basic, _) => false,
    }
}

/// Begins a conversation. Nothing is asked of the network before its first step.
pub(super) fn begin(
    scheme: Scheme,
    party: &Party<'_>,
) -> Result<Box<dyn SecurityContext>, ConnectError> {
    let password = match party.credential {
        Credential::Password(password) => Some(password.clone()),
        Credential::Keytab | Credential::CredentialCache => None,
    };
    let target = if party.endpoint.spn.is_some() {
        Name::new(party.spn.as_bytes(), Some(GSS_NT_KRB5_PRINCIPAL))
    } else {
        // By host: `krb5.conf` then decides on the realm and on the canonical name.
        let service = party.spn.replacen('/', "@", 1);
        Name::new(service.as_bytes(), Some(GSS_NT_HOSTBASED_SERVICE))
    };
    Ok(Box::new(Context {
        account: party.endpoint.username.as_deref().map(principal),
        password,
        target: Some(target.map_err(|error| failed(error, &party.spn))?),
        spn: party.spn.clone(),
        mechanism: if scheme == Scheme::Negotiate { GSS_MECH_SPNEGO } else { GSS_MECH_KRB5 },
        binding: party.channel_binding.clone(),
        context: None,
    }))
}

struct Context {
    account: Option<String>,
    password: Option<Secret>,
    /// Gone into the context once that has begun.
    target: Option<Name>,
    spn: String,
    mechanism: Oid<'static>,
    binding: Option<Vec<u8>>,
    /// The library's context may wander between threads but not be shared; nobody waits for this
    /// lock, as every use of it is exclusive.
    context: Option<Mutex<ClientCtx>>,
}

impl Context {
    /// Takes the credentials, which may ask a key distribution centre, and begins.
    fn begin(&mut self) -> Result<ClientCtx, ConnectError> {
        let target = self.target.take().ok_or_else(|| {
            ConnectError::Authentication("the conversation failed before".to_owned())
        })?;
        let credentials = self.credentials().map_err(|error| failed(error, &self.spn))?;
        let wanted = CtxFlags::GSS_C_MUTUAL_FLAG
            | CtxFlags::GSS_C_CONF_FLAG
            | CtxFlags::GSS_C_INTEG_FLAG
            | CtxFlags::GSS_C_REPLAY_FLAG
            | CtxFlags::GSS_C_SEQUENCE_FLAG;
        Ok(ClientCtx::new(Some(credentials), target, wanted, Some(self.mechanism)))
    }

    fn credentials(&self) -> Result<Cred, Error> {
        let name = match &self.account {
            Some(account) => Some(Name::new(account.as_bytes(), Some(GSS_NT_KRB5_PRINCIPAL))?),
            None => None,
        };
        let (name, usage) = (name.as_ref(), CredUsage::Initiate);
        let kerberos = OidSet::singleton(GSS_MECH_KRB5)?;
        let credentials = match &self.password {
            Some(password) => {
                Cred::acquire_with_password(name, password.reveal(), None, usage, Some(&kerberos))
            }
            None => Cred::acquire(name, None, usage, Some(&kerberos)),
        }?;
        if self.mechanism == GSS_MECH_KRB5 {
            return Ok(credentials);
        }
        // SPNEGO's own errors name no cause, so Kerberos was asked first.
        Cred::acquire(name, None, usage, Some(&OidSet::singleton(self.mechanism)?))
    }

    fn established(&mut self) -> Result<&mut ClientCtx, String> {
        let context = self.context.as_mut().ok_or("the conversation has not begun")?;
        Ok(context.get_mut().unwrap_or_else(PoisonError::into_inner))
    }
}

impl SecurityContext for Context {
    fn step(&mut self, token: Option<&[u8]>) -> Result<Step, ConnectError> {
        if self.context.is_none() {
            self.context = Some(Mutex::new(self.begin()?));
        }
        let binding = self.binding.clone();
        let context = self.established().map_err(ConnectError::Authentication)?;
        let token = context.step(token, binding.as_deref());
        let is_done = context.is_complete();
        let token = token.map_err(|error| failed(error, &self.spn))?;
        Ok(Step { token: token.map(|token| token.to_vec()).unwrap_or_default(), is_done })
    }

    fn wrap(&mut self, mut plain: Vec<u8>) -> Result<Wrapped, String> {
        let (header, padding) = {
            // Without a trailer its bytes are rotated into the header, as Windows wants them.
            let mut parts = [
                GssIov::new_alloc(GssIovType::Header),
                GssIov::new(GssIovType::Data, &mut plain),
                GssIov::new_alloc(GssIovType::Padding),
            ];
            self.established()?
                .wrap_iov(true, &mut parts)
                .map_err(|error| reason(&error.to_string()))?;
            let [header, _, padding] = &parts;
            (header.to_vec(), padding.to_vec())
        };
        plain.extend_from_slice(&padding);
        Ok(Wrapped { header, data: plain, padding_bytes: padding.len() })
    }

    fn unwrap(&mut self, message: &mut [u8], _: usize) -> Result<Range<usize>, String> {
        // As one token: the library then finds and cuts the padding by itself, whatever the
        // encryption type. In parts it leaves RC4's last byte in the data.
        let plain =
            self.established()?.unwrap(message).map_err(|error| reason(&error.to_string()))?;
        let place = message.get_mut(..plain.len()).ok_or("a sealed message grew when opened")?;
        place.copy_from_slice(&plain);
        Ok(0..plain.len())
    }
}

/// The principal of an account: `user@REALM`. A domain without a dot is a NetBIOS name, of which
/// Kerberos knows nothing: the default realm of `krb5.conf` stands in.
fn principal(username: &str) -> String {
    match account(username) {
        (user, Some(domain)) if domain.contains('.') => {
            format!("{user}@{}", domain.to_ascii_uppercase())
        }
        (user, _) => user.to_owned(),
    }
}

/// Where the numbers of Kerberos errors begin (MIT's `krb5_err.et`); up to 128 they are those of
/// RFC 4120 section 7.5.9.
const KERBEROS_ERRORS: i32 = -1_765_328_384;

/// Where a major status has its one routine error (RFC 2744 section 3.9.1): a number, not flags,
/// whatever libgssapi's type says.
const ROUTINE_ERRORS: u32 = 0x00ff_0000;

/// What a failure means to the one who set up the connector.
fn failed(error: Error, spn: &str) -> ConnectError {
    let reason = reason(&error.to_string());
    match error.minor.cast_signed().wrapping_sub(KERBEROS_ERRORS) {
        // Unknown client; pre-authentication failed; the key does not fit.
        6 | 24 | 31 => ConnectError::BadCredentials(reason),
        // Account expired, revoked, password expired.
        1 | 18 | 23 => ConnectError::AccountRestricted(reason),
        // Unknown service.
        7 => ConnectError::MissingSpn { spn: spn.to_owned(), reason },
        37 => ConnectError::ClockSkew(reason),
        // No realm, no address of a centre, no answer from one.
        154 | 156 | 220 => ConnectError::NoKdc(reason),
        // Ticket expired, nothing in the cache, no cache.
        32 | 141 | 195 => unusable(&reason),
        _ if [MajorFlags::GSS_S_NO_CRED, MajorFlags::GSS_S_CREDENTIALS_EXPIRED]
            .iter()
            .any(|kind| kind.bits() == error.major.bits() & ROUTINE_ERRORS) =>
        {
            unusable(&reason)
        }
        _ => ConnectError::Authentication(reason),
    }
}

fn unusable(reason: &str) -> ConnectError {
    ConnectError::CredentialUnusable(format!(
        "{reason}; give the server a credential cache (kinit) or a client keytab"
    ))
}

/// The mechanism's own words, if it has any: `Unspecified GSS failure. … (Server not found)`.
fn reason(text: &str) -> String {
    let inner = text.split_once(" (").and_then(|(_, inner)| inner.strip_suffix(')'));
    inner.filter(|inner| *inner != "Success").unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_become_principals() {
        for (username, expected) in [
            (r"CONTOSO.test\svc", "svc@CONTOSO.TEST"),
            ("svc@contoso.test", "svc@CONTOSO.TEST"),
            (r"CONTOSO\svc", "svc"),
            ("svc", "svc"),
        ] {
            assert_eq!(principal(username), expected);
        }
    }

    #[test]
    fn failures_are_told_by_number() {
        let of = |number: i32| {
            let minor = (KERBEROS_ERRORS + number).cast_unsigned();
            failed(Error { major: MajorFlags::GSS_S_FAILURE, minor }, "HTTP/ex01")
        };
        assert!(matches!(of(24), ConnectError::BadCredentials(_)));
        assert!(matches!(of(18), ConnectError::AccountRestricted(_)));
        assert!(matches!(of(7), ConnectError::MissingSpn { spn, .. } if spn == "HTTP/ex01"));
        assert!(matches!(of(37), ConnectError::ClockSkew(_)));
        assert!(matches!(of(156), ConnectError::NoKdc(_)));
        assert!(matches!(of(195), ConnectError::CredentialUnusable(_)));
        assert!(matches!(of(60), ConnectError::Authentication(_)));
        let none = failed(Error { major: MajorFlags::GSS_S_NO_CRED, minor: 0 }, "HTTP/ex01");
        assert!(none.to_string().contains("kinit"), "{none}");
    }

    #[test]
    fn the_mechanism_speaks_for_itself() {
        assert_eq!(
            reason("Unspecified GSS failure. (Clock skew too great)"),
            "Clock skew too great"
        );
        assert_eq!(reason("No credentials (Success)"), "No credentials (Success)");
    }
}
