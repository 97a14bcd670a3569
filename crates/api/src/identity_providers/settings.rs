//! How an identity provider is asked, as JSON.

use domain::{
    ProviderSettings,
    connector::Trust,
    identity_provider::{ClientAuthentication, DirectoryTls, Ldap, OpenIdConnect},
};
use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// A provider that speaks OpenID Connect, and what it knows Gatepost as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OidcProvider {
    /// What its tokens name as their issuer, to the letter.
    #[schema(example = "https://login.contoso.com")]
    pub issuer: String,
    /// What Gatepost is registered as there.
    #[schema(example = "gatepost")]
    pub client_id: String,
    /// How Gatepost proves who it is: `basic` (the default), `post`, or `none` without a secret.
    #[serde(default = "basic")]
    pub client_authentication: String,
    /// Where browsers reach this server.
    #[schema(example = "https://gatepost.contoso.com")]
    pub public_url: String,
    /// Scopes asked for besides `openid`; without being given, `profile` and `email`.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// The claim that names the groups: its name, or a path with dots.
    #[serde(default = "groups")]
    pub groups_claim: String,
    /// The claim that names the person.
    #[serde(default = "preferred_username")]
    pub name_claim: String,
    /// More certificate authorities, PEM.
    #[serde(default)]
    pub extra_roots_pem: Option<String>,
}

/// An Active Directory that people sign in to by name and password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LdapProvider {
    /// Domain controllers, `host` or `host:port`, tried in this order.
    #[schema(example = json!(["dc01.contoso.com", "dc02.contoso.com"]))]
    pub servers: Vec<String>,
    /// `starttls` (the default) or `ldaps`; no password travels without TLS.
    #[serde(default = "starttls")]
    pub tls: String,
    /// The account that looks people up; without one, people look themselves up.
    #[serde(default)]
    pub account: Option<String>,
    /// DNS name of the domain that a name without one belongs to.
    #[serde(default)]
    pub domain: Option<String>,
    /// Only people below this distinguished name.
    #[serde(default)]
    pub base: Option<String>,
    /// More certificate authorities, PEM.
    #[serde(default)]
    pub extra_roots_pem: Option<String>,
    /// SHA-256 of the one certificate accepted, in place of an authority.
    #[serde(default)]
    pub pinned_sha256: Option<String>,
}

fn basic() -> String {
    ClientAuthentication::default().word().to_owned()
}

fn starttls() -> String {
    DirectoryTls::default().word().to_owned()
}

fn scopes() -> Vec<String> {
    ["profile", "email"].map(str::to_owned).to_vec()
}

fn groups() -> String {
    "groups".to_owned()
}

fn preferred_username() -> String {
    "preferred_username".to_owned()
}

impl OidcProvider {
    pub(super) fn of(settings: OpenIdConnect) -> Self {
        Self {
            issuer: settings.issuer,
            client_id: settings.client_id,
            client_authentication: settings.client_authentication.word().to_owned(),
            public_url: settings.public_url,
            scopes: settings.scopes,
            groups_claim: settings.groups_claim,
            name_claim: settings.name_claim,
            extra_roots_pem: settings.extra_roots_pem,
        }
    }

    pub(super) fn into_settings(self) -> Result<ProviderSettings, Problem> {
        let word = &self.client_authentication;
        let client_authentication = ClientAuthentication::from_word(word).ok_or_else(|| {
            Problem::invalid(
                format_args!("the client authentication is {word:?}"),
                "use basic, post or none",
            )
        })?;
        Ok(ProviderSettings::OpenIdConnect(OpenIdConnect {
            issuer: self.issuer,
            client_id: self.client_id,
            client_authentication,
            public_url: self.public_url,
            scopes: self.scopes,
            groups_claim: self.groups_claim,
            name_claim: self.name_claim,
            extra_roots_pem: self.extra_roots_pem,
        }))
    }
}

impl LdapProvider {
    pub(super) fn of(settings: Ldap) -> Self {
        Self {
            servers: settings.servers,
            tls: settings.tls.word().to_owned(),
            account: settings.account,
            domain: settings.domain,
            base: settings.base,
            extra_roots_pem: settings.trust.extra_roots_pem,
            pinned_sha256: settings.trust.pinned_sha256,
        }
    }

    pub(super) fn into_settings(self) -> Result<ProviderSettings, Problem> {
        let tls = DirectoryTls::from_word(&self.tls).ok_or_else(|| {
            Problem::invalid(
                format_args!("the TLS of the directory is {:?}", self.tls),
                "use starttls or ldaps; no password is sent to a directory in the clear",
            )
        })?;
        let pinned_sha256 = self.pinned_sha256.map(|pin| pin.to_ascii_lowercase());
        Ok(ProviderSettings::Ldap(Ldap {
            servers: self.servers,
            tls,
            account: self.account,
            domain: self.domain,
            base: self.base,
            trust: Trust { extra_roots_pem: self.extra_roots_pem, pinned_sha256 },
        }))
    }
}
