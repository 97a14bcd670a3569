//! Servers of an organization.

use domain::{ConnectorId, DistinguishedName, Scope, ServerFacts};

use crate::connectors::reaches;
use crate::value::{Columns, Value};
use crate::{Error, Store, sql};

impl Store {
    /// Replaces the servers of an organization by those read now.
    pub async fn replace_servers(
        &self,
        connector: ConnectorId,
        servers: &[ServerFacts],
    ) -> Result<(), Error> {
        let mut steps = vec![(sql::REMOVE_SERVERS, vec![Value::id(connector)])];
        for (position, server) in (0..).zip(servers) {
            let name = server.distinguished_name.as_ref().map(DistinguishedName::as_str);
            let values = vec![
                Value::id(connector),
                Value::Integer(position),
                Value::text(&server.name),
                Value::optional_text(server.fqdn.as_deref()),
                Value::optional_text(name),
                Value::optional_text(server.site.as_deref()),
                Value::optional_text(server.version.as_deref()),
                Value::optional_text(server.role.as_deref()),
                Value::Flag(server.is_client_access),
                Value::Flag(server.is_mailbox),
                Value::Flag(server.is_edge),
            ];
            steps.push((sql::ADD_SERVER, values));
        }
        self.database.write(steps).await.map(drop).map_err(|error| match error {
            Error::Conflict { .. } => Error::NotFound("the connector"),
            other => other,
        })
    }

    /// The servers of an organization, by name.
    pub async fn servers(
        &self,
        scope: &Scope,
        connector: ConnectorId,
    ) -> Result<Vec<ServerFacts>, Error> {
        if !reaches(scope, connector) {
            return Ok(Vec::new());
        }
        self.database.query(sql::SERVERS, vec![Value::id(connector)], server).await
    }
}

fn server(row: &mut Columns<'_>) -> Result<ServerFacts, Error> {
    row.table("server");
    Ok(ServerFacts {
        name: row.text("name")?,
        fqdn: row.optional_text("fqdn")?,
        distinguished_name: row
            .optional_text("distinguished_name")?
            .and_then(|name| DistinguishedName::parse(&name)),
        site: row.optional_text("site")?,
        version: row.optional_text("version")?,
        role: row.optional_text("role")?,
        is_client_access: row.flag("is_client_access")?,
        is_mailbox: row.flag("is_mailbox")?,
        is_edge: row.flag("is_edge")?,
    })
}
