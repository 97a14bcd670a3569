//! The script that gives an account exactly what it needs, for an Exchange administrator to run.

use domain::{
    Caller, ConnectorName, Permission,
    connector::{Cloud, Endpoint, HostedEndpoint, HostedSignIn, ServerEndpoint, Tenant},
};
use exchange::{Family, Feature, HostedRoleScript, RoleScript, RoleScriptError};
use uuid::Uuid;

use crate::{Engine, Error};

/// What the names of the roles begin with.
const ROLE: &str = "Gatepost";
/// Name of the role group.
const GROUP: &str = "Gatepost Connector";

impl Engine {
    /// A least-privilege management role and role group for the account or the application of a
    /// connector, as a script for an administrator of Exchange. Nothing is sent to Exchange.
    pub async fn role_script(
        &self,
        caller: &Caller,
        name: &ConnectorName,
        features: &[Feature],
        family: Family,
    ) -> Result<String, Error> {
        let scope = caller.scope(Permission::ModifySite)?;
        let connector = self.store().connector(&scope, name).await?;
        let script = match &connector.endpoint {
            Endpoint::OnPremises(server) => for_account(name, server, features, family)?,
            Endpoint::Hosted(hosted) => for_application(name, hosted, features)?,
        };
        script.map_err(|error| Error::Invalid(error.to_string()))
    }
}

/// What to grant an application in hosted Exchange before there is a connector: what is not known is
/// to be filled in.
pub fn hosted_role_script(
    tenant: Option<&Tenant>,
    application: Option<Uuid>,
    cloud: Cloud,
    features: &[Feature],
) -> Result<String, RoleScriptError> {
    exchange::hosted_role_script(&HostedRoleScript {
        features,
        cloud,
        tenant,
        application,
        role_name: ROLE,
        group_name: GROUP,
    })
}

type Script = Result<String, RoleScriptError>;

fn for_account(
    name: &ConnectorName,
    server: &ServerEndpoint,
    features: &[Feature],
    family: Family,
) -> Result<Script, Error> {
    let Some(account) = &server.username else {
        return Err(Error::Invalid(format!(
            "the connector {name} signs in with what the system has and names no account; set its \
             user name first"
        )));
    };
    Ok(exchange::role_script(&RoleScript {
        features,
        family,
        account,
        role_name: ROLE,
        group_name: GROUP,
        throttling_policy: None,
    }))
}

fn for_application(
    name: &ConnectorName,
    hosted: &HostedEndpoint,
    features: &[Feature],
) -> Result<Script, Error> {
    if hosted.sign_in == HostedSignIn::DeviceCode {
        return Err(Error::Invalid(format!(
            "the connector {name} signs in as a person, who may what their own roles let them; sign \
             in with a certificate to have roles for Gatepost alone"
        )));
    }
    Ok(hosted_role_script(Some(&hosted.tenant), hosted.application, hosted.cloud, features))
}
