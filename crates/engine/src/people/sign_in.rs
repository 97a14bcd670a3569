//! Who is asking: the local administrator's token, API tokens, and sessions of the console.

use std::{net::IpAddr, time::Duration};

use domain::{
    Caller, PersonId, SessionId, Source, TokenId,
    audit::{Entry, Event, TargetKind},
    authority::{AssignedPlace, Authority, Place},
    identity_provider::ProviderKind,
};
use sha2::{Digest as _, Sha256};
use store::{PeopleWrite, Session};
use uuid::Uuid;

use crate::{Engine, Error, SignInChoice, secrets::random_bytes};

/// A session of the console ends after so long, whatever happens: a working day.
pub(crate) const SESSION_LENGTH: Duration = Duration::from_secs(12 * 3600);
/// A session that nobody used for so long ends: somebody left their desk.
pub(crate) const SESSION_IDLE: Duration = Duration::from_secs(2 * 3600);
/// When something was last used is written at most this often.
const TOUCH: Duration = Duration::from_secs(60);
/// Sessions of one person at a time; the one used longest ago ends for a new one.
const MAX_SESSIONS: usize = 20;
/// Longest token that is looked at.
const MAX_TOKEN_BYTES: usize = 512;
/// Longest name of a browser that is kept.
const MAX_AGENT_CHARACTERS: usize = 200;

/// From where somebody signs in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Visit {
    /// Their address, as far as it is known.
    pub address: Option<IpAddr>,
    /// What their browser calls itself.
    pub agent: Option<String>,
}

/// A session that has just begun.
#[derive(Clone, PartialEq, Eq)]
pub struct NewSession {
    /// The secret that the cookie holds. It is told once.
    pub secret: String,
    /// Who signed in.
    pub caller: Caller,
}

impl std::fmt::Debug for NewSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSession").field("caller", &self.caller.name).finish_non_exhaustive()
    }
}

/// Why somebody was not signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The name, the password or the code is wrong, or the user is locked or disabled: which of
    /// them is not told.
    #[error("the name, the password or the code is wrong, or this user cannot sign in now")]
    Wrong,
    /// Everything was right so far; a code is wanted too.
    #[error("a code is wanted too; send it with the password")]
    CodeWanted,
    /// Too many tried from there, or at all.
    #[error("too many have tried to sign in; try again in {}", in_words(*.0))]
    TooMany(Duration),
    /// They are who they say, and may do nothing here.
    #[error("{0} may do nothing here yet; an administrator of Gatepost assigns a role first")]
    NothingAssigned(String),
    /// They are who they say, and were kept out.
    #[error("{0} was disabled; an administrator of Gatepost can enable the user again")]
    Disabled(String),
    /// Something else.
    #[error(transparent)]
    Other(#[from] Error),
}

/// How long somebody has to wait.
fn in_words(wait: Duration) -> String {
    match wait.as_secs().max(1) {
        1 => "1 second".to_owned(),
        seconds @ 2..120 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    }
}

impl From<store::Error> for SignInError {
    fn from(error: store::Error) -> Self {
        Self::Other(error.into())
    }
}

impl Engine {
    /// The caller who holds this token, if it is one.
    pub async fn caller_of_token(
        &self,
        token: &str,
        source: Source,
    ) -> Result<Option<Caller>, Error> {
        if self.is_admin_token(token) {
            return Ok(Some(Caller::local_administrator().by(source).at(self.now())));
        }
        let Some((id, secret)) = taken_apart(token) else { return Ok(None) };
        let Some((kept, hash)) = self.store().token(id).await? else { return Ok(None) };
        let now = self.now();
        if kept.expires <= now || !equal(&digest(secret), &hash) {
            return Ok(None);
        }
        let authority = self.store().authority().await?;
        let Some(caller) = self.known_caller(kept.person, &authority, source).await? else {
            return Ok(None);
        };
        if kept.last_used.is_none_or(|last| last + TOUCH <= now) {
            self.store().touch_token(id, now).await?;
        }
        let caller = caller.limited_to(kept.permissions);
        self.limited_to_place(caller, kept.place, &authority).await.map(Some)
    }

    /// Begins a session for the holder of the local administrator's token. Other tokens may do less
    /// than their owner: with them nobody signs in.
    pub async fn sign_in(&self, token: &str, visit: &Visit) -> Result<Option<NewSession>, Error> {
        if !self.is_admin_token(token) {
            let nobody = Caller::engine().by(Source::Console);
            let failed = Entry::of(&nobody, self.now(), Event::SignInFailed);
            self.audit(failed.with("why", "unknown token").with("address", said(visit))).await?;
            return Ok(None);
        }
        let caller = Caller::local_administrator().by(Source::Console).at(self.now());
        self.begin_session(caller, "token", visit).await.map(Some)
    }

    /// Begins a session for somebody who showed by this `way` who they are.
    pub(crate) async fn begin_session(
        &self,
        caller: Caller,
        way: &str,
        visit: &Visit,
    ) -> Result<NewSession, Error> {
        self.begin_session_with(caller, way, visit, Vec::new()).await
    }

    /// The same with more for the record.
    pub(super) async fn begin_session_with(
        &self,
        caller: Caller,
        way: &str,
        visit: &Visit,
        details: Vec<(&'static str, String)>,
    ) -> Result<NewSession, Error> {
        let now = self.now();
        let secret = hexadecimal(&random_bytes::<32>());
        let agent = visit.agent.as_ref().map(|it| it.chars().take(MAX_AGENT_CHARACTERS).collect());
        let session = Session {
            id: SessionId(Uuid::now_v7()),
            person: caller.person,
            began: now,
            seen: now,
            expires: now + SESSION_LENGTH,
            way: way.to_owned(),
            address: visit.address.map(|address| address.to_string()),
            agent,
        };
        let open = self.store().sessions(Some(caller.person), now, now - SESSION_IDLE).await?;
        let too_many =
            open.iter().skip(MAX_SESSIONS - 1).map(|old| PeopleWrite::EndSession(old.id));
        let mut writes: Vec<_> = too_many.collect();
        writes.push(PeopleWrite::ForgetEndedSessions { now, idle: now - SESSION_IDLE });
        let hash = digest(&secret);
        writes.push(PeopleWrite::AddSession { session: &session, hash: &hash });
        writes.push(PeopleWrite::SignedIn { person: caller.person, at: now });
        let mut entry = Entry::of(&caller, now, Event::SignedIn)
            .on(TargetKind::Session, session.id.to_string(), &caller.name)
            .with("way", way)
            .with("address", said(visit));
        entry.details.extend(details);
        self.write_people(&writes, &[entry]).await?;
        Ok(NewSession { secret, caller })
    }

    /// The caller behind a session, if it has not ended. What they may do is looked up each time, so
    /// that a change of it holds at once.
    pub async fn caller_of_session(&self, secret: &str) -> Result<Option<Caller>, Error> {
        Ok(self.session_of(secret).await?.map(|(caller, _)| caller))
    }

    /// The same with the session's id.
    pub async fn session_of(&self, secret: &str) -> Result<Option<(Caller, SessionId)>, Error> {
        Ok(self.open_session(secret).await?.map(|(caller, session)| (caller, session.id)))
    }

    async fn open_session(&self, secret: &str) -> Result<Option<(Caller, Session)>, Error> {
        if secret.len() > MAX_TOKEN_BYTES {
            return Ok(None);
        }
        let now = self.now();
        let found = self.store().session(&digest(secret), now, now - SESSION_IDLE).await?;
        let Some(session) = found else { return Ok(None) };
        if session.seen + TOUCH <= now {
            self.store().touch_session(session.id, now).await?;
        }
        let authority = self.store().authority().await?;
        let caller = self.known_caller(session.person, &authority, Source::Console).await?;
        Ok(caller.map(|caller| (caller, session)))
    }

    /// Ends a session. The answer is the provider where the person can sign out as well, if it was
    /// one that let them in by OpenID Connect.
    pub async fn sign_out(&self, secret: &str) -> Result<Option<SignInChoice>, Error> {
        let Some((caller, session)) = self.open_session(secret).await? else { return Ok(None) };
        let entry = Entry::of(&caller, self.now(), Event::SignedOut);
        let entry = entry.on(TargetKind::Session, session.id.to_string(), &caller.name);
        self.write_people(&[PeopleWrite::EndSession(session.id)], &[entry]).await?;
        let is_it = |it: &SignInChoice| {
            it.kind == ProviderKind::OpenIdConnect && it.name.as_str() == session.way
        };
        Ok(self.sign_in_choices().await?.into_iter().find(is_it))
    }

    /// A person as a caller; nobody if there is no such person or they are kept out.
    async fn known_caller(
        &self,
        id: PersonId,
        authority: &Authority,
        source: Source,
    ) -> Result<Option<Caller>, Error> {
        if id == PersonId::LOCAL_ADMINISTRATOR {
            return Ok(Some(Caller::local_administrator().by(source).at(self.now())));
        }
        let person = self.store().person(id).await?.filter(|person| !person.is_disabled);
        Ok(person.map(|person| Caller {
            person: id,
            name: person.name.clone(),
            source,
            asked: self.now(),
            grants: authority.grants(&person),
        }))
    }

    async fn limited_to_place(
        &self,
        caller: Caller,
        place: AssignedPlace,
        authority: &Authority,
    ) -> Result<Caller, Error> {
        let place = match place {
            AssignedPlace::Everywhere => return Ok(caller),
            AssignedPlace::Connector(id) => Place::Connector(id),
            AssignedPlace::Collection(id) => match authority.collection(id) {
                Some(collection) => Place::Collection(collection.query.clone()),
                None => return Ok(Caller { grants: Vec::new(), ..caller }),
            },
        };
        let connectors = self.store().connectors(&self.own_scope()?).await?;
        Ok(caller.within(&place, |id| {
            let found = connectors.iter().find(|connector| connector.id == id);
            found.map(|connector| connector.name.clone())
        }))
    }

    fn is_admin_token(&self, token: &str) -> bool {
        let known = &self.inner.options.admin_token;
        !known.is_empty() && token.len() <= MAX_TOKEN_BYTES && equal(&digest(token), &digest(known))
    }
}

/// `gp_<id>_<secret>`
fn taken_apart(token: &str) -> Option<(TokenId, &str)> {
    let rest = token.strip_prefix("gp_").filter(|_| token.len() <= MAX_TOKEN_BYTES)?;
    let (id, secret) = rest.split_once('_')?;
    Some((TokenId(Uuid::try_parse(id).ok()?), secret))
}

/// Where somebody is, for the record.
pub(crate) fn said(visit: &Visit) -> String {
    visit.address.map_or_else(|| "unknown".to_owned(), |address| address.to_string())
}

pub(crate) fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Compares without telling by time where the difference is.
pub(crate) fn equal(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).fold(0, |difference, (l, r)| difference | (l ^ r)) == 0
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
