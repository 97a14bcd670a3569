//! Servers, and the organization itself.

use psrp::clixml::Value;

use super::{
    Context,
    parts::{DirectoryPart, Naming, enumeration, finish, kind, object_id, texts},
};
use crate::organization::{ExchangeServer, Organization, ServerRole};

kind!(EXCHANGE_SERVER:
    "Microsoft.Exchange.Data.Directory.Management.ExchangeServer",
    "Microsoft.Exchange.Data.Directory.Management.ADPresentationObject",
    "Microsoft.Exchange.Data.Directory.ADObject",
    "Microsoft.Exchange.Data.Directory.ADRawEntry",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object");
kind!(SERVER_VERSION: "Microsoft.Exchange.Data.ServerVersion", "System.Object");
kind!(ORGANIZATION_CONFIG:
    "Microsoft.Exchange.Data.Directory.Management.OrganizationConfig",
    "Microsoft.Exchange.Data.Directory.Management.ADPresentationObject",
    "Microsoft.Exchange.Data.Directory.ADObject",
    "Microsoft.Exchange.Data.Directory.ADRawEntry",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object");

/// Get-ExchangeServer.
pub(in crate::cmdlets) fn exchange_server(
    organization: &Organization,
    context: &Context,
    server: &ExchangeServer,
) -> Value {
    let domain = organization.options().domain.as_str();
    let is = |roles: &[ServerRole]| roles.contains(&server.role);
    let modern = server.version[0] >= 15;
    let object = EXCHANGE_SERVER
        .object()
        .with_adapted("DataPath", data_path(server))
        .with_adapted("Domain", domain)
        .with_adapted(
            "Edition",
            enumeration("Microsoft.Exchange.Data.ServerEditionType", ("Enterprise", 3)),
        )
        .with_adapted("Fqdn", server.fqdn.as_str())
        .with_adapted("IsHubTransportServer", is(&[ServerRole::Mailbox, ServerRole::Combined]))
        .with_adapted("IsClientAccessServer", is(&[ServerRole::Mailbox, ServerRole::Combined]))
        .with_adapted("IsExchange2007OrLater", true)
        .with_adapted("IsEdgeServer", is(&[ServerRole::Edge]))
        .with_adapted("IsMailboxServer", is(&[ServerRole::Mailbox, ServerRole::Combined]))
        .with_adapted("IsE14OrLater", true)
        .with_adapted("IsE15OrLater", modern)
        .with_adapted("IsProvisionedServer", false)
        .with_adapted("IsUnifiedMessagingServer", false)
        .with_adapted("IsFrontendTransportServer", modern)
        .with_adapted("NetworkAddress", texts(&[format!("ncacn_ip_tcp:{}", server.fqdn)]))
        .with_adapted("OrganizationalUnit", format!("{domain}/{}", server.name))
        .with_adapted("AdminDisplayVersion", version(server))
        .with_adapted("Site", site(organization, server))
        .with_adapted(
            "ServerRole",
            enumeration(
                "Microsoft.Exchange.Data.Directory.SystemConfiguration.ServerRole",
                server.role.printed(),
            ),
        )
        .with_adapted("IsExchangeTrialEdition", false)
        .with_adapted("IsExpiredExchangeTrialEdition", false);
    let group = "CN=Exchange Administrative Group (FYDIBOHF23SPDLT),CN=Administrative Groups";
    let naming = Naming {
        guid: server.guid,
        name: server.name.clone(),
        distinguished_name: format!(
            "CN={},CN=Servers,{group},{}",
            server.name,
            organization.configuration_dn()
        ),
        canonical: format!(
            "{}/Administrative Groups/Exchange Administrative Group (FYDIBOHF23SPDLT)/Servers/{}",
            super::settings::configuration_canonical(organization),
            server.name
        ),
    };
    finish(organization, context, object, &part(organization, &naming, "ms-Exch-Exchange-Server"))
}

/// Get-OrganizationConfig.
pub(in crate::cmdlets) fn organization_config(
    organization: &Organization,
    context: &Context,
) -> Value {
    let object = ORGANIZATION_CONFIG
        .object()
        .with_adapted("LegacyExchangeDN", format!("/o={}", organization.options().name))
        .with_adapted("IsMixedMode", false)
        .with_adapted("IsDehydrated", false)
        .with_adapted("ActivityBasedAuthenticationTimeoutEnabled", true)
        .with_adapted("PublicFoldersEnabled", "Local");
    let is_hosted = organization.options().dialect.is_hosted();
    let naming = Naming {
        guid: organization.guid(),
        name: if is_hosted {
            organization.tenant_domain()
        } else {
            organization.options().name.clone()
        },
        distinguished_name: organization.configuration_dn(),
        canonical: super::settings::configuration_canonical(organization),
    };
    finish(
        organization,
        context,
        object,
        &part(organization, &naming, "ms-Exch-Organization-Container"),
    )
}

fn part<'a>(
    organization: &Organization,
    naming: &'a Naming,
    category: &'a str,
) -> DirectoryPart<'a> {
    let founded = organization.settings().created;
    DirectoryPart {
        naming,
        category,
        classes: &["top", "msExchExchangeServer"],
        version: "0.1 (8.0.535.0)",
        created: founded,
        changed: founded,
    }
}

fn data_path(server: &ExchangeServer) -> String {
    let major = server.version[0];
    format!(r"C:\Program Files\Microsoft\Exchange Server\V{major}\Mailbox")
}

fn version(server: &ExchangeServer) -> Value {
    let [major, minor, build, revision] = server.version;
    SERVER_VERSION
        .object()
        .with_text(server.admin_display_version())
        .with_adapted("Major", major)
        .with_adapted("Minor", minor)
        .with_adapted("Build", build)
        .with_adapted("Revision", revision)
        .into()
}

fn site(organization: &Organization, server: &ExchangeServer) -> Value {
    let naming = Naming {
        guid: uuid::Uuid::new_v5(&organization.guid(), server.site.as_bytes()),
        name: server.site.clone(),
        distinguished_name: format!(
            "CN={},CN=Sites,CN=Configuration,{}",
            server.site,
            organization.domain_dn()
        ),
        canonical: format!("{}/Configuration/Sites/{}", organization.options().domain, server.site),
    };
    object_id(organization, &naming, &naming.canonical)
}
