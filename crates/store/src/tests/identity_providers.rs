//! Identity providers, their secrets, and browsers on their way to one.

use domain::{
    Caller, IdentityProvider, IdentityProviderId, Permission, ProviderName, ProviderSettings,
    Scope, Timestamp,
    connector::Trust,
    identity_provider::{ClientAuthentication, DirectoryTls, Ldap, OpenIdConnect},
};
use uuid::Uuid;

use crate::testing::on_both;
use crate::{Error, SealedChange, Store};

fn scope() -> Scope {
    Caller::local_administrator().scope(Permission::ModifySecurity).unwrap()
}

fn provider(number: u128, name: &str, settings: ProviderSettings) -> IdentityProvider {
    IdentityProvider {
        id: IdentityProviderId(Uuid::from_u128(number)),
        name: ProviderName::parse(name).unwrap(),
        title: format!("Sign in by {name}"),
        settings,
        is_enabled: true,
        secret_expires: None,
        created: Timestamp::UNIX_EPOCH,
    }
}

fn open_id() -> ProviderSettings {
    ProviderSettings::OpenIdConnect(OpenIdConnect {
        issuer: "https://login.contoso.test".to_owned(),
        client_id: "gatepost".to_owned(),
        client_authentication: ClientAuthentication::Post,
        public_url: "https://gatepost.contoso.test".to_owned(),
        scopes: vec!["profile".to_owned(), "email".to_owned()],
        groups_claim: "groups".to_owned(),
        name_claim: "preferred_username".to_owned(),
        extra_roots_pem: Some("PEM".to_owned()),
    })
}

fn ldap() -> ProviderSettings {
    ProviderSettings::Ldap(Ldap {
        servers: vec!["dc01.contoso.test".to_owned(), "dc02.contoso.test:636".to_owned()],
        tls: DirectoryTls::Ldaps,
        account: Some("svc@contoso.test".to_owned()),
        domain: Some("contoso.test".to_owned()),
        base: Some("OU=People,DC=contoso,DC=test".to_owned()),
        trust: Trust { extra_roots_pem: None, pinned_sha256: Some("ab".repeat(32)) },
    })
}

#[tokio::test]
async fn identity_providers_are_kept_changed_and_forgotten() {
    on_both(async |store: Store| {
        let scope = scope();
        let (entra, directory) = (provider(1, "entra", open_id()), provider(2, "ad", ldap()));
        store.add_identity_provider(&entra, Some(b"sealed"), &[]).await.unwrap();
        store.add_identity_provider(&directory, None, &[]).await.unwrap();
        let taken = store.add_identity_provider(&provider(3, "ad", ldap()), None, &[]).await;
        assert!(matches!(taken, Err(Error::Conflict { .. })), "{taken:?}");
        let all = store.identity_providers(&scope).await.unwrap();
        assert_eq!(all, [directory.clone(), entra.clone()]);
        let secret = async |id| store.identity_provider_secret(id).await.unwrap();
        assert_eq!(secret(entra.id).await.as_deref(), Some(&b"sealed"[..]));
        assert_eq!(secret(directory.id).await, None);

        let changed = IdentityProvider {
            is_enabled: false,
            secret_expires: Timestamp::from_second(1_800_000_000).ok(),
            ..entra.clone()
        };
        store.change_identity_provider(&changed, SealedChange::Keep, &[]).await.unwrap();
        assert_eq!(store.identity_provider(&scope, &entra.name).await.unwrap(), changed);
        assert_eq!(secret(entra.id).await.as_deref(), Some(&b"sealed"[..]));
        let other = SealedChange::Set(Some(b"other".to_vec()));
        store.change_identity_provider(&changed, other, &[]).await.unwrap();
        assert_eq!(secret(entra.id).await.as_deref(), Some(&b"other"[..]));
        store.change_identity_provider(&changed, SealedChange::Set(None), &[]).await.unwrap();
        assert_eq!(secret(entra.id).await, None);

        store.remove_identity_provider(entra.id, &[], &[]).await.unwrap();
        for missing in [
            store.remove_identity_provider(entra.id, &[], &[]).await,
            store.change_identity_provider(&changed, SealedChange::Keep, &[]).await,
            store.identity_provider(&scope, &entra.name).await.map(drop),
        ] {
            assert!(matches!(missing, Err(Error::NotFound(_))), "{missing:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_browser_comes_back_once_and_in_time() {
    on_both(async |store: Store| {
        let at = |second| Timestamp::from_second(second).unwrap();
        store.add_sign_in_attempt(b"one", b"first", at(100), at(0)).await.unwrap();
        store.add_sign_in_attempt(b"two", b"second", at(100), at(0)).await.unwrap();
        assert_eq!(store.take_sign_in_attempt(b"none", at(1)).await.unwrap(), None);
        let taken = store.take_sign_in_attempt(b"one", at(99)).await.unwrap();
        assert_eq!(taken.as_deref(), Some(&b"first"[..]));
        assert_eq!(store.take_sign_in_attempt(b"one", at(99)).await.unwrap(), None);
        assert_eq!(store.take_sign_in_attempt(b"two", at(100)).await.unwrap(), None);

        store.add_sign_in_attempt(b"old", b"x", at(200), at(100)).await.unwrap();
        store.add_sign_in_attempt(b"new", b"x", at(400), at(300)).await.unwrap();
        assert_eq!(store.take_sign_in_attempt(b"old", at(101)).await.unwrap(), None);
    })
    .await;
}
