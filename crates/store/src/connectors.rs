//! Connectors and their sealed secrets.

mod document;
mod endpoint;

use std::collections::BTreeMap;

use domain::connector::{ConnectorState, OrganizationIdentity};
use domain::{Connector, ConnectorId, ConnectorName, Scope, Timestamp};
use serde_json::Value as Json;

use crate::audit::AuditRow;
use crate::database::Steps;
use crate::value::{Columns, Value};
use crate::{Error, Store, sql};

/// Devices removed in one transaction: others wait some tenths of a second at most.
const REMOVED_AT_ONCE: i64 = 5_000;

impl Store {
    /// Keeps a new connector, with its secret as sealed by the engine. `Conflict` if the name or
    /// the organization is taken.
    pub async fn add_connector(
        &self,
        connector: &Connector,
        sealed_secret: Option<&[u8]>,
    ) -> Result<(), Error> {
        let added = self.database.write(add_steps(connector, sealed_secret, &[])).await;
        added.map(drop).map_err(|error| error.or_conflict(|| taken(connector)))
    }

    /// Writes how a connector reaches its organization and what it reads of it; its secret too, if
    /// there is a new one.
    pub async fn change_connector(
        &self,
        connector: &Connector,
        sealed_secret: Option<&[u8]>,
    ) -> Result<(), Error> {
        let steps = change_steps(connector, sealed_secret);
        let changed = self.database.write(steps).await?;
        if changed.first() == Some(&0) { Err(Error::NotFound("the connector")) } else { Ok(()) }
    }

    /// Notes when a connector that could not be installed is tried again; `None` once it is.
    pub async fn set_next_install(
        &self,
        id: ConnectorId,
        at: Option<Timestamp>,
    ) -> Result<(), Error> {
        let values = vec![Value::id(id), Value::optional_time(at)];
        self.write_one(sql::SET_NEXT_INSTALL, values, "the connector").await
    }

    /// Notes whether a connector's scheduled work rests.
    pub async fn set_paused(&self, id: ConnectorId, is_paused: bool) -> Result<(), Error> {
        let values = vec![Value::id(id), Value::Flag(is_paused)];
        self.write_one(sql::SET_PAUSED, values, "the connector").await
    }

    /// Lets another connector lead to this one's organization. Its name stays, for people to read.
    pub async fn release_organization(&self, id: ConnectorId) -> Result<(), Error> {
        self.write_one(sql::RELEASE_ORGANIZATION, vec![Value::id(id)], "the connector").await
    }

    /// All connectors in scope, by name.
    pub async fn connectors(&self, scope: &Scope) -> Result<Vec<Connector>, Error> {
        let mut connectors = self.database.query(sql::CONNECTORS, vec![], connector).await?;
        connectors.retain(|connector| reaches(scope, connector.id));
        Ok(connectors)
    }

    /// One connector.
    pub async fn connector(&self, scope: &Scope, name: &ConnectorName) -> Result<Connector, Error> {
        let values = vec![Value::text(name.as_str())];
        let found = self.database.query_one(sql::CONNECTOR_BY_NAME, values, connector).await?;
        let found = found.filter(|connector| reaches(scope, connector.id));
        found.ok_or(Error::NotFound("the connector"))
    }

    /// The sealed secret of a connector, if it has one.
    pub async fn sealed_secret(&self, id: ConnectorId) -> Result<Option<Vec<u8>>, Error> {
        let decode = |row: &mut Columns<'_>| row.table("connector_secret").bytes("sealed");
        self.database.query_one(sql::SECRET, vec![Value::id(id)], decode).await
    }

    /// Puts another sealed secret in the place of one, unless somebody else did so meanwhile. It is
    /// no change of the connector.
    pub async fn replace_sealed_secret(
        &self,
        id: ConnectorId,
        before: &[u8],
        after: &[u8],
    ) -> Result<(), Error> {
        let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_owned());
        let values = vec![Value::id(id), bytes(before), bytes(after)];
        self.write_one(sql::RESEAL_CONNECTOR, values, "the secret").await
    }

    /// Notes where a connector stands, and its trouble if it is in any.
    pub async fn set_connector_state(
        &self,
        id: ConnectorId,
        state: ConnectorState,
        trouble: Option<&str>,
    ) -> Result<(), Error> {
        let values = vec![Value::id(id), Value::text(state.word()), Value::optional_text(trouble)];
        self.write_one(sql::SET_CONNECTOR_STATE, values, "the connector").await
    }

    /// Notes the organization that a connector leads to, which was `known` by another key before;
    /// whether something was noted. `Conflict` if another connector leads there already: one connector
    /// per organization.
    pub async fn set_organization(
        &self,
        id: ConnectorId,
        organization: &OrganizationIdentity,
        known: Option<&str>,
    ) -> Result<bool, Error> {
        let OrganizationIdentity { key, name } = organization;
        let values = || vec![Value::id(id), Value::text(key), Value::text(name)];
        let known = known.filter(|known| known != key);
        let becomes = [values(), vec![Value::text(known.unwrap_or_default())]].concat();
        let taken =
            || format!("another connector leads to the organization {} already", organization.name);
        // The name first: of an organization that is known it may have changed.
        let steps = vec![(sql::RENAME_ORGANIZATION, values()), (sql::SET_ORGANIZATION, becomes)];
        let changed = self.database.write(steps).await.map_err(|error| error.or_conflict(taken))?;
        match changed.as_slice() {
            [0, 0] => Err(Error::NotFound("the connector")),
            [_, set] => Ok(*set > 0),
            _ => Ok(false),
        }
    }

    /// Forgets a connector with its devices, mailboxes, servers, passes and jobs, in batches, so
    /// that nobody waits long. A removal that was cut short can be asked for again.
    pub async fn remove_connector(&self, id: ConnectorId) -> Result<(), Error> {
        self.remove_devices(id).await?;
        let steps = remove_steps(id);
        let at = steps.iter().position(|(statement, _)| *statement == sql::REMOVE_CONNECTOR);
        let removed = self.database.write(steps).await?;
        let existed = at.and_then(|at| removed.get(at)).is_some_and(|count| *count > 0);
        if existed { Ok(()) } else { Err(Error::NotFound("the connector")) }
    }
}

impl Store {
    /// Removes the devices of a connector in batches.
    pub async fn remove_devices(&self, id: ConnectorId) -> Result<(), Error> {
        loop {
            let some = vec![Value::id(id), Value::Integer(REMOVED_AT_ONCE)];
            let removed = self.database.write(vec![(sql::REMOVE_SOME_DEVICES, some)]).await?;
            if removed.iter().all(|count| *count == 0) {
                return Ok(());
            }
        }
    }

    /// Runs one statement that changes one row; `NotFound` if it changed none.
    pub(crate) async fn write_one(
        &self,
        statement: &'static str,
        values: Vec<Value>,
        what: &'static str,
    ) -> Result<(), Error> {
        let changed = self.database.write(vec![(statement, values)]).await?;
        if changed == [0] { Err(Error::NotFound(what)) } else { Ok(()) }
    }
}

/// Whether a scope reaches a connector.
pub(crate) fn reaches(scope: &Scope, connector: ConnectorId) -> bool {
    scope.touches(connector)
}

fn connector(row: &mut Columns<'_>) -> Result<Connector, Error> {
    row.table("connector");
    Ok(Connector {
        id: ConnectorId(row.uuid("id")?),
        name: ConnectorName::parse(&row.text("name")?).map_err(|_| row.corrupt("name"))?,
        endpoint: endpoint::endpoint(&row.json("endpoint")?)
            .ok_or_else(|| row.corrupt("endpoint"))?,
        options: document::options(&row.json("options")?).ok_or_else(|| row.corrupt("options"))?,
        organization: {
            let key = row.optional_text("organization_key")?;
            let name = row.optional_text("organization_name")?;
            key.map(|key| OrganizationIdentity { key, name: name.unwrap_or_default() })
        },
        state: row.word("state", ConnectorState::from_word)?,
        trouble: row.optional_text("trouble")?,
        created: row.time("created")?,
        last_full_sync: row.optional_time("last_full_sync")?,
        last_delta_sync: row.optional_time("last_delta_sync")?,
        is_paused: row.flag("paused")?,
        next_install: row.optional_time("next_install")?,
    })
}

/// A list of texts in a document.
pub(crate) fn texts(list: &Json) -> Option<Vec<String>> {
    list.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}

/// What adds a connector, with the entries of the audit that tell of it.
pub(crate) fn add_steps(
    connector: &Connector,
    sealed_secret: Option<&[u8]>,
    told: &[AuditRow],
) -> Steps {
    let organization = connector.organization.as_ref();
    let mut steps = AuditRow::steps(told);
    steps.push((
        sql::ADD_CONNECTOR,
        vec![
            Value::id(connector.id),
            Value::text(connector.name.as_str()),
            Value::text(&endpoint::document(&connector.endpoint).to_string()),
            Value::optional_text(organization.map(|it| it.key.as_str())),
            Value::optional_text(organization.map(|it| it.name.as_str())),
            Value::text(connector.state.word()),
            Value::optional_text(connector.trouble.as_deref()),
            Value::time(connector.created),
            Value::optional_time(connector.last_full_sync),
            Value::optional_time(connector.last_delta_sync),
            Value::text(&document::of_options(&connector.options).to_string()),
            Value::Flag(connector.is_paused),
            Value::optional_time(connector.next_install),
        ],
    ));
    if let Some(sealed) = sealed_secret {
        let values = vec![Value::id(connector.id), Value::Bytes(sealed.to_owned())];
        steps.push((sql::ADD_SECRET, values));
    }
    steps
}

/// Says that a connector's name or organization is taken.
pub(crate) fn taken(connector: &Connector) -> String {
    format!("a connector named {} or of this organization exists", connector.name)
}

/// What changes a connector.
pub(crate) fn change_steps(connector: &Connector, sealed_secret: Option<&[u8]>) -> Steps {
    let mut steps = vec![(
        sql::CHANGE_CONNECTOR,
        vec![
            Value::id(connector.id),
            Value::text(&endpoint::document(&connector.endpoint).to_string()),
            Value::text(&document::of_options(&connector.options).to_string()),
        ],
    )];
    if let Some(sealed) = sealed_secret {
        let values = vec![Value::id(connector.id), Value::Bytes(sealed.to_owned())];
        steps.push((sql::ADD_SECRET, values));
    }
    steps
}

/// What removes a connector whose devices are gone. Its row goes before what may have been written
/// meanwhile: who writes devices holds that row, so after it nothing can follow.
pub(crate) fn remove_steps(id: ConnectorId) -> Steps {
    let one = || vec![Value::id(id)];
    vec![
        (sql::REMOVE_SECRET, one()),
        (sql::REMOVE_PASSES, one()),
        (sql::REMOVE_JOBS, one()),
        (sql::REMOVE_SERVERS, one()),
        (sql::REMOVE_ENDPOINTS, one()),
        (sql::FORGET_SEEN, one()),
        (sql::REMOVE_SHELLS, one()),
        (sql::REMOVE_PLAN_STEPS, one()),
        (sql::REMOVE_PLANS, one()),
        (sql::REMOVE_WISHES, one()),
        (sql::REMOVE_DRIFT, one()),
        (sql::REMOVE_OBSERVED, one()),
        (sql::FORGET_CARE, one()),
        (sql::REMOVE_CONNECTOR, one()),
        (sql::REMOVE_DEVICES, one()),
        (sql::REMOVE_MAILBOXES, one()),
        (sql::REMOVE_STATUS_MESSAGES, one()),
    ]
}

/// How a connector is set, by the names that its documents have for it: to tell what a change
/// changed. It holds no secret.
#[must_use]
pub fn connector_settings(connector: &Connector) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    flatten("endpoint", &endpoint::document(&connector.endpoint), &mut settings);
    flatten("options", &document::of_options(&connector.options), &mut settings);
    settings
}

fn flatten(name: &str, value: &Json, into: &mut BTreeMap<String, String>) {
    match value {
        Json::Object(fields) => {
            for (field, value) in fields {
                flatten(&format!("{name}.{field}"), value, into);
            }
        }
        Json::String(text) => drop(into.insert(name.to_owned(), text.clone())),
        other => drop(into.insert(name.to_owned(), other.to_string())),
    }
}
