//! Changes that are on record: what is changed and the entries that tell of it, in one transaction.

use domain::connector::ConnectorState;
use domain::{Connector, ConnectorId};

use super::AuditRow;
use crate::connectors::{add_steps, change_steps, remove_steps, taken};
use crate::database::Steps;
use crate::value::Value;
use crate::{Error, Store, sql};

/// The store, and the entries that its next change is written with.
#[derive(Debug, Clone, Copy)]
pub struct OnRecord<'a> {
    store: &'a Store,
    told: &'a [AuditRow],
}

impl Store {
    /// The store, for one change that is written together with these entries or not at all.
    #[must_use]
    pub fn on_record<'a>(&'a self, told: &'a [AuditRow]) -> OnRecord<'a> {
        OnRecord { store: self, told }
    }
}

impl OnRecord<'_> {
    /// [`Store::add_connector`].
    pub async fn add_connector(
        &self,
        connector: &Connector,
        sealed_secret: Option<&[u8]>,
    ) -> Result<(), Error> {
        let added = self.store.database.write(add_steps(connector, sealed_secret, self.told)).await;
        added.map(drop).map_err(|error| error.or_conflict(|| taken(connector)))
    }

    /// [`Store::change_connector`].
    pub async fn change_connector(
        &self,
        connector: &Connector,
        sealed_secret: Option<&[u8]>,
    ) -> Result<(), Error> {
        self.must_change(sql::CHANGE_CONNECTOR, change_steps(connector, sealed_secret)).await
    }

    /// Notes whether a connector's scheduled work rests.
    pub async fn set_paused(&self, id: ConnectorId, is_paused: bool) -> Result<(), Error> {
        let values = vec![Value::id(id), Value::Flag(is_paused)];
        self.must_change(sql::SET_PAUSED, vec![(sql::SET_PAUSED, values)]).await
    }

    /// Marks a connector as removed and lets another lead to its organization.
    pub async fn retire_connector(&self, id: ConnectorId) -> Result<(), Error> {
        let word = Value::text(ConnectorState::Removed.word());
        let steps = vec![
            (sql::SET_CONNECTOR_STATE, vec![Value::id(id), word, Value::Null]),
            (sql::RELEASE_ORGANIZATION, vec![Value::id(id)]),
        ];
        self.must_change(sql::SET_CONNECTOR_STATE, steps).await
    }

    /// [`Store::remove_connector`], for one whose devices are removed.
    pub async fn remove_connector(&self, id: ConnectorId) -> Result<(), Error> {
        self.must_change(sql::REMOVE_CONNECTOR, remove_steps(id)).await
    }

    /// Keeps a value under a name.
    pub async fn set_meta(&self, key: &str, value: &str) -> Result<(), Error> {
        let values = vec![Value::text(key), Value::text(value)];
        self.must_change(sql::SET_META, vec![(sql::SET_META, values)]).await
    }

    /// Writes both; one statement of the change must find its row.
    async fn must_change(&self, must: &'static str, change: Steps) -> Result<(), Error> {
        let at = change.iter().position(|(statement, _)| *statement == must);
        let mut steps = change;
        steps.extend(AuditRow::steps(self.told));
        let changed = self.store.database.write(steps).await?;
        let found = at.and_then(|at| changed.get(at)).is_some_and(|count| *count > 0);
        if found { Ok(()) } else { Err(Error::NotFound("the connector")) }
    }
}
