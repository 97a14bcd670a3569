//! What everybody does with what they themselves sign in with.

use domain::{SessionId, notification::Language, person::Origin};
use store::PeopleWrite;

use super::{
    People,
    local::{recovery_hash, totp_row},
    totp,
};
use crate::Error;

/// A second step to be set up: shown once.
#[derive(Clone)]
pub struct TotpOffer {
    /// The secret, to be typed into an application.
    pub secret: String,
    /// The same, to be scanned.
    pub address: String,
}

impl std::fmt::Debug for TotpOffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpOffer")
    }
}

impl People<'_> {
    /// Changes the caller's own password, and ends their other sessions.
    pub async fn change_own_password(
        &self,
        old: &str,
        new: &str,
        session: Option<SessionId>,
    ) -> Result<(), Error> {
        let person = self.own_person().await?;
        self.must_know_password(old).await?;
        let hash = self.checked_and_hashed(&person, new).await?;
        let writes = [
            PeopleWrite::SetPassword { person: person.id, hash: &hash },
            PeopleWrite::EndSessions { person: person.id, but: session },
        ];
        self.write(&writes, self.of_user(&person, "password changed")).await
    }

    /// In which language the caller wants to be told what happened, if they said so.
    pub async fn own_language(&self) -> Result<Option<Language>, Error> {
        Ok(self.store().languages().await?.get(&self.caller.person).copied())
    }

    /// Has the caller told in a language; in that of each subscription if in none.
    pub async fn set_own_language(&self, language: Option<Language>) -> Result<(), Error> {
        let person = self.own_person().await?;
        let writes = [PeopleWrite::SetLanguage { person: person.id, language }];
        let entry = self.of_user(&person, "language of messages chosen");
        let word = language.map_or("that of the subscription", Language::word);
        self.write(&writes, entry.with("language", word)).await
    }

    /// Offers a second step. It is asked for at sign-in once a code of it was shown.
    pub async fn offer_totp(&self) -> Result<TotpOffer, Error> {
        let person = self.own_person().await?;
        if person.origin != Origin::Local {
            return Err(Error::Conflict(
                "your provider asks for what it wants to see when you sign in; a second step is set \
                 up there"
                    .to_owned(),
            ));
        }
        if self.engine.wants_code(person.id).await? {
            return Err(Error::Conflict(
                "a second step is set up already; remove it first".to_owned(),
            ));
        }
        let secret = totp::new_secret();
        let sealed = self.engine.inner.secrets.seal(&totp_row(person.id), &secret)?;
        let writes = [PeopleWrite::SetTotp { person: person.id, sealed: &sealed }];
        self.write(&writes, self.of_user(&person, "second step offered")).await?;
        Ok(TotpOffer {
            secret: totp::base32(&secret),
            address: totp::address(&secret, &person.name),
        })
    }

    /// Takes the first code of an offered second step. From now on one is asked for; what is given
    /// are the recovery codes, told once.
    pub async fn confirm_totp(&self, code: &str) -> Result<Vec<String>, Error> {
        let person = self.own_person().await?;
        match self.store().totp(person.id).await? {
            None => return Err(Error::Conflict("no second step was offered yet".to_owned())),
            Some(kept) if kept.is_confirmed => {
                return Err(Error::Conflict("the second step is set up already".to_owned()));
            }
            Some(_) => {}
        }
        if self.is_rehearsal {
            return Ok(Vec::new());
        }
        self.engine
            .inner
            .people
            .attempts
            .take(self.engine.now(), None)
            .map_err(|limit| slower(&limit))?;
        if !self.engine.takes_code(person.id, code).await? {
            return Err(Error::Invalid(
                "the code is not the one of now; look at the clock of the phone, and type the next"
                    .to_owned(),
            ));
        }
        let codes: Vec<_> = (0..totp::RECOVERY_CODES).map(|_| totp::new_recovery_code()).collect();
        let hashes: Vec<_> =
            codes.iter().map(|code| recovery_hash(person.id, &code.replace('-', ""))).collect();
        let mut writes = vec![PeopleWrite::ConfirmTotp(person.id)];
        let recovery =
            hashes.iter().map(|hash| PeopleWrite::AddRecoveryCode { person: person.id, hash });
        writes.extend(recovery);
        self.write(&writes, self.of_user(&person, "second step set up")).await?;
        Ok(codes)
    }

    /// Removes the caller's own second step.
    pub async fn remove_own_totp(&self, password: &str) -> Result<(), Error> {
        let person = self.own_person().await?;
        if !self.engine.wants_code(person.id).await? {
            return Err(Error::Conflict("you sign in without a code already".to_owned()));
        }
        self.must_know_password(password).await?;
        let writes = [PeopleWrite::RemoveTotp(person.id)];
        self.write(&writes, self.of_user(&person, "second step removed")).await
    }

    /// How many recovery codes the caller has left.
    pub async fn recovery_codes_left(&self) -> Result<u64, Error> {
        Ok(self.store().count_recovery_codes(self.caller.person).await?)
    }

    /// Who wants to change what they sign in with shows that they are not somebody else at their
    /// desk. Trying is counted like signing in.
    async fn must_know_password(&self, password: &str) -> Result<(), Error> {
        let attempts = &self.engine.inner.people.attempts;
        attempts.take(self.engine.now(), None).map_err(|limit| slower(&limit))?;
        let credential = self.store().credential(self.caller.person).await?;
        let hash = credential.and_then(|it| it.password);
        if !self.engine.inner.people.hashing.is_right(password, hash).await? {
            return Err(Error::Invalid("the present password is not right".to_owned()));
        }
        attempts.give_back(None);
        Ok(())
    }
}

/// How a limit of tries is told outside of signing in.
fn slower(limit: &super::SignInError) -> Error {
    Error::Unavailable(limit.to_string())
}
