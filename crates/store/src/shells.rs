//! Shells that are open on servers of Exchange, so that those of a process that was killed can be
//! given back.

use domain::ConnectorId;

use crate::value::{Columns, Value};
use crate::{Error, Store, sql};

/// A shell that is open on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenShell {
    /// Whose it is.
    pub connector: ConnectorId,
    /// The server's id of it.
    pub id: String,
    /// Address of the server.
    pub url: String,
}

impl Store {
    /// Notes that a shell was opened.
    pub async fn add_shell(&self, shell: &OpenShell) -> Result<(), Error> {
        let OpenShell { connector, id, url } = shell;
        let values = vec![Value::id(*connector), Value::text(id), Value::text(url)];
        self.database.write(vec![(sql::ADD_SHELL, values)]).await.map(drop)
    }

    /// Notes that a shell was given back, or is lost.
    pub async fn remove_shell(&self, connector: ConnectorId, id: &str) -> Result<(), Error> {
        let values = vec![Value::id(connector), Value::text(id)];
        self.database.write(vec![(sql::REMOVE_SHELL, values)]).await.map(drop)
    }

    /// Every shell that is noted as open.
    pub async fn shells(&self) -> Result<Vec<OpenShell>, Error> {
        let decode = |row: &mut Columns<'_>| {
            row.table("shell");
            Ok(OpenShell {
                connector: ConnectorId(row.uuid("connector")?),
                id: row.text("id")?,
                url: row.text("url")?,
            })
        };
        self.database.query(sql::SHELLS, vec![], decode).await
    }
}
