//! People: who can sign in, what they may do, and what they sign in with.
//!
//! Start reading at `sign_in`, which turns a session or a token into a caller; then `admission`,
//! where others vouch for people.

mod admission;
mod sign_in;

use domain::{Caller, Person, Source, audit::Entry};
use store::PeopleWrite;
use tokio::sync::Mutex;

pub use admission::ExternalIdentity;
pub use sign_in::{NewSession, SignInError, Visit};

use crate::{Engine, Error};

/// What the commands on people share.
#[derive(Debug, Default)]
pub(crate) struct People {
    /// One change at a time, so that what a change looks at first is still true when it is written.
    changing: Mutex<()>,
}

impl Engine {
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
}
