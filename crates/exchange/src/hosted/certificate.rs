//! The certificate an application signs in with, and its private key.

use std::fmt;

use domain::Timestamp;
use openssl::{
    asn1::Asn1TimeRef,
    hash::MessageDigest,
    pkcs12::Pkcs12,
    pkey::{Id, PKey, Private},
    provider::Provider,
    x509::X509,
};

use crate::Secret;

/// Largest file taken: a certificate with its chain and a key is a few thousand bytes.
const MAX_FILE_BYTES: usize = 1024 * 1024;

/// A certificate and its private key.
#[derive(Clone)]
pub struct Certificate {
    certificate: X509,
    key: PKey<Private>,
    not_before: Timestamp,
    not_after: Timestamp,
}

/// Why a file holds no certificate that can be signed in with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Neither form.
    #[error(
        "file is neither PEM with a certificate and its key, nor PFX; export it with its private key"
    )]
    Unreadable,
    /// Too large to be one.
    #[error(
        "file has more than {MAX_FILE_BYTES} bytes, which no certificate has; give the right file"
    )]
    TooLarge,
    /// The key is missing.
    #[error(
        "file holds a certificate but not its private key; export both, or put the key into the same file"
    )]
    NoKey,
    /// The certificate is missing.
    #[error("file holds a private key but no certificate; put both into one file")]
    NoCertificate,
    /// The password does not open it.
    #[error("password does not open the file; give the one it was exported with")]
    WrongPassword,
    /// It needs a password.
    #[error("file is protected by a password; give the one it was exported with")]
    PasswordMissing,
    /// An old cipher that this program does not have.
    #[error(
        "file is protected in a way that is not known here ({0}); export it anew with AES, or as PEM"
    )]
    UnknownProtection(String),
    /// Key and certificate are strangers.
    #[error(
        "private key does not belong to the certificate {0}; give the two that belong together"
    )]
    KeyOfAnother(String),
    /// A kind of key that no assertion is signed with.
    #[error(
        "key is {0}; make a certificate with an RSA key of 2048 bits or more, or an EC key on P-256 or P-384"
    )]
    UnfitKey(String),
    /// Dates that cannot be read.
    #[error("dates of the certificate were not understood; make another certificate")]
    UnreadableDates,
}

impl Certificate {
    /// The certificate and key of a file: PEM that holds both in any order, or PFX.
    pub fn read(bytes: &[u8], password: Option<&Secret>) -> Result<Self, CertificateError> {
        if bytes.len() > MAX_FILE_BYTES {
            return Err(CertificateError::TooLarge);
        }
        let is_pem = bytes.windows(10).any(|window| window == b"-----BEGIN");
        let (certificates, key) =
            if is_pem { read_pem(bytes, password)? } else { read_pfx(bytes, password)? };
        let Some(first) = certificates.first() else { return Err(CertificateError::NoCertificate) };
        // A file may hold a chain, in any order: the one that belongs to the key is meant.
        let is_of_key = |one: &&X509| one.public_key().is_ok_and(|public| public.public_eq(&key));
        let Some(certificate) = certificates.iter().find(is_of_key) else {
            return Err(CertificateError::KeyOfAnother(subject(first)));
        };
        fit(&key)?;
        Ok(Self {
            not_before: time(certificate.not_before())?,
            not_after: time(certificate.not_after())?,
            certificate: certificate.clone(),
            key,
        })
    }

    /// When it begins to be valid.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// Until when it is valid.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Its fingerprint, lower-case hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> String {
        let digest = self.certificate.digest(MessageDigest::sha256());
        let digest = digest.as_deref().unwrap_or_default();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whose it is: `CN=Gatepost, O=Contoso`.
    #[must_use]
    pub fn subject(&self) -> String {
        subject(&self.certificate)
    }

    /// Certificate and key as PEM, to be sealed and read again without a password.
    pub fn to_pem(&self) -> Result<Secret, CertificateError> {
        let unreadable = |_| CertificateError::Unreadable;
        let mut pem = self.certificate.to_pem().map_err(unreadable)?;
        pem.extend(self.key.private_key_to_pem_pkcs8().map_err(unreadable)?);
        let text = String::from_utf8(pem).map_err(|_| CertificateError::Unreadable)?;
        Ok(Secret::new(text))
    }

    pub(super) fn certificate(&self) -> &X509 {
        &self.certificate
    }

    pub(super) fn key(&self) -> &PKey<Private> {
        &self.key
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("subject", &self.subject()).finish_non_exhaustive()
    }
}

type Parts = (Vec<X509>, PKey<Private>);

fn read_pem(bytes: &[u8], password: Option<&Secret>) -> Result<Parts, CertificateError> {
    let certificates = X509::stack_from_pem(bytes).map_err(|_| CertificateError::Unreadable)?;
    let mut was_asked = false;
    let key = PKey::private_key_from_pem_callback(bytes, |buffer| {
        was_asked = true;
        let password = password.map(|password| password.reveal().as_bytes()).unwrap_or_default();
        // A password that does not fit into the room given is no password of this file.
        let Some(room) = buffer.get_mut(..password.len()) else { return Ok(0) };
        room.copy_from_slice(password);
        Ok(password.len())
    });
    match key {
        Ok(key) => Ok((certificates, key)),
        Err(_) if was_asked && password.is_none() => Err(CertificateError::PasswordMissing),
        Err(_) if was_asked => Err(CertificateError::WrongPassword),
        Err(_) if certificates.is_empty() => Err(CertificateError::Unreadable),
        Err(_) => Err(CertificateError::NoKey),
    }
}

fn read_pfx(bytes: &[u8], password: Option<&Secret>) -> Result<Parts, CertificateError> {
    let pfx = Pkcs12::from_der(bytes).map_err(|_| CertificateError::Unreadable)?;
    // Files of old Windows are protected with RC2, which is loaded for the reading of one alone.
    let legacy = Provider::try_load(None, "legacy", true);
    let text = password.map(Secret::reveal).unwrap_or_default();
    if text.contains('\0') {
        return Err(CertificateError::WrongPassword);
    }
    let parsed = pfx.parse2(text);
    drop(legacy);
    let parsed = parsed.map_err(|errors| {
        let reasons: Vec<&str> =
            errors.errors().iter().filter_map(openssl::error::Error::reason).collect();
        match reasons.iter().find(|reason| reason.contains("unsupported")) {
            Some(reason) => CertificateError::UnknownProtection((*reason).to_owned()),
            None if password.is_none() => CertificateError::PasswordMissing,
            None => CertificateError::WrongPassword,
        }
    })?;
    let key = parsed.pkey.ok_or(CertificateError::NoKey)?;
    let mut certificates: Vec<X509> = parsed.cert.into_iter().collect();
    certificates.extend(parsed.ca.into_iter().flatten());
    Ok((certificates, key))
}

/// Whether assertions can be signed with a key.
fn fit(key: &PKey<Private>) -> Result<(), CertificateError> {
    let unfit = |what: String| Err(CertificateError::UnfitKey(what));
    match key.id() {
        Id::RSA if key.bits() >= 2048 => Ok(()),
        Id::RSA => unfit(format!("RSA of {} bits", key.bits())),
        Id::EC if matches!(key.bits(), 256 | 384) => Ok(()),
        Id::EC => unfit(format!("EC of {} bits", key.bits())),
        other => unfit(format!("neither RSA nor EC (type {})", other.as_raw())),
    }
}

fn subject(certificate: &X509) -> String {
    let entries = certificate.subject_name().entries();
    let parts = entries.filter_map(|entry| {
        let name = entry.object().nid().short_name().ok()?;
        Some(format!("{name}={}", entry.data().to_string().ok()?))
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn time(time: &Asn1TimeRef) -> Result<Timestamp, CertificateError> {
    let unreadable = |_| CertificateError::UnreadableDates;
    let epoch = openssl::asn1::Asn1Time::from_unix(0).map_err(unreadable)?;
    let since = epoch.diff(time).map_err(unreadable)?;
    let seconds = i64::from(since.days) * 86_400 + i64::from(since.secs);
    Timestamp::from_second(seconds).map_err(|_| CertificateError::UnreadableDates)
}

#[cfg(test)]
mod tests;
