//! Certificates: the root that the service's own is signed by, and those of applications.

use std::io;

use jiff::Timestamp;
use openssl::{
    asn1::{Asn1Time, Asn1TimeRef},
    bn::{BigNum, MsbOption},
    ec::{EcGroup, EcKey},
    error::ErrorStack,
    hash::MessageDigest,
    nid::Nid,
    pkcs12::Pkcs12,
    pkey::{PKey, PKeyRef, Private},
    rsa::Rsa,
    ssl::{SslAcceptor, SslContext, SslMethod},
    x509::{
        X509, X509Name, X509NameRef,
        extension::{BasicConstraints, KeyUsage, SubjectAlternativeName},
    },
};

/// 1 January 2020: whatever time a story plays in, it is after that.
const BEGINNING: i64 = 1_577_836_800;
/// How long the service's own certificates are good.
const VALID_DAYS: u32 = 3_650;
const RSA_BITS: u32 = 2_048;

/// What the service shows to whoever connects.
pub(super) struct Tls {
    pub(super) context: SslContext,
    pub(super) root_pem: String,
}

impl Tls {
    /// A root, and a certificate signed by it for this machine's names.
    pub(super) fn generate() -> io::Result<Self> {
        let (root_key, key) = (ec_key()?, ec_key()?);
        let end = Asn1Time::days_from_now(VALID_DAYS)?;
        let name = name("Simulated cloud root")?;
        let root = Draft { key: &root_key, subject: &name, issuer: None, end: &end, is_root: true };
        let root = root.signed_by(&root_key)?;
        let own = self::name("localhost")?;
        let issuer = Some((root.subject_name(), &*root));
        let own = Draft { key: &key, subject: &own, issuer, end: &end, is_root: false };
        let own = own.signed_by(&root_key)?;
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        acceptor.set_private_key(&key)?;
        acceptor.set_certificate(&own)?;
        acceptor.check_private_key()?;
        let root_pem = pem(root.to_pem()?);
        Ok(Self { context: acceptor.build().into_context(), root_pem })
    }
}

/// A certificate to be.
struct Draft<'a> {
    key: &'a PKeyRef<Private>,
    subject: &'a X509NameRef,
    issuer: Option<(&'a X509NameRef, &'a openssl::x509::X509Ref)>,
    end: &'a Asn1TimeRef,
    is_root: bool,
}

impl Draft<'_> {
    fn signed_by(&self, key: &PKeyRef<Private>) -> Result<X509, ErrorStack> {
        let mut certificate = X509::builder()?;
        certificate.set_version(2)?;
        let mut serial = BigNum::new()?;
        serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
        let serial = serial.to_asn1_integer()?;
        certificate.set_serial_number(&serial)?;
        certificate.set_subject_name(self.subject)?;
        certificate.set_issuer_name(self.issuer.map_or(self.subject, |(name, _)| name))?;
        certificate.set_pubkey(self.key)?;
        let beginning = Asn1Time::from_unix(BEGINNING)?;
        certificate.set_not_before(&beginning)?;
        certificate.set_not_after(self.end)?;
        if self.is_root {
            certificate.append_extension(BasicConstraints::new().critical().ca().build()?)?;
            let usage = KeyUsage::new().critical().key_cert_sign().crl_sign().build()?;
            certificate.append_extension(usage)?;
        } else if let Some((_, issuer)) = self.issuer {
            let context = certificate.x509v3_context(Some(issuer), None);
            let names = SubjectAlternativeName::new()
                .dns("localhost")
                .ip("127.0.0.1")
                .ip("::1")
                .build(&context)?;
            certificate.append_extension(names)?;
        }
        certificate.sign(key, MessageDigest::sha256())?;
        Ok(certificate.build())
    }
}

/// Which kind of key a certificate has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA of 2048 bits.
    Rsa,
    /// Elliptic curve P-256.
    Ec,
}

/// A certificate that an application signs in with, and its key.
#[derive(Clone)]
pub struct AppCertificate {
    certificate: X509,
    key: PKey<Private>,
}

impl AppCertificate {
    /// A certificate signed by itself, good until then.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn self_signed(name: &str, kind: KeyKind, not_after: Timestamp) -> io::Result<Self> {
        let key = match kind {
            KeyKind::Rsa => PKey::from_rsa(Rsa::generate(RSA_BITS)?)?,
            KeyKind::Ec => ec_key()?,
        };
        let (subject, end) = (self::name(name)?, Asn1Time::from_unix(not_after.as_second())?);
        let draft = Draft { key: &key, subject: &subject, issuer: None, end: &end, is_root: false };
        Ok(Self { certificate: draft.signed_by(&key)?, key })
    }

    /// The certificate alone, to be registered.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn certificate_pem(&self) -> io::Result<String> {
        Ok(pem(self.certificate.to_pem()?))
    }

    /// The key alone, in PKCS#8.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn key_pem(&self) -> io::Result<String> {
        Ok(pem(self.key.private_key_to_pem_pkcs8()?))
    }

    /// Certificate and key, one after the other.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn pem(&self) -> io::Result<String> {
        Ok(self.certificate_pem()? + &self.key_pem()?)
    }

    /// Certificate and key as a PFX file (PKCS#12) under a password.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn pfx(&self, password: &str) -> io::Result<Vec<u8>> {
        let mut file = Pkcs12::builder();
        file.name("gatepost").pkey(&self.key).cert(&self.certificate);
        Ok(file.build2(password)?.to_der()?)
    }
}

impl std::fmt::Debug for AppCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AppCertificate").field(&self.certificate.subject_name()).finish()
    }
}

fn ec_key() -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

fn name(common: &str) -> Result<X509Name, ErrorStack> {
    let mut name = X509Name::builder()?;
    name.append_entry_by_nid(Nid::COMMONNAME, common)?;
    Ok(name.build())
}

fn pem(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_default()
}
