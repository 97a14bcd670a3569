//! API tokens. Only hashes of their secrets are kept.

use domain::{Permissions, PersonId, Timestamp, TokenId, authority::AssignedPlace};

use crate::authority::{permissions, permissions_value, place, place_value};
use crate::value::{Columns, Value};
use crate::{Error, Store, sql};

/// An API token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is called in records; no secret.
    pub id: TokenId,
    /// Whose it is: it may never do more.
    pub person: PersonId,
    /// What it is for.
    pub name: String,
    /// What it may do at most.
    pub permissions: Permissions,
    /// Where it may do that at most.
    pub place: AssignedPlace,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// When it was last used, as exactly as is worth a write.
    pub last_used: Option<Timestamp>,
}

impl Store {
    /// A token with the hash of its secret.
    pub async fn token(&self, id: TokenId) -> Result<Option<(Token, Vec<u8>)>, Error> {
        let read = |row: &mut Columns<'_>| {
            let token = token(row)?;
            Ok((token, row.bytes("hash")?))
        };
        self.database.query_one(sql::TOKEN, vec![Value::id(id)], read).await
    }

    /// The tokens of everybody or of one person, the latest first.
    pub async fn tokens(&self, person: Option<PersonId>) -> Result<Vec<Token>, Error> {
        let values = vec![person.map_or(Value::Null, Value::id)];
        self.database.query(sql::TOKENS, values, token).await
    }

    /// Notes that a token was used.
    pub async fn touch_token(&self, id: TokenId, now: Timestamp) -> Result<(), Error> {
        let values = vec![Value::id(id), Value::time(now)];
        self.database.write(vec![(sql::TOUCH_TOKEN, values)]).await.map(drop)
    }
}

impl Token {
    pub(crate) fn values(&self, hash: &[u8]) -> Vec<Value> {
        vec![
            Value::id(self.id),
            Value::Bytes(hash.to_owned()),
            Value::id(self.person),
            Value::text(&self.name),
            permissions_value(self.permissions),
            place_value(self.place),
            Value::time(self.created),
            Value::time(self.expires),
            Value::optional_time(self.last_used),
        ]
    }
}

fn token(row: &mut Columns<'_>) -> Result<Token, Error> {
    Ok(Token {
        id: TokenId(row.table("token").uuid("id")?),
        person: PersonId(row.uuid("person")?),
        name: row.text("name")?,
        permissions: permissions(row)?,
        place: place(row)?,
        created: row.time("created")?,
        expires: row.time("expires")?,
        last_used: row.optional_time("last_used")?,
    })
}
