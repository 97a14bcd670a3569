//! Servers of an organization.

use domain::{ConnectorId, Scope, ServerFacts};

use crate::{Error, Store};

impl Store {
    /// Replaces the servers of an organization by those read now.
    pub async fn replace_servers(
        &self,
        connector: ConnectorId,
        servers: &[ServerFacts],
    ) -> Result<(), Error> {
        todo!("{connector}{servers:?}")
    }

    /// The servers of an organization, by name.
    pub async fn servers(
        &self,
        scope: &Scope,
        connector: ConnectorId,
    ) -> Result<Vec<ServerFacts>, Error> {
        todo!("{scope:?}{connector}")
    }
}
