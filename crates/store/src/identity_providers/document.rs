//! How an identity provider is asked, as a document.

use domain::{
    IdentityProvider, ProviderSettings, Timestamp,
    connector::Trust,
    identity_provider::{ClientAuthentication, DirectoryTls, Ldap, OpenIdConnect, ProviderKind},
};
use serde_json::{Value as Json, json};

use crate::connectors::texts;

/// Settings as a document, with when their secret ends.
pub(super) fn of(provider: &IdentityProvider) -> Json {
    let mut document = of_settings(&provider.settings);
    document["secret_expires"] = provider.secret_expires.map(Timestamp::as_millisecond).into();
    document
}

/// When the secret of these settings ends, if that is known.
pub(super) fn secret_expires(document: &Json) -> Option<Timestamp> {
    let expires = document.get("secret_expires")?.as_i64()?;
    Timestamp::from_millisecond(expires).ok()
}

fn of_settings(settings: &ProviderSettings) -> Json {
    match settings {
        ProviderSettings::OpenIdConnect(it) => json!({
            "issuer": it.issuer,
            "client_id": it.client_id,
            "client_authentication": it.client_authentication.word(),
            "public_url": it.public_url,
            "scopes": it.scopes,
            "groups_claim": it.groups_claim,
            "name_claim": it.name_claim,
            "extra_roots_pem": it.extra_roots_pem,
        }),
        ProviderSettings::Ldap(it) => json!({
            "servers": it.servers,
            "tls": it.tls.word(),
            "account": it.account,
            "domain": it.domain,
            "base": it.base,
            "extra_roots_pem": it.trust.extra_roots_pem,
            "pinned_sha256": it.trust.pinned_sha256,
        }),
    }
}

/// The settings that a document describes; `None` if it lacks what all have.
pub(super) fn settings(kind: ProviderKind, document: &Json) -> Option<ProviderSettings> {
    let text = |name: &str| document.get(name).and_then(Json::as_str).map(str::to_owned);
    Some(match kind {
        ProviderKind::OpenIdConnect => ProviderSettings::OpenIdConnect(OpenIdConnect {
            issuer: text("issuer")?,
            client_id: text("client_id")?,
            client_authentication: ClientAuthentication::from_word(&text(
                "client_authentication",
            )?)?,
            public_url: text("public_url")?,
            scopes: texts(document.get("scopes")?)?,
            groups_claim: text("groups_claim")?,
            name_claim: text("name_claim")?,
            extra_roots_pem: text("extra_roots_pem"),
        }),
        ProviderKind::Ldap => ProviderSettings::Ldap(Ldap {
            servers: texts(document.get("servers")?)?,
            tls: DirectoryTls::from_word(&text("tls")?)?,
            account: text("account"),
            domain: text("domain"),
            base: text("base"),
            trust: Trust {
                extra_roots_pem: text("extra_roots_pem"),
                pinned_sha256: text("pinned_sha256"),
            },
        }),
    })
}
