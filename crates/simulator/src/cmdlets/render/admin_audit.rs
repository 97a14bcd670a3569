//! Events of the administrator audit log.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use psrp::clixml::{Content, Value};
use uuid::Uuid;

use super::{
    Context,
    parts::{enumeration, kind, noted, utc},
};
use crate::organization::{AdminAuditEvent, Organization};

kind!(EVENT:
    "Microsoft.Exchange.Management.SystemConfigurationTasks.AdminAuditLogEvent",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object");
kind!(PARAMETER:
    "Microsoft.Exchange.Management.SystemConfigurationTasks.AdminAuditLogCmdletParameter",
    "System.Object");
kind!(PARAMETERS:
    "Microsoft.Exchange.Data.MultiValuedProperty`1[[Microsoft.Exchange.Management.SystemConfigurationTasks.AdminAuditLogCmdletParameter]]",
    "Microsoft.Exchange.Data.MultiValuedPropertyBase",
    "System.Object");
kind!(MODIFIED_PROPERTIES:
    "Microsoft.Exchange.Data.MultiValuedProperty`1[[Microsoft.Exchange.Management.SystemConfigurationTasks.AdminAuditLogModifiedProperty]]",
    "Microsoft.Exchange.Data.MultiValuedPropertyBase",
    "System.Object");

/// Search-AdminAuditLog.
pub(in crate::cmdlets) fn admin_audit_event(
    organization: &Organization,
    context: &Context,
    id: Uuid,
    event: &AdminAuditEvent,
) -> Value {
    let parameters = event.parameters.iter().map(|(name, value)| {
        let parameter = PARAMETER.object().with_text(*name);
        let named = parameter.with_adapted("Name", *name).with_adapted("Value", value.as_str());
        Value::from(named)
    });
    let mut all = PARAMETERS.object();
    all.content = Content::List(parameters.collect());
    let mut modified = MODIFIED_PROPERTIES.object();
    modified.content = Content::List(Vec::new());
    let server = organization.server(event.server);
    let [major, minor, build, revision] = server.version;
    let object = EVENT
        .object()
        .with_adapted("ObjectModified", event.object_modified.as_str())
        .with_adapted("CmdletName", event.cmdlet)
        .with_adapted("CmdletParameters", all)
        .with_adapted("ModifiedProperties", modified)
        .with_adapted("Caller", event.caller.as_str())
        .with_adapted("Succeeded", event.error.is_none())
        .with_adapted("Error", event.error.as_deref().unwrap_or("None"))
        .with_adapted("RunDate", utc(event.run_date))
        .with_adapted(
            "OriginatingServer",
            format!("{} ({major}.{minor:02}.{build:04}.{revision:03})", server.name),
        )
        .with_adapted("Identity", STANDARD.encode(id.as_bytes()))
        .with_adapted("IsValid", true)
        .with_adapted(
            "ObjectState",
            enumeration("Microsoft.Exchange.Data.ObjectState", ("New", 0)),
        );
    noted(organization, context, object)
}
