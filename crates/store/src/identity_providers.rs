//! Identity providers with their sealed secrets, and browsers that are on their way to one.

mod document;

use domain::{
    IdentityProvider, IdentityProviderId, ProviderName, Scope, Timestamp,
    identity_provider::ProviderKind,
};

use crate::audit::AuditRow;
use crate::value::{Columns, Value};
use crate::{Error, PeopleWrite, Store, sql};

/// What becomes of a secret when its row is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealedChange {
    /// It stays.
    Keep,
    /// It is another one, or none.
    Set(Option<Vec<u8>>),
}

impl Store {
    /// Keeps a new identity provider, with its secret as sealed by the engine, and has it on record.
    /// `Conflict` if the name is taken.
    pub async fn add_identity_provider(
        &self,
        provider: &IdentityProvider,
        sealed: Option<&[u8]>,
        audit: &[AuditRow],
    ) -> Result<(), Error> {
        let mut steps = AuditRow::steps(audit);
        steps.push((
            sql::ADD_IDENTITY_PROVIDER,
            vec![
                Value::id(provider.id),
                Value::text(provider.name.as_str()),
                Value::text(&provider.title),
                Value::text(provider.settings.kind().word()),
                Value::text(&document::of(provider).to_string()),
                sealed.map_or(Value::Null, |sealed| Value::Bytes(sealed.to_owned())),
                Value::Flag(provider.is_enabled),
                Value::time(provider.created),
            ],
        ));
        let taken = || format!("an identity provider named {} exists", provider.name);
        self.database.write(steps).await.map(drop).map_err(|error| error.or_conflict(taken))
    }

    /// Writes an identity provider anew, and has it on record.
    pub async fn change_identity_provider(
        &self,
        provider: &IdentityProvider,
        sealed: SealedChange,
        audit: &[AuditRow],
    ) -> Result<(), Error> {
        let mut steps = AuditRow::steps(audit);
        let at = steps.len();
        steps.push((
            sql::CHANGE_IDENTITY_PROVIDER,
            vec![
                Value::id(provider.id),
                Value::text(&provider.title),
                Value::text(&document::of(provider).to_string()),
                Value::Flag(provider.is_enabled),
            ],
        ));
        if let SealedChange::Set(sealed) = sealed {
            let sealed = sealed.map_or(Value::Null, Value::Bytes);
            steps.push((sql::SET_IDENTITY_PROVIDER_SECRET, vec![Value::id(provider.id), sealed]));
        }
        let changed = self.database.write(steps).await?;
        if changed.get(at) == Some(&0) { Err(MISSING) } else { Ok(()) }
    }

    /// Forgets an identity provider and what goes with it, and has it on record.
    pub async fn remove_identity_provider(
        &self,
        id: IdentityProviderId,
        with_it: &[PeopleWrite<'_>],
        audit: &[AuditRow],
    ) -> Result<(), Error> {
        let mut steps = AuditRow::steps(audit);
        let at = steps.len();
        steps.push((sql::REMOVE_IDENTITY_PROVIDER, vec![Value::id(id)]));
        with_it.iter().for_each(|write| write.add_to(&mut steps));
        let changed = self.database.write(steps).await?;
        if changed.get(at) == Some(&0) { Err(MISSING) } else { Ok(()) }
    }

    /// All identity providers, by name.
    pub async fn identity_providers(&self, _: &Scope) -> Result<Vec<IdentityProvider>, Error> {
        self.database.query(sql::IDENTITY_PROVIDERS, vec![], provider).await
    }

    /// One identity provider.
    pub async fn identity_provider(
        &self,
        _: &Scope,
        name: &ProviderName,
    ) -> Result<IdentityProvider, Error> {
        let values = vec![Value::text(name.as_str())];
        let found = self.database.query_one(sql::IDENTITY_PROVIDER, values, provider).await?;
        found.ok_or(MISSING)
    }

    /// The sealed secret of an identity provider, if it has one.
    pub async fn identity_provider_secret(
        &self,
        id: IdentityProviderId,
    ) -> Result<Option<Vec<u8>>, Error> {
        let decode = |row: &mut Columns<'_>| row.table("identity_provider").bytes("sealed");
        let values = vec![Value::id(id)];
        self.database.query_one(sql::IDENTITY_PROVIDER_SECRET, values, decode).await
    }

    /// Keeps what is to be remembered of a browser that goes to a provider, by the hash of its
    /// state, and forgets those whose time is over.
    pub async fn add_sign_in_attempt(
        &self,
        hash: &[u8],
        sealed: &[u8],
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<(), Error> {
        let values = vec![
            Value::Bytes(hash.to_owned()),
            Value::Bytes(sealed.to_owned()),
            Value::time(expires),
        ];
        let steps = vec![
            (sql::REMOVE_ENDED_SIGN_IN_ATTEMPTS, vec![Value::time(now)]),
            (sql::REMOVE_OLDEST_SIGN_IN_ATTEMPTS, vec![Value::Integer(MAX_ATTEMPTS - 1)]),
            (sql::ADD_SIGN_IN_ATTEMPT, values),
        ];
        self.database.write(steps).await.map(drop)
    }

    /// What is remembered of a browser that comes back with this state: once, and in time.
    pub async fn take_sign_in_attempt(
        &self,
        hash: &[u8],
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>, Error> {
        let values = vec![Value::Bytes(hash.to_owned())];
        let taken = self.database.write_returning(sql::TAKE_SIGN_IN_ATTEMPT, values, |row| {
            let sealed = row.table("sign_in_attempt").bytes("sealed")?;
            Ok((sealed, row.time("expires")?))
        });
        let taken = taken.await?.pop().filter(|(_, expires)| now < *expires);
        Ok(taken.map(|(sealed, _)| sealed))
    }
}

const MISSING: Error = Error::NotFound("the identity provider");
/// Browsers on their way at once; the oldest is forgotten first. Nobody has to be signed in to be
/// one of them, so that their number must not grow without end.
const MAX_ATTEMPTS: i64 = 10_000;

fn provider(row: &mut Columns<'_>) -> Result<IdentityProvider, Error> {
    row.table("identity_provider");
    let id = IdentityProviderId(row.uuid("id")?);
    let name = ProviderName::parse(&row.text("name")?).map_err(|_| row.corrupt("name"))?;
    let title = row.text("title")?;
    let kind = row.word("kind", ProviderKind::from_word)?;
    let document = row.json("document")?;
    Ok(IdentityProvider {
        id,
        name,
        title,
        settings: document::settings(kind, &document).ok_or_else(|| row.corrupt("document"))?,
        is_enabled: row.flag("enabled")?,
        secret_expires: document::secret_expires(&document),
        created: row.time("created")?,
    })
}
