//! Secrets that nobody can mistake go through the real binary, and are then looked for everywhere.

mod people;

use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::{
    Lab, Program,
    program::{command, gatepost},
};

/// What must not be found: a name for people, and the secret itself.
const SECRETS: [(&str, &str); 5] = [
    ("password", crate::PASSWORD),
    ("wrong password", "Wr0ng-unmistakable-pa55word"),
    ("proxy password", "Pr0xy-unmistakable-pa55word"),
    ("notification password", "N0te-unmistakable-pa55word"),
    ("mail password", "Ma1l-unmistakable-pa55word"),
];
/// The data key, as people write it; as bytes it is `kkkk…`.
const KEY: &str = "6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b";

/// Every way in which a text may be written down.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    // What is no text is not written as UTF-16 either.
    let text = str::from_utf8(secret).unwrap_or("no text is as long as this one");
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut forms = vec![secret.to_vec(), little.clone(), big.clone()];
    for bytes in [secret, &little, &big] {
        let hexadecimal: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        forms.extend([hexadecimal.to_uppercase().into_bytes(), hexadecimal.into_bytes()]);
        for skipped in 0..3 {
            // What stands before it decides how base64 cuts it; the edges hold bits of others.
            let padded = [&vec![0; skipped], bytes].concat();
            let whole = &padded[..padded.len() / 3 * 3];
            forms.push(STANDARD_NO_PAD.encode(whole).split_off(4).into_bytes());
        }
    }
    forms
}

fn find(haystack: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(haystack, needle).is_some()
}

/// What was seen, by where.
#[derive(Default)]
struct Seen(Vec<(String, Vec<u8>)>);

impl Seen {
    fn add(&mut self, place: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((place.into(), bytes.into()));
    }

    fn check(&self, secrets: &[(&str, Vec<u8>)]) {
        for (name, secret) in secrets {
            for form in forms(secret) {
                for (place, bytes) in &self.0 {
                    assert!(!find(bytes, &form), "the {name} is in {place}");
                }
            }
        }
    }

    fn holds(&self, text: &str) -> bool {
        self.0.iter().any(|(_, bytes)| find(bytes, text.as_bytes()))
    }
}

/// A lab whose server logs everything into a file and has its key from the environment.
fn talkative() -> (Lab, PathBuf) {
    let mut lab = Lab::new(3);
    lab.server.terminate();
    fs::remove_file(lab.data().join("secret.key")).unwrap();
    fs::remove_dir_all(lab.data()).unwrap();
    let log = lab.directory.path().join("server.log");
    let data = lab.data();
    let mut serve = command(&["serve", "--data", data.to_str().unwrap()]);
    serve.args(["--listen", "127.0.0.1:0", "--log", "debug"]).env("GATEPOST_KEY", KEY);
    lab.server = Program::of(serve.stderr(File::create(&log).unwrap()));
    lab.server.line_with("gatepost listens on");
    for (name, secret) in SECRETS {
        fs::write(lab.directory.path().join(name), secret).unwrap();
    }
    (lab, log)
}

/// What people do, well and badly.
fn live(lab: &Lab, seen: &mut Seen) {
    let file = |name: &str| lab.directory.path().join(name).to_str().unwrap().to_owned();
    let mut run = |arguments: &[&str]| {
        let ended = lab.run(arguments);
        seen.add(arguments.join(" "), format!("{}{}", ended.stdout, ended.stderr));
    };
    let url = lab.exchange_url.as_str();
    let add = ["connector", "add", "lab", "--on-premises", url, "--auth", "ntlm"];
    let account = ["--username", "CONTOSO\\gatepost", "--password-file"];
    run(&[&add[..], &account, &[&file("wrong password")]].concat());
    let (note, proxy) = (file("notification password"), file("proxy password"));
    let more =
        ["--notification-account", "jane@contoso.com", "--notification-password-file", &note];
    run(&[&["connector", "set", "lab"][..], &more].concat());
    let via =
        ["--proxy", "127.0.0.1:9", "--proxy-username", "jane", "--proxy-password-file", &proxy];
    run(&[&["connector", "set", "lab"][..], &via].concat());
    run(&["connector", "check", "lab"]);
    run(&["connector", "set", "lab", "--proxy", ""]);
    run(&["sync", "lab", "--full", "--wait"]);
    run(&["connector", "set", "lab", "--password-file", &file("password")]);
    run(&["connector", "check", "lab"]);
    run(&["sync", "lab", "--full", "--wait"]);
    for verb in ["show", "endpoints", "messages", "log", "passes"] {
        run(&["connector", verb, "lab", "-o", "json"]);
    }
    run(&["status"]);
    run(&["key", "show"]);
    run(&["key", "rotate"]);
    run(&["doctor"]);
}

/// Channels that lead nowhere, tried. What webhooks are signed with is shown once, and then not again.
fn notify(lab: &Lab, seen: &mut Seen) -> Vec<String> {
    let mail_password = lab.directory.path().join("mail password");
    let mail_password = mail_password.to_str().unwrap();
    let channel = |arguments: &[&str]| lab.run(&[&["notification", "channel"], arguments].concat());
    let mut run = |arguments: &[&str]| {
        let ended = channel(arguments);
        seen.add(arguments.join(" "), format!("{}{}", ended.stdout, ended.stderr));
    };
    let server =
        ["add-mail", "post", "--host", "127.0.0.1", "--port", "9", "--from", "g@contoso.com"];
    let account = ["--username", "gatepost", "--password-file", mail_password];
    run(&[&server[..], &account].concat());
    run(&["test", "post", "--to", "jane@contoso.com"]);
    run(&["set", "post", "--port", "10"]);
    run(&["set", "post", "--port", "10", "--password-file", mail_password]);
    let shown = |arguments: &[&str]| {
        let ended = channel(arguments);
        assert!(ended.stdout.contains("whsec_"), "{}{}", ended.stdout, ended.stderr);
        ended.stdout.split_whitespace().last().unwrap().to_owned()
    };
    let url = ["--url", "http://127.0.0.1:9/hook", "--allow-private"];
    let first = shown(&[&["add-webhook", "pager"][..], &url].concat());
    let second = shown(&["rotate-secret", "pager"]);
    run(&["test", "pager"]);
    run(&["list", "-o", "json"]);
    vec![first, second]
}

/// The address of the first of a list, for a route with a place for one.
async fn filled(server: &Server, route: &str) -> String {
    let mut address = String::new();
    for part in route.split('/').skip(1) {
        let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) else {
            address.push_str(&format!("/{part}"));
            continue;
        };
        let list: Value = serde_json::from_slice(&server.get(&address).await).unwrap_or_default();
        let fields = list.as_object().into_iter().flat_map(|object| object.values());
        let first = fields.filter_map(|field| field.as_array()?.first()).next();
        let id = first.and_then(|one| one.get(name).or_else(|| one.get("id"))?.as_str());
        address.push_str(&format!("/{}", id.unwrap_or("none")));
    }
    address
}

struct Server {
    base: String,
    token: String,
    client: Client,
}

impl Server {
    fn of(lab: &Lab) -> Self {
        let read = |name: &str| fs::read_to_string(lab.data().join(name)).unwrap();
        let base = read("server.url").trim().trim_end_matches('/').to_owned();
        Self { base, token: read("local-admin.token").trim().to_owned(), client: Client::new() }
    }

    async fn get(&self, address: &str) -> Vec<u8> {
        self.send(Method::GET, address, &self.token, String::new()).await
    }

    async fn send(&self, method: Method, address: &str, token: &str, body: String) -> Vec<u8> {
        let request = self.client.request(method, format!("{}{address}", self.base));
        let request = request.bearer_auth(token).header("content-type", "application/json");
        let answer = request.body(body).send().await.unwrap();
        answer.bytes().await.unwrap().to_vec()
    }
}

/// Every address that can be read, and mistakes with a secret in them.
async fn ask(lab: &Lab, seen: &mut Seen) {
    let server = Server::of(lab);
    let document = serde_json::to_value(api::openapi()).unwrap();
    let mut asked = BTreeSet::new();
    for (route, operations) in document["paths"].as_object().unwrap() {
        if operations.get("get").is_none() {
            continue;
        }
        let address = filled(&server, route).await;
        seen.add(format!("GET {address}"), server.get(&address).await);
        asked.insert(address);
    }
    assert!(asked.contains("/api/v1/connectors/lab"), "{asked:?}");
    let (_, secret) = SECRETS[1];
    for body in [
        json!({"password": [secret]}).to_string(),
        json!({"password": secret, "colour": "red"}).to_string(),
        json!({"password": secret, "name": "No Name", "on_premises": {"url": "x"}}).to_string(),
        json!({"on_premises": {"username": {"password": secret}}}).to_string(),
        format!("{{\"password\": \"{secret}"),
        secret.to_owned(),
    ] {
        for (method, address) in [
            (Method::POST, "/api/v1/connectors"),
            (Method::PATCH, "/api/v1/connectors/lab"),
            (Method::POST, "/api/v1/notifications/channels"),
            (Method::PATCH, "/api/v1/notifications/channels/post"),
        ] {
            let answer = server.send(method, address, &server.token, body.clone()).await;
            seen.add(format!("{address} with {body}"), answer);
        }
    }
    let answer = server.send(Method::GET, "/api/v1/status", secret, String::new()).await;
    seen.add("a wrong token", answer);
}

fn look_into(folder: &Path, seen: &mut Seen) {
    /// What is there to hold a secret.
    const KEEPERS: [&str; 4] = ["local-admin.token", "secret.key", "secret.key.old", "audit.key"];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            look_into(&path, seen);
        } else if !KEEPERS.contains(&name.as_str()) {
            seen.add(path.display().to_string(), fs::read(&path).unwrap());
        }
    }
}

#[tokio::test]
async fn secrets_are_nowhere_to_be_found() {
    let (mut lab, log) = talkative();
    let mut seen = Seen::default();
    live(&lab, &mut seen);
    let signing = notify(&lab, &mut seen);
    let of_people = people::live(&lab, &mut seen).await;
    ask(&lab, &mut seen).await;
    let token = fs::read(lab.data().join("local-admin.token")).unwrap();
    lab.server.kill();
    let data = lab.data();
    let doctor = gatepost(&["doctor", "--data", data.to_str().unwrap()]);
    seen.add("doctor", format!("{}{}", doctor.stdout, doctor.stderr));
    seen.add("the log", fs::read(&log).unwrap());
    look_into(&data, &mut seen);

    let mut secrets: Vec<_> =
        SECRETS.iter().map(|(name, secret)| (*name, secret.as_bytes().to_vec())).collect();
    for secret in &signing {
        secrets.push(("secret of a webhook", secret.trim_start_matches("whsec_").into()));
    }
    secrets.extend(of_people);
    secrets.push(("data key", vec![b'k'; 32]));
    secrets.push(("key of the audit", fs::read(data.join("audit.key")).unwrap()));
    secrets.push(("token", token.trim_ascii().to_vec()));
    seen.check(&secrets);
    // The looking itself can find something: what is no secret is there, and debug lines are.
    for text in
        ["SQLite format 3", "CONTOSO\\gatepost", "DEBUG", "full sync ended", "127.0.0.1:9/hook"]
    {
        assert!(seen.holds(text), "{text:?} was to be found");
    }
}

#[test]
fn every_form_of_a_secret_is_looked_for() {
    let secret = b"Unmistakable";
    for text in [
        "say Unmistakable!".to_owned().into_bytes(),
        "say Unmistakable!".encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "say Unmistakable!".encode_utf16().flat_map(u16::to_be_bytes).collect(),
        STANDARD_NO_PAD.encode("say Unmistakable!").into_bytes(),
        STANDARD_NO_PAD.encode("saying Unmistakable!").into_bytes(),
        STANDARD_NO_PAD.encode("I say Unmistakable!").into_bytes(),
        b"556e6d697374616b61626c65".to_vec(),
    ] {
        assert!(forms(secret).iter().any(|form| find(&text, form)), "{text:?}");
    }
    assert!(!forms(secret).iter().any(|form| find(b"something else", form)));
}

/// Whatever holds a secret prints without it.
#[test]
fn no_type_that_holds_a_secret_prints_it() {
    let secret = "Unmistakable";
    let text = || Some(secret.to_owned());
    let secrets = json!({
        "name": "lab", "on_premises": {"url": "http://ex01/PowerShell/"}, "password": secret,
        "proxy_password": secret, "notification_password": secret,
    });
    let new: api::NewConnector = serde_json::from_value(secrets).unwrap();
    let change: api::ConnectorChange = serde_json::from_value(json!({
        "password": secret, "proxy_password": secret, "notification_password": secret,
    }))
    .unwrap();
    let endpoint = domain::connector::ServerEndpoint::new("http://ex01/PowerShell/");
    let password = exchange::Secret::new(secret);
    let mut settings = exchange::ConnectionSettings::new(endpoint.clone());
    settings.proxy_password = Some(password.clone());
    let options = engine::Options {
        data_key: (*b"UnmistakableUnmistakableUnmistak").into(),
        admin_token: secret.to_owned(),
        clock: engine::Clock::system(),
        is_supervised: false,
        page_devices: 1,
        fault: engine::Fault::default(),
        audit: engine::AuditOptions {
            key: engine::AuditKey::new(b"UnmistakableUnmistakableUnmistak"),
            directory: PathBuf::new(),
        },
    };
    let of_engine = engine::NewConnector {
        name: domain::ConnectorName::parse("lab").unwrap(),
        endpoint: endpoint.into(),
        options: domain::connector::Options::default(),
        is_paused: false,
        password: text(),
        proxy_password: text(),
        notification_password: text(),
        proof: text().map(engine::Proof::ClientSecret),
    };
    let changes = engine::ConnectorChange {
        endpoint: of_engine.endpoint.clone(),
        options: of_engine.options.clone(),
        password: text(),
        proxy_password: text(),
        notification_password: text(),
        proof: text().map(engine::Proof::ClientSecret),
    };
    let target = "UnmistakableUnmistakable";
    let mut seen = Seen::default();
    seen.add("api::NewConnector", format!("{new:?}"));
    seen.add("api::ConnectorChange", format!("{change:?}"));
    seen.add("Secret", format!("{password:?}"));
    seen.add("Credential", format!("{:?}", exchange::Credential::Password(password)));
    seen.add("ConnectionSettings", format!("{settings:?}"));
    seen.add("DataKeys", format!("{:?}", options.data_key));
    seen.add("AuditOptions", format!("{:?}", options.audit));
    seen.add("Options", format!("{options:?}"));
    seen.add("NewConnector", format!("{of_engine:?}"));
    seen.add("ConnectorChange", format!("{changes:?}"));
    seen.check(&[("secret", secret.as_bytes().to_vec()), ("key", target.as_bytes().to_vec())]);
}

#[test]
fn no_channel_prints_its_password() {
    let secret = "Unmistakable";
    let channel: api::NewChannel = serde_json::from_value(json!({
        "name": "post", "mail": {"host": "mail", "from": "g@contoso.com"}, "password": secret,
    }))
    .unwrap();
    let channel_change: api::NotificationChannelChange =
        serde_json::from_value(json!({"password": secret})).unwrap();
    let webhook = domain::notification::Webhook {
        url: "https://hooks.contoso.com".to_owned(),
        allows_private: false,
        trusted: None,
    };
    let channel_of_engine = engine::NewChannel {
        name: domain::notification::Name::parse("post").unwrap(),
        kind: domain::notification::ChannelKind::Webhook(webhook),
        password: Some(secret.to_owned()),
    };
    let channel_change_of_engine = engine::ChannelChange {
        password: Some(secret.to_owned()),
        ..engine::ChannelChange::default()
    };
    let mut seen = Seen::default();
    seen.add("api::NewChannel", format!("{channel:?}"));
    seen.add("api::NotificationChannelChange", format!("{channel_change:?}"));
    seen.add("NewChannel", format!("{channel_of_engine:?}"));
    seen.add("ChannelChange", format!("{channel_change_of_engine:?}"));
    seen.check(&[("secret", secret.as_bytes().to_vec())]);
}
