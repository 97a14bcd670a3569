//! What a connector proves itself with to a hosted organization, as somebody gives it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    Timestamp,
    connector::{CertificateFacts, Endpoint, HostedSignIn},
};
use exchange::{Secret, hosted::Certificate};

use crate::{Error, secrets::ConnectorSecrets};

/// What an application proves itself with. Prints as what it is, never as what it holds.
#[derive(Clone)]
pub enum Proof {
    /// A file with a certificate and its key, PEM or PFX.
    Certificate {
        /// The file.
        file: Vec<u8>,
        /// What opens it.
        password: Option<String>,
    },
    /// A client secret.
    ClientSecret(String),
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Proof {
    /// A certificate as it travels in a text: PEM, or a PFX file in base64.
    pub fn certificate(text: String, password: Option<String>) -> Result<Self, Error> {
        let file = if text.contains("-----BEGIN") {
            text.into_bytes()
        } else {
            let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            STANDARD.decode(&compact).map_err(|_| {
                Error::Invalid(
                    "the certificate is neither PEM nor a PFX file in base64; give one of the two"
                        .to_owned(),
                )
            })?
        };
        Ok(Self::Certificate { file, password })
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Certificate { .. } => "certificate",
            Self::ClientSecret(_) => "client secret",
        }
    }

    fn is_for(&self) -> HostedSignIn {
        match self {
            Self::Certificate { .. } => HostedSignIn::Certificate,
            Self::ClientSecret(_) => HostedSignIn::Secret,
        }
    }

    /// Puts it among the secrets of a connector; what everybody may know of it becomes part of the
    /// endpoint.
    pub(crate) fn put_into(
        self,
        endpoint: &mut Endpoint,
        secrets: &mut ConnectorSecrets,
        now: Timestamp,
    ) -> Result<(), String> {
        let Endpoint::Hosted(hosted) = endpoint else {
            return Err(format!(
                "there is a {}, and servers on premises are signed in to with an account",
                self.name()
            ));
        };
        if hosted.sign_in != self.is_for() {
            return Err(format!(
                "there is a {}, and the way of signing in is {}; choose one of the two",
                self.name(),
                hosted.sign_in
            ));
        }
        match self {
            Self::Certificate { file, password } => {
                let password = password.map(Secret::new);
                let (facts, pem) = certificate(&file, password.as_ref())?;
                if facts.not_after <= now {
                    return Err(format!(
                        "the certificate {} expired at {}; make another, and register it with the \
                         application",
                        facts.subject, facts.not_after
                    ));
                }
                hosted.certificate = Some(facts);
                secrets.certificate = Some(pem);
            }
            Self::ClientSecret(secret) => secrets.client_secret = Some(Secret::new(secret)),
        }
        Ok(())
    }
}

/// What is known of a certificate, and what is sealed of it.
fn certificate(
    file: &[u8],
    password: Option<&Secret>,
) -> Result<(CertificateFacts, Secret), String> {
    let said = |error: exchange::hosted::CertificateError| format!("certificate: {error}");
    let certificate = Certificate::read(file, password).map_err(said)?;
    let facts = CertificateFacts {
        subject: certificate.subject(),
        sha256: certificate.sha256(),
        not_after: certificate.not_after(),
    };
    Ok((facts, certificate.to_pem().map_err(said)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_as_text_or_as_base64_and_prints_as_nothing() {
        let file = |text: &str| match Proof::certificate(text.to_owned(), Some("Pa55".to_owned())) {
            Ok(Proof::Certificate { file, .. }) => Some(file),
            _ => None,
        };
        let pem = "-----BEGIN CERTIFICATE-----\nAA==\n";
        assert_eq!(file(pem), Some(pem.as_bytes().to_owned()));
        assert_eq!(file("AAEC\nAw=="), Some(vec![0, 1, 2, 3]));
        assert_eq!(file("no file"), None);
        assert_eq!(format!("{:?}", Proof::ClientSecret("Cl1ent".to_owned())), "client secret");
    }
}
