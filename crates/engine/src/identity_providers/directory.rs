//! Signing in by Active Directory: name and password, judged by one of its servers.

use domain::{
    IdentityProvider, ProviderName, ProviderSettings,
    identity_provider::{DirectoryTls, Ldap},
};
use exchange::{
    Credential, DirectoryPerson, DirectorySecurity, DirectorySettings, PersonError, PersonSearch,
    Secret, sign_in_person,
};

use super::NotSignedIn;
use crate::{Engine, Error, ExternalIdentity};

/// What everybody is told whom a directory does not let in, whatever the reason is: it is for the
/// record, not for somebody who tries names.
const TOLD: &str = "The user name or the password is wrong, or the account may not sign in. If you are \
                    sure of both, ask your administrator to look into the audit.";

impl Engine {
    /// The person that a directory lets in by this name and password, with the provider itself.
    pub(super) async fn directory_person(
        &self,
        name: &ProviderName,
        user: &str,
        password: &Secret,
    ) -> Result<(IdentityProvider, Result<ExternalIdentity, NotSignedIn>), Error> {
        let provider = self.open_provider(name).await?;
        let ProviderSettings::Ldap(settings) = provider.settings.clone() else {
            return Err(store::Error::NotFound("the identity provider").into());
        };
        let account = self.lookup_account(&provider, &settings).await?;
        let person = person(&settings, account.as_ref(), user, password).await;
        let person = match person {
            Ok(person) => Ok(identity(&provider, person)),
            Err(PersonError::Unknown) => {
                Err(NotSignedIn::refused(TOLD, PersonError::Unknown.to_string()))
            }
            Err(error @ PersonError::Refused(_)) => Err(NotSignedIn {
                name: Some(user.to_owned()),
                ..NotSignedIn::refused(TOLD, error.to_string())
            }),
            Err(error) => Err(NotSignedIn::trouble(&provider.title, error.to_string())),
        };
        Ok((provider, person))
    }

    /// What the account that looks people up signs in with, if there is one.
    pub(super) async fn lookup_account(
        &self,
        provider: &IdentityProvider,
        settings: &Ldap,
    ) -> Result<Option<Credential>, Error> {
        if settings.account.is_none() {
            return Ok(None);
        }
        let secret = self.provider_secret(provider.id).await?;
        Ok(secret.map(Credential::Password))
    }
}

/// Asks one server after the other, until one has judged.
pub(super) async fn person(
    settings: &Ldap,
    account: Option<&Credential>,
    user: &str,
    password: &Secret,
) -> Result<DirectoryPerson, PersonError> {
    let wanted = PersonSearch { domain: settings.domain.clone(), base: settings.base.clone() };
    let mut last = None;
    for server in &settings.servers {
        let server = server_settings(settings, server);
        match sign_in_person(&server, account, &wanted, user, password).await {
            Err(error) if error.is_of_server() => {
                tracing::warn!(server = %server.server, %error, "a directory server did not judge");
                last = Some(error);
            }
            judged => return judged,
        }
    }
    Err(last.unwrap_or_else(|| {
        let reason = "no directory server is named".to_owned();
        PersonError::Directory(exchange::DirectoryError::CredentialUnusable(reason))
    }))
}

/// One server of a directory in the words of a connection.
pub(super) fn server_settings(settings: &Ldap, server: &str) -> DirectorySettings {
    let security = match settings.tls {
        DirectoryTls::StartTls => DirectorySecurity::StartTls,
        DirectoryTls::Ldaps => DirectorySecurity::Ldaps,
    };
    DirectorySettings {
        username: settings.account.clone(),
        trust: settings.trust.clone(),
        ..DirectorySettings::new(server, security)
    }
}

fn identity(provider: &IdentityProvider, person: DirectoryPerson) -> ExternalIdentity {
    // Assignments may name a group by its short name or by where it stands.
    let names = person.groups.iter().map(|group| group.name.clone());
    let places = person.groups.iter().map(|group| group.distinguished_name.clone());
    ExternalIdentity {
        provider: provider.name.as_str().to_owned(),
        subject: person.guid.to_string(),
        groups: names.chain(places).collect(),
        name: person.name,
        display_name: person.display_name,
        address: person.address,
    }
}
