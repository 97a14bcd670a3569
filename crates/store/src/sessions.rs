//! Signed-in browsers. Only hashes of their tokens are kept.

use domain::{PersonId, Timestamp};

use crate::value::Value;
use crate::{Error, Store, sql};

/// A signed-in browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// Whose it is.
    pub person: PersonId,
    /// When it ends by itself.
    pub expires: Timestamp,
}

impl Store {
    /// Keeps a session by the hash of its token, and forgets those that ended before `now`.
    pub async fn add_session(
        &self,
        hash: &[u8],
        session: Session,
        now: Timestamp,
    ) -> Result<(), Error> {
        let values = vec![
            Value::Bytes(hash.to_owned()),
            Value::id(session.person),
            Value::time(session.expires),
        ];
        let steps =
            vec![(sql::REMOVE_ENDED_SESSIONS, vec![Value::time(now)]), (sql::ADD_SESSION, values)];
        self.database.write(steps).await.map(drop)
    }

    /// The session with this hash, unless it ended before `now`.
    pub async fn session(&self, hash: &[u8], now: Timestamp) -> Result<Option<Session>, Error> {
        let values = vec![Value::Bytes(hash.to_owned()), Value::time(now)];
        let found = self.database.query_one(sql::SESSION, values, |row| {
            let person = PersonId(row.table("session").uuid("person")?);
            Ok(Session { person, expires: row.time("expires")? })
        });
        found.await
    }

    /// Ends a session.
    pub async fn remove_session(&self, hash: &[u8]) -> Result<(), Error> {
        let values = vec![Value::Bytes(hash.to_owned())];
        self.database.write(vec![(sql::REMOVE_SESSION, values)]).await.map(drop)
    }
}
