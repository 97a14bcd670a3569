//! Adding and removing connectors.

use std::fmt;

use domain::{
    Caller, Connector, ConnectorId, ConnectorName, Permission,
    connector::{ConnectorState, Endpoint},
};
use exchange::Secret;
use uuid::Uuid;

use super::endpoint;
use crate::{Engine, Error, component, secrets::ConnectorSecrets, worker};

/// A connector to add.
#[derive(Clone, PartialEq, Eq)]
pub struct NewConnector {
    /// The name people will use.
    pub name: ConnectorName,
    /// How to reach the organization.
    pub endpoint: Endpoint,
    /// Password of the endpoint's user. Sealed before it is stored.
    pub password: Option<String>,
    /// Password for the proxy. Sealed before it is stored.
    pub proxy_password: Option<String>,
}

impl fmt::Debug for NewConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewConnector({}, {})", self.name, self.endpoint.url)
    }
}

impl Engine {
    /// Says whether a connector could be added as it is written. Nothing is connected or stored.
    pub async fn validate_connector(
        &self,
        caller: &Caller,
        new: &NewConnector,
    ) -> Result<(), Error> {
        let scope = caller.scope(Permission::ModifyConnector)?;
        endpoint::validate(new).map_err(Error::Invalid)?;
        let taken = self.store().connectors(&scope).await?;
        if taken.iter().any(|connector| connector.name == new.name) {
            return Err(name_taken(&new.name));
        }
        Ok(())
    }

    /// Adds a connector: all of it, or nothing. It need not be reachable yet.
    pub async fn add_connector(
        &self,
        caller: &Caller,
        new: NewConnector,
    ) -> Result<ConnectorId, Error> {
        self.validate_connector(caller, &new).await?;
        let id = ConnectorId(Uuid::new_v4());
        let connector = Connector {
            id,
            name: new.name,
            endpoint: new.endpoint,
            organization: None,
            state: ConnectorState::Flagged,
            trouble: None,
            created: self.now(),
            last_full_sync: None,
        };
        let secrets = ConnectorSecrets {
            password: new.password.map(Secret::new),
            proxy_password: new.proxy_password.map(Secret::new),
        };
        let sealed = self.0.secrets.seal(id, &secrets).map_err(Error::Internal)?;
        self.store().add_connector(&connector, Some(&sealed)).await.map_err(
            |error| match error {
                store::Error::Conflict { .. } => name_taken(&connector.name),
                other => other.into(),
            },
        )?;
        component::flagged(&connector.name);
        Ok(id)
    }

    /// Removes a connector with its inventory. Its jobs are cancelled first; nothing changes in
    /// Exchange.
    pub async fn remove_connector(
        &self,
        caller: &Caller,
        name: &ConnectorName,
    ) -> Result<(), Error> {
        let scope = caller.scope(Permission::ModifyConnector)?;
        let connector = self.store().connector(&scope, name).await?;
        worker::cancel_all_of(self, connector.id, caller).await?;
        self.store().remove_connector(connector.id).await?;
        Ok(())
    }
}

fn name_taken(name: &ConnectorName) -> Error {
    Error::Conflict(format!("there is a connector {name} already; choose another name"))
}
