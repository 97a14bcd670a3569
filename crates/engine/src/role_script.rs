//! The script that gives an account exactly what it needs, for an Exchange administrator to run.

use domain::{Caller, ConnectorName, Permission};
use exchange::{Family, Feature, RoleScript};

use crate::{Engine, Error};

/// What the names of the roles begin with.
const ROLE: &str = "Gatepost";
/// Name of the role group.
const GROUP: &str = "Gatepost Connector";

impl Engine {
    /// A least-privilege management role and role group for the account of a connector, as a script
    /// for the Exchange Management Shell. Nothing is sent to Exchange.
    pub async fn role_script(
        &self,
        caller: &Caller,
        name: &ConnectorName,
        features: &[Feature],
        family: Family,
    ) -> Result<String, Error> {
        let scope = caller.scope(Permission::ModifySite)?;
        let connector = self.store().connector(&scope, name).await?;
        let Some(account) = &connector.endpoint.username else {
            return Err(Error::Invalid(format!(
                "the connector {name} signs in with what the system has and names no account; set \
                 its user name first"
            )));
        };
        let wish = RoleScript {
            features,
            family,
            account,
            role_name: ROLE,
            group_name: GROUP,
            throttling_policy: None,
        };
        exchange::role_script(&wish).map_err(|error| Error::Invalid(error.to_string()))
    }
}
