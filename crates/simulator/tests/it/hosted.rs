//! The hosted service, asked over HTTPS by a client that knows nothing of it but the wire.

mod habits;
mod signing_in;

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use reqwest::{Certificate, Client, Response, StatusCode};
use serde_json::{Value, json};
use simulator::{
    AppCertificate, Application, Faults, HostedHabits, HostedOptions, HostedServer, KeyKind,
    Ledger, Organization, OrganizationOptions,
};
use uuid::Uuid;

const APPLICATION: Uuid = Uuid::from_u128(0xa991);
const SECRET: &str = "s3cret+/=&";
const START: &str = "2026-11-21T08:00:00Z";

/// A served organization and a client of it.
struct Stage {
    client: Client,
    url: String,
    tenant: Uuid,
    organization: Arc<Mutex<Organization>>,
    options: HostedOptions,
    faults: Arc<Mutex<Faults>>,
    ledger: Ledger,
    now: Arc<Mutex<Timestamp>>,
    certificates: [AppCertificate; 2],
    token: String,
}

/// What an answer was.
struct Told {
    status: StatusCode,
    headers: reqwest::header::HeaderMap,
    body: Vec<u8>,
}

impl Told {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{} {:?}", self.status, String::from_utf8_lossy(&self.body)))
    }

    fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    /// The message that tells what went wrong.
    fn detail(&self) -> String {
        self.json()["error"]["details"][0]["message"].as_str().unwrap_or_default().to_owned()
    }

    fn values(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self.json()["value"].as_array().unwrap().clone()
    }
}

async fn told(response: Response) -> Told {
    let (status, headers) = (response.status(), response.headers().clone());
    Told { status, headers, body: response.bytes().await.unwrap().to_vec() }
}

impl Stage {
    fn token_url(&self) -> String {
        format!("{}/{}/oauth2/v2.0/token", self.url, self.tenant)
    }

    async fn sign_in(&self, fields: &[(&str, &str)]) -> Told {
        self.post_form(&self.token_url(), fields).await
    }

    async fn post_form(&self, url: &str, fields: &[(&str, &str)]) -> Told {
        let pairs: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let request = self.client.post(url).body(pairs.join("&"));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        told(request.send().await.unwrap()).await
    }

    async fn with_secret(&self, more: &[(&str, &str)]) -> Told {
        let id = APPLICATION.to_string();
        let mut fields = vec![
            ("grant_type", "client_credentials"),
            ("client_id", id.as_str()),
            ("client_secret", SECRET),
            ("scope", "https://outlook.office365.com/.default"),
        ];
        fields.extend(more);
        self.sign_in(&fields).await
    }

    fn command_url(&self) -> String {
        format!("{}/adminapi/beta/{}/InvokeCommand", self.url, self.tenant)
    }

    async fn post(&self, url: &str, body: &Value, headers: &[(&'static str, &str)]) -> Told {
        let mut request = self.client.post(url).bearer_auth(&self.token).body(body.to_string());
        request = request.header("content-type", "application/json; charset=utf-8");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        told(request.send().await.unwrap()).await
    }

    async fn run(&self, cmdlet: &str, parameters: Value) -> Told {
        self.post(&self.command_url(), &command(cmdlet, parameters), &[]).await
    }

    async fn get(&self, path: &str, headers: &[(&'static str, &str)]) -> Told {
        let mut request = self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        told(request.send().await.unwrap()).await
    }

    fn wait(&self, seconds: i64) {
        *self.now.lock().unwrap() += SignedDuration::from_secs(seconds);
    }

    fn faults(&self) -> std::sync::MutexGuard<'_, Faults> {
        self.faults.lock().unwrap()
    }

    fn organization(&self) -> std::sync::MutexGuard<'_, Organization> {
        self.organization.lock().unwrap()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "most callers write the parameters on the spot")]
fn command(cmdlet: &str, parameters: Value) -> Value {
    json!({"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}})
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| match byte {
            byte if plain(byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// Tells a story of an organization with so many phones.
fn tell<S, F>(devices: usize, habits: HostedHabits, story: S)
where
    S: FnOnce(Arc<Stage>) -> F,
    F: Future<Output = ()>,
{
    let start: Timestamp = START.parse().unwrap();
    let organization = Organization::generate(&OrganizationOptions::hosted(devices, start));
    let tenant = organization.tenant_id();
    let end = start + SignedDuration::from_hours(24 * 30);
    let certificates = [KeyKind::Rsa, KeyKind::Ec]
        .map(|kind| AppCertificate::self_signed("gatepost", kind, end).unwrap());
    let application = Application {
        secret: Some(SECRET.to_owned()),
        certificates: certificates.iter().map(|one| one.certificate_pem().unwrap()).collect(),
        ..Application::new(APPLICATION, "gatepost")
    };
    let now = Arc::new(Mutex::new(start));
    let time = Arc::clone(&now);
    let clock: simulator::Clock = Arc::new(move || *time.lock().unwrap());
    let mut options = HostedOptions::new(clock, vec![application]).unwrap();
    options.habits = habits;
    let root = Certificate::from_pem(options.root_pem().as_bytes()).unwrap();
    let client = Client::builder().tls_certs_only([root]).no_proxy();
    let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async move {
        let organization = Arc::new(Mutex::new(organization));
        let address = "127.0.0.1:0".parse().unwrap();
        let server = HostedServer::bind(address, Arc::clone(&organization), options.clone());
        let server = server.await.unwrap();
        let mut stage = Stage {
            client,
            url: server.url(),
            tenant,
            organization,
            options,
            faults: server.faults(),
            ledger: server.ledger(),
            now,
            certificates,
            token: String::new(),
        };
        let serving = server.run(std::future::pending());
        let telling = async move {
            let granted = stage.with_secret(&[]).await.json();
            stage.token = granted["access_token"].as_str().unwrap().to_owned();
            story(Arc::new(stage)).await;
        };
        tokio::select! {
            ended = serving => panic!("{ended:?}"),
            () = telling => {}
        }
    });
}

#[test]
fn a_list_is_read_page_by_page_and_says_the_same_as_the_organization() {
    tell(25, HostedHabits::default(), |stage| async move {
        let body = command("Get-MobileDevice", json!({"ResultSize": "Unlimited"}));
        let (mut url, mut found, mut pages) = (Some(stage.command_url()), Vec::new(), 0);
        while let Some(next) = url {
            let page = stage.post(&next, &body, &[("prefer", "odata.maxpagesize=10")]).await;
            found.extend(page.values());
            pages += 1;
            url = page.json()["@odata.nextLink"].as_str().map(str::to_owned);
        }
        assert_eq!((found.len(), pages), (25, 3));
        let organization = stage.organization();
        for (value, expected) in found.iter().zip(organization.partnerships()) {
            let facts = expected.facts;
            assert_eq!(value["Guid"], facts.guid.to_string());
            assert_eq!(value["Guid@data.type"], "System.Guid");
            assert_eq!(value["Guid@odata.type"], "#Guid");
            assert_eq!(value["ExchangeObjectId"], facts.guid.to_string());
            assert_eq!(value["Identity"], facts.identity.unwrap());
            assert_eq!(value["DeviceId"], facts.device_id.unwrap());
            let first: Timestamp = value["FirstSyncTime"].as_str().unwrap().parse().unwrap();
            assert_eq!(Some(first), facts.first_sync);
            assert!(value["FirstSyncTime"].as_str().unwrap().ends_with(".0000000+00:00"));
            assert!(value.get("RunspaceId").is_none());
        }
        let identity = found[0]["Identity"].as_str().unwrap();
        let beginning = "eurpr02a003.prod.outlook.com/Microsoft Exchange Hosted Organizations/\
                         contoso.onmicrosoft.com/";
        assert!(identity.starts_with(beginning), "{identity}");
        let entries = stage.ledger.entries();
        assert_eq!((entries.cmdlets.len(), entries.hosted.pages, entries.objects), (1, 2, 25));
    });
}

#[test]
fn only_the_properties_that_were_named_are_given() {
    tell(3, HostedHabits::default(), |stage| async move {
        let url = format!("{}?$select=DeviceId,Guid", stage.command_url());
        let body = command("Get-MobileDevice", json!({"ResultSize": "Unlimited"}));
        let page = stage.post(&url, &body, &[("prefer", "odata.maxpagesize=2")]).await;
        let first = &page.values()[0];
        let names: Vec<&String> = first.as_object().unwrap().keys().collect();
        assert_eq!(names.len(), 4, "{names:?}");
        let next = page.json()["@odata.nextLink"].as_str().unwrap().to_owned();
        let rest = stage.post(&next, &body, &[]).await.values();
        assert_eq!(rest[0].as_object().unwrap().len(), 4);
        let type_of = page.header("content-type");
        assert!(type_of.starts_with("application/json;odata.metadata=minimal"), "{type_of}");
    });
}

#[test]
fn who_does_not_say_how_many_gets_one_and_a_link() {
    tell(3, HostedHabits::default(), |stage| async move {
        let page = stage.run("Get-MobileDevice", json!({})).await;
        assert_eq!(page.values().len(), 1);
        let warning = page.json()["@adminapi.warnings"][0].as_str().unwrap().to_owned();
        assert!(warning.starts_with("There are more results available"), "{warning}");
        assert_eq!(page.header("x-warnings"), warning);
        let next = page.json()["@odata.nextLink"].as_str().unwrap().to_owned();
        let rest = stage.post(&next, &command("Get-MobileDevice", json!({})), &[]).await;
        assert_eq!(rest.values().len(), 2);
    });
}

#[test]
fn a_device_is_blocked_by_a_hashtable_that_says_so() {
    tell(3, HostedHabits::default(), |stage| async move {
        let one = stage.organization().partnerships().next().unwrap();
        let (mailbox, id) = (one.mailbox.guid.unwrap(), one.facts.device_id.unwrap());
        let blocked = |tag: &str| {
            let mut list = json!({"Add": [id]});
            if !tag.is_empty() {
                list["@odata.type"] = tag.into();
            }
            json!({"Identity": mailbox, "ActiveSyncBlockedDeviceIDs": list, "Confirm": false})
        };
        for tag in ["", "#Other"] {
            let refused = stage.run("Set-CASMailbox", blocked(tag)).await;
            assert_eq!(refused.status, 400);
            assert!(refused.detail().contains("JObject"), "{}", refused.detail());
        }
        let done = stage.run("Set-CASMailbox", blocked("#Exchange.GenericHashTable")).await;
        assert_eq!((done.status, done.values().len()), (StatusCode::OK, 0));
        let access = stage.organization().access_of(one.facts.guid);
        assert_eq!(access, Some(("Blocked".into(), "Individual".into())));
    });
}

#[test]
fn what_cannot_be_done_is_said_in_the_words_of_the_service() {
    tell(3, HostedHabits::default(), |stage| async move {
        let gone = Uuid::from_u128(7).to_string();
        let missing = stage.run("Get-MobileDevice", json!({"Identity": gone})).await;
        assert_eq!(missing.status, 404);
        assert_eq!(missing.json()["error"]["code"], "NotFound");
        let [hash, class, text] =
            missing.detail().split('|').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap();
        assert!(hash.starts_with("Ex") && text.contains(&gone), "{hash} {text}");
        assert_eq!(
            class,
            "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"
        );
        for cmdlet in [
            "Get-ExchangeServer",
            "Set-ADServerSettings",
            "Get-Command",
            "Search-AdminAuditLog",
            "Get-X",
        ] {
            let unknown = stage.run(cmdlet, json!({})).await;
            assert_eq!(
                (unknown.status.as_u16(), unknown.header("content-encoding")),
                (403, "gzip".into())
            );
            assert!(!unknown.body.is_empty() && unknown.body.iter().all(|byte| *byte == 0));
        }
        let wrong = stage.run("Get-MobileDevice", json!({"DeviceIdentity": "x"})).await;
        assert!(wrong.status == 400 && wrong.detail().contains("'DeviceIdentity'"));
        let asks = stage.organization().device_guids().next().unwrap();
        let asks = stage.run("Remove-MobileDevice", json!({"Identity": asks})).await;
        assert!(asks.status == 400 && asks.detail().contains("prompts"), "{}", asks.detail());
        let old = stage.command_url().replace("/beta/", "/v1.0/");
        let old = stage.post(&old, &command("Get-MobileDevice", json!({})), &[]).await;
        assert_eq!(old.status, 405);
        let nothing = stage.post(&stage.command_url(), &json!({"CmdletInput": 1}), &[]).await;
        assert_eq!(nothing.status, 400);
    });
}

#[test]
fn the_list_of_cmdlets_is_that_of_the_cloud() {
    tell(1, HostedHabits::default(), |stage| async move {
        let path = format!("/adminapi/v1.0/{}/EXOModuleFile?Version=3.9.2", stage.tenant);
        let file = stage.get(&path, &[("commandname", "*")]).await;
        let names = file.values()[0]["exportedCmdlets"].as_str().unwrap().to_owned();
        let names: Vec<&str> = names.split(',').collect();
        assert!(names.contains(&"Get-MobileDevice") && names.contains(&"Set-CASMailbox"));
        for absent in ["Get-ExchangeServer", "Get-Command", "Select-Object", "Search-AdminAuditLog"]
        {
            assert!(!names.contains(&absent), "{absent}");
        }
    });
}

#[test]
fn policies_have_what_the_cloud_alone_has() {
    tell(1, HostedHabits::default(), |stage| async move {
        let set = json!({"Identity": "Default", "AllowGooglePushNotifications": false});
        assert_eq!(stage.run("Set-MobileDeviceMailboxPolicy", set.clone()).await.status, 200);
        let policies = stage.run("Get-MobileDeviceMailboxPolicy", json!({})).await.values();
        assert_eq!(policies[0]["AllowGooglePushNotifications"], false);
        assert_eq!(policies[0]["AllowApplePushNotifications"], true);
        assert_eq!(policies[0]["MaxInactivityTimeLock"], "Unlimited");
        let old = stage.run("Get-ActiveSyncMailboxPolicy", json!({})).await.values();
        assert!(old[0].get("AllowGooglePushNotifications").is_none());
        assert_eq!(old[0]["AllowApplePushNotifications"], true);
        assert_eq!(stage.run("Set-ActiveSyncMailboxPolicy", set).await.status, 400);
    });
}

#[test]
fn ten_mailboxes_are_asked_in_one_batch_and_answered_in_any_order() {
    tell(30, HostedHabits::default(), |stage| async move {
        let owners: Vec<Uuid> = {
            let organization = stage.organization();
            let mut all: Vec<Uuid> =
                organization.partnerships().filter_map(|one| one.mailbox.guid).collect();
            all.dedup();
            all.into_iter().take(8).collect()
        };
        let part = |id: String, cmdlet: &str, parameters: Value| {
            json!({"id": id, "method": "POST", "url": stage.command_url(),
                "headers": {"Prefer": "odata.maxpagesize=1"}, "body": command(cmdlet, parameters)})
        };
        let mut requests: Vec<Value> = owners
            .iter()
            .map(|owner| {
                part(owner.to_string(), "Get-MobileDeviceStatistics", json!({"Mailbox": owner}))
            })
            .collect();
        let devices = json!({"ResultSize": "Unlimited"});
        requests.push(part("list".to_owned(), "Get-MobileDevice", devices));
        requests.push(part("bad".to_owned(), "Get-Nothing", json!({})));
        let url = format!("{}/adminapi/beta/{}/$batch", stage.url, stage.tenant);
        let told = stage.post(&url, &json!({"requests": requests}), &[]).await.json();
        let answers = told["responses"].as_array().unwrap();
        assert_eq!(answers.len(), 10);
        assert_eq!(answers[0]["id"], "bad", "an order of its own");
        let of = |id: &str| answers.iter().find(|one| one["id"] == id).unwrap();
        assert_eq!(of("bad")["status"], 403);
        for owner in owners {
            let answer = of(&owner.to_string());
            assert_eq!(answer["status"], 200);
            assert!(answer["body"]["value"][0]["DeviceID"].is_string());
        }
        assert!(of("list")["body"]["@odata.nextLink"].is_string());
        requests.push(part("more".to_owned(), "Get-MobileDevice", json!({})));
        let many = stage.post(&url, &json!({"requests": requests}), &[]).await;
        assert_eq!(many.status, 400);
        assert_eq!(stage.ledger.entries().hosted.batches, 1);
    });
}

#[test]
fn the_statistics_of_a_mailbox_have_an_address_of_their_own() {
    tell(5, HostedHabits::default(), |stage| async move {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let one = stage.organization().partnerships().next().unwrap();
        let name = STANDARD.encode(one.mailbox.user_principal_name.unwrap());
        let path = format!(
            "/adminapi/beta/{}/Mailbox('{name}')/MobileDevice/Exchange.GetMobileDeviceStatistics()/\
             ?IsEncoded=True",
            stage.tenant
        );
        let found = stage.get(&path, &[]).await.values();
        let ids: Vec<&str> = found.iter().filter_map(|one| one["DeviceID"].as_str()).collect();
        assert!(ids.contains(&one.facts.device_id.unwrap().as_str()), "{ids:?}");
    });
}

#[test]
fn a_wipe_is_never_reported_back() {
    tell(60, HostedHabits::default(), |stage| async move {
        let wiped: Vec<Uuid> = {
            let organization = stage.organization();
            let reachable = organization.partnerships().filter(|one| {
                one.facts.access_state.word() == "allowed"
                    && one.statistics.wipe_requested.is_none()
                    && one.facts.client_version.as_deref() == Some("16.1")
            });
            reachable.map(|one| one.facts.guid).take(12).collect()
        };
        for guid in &wiped {
            let wipe = json!({"Identity": guid, "AccountOnly": true, "Confirm": false});
            assert_eq!(stage.run("Clear-MobileDevice", wipe).await.status, 200);
        }
        let before = stage.organization().device_count();
        for _ in 0..3 {
            let mut organization = stage.organization();
            let later = organization.now() + SignedDuration::from_secs(25);
            organization.advance(later);
        }
        let organization = stage.organization();
        let left: Vec<_> = organization
            .partnerships()
            .filter(|one| wiped.contains(&one.facts.guid))
            .map(|one| (one.statistics.wipe_status.word(), one.statistics.wipe_acknowledged))
            .collect();
        assert!((1..wiped.len()).contains(&left.len()), "{} are left", left.len());
        assert!(left.iter().all(|(status, at)| *status == "sent" && at.is_none()), "{left:?}");
        // For each that stays behind another has come.
        assert!(organization.device_count() >= before - wiped.len() + 2 * left.len());
    });
}
