//! People, their passwords as hashes, and how they are let in.

use std::collections::HashMap;

use domain::{Person, PersonId, Timestamp, notification::Language, person::Origin};
use serde_json::Value as Json;

use crate::connectors::texts;
use crate::value::{Columns, Value};
use crate::{Error, Store, sql};

/// How a local person is let in.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// Hash of the password, with how it was made; `None` if none was set.
    pub password: Option<String>,
    /// Wrong passwords since the last right one.
    pub failures: u64,
    /// Until when even the right password is refused.
    pub locked_until: Option<Timestamp>,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("failures", &self.failures).finish_non_exhaustive()
    }
}

/// The second step of signing in, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TotpRow {
    /// The secret, sealed.
    pub sealed: Vec<u8>,
    /// Whether the person showed once that their device knows the secret.
    pub is_confirmed: bool,
    /// The time step of the last code that was taken.
    pub last_step: u64,
}

impl Store {
    /// Everybody, by name.
    pub async fn people(&self) -> Result<Vec<Person>, Error> {
        self.database.query(sql::PEOPLE, vec![], person).await
    }

    /// One person by id.
    pub async fn person(&self, id: PersonId) -> Result<Option<Person>, Error> {
        self.database.query_one(sql::PERSON, vec![Value::id(id)], person).await
    }

    /// In which language people want to be told, of those who said so.
    pub async fn languages(&self) -> Result<HashMap<PersonId, Language>, Error> {
        let decode = |row: &mut Columns<'_>| {
            let id = PersonId(row.table("person").uuid("id")?);
            Ok((id, row.word("language", Language::from_word)?))
        };
        Ok(self.database.query(sql::LANGUAGES, vec![], decode).await?.into_iter().collect())
    }

    /// A local person by the key of their user name.
    pub async fn local_person(&self, key: &str) -> Result<Option<Person>, Error> {
        self.person_of("", key).await
    }

    /// A person by what a provider calls them.
    pub async fn person_of(&self, provider: &str, subject: &str) -> Result<Option<Person>, Error> {
        let values = vec![Value::text(provider), Value::text(subject)];
        self.database.query_one(sql::PERSON_OF, values, person).await
    }

    /// How a local person is let in.
    pub async fn credential(&self, id: PersonId) -> Result<Option<Credential>, Error> {
        let read = |row: &mut Columns<'_>| {
            let password = row.table("person").optional_text("password")?;
            let failures = row.count("failures")?;
            Ok(Credential { password, failures, locked_until: row.optional_time("locked_until")? })
        };
        self.database.query_one(sql::CREDENTIAL, vec![Value::id(id)], read).await
    }

    /// The second step of a person's signing in, if there is one.
    pub async fn totp(&self, id: PersonId) -> Result<Option<TotpRow>, Error> {
        let read = |row: &mut Columns<'_>| {
            let sealed = row.table("totp").bytes("sealed")?;
            let is_confirmed = row.flag("confirmed")?;
            Ok(TotpRow { sealed, is_confirmed, last_step: row.count("last_step")? })
        };
        self.database.query_one(sql::TOTP, vec![Value::id(id)], read).await
    }

    /// Who has a confirmed second step.
    pub async fn people_with_totp(&self) -> Result<Vec<PersonId>, Error> {
        let read = |row: &mut Columns<'_>| Ok(PersonId(row.table("totp").uuid("person")?));
        self.database.query(sql::PEOPLE_WITH_TOTP, vec![], read).await
    }

    /// Takes the code of a time step; `false` if it or a later one was taken before.
    pub async fn take_totp_step(&self, id: PersonId, step: u64) -> Result<bool, Error> {
        let values = vec![Value::id(id), Value::count(step)];
        Ok(self.database.write(vec![(sql::TAKE_TOTP_STEP, values)]).await? == [1])
    }

    /// Takes a recovery code; `false` if there is none like it.
    pub async fn take_recovery_code(&self, id: PersonId, hash: &[u8]) -> Result<bool, Error> {
        let values = vec![Value::id(id), Value::Bytes(hash.to_owned())];
        Ok(self.database.write(vec![(sql::TAKE_RECOVERY_CODE, values)]).await? == [1])
    }

    /// How many recovery codes a person has left.
    pub async fn count_recovery_codes(&self, id: PersonId) -> Result<u64, Error> {
        let read = |row: &mut Columns<'_>| row.table("recovery_code").count("count");
        let found = self.database.query_one(sql::COUNT_RECOVERY_CODES, vec![Value::id(id)], read);
        Ok(found.await?.unwrap_or(0))
    }

    /// Counts a wrong password, and locks until then.
    pub async fn count_failure(
        &self,
        id: PersonId,
        locked_until: Option<Timestamp>,
    ) -> Result<(), Error> {
        let values = vec![Value::id(id), Value::optional_time(locked_until)];
        self.write_one(sql::COUNT_FAILURE, values, "the person").await
    }
}

/// The columns that say how a person is known.
pub(crate) fn origin_values(origin: &Origin, name: &str) -> [Value; 2] {
    match origin {
        Origin::Local => [Value::text(""), Value::text(&name.to_lowercase())],
        Origin::Provider { provider, subject } => [Value::text(provider), Value::text(subject)],
    }
}

pub(crate) fn groups_value(groups: &[String]) -> Value {
    Value::text(&Json::from(groups).to_string())
}

fn person(row: &mut Columns<'_>) -> Result<Person, Error> {
    let id = PersonId(row.table("person").uuid("id")?);
    let (provider, subject) = (row.text("provider")?, row.text("subject")?);
    let is_local = provider.is_empty();
    Ok(Person {
        id,
        origin: if is_local { Origin::Local } else { Origin::Provider { provider, subject } },
        name: row.text("name")?,
        display_name: row.optional_text("display_name")?,
        address: row.optional_text("address")?,
        groups: texts(&row.json("member_of")?).ok_or_else(|| row.corrupt("member_of"))?,
        is_disabled: row.flag("disabled")?,
        created: row.time("created")?,
        last_sign_in: row.optional_time("last_sign_in")?,
    })
}
