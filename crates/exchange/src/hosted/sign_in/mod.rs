//! Signing in to a hosted organization: whoever proves who they are is given a token, which is kept
//! and renewed before it ends.

mod assertion;
mod device_code;
mod error;
mod token_service;

#[cfg(test)]
mod tests;

use std::fmt;

use domain::Timestamp;
use openssl::sha::Sha256;
use tokio::sync::Mutex;
use uuid::Uuid;

pub use device_code::{DeviceCode, DeviceCodeAnswer};
pub use error::SignInError;

pub(super) use token_service::escaped;

use super::{HostedCredential, HostedSettings, cloud};
use crate::{ConnectError, Secret};
use token_service::Form;

/// A token is renewed so long before it ends.
const RENEWED_BEFORE_SECONDS: i64 = 5 * 60;
/// The kind of assertion that is sent (RFC 7523 section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The application of Microsoft's that Exchange's own shell uses: for trying out with a device code,
/// where the connector names no application.
const SHELL: Uuid = Uuid::from_u128(0xfb78_d390_0c51_40cd_8e17_fdbf_ab77_341b);

/// The token of a connector. Its sessions share it, and one renewal goes on at a time.
#[derive(Default)]
pub struct Tokens(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    token: Option<Token>,
    /// The latest refresh token, where each use gives a new one, and what it was given for.
    refresh: Option<([u8; 32], Secret)>,
    is_refresh_new: bool,
}

/// A token.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) bearer: Secret,
    expires: Timestamp,
    /// From when on it is to be renewed.
    renewed: Timestamp,
    /// The tenant's id, where the token tells.
    pub(super) tenant: Option<Uuid>,
    /// Whose sign-in it is, where it is a person's.
    pub(super) user: Option<String>,
    /// What it was given for: another credential does not get it.
    of: [u8; 32],
}

impl Tokens {
    /// The token; a new one if there is none, or it ends soon.
    pub(super) async fn token(
        &self,
        settings: &HostedSettings,
        credential: &HostedCredential,
    ) -> Result<Token, ConnectError> {
        let now = settings.clock.now();
        let of = fingerprint(settings, credential);
        let mut kept = self.0.lock().await;
        let known = kept.token.clone().filter(|token| token.of == of && now < token.expires);
        match known {
            Some(token) if now < token.renewed => Ok(token),
            Some(token) => Ok(match kept.renew(settings, credential, of, None).await {
                Ok(new) => new,
                Err(error) => {
                    tracing::warn!(%error, "a token could not be renewed; it is still good for a while");
                    token
                }
            }),
            None => kept.renew(settings, credential, of, None).await,
        }
    }

    /// Another token in place of one that was refused, perhaps with what the service wants to be
    /// claimed. Where another session has renewed it already, that one.
    pub(super) async fn replaced(
        &self,
        settings: &HostedSettings,
        credential: &HostedCredential,
        (refused, claims): (&Token, Option<&str>),
    ) -> Result<Token, ConnectError> {
        let of = fingerprint(settings, credential);
        let mut kept = self.0.lock().await;
        match &kept.token {
            Some(token) if token.of == of && token.bearer != refused.bearer => Ok(token.clone()),
            _ => kept.renew(settings, credential, of, claims).await,
        }
    }

    /// The refresh token that came with the last renewal, once: it is to be kept in place of the one
    /// that the session was opened with.
    pub async fn take_refresh_token(&self) -> Option<Secret> {
        let mut kept = self.0.lock().await;
        let is_new = std::mem::take(&mut kept.is_refresh_new);
        kept.refresh.as_ref().filter(|_| is_new).map(|(_, secret)| secret.clone())
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

impl Kept {
    async fn renew(
        &mut self,
        settings: &HostedSettings,
        credential: &HostedCredential,
        of: [u8; 32],
        claims: Option<&str>,
    ) -> Result<Token, ConnectError> {
        let latest = self.refresh.as_ref().filter(|(known, _)| *known == of);
        let latest = latest.map(|(_, secret)| secret.clone());
        let body = asked(settings, credential, latest.as_ref(), claims).await?;
        let mut granted = token_service::granted(&body)?;
        if let (HostedCredential::RefreshToken(_), Some(next)) =
            (credential, granted.refresh_token.take())
        {
            self.refresh = Some((of, Secret::new(next)));
            self.is_refresh_new = true;
        }
        let token = granted.token(settings.clock.now(), of);
        self.token = Some(token.clone());
        Ok(token)
    }
}

/// Asks for a token in the way that the credential says.
async fn asked(
    settings: &HostedSettings,
    credential: &HostedCredential,
    latest: Option<&Secret>,
    claims: Option<&str>,
) -> Result<Vec<u8>, ConnectError> {
    let application = settings.endpoint.application;
    let needed = || application.ok_or(SignInError::NoApplication);
    let scope = format!("{}/.default", cloud::resource(&settings.endpoint));
    let person = format!("{scope} offline_access");
    let mut fields = vec![];
    let (id, assertion);
    match credential {
        HostedCredential::ManagedIdentity => return token_service::of_machine(settings).await,
        HostedCredential::Certificate(certificate) => {
            in_time(certificate, settings.clock.now())?;
            id = needed()?;
            let address = token_service::address(settings, "token");
            assertion = assertion::sign(certificate, id, &address, settings.clock.now())
                .map_err(ConnectError::CredentialUnusable)?;
            fields.extend([
                ("grant_type", "client_credentials"),
                ("scope", scope.as_str()),
                ("client_assertion_type", JWT_BEARER),
                ("client_assertion", assertion.as_str()),
            ]);
        }
        HostedCredential::Secret(secret) => {
            id = needed()?;
            fields.extend([
                ("grant_type", "client_credentials"),
                ("scope", scope.as_str()),
                ("client_secret", secret.reveal()),
            ]);
        }
        HostedCredential::RefreshToken(first) => {
            id = application.unwrap_or(SHELL);
            fields.extend([
                ("grant_type", "refresh_token"),
                ("scope", person.as_str()),
                ("refresh_token", latest.unwrap_or(first).reveal()),
            ]);
        }
    }
    let id = id.to_string();
    fields.push(("client_id", id.as_str()));
    fields.extend(claims.map(|claims| ("claims", claims)));
    let form = Form { name: "token", fields };
    token_service::post(settings, Some(credential), &form).await?.map_err(|refusal| {
        SignInError::Refused { code: refusal.error.clone(), text: refusal.error }.into()
    })
}

/// Whether a certificate can be used today: the service would say the same in fewer words.
fn in_time(certificate: &super::Certificate, now: Timestamp) -> Result<(), SignInError> {
    let subject = || certificate.subject();
    if now > certificate.not_after() {
        Err(SignInError::CertificateExpired { subject: subject(), at: certificate.not_after() })
    } else if now < certificate.not_before() {
        Err(SignInError::CertificateNotYetValid {
            subject: subject(),
            at: certificate.not_before(),
        })
    } else {
        Ok(())
    }
}

/// What a token is given for, so that a token of another credential is never used.
fn fingerprint(settings: &HostedSettings, credential: &HostedCredential) -> [u8; 32] {
    let endpoint = &settings.endpoint;
    let (kind, proof) = match credential {
        HostedCredential::Certificate(certificate) => ("certificate", certificate.sha256()),
        HostedCredential::Secret(secret) => ("secret", secret.reveal().to_owned()),
        HostedCredential::RefreshToken(token) => ("refresh", token.reveal().to_owned()),
        HostedCredential::ManagedIdentity => ("machine", String::new()),
    };
    let proof = Secret::new(proof);
    let application = endpoint.application.unwrap_or_default().to_string();
    let mut hash = Sha256::new();
    for part in [
        endpoint.tenant.as_str(),
        &application,
        &cloud::login(endpoint),
        &cloud::resource(endpoint),
        kind,
        proof.reveal(),
    ] {
        hash.update(part.as_bytes());
        hash.update(&[0]);
    }
    hash.finish()
}
