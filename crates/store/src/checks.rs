//! What the last check of each connector found.

use domain::ConnectorId;

use crate::value::{Columns, Value};
use crate::{Error, Store, sql};

impl Store {
    /// Keeps what a check found, as a document of the engine, in place of what the one before did.
    /// A change of the connector forgets it.
    pub async fn set_last_check(
        &self,
        connector: ConnectorId,
        document: &str,
    ) -> Result<(), Error> {
        let values = vec![Value::id(connector), Value::text(document)];
        self.write_one(sql::SET_LAST_CHECK, values, "the connector").await
    }

    /// What the last check found.
    pub async fn last_check(&self, connector: ConnectorId) -> Result<Option<String>, Error> {
        let decode = |row: &mut Columns<'_>| row.table("connector").optional_text("last_check");
        let found = self.database.query_one(sql::LAST_CHECK, vec![Value::id(connector)], decode);
        Ok(found.await?.flatten())
    }
}
