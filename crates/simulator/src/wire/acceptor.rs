//! The server's side of NTLM, raw or inside SPNEGO, and the sealing that follows from it.

use sspi::{
    AuthIdentity, BufferType, CredentialUse, DataRepresentation, EncryptionFlags, Negotiate,
    NegotiateConfig, Ntlm, SecurityBuffer, SecurityBufferRef, SecurityStatus, ServerRequestFlags,
    Sspi, SspiEx as _, SspiImpl, Username, UsernameParts, ntlm::NtlmConfig,
};

use crate::Account;

/// Bytes in front of what NTLM seals ([MS-NLMP] 2.2.2.9).
const SIGNATURE_BYTES: usize = 16;

/// A conversation by which a client proves who it is.
pub(super) struct Acceptor {
    mechanism: Mechanism,
    /// Everybody who may sign in, with the domain's name in DNS.
    accounts: Vec<Account>,
    domain: String,
}

enum Mechanism {
    Ntlm(Box<Ntlm>),
    Spnego(Box<Negotiate>),
}

/// Where the conversation stands.
pub(super) enum Progress {
    /// The client has to go on with this.
    Continue(Vec<u8>),
    /// The client is who it says; there may be a last word to it.
    Done(Account, Option<Vec<u8>>),
}

impl Acceptor {
    /// A conversation that begins with this token.
    pub(super) fn new(
        first: &[u8],
        accounts: Vec<Account>,
        domain: String,
    ) -> Result<Self, sspi::Error> {
        let mechanism = if first.starts_with(b"NTLMSSP\0") {
            Mechanism::Ntlm(Box::new(Ntlm::new()))
        } else {
            let configuration = NegotiateConfig::new(
                Box::new(NtlmConfig::new(String::new())),
                Some("ntlm,!kerberos,!pku2u".to_owned()),
                String::new(),
            );
            let known = accounts.iter().flat_map(|account| identities(account, &domain)).collect();
            Mechanism::Spnego(Box::new(Negotiate::new_server(configuration, known)?))
        };
        Ok(Self { mechanism, accounts, domain })
    }

    /// Takes the client's next word.
    pub(super) fn step(&mut self, token: &[u8]) -> Result<Progress, sspi::Error> {
        let (status, answer) = match &mut self.mechanism {
            // No password yet: which one counts is known only when the client has said its name.
            Mechanism::Ntlm(ntlm) => accept(&mut **ntlm, None, token)?,
            Mechanism::Spnego(negotiate) => {
                let credentials = negotiate
                    .acquire_credentials_handle()
                    .with_credential_use(CredentialUse::Inbound)
                    .execute(&mut **negotiate)?
                    .credentials_handle;
                accept(&mut **negotiate, credentials, token)?
            }
        };
        match status {
            SecurityStatus::ContinueNeeded => Ok(Progress::Continue(answer)),
            _ => {
                let account = self.complete()?;
                Ok(Progress::Done(account, Some(answer).filter(|answer| !answer.is_empty())))
            }
        }
    }

    /// Checks the proof against the password of the account that the client named.
    fn complete(&mut self) -> Result<Account, sspi::Error> {
        let named = match &mut self.mechanism {
            Mechanism::Ntlm(ntlm) => ntlm.query_context_names()?.username,
            Mechanism::Spnego(negotiate) => negotiate.query_context_names()?.username,
        };
        let account = self.accounts.iter().find(|account| is_named(account, &self.domain, &named));
        let account = account.cloned().ok_or_else(|| {
            sspi::Error::new(sspi::ErrorKind::LogonDenied, "no account of that name")
        })?;
        if let Mechanism::Ntlm(ntlm) = &mut self.mechanism {
            let password = account.password.clone().into();
            ntlm.custom_set_auth_identity(AuthIdentity { username: named, password })?;
            ntlm.complete_auth_token(&mut [])?;
        }
        Ok(account)
    }

    /// Seals a message: signature and sealed bytes.
    pub(super) fn seal(&mut self, mut data: Vec<u8>) -> Result<(Vec<u8>, Vec<u8>), sspi::Error> {
        let mut signature = vec![0; SIGNATURE_BYTES];
        let mut buffers =
            [SecurityBufferRef::token_buf(&mut signature), SecurityBufferRef::data_buf(&mut data)];
        match &mut self.mechanism {
            Mechanism::Ntlm(ntlm) => {
                ntlm.encrypt_message(EncryptionFlags::empty(), &mut buffers)?
            }
            Mechanism::Spnego(negotiate) => {
                negotiate.encrypt_message(EncryptionFlags::empty(), &mut buffers)?
            }
        };
        Ok((signature, data))
    }

    /// Unseals a message.
    pub(super) fn unseal(
        &mut self,
        signature: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, sspi::Error> {
        let (mut signature, mut data) = (signature.to_vec(), sealed.to_vec());
        let mut buffers =
            [SecurityBufferRef::token_buf(&mut signature), SecurityBufferRef::data_buf(&mut data)];
        match &mut self.mechanism {
            Mechanism::Ntlm(ntlm) => ntlm.decrypt_message(&mut buffers)?,
            Mechanism::Spnego(negotiate) => negotiate.decrypt_message(&mut buffers)?,
        };
        Ok(data)
    }
}

/// Takes the client's next word, with the credentials that it is held against.
fn accept<P: Sspi + SspiImpl>(
    package: &mut P,
    mut credentials: P::CredentialsHandle,
    token: &[u8],
) -> Result<(SecurityStatus, Vec<u8>), sspi::Error> {
    let mut input = [SecurityBuffer::new(token.to_vec(), BufferType::Token)];
    let mut output = [SecurityBuffer::new(Vec::new(), BufferType::Token)];
    let builder = package
        .accept_security_context()
        .with_credentials_handle(&mut credentials)
        .with_context_requirements(ServerRequestFlags::empty())
        .with_target_data_representation(DataRepresentation::Native)
        .with_input(&mut input)
        .with_output(&mut output);
    let status = package.accept_security_context_impl(builder)?.resolve_to_result()?.status;
    let [answer] = output;
    Ok((status, answer.buffer))
}

/// `DOMAIN\user`, `user` and `user@domain` are the same person.
fn identities(account: &Account, domain: &str) -> Vec<AuthIdentity> {
    let spellings = [
        Username::new(&account.user, Some(&account.domain)),
        Username::new(&account.user, None),
        Username::new(&account.user, Some(domain)),
        Username::new_upn(&account.user, domain),
    ];
    let known = spellings.into_iter().flatten();
    let known =
        known.map(|username| AuthIdentity { username, password: account.password.clone().into() });
    known.collect()
}

fn is_named(account: &Account, domain: &str, named: &Username) -> bool {
    let (user, given) = match named.parts() {
        UsernameParts::DownLevelLogonName(name) => (name.account_name(), name.netbios_domain()),
        UsernameParts::UserPrincipalName(name) => (name.account_name(), Some(name.suffix())),
    };
    let of_domain = given.is_none_or(|given| {
        given.is_empty()
            || given.eq_ignore_ascii_case(&account.domain)
            || given.eq_ignore_ascii_case(domain)
    });
    of_domain && user.eq_ignore_ascii_case(&account.user)
}
