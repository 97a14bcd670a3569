//! Connectors and their sealed secrets.

use domain::connector::{ConnectorState, OrganizationIdentity};
use domain::{Connector, ConnectorId, ConnectorName, Scope};

use crate::{Error, Store};

impl Store {
    /// Keeps a new connector, with its secret as sealed by the engine. `Conflict` if the name or
    /// the organization is taken.
    pub async fn add_connector(
        &self,
        connector: &Connector,
        sealed_secret: Option<&[u8]>,
    ) -> Result<(), Error> {
        todo!("{connector:?}{sealed_secret:?}")
    }

    /// All connectors in scope, by name.
    pub async fn connectors(&self, scope: &Scope) -> Result<Vec<Connector>, Error> {
        todo!("{scope:?}")
    }

    /// One connector.
    pub async fn connector(&self, scope: &Scope, name: &ConnectorName) -> Result<Connector, Error> {
        todo!("{scope:?}{name}")
    }

    /// The sealed secret of a connector, if it has one.
    pub async fn sealed_secret(&self, id: ConnectorId) -> Result<Option<Vec<u8>>, Error> {
        todo!("{id}")
    }

    /// Notes where a connector stands, and its trouble if it is in any.
    pub async fn set_connector_state(
        &self,
        id: ConnectorId,
        state: ConnectorState,
        trouble: Option<&str>,
    ) -> Result<(), Error> {
        todo!("{id}{state}{trouble:?}")
    }

    /// Notes the organization that a connector leads to. `Conflict` if another connector leads
    /// there already: one connector per organization.
    pub async fn set_organization(
        &self,
        id: ConnectorId,
        organization: &OrganizationIdentity,
    ) -> Result<(), Error> {
        todo!("{id}{organization:?}")
    }

    /// Forgets a connector with its devices, mailboxes, servers, passes and jobs, in batches, so
    /// that nobody waits long. A removal that was cut short can be asked for again.
    pub async fn remove_connector(&self, id: ConnectorId) -> Result<(), Error> {
        todo!("{id}")
    }
}
