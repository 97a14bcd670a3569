//! People: who can sign in, what they may do, and what they sign in with.
//!
//! Start reading at `sign_in`, which turns a session or a token into a caller; then `local`, where a
//! password and a code are looked at, and `admission`, where others vouch for people. The commands
//! that change people and their authority are those of [`People`].

mod admission;
mod assignments;
mod attempts;
mod collections;
mod local;
mod open_sessions;
mod own;
mod password;
mod roles;
mod sign_in;
mod tokens;
mod totp;
mod users;

use domain::{
    Caller, Permission, Person, PersonId, Source,
    audit::{Entry, Event},
    authority::Denied,
};
use store::{PeopleWrite, Store};
use tokio::sync::{Mutex, MutexGuard};

pub use admission::ExternalIdentity;
pub use assignments::{AssignmentShown, NewAssignment};
pub use collections::NewCollection;
pub use local::SignInStep;
pub use own::TotpOffer;
pub(crate) use sign_in::said;
pub use sign_in::{NewSession, SignInError, Visit};
pub use tokens::{MadeToken, NewToken, SignInForToken, TokenShown};
pub use users::{NewUser, User, UserChange};

use self::{attempts::Attempts, password::Hashing};
use crate::{Engine, Error};

/// What the commands on people share.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    /// One change at a time, so that what a change looks at first is still true when it is written.
    changing: Mutex<()>,
    hashing: Hashing,
    pub(crate) attempts: Attempts,
}

impl Desk {
    /// Held by whoever changes people or their authority.
    pub(crate) async fn one_at_a_time(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().await
    }
}

/// The commands on people and their authority, of one caller.
#[derive(Debug, Clone, Copy)]
pub struct People<'a> {
    engine: &'a Engine,
    caller: &'a Caller,
    is_rehearsal: bool,
}

impl Engine {
    /// What a caller does with people and their authority.
    #[must_use]
    pub fn people<'a>(&'a self, caller: &'a Caller) -> People<'a> {
        People { engine: self, caller, is_rehearsal: false }
    }

    /// What a person may do as of now.
    pub(crate) async fn caller_of(&self, person: &Person, source: Source) -> Result<Caller, Error> {
        let authority = self.store().authority().await?;
        Ok(Caller {
            person: person.id,
            name: person.name.clone(),
            source,
            asked: self.now(),
            grants: authority.grants(person),
        })
    }

    /// Writes changes, and the entries that tell of them.
    async fn write_people(
        &self,
        writes: &[PeopleWrite<'_>],
        entries: &[Entry],
    ) -> Result<(), Error> {
        let mut log = self.audit_log().await?;
        let rows = log.rows(entries);
        self.store().write_people(&rows, writes).await?;
        log.written();
        Ok(())
    }
}

impl People<'_> {
    /// The same, saying what would be wrong with a change, and keeping nothing.
    #[must_use]
    pub fn rehearsed(self) -> Self {
        Self { is_rehearsal: true, ..self }
    }

    /// The same, rehearsed only if that is so.
    #[must_use]
    pub fn rehearsed_if(self, is_rehearsal: bool) -> Self {
        Self { is_rehearsal, ..self }
    }

    fn store(&self) -> &Store {
        self.engine.store()
    }

    fn may_modify(&self) -> Result<(), Denied> {
        self.caller.scope(Permission::ModifySecurity).map(drop)
    }

    async fn one_at_a_time(&self) -> MutexGuard<'_, ()> {
        self.engine.inner.people.one_at_a_time().await
    }

    fn entry(&self, event: Event) -> Entry {
        Entry::of(self.caller, self.engine.now(), event)
    }

    async fn write(&self, writes: &[PeopleWrite<'_>], entry: Entry) -> Result<(), Error> {
        if self.is_rehearsal {
            return Ok(());
        }
        self.engine.write_people(writes, &[entry]).await
    }

    /// The caller as a person; the local administrator is none.
    async fn own_person(&self) -> Result<Person, Error> {
        let found = self.store().person(self.caller.person).await?;
        found.ok_or_else(|| {
            Error::Conflict(
                "the local administrator's token is no user; sign in as a user for that".to_owned(),
            )
        })
    }

    /// What a person is called; the local administrator has a name too.
    fn name_of(&self, people: &[Person], id: PersonId) -> String {
        if id == PersonId::LOCAL_ADMINISTRATOR {
            return Caller::local_administrator().name;
        }
        let found = people.iter().find(|person| person.id == id);
        found.map_or_else(|| id.to_string(), Person::handle)
    }
}
