//! Signing in and sealing: one small trait, two libraries behind it.
//!
//! A security context belongs to one connection. It is stepped until both sides know each other;
//! then it wraps what is sent and unwraps what is received, in order.

#[cfg(feature = "gssapi")]
mod gss;
mod kdc;
mod keytab;
mod offer;
mod rust;
mod sealing;

use std::ops::Range;

use domain::connector::ServerEndpoint;
use wsman::sealed::Protocol;

use crate::{ConnectError, Credential};

pub(crate) use offer::{Offer, Scheme};

/// One side of a conversation in which both prove who they are.
pub(crate) trait SecurityContext: Send + Sync {
    /// Takes the other side's token (none at the beginning) and gives the next of ours.
    fn step(&mut self, token: Option<&[u8]>) -> Result<Step, ConnectError>;

    /// Seals a message.
    fn wrap(&mut self, plain: Vec<u8>) -> Result<Wrapped, String>;

    /// Opens a sealed message, of which the first bytes are the header, where it lies; says where in
    /// it the plain bytes are then. An error means that it was not sealed for us, or was changed on
    /// the way; the connection is then of no more use.
    fn unwrap(&mut self, message: &mut [u8], header_bytes: usize) -> Result<Range<usize>, String>;
}

/// What one step gives.
#[derive(Debug)]
pub(crate) struct Step {
    /// To be sent to the other side; empty if there is nothing more to say.
    pub(crate) token: Vec<u8>,
    /// Whether we are satisfied. The other side may still have a last word.
    pub(crate) is_done: bool,
}

/// A sealed message.
#[derive(Debug)]
pub(crate) struct Wrapped {
    /// Signature or token header; its length travels before it.
    pub(crate) header: Vec<u8>,
    /// The sealed bytes.
    pub(crate) data: Vec<u8>,
    /// How many bytes longer the plain text became, for mechanisms that pad.
    pub(crate) padding_bytes: usize,
}

/// What a conversation is begun with.
pub(crate) struct Party<'a> {
    pub(crate) endpoint: &'a ServerEndpoint,
    pub(crate) credential: &'a Credential,
    /// `HTTP/<host>`.
    pub(crate) spn: String,
    /// `tls-server-end-point:` and the hash of the certificate (RFC 5929), over TLS.
    pub(crate) channel_binding: Option<Vec<u8>>,
    /// How long a key distribution centre may take.
    pub(crate) kdc_timeout: std::time::Duration,
}

/// Begins a conversation by one scheme.
pub(crate) fn begin(
    scheme: Scheme,
    party: &Party<'_>,
) -> Result<Box<dyn SecurityContext>, ConnectError> {
    #[cfg(feature = "gssapi")]
    if gss::is_for(scheme, party) {
        return gss::begin(scheme, party);
    }
    if matches!(party.credential, Credential::CredentialCache) {
        return Err(ConnectError::CredentialUnusable(
            "it has neither password nor keytab, and the system's credential cache can be used \
             only with Kerberos by a build with the feature gssapi; give it a password or a keytab"
                .to_owned(),
        ));
    }
    rust::begin(scheme, party)
}

/// Under which name sealed bodies travel.
pub(crate) fn sealing_protocol(scheme: Scheme) -> Protocol {
    match scheme {
        Scheme::Kerberos => Protocol::Kerberos,
        Scheme::Negotiate | Scheme::Ntlm | Scheme::Basic => Protocol::Spnego,
    }
}

/// User and domain of `DOMAIN\user` or `user@domain`; the domain may be missing.
pub(crate) fn account(username: &str) -> (&str, Option<&str>) {
    if let Some((domain, user)) = username.split_once('\\') {
        (user, Some(domain))
    } else if let Some((user, domain)) = username.rsplit_once('@') {
        (user, Some(domain))
    } else {
        (username, None)
    }
}
