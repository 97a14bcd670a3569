//! The token service: what an application, a person or a machine shows to have a token.

use hyper::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Application, Service,
    access_token::Grant,
    assertion::{self, Flaw},
    device_code::{INTERVAL, LIFETIME, Told, Waiting},
    form::{Form, field, form},
    reply::Reply,
};
use crate::{faults::strike, wire::locked};

/// Microsoft's own application, which everybody may sign in with.
const FIRST_PARTY: Uuid = Uuid::from_u128(0xfb78d390_0c51_40cd_8e17_fdbfab77341b);
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// What tokens are for, in each of the clouds.
const RESOURCES: &[&str] = &[
    "outlook.office365.com",
    "outlook.office.com",
    "outlook.office365.us",
    "outlook-dod.office365.us",
    "partner.outlook.cn",
    "outlook.office365.cn",
];
/// Ids of assertions that are remembered.
const MAX_USED: usize = 100_000;

/// A refusal: number, error of OAuth, text.
struct Refusal(u32, &'static str, String);

impl Service {
    /// `POST /{tenant}/oauth2/v2.0/token`
    pub(super) fn token(&self, tenant: &str, body: &[u8]) -> Reply {
        let form = form(body);
        if strike(&mut self.faults().hosted.sign_in_unavailable) {
            return Reply::empty(StatusCode::SERVICE_UNAVAILABLE).with("retry-after", "2");
        }
        let granted = self.check_tenant(tenant).and_then(|()| self.grant(tenant, &form));
        granted.unwrap_or_else(|refusal| self.refused(&refusal))
    }

    fn check_tenant(&self, tenant: &str) -> Result<(), Refusal> {
        if self.is_tenant(tenant) {
            return Ok(());
        }
        let text = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are \
             signing into the correct cloud."
        );
        Err(Refusal(90_002, "invalid_request", text))
    }

    fn grant(&self, tenant: &str, form: &Form) -> Result<Reply, Refusal> {
        if self.faults().hosted.sign_in_blocked {
            let text = "Access has been blocked by Conditional Access policies.".to_owned();
            return Err(Refusal(53_003, "access_denied", text));
        }
        let id = field(form, "client_id");
        match field(form, "grant_type") {
            "client_credentials" => {
                let application = self.known(id)?;
                self.prove(application, tenant, form)?;
                let audience = audience(form, &self.authority)?;
                self.grant_application(application.id, &audience, form, false)
            }
            DEVICE_CODE => {
                let client = self.client(id)?;
                let person = self.ask_device_code(field(form, "device_code"))?;
                self.grant_person(client, &person, form)
            }
            "refresh_token" => {
                let (client, shown) = (self.client(id)?, field(form, "refresh_token"));
                let is_known = locked(&self.refresh_tokens).remove(shown);
                let person = shown.split('.').nth(1).filter(|_| is_known);
                let text = "The refresh token has expired or was used.".to_owned();
                let person = person.ok_or(Refusal(70_008, "invalid_grant", text))?;
                self.grant_person(client, &unpacked(person), form)
            }
            other => {
                let text = format!("The app requested an unsupported grant type '{other}'.");
                Err(Refusal(70_003, "unsupported_grant_type", text))
            }
        }
    }

    fn known(&self, id: &str) -> Result<&Application, Refusal> {
        self.application(id).ok_or_else(|| {
            let text = format!(
                "Application with identifier '{id}' was not found in the directory '{}'.",
                self.tenant_domain
            );
            Refusal(700_016, "unauthorized_client", text)
        })
    }

    /// An application that a person signs in with: a registered one, or Microsoft's own.
    fn client(&self, id: &str) -> Result<Uuid, Refusal> {
        match Uuid::try_parse(id) {
            Ok(FIRST_PARTY) => Ok(FIRST_PARTY),
            _ => self.known(id).map(|application| application.id),
        }
    }

    /// Whether the application is who it says.
    fn prove(&self, application: &Application, tenant: &str, form: &Form) -> Result<(), Refusal> {
        if let Some(secret) = form.get("client_secret") {
            if application.secret.as_ref() != Some(secret) {
                let text = "Invalid client secret provided. Ensure the secret being sent in the \
                            request is the client secret value, not the client secret ID.";
                return Err(Refusal(7_000_215, "invalid_client", text.to_owned()));
            }
            if application.secret_is_expired {
                let text = "The provided client secret keys are expired.".to_owned();
                return Err(Refusal(7_000_222, "invalid_client", text));
            }
            return Ok(());
        }
        let Some(text) = form.get("client_assertion") else {
            let text = "The request body must contain the following parameter: 'client_assertion' \
                        or 'client_secret'.";
            return Err(Refusal(7_000_218, "invalid_client", text.to_owned()));
        };
        if field(form, "client_assertion_type") != JWT_BEARER {
            let text = "The client assertion type is not supported.".to_owned();
            return Err(Refusal(50_027, "invalid_request", text));
        }
        let origin = format!("https://{}", self.authority);
        let mut audiences = Vec::new();
        for tenant in [tenant, &self.tenant.to_string(), &self.tenant_domain] {
            for host in [origin.as_str(), "https://login.microsoftonline.com"] {
                audiences.push(format!("{host}/{tenant}/oauth2/v2.0/token"));
                audiences.push(format!("{host}/{tenant}/v2.0"));
            }
        }
        let now = self.time();
        let good = assertion::check(text, application, &audiences, now).map_err(of_assertion)?;
        let mut used = locked(&self.used);
        used.retain(|_, until| now < *until);
        if used.len() >= MAX_USED || used.insert(good.id, good.expires).is_some() {
            let text = "Assertion failed validation: the assertion was used before.".to_owned();
            return Err(Refusal(50_013, "invalid_client", text));
        }
        Ok(())
    }

    fn ask_device_code(&self, code: &str) -> Result<String, Refusal> {
        let text = str::to_owned;
        Err(match self.options.codes.ask(code, self.time()) {
            Told::Entered(person) => return Ok(person),
            Told::Pending => Refusal(
                70_016,
                "authorization_pending",
                text("OAuth 2.0 device flow error. Authorization is pending. Continue polling."),
            ),
            Told::SlowDown => Refusal(70_016, "slow_down", text("Continue polling, but slower.")),
            Told::Declined => Refusal(
                65_004,
                "authorization_declined",
                text("The user declined to consent to access the app."),
            ),
            Told::Expired => {
                Refusal(70_020, "expired_token", text("The provided device code has expired."))
            }
            Told::Unknown => {
                Refusal(70_018, "bad_verification_code", text("The device code is not known."))
            }
        })
    }

    /// A token of an application. A machine's own is told in texts.
    fn grant_application(
        &self,
        application: Uuid,
        audience: &str,
        form: &Form,
        is_machine: bool,
    ) -> Result<Reply, Refusal> {
        let (token, now) = self.make(application, None, audience, form)?;
        let seconds = self.options.habits.token_lifetime.as_secs();
        let answer = if is_machine {
            json!({
                "access_token": token,
                "client_id": application,
                "expires_in": seconds.to_string(),
                "expires_on": (now.as_second() + seconds).to_string(),
                "ext_expires_in": seconds.to_string(),
                "not_before": now.as_second().to_string(),
                "resource": audience,
                "token_type": "Bearer",
            })
        } else {
            json!({
                "token_type": "Bearer",
                "expires_in": seconds,
                "ext_expires_in": seconds,
                "access_token": token,
            })
        };
        Ok(Reply::document(StatusCode::OK, &answer))
    }

    fn grant_person(&self, client: Uuid, person: &str, form: &Form) -> Result<Reply, Refusal> {
        let audience =
            audience(form, &self.authority).unwrap_or_else(|_| format!("https://{}", RESOURCES[0]));
        let (token, _) = self.make(client, Some(person), &audience, form)?;
        let refresh = format!("0.{}.{}", packed(person), self.new_id().simple());
        locked(&self.refresh_tokens).insert(refresh.clone());
        let seconds = self.options.habits.token_lifetime.as_secs();
        let answer = json!({
            "token_type": "Bearer",
            "scope": format!("{audience}/AdminApi.AccessAsUser.All"),
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": token,
            "refresh_token": refresh,
        });
        Ok(Reply::document(StatusCode::OK, &answer))
    }

    fn make(
        &self,
        application: Uuid,
        person: Option<&str>,
        audience: &str,
        form: &Form,
    ) -> Result<(String, Timestamp), Refusal> {
        let now = self.time();
        let expires = now.checked_add(self.options.habits.token_lifetime);
        let expires = expires.unwrap_or(Timestamp::MAX);
        let grant = Grant { tenant: self.tenant, application, person, audience, now, expires };
        let broken = |_| Refusal(90_033, "temporarily_unavailable", "Try again.".to_owned());
        let token = self.options.tokens.give(&grant).map_err(broken)?;
        let mut entries = self.ledger.lock();
        entries.hosted.tokens += 1;
        entries.hosted.tokens_with_claims += u64::from(form.contains_key("claims"));
        Ok((token, now))
    }

    /// `POST /{tenant}/oauth2/v2.0/devicecode`
    pub(super) fn device_code(&self, tenant: &str, body: &[u8]) -> Reply {
        let form = form(body);
        let client =
            self.check_tenant(tenant).and_then(|()| self.client(field(&form, "client_id")));
        if let Err(refusal) = client {
            return self.refused(&refusal);
        }
        let device_code = format!("D{}", self.new_id().simple());
        let user_code: String = self.new_id().simple().to_string().chars().take(9).collect();
        let user_code = user_code.to_uppercase();
        self.options.codes.add(&device_code, &user_code, self.time());
        let address = format!("https://{}/devicelogin", self.authority);
        let answer = json!({
            "user_code": user_code,
            "device_code": device_code,
            "verification_uri": address,
            "expires_in": LIFETIME.as_secs(),
            "interval": INTERVAL.as_secs(),
            "message": format!(
                "To sign in, use a web browser to open the page {address} and enter the code \
                 {user_code} to authenticate."
            ),
        });
        Reply::document(StatusCode::OK, &answer)
    }

    /// `GET /devicelogin?code=…`: whoever opens this is the tenant's administrator.
    pub(super) fn enter_code(&self, query: &str) -> Reply {
        let form = form(query.as_bytes());
        let Some(code) = form.get("code") else {
            let page = "<html><title>Sign in</title><form action=\"/devicelogin\"><input name=\"code\">\
                        <button>Enter the code</button></form></html>";
            return Reply::text(StatusCode::OK, page);
        };
        let person = format!("administrator@{}", self.tenant_domain);
        if self.options.codes.settle(code, &Waiting::Entered(person)) {
            Reply::text(StatusCode::OK, "<html><title>Done</title>You may close this page.</html>")
        } else {
            Reply::text(StatusCode::NOT_FOUND, "<html><title>No such code</title></html>")
        }
    }

    /// `GET /metadata/identity/oauth2/token`: the identity of the machine, which is the first
    /// application's.
    pub(super) fn machine_token(&self, query: &str, headers: &HeaderMap) -> Reply {
        let form = form(query.as_bytes());
        let bad = |text: &str| {
            let answer = json!({"error": "invalid_request", "error_description": text});
            Reply::document(StatusCode::BAD_REQUEST, &answer)
        };
        if headers.get("metadata").is_none_or(|value| value != "true") {
            return bad("Required metadata header not specified");
        }
        if !form.contains_key("api-version") {
            return bad("Required query variable 'api-version' is missing");
        }
        let wanted = form.get("client_id");
        let application = match wanted {
            Some(id) => self.application(id),
            None => self.options.applications.first(),
        };
        let Some(application) = application else { return bad("Identity not found") };
        let resource = field(&form, "resource").trim_end_matches('/');
        match known_resource(resource, &self.authority) {
            Some(audience) => self
                .grant_application(application.id, &audience, &form, true)
                .unwrap_or_else(|refusal| self.refused(&refusal)),
            None => bad("The resource is not known"),
        }
    }

    fn refused(&self, Refusal(number, error, text): &Refusal) -> Reply {
        if !matches!(*error, "authorization_pending" | "slow_down") {
            self.ledger.lock().hosted.refused_sign_ins += 1;
        }
        let (trace, correlation) = (self.new_id(), self.new_id());
        let time = self.time().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let answer: Value = json!({
            "error": error,
            "error_description": format!(
                "AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {correlation} \
                 Timestamp: {time}"
            ),
            "error_codes": [number],
            "timestamp": time,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={number}"),
        });
        let status = match *error {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            _ => StatusCode::BAD_REQUEST,
        };
        Reply::document(status, &answer)
    }
}

fn of_assertion(flaw: Flaw) -> Refusal {
    let key = |reason: &str| {
        let text = format!(
            "The certificate with identifier used to sign the client assertion is not registered on \
             application. [Reason - {reason}]"
        );
        Refusal(700_027, "invalid_client", text)
    };
    let other = |number, text: &str| Refusal(number, "invalid_client", text.to_owned());
    match flaw {
        Flaw::UnknownCertificate => key("The key was not found."),
        Flaw::ExpiredCertificate => key("The key used is expired."),
        Flaw::WrongSignature => key("The signature is not that of the key."),
        Flaw::WrongAudience => other(700_023, "Client assertion audience claim does not match."),
        Flaw::WrongSubject => other(700_021, "Client assertion issuer or subject is wrong."),
        Flaw::WrongTime => other(700_024, "Client assertion is not within its valid time range."),
        Flaw::Malformed => other(50_027, "JWT token is invalid or malformed."),
    }
}

/// What a scope asks a token for: `https://outlook.office365.com/.default`.
fn audience(form: &Form, own: &str) -> Result<String, Refusal> {
    let scopes = field(form, "scope").split_whitespace();
    let mut resources = scopes.filter_map(|scope| {
        let resource = scope.rsplit_once('/').map_or(scope, |(resource, _)| resource);
        known_resource(resource, own)
    });
    resources.next().ok_or_else(|| {
        let text = format!(
            "The resource principal named {} was not found in the tenant.",
            field(form, "scope")
        );
        Refusal(500_011, "invalid_resource", text)
    })
}

fn known_resource(resource: &str, own: &str) -> Option<String> {
    let host = resource.strip_prefix("https://")?;
    let is_known = RESOURCES.iter().chain([&own]).any(|one| one.eq_ignore_ascii_case(host));
    is_known.then(|| resource.to_owned())
}

fn packed(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn unpacked(hex: &str) -> String {
    let digits = hex.as_bytes().chunks(2);
    let bytes = digits.filter_map(|pair| {
        std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())
    });
    String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
}
