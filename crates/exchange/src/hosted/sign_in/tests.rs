//! Signing in, against a token service that answers as a test says, with certificates and
//! verification by the openssl command line.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::hosted::{
    AdminApi, Certificate,
    lab::{
        self, APPLICATION, Asked, Told,
        command_line::{EC, EC_384, RSA, file, made, openssl},
        secret, token,
    },
};

#[test]
fn an_assertion_is_verified_by_the_command_line() {
    let now = lab::START.parse().unwrap();
    let endpoint = "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token";
    for (kind, algorithm) in [(RSA, "PS256"), (EC, "ES256"), (EC_384, "ES384")] {
        let directory = made(kind);
        let pair = file(&directory, &["cert.pem", "key.pem"]);
        let certificate = Certificate::read(&pair, None).unwrap();
        let sign = || assertion::sign(&certificate, APPLICATION, endpoint, now).unwrap();
        let signed = sign();
        let parts: Vec<&str> = signed.split('.').collect();
        let [header, claims, signature] = parts[..] else { panic!("three parts") };
        let open = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
        let header: Value = serde_json::from_slice(&open(header)).unwrap();
        assert_eq!(header["alg"], algorithm);
        let print: String =
            open(header["x5t#S256"].as_str().unwrap()).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(print, certificate.sha256());
        let claims: Value = serde_json::from_slice(&open(claims)).unwrap();
        assert_eq!((&claims["iss"], &claims["aud"]), (&claims["sub"], &json!(endpoint)));
        assert_eq!(claims["iss"], APPLICATION.to_string());
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["nbf"].as_i64().unwrap(), 600);
        assert_ne!(signed, sign(), "each has an id of its own");

        let at = directory.path();
        std::fs::write(at.join("signed"), signed.rsplit_once('.').unwrap().0).unwrap();
        std::fs::write(at.join("signature"), verifiable(&open(signature), algorithm)).unwrap();
        openssl(at, "x509 -in cert.pem -pubkey -noout -out public.pem");
        let (digest, padding) = match algorithm {
            "PS256" => ("sha256", " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32"),
            "ES256" => ("sha256", ""),
            _ => ("sha384", ""),
        };
        openssl(
            at,
            &format!("dgst -{digest} -verify public.pem -signature signature{padding} signed"),
        );
    }
}

/// The signature as the command line takes it: of EC, as DER in place of two numbers in a row.
fn verifiable(signature: &[u8], algorithm: &str) -> Vec<u8> {
    use openssl::{bn::BigNum, ecdsa::EcdsaSig};
    if algorithm == "PS256" {
        return signature.to_vec();
    }
    let (r, s) = signature.split_at(signature.len() / 2);
    let number = |bytes| BigNum::from_slice(bytes).unwrap();
    EcdsaSig::from_private_components(number(r), number(s)).unwrap().to_der().unwrap()
}

fn refusal(code: u32) -> Value {
    json!({"error": "invalid_client", "error_codes": [code], "error_description":
        format!("AADSTS{code}: Words of the service. Trace ID: 1 Correlation ID: 2")})
}

fn is_token(asked: &Asked) -> bool {
    asked.path.contains("/oauth2/v2.0/token")
}

#[tokio::test]
async fn the_number_says_more_than_the_word() {
    for (told, is_passing, said) in [
        (json!({"error": "access_denied", "error_codes": [53_003]}), false, "Conditional Access"),
        (json!({"error": "access_denied"}), false, "declined"),
        (json!({"error": "temporarily_unavailable", "error_codes": [90_033]}), true, "not well"),
        (json!({"error": "x", "error_description": "AADSTS90002: y"}), false, "no tenant"),
    ] {
        let answering = move |asked: &Asked| is_token(asked).then(|| Told::new(400, &told));
        lab::with(answering, |lab| async move {
            let error = AdminApi::connect(&lab.settings(), &secret()).await.unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
            assert_eq!(error.is_passing(), is_passing, "{error}");
        })
        .await;
    }
}

async fn refused(code: u32, date: &'static str, credential: HostedCredential) -> ConnectError {
    let answering = move |asked: &Asked| {
        is_token(asked).then(|| Told::new(400, &refusal(code)).with("date", date))
    };
    lab::with(answering, |lab| async move {
        AdminApi::connect(&lab.settings(), &credential).await.unwrap_err()
    })
    .await
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let now = "Sat, 21 Nov 2026 07:00:00 GMT";
    for (code, said) in [
        (7_000_215, "client secret is not that of application"),
        (7_000_222, "has expired; make a new one"),
        (90_002, "there is no tenant contoso.onmicrosoft.com in this cloud"),
        (700_016, "has no application"),
        (53_003, "Conditional Access"),
        (500_011, "Exchange.ManageAsApp"),
        (123_456, "refused: AADSTS123456: AADSTS123456: Words of the service."),
    ] {
        let error = refused(code, now, secret()).await.to_string();
        assert!(error.contains(said), "{code}: {error}");
        assert!(!error.contains("Trace ID") && !error.contains("s3cret"), "{error}");
    }
}

#[tokio::test]
async fn certificates_are_named_and_clocks_that_differ_are_told() {
    let directory = made(RSA);
    let pair = file(&directory, &["cert.pem", "key.pem"]);
    let certificate = Certificate::read(&pair, None).unwrap();
    // Whenever the test runs: the time of the story is within the certificate's.
    let validity = certificate.not_before();
    let with_time = |code: u32, skew: i64| {
        let credential = HostedCredential::Certificate(certificate.clone());
        let answering = move |asked: &Asked| {
            let theirs = validity.as_second() + 3_600 - skew;
            let date = Timestamp::from_second(theirs).unwrap();
            let date = jiff::fmt::rfc2822::DateTimePrinter::new()
                .timestamp_to_rfc9110_string(&date)
                .unwrap();
            is_token(asked).then(|| Told::new(401, &refusal(code)).with("date", date))
        };
        lab::with(answering, move |lab| async move {
            let start: Timestamp = lab::START.parse().unwrap();
            lab.clock.advance(validity.as_second() + 3_600 - start.as_second());
            AdminApi::connect(&lab.settings(), &credential).await.unwrap_err()
        })
    };
    let unknown = with_time(700_027, 0).await.to_string();
    assert!(
        unknown.contains(&certificate.sha256()) && unknown.contains("CN=Gatepost"),
        "{unknown}"
    );
    let ahead = with_time(700_024, 600).await;
    assert_eq!(ahead, ConnectError::SignIn(SignInError::ClockSkew { seconds: 600 }));
    assert!(ahead.to_string().contains("600 s ahead of"), "{ahead}");
    let behind = with_time(700_027, -900).await.to_string();
    assert!(behind.contains("900 s behind"), "{behind}");
    let neither = with_time(700_024, 5).await.to_string();
    assert!(neither.contains("AADSTS700024"), "{neither}");
}

#[tokio::test]
async fn a_certificate_out_of_its_time_is_not_even_sent() {
    let directory = made(EC);
    let pair = file(&directory, &["cert.pem", "key.pem"]);
    let certificate = Certificate::read(&pair, None).unwrap();
    for (at, is_late) in [(certificate.not_after(), true), (certificate.not_before(), false)] {
        let credential = HostedCredential::Certificate(certificate.clone());
        let error = lab::with(
            |_| None,
            |lab| async move {
                let start: Timestamp = lab::START.parse().unwrap();
                let aside = if is_late { 60 } else { -60 };
                lab.clock.advance(at.as_second() - start.as_second() + aside);
                let error = AdminApi::connect(&lab.settings(), &credential).await.unwrap_err();
                assert!(lab.asked_of("/token").is_empty());
                error
            },
        )
        .await;
        let said = if is_late { "has expired on" } else { "is valid from" };
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[tokio::test]
async fn a_token_is_kept_and_renewed_before_it_ends() {
    lab::with(
        |_| None,
        |lab| async move {
            let settings = lab.settings();
            let tokens = &settings.shared.tokens;
            let credential = secret();
            let get = || tokens.token(&settings, &credential);
            let first = get().await.unwrap();
            lab.clock.advance(54 * 60);
            assert_eq!(get().await.unwrap().bearer, first.bearer);
            lab.clock.advance(2 * 60);
            let (one, two) = tokio::join!(get(), get());
            let (one, two) = (one.unwrap(), two.unwrap());
            assert_ne!(one.bearer, first.bearer);
            assert_eq!(one.bearer, two.bearer, "one renewal at a time");
            assert_eq!(lab.asked_of("/token").len(), 2);
            let late = tokens.replaced(&settings, &credential, (&first, None)).await.unwrap();
            assert_eq!(late.bearer, one.bearer, "somebody else has renewed it");
            let other = HostedCredential::Secret(Secret::new("another"));
            assert_ne!(tokens.token(&settings, &other).await.unwrap().bearer, one.bearer);
            assert_eq!(one.tenant, Some(lab::TENANT));
            let asked = &lab.asked_of("/token")[0];
            assert_eq!(asked.field("scope"), "https://outlook.office365.com/.default");
            assert_eq!(asked.field("client_secret"), "s3cret%2B/");
            assert_eq!(asked.field("grant_type"), "client_credentials");
        },
    )
    .await;
}

#[tokio::test]
async fn a_token_service_that_is_away_does_no_harm_while_the_token_is_good() {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let answering = move |asked: &Asked| {
        let is_first = || count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        is_token(asked).then(|| {
            if is_first() { Told::new(200, &token(1)) } else { Told::new(503, &json!({})) }
        })
    };
    lab::with(answering, |lab| async move {
        let settings = lab.settings();
        let get = || async { settings.shared.tokens.token(&settings, &secret()).await };
        let first = get().await.unwrap();
        lab.clock.advance(57 * 60);
        assert_eq!(get().await.unwrap().bearer, first.bearer);
        lab.clock.advance(4 * 60);
        let error = get().await.err().unwrap();
        assert!(error.is_passing(), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_person_signs_in_with_a_code() {
    let polls = std::sync::atomic::AtomicUsize::new(0);
    let answering = move |asked: &Asked| {
        if asked.path.contains("/devicecode") {
            return Some(Told::new(
                200,
                &json!({"device_code": "secret-code", "user_code": "ABCD",
                "verification_uri": "https://microsoft.com/devicelogin", "interval": 5,
                "expires_in": 900, "message": "Open it."}),
            ));
        }
        if !is_token(asked) || asked.field("grant_type").contains("refresh") {
            return None;
        }
        Some(match polls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => Told::new(400, &json!({"error": "authorization_pending"})),
            1 => Told::new(400, &json!({"error": "slow_down"})),
            2 => {
                let mut granted = token(1);
                granted["refresh_token"] = "refresh-1".into();
                Told::new(200, &granted)
            }
            3 => Told::new(400, &json!({"error": "authorization_declined"})),
            _ => Told::new(400, &json!({"error": "expired_token"})),
        })
    };
    lab::with(answering, |lab| async move {
        let settings = lab.settings();
        let mut code = DeviceCode::start(&settings).await.unwrap();
        assert_eq!((code.user_code.as_str(), code.message.as_str()), ("ABCD", "Open it."));
        assert!(!format!("{code:?}").contains("secret-code"));
        for seconds in [5, 10] {
            let answer = code.poll(&settings).await.unwrap();
            assert!(matches!(answer, DeviceCodeAnswer::Pending(wait) if wait.as_secs() == seconds));
        }
        let DeviceCodeAnswer::Granted(refresh) = code.poll(&settings).await.unwrap() else {
            panic!("granted")
        };
        assert_eq!(refresh.reveal(), "refresh-1");
        let error = |error: ConnectError| match error {
            ConnectError::SignIn(error) => error,
            other => panic!("{other}"),
        };
        assert_eq!(error(code.poll(&settings).await.unwrap_err()), SignInError::Declined);
        assert_eq!(error(code.poll(&settings).await.unwrap_err()), SignInError::CodeExpired);
        let asked = lab.asked_of("/devicecode");
        assert!(asked[0].field("scope").ends_with("/.default offline_access"), "{}", asked[0].body);
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_is_used_until_another_comes() {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let answering = move |asked: &Asked| {
        is_token(asked).then(|| {
            let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let mut granted = token(number);
            granted["refresh_token"] = format!("refresh-{number}").into();
            Told::new(200, &granted)
        })
    };
    lab::with(answering, |lab| async move {
        let mut settings = lab.settings();
        settings.endpoint.application = None;
        let credential = HostedCredential::RefreshToken(Secret::new("refresh-first"));
        let tokens = &settings.shared.tokens;
        tokens.token(&settings, &credential).await.unwrap();
        assert_eq!(tokens.take_refresh_token().await.unwrap().reveal(), "refresh-0");
        assert!(tokens.take_refresh_token().await.is_none());
        lab.clock.advance(3_600);
        tokens.token(&settings, &credential).await.unwrap();
        let asked = lab.asked_of("/token");
        let sent: Vec<String> = asked.iter().map(|asked| asked.field("refresh_token")).collect();
        assert_eq!(sent, ["refresh-first", "refresh-0"]);
        assert_eq!(asked[0].field("client_id"), "fb78d390-0c51-40cd-8e17-fdbfab77341b");
    })
    .await;
}

#[tokio::test]
async fn a_machine_signs_in_by_itself() {
    let answering = |asked: &Asked| {
        let is_it = asked.path.contains("/metadata/identity") && asked.header("metadata") == "true";
        let mut granted = token(1);
        granted["expires_in"] = "3599".into();
        is_it.then(|| Told::new(200, &granted))
    };
    lab::with(answering, |lab| async move {
        let settings = lab.settings();
        let token = settings.shared.tokens.token(&settings, &HostedCredential::ManagedIdentity);
        assert_eq!(token.await.unwrap().tenant, Some(lab::TENANT));
        let [asked] = &lab.asked_of("/metadata")[..] else { panic!("once") };
        assert!(
            asked.path.contains("resource=https%3A%2F%2Foutlook.office365.com%2F"),
            "{}",
            asked.path
        );
    })
    .await;
    let refusing = |asked: &Asked| {
        let told = json!({"error": "invalid_request", "error_description": "Identity not found"});
        asked.path.contains("/metadata").then(|| Told::new(400, &told))
    };
    lab::with(refusing, |lab| async move {
        let connected =
            AdminApi::connect(&lab.settings(), &HostedCredential::ManagedIdentity).await;
        let error = connected.unwrap_err().to_string();
        assert!(
            error.contains("no managed identity") && error.contains("Identity not found"),
            "{error}"
        );
    })
    .await;
}

#[tokio::test]
async fn what_proves_who_we_are_is_not_sent_in_the_clear() {
    lab::with(
        |_| None,
        |lab| async move {
            let mut settings = lab.settings();
            settings.endpoint.login_url = Some(format!("http://127.0.0.1:{}", lab.port));
            let error = AdminApi::connect(&settings, &secret()).await.unwrap_err();
            assert!(error.to_string().contains("is not https"), "{error}");
            let mut settings = lab.settings();
            settings.endpoint.service_url = Some(format!("http://127.0.0.1:{}", lab.port));
            let error = AdminApi::connect(&settings, &secret()).await.unwrap_err();
            assert!(error.to_string().contains("is not https"), "{error}");
            let mut settings = lab.settings();
            settings.endpoint.trust.extra_roots_pem = None;
            let error = AdminApi::connect(&settings, &secret()).await.unwrap_err();
            assert!(matches!(error, ConnectError::UntrustedCertificate { .. }), "{error}");
            assert!(lab.asked_of("").is_empty());
        },
    )
    .await;
}

#[tokio::test]
async fn a_page_for_people_is_no_answer() {
    let answering = |asked: &Asked| {
        let page = Told {
            body: b"<html><title>Sign in to the guest network</title>".to_vec(),
            ..Told::new(403, &json!(1))
        };
        is_token(asked).then_some(page)
    };
    lab::with(answering, |lab| async move {
        let error = AdminApi::connect(&lab.settings(), &secret()).await.unwrap_err();
        assert!(error.to_string().contains("Sign in to the guest network"), "{error}");
    })
    .await;
}
