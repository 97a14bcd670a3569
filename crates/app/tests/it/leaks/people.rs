//! The secrets that people sign in with, and those of the providers that vouch for them.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Method, redirect::Policy};
use serde_json::{Value, json};

use super::{Seen, Server};
use crate::Lab;

const USER: &str = "Us3r-unmistakable-pa55word";
const WRONG: &str = "Wr0ng-user-unmistakable-pa55word";
const DIRECTORY: &str = "D1rectory-unmistakable-pa55word";
const ACCOUNT: &str = "L00kup-unmistakable-pa55word";
const CLIENT: &str = "Cl1ent-unmistakable-secret";
const CODE: &str = "C0de-of-the-provider-unmistakable";

/// People come in, well and badly, by every way there is. What must not be found afterwards.
pub(super) async fn live(lab: &Lab, seen: &mut Seen) -> Vec<(&'static str, Vec<u8>)> {
    let server = Server::of(lab);
    let mut secrets: Vec<(&str, Vec<u8>)> = [
        ("user's password", USER),
        ("user's wrong password", WRONG),
        ("password of the directory", DIRECTORY),
        ("password of the account that looks people up", ACCOUNT),
        ("client secret", CLIENT),
        ("code of the provider", CODE),
    ]
    .map(|(name, text)| (name, text.as_bytes().to_vec()))
    .to_vec();
    users(lab, seen);
    secrets.extend(local(&server, seen).await);
    providers(lab, seen);
    secrets.extend(by_providers(&server, seen).await);
    let mut run = |arguments: &[&str]| {
        let ended = lab.run(arguments);
        seen.add(arguments.join(" "), format!("{}{}", ended.stdout, ended.stderr));
    };
    for list in [
        &["user", "list", "-o", "json"][..],
        &["user", "show", "jane", "-o", "json"],
        &["identity-provider", "list", "-o", "json"],
        &["token", "list", "--all", "-o", "json"],
        &["audit", "tail", "-o", "jsonl"],
    ] {
        run(list);
    }
    secrets
}

fn users(lab: &Lab, seen: &mut Seen) {
    let file = lab.directory.path().join("users-password");
    fs::write(&file, USER).unwrap();
    let given = ["--password-file", file.to_str().unwrap()];
    for name in ["jane", "otto"] {
        let add = ["user", "add", name, "--role", "help-desk"];
        let added = lab.run(&[&add[..], &given].concat());
        seen.add("user add", added.done());
    }
}

/// Passwords and codes of ours. The secrets that came out of it.
async fn local(server: &Server, seen: &mut Seen) -> Vec<(&'static str, Vec<u8>)> {
    let mut secrets = Vec::new();
    let shown = |password: &str, code: Option<&str>| {
        json!({ "name": "jane", "password": password, "code": code }).to_string()
    };
    let sign_in = async |body: String| {
        let answer = server.send(Method::POST, "/api/v1/sign-in", "", body).await;
        serde_json::from_slice::<Value>(&answer).unwrap()
    };
    let made = sign_in(shown(USER, None)).await;
    let token = made["token"].as_str().unwrap().to_owned();
    let secret_part = token.rsplit('_').next().unwrap().as_bytes().to_vec();
    secrets.push(("secret part of a token", secret_part));
    let offered = server.send(Method::POST, "/api/v1/me/totp", &token, String::new()).await;
    let offered: Value = serde_json::from_slice(&offered).unwrap();
    let totp = offered["secret"].as_str().unwrap();
    let bytes = bytes_of(totp);
    secrets.extend([("secret of a phone", totp.as_bytes().to_vec())]);
    secrets.push(("secret of a phone as bytes", bytes.clone()));
    let confirm = "/api/v1/me/totp/confirm";
    let wrong = json!({ "code": ["unmistakable"] }).to_string();
    seen.add("a wrong code", server.send(Method::POST, confirm, &token, wrong).await);
    let body = json!({ "code": code_of(&bytes) }).to_string();
    let confirmed = server.send(Method::POST, confirm, &token, body).await;
    let confirmed: Value = serde_json::from_slice(&confirmed).unwrap();
    let codes = confirmed["recovery_codes"].as_array().unwrap();
    let first = codes[0].as_str().unwrap();
    // One that is used and one that is not: the others are like it.
    for code in codes.iter().take(2).map(|code| code.as_str().unwrap()) {
        secrets.push(("recovery code", code.as_bytes().to_vec()));
        secrets.push(("recovery code without hyphens", code.replace('-', "").into_bytes()));
    }
    for body in [
        shown(WRONG, None),
        shown(USER, None),
        shown(USER, Some("000000")),
        json!({ "name": USER, "password": USER }).to_string(),
        json!({ "name": "jane", "password": [USER] }).to_string(),
        format!("{{\"password\": \"{USER}"),
    ] {
        let answer = server.send(Method::POST, "/api/v1/sign-in", "", body).await;
        seen.add("a sign-in that fails", answer);
    }
    let again = sign_in(shown(USER, Some(first))).await;
    let token = again["token"].as_str().unwrap();
    secrets.push(("secret part of another token", token.rsplit('_').next().unwrap().into()));
    // The console, once with the password where the name belongs.
    let (_, session) = form(server, "/sign-in", &format!("name=otto&password={USER}"), "").await;
    assert!(session.contains("gatepost_session="), "{session}");
    let session = session.split(['=', ';']).nth(1).unwrap();
    secrets.push(("session", session.as_bytes().to_vec()));
    form(server, "/sign-in", &format!("name={USER}&password=x"), "").await;
    form(server, "/sign-in", &format!("name=otto&password={WRONG}"), "").await;
    secrets
}

fn providers(lab: &Lab, seen: &mut Seen) {
    let file = |name: &str, text: &str| {
        let path = lab.directory.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (client, account) = (file("client", CLIENT), file("account", ACCOUNT));
    let directory = file("directory", DIRECTORY);
    let issuer = provider();
    let mut run = |arguments: &[&str]| {
        let ended = lab.run(arguments);
        seen.add(arguments.join(" "), format!("{}{}", ended.stdout, ended.stderr));
        ended.code
    };
    let oidc = ["identity-provider", "add-oidc", "corp", "--client-id", "gatepost"];
    let at = ["--issuer", &issuer, "--public-url", "http://127.0.0.1:9"];
    let added = run(&[&oidc[..], &at, &["--secret-file", &client]].concat());
    assert_eq!(added, Some(0));
    let tested = run(&["identity-provider", "test", "corp"]);
    assert_eq!(tested, Some(0), "the provider takes the secret");
    run(&["identity-provider", "set", "corp", "--secret-file", &client]);
    let ldap = ["identity-provider", "add-ldap", "ad", "--controller", "127.0.0.1:9"];
    let by = ["--account", "svc@contoso.test", "--password-file", &account];
    let added = run(&[&ldap[..], &["--domain", "contoso.test"], &by].concat());
    assert_eq!(added, Some(0));
    let person = ["--user", "jane", "--password-file", &directory];
    run(&[&["identity-provider", "test", "ad"][..], &person].concat());
}

/// To a provider and back, and to a directory that is off. The secrets of it.
async fn by_providers(server: &Server, seen: &mut Seen) -> Vec<(&'static str, Vec<u8>)> {
    let (location, cookie) = form(server, "/sign-in/oidc/corp", "", "").await;
    let field = |name: &str| {
        let (_, rest) = location.split_once(&format!("{name}=")).unwrap();
        rest.split('&').next().unwrap().to_owned()
    };
    let (state, nonce) = (field("state"), field("nonce"));
    let cookie = cookie.split(';').next().unwrap();
    let back = format!("/sign-in/oidc/callback?code={CODE}&state={state}");
    form(server, &back, "", cookie).await;
    let typed = format!("user=jane&password={DIRECTORY}");
    form(server, "/sign-in/ldap/ad", &typed, "").await;
    for body in [
        json!({ "name": "x", "secret": [CLIENT] }).to_string(),
        json!({ "name": "X Y", "secret": CLIENT, "oidc": {} }).to_string(),
        format!("{{\"secret\": \"{CLIENT}"),
    ] {
        let answer =
            server.send(Method::POST, "/api/v1/identity-providers", &server.token, body).await;
        seen.add("a provider that is refused", answer);
    }
    let cookie = cookie.split('=').nth(1).unwrap().to_owned();
    vec![
        ("state", state.into_bytes()),
        ("nonce", nonce.into_bytes()),
        ("cookie of a browser on its way", cookie.into_bytes()),
    ]
}

/// Sends a form, or asks for a page if there is none; where it leads, and what cookie it sets.
async fn form(server: &Server, path: &str, body: &str, cookie: &str) -> (String, String) {
    let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let address = format!("{}{path}", server.base);
    let request = match body {
        "" => client.get(address),
        _ => client.post(address).body(body.to_owned()),
    };
    let kind = "application/x-www-form-urlencoded";
    let answer =
        request.header("content-type", kind).header("cookie", cookie).send().await.unwrap();
    let header = |name: &str| {
        answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
    };
    (header("location"), header("set-cookie"))
}

/// A provider that knows the client, and whose codes are all used up.
fn provider() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let own = issuer.clone();
    // It ends with the test.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(&stream.unwrap(), &own);
        }
    });
    issuer
}

fn answer(stream: &TcpStream, issuer: &str) {
    let mut reader = BufReader::new(stream);
    let (mut path, mut length) = (String::new(), 0);
    reader.read_line(&mut path).unwrap();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    let (status, body) = match path.split(' ').nth(1).unwrap() {
        "/keys" => ("200 OK", json!({ "keys": [public_key()] })),
        "/token" => ("400 Bad Request", json!({ "error": "invalid_grant" })),
        _ => (
            "200 OK",
            json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/auth"),
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/keys"),
            }),
        ),
    };
    let body = body.to_string();
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close", body.len());
    let mut stream = stream;
    write!(stream, "{head}\r\ncontent-type: application/json\r\n\r\n{body}").unwrap();
}

/// The key of RFC 7517 appendix A.1.
fn public_key() -> Value {
    json!({
        "kty": "EC", "crv": "P-256", "use": "sig", "kid": "1",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    })
}

/// The code that a phone with this secret shows now.
fn code_of(secret: &[u8]) -> String {
    #[expect(clippy::disallowed_methods, reason = "the real binary has the real time")]
    let now = jiff::Timestamp::now();
    let step = u64::try_from(now.as_second() / 30).unwrap();
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(secret).unwrap();
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let at = usize::from(digest[19] & 15);
    let number = u32::from_be_bytes(digest[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

fn bytes_of(base32: &str) -> Vec<u8> {
    let value = |c: u8| if c.is_ascii_uppercase() { c - b'A' } else { c - b'2' + 26 };
    let bits: String = base32.bytes().map(|c| format!("{:05b}", value(c))).collect();
    let byte = |bits: &[u8]| u8::from_str_radix(str::from_utf8(bits).unwrap(), 2).unwrap();
    bits.as_bytes().chunks_exact(8).map(byte).collect()
}

/// Whatever holds a secret prints without it, or not at all.
#[test]
fn no_type_of_signing_in_prints_its_secret() {
    const SECRET: &str = "Unmistakable";
    fn of<T: serde::de::DeserializeOwned + std::fmt::Debug>(seen: &mut Seen, document: Value) {
        let read: T = serde_json::from_value(document).unwrap();
        seen.add(std::any::type_name::<T>(), format!("{read:?}"));
    }
    let mut seen = Seen::default();
    of::<api::IdentityProviderChange>(&mut seen, json!({ "secret": SECRET }));
    of::<api::IdentityProviderTest>(&mut seen, json!({ "user": "jane", "password": SECRET }));
    of::<api::NewIdentityProvider>(&mut seen, json!({ "name": "x", "secret": SECRET }));
    let text = SECRET.to_owned();
    seen.add("SecretChange", format!("{:?}", engine::SecretChange::Set(text.clone())));
    let offer = engine::TotpOffer { secret: text.clone(), address: text.clone() };
    seen.add("TotpOffer", format!("{offer:?}"));
    let session =
        engine::NewSession { secret: text.clone(), caller: domain::Caller::local_administrator() };
    seen.add("NewSession", format!("{session:?}"));
    let shown = engine::SignInForToken {
        name: "jane".to_owned(),
        password: text.clone(),
        code: Some(text.clone()),
        days: None,
    };
    seen.add("SignInForToken", format!("{shown:?}"));
    let answer = engine::OpenIdAnswer { code: Some(text), ..Default::default() };
    seen.add("OpenIdAnswer", format!("{answer:?}"));
    seen.check(&[("secret", SECRET.as_bytes().to_vec())]);
}
