//! What an application signs to prove who it is (RFC 7523), checked against its certificates.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jiff::Timestamp;
use openssl::{
    bn::BigNum,
    ecdsa::EcdsaSig,
    error::ErrorStack,
    hash::MessageDigest,
    pkey::{PKeyRef, Public},
    rsa::Padding,
    sign::{RsaPssSaltlen, Verifier},
    x509::X509,
};
use serde_json::Value;

/// How far the clocks of both may be apart.
const SKEW_SECONDS: i64 = 300;
/// The longest assertion: a token of a few hundred bytes, with room.
const MAX_BYTES: usize = 16_384;

/// What a good assertion says.
#[derive(Debug)]
pub(super) struct Assertion {
    /// Its own id, which counts once.
    pub(super) id: String,
    /// Until when it would be taken again.
    pub(super) expires: Timestamp,
}

/// Why an assertion is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    Malformed,
    /// No certificate of that thumbprint is registered.
    UnknownCertificate,
    /// The certificate's time is over.
    ExpiredCertificate,
    WrongSignature,
    /// It is meant for somebody else.
    WrongAudience,
    /// Issuer and subject are not the application.
    WrongSubject,
    /// It is too old or of the future.
    WrongTime,
}

/// Checks an assertion of an application.
pub(super) fn check(
    text: &str,
    application: &super::Application,
    audiences: &[String],
    now: Timestamp,
) -> Result<Assertion, Flaw> {
    let parts: Vec<&str> = text.split('.').collect();
    let [header, claims, signature] = parts[..] else { return Err(Flaw::Malformed) };
    if text.len() > MAX_BYTES {
        return Err(Flaw::Malformed);
    }
    let (header, claims) = (document(header)?, document(claims)?);
    let signature = BASE64.decode(signature).map_err(|_| Flaw::Malformed)?;
    let certificate = certificate(&header, application)?;
    let (signed, _) = text.rsplit_once('.').ok_or(Flaw::Malformed)?;
    let algorithm = header["alg"].as_str().unwrap_or_default();
    let key = certificate.public_key().map_err(|_| Flaw::Malformed)?;
    if !verify(algorithm, &key, signed.as_bytes(), &signature).unwrap_or(false) {
        return Err(Flaw::WrongSignature);
    }
    let end = openssl::asn1::Asn1Time::from_unix(now.as_second()).map_err(|_| Flaw::Malformed)?;
    if certificate.not_after() < end {
        return Err(Flaw::ExpiredCertificate);
    }
    let named = claims["aud"].as_str().unwrap_or_default();
    if !audiences.iter().any(|own| own.eq_ignore_ascii_case(named)) {
        return Err(Flaw::WrongAudience);
    }
    let own = application.id.to_string();
    let says = |name: &str| claims[name].as_str().is_some_and(|id| id.eq_ignore_ascii_case(&own));
    if !says("iss") || !says("sub") {
        return Err(Flaw::WrongSubject);
    }
    let (now, expires) = (now.as_second(), claims["exp"].as_i64().unwrap_or_default());
    let from = claims["nbf"].as_i64().unwrap_or(now);
    if expires.saturating_add(SKEW_SECONDS) <= now || from.saturating_sub(SKEW_SECONDS) > now {
        return Err(Flaw::WrongTime);
    }
    let id = claims["jti"].as_str().filter(|id| !id.is_empty()).ok_or(Flaw::Malformed)?;
    let expires = Timestamp::from_second(expires.saturating_add(SKEW_SECONDS));
    Ok(Assertion { id: id.to_owned(), expires: expires.map_err(|_| Flaw::WrongTime)? })
}

fn document(part: &str) -> Result<Value, Flaw> {
    let bytes = BASE64.decode(part).map_err(|_| Flaw::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| Flaw::Malformed)
}

/// The registered certificate that the header names by thumbprint: of SHA-256, or of SHA-1 as older
/// clients do.
fn certificate(header: &Value, application: &super::Application) -> Result<X509, Flaw> {
    let [sha256, sha1] = ["x5t#S256", "x5t"]
        .map(|name| header[name].as_str().and_then(|thumbprint| BASE64.decode(thumbprint).ok()));
    let registered = application.certificates.iter();
    let mut registered = registered.filter_map(|pem| X509::from_pem(pem.as_bytes()).ok());
    let has = |certificate: &X509, digest, wanted: &Option<Vec<u8>>| {
        let own = certificate.digest(digest).ok();
        wanted.as_deref().is_some_and(|wanted| own.is_some_and(|own| *own == *wanted))
    };
    let found = registered.find(|one| {
        has(one, MessageDigest::sha256(), &sha256)
            || sha256.is_none() && has(one, MessageDigest::sha1(), &sha1)
    });
    found.ok_or(Flaw::UnknownCertificate)
}

fn verify(
    algorithm: &str,
    key: &PKeyRef<Public>,
    signed: &[u8],
    signature: &[u8],
) -> Result<bool, ErrorStack> {
    match algorithm {
        "RS256" | "PS256" => {
            key.rsa()?;
            let mut verifier = Verifier::new(MessageDigest::sha256(), key)?;
            if algorithm == "PS256" {
                verifier.set_rsa_padding(Padding::PKCS1_PSS)?;
                verifier.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
            }
            verifier.verify_oneshot(signature, signed)
        }
        "ES256" | "ES384" => {
            let digest = match algorithm {
                "ES256" => MessageDigest::sha256(),
                _ => MessageDigest::sha384(),
            };
            let (r, s) = signature.split_at(signature.len() / 2);
            let (r, s) = (BigNum::from_slice(r)?, BigNum::from_slice(s)?);
            let signature = EcdsaSig::from_private_components(r, s)?;
            let hash = openssl::hash::hash(digest, signed)?;
            signature.verify(&hash, &*key.ec_key()?)
        }
        _ => Ok(false),
    }
}
