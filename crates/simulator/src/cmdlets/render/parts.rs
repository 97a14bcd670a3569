//! What all objects are made of.

use std::sync::{Arc, LazyLock};

use jiff::{Timestamp, tz::Offset};
use psrp::clixml::{Content, Object, Property, TypeNames, Value};
use uuid::Uuid;

use super::Context;
use crate::{
    cmdlets::{Definition, binding::parameters},
    organization::Organization,
};

/// The organization's clocks show Central European winter time all year.
const LOCAL_OFFSET: Offset = Offset::constant(1);

/// Type names of one kind of object, made once.
pub(super) struct Kind(LazyLock<TypeNames>);

/// The ancestors of every object that is kept in the directory.
macro_rules! kind {
    ($name:ident: $($type:literal),+) => {
        static $name: $crate::cmdlets::render::parts::Kind =
            $crate::cmdlets::render::parts::Kind::new(|| {
                psrp::clixml::TypeNames::new([$($type),+])
            });
    };
}
pub(super) use kind;

impl Kind {
    pub(super) const fn new(names: fn() -> TypeNames) -> Self {
        Self(LazyLock::new(names))
    }

    /// An object of this kind, empty.
    pub(super) fn object(&self) -> Object {
        Object { type_names: self.0.clone(), ..Object::default() }
    }
}

kind!(AD_OBJECT_ID:
    "Microsoft.Exchange.Data.Directory.ADObjectId",
    "Microsoft.Exchange.Data.ObjectId",
    "System.Object");
kind!(MULTI_VALUED_STRING:
    "Microsoft.Exchange.Data.MultiValuedProperty`1[[System.String, mscorlib, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089]]",
    "Microsoft.Exchange.Data.MultiValuedPropertyBase",
    "System.Object");
kind!(SMTP_ADDRESS:
    "Microsoft.Exchange.Data.SmtpAddress",
    "System.ValueType",
    "System.Object");
kind!(ORGANIZATION_ID:
    "Microsoft.Exchange.Data.Directory.OrganizationId",
    "System.Object");
kind!(EXCHANGE_OBJECT_VERSION:
    "Microsoft.Exchange.Data.ExchangeObjectVersion",
    "System.Object");
kind!(CMDLET_INFO:
    "System.Management.Automation.CmdletInfo",
    "System.Management.Automation.CommandInfo",
    "System.Object");

/// `<S>` with text, `<Nil/>` without.
pub(super) fn optional(text: Option<&str>) -> Value {
    text.filter(|text| !text.is_empty()).map_or(Value::Nil, Value::from)
}

/// An enum member: its name as `ToString` around its number.
pub(super) fn enumeration(type_name: &str, (word, number): (&str, i32)) -> Value {
    Object::around(Content::Primitive(Value::Int32(number)))
        .with_type_names([type_name, "System.Enum", "System.ValueType", "System.Object"])
        .with_text(word)
        .into()
}

/// `2026-11-21T05:00:00+01:00`
pub(super) fn local(time: Timestamp) -> Value {
    let shown = time.display_with_offset(LOCAL_OFFSET).to_string();
    Value::DateTime(shown)
}

/// `2026-11-21T04:00:00Z`
pub(super) fn utc(time: Timestamp) -> Value {
    Value::DateTime(time.to_string())
}

/// `utc`, or nothing.
pub(super) fn optional_utc(time: Option<Timestamp>) -> Value {
    time.map_or(Value::Nil, utc)
}

/// A multivalued property of texts.
pub(super) fn texts<T: AsRef<str>>(items: &[T]) -> Value {
    let items = items.iter().map(|item| Value::from(item.as_ref())).collect();
    let mut object = MULTI_VALUED_STRING.object();
    object.content = Content::List(items);
    object.into()
}

/// An address with its parts.
pub(super) fn smtp_address(address: &str) -> Value {
    let (local, domain) = address.split_once('@').unwrap_or((address, ""));
    SMTP_ADDRESS
        .object()
        .with_text(address)
        .with_adapted("Length", i32::try_from(address.len()).unwrap_or(i32::MAX))
        .with_adapted("IsUTF8", false)
        .with_adapted("IsValidAddress", true)
        .with_adapted("Local", local)
        .with_adapted("Domain", domain)
        .into()
}

/// `Unlimited<T>` without a limit.
pub(super) fn unlimited(of: &str) -> Value {
    let name = format!("Microsoft.Exchange.Data.Unlimited`1[[{of}]]");
    Object::new()
        .with_type_names([name.as_str(), "System.ValueType", "System.Object"])
        .with_text("Unlimited")
        .with_adapted("IsUnlimited", true)
        .with_adapted("Value", Value::Nil)
        .into()
}

/// What names an object of the directory.
pub(super) struct Naming {
    pub(super) guid: Uuid,
    pub(super) name: String,
    pub(super) distinguished_name: String,
    /// `contoso.com/…/name`
    pub(super) canonical: String,
}

/// An `ADObjectId`. `text` is a name or the canonical name, as the property will have it.
pub(super) fn object_id(organization: &Organization, naming: &Naming, text: &str) -> Value {
    let domain = organization.directory_domain();
    let parent = naming.canonical.rsplit_once('/').map_or("", |(parent, _)| parent);
    let rdn = naming.distinguished_name.strip_suffix(&organization.domain_dn());
    let depth = naming.canonical.split('/').count() - 1 + domain.split('.').count();
    AD_OBJECT_ID
        .object()
        .with_text(text)
        .with_adapted("OrgHierarchyToIgnore", Value::Nil)
        .with_adapted("IsDeleted", false)
        .with_adapted("Rdn", rdn.map_or("", |rdn| first_part(rdn)))
        .with_adapted("Parent", parent)
        .with_adapted("Depth", i32::try_from(depth).unwrap_or(i32::MAX))
        .with_adapted("DistinguishedName", naming.distinguished_name.as_str())
        .with_adapted("IsRelativeDn", false)
        .with_adapted("DomainId", domain)
        .with_adapted("PartitionGuid", partition_guid(organization))
        .with_adapted("PartitionFQDN", domain)
        .with_adapted("ObjectGuid", naming.guid)
        .with_adapted("Name", naming.name.as_str())
        .into()
}

/// What every object of the directory ends with, and the notes that remoting adds.
pub(super) struct DirectoryPart<'a> {
    pub(super) naming: &'a Naming,
    /// Canonical name of the class below `Configuration/Schema`.
    pub(super) category: &'a str,
    pub(super) classes: &'a [&'a str],
    pub(super) version: &'a str,
    pub(super) created: Timestamp,
    pub(super) changed: Timestamp,
}

/// Adds the directory part. `Id` is the same object as `Identity`, as Exchange writes it.
pub(super) fn finish(
    organization: &Organization,
    context: &Context,
    object: Object,
    part: &DirectoryPart<'_>,
) -> Value {
    let domain = organization.directory_domain();
    let naming = part.naming;
    let identity = object_id(organization, naming, &naming.canonical);
    let version = EXCHANGE_OBJECT_VERSION.object().with_text(part.version);
    let object = object
        .with_adapted("AdminDisplayName", "")
        .with_adapted("ExchangeVersion", version)
        .with_adapted("Name", naming.name.as_str())
        .with_adapted("DistinguishedName", naming.distinguished_name.as_str())
        .with_adapted("Identity", identity.clone())
        .with_adapted("Guid", naming.guid)
        .with_adapted("ObjectCategory", format!("{domain}/Configuration/Schema/{}", part.category))
        .with_adapted("ObjectClass", texts(part.classes))
        .with_adapted("WhenChanged", local(part.changed))
        .with_adapted("WhenCreated", local(part.created))
        .with_adapted("WhenChangedUTC", utc(part.changed))
        .with_adapted("WhenCreatedUTC", utc(part.created))
        .with_adapted("OrganizationId", ORGANIZATION_ID.object().with_text(""))
        .with_adapted("Id", identity)
        .with_adapted("OriginatingServer", Context::domain_controller(organization))
        .with_adapted("IsValid", true)
        .with_adapted(
            "ObjectState",
            enumeration("Microsoft.Exchange.Data.ObjectState", ("Unchanged", 1)),
        );
    let object = if organization.dialect(context.server).is_hosted() {
        object.with_adapted("ExchangeObjectId", naming.guid)
    } else {
        object
    };
    noted(organization, context, object)
}

/// Adds the notes of remoting.
pub(super) fn noted(organization: &Organization, context: &Context, mut object: Object) -> Value {
    let server = organization.server(context.server).fqdn.as_str();
    object.extended.push(Property::new("PSComputerName", server));
    object.extended.push(Property::new("RunspaceId", context.runspace));
    object.extended.push(Property::new("PSShowComputerName", false));
    Value::Object(Arc::new(object))
}

/// What Get-Command says of a cmdlet.
pub(in crate::cmdlets) fn command(
    organization: &Organization,
    context: &Context,
    definition: &'static Definition,
) -> Value {
    // Remoting serializes one level deep: what lies below comes as its text.
    let metadata = "System.Management.Automation.ParameterMetadata";
    let parameters = parameters(definition, organization, context)
        .map(|name| (Value::from(name), Value::from(metadata)));
    let parameters = Object::around(Content::Dictionary(parameters.collect())).with_type_names([
        "System.Collections.Generic.Dictionary`2[[System.String],[System.Management.Automation.ParameterMetadata]]",
        "System.Object",
    ]);
    let kind = enumeration("System.Management.Automation.CommandTypes", ("Cmdlet", 8));
    let object = CMDLET_INFO
        .object()
        .with_text(definition.name)
        .with_adapted("Name", definition.name)
        .with_adapted("CommandType", kind)
        .with_adapted("ModuleName", "Microsoft.Exchange.Management.PowerShell.E2010")
        .with_adapted(
            "Visibility",
            enumeration("System.Management.Automation.SessionStateEntryVisibility", ("Public", 0)),
        )
        .with_adapted("Parameters", parameters);
    noted(organization, context, object)
}

/// An object of some of another's properties, all of them notes, as Select-Object makes it. The notes
/// of remoting stay.
pub(in crate::cmdlets) fn selected(value: &Value, names: &[String]) -> Value {
    let Some(object) = value.as_object() else { return value.clone() };
    let kind = object.type_names.first().unwrap_or("System.Object");
    let kind = format!("Selected.{}", kind.strip_prefix("Deserialized.").unwrap_or(kind));
    let mut made = Object::new().with_type_names([
        kind.as_str(),
        "System.Management.Automation.PSCustomObject",
        "System.Object",
    ]);
    for name in names {
        let value = object.property(name).cloned().unwrap_or(Value::Nil);
        made.extended.push(Property::new(name.as_str(), value));
    }
    made.extended.extend(object.extended.iter().cloned());
    made.into()
}

/// The identity that the next cmdlet of a pipeline takes from an object.
pub(in crate::cmdlets) fn identity_of(value: &Value) -> Option<Value> {
    let identity = value.property("Guid").or_else(|| value.property("Identity"));
    identity.cloned().or_else(|| value.text().map(|text| Value::String(text.into_owned())))
}

/// The same for every object of the organization.
fn partition_guid(organization: &Organization) -> Uuid {
    Uuid::new_v5(&organization.guid(), b"partition")
}

/// `CN=iPhone§…` of `CN=iPhone§…,CN=…`
fn first_part(text: &str) -> &str {
    let mut escaped = false;
    let end = text.find(|character| {
        let separates = character == ',' && !escaped;
        escaped = character == '\\' && !escaped;
        separates
    });
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}
