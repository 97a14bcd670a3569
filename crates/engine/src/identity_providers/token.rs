//! The token that says who signed in (OpenID Connect Core section 3.1.3.7): every check, in one
//! place, with the time as a parameter.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Timestamp;
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{Jwk, PublicKeyUse},
};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// Longest token that is looked at: one with hundreds of groups has some ten kilobytes.
const MAX_TOKEN_BYTES: usize = 256 * 1024;
/// Keys of one provider that are looked at.
const MAX_KEYS: usize = 100;
/// Longest subject (OpenID Connect Core section 2), in bytes.
const MAX_SUBJECT_BYTES: usize = 255;
/// How far the provider's clock may be from ours, in seconds.
const SKEW_S: i64 = 60;

/// What a token may be signed with. Not among them: `none`, and everything with a shared secret.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// What a token must say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
    /// The access token that came along.
    pub(super) access_token: Option<&'a str>,
}

/// Why a token proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenError {
    #[error("what came is no signed token")]
    NoToken,
    #[error("the token is signed in a way that is not taken: {0}")]
    Algorithm(String),
    #[error("the token is signed with a key that the provider does not publish")]
    UnknownKey,
    #[error("the signature of the token is wrong")]
    Signature,
    #[error("the token has no usable claim {0}")]
    Missing(&'static str),
    #[error("the token is of another issuer: {0}")]
    Issuer(String),
    #[error("the token is for somebody else: {0}")]
    Audience(String),
    #[error("the token has expired, or is not valid yet; compare the clocks of both servers")]
    Time,
    #[error("the token answers another sign-in")]
    Nonce,
    #[error("the token belongs to another access token")]
    AccessToken,
}

/// The keys of a provider that can sign; what cannot be read is left out.
pub(super) fn keys(document: &Json) -> Vec<Jwk> {
    let list = document.get("keys").and_then(Json::as_array);
    let usable = |key: &Json| {
        let key: Jwk = serde_json::from_value(key.clone()).ok()?;
        let is_for_signing = !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption));
        (is_for_signing && DecodingKey::from_jwk(&key).is_ok()).then_some(key)
    };
    list.into_iter().flatten().take(MAX_KEYS).filter_map(usable).collect()
}

/// The claims of a token, if it proves what it says.
pub(super) fn verify(
    token: &str,
    keys: &[Jwk],
    expected: &Expected<'_>,
) -> Result<Json, TokenError> {
    let (algorithm, claims) = signed(token, keys)?;
    let text = |name| claims.get(name).and_then(Json::as_str);
    match text("iss") {
        Some(issuer) if issuer == expected.issuer => {}
        other => return Err(TokenError::Issuer(shown(other))),
    }
    check_audience(&claims, expected.client_id)?;
    check_time(&claims, expected.now)?;
    if text("nonce") != Some(expected.nonce) {
        return Err(TokenError::Nonce);
    }
    subject(&claims)?;
    if let (Some(hash), Some(access_token)) = (claims.get("at_hash"), expected.access_token)
        && hash.as_str() != Some(&*access_token_hash(algorithm, access_token))
    {
        return Err(TokenError::AccessToken);
    }
    Ok(claims)
}

/// The provider's own id of the person.
pub(super) fn subject(claims: &Json) -> Result<&str, TokenError> {
    let subject = claims.get("sub").and_then(Json::as_str).unwrap_or_default();
    let is_one = !subject.is_empty()
        && subject.len() <= MAX_SUBJECT_BYTES
        && !subject.contains(char::is_control);
    if is_one { Ok(subject) } else { Err(TokenError::Missing("sub")) }
}

/// What a token says and by which algorithm, if one of the keys signed it.
fn signed(token: &str, keys: &[Jwk]) -> Result<(Algorithm, Json), TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::NoToken);
    }
    let raw = header(token).ok_or(TokenError::NoToken)?;
    // What a reader must understand and this one does not (RFC 7515 section 4.1.11).
    if raw.get("crit").is_some() {
        return Err(TokenError::Algorithm("crit".to_owned()));
    }
    let header = decode_header(token)
        .map_err(|_| TokenError::Algorithm(shown(raw.get("alg").and_then(Json::as_str))))?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(TokenError::Algorithm(format!("{:?}", header.alg)));
    }
    let fits = |key: &&Jwk| match (&header.kid, &key.common.key_id) {
        (Some(wanted), Some(found)) => wanted == found,
        (Some(_), None) => false,
        (None, _) => true,
    };
    let is_for_it = |key: &&Jwk| {
        let named = key.common.key_algorithm.map(|named| named.to_string().parse());
        named.is_none_or(|named| named.is_ok_and(|named: Algorithm| named == header.alg))
    };
    let mut validation = Validation::new(header.alg);
    validation.algorithms = vec![header.alg];
    // Who, for whom and when is looked at here, with our own clock.
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_nbf, validation.validate_aud) =
        (false, false, false);
    let mut error = TokenError::UnknownKey;
    for key in keys.iter().filter(fits).filter(is_for_it) {
        let Ok(key) = DecodingKey::from_jwk(key) else { continue };
        if key.family() != header.alg.family() {
            continue;
        }
        match decode::<Json>(token, &key, &validation) {
            Ok(decoded) if decoded.claims.is_object() => return Ok((header.alg, decoded.claims)),
            Ok(_) => return Err(TokenError::NoToken),
            Err(_) => error = TokenError::Signature,
        }
    }
    Err(error)
}

fn header(token: &str) -> Option<Json> {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
    serde_json::from_slice(&bytes).ok().filter(Json::is_object)
}

fn check_audience(claims: &Json, client_id: &str) -> Result<(), TokenError> {
    let (is_for_us, others) = match claims.get("aud") {
        Some(Json::String(one)) => (one == client_id, 0),
        Some(Json::Array(many)) => {
            let is_us = |one: &&Json| one.as_str() == Some(client_id);
            let own = many.iter().filter(is_us).count();
            (own > 0, many.len() - own)
        }
        _ => return Err(TokenError::Missing("aud")),
    };
    let party = claims.get("azp").map(|party| party.as_str().unwrap_or_default());
    match party {
        _ if !is_for_us => {
            let audience = claims.get("aud").map(Json::to_string);
            Err(TokenError::Audience(shown(audience.as_deref())))
        }
        None if others > 0 => Err(TokenError::Missing("azp")),
        Some(party) if party != client_id => Err(TokenError::Audience(shown(Some(party)))),
        _ => Ok(()),
    }
}

fn check_time(claims: &Json, now: Timestamp) -> Result<(), TokenError> {
    let second = |name: &'static str| {
        let number = claims.get(name)?;
        // A time may have a fraction (RFC 7519 section 2); what is cut off is less than the skew.
        number.as_i64().or_else(|| number.as_f64().map(whole))
    };
    let now = now.as_second();
    let expires = second("exp").ok_or(TokenError::Missing("exp"))?;
    let issued = second("iat").ok_or(TokenError::Missing("iat"))?;
    let begins = second("nbf").unwrap_or(issued);
    let is_now = expires.saturating_add(SKEW_S) > now
        && issued <= now.saturating_add(SKEW_S)
        && begins <= now.saturating_add(SKEW_S);
    if is_now { Ok(()) } else { Err(TokenError::Time) }
}

#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, which is what is wanted")]
fn whole(number: f64) -> i64 {
    number as i64
}

/// The left half of the access token's hash (OpenID Connect Core section 3.1.3.6).
fn access_token_hash(algorithm: Algorithm, access_token: &str) -> String {
    let hash = match algorithm {
        Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384 => {
            Sha384::digest(access_token).to_vec()
        }
        Algorithm::RS512 | Algorithm::PS512 | Algorithm::EdDSA => {
            Sha512::digest(access_token).to_vec()
        }
        _ => Sha256::digest(access_token).to_vec(),
    };
    URL_SAFE_NO_PAD.encode(hash.get(..hash.len() / 2).unwrap_or_default())
}

fn shown(text: Option<&str>) -> String {
    super::http::said(text.unwrap_or("none is named"))
}

#[cfg(test)]
mod tests;
