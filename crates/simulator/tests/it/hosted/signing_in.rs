//! Who gets a token, and who does not.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use openssl::{
    ecdsa::EcdsaSig,
    hash::{MessageDigest, hash},
    pkey::{Id, PKey, Private},
    rsa::Padding,
    sign::{RsaPssSaltlen, Signer},
    x509::X509,
};
use serde_json::{Value, json};
use simulator::{AppCertificate, HostedHabits, KeyKind};

use super::{APPLICATION, SECRET, Stage, Told, tell};

/// An assertion as an application signs it.
struct Assertion<'a> {
    algorithm: &'a str,
    certificate: &'a AppCertificate,
    claims: Value,
}

impl Assertion<'_> {
    fn text(&self) -> String {
        let certificate = self.certificate.certificate_pem().unwrap();
        let certificate = X509::from_pem(certificate.as_bytes()).unwrap();
        let thumbprint = BASE64.encode(certificate.digest(MessageDigest::sha256()).unwrap());
        let header = json!({"alg": self.algorithm, "typ": "JWT", "x5t#S256": thumbprint});
        let signed = format!(
            "{}.{}",
            BASE64.encode(header.to_string()),
            BASE64.encode(self.claims.to_string())
        );
        let key = self.certificate.key_pem().unwrap();
        let key = PKey::private_key_from_pem(key.as_bytes()).unwrap();
        format!("{signed}.{}", BASE64.encode(self.signature(&key, signed.as_bytes())))
    }

    fn signature(&self, key: &PKey<Private>, signed: &[u8]) -> Vec<u8> {
        if key.id() == Id::EC {
            let digest = hash(MessageDigest::sha256(), signed).unwrap();
            let signature = EcdsaSig::sign(&digest, &key.ec_key().unwrap()).unwrap();
            let part = |number: &openssl::bn::BigNumRef| number.to_vec_padded(32).unwrap();
            return [part(signature.r()), part(signature.s())].concat();
        }
        let mut signer = Signer::new(MessageDigest::sha256(), key).unwrap();
        if self.algorithm == "PS256" {
            signer.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
            signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
        }
        signer.sign_oneshot_to_vec(signed).unwrap()
    }
}

fn claims(stage: &Stage, id: &str) -> Value {
    let now = stage.now.lock().unwrap().as_second();
    json!({"aud": stage.token_url(), "iss": APPLICATION, "sub": APPLICATION, "jti": id,
        "nbf": now, "exp": now + 600})
}

async fn shown(stage: &Stage, assertion: &str) -> Told {
    stage
        .sign_in(&[
            ("grant_type", "client_credentials"),
            ("client_id", &APPLICATION.to_string()),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion),
            ("scope", "https://outlook.office365.com/.default"),
        ])
        .await
}

fn number(told: &Told) -> u64 {
    let body = told.json();
    let text = body["error_description"].as_str().unwrap_or_default();
    assert!(text.is_empty() || text.starts_with("AADSTS"), "{text}");
    body["error_codes"][0].as_u64().unwrap_or_default()
}

#[test]
fn each_kind_of_signature_is_taken_once() {
    tell(1, HostedHabits::default(), |stage| async move {
        for (algorithm, certificate) in [("RS256", 0), ("PS256", 0), ("ES256", 1)] {
            let certificate = &stage.certificates[certificate];
            let claims = claims(&stage, algorithm);
            let assertion = Assertion { algorithm, certificate, claims }.text();
            let granted = shown(&stage, &assertion).await;
            assert_eq!(granted.status, 200, "{algorithm}: {}", granted.json());
            let again = shown(&stage, &assertion).await;
            assert_eq!((again.status.as_u16(), number(&again)), (401, 50_013), "{algorithm}");
        }
        assert_eq!(stage.ledger.entries().hosted.tokens, 4);
        assert_eq!(stage.ledger.entries().hosted.refused_sign_ins, 3);
    });
}

#[test]
fn what_is_wrong_with_an_assertion_is_told() {
    tell(1, HostedHabits::default(), |stage| async move {
        let mut next = 0;
        let mut check = async |field: &str, value: Value, wanted: u64| {
            next += 1;
            let mut claims = claims(&stage, &format!("one {next}"));
            if !field.is_empty() {
                claims[field] = value;
            }
            let certificate = &stage.certificates[1];
            let text = Assertion { algorithm: "ES256", certificate, claims }.text();
            assert_eq!(number(&shown(&stage, &text).await), wanted, "{field}");
        };
        let now = stage.now.lock().unwrap().as_second();
        check("", json!(null), 0).await;
        check("aud", json!("https://elsewhere.example/"), 700_023).await;
        check("iss", json!("somebody"), 700_021).await;
        check("nbf", json!(now + 299), 0).await;
        check("nbf", json!(now + 301), 700_024).await;
        check("exp", json!(now - 299), 0).await;
        check("exp", json!(now - 301), 700_024).await;
        check("jti", json!(""), 50_027).await;
        let end = *stage.now.lock().unwrap() + jiff::SignedDuration::from_hours(24);
        let stranger = AppCertificate::self_signed("other", KeyKind::Ec, end).unwrap();
        let own = claims(&stage, "a");
        let text = Assertion { algorithm: "ES256", certificate: &stranger, claims: own }.text();
        assert_eq!(number(&shown(&stage, &text).await), 700_027);
        let own = claims(&stage, "b");
        let certificate = &stage.certificates[1];
        let text = Assertion { algorithm: "ES256", certificate, claims: own }.text();
        let forged = format!("{}AAAA", text.split_at(text.len() - 4).0);
        assert_eq!(number(&shown(&stage, &forged).await), 700_027);
        assert_eq!(number(&shown(&stage, "a.b").await), 50_027);
        stage.wait(31 * 24 * 3_600);
        let own = claims(&stage, "c");
        let late = Assertion { algorithm: "ES256", certificate, claims: own }.text();
        let late = shown(&stage, &late).await.json();
        let text = late["error_description"].as_str().unwrap();
        assert!(text.contains("The key used is expired"), "{text}");
    });
}

#[test]
fn a_secret_counts_if_it_is_the_right_one_for_what_is_known() {
    tell(1, HostedHabits::default(), |stage| async move {
        let id = APPLICATION.to_string();
        let scope = "https://outlook.office365.com/.default";
        let check = async |client: &str, secret: &str, scope: &str, wanted: (u16, u64)| {
            let fields = [
                ("grant_type", "client_credentials"),
                ("client_id", client),
                ("client_secret", secret),
                ("scope", scope),
            ];
            let told = stage.sign_in(&fields).await;
            assert_eq!((told.status.as_u16(), number(&told)), wanted);
        };
        check(&id, SECRET, scope, (200, 0)).await;
        check(&id, "wrong", scope, (401, 7_000_215)).await;
        check("00000000-0000-0000-0000-000000000009", SECRET, scope, (400, 700_016)).await;
        check(&id, SECRET, "https://graph.microsoft.com/.default", (400, 500_011)).await;
        let elsewhere = format!("{}/fabrikam.com/oauth2/v2.0/token", stage.url);
        let told = stage.post_form(&elsewhere, &[("client_id", &id)]).await;
        assert_eq!(number(&told), 90_002);
        let by_domain = format!("{}/contoso.onmicrosoft.com/oauth2/v2.0/token", stage.url);
        let told = stage.post_form(&by_domain, &[("client_id", &id)]).await;
        assert_eq!(number(&told), 70_003);
        stage.faults().hosted.sign_in_blocked = true;
        check(&id, SECRET, scope, (400, 53_003)).await;
        stage.faults().hosted.sign_in_blocked = false;
        stage.faults().hosted.sign_in_unavailable = Some(1);
        assert_eq!(stage.with_secret(&[]).await.status, 503);
        assert_eq!(stage.with_secret(&[]).await.status, 200);
    });
}

#[test]
fn a_person_enters_a_code_while_the_client_asks_for_it() {
    tell(1, HostedHabits::default(), |stage| async move {
        let client = "fb78d390-0c51-40cd-8e17-fdbfab77341b";
        let url = format!("{}/{}/oauth2/v2.0/devicecode", stage.url, stage.tenant);
        let begun = stage.post_form(&url, &[("client_id", client), ("scope", "x")]).await.json();
        let code = begun["device_code"].as_str().unwrap();
        let ask = async || {
            let grant = "urn:ietf:params:oauth:grant-type:device_code";
            let fields = [("grant_type", grant), ("client_id", client), ("device_code", code)];
            stage.sign_in(&fields).await.json()
        };
        assert_eq!(ask().await["error"], "authorization_pending");
        assert_eq!(ask().await["error"], "slow_down");
        let entered = format!("/devicelogin?code={}", begun["user_code"].as_str().unwrap());
        assert_eq!(stage.get(&entered, &[]).await.status, 200);
        let granted = ask().await;
        let refresh = granted["refresh_token"].as_str().unwrap().to_owned();
        assert_eq!(ask().await["error"], "bad_verification_code", "a code is good for one token");
        let renew = async || {
            let fields = [
                ("grant_type", "refresh_token"),
                ("client_id", client),
                ("refresh_token", &refresh),
            ];
            stage.sign_in(&fields).await
        };
        let renewed = renew().await.json();
        let token = renewed["access_token"].as_str().unwrap();
        let claims = BASE64.decode(token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["upn"], "administrator@contoso.onmicrosoft.com");
        assert_eq!(claims["tid"], stage.tenant.to_string());
        assert_eq!(number(&renew().await), 70_008, "a refresh token is good once");
        assert!(stage.options.device_codes().pending().is_empty());
    });
}

#[test]
fn the_machine_has_an_identity_also_in_the_clear() {
    tell(1, HostedHabits::default(), |stage| async move {
        let path = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=\
                    https%3A%2F%2Foutlook.office365.com%2F";
        assert_eq!(stage.get(path, &[]).await.status, 400);
        let plain = stage.url.replace("https:", "http:");
        let request = stage.client.get(format!("{plain}{path}")).header("Metadata", "true");
        let told: Value = super::told(request.send().await.unwrap()).await.json();
        assert_eq!((&told["token_type"], &told["expires_in"]), (&json!("Bearer"), &json!("3599")));
        let other = stage.client.get(format!("{plain}/devicelogin")).send().await.unwrap();
        assert_eq!(other.status(), 403);
    });
}

#[test]
fn a_token_ends_and_is_taken_back() {
    tell(2, HostedHabits::default(), |stage| async move {
        let small = || stage.run("Get-ActiveSyncOrganizationSettings", json!({}));
        assert_eq!(small().await.status, 200);
        stage.options.revoke_tokens();
        let challenged = small().await;
        assert_eq!(challenged.status, 401);
        let challenge = challenged.header("www-authenticate");
        assert!(challenge.contains("error=\"insufficient_claims\", claims=\""), "{challenge}");
        let renewed = stage.with_secret(&[("claims", "{}")]).await.json();
        let token = renewed["access_token"].as_str().unwrap().to_owned();
        let ask = || {
            let body = super::command("Get-ActiveSyncOrganizationSettings", json!({}));
            stage.client.post(stage.command_url()).bearer_auth(&token).body(body.to_string()).send()
        };
        assert_eq!(ask().await.unwrap().status(), 200);
        stage.wait(3_599);
        let old = super::told(ask().await.unwrap()).await;
        assert_eq!(old.status, 401);
        assert!(old.header("www-authenticate").contains("invalid_token"));
        let hosted = stage.ledger.entries().hosted;
        assert_eq!((hosted.tokens_with_claims, hosted.unauthorized), (1, 2));
    });
}
