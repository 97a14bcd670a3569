//! Signing in by user name and password, and by a code if the user wants one.
//!
//! Whatever is wrong, the answer and the time it takes are the same: nobody learns which users there
//! are, or which are locked.

use std::time::Duration;

use domain::{
    Caller, Person, PersonId, Source, Timestamp, UserName,
    audit::{Actor, Entry, Event, TargetKind},
    person::MAX_PASSWORD_BYTES,
};
use serde_json::json;

use super::{
    sign_in::{NewSession, SignInError, Visit, digest, hexadecimal, said},
    totp::{self, Typed},
};
use crate::{Engine, Error};

/// Wrong passwords in a row after which a user is locked.
const MAX_FAILURES: u64 = 10;
/// How long the first time; it doubles with each failure after.
const FIRST_LOCK: Duration = Duration::from_secs(60);
/// And never longer, for whoever knows a user name could else keep its owner out for good.
const LONGEST_LOCK: Duration = Duration::from_secs(3600);
/// Time between the password and the code.
const TICKET_LENGTH: Duration = Duration::from_secs(300);
/// What tickets are sealed for.
const TICKET: &str = "sign-in/ticket";
/// Longest ticket that is looked at.
const MAX_TICKET_BYTES: usize = 1024;

/// What follows on the right password.
#[derive(Debug)]
pub enum SignInStep {
    /// Signed in.
    Done(NewSession),
    /// A code is wanted, together with this ticket.
    Code(String),
}

impl Engine {
    /// Signs in a local user.
    pub async fn sign_in_with_password(
        &self,
        name: &str,
        password: &str,
        visit: &Visit,
    ) -> Result<SignInStep, SignInError> {
        let (person, stamp) = self.proven_by_password(name, password, visit).await?;
        if self.wants_code(person.id).await? {
            return Ok(SignInStep::Code(self.ticket(person.id, &stamp)?));
        }
        Ok(SignInStep::Done(self.let_in(&person, "password", visit).await?))
    }

    /// Goes on after the password: with the code of a phone, or a recovery code.
    pub async fn sign_in_with_code(
        &self,
        ticket: &str,
        code: &str,
        visit: &Visit,
    ) -> Result<NewSession, SignInError> {
        let person = self.proven_by_code(ticket, code, visit).await?;
        self.let_in(&person, "password and code", visit).await
    }

    /// Who it is, by everything that the user must show. For those who have no second page.
    pub(crate) async fn proven(
        &self,
        name: &str,
        password: &str,
        code: Option<&str>,
        visit: &Visit,
    ) -> Result<Person, SignInError> {
        let (person, stamp) = self.proven_by_password(name, password, visit).await?;
        if !self.wants_code(person.id).await? {
            return Ok(person);
        }
        let code = code.ok_or(SignInError::CodeWanted)?;
        let ticket = self.ticket(person.id, &stamp)?;
        self.proven_by_code(&ticket, code, visit).await
    }

    async fn let_in(
        &self,
        person: &Person,
        way: &str,
        visit: &Visit,
    ) -> Result<NewSession, SignInError> {
        let caller = self.caller_of(person, Source::Console).await?;
        Ok(self.begin_session(caller, way, visit).await?)
    }

    /// The person whose password this is, and what changes when the password does.
    async fn proven_by_password(
        &self,
        name: &str,
        password: &str,
        visit: &Visit,
    ) -> Result<(Person, String), SignInError> {
        let now = self.now();
        self.inner.people.attempts.take(now, visit.address)?;
        let person = match UserName::parse(name.trim()) {
            Ok(name) => self.store().local_person(&name.key()).await?,
            Err(_) => None,
        };
        let credential = match &person {
            Some(person) => self.store().credential(person.id).await?,
            None => None,
        };
        let hash = credential.as_ref().and_then(|it| it.password.clone());
        let stamp = hash.as_deref().map(stamp).unwrap_or_default();
        // Longer ones were never taken, and hashing takes as long as the password is.
        let tried: String = password.chars().take(MAX_PASSWORD_BYTES + 1).collect();
        let is_right = self.inner.people.hashing.is_right(&tried, hash).await?;
        let (Some(person), Some(credential)) = (person, credential) else {
            return self.not_proven(None, "unknown user", visit).await;
        };
        let is_locked = credential.locked_until.is_some_and(|until| until > now);
        match (is_right, is_locked, person.is_disabled) {
            (true, false, false) => {
                self.inner.people.attempts.give_back(visit.address);
                Ok((person, stamp))
            }
            (_, true, _) => self.not_proven(Some(&person), "locked", visit).await,
            (true, false, true) => self.not_proven(Some(&person), "disabled", visit).await,
            (false, false, _) => {
                self.count_failure(&person, credential.failures, now).await?;
                self.not_proven(Some(&person), "wrong password", visit).await
            }
        }
    }

    async fn proven_by_code(
        &self,
        ticket: &str,
        code: &str,
        visit: &Visit,
    ) -> Result<Person, SignInError> {
        let now = self.now();
        self.inner.people.attempts.take(now, visit.address)?;
        let Some((id, stamp)) = self.opened(ticket) else { return Err(SignInError::Wrong) };
        let person = self.store().person(id).await?.filter(|person| !person.is_disabled);
        let credential = self.store().credential(id).await?;
        let (Some(person), Some(credential)) = (person, credential) else {
            return Err(SignInError::Wrong);
        };
        if credential.password.as_deref().map(self::stamp) != Some(stamp) {
            return Err(SignInError::Wrong);
        }
        if credential.locked_until.is_some_and(|until| until > now) {
            return self.not_proven(Some(&person), "locked", visit).await;
        }
        if self.takes_code(id, code).await? {
            self.inner.people.attempts.give_back(visit.address);
            return Ok(person);
        }
        self.count_failure(&person, credential.failures, now).await?;
        self.not_proven(Some(&person), "wrong code", visit).await
    }

    pub(crate) async fn wants_code(&self, id: PersonId) -> Result<bool, Error> {
        Ok(self.store().totp(id).await?.is_some_and(|totp| totp.is_confirmed))
    }

    /// Takes a code of a person, once.
    pub(crate) async fn takes_code(&self, id: PersonId, code: &str) -> Result<bool, Error> {
        let Some(kept) = self.store().totp(id).await? else { return Ok(false) };
        match totp::typed(code) {
            Some(Typed::Code(code)) => {
                let secret = self.opened_totp(id, &kept.sealed)?;
                let step = totp::step_of(&secret, code, self.now(), kept.last_step);
                match step {
                    Some(step) => Ok(self.store().take_totp_step(id, step).await?),
                    None => Ok(false),
                }
            }
            Some(Typed::Recovery(code)) if kept.is_confirmed => {
                Ok(self.store().take_recovery_code(id, &recovery_hash(id, &code)).await?)
            }
            _ => Ok(false),
        }
    }

    async fn count_failure(
        &self,
        person: &Person,
        before: u64,
        now: Timestamp,
    ) -> Result<(), Error> {
        let over = (before + 1).checked_sub(MAX_FAILURES);
        let lock = over.map(|over| {
            let doubled = u32::try_from(over).ok().and_then(|over| 2_u32.checked_pow(over));
            doubled.map_or(LONGEST_LOCK, |times| {
                FIRST_LOCK.checked_mul(times).map_or(LONGEST_LOCK, |lock| lock.min(LONGEST_LOCK))
            })
        });
        Ok(self.store().count_failure(person.id, lock.map(|lock| now + lock)).await?)
    }

    /// Has a failure on record, and gives the one answer for all of them. What was typed as a name
    /// that nobody has is not kept: it may be a password.
    async fn not_proven<T>(
        &self,
        person: Option<&Person>,
        why: &str,
        visit: &Visit,
    ) -> Result<T, SignInError> {
        let nobody = Caller::engine().by(Source::Console);
        let mut entry = Entry::of(&nobody, self.now(), Event::SignInFailed)
            .with("why", why)
            .with("way", "password")
            .with("address", said(visit));
        if let Some(person) = person {
            entry.actor = Actor { id: person.id, name: person.name.clone() };
            entry = entry.on(TargetKind::Person, person.id.to_string(), person.handle());
        }
        self.audit(entry).await?;
        Err(SignInError::Wrong)
    }

    /// Proof, for some minutes, that somebody gave the right password.
    fn ticket(&self, person: PersonId, stamp: &str) -> Result<String, Error> {
        let until = (self.now() + TICKET_LENGTH).as_millisecond();
        let plain = json!([person.to_string(), until, stamp]).to_string();
        Ok(hexadecimal(&self.inner.secrets.seal(TICKET, plain.as_bytes())?))
    }

    fn opened(&self, ticket: &str) -> Option<(PersonId, String)> {
        if ticket.len() > MAX_TICKET_BYTES {
            return None;
        }
        let pairs = ticket.as_bytes().chunks(2).map(|pair| {
            std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())
        });
        let sealed = pairs.collect::<Option<Vec<u8>>>()?;
        let plain = self.inner.secrets.open(TICKET, &sealed).ok()?;
        let (person, until, stamp): (String, i64, String) = serde_json::from_slice(&plain).ok()?;
        let is_valid = until > self.now().as_millisecond();
        is_valid.then_some((person.parse().ok()?, stamp))
    }

    pub(crate) fn opened_totp(&self, id: PersonId, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let opened = self.inner.secrets.open(&totp_row(id), sealed);
        opened.map_err(|error| anyhow::anyhow!("opening a second step: {error}").into())
    }
}

/// Where the secret of a second step is kept.
pub(crate) fn totp_row(id: PersonId) -> String {
    format!("totp/{id}/secret")
}

pub(crate) fn recovery_hash(id: PersonId, code: &str) -> [u8; 32] {
    digest(&format!("{id} {code}"))
}

/// Changes when the password does, and tells nothing of it.
fn stamp(hash: &str) -> String {
    hexadecimal(digest(hash).get(..8).unwrap_or_default())
}
