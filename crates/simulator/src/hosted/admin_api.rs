//! The REST service: who calls, and for what.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hyper::{HeaderMap, Method, StatusCode, header};
use jiff::Timestamp;
use psrp::clixml::Value;
use serde_json::json;
use uuid::Uuid;

use super::{
    Service,
    access_token::Flaw,
    command::{COOKIE, Caller, Command, Manner},
    failure,
    form::plain,
    reply::{Reply, takes_packed},
};
use crate::{
    Visible,
    cmdlets::{Context, Invocation, visible_names},
    faults::strike,
    wire::locked,
};

/// A call, taken apart.
pub(super) struct Call {
    pub(super) method: Method,
    /// `beta`, `v1.0`
    pub(super) version: String,
    pub(super) tenant: String,
    /// What follows the tenant: `InvokeCommand`.
    pub(super) resource: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Who sent it, where no session is named.
    pub(super) peer: String,
}

const OWN_MAILBOX: &str = "AM6PR08MB4021.eurprd08.prod.outlook.com";

impl Service {
    /// Answers a call of whoever has a token.
    pub(super) async fn admin(&self, call: &Call) -> Reply {
        let largest = self.options.habits.page_size;
        let mut manner = Manner::of(&call.query, &call.headers, &self.authority, largest);
        if manner.session.is_empty() {
            manner.session.clone_from(&call.peer);
        }
        if let Some(elsewhere) = self.redirected(call, &manner) {
            return elsewhere;
        }
        let caller = match self.caller(&call.headers) {
            Ok(caller) => caller,
            Err(reply) => return reply,
        };
        let cookie = manner.cookie.clone();
        let cookie = cookie.unwrap_or_else(|| self.new_id().simple().to_string());
        manner.cookie = Some(cookie.clone());
        let _counted = Counted::new(self);
        let delay = self.faults().hosted.micro_delay;
        if let Some(delay) = delay {
            tokio::time::sleep(delay).await;
        }
        let reply = self.dispatch(call, &caller, &manner);
        let mut reply = self
            .decorated(reply, &call.headers)
            .with("set-cookie", format!("{COOKIE}={cookie}; path=/; secure; HttpOnly"));
        if takes_packed(&call.headers) && reply.pack() {
            self.ledger.lock().hosted.packed += 1;
        }
        reply
    }

    fn dispatch(&self, call: &Call, caller: &Caller, manner: &Manner) -> Reply {
        if !self.is_tenant(&call.tenant) {
            let detail =
                format!("|System.ArgumentException|The tenant '{}' is unknown.", call.tenant);
            return failure::error(StatusCode::NOT_FOUND, "NotFound", &detail);
        }
        if self.faults().hosted.role_missing {
            let detail = format!(
                "|System.UnauthorizedAccessException|The role assigned to application {} isn't \
                 supported in this scenario. Please check online documentation for assigning correct \
                 Directory Roles to Azure AD Application for EXO App-Only Authentication.",
                caller.id
            );
            return failure::error(StatusCode::FORBIDDEN, "Forbidden", &detail);
        }
        let resource = call.resource.trim_end_matches('/');
        match (&call.method, call.version.as_str(), resource) {
            (&Method::POST, "beta", "InvokeCommand") => {
                self.paced(manner, || self.invoke_body(caller, manner, &call.body))
            }
            (_, _, "InvokeCommand") => Reply::empty(StatusCode::METHOD_NOT_ALLOWED),
            (&Method::POST, "beta", "$batch") => self.batch(caller, manner, &call.body),
            (&Method::GET, _, "EXOModuleFile") => {
                self.paced(manner, || self.module_file(caller, manner))
            }
            (&Method::GET, "beta", _) => match mailbox_of_statistics(resource) {
                Some(mailbox) => {
                    let parameters = vec![(Some("Mailbox".to_owned()), Value::from(mailbox))];
                    let name = "Get-MobileDeviceStatistics".to_owned();
                    let invocation = Invocation { name, parameters };
                    let command = Command { invocation, question: 0 };
                    self.paced(manner, || self.invoke(caller, manner, &command))
                }
                None => Reply::empty(StatusCode::NOT_FOUND),
            },
            _ => Reply::empty(StatusCode::NOT_FOUND),
        }
    }

    /// Who calls, by the token.
    fn caller(&self, headers: &HeaderMap) -> Result<Caller, Reply> {
        let now = self.time();
        let struck = strike(&mut self.faults().unauthorized_request);
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = bearer.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let shown = match self.options.tokens.read(token, self.tenant, now) {
            Ok(shown) if !struck => shown,
            Ok(_) => return Err(self.unauthorized(Flaw::Invalid, now)),
            Err(flaw) => return Err(self.unauthorized(flaw, now)),
        };
        let id = shown.application;
        let application = self.application(&id.to_string());
        let (visible, hidden_parameters) = application.map_or((Visible::All, Vec::new()), |one| {
            (one.visible.clone(), one.hidden_parameters.clone())
        });
        let name = application.map_or_else(|| id.to_string(), |one| one.name.clone());
        let account = shown.person.unwrap_or(name);
        Ok(Caller { id, account, visible, hidden_parameters })
    }

    fn unauthorized(&self, flaw: Flaw, now: Timestamp) -> Reply {
        self.ledger.lock().hosted.unauthorized += 1;
        let address = format!("https://{}/common/oauth2/authorize", self.authority);
        let challenge = match flaw {
            Flaw::Invalid => format!(
                "Bearer client_id=\"00000002-0000-0ff1-ce00-000000000000\", \
                 authorization_uri=\"{address}\", error=\"invalid_token\""
            ),
            Flaw::Revoked => {
                let value = now.as_second().to_string();
                let claims = json!({"access_token": {"nbf": {"essential": true, "value": value}}});
                format!(
                    "Bearer realm=\"\", authorization_uri=\"{address}\", \
                     error=\"insufficient_claims\", claims=\"{}\"",
                    STANDARD.encode(claims.to_string())
                )
            }
        };
        Reply::empty(StatusCode::UNAUTHORIZED).with("www-authenticate", challenge)
    }

    /// Where a call is to go instead, if so ordered: to the other name of the same machine, which
    /// wants the cookie that came with the way there.
    fn redirected(&self, call: &Call, manner: &Manner) -> Option<Reply> {
        if !self.faults().hosted.redirect {
            return None;
        }
        let (host, port) = manner.host.rsplit_once(':').unwrap_or((&manner.host, "443"));
        if host == "localhost" {
            let why = "ErrorIncorrectRoutingHint";
            let lost = || failure::error(StatusCode::BAD_REQUEST, why, "||The routing is lost.");
            return manner.cookie.is_none().then(lost);
        }
        self.ledger.lock().hosted.redirected += 1;
        let query = if call.query.is_empty() { String::new() } else { format!("?{}", call.query) };
        let Call { version, tenant, resource, .. } = call;
        let place =
            format!("https://localhost:{port}/adminapi/{version}/{tenant}/{resource}{query}");
        let cookie = format!("{COOKIE}={}; path=/; secure; HttpOnly", self.new_id().simple());
        Some(Reply::empty(StatusCode::FOUND).with("location", place).with("set-cookie", cookie))
    }

    /// Answers unless the caller has to wait.
    fn paced(&self, manner: &Manner, answer: impl FnOnce() -> Reply) -> Reply {
        let now = self.time();
        let refused = {
            let (faults, mut pace) = (self.faults().clone(), locked(&self.pace));
            let used = &mut self.ledger.lock().hosted;
            let early = pace.early(&manner.session, now, used);
            early.or_else(|| {
                let (reply, wait) = pace.take(&self.options.habits, &faults, now, used)?;
                pace.hold(&manner.session, now, wait);
                Some(reply)
            })
        };
        refused.unwrap_or_else(answer)
    }

    fn decorated(&self, reply: Reply, headers: &HeaderMap) -> Reply {
        let now = self.time();
        let standing = locked(&self.pace).standing(&self.options.habits, now);
        let request = headers.get("client-request-id").and_then(|id| id.to_str().ok());
        let request = request.map_or_else(|| self.new_id().to_string(), str::to_owned);
        reply
            .with("rate-limit-limit", standing.limit.to_string())
            .with("rate-limit-remaining", standing.remaining.to_string())
            .with("rate-limit-reset", standing.reset.to_string())
            .with("x-concurrencycount", standing.concurrent.to_string())
            .with("x-combinedapponlyconcurrencycount", standing.concurrent.to_string())
            .with("request-id", request)
            .with("x-calculatedbetarget", OWN_MAILBOX)
            .with("preference-applied", "odata.include-annotations=\"*\"")
    }

    /// `POST InvokeCommand`
    pub(super) fn invoke_body(&self, caller: &Caller, manner: &Manner, body: &[u8]) -> Reply {
        let read = serde_json::from_slice(body).map_err(|error| error.to_string());
        match read.and_then(|body: serde_json::Value| Command::read(&body)) {
            Ok(command) => self.invoke(caller, manner, &command),
            Err(why) => failure::bad_request(&why),
        }
    }

    pub(super) fn context(&self, caller: &Caller) -> Context {
        Context {
            now: self.time(),
            server: 0,
            runspace: Uuid::nil(),
            account: caller.account.clone(),
            visible: caller.visible.clone(),
            hidden_parameters: caller.hidden_parameters.clone(),
            offline: std::collections::BTreeSet::new(),
            truncate_after: None,
            answers_another: false,
        }
    }

    /// `GET EXOModuleFile`: what the caller may run.
    fn module_file(&self, caller: &Caller, manner: &Manner) -> Reply {
        let (context, organization) = (self.context(caller), self.organization());
        let names = visible_names(&organization, &context).join(",");
        let body = json!({
            "@odata.context": format!(
                "https://{}/adminapi/v1.0/{}/$metadata#EXOModuleFile", manner.host, self.tenant
            ),
            "value": [{"moduleName": "tmpEXO", "exportedCmdlets": names}],
        });
        Reply::page(StatusCode::OK, body.to_string())
    }
}

/// The mailbox of `Mailbox('amFuZQ==')/MobileDevice/Exchange.GetMobileDeviceStatistics()`.
fn mailbox_of_statistics(resource: &str) -> Option<String> {
    let resource = plain(&resource.replace('+', "%2B"));
    let rest = resource.strip_prefix("Mailbox('")?;
    let (packed, function) = rest.split_once("')/")?;
    if function.trim_end_matches('/') != "MobileDevice/Exchange.GetMobileDeviceStatistics()" {
        return None;
    }
    String::from_utf8(STANDARD.decode(packed).ok()?).ok()
}

/// A call that is being answered, for as long as this lives.
struct Counted<'a>(&'a Service);

impl<'a> Counted<'a> {
    fn new(service: &'a Service) -> Self {
        let mut pace = locked(&service.pace);
        pace.concurrent += 1;
        let mut entries = service.ledger.lock();
        entries.hosted.max_concurrent = entries.hosted.max_concurrent.max(pace.concurrent);
        Self(service)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        locked(&self.0.pace).concurrent -= 1;
    }
}
