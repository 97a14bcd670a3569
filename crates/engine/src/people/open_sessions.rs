//! Sessions of the console, seen from outside: listed, and ended one by one or all.

use domain::{
    PersonId, SessionId,
    audit::{Event, TargetKind},
};
use store::{PeopleWrite, Session};

use super::{People, sign_in::SESSION_IDLE};
use crate::{Engine, Error};

impl Engine {
    /// Every session that has not ended.
    pub(crate) async fn open_sessions_of_all(&self) -> Result<Vec<Session>, Error> {
        let now = self.now();
        Ok(self.store().sessions(None, now, now - SESSION_IDLE).await?)
    }
}

impl People<'_> {
    /// The caller's own sessions, the one used last first.
    pub async fn own_sessions(&self) -> Result<Vec<Session>, Error> {
        self.open_sessions(Some(self.caller.person)).await
    }

    /// Everybody's sessions with whose they are, the one used last first.
    pub async fn sessions(&self) -> Result<Vec<(Session, String)>, Error> {
        self.may_modify()?;
        let people = self.store().people().await?;
        let open = self.open_sessions(None).await?.into_iter();
        Ok(open.map(|it| (it.clone(), self.name_of(&people, it.person))).collect())
    }

    async fn open_sessions(&self, person: Option<PersonId>) -> Result<Vec<Session>, Error> {
        let now = self.engine.now();
        Ok(self.store().sessions(person, now, now - SESSION_IDLE).await?)
    }

    /// Ends a session: one's own, or with the permission anybody's.
    pub async fn end_session(&self, id: SessionId) -> Result<(), Error> {
        let person = if self.may_modify().is_ok() { None } else { Some(self.caller.person) };
        let open = self.open_sessions(person).await?;
        let Some(session) = open.iter().find(|session| session.id == id) else {
            return Err(Error::NotFound(format!("there is no open session {id}")));
        };
        let people = self.store().people().await?;
        let entry = self.entry(Event::SignedOut).on(
            TargetKind::Session,
            id.to_string(),
            self.name_of(&people, session.person),
        );
        self.write(&[PeopleWrite::EndSession(id)], entry).await
    }

    /// Ends all sessions of a user.
    pub async fn end_sessions_of(&self, handle: &str) -> Result<(), Error> {
        self.may_modify()?;
        let person = self.person_called(handle).await?;
        let entry = self
            .entry(Event::SignedOut)
            .on(TargetKind::Person, person.id.to_string(), person.handle())
            .with("which", "all sessions");
        self.write(&[PeopleWrite::EndSessions { person: person.id, but: None }], entry).await
    }

    /// Ends the caller's own sessions but one.
    pub async fn end_other_sessions(&self, but: Option<SessionId>) -> Result<(), Error> {
        let person = self.caller.person;
        let entry = self
            .entry(Event::SignedOut)
            .on(TargetKind::Person, person.to_string(), &self.caller.name)
            .with("which", "all others of the person");
        self.write(&[PeopleWrite::EndSessions { person, but }], entry).await
    }
}
