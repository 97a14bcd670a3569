//! Endpoints of an organization and how they did.

use domain::{ConnectorId, EndpointHealth, EndpointOrigin, Scope};

use crate::connectors::reaches;
use crate::value::{Columns, Value};
use crate::{Error, Store, sql};

impl Store {
    /// Replaces what is known of a connector's endpoints.
    pub async fn replace_endpoints(
        &self,
        connector: ConnectorId,
        endpoints: &[EndpointHealth],
    ) -> Result<(), Error> {
        let mut steps = vec![(sql::REMOVE_ENDPOINTS, vec![Value::id(connector)])];
        for endpoint in endpoints {
            let values = vec![
                Value::id(connector),
                Value::text(&endpoint.url),
                Value::text(endpoint.origin.word()),
                Value::optional_text(endpoint.site.as_deref()),
                Value::optional_text(endpoint.version.as_deref()),
                Value::count(endpoint.failures.into()),
                Value::optional_time(endpoint.rests_until),
                Value::optional_text(endpoint.trouble.as_deref()),
                Value::optional_time(endpoint.last_success),
            ];
            steps.push((sql::ADD_ENDPOINT, values));
        }
        self.database.write(steps).await.map(drop).map_err(|error| match error {
            Error::Conflict { .. } => Error::NotFound("the connector"),
            other => other,
        })
    }

    /// What is known of a connector's endpoints, in no order.
    pub async fn endpoints(
        &self,
        scope: &Scope,
        connector: ConnectorId,
    ) -> Result<Vec<EndpointHealth>, Error> {
        if !reaches(scope, connector) {
            return Ok(Vec::new());
        }
        self.database.query(sql::ENDPOINTS, vec![Value::id(connector)], endpoint).await
    }
}

fn endpoint(row: &mut Columns<'_>) -> Result<EndpointHealth, Error> {
    row.table("endpoint");
    Ok(EndpointHealth {
        url: row.text("url")?,
        origin: row.word("origin", EndpointOrigin::from_word)?,
        site: row.optional_text("site")?,
        version: row.optional_text("version")?,
        failures: row.count("failures")?.try_into().map_err(|_| row.corrupt("failures"))?,
        rests_until: row.optional_time("rests_until")?,
        trouble: row.optional_text("trouble")?,
        last_success: row.optional_time("last_success")?,
    })
}
