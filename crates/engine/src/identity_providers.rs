//! Identity providers: commands on them, and people who sign in by them.
//!
//! What a provider says of a person ends as one [`ExternalIdentity`]; what that person may do here
//! is not decided in this room.

mod claims;
mod directory;
mod http;
mod known;
mod open_id;
mod removal;
mod report;
mod signing_in;
mod signing_out;
mod token;

use domain::{
    Caller, IdentityProvider, IdentityProviderId, Permission, ProviderName, ProviderSettings,
    Scope, Timestamp,
    audit::{Entry, Event, TargetKind},
    identity_provider::{HasSecret, ProviderKind, validate_title},
};
use exchange::Secret;
use store::SealedChange;
use uuid::Uuid;

use crate::{Engine, Error, secrets::wipe};

pub(crate) use known::KnownProviders;
pub use open_id::{OpenIdAnswer, OpenIdBeginning};
pub use removal::ProviderRemoval;
pub use report::{ProviderReport, ProviderStep, StepState};
pub use signing_in::{ExternalSignInError, OpenIdSession};

/// Identity providers at most: each is a button on the sign-in page.
const MAX_PROVIDERS: usize = 20;

/// An identity provider to be added. Its secret prints as nothing.
#[derive(Clone)]
pub struct NewIdentityProvider {
    /// The name in addresses and in assignments to its groups.
    pub name: ProviderName,
    /// What stands on the button.
    pub title: String,
    /// How it is asked.
    pub settings: ProviderSettings,
    /// Client secret, or password of the account that looks people up.
    pub secret: Option<String>,
    /// When that secret ends, if whoever gave it knows.
    pub secret_expires: Option<Timestamp>,
}

/// What is changed of an identity provider: everything but its name.
#[derive(Clone)]
pub struct IdentityProviderChange {
    /// What stands on the button.
    pub title: String,
    /// How it is asked.
    pub settings: ProviderSettings,
    /// Whether people may sign in by it.
    pub is_enabled: bool,
    /// What becomes of the secret.
    pub secret: SecretChange,
    /// When the secret ends, if whoever gave it knows.
    pub secret_expires: Option<Timestamp>,
}

/// What becomes of a secret.
#[derive(Clone)]
pub enum SecretChange {
    /// It stays.
    Keep,
    /// It is another one.
    Set(String),
    /// There is none any more.
    Clear,
}

impl std::fmt::Debug for NewIdentityProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewIdentityProvider").field("name", &self.name).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for IdentityProviderChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdentityProviderChange").field("title", &self.title).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for SecretChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretChange")
    }
}

/// A way of signing in, as somebody sees it who has not signed in yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInChoice {
    /// The name in addresses.
    pub name: ProviderName,
    /// What stands on the button.
    pub title: String,
    /// Which language it speaks.
    pub kind: ProviderKind,
}

/// Why somebody was not signed in by an identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotSignedIn {
    /// What the person is told, in a sentence or two.
    pub told: String,
    /// Why, for the record and the log. Never a secret.
    pub why: String,
    /// Whose fault it was.
    pub fault_of: FaultOf,
    /// What was typed as a name, for the record, unless nobody has it: then it may be a password.
    pub name: Option<String>,
}

/// Whose fault it was that somebody was not signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultOf {
    /// The person's, or that of somebody who pretends to be one.
    Person,
    /// The provider's, or that of how it is set up: trying again later may help.
    Provider,
}

impl NotSignedIn {
    fn refused(told: impl Into<String>, why: impl Into<String>) -> Self {
        Self { told: told.into(), why: why.into(), fault_of: FaultOf::Person, name: None }
    }

    fn trouble(title: &str, why: impl Into<String>) -> Self {
        let told = format!(
            "{title} could not be asked. Try again in a moment; if it stays, tell an administrator \
             to run the test of this way of signing in."
        );
        Self { told, why: why.into(), fault_of: FaultOf::Provider, name: None }
    }
}

impl Engine {
    /// All identity providers, by name.
    pub async fn identity_providers(
        &self,
        caller: &Caller,
    ) -> Result<Vec<IdentityProvider>, Error> {
        let scope = caller.scope(Permission::ModifySecurity)?;
        Ok(self.store().identity_providers(&scope).await?)
    }

    /// One identity provider.
    pub async fn identity_provider(
        &self,
        caller: &Caller,
        name: &ProviderName,
    ) -> Result<IdentityProvider, Error> {
        let scope = caller.scope(Permission::ModifySecurity)?;
        Ok(self.store().identity_provider(&scope, name).await?)
    }

    /// Whether an identity provider has a secret. What it is, nobody is told.
    pub async fn has_provider_secret(&self, provider: &IdentityProvider) -> Result<bool, Error> {
        Ok(self.store().identity_provider_secret(provider.id).await?.is_some())
    }

    /// The ways of signing in that people have besides a password of ours.
    pub async fn sign_in_choices(&self) -> Result<Vec<SignInChoice>, Error> {
        let providers = self.store().identity_providers(&self.security_scope()?).await?;
        let choice = |provider: IdentityProvider| SignInChoice {
            kind: provider.settings.kind(),
            name: provider.name,
            title: provider.title,
        };
        Ok(providers.into_iter().filter(|it| it.is_enabled).map(choice).collect())
    }

    /// Adds an identity provider. It need not be reachable: whether it works is what a test says.
    pub async fn add_identity_provider(
        &self,
        caller: &Caller,
        new: NewIdentityProvider,
    ) -> Result<(), Error> {
        self.validate_identity_provider(caller, &new).await?;
        let id = IdentityProviderId(Uuid::now_v7());
        let sealed =
            new.secret.map(|secret| self.sealed_provider_secret(id, secret)).transpose()?;
        let now = self.now();
        let provider = IdentityProvider {
            id,
            name: new.name,
            title: new.title.trim().to_owned(),
            settings: new.settings,
            is_enabled: true,
            secret_expires: new.secret_expires.filter(|_| sealed.is_some()),
            created: now,
        };
        let entry = entry(caller, &provider, now, "added");
        let mut log = self.audit_log().await?;
        let rows = log.rows(&[entry]);
        self.store().add_identity_provider(&provider, sealed.as_deref(), &rows).await?;
        log.written();
        Ok(())
    }

    /// Says what is wrong with an identity provider to be added, if anything is. Keeps nothing.
    pub async fn validate_identity_provider(
        &self,
        caller: &Caller,
        new: &NewIdentityProvider,
    ) -> Result<(), Error> {
        let scope = caller.scope(Permission::ModifySecurity)?;
        let has_secret = if new.secret.is_some() { HasSecret::Yes } else { HasSecret::No };
        validated(&new.title, &new.settings, has_secret)?;
        let others = self.store().identity_providers(&scope).await?;
        if others.iter().any(|other| other.name == new.name) {
            let text = format!("there is an identity provider {} already", new.name);
            return Err(Error::Conflict(text));
        }
        if others.len() >= MAX_PROVIDERS {
            let text = format!("there are {MAX_PROVIDERS} identity providers already; remove one");
            return Err(Error::Conflict(text));
        }
        Ok(())
    }

    /// Changes an identity provider. Nothing is kept if a field is wrong.
    pub async fn change_identity_provider(
        &self,
        caller: &Caller,
        name: &ProviderName,
        change: IdentityProviderChange,
    ) -> Result<(), Error> {
        let provider = self.changed_provider(caller, name, &change).await?;
        let sealed = match change.secret {
            SecretChange::Keep => SealedChange::Keep,
            SecretChange::Clear => SealedChange::Set(None),
            SecretChange::Set(secret) => {
                SealedChange::Set(Some(self.sealed_provider_secret(provider.id, secret)?))
            }
        };
        let mut entry = entry(caller, &provider, self.now(), "changed")
            .with("enabled", if provider.is_enabled { "yes" } else { "no" });
        if sealed != SealedChange::Keep {
            entry = entry.with("secret", "changed");
        }
        let mut log = self.audit_log().await?;
        let rows = log.rows(&[entry]);
        self.store().change_identity_provider(&provider, sealed, &rows).await?;
        log.written();
        self.inner.known_providers.forget(provider.id);
        Ok(())
    }

    /// Says what is wrong with a change, if anything is. Keeps nothing.
    pub async fn validate_provider_change(
        &self,
        caller: &Caller,
        name: &ProviderName,
        change: &IdentityProviderChange,
    ) -> Result<(), Error> {
        self.changed_provider(caller, name, change).await.map(drop)
    }

    async fn changed_provider(
        &self,
        caller: &Caller,
        name: &ProviderName,
        change: &IdentityProviderChange,
    ) -> Result<IdentityProvider, Error> {
        let provider = self.identity_provider(caller, name).await?;
        if provider.settings.kind() != change.settings.kind() {
            let text = "what a provider speaks does not change; add another one";
            return Err(Error::Invalid(text.to_owned()));
        }
        let has_secret = match change.secret {
            SecretChange::Set(_) => true,
            SecretChange::Clear => false,
            SecretChange::Keep => self.has_provider_secret(&provider).await?,
        };
        let has_secret = if has_secret { HasSecret::Yes } else { HasSecret::No };
        // Who can point a kept secret at another server could have it sent there.
        let is_kept = matches!(change.secret, SecretChange::Keep) && has_secret == HasSecret::Yes;
        if is_kept && destination(&provider.settings) != destination(&change.settings) {
            return Err(Error::Invalid(
                "the secret was given for another address; give it again with the new one"
                    .to_owned(),
            ));
        }
        validated(&change.title, &change.settings, has_secret)?;
        Ok(IdentityProvider {
            title: change.title.trim().to_owned(),
            settings: change.settings.clone(),
            is_enabled: change.is_enabled,
            secret_expires: change.secret_expires.filter(|_| has_secret == HasSecret::Yes),
            ..provider
        })
    }

    /// The providers whose secret ends before then or has ended, as far as that is known, the first
    /// to end first; none for a caller who does not answer for security.
    pub async fn ending_provider_secrets(
        &self,
        caller: &Caller,
        until: Timestamp,
    ) -> Result<Vec<(IdentityProvider, Timestamp)>, Error> {
        let Ok(scope) = caller.scope(Permission::ModifySecurity) else { return Ok(Vec::new()) };
        let providers = self.store().identity_providers(&scope).await?.into_iter();
        let ending = providers.filter_map(|it| it.secret_expires.map(|expires| (it, expires)));
        let mut ending: Vec<_> = ending.filter(|(_, expires)| *expires < until).collect();
        ending.sort_by_key(|(_, expires)| *expires);
        Ok(ending)
    }

    /// What people are read with who have not signed in yet.
    fn security_scope(&self) -> Result<Scope, Error> {
        Ok(Caller::engine().scope(Permission::ModifySecurity)?)
    }

    /// An identity provider that people may sign in by.
    async fn open_provider(&self, name: &ProviderName) -> Result<IdentityProvider, Error> {
        let provider = self.store().identity_provider(&self.security_scope()?, name).await?;
        if provider.is_enabled {
            Ok(provider)
        } else {
            Err(store::Error::NotFound("the identity provider").into())
        }
    }

    fn sealed_provider_secret(
        &self,
        id: IdentityProviderId,
        secret: String,
    ) -> anyhow::Result<Vec<u8>> {
        let secret = Secret::new(secret);
        self.inner.secrets.seal(&row(id), secret.reveal().as_bytes())
    }

    /// The secret of a provider, if it has one.
    async fn provider_secret(&self, id: IdentityProviderId) -> anyhow::Result<Option<Secret>> {
        let Some(sealed) = self.store().identity_provider_secret(id).await? else {
            return Ok(None);
        };
        let mut plain = self.inner.secrets.open(&row(id), &sealed)?;
        let text = std::str::from_utf8(&plain).map(Secret::new);
        wipe(&mut plain);
        Ok(Some(text?))
    }
}

fn row(id: IdentityProviderId) -> String {
    format!("identity_provider/{id}/secret")
}

fn validated(title: &str, settings: &ProviderSettings, secret: HasSecret) -> Result<(), Error> {
    let wrong = |error: domain::identity_provider::InvalidProvider| Error::Invalid(error.0);
    validate_title(title).map_err(wrong)?;
    settings.validate(secret).map_err(wrong)?;
    if let Some(pem) = extra_roots(settings) {
        http::Http::new(Some(pem)).map_err(|_| {
            let text = "the certificate authorities are no PEM certificates";
            Error::Invalid(text.to_owned())
        })?;
    }
    Ok(())
}

fn extra_roots(settings: &ProviderSettings) -> Option<&str> {
    match settings {
        ProviderSettings::OpenIdConnect(it) => it.extra_roots_pem.as_deref(),
        ProviderSettings::Ldap(it) => it.trust.extra_roots_pem.as_deref(),
    }
}

/// Where a secret is sent to, and what makes sure that it is that.
fn destination(settings: &ProviderSettings) -> Vec<&str> {
    match settings {
        ProviderSettings::OpenIdConnect(it) => {
            vec![&it.issuer, it.extra_roots_pem.as_deref().unwrap_or_default()]
        }
        ProviderSettings::Ldap(it) => {
            let trust = &it.trust;
            let mut parts: Vec<&str> = it.servers.iter().map(String::as_str).collect();
            parts.push(trust.extra_roots_pem.as_deref().unwrap_or_default());
            parts.push(trust.pinned_sha256.as_deref().unwrap_or_default());
            parts
        }
    }
}

fn entry(caller: &Caller, provider: &IdentityProvider, now: Timestamp, what: &str) -> Entry {
    let kind = provider.settings.kind();
    let address = match &provider.settings {
        ProviderSettings::OpenIdConnect(it) => it.issuer.clone(),
        ProviderSettings::Ldap(it) => it.servers.join(" "),
    };
    Entry::of(caller, now, Event::SignInChanged)
        .on(TargetKind::IdentityProvider, provider.id.to_string(), provider.name.as_str())
        .with("change", what)
        .with("kind", kind.word())
        .with("address", address)
}
