//! A test of an identity provider: step by step, what works and what does not.

use domain::{
    Caller, IdentityProvider, ProviderName, ProviderSettings,
    identity_provider::{ClientAuthentication, Ldap, OpenIdConnect},
};
use exchange::{PersonError, Secret};

use super::{
    directory::{self, server_settings},
    http::said,
    known::Known,
    open_id::ask_token,
};
use crate::{Engine, Error};

/// What a test found, in the order in which signing in needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderReport {
    /// The steps.
    pub steps: Vec<ProviderStep>,
}

/// One step of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderStep {
    /// What was looked at.
    pub name: String,
    /// How it went.
    pub state: StepState,
    /// What was found, and what to do.
    pub detail: String,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// It works.
    Works,
    /// It does not.
    Fails,
    /// It was not tried.
    LeftOut,
}

impl StepState {
    /// The word used in the API and on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Fails => "fails",
            Self::LeftOut => "left-out",
        }
    }
}

impl ProviderReport {
    /// Whether nothing fails.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.steps.iter().all(|step| step.state != StepState::Fails)
    }

    fn works(&mut self, name: impl Into<String>, detail: impl Into<String>) {
        self.step(name, StepState::Works, detail);
    }

    fn fails(&mut self, name: impl Into<String>, detail: impl Into<String>) {
        self.step(name, StepState::Fails, detail);
    }

    fn left_out(&mut self, name: impl Into<String>, detail: impl Into<String>) {
        self.step(name, StepState::LeftOut, detail);
    }

    fn step(&mut self, name: impl Into<String>, state: StepState, detail: impl Into<String>) {
        self.steps.push(ProviderStep { name: name.into(), state, detail: detail.into() });
    }
}

impl Engine {
    /// Tries an identity provider; with a person's name and password, a directory is asked for that
    /// person as well. Nobody is signed in by it.
    pub async fn test_identity_provider(
        &self,
        caller: &Caller,
        name: &ProviderName,
        person: Option<(String, String)>,
    ) -> Result<ProviderReport, Error> {
        let provider = self.identity_provider(caller, name).await?;
        let person = person.map(|(name, password)| (name, Secret::new(password)));
        let mut report = ProviderReport { steps: Vec::new() };
        match &provider.settings {
            ProviderSettings::OpenIdConnect(settings) => {
                if person.is_some() {
                    let text = "people type their password at the provider; leave it out";
                    return Err(Error::Invalid(text.to_owned()));
                }
                self.test_open_id(&mut report, &provider, settings).await?;
            }
            ProviderSettings::Ldap(settings) => {
                self.test_directory(&mut report, &provider, settings, person).await?;
            }
        }
        Ok(report)
    }

    async fn test_open_id(
        &self,
        report: &mut ProviderReport,
        provider: &IdentityProvider,
        settings: &OpenIdConnect,
    ) -> Result<(), Error> {
        let known = match Known::ask(settings, self.now()).await {
            Ok(known) => known,
            Err(error) => {
                report.fails("discovery and keys", error.to_string());
                report.left_out("client", "the provider could not be asked");
                report.left_out("way back", register(settings));
                return Ok(());
            }
        };
        report.works(
            "discovery and keys",
            format!(
                "the provider {} answers, and publishes {}",
                settings.issuer,
                keys_in_words(&known)
            ),
        );
        let secret = self.provider_secret(provider.id).await?;
        let secret = secret.as_ref().map_or("", |secret| secret.reveal());
        // A code that cannot be one: who knows us says so, and who does not says that.
        let redirect = settings.redirect_uri();
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", "a-test-by-gatepost"),
            ("redirect_uri", &redirect),
            ("code_verifier", "a-test-by-gatepost-a-test-by-gatepost-a-test"),
        ];
        let error = |body: &serde_json::Value| {
            body.get("error").and_then(serde_json::Value::as_str).map(str::to_owned)
        };
        match ask_token(&known, settings, secret, &fields).await {
            Err(reason) => report.fails("client", reason),
            Ok(answer) => match error(&answer.body).as_deref() {
                Some("invalid_grant") => {
                    let how = match settings.client_authentication {
                        ClientAuthentication::None => "without a secret",
                        _ => "with the secret",
                    };
                    let detail = format!("the client {} is known there, {how}", settings.client_id);
                    report.works("client", detail);
                }
                Some("invalid_client" | "unauthorized_client") => report.fails(
                    "client",
                    format!(
                        "the provider does not take client id and secret: {}",
                        answer.trouble()
                    ),
                ),
                _ => report.left_out(
                    "client",
                    format!("the provider does not say whether it knows us: {}", answer.trouble()),
                ),
            },
        }
        report_groups(report, &known, settings);
        match &known.addresses.end_session {
            Some(_) => report.works("signing out", "people can sign out there too"),
            None => report.left_out("signing out", "the provider names no place for it"),
        }
        report.left_out("way back", register(settings));
        Ok(())
    }

    async fn test_directory(
        &self,
        report: &mut ProviderReport,
        provider: &IdentityProvider,
        settings: &Ldap,
        person: Option<(String, Secret)>,
    ) -> Result<(), Error> {
        let account = self.lookup_account(provider, settings).await?;
        for server in &settings.servers {
            let name = format!("server {server}");
            let server = server_settings(settings, server);
            let tried = match &account {
                Some(account) => exchange::check_account(&server, account).await,
                None => stranger(settings, &server.server).await,
            };
            match (tried, &settings.account) {
                (Ok(()), Some(account)) => {
                    report.works(name, format!("answers over TLS and lets {account} in"));
                }
                (Ok(()), None) => report.works(name, "answers over TLS and refuses strangers"),
                (Err(error), _) => report.fails(name, error.to_string()),
            }
        }
        let Some((user, password)) = person else {
            report.left_out("person", "give a name and a password to try a whole sign-in");
            return Ok(());
        };
        // It counts like signing in: an account could be locked by it all the same.
        let attempts = &self.inner.people.attempts;
        let tried = attempts.take_name(self.now(), &provider.name, &user);
        tried.map_err(|wait| Error::Unavailable(wait.to_string()))?;
        match directory::person(settings, account.as_ref(), &user, &password).await {
            Err(error) => report.fails("person", error.to_string()),
            Ok(person) => {
                attempts.forget_name(&provider.name, &user);
                let groups: Vec<_> = person.groups.iter().map(|group| &*group.name).collect();
                let place = &person.distinguished_name;
                report.works("person", said(&format!("{} is {place}", person.name)));
                let groups = if groups.is_empty() { "none".to_owned() } else { groups.join(", ") };
                report.works("groups", groups);
            }
        }
        Ok(())
    }
}

/// Whether the provider says that it knows the claim with the groups. Many send more than they say.
fn report_groups(report: &mut ProviderReport, known: &Known, settings: &OpenIdConnect) {
    let name = &settings.groups_claim;
    let claim = name.split('.').next().unwrap_or_default();
    match &known.addresses.claims {
        Some(claims) if claims.iter().any(|it| it == name || it == claim) => {
            report.works("groups", format!("the provider knows the claim {name}"));
        }
        _ => report.left_out(
            "groups",
            format!(
                "the provider does not say that it knows the claim {name}; the audit tells after a \
                 sign-in how many groups came"
            ),
        ),
    }
}

fn register(settings: &OpenIdConnect) -> String {
    format!(
        "registered at the provider must be {}, and for signing out {}",
        settings.redirect_uri(),
        settings.signed_out_uri()
    )
}

fn keys_in_words(known: &Known) -> String {
    match known.keys.len() {
        1 => "one key".to_owned(),
        count => format!("{count} keys"),
    }
}

/// Whether a server refuses somebody who does not exist, as it should.
async fn stranger(settings: &Ldap, server: &str) -> Result<(), PersonError> {
    let one = Ldap { servers: vec![server.to_owned()], ..settings.clone() };
    let password = Secret::new("no-password-of-anybody");
    match directory::person(&one, None, "nobody-test-by-gatepost", &password).await {
        Err(PersonError::Refused(_) | PersonError::Unknown) => Ok(()),
        Err(error) => Err(error),
        Ok(_) => {
            let reason = "it lets in whoever asks".to_owned();
            let step = "to refuse a stranger";
            Err(PersonError::Directory(exchange::DirectoryError::Refused { step, reason }))
        }
    }
}
