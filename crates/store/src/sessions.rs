//! Signed-in browsers. Only hashes of their tokens are kept.

use domain::{PersonId, SessionId, Timestamp};

use crate::value::{Columns, Value};
use crate::{Error, Store, sql};

/// A signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// What it is called in lists; no secret.
    pub id: SessionId,
    /// Whose it is.
    pub person: PersonId,
    /// When it began.
    pub began: Timestamp,
    /// When it was last used, as exactly as is worth a write.
    pub seen: Timestamp,
    /// When it ends by itself, whatever happens.
    pub expires: Timestamp,
    /// How the person signed in.
    pub way: String,
    /// From where.
    pub address: Option<String>,
    /// With which browser.
    pub agent: Option<String>,
}

impl Store {
    /// The session with this hash, unless it ended before `now`, or was not used since `idle`.
    pub async fn session(
        &self,
        hash: &[u8],
        now: Timestamp,
        idle: Timestamp,
    ) -> Result<Option<Session>, Error> {
        let values = vec![Value::Bytes(hash.to_owned()), Value::time(now), Value::time(idle)];
        self.database.query_one(sql::SESSION, values, session).await
    }

    /// The sessions of everybody or of one person that did not end before `now` and were used since
    /// `idle`, the latest first.
    pub async fn sessions(
        &self,
        person: Option<PersonId>,
        now: Timestamp,
        idle: Timestamp,
    ) -> Result<Vec<Session>, Error> {
        let person = person.map_or(Value::Null, Value::id);
        let values = vec![person, Value::time(now), Value::time(idle)];
        self.database.query(sql::SESSIONS, values, session).await
    }

    /// Notes that a session was used.
    pub async fn touch_session(&self, id: SessionId, now: Timestamp) -> Result<(), Error> {
        let values = vec![Value::id(id), Value::time(now)];
        self.database.write(vec![(sql::TOUCH_SESSION, values)]).await.map(drop)
    }
}

impl Session {
    pub(crate) fn values(&self, hash: &[u8]) -> Vec<Value> {
        vec![
            Value::Bytes(hash.to_owned()),
            Value::id(self.id),
            Value::id(self.person),
            Value::time(self.began),
            Value::time(self.seen),
            Value::time(self.expires),
            Value::text(&self.way),
            Value::optional_text(self.address.as_deref()),
            Value::optional_text(self.agent.as_deref()),
        ]
    }
}

fn session(row: &mut Columns<'_>) -> Result<Session, Error> {
    Ok(Session {
        id: SessionId(row.table("session").uuid("id")?),
        person: PersonId(row.uuid("person")?),
        began: row.time("began")?,
        seen: row.time("seen")?,
        expires: row.time("expires")?,
        way: row.text("way")?,
        address: row.optional_text("address")?,
        agent: row.optional_text("agent")?,
    })
}
