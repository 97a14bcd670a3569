//! What an application says of itself, signed with the key of its certificate (RFC 7523).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use openssl::{hash::MessageDigest, pkey::Id};
use serde::Serialize;
use uuid::Uuid;

use super::super::Certificate;

/// How long an assertion is valid: long enough for clocks that differ, short for thieves.
const VALID_FOR_SECONDS: i64 = 10 * 60;

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: String,
    sub: String,
    jti: String,
    nbf: i64,
    iat: i64,
    exp: i64,
}

/// The assertion of an application for a token endpoint. Each is good for one use: its id is fresh.
pub(super) fn sign(
    certificate: &Certificate,
    application: Uuid,
    endpoint: &str,
    now: Timestamp,
) -> Result<String, String> {
    let now = now.as_second();
    let claims = Claims {
        aud: endpoint,
        iss: application.to_string(),
        sub: application.to_string(),
        jti: Uuid::new_v4().to_string(),
        nbf: now,
        iat: now,
        exp: now + VALID_FOR_SECONDS,
    };
    let (algorithm, key) = key_of(certificate).map_err(|error| error.to_string())?;
    let digest = certificate.certificate().digest(MessageDigest::sha256());
    let digest = digest.map_err(|error| error.to_string())?;
    let header =
        Header { x5t_s256: Some(URL_SAFE_NO_PAD.encode(digest)), ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, &claims, &key).map_err(|error| error.to_string())
}

/// How a key signs: what it is decides.
fn key_of(
    certificate: &Certificate,
) -> Result<(Algorithm, EncodingKey), openssl::error::ErrorStack> {
    let key = certificate.key();
    if key.id() == Id::RSA {
        let der = key.rsa()?.private_key_to_der()?;
        return Ok((Algorithm::PS256, EncodingKey::from_rsa_der(&der)));
    }
    let algorithm = if key.bits() > 256 { Algorithm::ES384 } else { Algorithm::ES256 };
    Ok((algorithm, EncodingKey::from_ec_der(&key.private_key_to_pkcs8()?)))
}
