//! Identity providers: where people sign in who have no password here.

mod settings;

use axum::{
    Extension, Json,
    extract::{FromRequestParts, Path, State},
    http::{StatusCode, request::Parts},
    response::{IntoResponse as _, Response},
};
use domain::{
    Caller, ProviderName, ProviderSettings, Timestamp, identity_provider::parse_secret_expires,
};
use engine::{Engine, IdentityProviderChange as Change, NewIdentityProvider as New, SecretChange};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use settings::{LdapProvider, OidcProvider};

use crate::{
    change::merged,
    device::rfc3339,
    parameters::{Body, DryRun, IdempotencyKey, NoParameters, Parameters, innermost},
    preview::Preview,
    problem::Problem,
};

/// Where people sign in who have no password here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IdentityProvider {
    /// The name in addresses and in assignments to its groups.
    #[schema(example = "entra")]
    pub name: String,
    /// `oidc` or `ldap`.
    pub kind: String,
    /// What stands on the button.
    #[schema(example = "Contoso account")]
    pub title: String,
    /// Whether people may sign in by it.
    pub enabled: bool,
    /// Whether there is a client secret, or a password of the account that looks people up.
    pub has_secret: bool,
    /// When the secret ends, if whoever gave it said so.
    pub secret_expires: Option<String>,
    /// Where the provider sends browsers back to: what is registered there. Null for `ldap`.
    pub redirect_uri: Option<String>,
    /// How it is asked, if it speaks OpenID Connect.
    pub oidc: Option<OidcProvider>,
    /// How it is asked, if it is an Active Directory.
    pub ldap: Option<LdapProvider>,
    /// When it was added.
    pub created: String,
}

/// All identity providers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IdentityProviderList {
    /// The identity providers, by name.
    pub identity_providers: Vec<IdentityProvider>,
}

/// An identity provider to be added: one of `oidc` and `ldap`.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIdentityProvider {
    /// The name in addresses and in assignments to its groups.
    #[schema(example = "entra")]
    pub name: String,
    /// What stands on the button; without it, the name.
    #[serde(default)]
    pub title: Option<String>,
    /// How it is asked, if it speaks OpenID Connect.
    #[serde(default)]
    pub oidc: Option<OidcProvider>,
    /// How it is asked, if it is an Active Directory.
    #[serde(default)]
    pub ldap: Option<LdapProvider>,
    /// Client secret, or password of the account that looks people up.
    #[serde(default)]
    pub secret: Option<String>,
    /// When the secret ends, as a day or a moment: somebody is told in time.
    #[serde(default)]
    #[schema(example = "2027-01-31")]
    pub secret_expires: Option<String>,
}

impl std::fmt::Debug for NewIdentityProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewIdentityProvider({})", self.name)
    }
}

/// What is to change of an identity provider. What is left out stays as it is; null brings a field
/// back to what it is without being given.
#[derive(Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityProviderChange {
    /// What stands on the button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Whether people may sign in by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Fields of `OidcProvider` to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({"groups_claim": "roles"}))]
    pub oidc: Option<Map<String, Value>>,
    /// Fields of `LdapProvider` to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({"base": "OU=IT,DC=contoso,DC=com"}))]
    pub ldap: Option<Map<String, Value>>,
    /// New secret; an empty one takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// When the secret ends, as a day or a moment; empty for not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "2027-01-31")]
    pub secret_expires: Option<String>,
}

impl std::fmt::Debug for IdentityProviderChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IdentityProviderChange({})", self.fields().join(", "))
    }
}

impl IdentityProviderChange {
    /// The names of what is given, as in `oidc.issuer`. No values: some are secret.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let mut fields = Vec::new();
        for (name, is_given) in [
            ("title", self.title.is_some()),
            ("enabled", self.enabled.is_some()),
            ("secret", self.secret.is_some()),
            ("secret_expires", self.secret_expires.is_some()),
        ] {
            fields.extend(is_given.then(|| name.to_owned()));
        }
        for (name, map) in [("oidc", &self.oidc), ("ldap", &self.ldap)] {
            let keys = map.iter().flat_map(Map::keys);
            fields.extend(keys.map(|key| format!("{name}.{key}")));
        }
        fields
    }

    fn applied_to(self, provider: domain::IdentityProvider) -> Result<Change, Problem> {
        let settings = match (provider.settings, self.oidc, self.ldap) {
            (ProviderSettings::OpenIdConnect(now), change, None) => {
                merged("oidc", OidcProvider::of(now), change)?.into_settings()?
            }
            (ProviderSettings::Ldap(now), None, change) => {
                merged("ldap", LdapProvider::of(now), change)?.into_settings()?
            }
            _ => {
                return Err(Problem::invalid(
                    "what a provider speaks does not change",
                    "add another identity provider",
                ));
            }
        };
        let secret_expires = match &self.secret_expires {
            None => provider.secret_expires,
            Some(text) => moment(text)?,
        };
        Ok(Change {
            secret_expires,
            title: self.title.unwrap_or(provider.title),
            settings,
            is_enabled: self.enabled.unwrap_or(provider.is_enabled),
            secret: match self.secret {
                None => SecretChange::Keep,
                Some(secret) if secret.is_empty() => SecretChange::Clear,
                Some(secret) => SecretChange::Set(secret),
            },
        })
    }
}

/// Whom to try, of a directory. Left out, only the servers are tried.
#[derive(Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityProviderTest {
    /// Name of a person.
    #[serde(default)]
    pub user: Option<String>,
    /// Their password.
    #[serde(default)]
    pub password: Option<String>,
}

impl std::fmt::Debug for IdentityProviderTest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdentityProviderTest")
    }
}

/// What a test found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProviderReport {
    /// Whether nothing fails.
    pub good: bool,
    /// The steps, in the order in which signing in needs them.
    pub steps: Vec<ProviderStep>,
}

/// One step of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProviderStep {
    /// What was looked at.
    pub name: String,
    /// `works`, `fails` or `left-out`.
    pub state: String,
    /// What was found, and what to do.
    pub detail: String,
}

/// Name of an identity provider in the path.
#[derive(utoipa::IntoParams)]
#[into_params(names("name"), parameter_in = Path)]
pub(crate) struct Provider(
    /// Name of the identity provider
    #[param(value_type = String)]
    ProviderName,
);

impl<S: Send + Sync> FromRequestParts<S> for Provider {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Problem::invalid(innermost(&rejection), "correct the address"))?;
        ProviderName::parse(&text).map(Self).map_err(|error| {
            Problem::not_found(error, "GET /api/v1/identity-providers lists those there are")
        })
    }
}

/// Lists the identity providers.
#[utoipa::path(
    get,
    path = "/api/v1/identity-providers",
    operation_id = "list_identity_providers",
    tag = "security",
    responses((status = 200, body = IdentityProviderList), Problem)
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<IdentityProviderList>, Problem> {
    let mut identity_providers = Vec::new();
    for provider in engine.identity_providers(&caller).await? {
        identity_providers.push(of(&engine, provider).await?);
    }
    Ok(Json(IdentityProviderList { identity_providers }))
}

/// Adds an identity provider.
///
/// It need not be reachable: whether it works is what a test says.
#[utoipa::path(
    post,
    path = "/api/v1/identity-providers",
    operation_id = "add_identity_provider",
    tag = "security",
    params(DryRun, IdempotencyKey),
    request_body = NewIdentityProvider,
    responses(
        (status = 201, body = IdentityProvider),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn add(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
    Body(new): Body<NewIdentityProvider>,
) -> Result<Response, Problem> {
    // Who may not add one learns nothing of what would be wrong with it.
    engine.identity_providers(&caller).await?;
    let name = ProviderName::parse(&new.name)
        .map_err(|error| Problem::invalid(error, "correct the name and send it again"))?;
    let settings = match (new.oidc, new.ldap) {
        (Some(oidc), None) => oidc.into_settings()?,
        (None, Some(ldap)) => ldap.into_settings()?,
        _ => {
            let text = "there is not one of oidc and ldap";
            return Err(Problem::invalid(text, "give one of the two"));
        }
    };
    let secret = new.secret.filter(|secret| !secret.is_empty());
    let title = new.title.unwrap_or_else(|| name.as_str().to_owned());
    let secret_expires = moment(new.secret_expires.as_deref().unwrap_or_default())?;
    let new = New { name: name.clone(), title, settings, secret, secret_expires };
    if dry_run {
        engine.validate_identity_provider(&caller, &new).await?;
        return Ok(Preview::of(format!("let people sign in by the identity provider {name}")));
    }
    engine.add_identity_provider(&caller, new).await?;
    let added = of(&engine, engine.identity_provider(&caller, &name).await?).await?;
    Ok((StatusCode::CREATED, Json(added)).into_response())
}

/// Shows one identity provider.
#[utoipa::path(
    get,
    path = "/api/v1/identity-providers/{name}",
    operation_id = "show_identity_provider",
    tag = "security",
    params(Provider),
    responses((status = 200, body = IdentityProvider), Problem)
)]
pub(crate) async fn show(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Provider(name): Provider,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<IdentityProvider>, Problem> {
    Ok(Json(of(&engine, engine.identity_provider(&caller, &name).await?).await?))
}

/// Changes an identity provider.
///
/// What is left out stays, field by field. A new address needs the secret given again.
#[utoipa::path(
    patch,
    path = "/api/v1/identity-providers/{name}",
    operation_id = "change_identity_provider",
    tag = "security",
    params(Provider, DryRun, IdempotencyKey),
    request_body = IdentityProviderChange,
    responses(
        (status = 200, description = "The identity provider as it is now; with dry_run=true, what would be done", body = IdentityProvider),
        Problem
    )
)]
pub(crate) async fn change(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Provider(name): Provider,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
    Body(change): Body<IdentityProviderChange>,
) -> Result<Response, Problem> {
    let fields = change.fields();
    let change = change.applied_to(engine.identity_provider(&caller, &name).await?)?;
    if dry_run {
        engine.validate_provider_change(&caller, &name, &change).await?;
        let fields = if fields.is_empty() { "nothing".to_owned() } else { fields.join(", ") };
        return Ok(Preview::of(format!("change {fields} of the identity provider {name}")));
    }
    engine.change_identity_provider(&caller, &name, change).await?;
    let changed = of(&engine, engine.identity_provider(&caller, &name).await?).await?;
    Ok(Json(changed).into_response())
}

/// Removes an identity provider: nobody signs in by it any more, and who did is signed out.
///
/// With it go the tokens of its people, and the roles of its groups and people; `dry_run=true` says
/// how many and which.
#[utoipa::path(
    delete,
    path = "/api/v1/identity-providers/{name}",
    operation_id = "remove_identity_provider",
    tag = "security",
    params(Provider, DryRun, IdempotencyKey),
    responses(
        (status = 204, description = "Removed"),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn remove(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Provider(name): Provider,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
) -> Result<Response, Problem> {
    if dry_run {
        let told = engine.preview_provider_removal(&caller, &name).await?;
        return Ok(Preview::of(format!("remove the identity provider {name}: {told}")));
    }
    engine.remove_identity_provider(&caller, &name).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Tries an identity provider, step by step. Nobody is signed in by it.
#[utoipa::path(
    post,
    path = "/api/v1/identity-providers/{name}/test",
    operation_id = "test_identity_provider",
    tag = "security",
    params(Provider, DryRun, IdempotencyKey),
    request_body = IdentityProviderTest,
    responses(
        (status = 200, description = "What was found; with dry_run=true, what would be tried", body = ProviderReport),
        Problem
    )
)]
pub(crate) async fn test(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Provider(name): Provider,
    Parameters(DryRun { dry_run }): Parameters<DryRun>,
    Body(test): Body<IdentityProviderTest>,
) -> Result<Response, Problem> {
    engine.identity_provider(&caller, &name).await?;
    let person = match (test.user, test.password) {
        (Some(user), Some(password)) => Some((user, password)),
        (None, None) => None,
        _ => {
            let text = "there is a name without a password, or a password without a name";
            return Err(Problem::invalid(text, "give both, or neither"));
        }
    };
    if dry_run {
        return Ok(Preview::of(format!("ask the identity provider {name} for what it knows")));
    }
    let report = engine.test_identity_provider(&caller, &name, person).await?;
    let good = report.is_good();
    let step = |step: engine::ProviderStep| ProviderStep {
        name: step.name,
        state: step.state.word().to_owned(),
        detail: step.detail,
    };
    let steps = report.steps.into_iter().map(step).collect();
    Ok(Json(ProviderReport { good, steps }).into_response())
}

/// A day or a moment; nothing if it is empty.
fn moment(text: &str) -> Result<Option<Timestamp>, Problem> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let wrong = |error| Problem::invalid(error, "correct secret_expires and send it again");
    parse_secret_expires(text).map(Some).map_err(wrong)
}

async fn of(
    engine: &Engine,
    provider: domain::IdentityProvider,
) -> Result<IdentityProvider, Problem> {
    let has_secret = engine.has_provider_secret(&provider).await?;
    let kind = provider.settings.kind().word().to_owned();
    let (redirect_uri, oidc, ldap) = match provider.settings {
        ProviderSettings::OpenIdConnect(it) => {
            (Some(it.redirect_uri()), Some(OidcProvider::of(it)), None)
        }
        ProviderSettings::Ldap(it) => (None, None, Some(LdapProvider::of(it))),
    };
    Ok(IdentityProvider {
        name: provider.name.as_str().to_owned(),
        kind,
        title: provider.title,
        enabled: provider.is_enabled,
        has_secret,
        secret_expires: provider.secret_expires.map(rfc3339),
        redirect_uri,
        oidc,
        ldap,
        created: rfc3339(provider.created),
    })
}
