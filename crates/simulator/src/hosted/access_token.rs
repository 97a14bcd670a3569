//! The tokens that the service is shown. They look like those of the cloud; whoever has one can do
//! nothing with it but show it.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jiff::Timestamp;
use openssl::{
    hash::MessageDigest,
    memcmp,
    pkey::{PKey, Private},
    sign::Signer,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// Makes tokens and knows them again.
#[derive(Clone)]
pub(super) struct Tokens {
    key: PKey<Private>,
    given: Arc<AtomicU64>,
    /// Tokens up to this number are refused.
    revoked: Arc<AtomicU64>,
}

/// What a token is made from.
pub(super) struct Grant<'a> {
    pub(super) tenant: Uuid,
    pub(super) application: Uuid,
    /// Whose token it is, if a person's.
    pub(super) person: Option<&'a str>,
    /// `https://outlook.office365.com`
    pub(super) audience: &'a str,
    pub(super) now: Timestamp,
    pub(super) expires: Timestamp,
}

/// What a token says that is good.
pub(super) struct Shown {
    pub(super) application: Uuid,
    pub(super) person: Option<String>,
}

/// Why a token is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It is none of ours, or its time is over.
    Invalid,
    /// It was taken back; another must answer the challenge.
    Revoked,
}

impl Tokens {
    pub(super) fn generate() -> io::Result<Self> {
        let mut secret = [0; 32];
        openssl::rand::rand_bytes(&mut secret)?;
        let key = PKey::hmac(&secret)?;
        Ok(Self { key, given: Arc::default(), revoked: Arc::default() })
    }

    pub(super) fn revoke(&self) {
        self.revoked.store(self.given.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    pub(super) fn give(&self, grant: &Grant<'_>) -> io::Result<String> {
        let number = self.given.fetch_add(1, Ordering::Relaxed) + 1;
        let mut claims = json!({
            "aud": grant.audience,
            "iss": format!("https://sts.windows.net/{}/", grant.tenant),
            "iat": grant.now.as_second(),
            "nbf": grant.now.as_second(),
            "exp": grant.expires.as_second(),
            "appid": grant.application,
            "tid": grant.tenant,
            "oid": Uuid::new_v5(&grant.tenant, grant.application.as_bytes()),
            "uti": number,
            "ver": "1.0",
        });
        match grant.person {
            Some(person) => {
                claims["upn"] = person.into();
                claims["scp"] = "AdminApi.AccessAsUser.All".into();
            }
            None => claims["roles"] = json!(["Exchange.ManageAsApp"]),
        }
        let header = BASE64.encode(r#"{"typ":"JWT","alg":"HS256"}"#);
        let signed = format!("{header}.{}", BASE64.encode(claims.to_string()));
        let signature = BASE64.encode(self.sign(&signed)?);
        Ok(format!("{signed}.{signature}"))
    }

    /// What a token says, if it is good now and here.
    pub(super) fn read(&self, token: &str, tenant: Uuid, now: Timestamp) -> Result<Shown, Flaw> {
        let claims = self.claims(token).ok_or(Flaw::Invalid)?;
        let text = |name: &str| claims[name].as_str();
        let id = |name: &str| text(name).and_then(|id| Uuid::try_parse(id).ok());
        let expires = claims["exp"].as_i64().unwrap_or_default();
        if id("tid") != Some(tenant) || now.as_second() >= expires {
            return Err(Flaw::Invalid);
        }
        if claims["uti"].as_u64().unwrap_or_default() <= self.revoked.load(Ordering::Relaxed) {
            return Err(Flaw::Revoked);
        }
        let application = id("appid").ok_or(Flaw::Invalid)?;
        Ok(Shown { application, person: text("upn").map(str::to_owned) })
    }

    fn claims(&self, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (own, theirs) = (self.sign(signed).ok()?, BASE64.decode(signature).ok()?);
        if own.len() != theirs.len() || !memcmp::eq(&own, &theirs) {
            return None;
        }
        let (_, claims) = signed.split_once('.')?;
        serde_json::from_slice(&BASE64.decode(claims).ok()?).ok()
    }

    fn sign(&self, text: &str) -> Result<Vec<u8>, openssl::error::ErrorStack> {
        Signer::new(MessageDigest::sha256(), &self.key)?.sign_oneshot_to_vec(text.as_bytes())
    }
}
