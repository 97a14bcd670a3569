//! Security contexts by `sspi`: NTLM, Kerberos and SPNEGO without system libraries.
//!
//! Known limits of sspi 0.23: no credential cache, no AES-SHA2, and a channel binding for Kerberos
//! that MIT's acceptor refuses. So a binding is sent with NTLM only.

use std::ops::Range;

use sspi::{
    AuthIdentity, BufferType, ClientRequestFlags, CredentialUse, Credentials, DataRepresentation,
    EncryptionFlags, Kerberos, KerberosConfig, KeytabIdentity, Negotiate, NegotiateConfig, Ntlm,
    SecurityBuffer, SecurityBufferRef, SecurityStatus, Sspi, SspiImpl, Username, ntlm::NtlmConfig,
};

use super::{
    Party, Scheme, SecurityContext, Step, Wrapped, account, kdc, keytab,
    sealing::{SIGNATURE_BYTES, Sealing},
};
use crate::{ConnectError, Credential};

/// Bytes in front of what Kerberos seals: token header, filler, confounder and checksum (RFC 4121
/// section 4.2.6.2 with AES; rotated as Windows does).
const KERBEROS_HEADER_BYTES: usize = 60;

/// A context of one of the packages.
struct Context<P: SspiImpl> {
    package: P,
    credentials: P::CredentialsHandle,
    spn: String,
    centres: kdc::Centres,
    binding: Option<Vec<u8>>,
    header_bytes: usize,
}

pub(super) fn begin(
    scheme: Scheme,
    party: &Party<'_>,
) -> Result<Box<dyn SecurityContext>, ConnectError> {
    let username = party.endpoint.username.as_deref().unwrap_or_default();
    let (user, domain) = account(username);
    let centres = centres(party, domain);
    match scheme {
        Scheme::Ntlm => ntlm(party, user, domain),
        Scheme::Kerberos => {
            if centres.is_empty() {
                let realm = domain.unwrap_or("the account's realm");
                return Err(ConnectError::NoKdc(format!("none is known for {realm}")));
            }
            kerberos(party, user, domain, centres)
        }
        Scheme::Negotiate => negotiate(party, user, domain, centres),
        Scheme::Basic => Err(ConnectError::Authentication("Basic has no context".to_owned())),
    }
}

/// The centres that the connector names, else those of the system's configuration.
fn centres(party: &Party<'_>, realm: Option<&str>) -> Vec<String> {
    if party.endpoint.kdc.is_empty() {
        realm.map(kdc::of_system).unwrap_or_default()
    } else {
        party.endpoint.kdc.clone()
    }
}

fn identity(
    party: &Party<'_>,
    user: &str,
    domain: Option<&str>,
) -> Result<AuthIdentity, ConnectError> {
    let Credential::Password(password) = party.credential else {
        return Err(ConnectError::CredentialUnusable(
            "NTLM needs a password, and a keytab holds none; give the connector a password"
                .to_owned(),
        ));
    };
    Ok(AuthIdentity {
        username: name(user, domain)?,
        password: password.reveal().to_owned().into(),
    })
}

/// Written as `DOMAIN\user` whatever the connector says: a KDC other than Active Directory knows no
/// other form.
fn name(user: &str, domain: Option<&str>) -> Result<Username, ConnectError> {
    Username::new(user, domain.filter(|domain| !domain.is_empty()))
        .map_err(|error| ConnectError::CredentialUnusable(format!("user name {user:?}: {error}")))
}

fn ntlm(
    party: &Party<'_>,
    user: &str,
    domain: Option<&str>,
) -> Result<Box<dyn SecurityContext>, ConnectError> {
    let package = Ntlm::with_config(NtlmConfig::new(String::new()));
    let context = Context::by_ntlm(party, package, &identity(party, user, domain)?)?;
    Ok(Box::new(NtlmContext { context, sealing: None }))
}

/// NTLM by itself: its messages are sealed here if both sides agree on what is known here.
struct NtlmContext {
    context: Context<Ntlm>,
    sealing: Option<Sealing>,
}

impl SecurityContext for NtlmContext {
    fn step(&mut self, token: Option<&[u8]>) -> Result<Step, ConnectError> {
        let step = self.context.step(token)?;
        if let (true, Some(challenge)) = (step.is_done, token)
            && let Ok(keys) = self.context.package.query_context_session_key()
        {
            self.sealing = Sealing::of_client(challenge, keys.session_key.as_ref());
        }
        Ok(step)
    }

    fn wrap(&mut self, mut plain: Vec<u8>) -> Result<Wrapped, String> {
        let Some(sealing) = &mut self.sealing else { return self.context.wrap(plain) };
        let header = sealing.seal(&mut plain)?.to_vec();
        Ok(Wrapped { header, data: plain, padding_bytes: 0 })
    }

    fn unwrap(&mut self, message: &mut [u8], header_bytes: usize) -> Result<Range<usize>, String> {
        match &mut self.sealing {
            Some(sealing) if header_bytes == SIGNATURE_BYTES => sealing.open(message),
            _ => self.context.unwrap(message, header_bytes),
        }
    }
}

fn kerberos(
    party: &Party<'_>,
    user: &str,
    domain: Option<&str>,
    centres: Vec<String>,
) -> Result<Box<dyn SecurityContext>, ConnectError> {
    let credentials = kerberos_credentials(party, user, domain)?;
    let configuration = kerberos_configuration(&centres);
    let package =
        Kerberos::new_client_from_config(configuration).map_err(|e| failed(&e, &party.spn))?;
    Ok(Box::new(Context::by_kerberos(party, package, &credentials, centres)?))
}

/// A password, or the key of the keytab that the connector names.
fn kerberos_credentials(
    party: &Party<'_>,
    user: &str,
    domain: Option<&str>,
) -> Result<Credentials, ConnectError> {
    Ok(match party.credential {
        Credential::Keytab => {
            let path = party.endpoint.keytab.as_deref().unwrap_or_default();
            let key = keytab::read(path, user, domain)?;
            KeytabIdentity {
                principal: name(&key.name, Some(&key.realm))?,
                key: key.bytes.into(),
                key_enctype: usize::from(key.encryption_type).try_into().map_err(|error| {
                    ConnectError::CredentialUnusable(format!("keytab {path}: {error}"))
                })?,
            }
            .into()
        }
        _ => identity(party, user, domain)?.into(),
    })
}

/// Kerberos where a centre is known, with NTLM behind it where there is a password.
fn negotiate(
    party: &Party<'_>,
    user: &str,
    domain: Option<&str>,
    centres: Vec<String>,
) -> Result<Box<dyn SecurityContext>, ConnectError> {
    let spnego = |configuration: NegotiateConfig| {
        Negotiate::new_client(configuration).map_err(|error| failed(&error, &party.spn))
    };
    let ntlm = identity(party, user, domain).and_then(|identity| {
        let packages = Some("ntlm,!kerberos,!pku2u".to_owned());
        let ntlm = Box::new(NtlmConfig::new(String::new()));
        let package = spnego(NegotiateConfig::new(ntlm, packages, String::new()))?;
        Context::by_ntlm(party, package, &identity.into())
    });
    if centres.is_empty() {
        return Ok(Box::new(ntlm?));
    }
    let packages = Some("kerberos,!ntlm,!pku2u".to_owned());
    let kerberos = Box::new(kerberos_configuration(&centres));
    let credentials = kerberos_credentials(party, user, domain)?;
    let package = spnego(NegotiateConfig::new(kerberos, packages, String::new()))?;
    let current = Context::by_kerberos(party, package, &credentials, centres)?;
    Ok(Box::new(Falling { current, instead: ntlm.ok() }))
}

/// SPNEGO that falls from Kerberos to NTLM before its first token. sspi can do so by itself, but
/// then nobody knows how long the headers of sealed messages are and that a binding may be sent.
struct Falling {
    current: Context<Negotiate>,
    instead: Option<Context<Negotiate>>,
}

impl SecurityContext for Falling {
    fn step(&mut self, token: Option<&[u8]>) -> Result<Step, ConnectError> {
        let is_first = token.is_none();
        match (self.current.step(token), self.instead.take()) {
            (
                Err(
                    error @ (ConnectError::NoKdc(_)
                    | ConnectError::MissingSpn { .. }
                    | ConnectError::ClockSkew(_)),
                ),
                Some(ntlm),
            ) if is_first => {
                tracing::info!(%error, "signing in by NTLM, because Kerberos cannot be done");
                self.current = ntlm;
                self.current.step(None)
            }
            (stepped, _) => stepped,
        }
    }

    fn wrap(&mut self, plain: Vec<u8>) -> Result<Wrapped, String> {
        self.current.wrap(plain)
    }

    fn unwrap(&mut self, message: &mut [u8], header_bytes: usize) -> Result<Range<usize>, String> {
        self.current.unwrap(message, header_bytes)
    }
}

fn kerberos_configuration(centres: &[String]) -> KerberosConfig {
    // The address is asked for by the library and not used: `Centres` knows them all.
    let first = centres.first().map_or("localhost", String::as_str);
    KerberosConfig::new_with_kdc_url(first, String::new())
}

impl<P: Sspi + SspiImpl> Context<P> {
    /// One in which the package speaks NTLM: it needs no centre, and binds to the channel.
    fn by_ntlm(
        party: &Party<'_>,
        mut package: P,
        credentials: &P::AuthenticationData,
    ) -> Result<Self, ConnectError> {
        let credentials = package
            .acquire_credentials_handle()
            .with_credential_use(CredentialUse::Outbound)
            .with_auth_data(credentials)
            .execute(&mut package)
            .map_err(|error| failed(&error, &party.spn))?
            .credentials_handle;
        Ok(Self {
            package,
            credentials,
            spn: party.spn.clone(),
            centres: kdc::Centres::new(Vec::new(), party.kdc_timeout),
            binding: party.channel_binding.clone(),
            header_bytes: SIGNATURE_BYTES,
        })
    }

    /// One in which the package speaks Kerberos.
    fn by_kerberos(
        party: &Party<'_>,
        package: P,
        credentials: &P::AuthenticationData,
        centres: Vec<String>,
    ) -> Result<Self, ConnectError> {
        Ok(Self {
            centres: kdc::Centres::new(centres, party.kdc_timeout),
            binding: None,
            header_bytes: KERBEROS_HEADER_BYTES,
            ..Self::by_ntlm(party, package, credentials)?
        })
    }
}

impl<P> SecurityContext for Context<P>
where
    P: SspiImpl + Sspi + Send + Sync,
    P::CredentialsHandle: Send + Sync,
{
    fn step(&mut self, token: Option<&[u8]>) -> Result<Step, ConnectError> {
        let mut input = vec![SecurityBuffer::new(
            token.map(<[u8]>::to_vec).unwrap_or_default(),
            BufferType::Token,
        )];
        if let Some(binding) = &self.binding {
            let buffer = channel_bindings(binding);
            input.push(SecurityBuffer::new(buffer, BufferType::ChannelBindings));
        }
        let mut output = [SecurityBuffer::new(Vec::new(), BufferType::Token)];
        let wanted = ClientRequestFlags::CONFIDENTIALITY
            | ClientRequestFlags::INTEGRITY
            | ClientRequestFlags::MUTUAL_AUTH
            | ClientRequestFlags::REPLAY_DETECT
            | ClientRequestFlags::SEQUENCE_DETECT;
        let fail = |error: sspi::Error| failed(&error, &self.spn);
        let status = {
            let mut builder = self
                .package
                .initialize_security_context()
                .with_credentials_handle(&mut self.credentials)
                .with_context_requirements(wanted)
                .with_target_data_representation(DataRepresentation::Native)
                .with_target_name(&self.spn)
                .with_input(&mut input)
                .with_output(&mut output);
            self.package
                .initialize_security_context_impl(&mut builder)
                .map_err(fail)?
                .resolve_with_client(&self.centres)
                .map_err(fail)?
                .status
        };
        if matches!(status, SecurityStatus::CompleteNeeded | SecurityStatus::CompleteAndContinue) {
            self.package.complete_auth_token(&mut output).map_err(fail)?;
        }
        let is_done =
            !matches!(status, SecurityStatus::ContinueNeeded | SecurityStatus::CompleteAndContinue);
        let [output] = output;
        Ok(Step { token: output.buffer, is_done })
    }

    fn wrap(&mut self, mut plain: Vec<u8>) -> Result<Wrapped, String> {
        let mut header = vec![0; self.header_bytes];
        let mut buffers =
            [SecurityBufferRef::token_buf(&mut header), SecurityBufferRef::data_buf(&mut plain)];
        self.package
            .encrypt_message(EncryptionFlags::empty(), &mut buffers)
            .map_err(|error| error.to_string())?;
        Ok(Wrapped { header, data: plain, padding_bytes: 0 })
    }

    fn unwrap(&mut self, message: &mut [u8], header_bytes: usize) -> Result<Range<usize>, String> {
        let (header, data) = message
            .split_at_mut_checked(header_bytes)
            .ok_or("a sealed message without its header")?;
        let mut buffers = [SecurityBufferRef::token_buf(header), SecurityBufferRef::data_buf(data)];
        self.package.decrypt_message(&mut buffers).map_err(|error| error.to_string())?;
        let [_, plain] = buffers;
        Ok(header_bytes..header_bytes + plain.buf_len())
    }
}

/// SEC_CHANNEL_BINDINGS: a header of eight numbers, then the application's data.
fn channel_bindings(data: &[u8]) -> Vec<u8> {
    const HEADER_BYTES: u32 = 32;
    let length = u32::try_from(data.len()).unwrap_or(0);
    let fields = [0, 0, 0, 0, 0, 0, length, HEADER_BYTES];
    let mut buffer: Vec<u8> = fields.iter().flat_map(|field| field.to_le_bytes()).collect();
    buffer.extend_from_slice(data);
    buffer
}

/// What a failure means to the one who set up the connector. A key distribution centre's errors
/// (RFC 4120 section 7.5.9) have no kinds of their own in sspi, only texts.
fn failed(error: &sspi::Error, spn: &str) -> ConnectError {
    use sspi::ErrorKind as Kind;
    let reason = error.description.clone();
    match (reason.as_str(), error.error_type) {
        (text, _) if text.starts_with("server not found in Kerberos database") => {
            ConnectError::MissingSpn { spn: spn.to_owned(), reason }
        }
        (text, _) if RESTRICTED.iter().any(|begin| text.starts_with(begin)) => {
            ConnectError::AccountRestricted(reason)
        }
        (text, _) if WRONG_KEY.iter().any(|begin| text.starts_with(begin)) => {
            ConnectError::BadCredentials(reason)
        }
        (_, Kind::LogonDenied | Kind::UnknownCredentials | Kind::NoCredentials) => {
            ConnectError::BadCredentials(reason)
        }
        (_, Kind::WrongPrincipalName | Kind::TargetUnknown) => {
            ConnectError::MissingSpn { spn: spn.to_owned(), reason }
        }
        (_, Kind::TimeSkew) => ConnectError::ClockSkew(reason),
        (_, Kind::NoAuthenticatingAuthority) => ConnectError::NoKdc(reason),
        _ => ConnectError::Authentication(reason),
    }
}

/// Account expired, locked, not yet valid; password expired.
const RESTRICTED: [&str; 4] = [
    "client's entry in database has expired",
    "clients credentials have been revoked",
    "client not yet valid",
    "password has expired",
];
/// A key made of another password, seen by the centre or by us.
const WRONG_KEY: [&str; 2] =
    ["pre-authentication information was invalid", "integrity check on decrypted field failed"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_centre_says_is_told_apart() {
        use sspi::ErrorKind as Kind;
        let of = |kind, text: &str| failed(&sspi::Error::new(kind, text.to_owned()), "HTTP/ex01");
        let server = "server not found in Kerberos database. Additional error text: X";
        let client = "client not found in Kerberos database";
        let invalid = "pre-authentication information was invalid";
        let revoked = "clients credentials have been revoked";
        let expired = "password has expired; change password to reset";
        assert!(matches!(of(Kind::UnknownCredentials, server), ConnectError::MissingSpn { .. }));
        assert!(matches!(of(Kind::UnknownCredentials, client), ConnectError::BadCredentials(_)));
        assert!(matches!(of(Kind::KdcInvalidRequest, invalid), ConnectError::BadCredentials(_)));
        assert!(matches!(
            of(Kind::UnknownCredentials, revoked),
            ConnectError::AccountRestricted(_)
        ));
        assert!(matches!(of(Kind::InvalidParameter, expired), ConnectError::AccountRestricted(_)));
        assert!(matches!(of(Kind::TimeSkew, "clock skew"), ConnectError::ClockSkew(_)));
        assert!(matches!(of(Kind::InternalError, "other"), ConnectError::Authentication(_)));
    }
}
