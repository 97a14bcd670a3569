//! Tokens that prove something, and all the ways in which one does not.

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use jsonwebtoken::{EncodingKey, Header, encode};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const NOW: i64 = 1_800_000_000;

fn expected() -> Expected<'static> {
    Expected {
        issuer: "https://login.contoso.test",
        client_id: "gatepost",
        nonce: "the-nonce",
        now: Timestamp::from_second(NOW).unwrap(),
        access_token: Some("the-access-token"),
    }
}

fn claims() -> Json {
    json!({
        "iss": "https://login.contoso.test",
        "aud": "gatepost",
        "sub": "jane",
        "nonce": "the-nonce",
        "iat": NOW - 5,
        "exp": NOW + 300,
    })
}

/// A provider's key, and what it publishes of it.
struct Signer {
    algorithm: Algorithm,
    private: EncodingKey,
    public: Jwk,
}

impl Signer {
    fn new(algorithm: Algorithm, id: &str) -> Self {
        let private = match algorithm.family() {
            jsonwebtoken::AlgorithmFamily::Rsa => {
                let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
                let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
                // The key itself (RFC 8017) stands behind 26 bytes that say what it is.
                EncodingKey::from_rsa_der(&der.as_ref()[26..])
            }
            jsonwebtoken::AlgorithmFamily::Ed => {
                let key = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).unwrap();
                EncodingKey::from_ed_der(key.as_ref())
            }
            _ => {
                let random = SystemRandom::new();
                let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
                EncodingKey::from_ec_der(key.unwrap().as_ref())
            }
        };
        let mut public = Jwk::from_encoding_key(&private, algorithm).unwrap();
        public.common.key_id = Some(id.to_owned());
        Self { algorithm, private, public }
    }

    fn sign(&self, claims: &Json) -> String {
        let header =
            Header { kid: self.public.common.key_id.clone(), ..Header::new(self.algorithm) };
        encode(&header, claims, &self.private).unwrap()
    }

    fn verify(&self, claims: &Json) -> Result<Json, TokenError> {
        verify(&self.sign(claims), std::slice::from_ref(&self.public), &expected())
    }
}

fn with(changes: &Json) -> Json {
    let mut claims = claims();
    let fields = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Json::Null => drop(fields.remove(name)),
            value => drop(fields.insert(name.clone(), value.clone())),
        }
    }
    claims
}

fn part(value: &Json) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[test]
fn what_every_kind_of_key_signs_is_believed() {
    for algorithm in [Algorithm::RS256, Algorithm::PS384, Algorithm::ES256, Algorithm::EdDSA] {
        let signer = Signer::new(algorithm, "one");
        assert_eq!(signer.verify(&claims()), Ok(claims()), "{algorithm:?}");
        let hash = access_token_hash(algorithm, "the-access-token");
        assert!(signer.verify(&with(&json!({ "at_hash": hash }))).is_ok(), "{algorithm:?}");
        let other = access_token_hash(algorithm, "another-access-token");
        let refused = signer.verify(&with(&json!({ "at_hash": other })));
        assert_eq!(refused, Err(TokenError::AccessToken));
    }
}

#[test]
fn the_hash_of_an_access_token_is_that_of_the_specification() {
    // OpenID Connect Core, appendix A.3.
    let hash = access_token_hash(Algorithm::RS256, "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y");
    assert_eq!(hash, "77QmUPtjPfzWtF2AnpK9RQ");
}

#[test]
fn every_claim_that_is_wrong_is_refused() {
    let signer = Signer::new(Algorithm::ES256, "one");
    for (change, expected) in [
        (json!({ "iss": "https://evil.test" }), "another issuer"),
        (json!({ "iss": "https://login.contoso.test/" }), "another issuer"),
        (json!({ "iss": null }), "another issuer"),
        (json!({ "aud": "other" }), "somebody else"),
        (json!({ "aud": ["other"] }), "somebody else"),
        (json!({ "aud": [] }), "somebody else"),
        (json!({ "aud": null }), "claim aud"),
        (json!({ "aud": ["gatepost", "other"] }), "claim azp"),
        (json!({ "aud": ["gatepost", "other"], "azp": "other" }), "somebody else"),
        (json!({ "azp": "other" }), "somebody else"),
        (json!({ "azp": 7 }), "somebody else"),
        (json!({ "exp": NOW - 61 }), "expired"),
        (json!({ "exp": null }), "claim exp"),
        (json!({ "exp": "tomorrow" }), "claim exp"),
        (json!({ "iat": null }), "claim iat"),
        (json!({ "iat": NOW + 61 }), "expired"),
        (json!({ "nbf": NOW + 61 }), "expired"),
        (json!({ "nonce": "another" }), "another sign-in"),
        (json!({ "nonce": null }), "another sign-in"),
        (json!({ "sub": null }), "claim sub"),
        (json!({ "sub": "" }), "claim sub"),
        (json!({ "sub": "x".repeat(256) }), "claim sub"),
        (json!({ "at_hash": 7 }), "another access token"),
    ] {
        let refused = signer.verify(&with(&change)).unwrap_err().to_string();
        assert!(refused.contains(expected), "{change}: {refused}");
    }
    for change in [
        json!({ "aud": ["gatepost"] }),
        json!({ "aud": ["gatepost", "other"], "azp": "gatepost" }),
        json!({ "exp": NOW - 59 }),
        json!({ "iat": NOW + 59, "exp": NOW as f64 + 0.5 }),
    ] {
        assert!(signer.verify(&with(&change)).is_ok(), "{change}");
    }
}

#[test]
fn what_nobody_signed_is_refused() {
    let signer = Signer::new(Algorithm::RS256, "one");
    let keys = [signer.public.clone()];
    let refused = |token: &str| verify(token, &keys, &expected()).unwrap_err();
    let real = signer.sign(&claims());
    let parts: Vec<&str> = real.split('.').collect();
    let [header, _, signature] = *parts else { panic!("{real}") };

    let unsigned = format!("{}.{}.", part(&json!({ "alg": "none" })), part(&claims()));
    assert_eq!(refused(&unsigned), TokenError::Algorithm("none".to_owned()));

    // The old trick: the public key as a shared secret.
    let public = serde_json::to_string(&signer.public).unwrap();
    let shared = EncodingKey::from_secret(public.as_bytes());
    let mut forged = Header::new(Algorithm::HS256);
    forged.kid = Some("one".to_owned());
    let forged = encode(&forged, &claims(), &shared).unwrap();
    assert_eq!(refused(&forged), TokenError::Algorithm("HS256".to_owned()));

    let changed = format!("{header}.{}.{signature}", part(&with(&json!({ "sub": "admin" }))));
    assert_eq!(refused(&changed), TokenError::Signature);

    // Another key that calls itself the same.
    let impostor = Signer::new(Algorithm::RS256, "one");
    assert_eq!(refused(&impostor.sign(&claims())), TokenError::Signature);
    let stranger = Signer::new(Algorithm::RS256, "two");
    assert_eq!(refused(&stranger.sign(&claims())), TokenError::UnknownKey);
    // A key of another kind than the token says.
    let other_kind = Signer::new(Algorithm::ES256, "one");
    assert_eq!(refused(&other_kind.sign(&claims())), TokenError::UnknownKey);

    let critical = json!({ "alg": "RS256", "kid": "one", "crit": ["exp"] });
    let critical = format!("{}.{}.{signature}", part(&critical), part(&claims()));
    assert_eq!(refused(&critical), TokenError::Algorithm("crit".to_owned()));

    let (half, _) = real.split_at(real.len() / 2);
    for nonsense in ["", ".", "..", "a.b.c", half, &"x".repeat(300_000)] {
        assert!(verify(nonsense, &keys, &expected()).is_err());
    }
}

/// Large providers name no algorithm beside their keys; where one is named, it holds.
#[test]
fn a_key_is_for_its_own_algorithm_if_it_names_one() {
    let mut signer = Signer::new(Algorithm::RS256, "one");
    let token = signer.sign(&claims());
    signer.public.common.key_algorithm = None;
    let nameless = keys(&json!({ "keys": [signer.public] }));
    assert!(verify(&token, &nameless, &expected()).is_ok());
    signer.public.common.key_algorithm = Some(jsonwebtoken::jwk::KeyAlgorithm::PS256);
    let other = keys(&json!({ "keys": [signer.public] }));
    assert_eq!(verify(&token, &other, &expected()), Err(TokenError::UnknownKey));
}

#[test]
fn keys_that_cannot_sign_are_left_out() {
    let signer = Signer::new(Algorithm::ES256, "one");
    let mut sealing = serde_json::to_value(&signer.public).unwrap();
    sealing["use"] = json!("enc");
    let document = json!({ "keys": [
        { "kty": "oct", "k": "AAAA", "kid": "shared" },
        { "kty": "RSA", "n": "!", "e": "AQAB" },
        { "kty": "new" },
        7,
        sealing,
        signer.public,
    ]});
    let found = keys(&document);
    let usable: Vec<_> =
        found.iter().filter(|key| key.common.key_id.as_deref() == Some("one")).collect();
    assert_eq!(usable, [&signer.public]);
    assert_eq!(keys(&json!({ "keys": 7 })), []);
    let token = signer.sign(&claims());
    assert!(verify(&token, &found, &expected()).is_ok());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(token in "[ -~\\n]{0,80}(\\.[A-Za-z0-9_-]{0,80}){0,3}") {
        prop_assert!(verify(&token, &[], &expected()).is_err());
    }
}
