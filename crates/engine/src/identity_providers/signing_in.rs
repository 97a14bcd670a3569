//! From what a provider says of somebody to a session, and to the record of it.

use domain::{
    Caller, IdentityProvider, ProviderName, Source,
    audit::{Entry, Event, TargetKind},
};
use exchange::Secret;

use super::{FaultOf, NotSignedIn, OpenIdAnswer, http::said};
use crate::{Engine, Error, NewSession, SignInError, Visit, people::said as place};

/// Somebody signed in by a provider, and where their browser goes on to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIdSession {
    /// The session.
    pub session: NewSession,
    /// A path of this site, or nothing; from outside.
    pub next: String,
}

/// Why somebody was not signed in by an identity provider.
#[derive(Debug, thiserror::Error)]
pub enum ExternalSignInError {
    /// The provider vouches for nobody.
    #[error("{}", .0.told)]
    Provider(NotSignedIn),
    /// It does, and they are not let in here.
    #[error(transparent)]
    Admission(#[from] SignInError),
}

impl From<Error> for ExternalSignInError {
    fn from(error: Error) -> Self {
        Self::Admission(error.into())
    }
}

impl Engine {
    /// Signs in whoever comes back from a provider with this; `browser` is what the cookie of
    /// [`Engine::begin_open_id`] holds.
    pub async fn finish_open_id(
        &self,
        answer: &OpenIdAnswer,
        browser: Option<&str>,
        visit: &Visit,
    ) -> Result<OpenIdSession, ExternalSignInError> {
        match self.open_id_answer(answer, browser).await? {
            (_, Ok(vouched)) => {
                self.inner.people.attempts.give_beginning_back(visit.address);
                let session = self.admit(vouched.identity, visit).await?;
                Ok(OpenIdSession { session, next: vouched.next })
            }
            (provider, Err(refusal)) => {
                self.note_refusal(provider.as_ref(), &refusal, visit).await?;
                Err(ExternalSignInError::Provider(refusal))
            }
        }
    }

    /// Signs somebody in whom a directory knows by this name and password.
    ///
    /// It is tried no oftener than with a password of ours, and with one name less often than makes
    /// a directory lock an account: nobody is to find a password here, or to lock others out there.
    pub async fn sign_in_by_directory(
        &self,
        name: &ProviderName,
        user: &str,
        password: String,
        visit: &Visit,
    ) -> Result<NewSession, ExternalSignInError> {
        let attempts = &self.inner.people.attempts;
        let provider = self.open_provider(name).await?;
        attempts.take(self.now(), visit.address)?;
        if let Err(wait) = attempts.take_name(self.now(), name, user) {
            let refusal = NotSignedIn::refused("", "this name was tried too often of late");
            self.note_refusal(Some(&provider), &refusal, visit).await?;
            return Err(wait.into());
        }
        let (provider, person) = self.directory_person(name, user, &Secret::new(password)).await?;
        match person {
            Ok(identity) => {
                attempts.give_back(visit.address);
                attempts.forget_name(name, user);
                Ok(self.admit(identity, visit).await?)
            }
            Err(refusal) => {
                if refusal.fault_of == FaultOf::Provider {
                    attempts.give_name_back(name, user);
                }
                self.note_refusal(Some(&provider), &refusal, visit).await?;
                Err(ExternalSignInError::Provider(refusal))
            }
        }
    }

    /// Has it on record that somebody was not signed in. A state that nobody knows is not: whoever
    /// sends one needs nothing for it, and could fill the record.
    async fn note_refusal(
        &self,
        provider: Option<&IdentityProvider>,
        refusal: &NotSignedIn,
        visit: &Visit,
    ) -> Result<(), Error> {
        let Some(provider) = provider else {
            tracing::debug!(why = refusal.why, "somebody came back from no provider we know of");
            return Ok(());
        };
        if refusal.fault_of == FaultOf::Provider {
            let (provider, why) = (&provider.name, &refusal.why);
            tracing::warn!(%provider, why, "a provider could not sign somebody in");
        }
        let name = provider.name.as_str();
        let mut entry =
            Entry::of(&Caller::engine().by(Source::Console), self.now(), Event::SignInFailed)
                .on(TargetKind::IdentityProvider, provider.id.to_string(), name)
                .with("why", refusal.why.clone())
                .with("way", name)
                .with("address", place(visit));
        if let Some(name) = &refusal.name {
            entry = entry.with("name", said(name));
        }
        Ok(self.audit(entry).await?)
    }
}
