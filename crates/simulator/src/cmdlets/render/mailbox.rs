//! Mailboxes, as four cmdlets show them.

use psrp::clixml::{Content, Object, Value};

use super::{
    Context,
    parts::{DirectoryPart, Naming, enumeration, finish, kind, object_id, smtp_address, texts},
};
use crate::organization::{Mailbox, Organization};

kind!(CAS_MAILBOX:
    "Microsoft.Exchange.Data.Directory.Management.CASMailbox",
    "Microsoft.Exchange.Data.Directory.Management.ADPresentationObject",
    "Microsoft.Exchange.Data.Directory.ADObject",
    "Microsoft.Exchange.Data.Directory.ADRawEntry",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object");
kind!(MAILBOX:
    "Microsoft.Exchange.Data.Directory.Management.Mailbox",
    "Microsoft.Exchange.Data.Directory.Management.MailEnabledOrgPerson",
    "Microsoft.Exchange.Data.Directory.Management.ADPresentationObject",
    "Microsoft.Exchange.Data.Directory.ADObject",
    "Microsoft.Exchange.Data.Directory.ADRawEntry",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object");
kind!(USER:
    "Microsoft.Exchange.Data.Directory.Management.User",
    "Microsoft.Exchange.Data.Directory.Management.ADPresentationObject",
    "Microsoft.Exchange.Data.Directory.ADObject",
    "Microsoft.Exchange.Data.Directory.ADRawEntry",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object");
kind!(RECIPIENT:
    "Microsoft.Exchange.Data.Directory.Management.ReducedRecipient",
    "Microsoft.Exchange.Data.Directory.ADObject",
    "Microsoft.Exchange.Data.Directory.ADRawEntry",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object");
kind!(PROXY_ADDRESSES:
    "Microsoft.Exchange.Data.ProxyAddressCollection",
    "Microsoft.Exchange.Data.ProxyAddressBaseCollection`1[[Microsoft.Exchange.Data.ProxyAddress, Microsoft.Exchange.Data, Version=15.0.0.0, Culture=neutral, PublicKeyToken=31bf3856ad364e35]]",
    "Microsoft.Exchange.Data.MultiValuedPropertyBase",
    "System.Object");
kind!(PROXY_ADDRESS:
    "Microsoft.Exchange.Data.SmtpProxyAddress",
    "Microsoft.Exchange.Data.ProxyAddress",
    "System.Object");

/// Get-CASMailbox: what the owner may do with which client.
pub(in crate::cmdlets) fn cas_mailbox(
    organization: &Organization,
    context: &Context,
    mailbox: &Mailbox,
) -> Value {
    let policy = organization.policy_of(mailbox);
    let policy_id =
        object_id(organization, &super::policy::policy_naming(organization, policy), &policy.name);
    let object = CAS_MAILBOX
        .object()
        .with_adapted("EmailAddresses", addresses(organization, mailbox))
        .with_adapted("LegacyExchangeDN", legacy_dn(organization, mailbox))
        .with_adapted("LinkedMasterAccount", "")
        .with_adapted("PrimarySmtpAddress", smtp_address(&mailbox.address(organization)))
        .with_adapted("SamAccountName", &*mailbox.sam)
        .with_adapted("ServerLegacyDN", server_legacy_dn(organization, mailbox))
        .with_adapted("ServerName", server_name(organization, mailbox).to_lowercase())
        .with_adapted("DisplayName", &*mailbox.name)
        .with_adapted("ActiveSyncAllowedDeviceIDs", texts(&mailbox.allowed))
        .with_adapted("ActiveSyncBlockedDeviceIDs", texts(&mailbox.blocked))
        .with_adapted("ActiveSyncMailboxPolicy", policy_id)
        .with_adapted("ActiveSyncMailboxPolicyIsDefaulted", mailbox.has_default_policy())
        .with_adapted("ActiveSyncDebugLogging", "false")
        .with_adapted("ActiveSyncSuppressReadReceipt", false)
        .with_adapted("ActiveSyncEnabled", mailbox.active_sync)
        .with_adapted("HasActiveSyncDevicePartnership", !mailbox.devices.is_empty())
        .with_adapted("OWAEnabled", true)
        .with_adapted("OWAforDevicesEnabled", true)
        .with_adapted("MAPIEnabled", true)
        .with_adapted("PopEnabled", true)
        .with_adapted("ImapEnabled", true);
    finish_recipient(organization, context, object, mailbox)
}

/// Get-Mailbox.
pub(in crate::cmdlets) fn mailbox(
    organization: &Organization,
    context: &Context,
    mailbox: &Mailbox,
) -> Value {
    let object = MAILBOX
        .object()
        .with_adapted("Database", organization.database(mailbox).name.as_str())
        .with_adapted("ExchangeGuid", mailbox.exchange_guid)
        .with_adapted("ServerName", server_name(organization, mailbox).to_lowercase())
        .with_adapted("ServerLegacyDN", server_legacy_dn(organization, mailbox))
        .with_adapted("IsMailboxEnabled", true)
        .with_adapted("SamAccountName", &*mailbox.sam)
        .with_adapted("UserPrincipalName", mailbox.user_principal_name(organization))
        .with_adapted("Alias", &*mailbox.alias)
        .with_adapted("OrganizationalUnit", mailbox.unit_canonical(organization))
        .with_adapted("DisplayName", &*mailbox.name)
        .with_adapted("EmailAddresses", addresses(organization, mailbox))
        .with_adapted("LegacyExchangeDN", legacy_dn(organization, mailbox))
        .with_adapted("PrimarySmtpAddress", smtp_address(&mailbox.address(organization)))
        .with_adapted("RecipientType", enumeration(RECIPIENT_TYPE, ("UserMailbox", 1)))
        .with_adapted(
            "RecipientTypeDetails",
            enumeration(RECIPIENT_TYPE_DETAILS, ("UserMailbox", 1)),
        );
    finish_recipient(organization, context, object, mailbox)
}

/// Get-User.
pub(in crate::cmdlets) fn user(
    organization: &Organization,
    context: &Context,
    mailbox: &Mailbox,
) -> Value {
    let object = USER
        .object()
        .with_adapted("IsSecurityPrincipal", true)
        .with_adapted("SamAccountName", &*mailbox.sam)
        .with_adapted("UserPrincipalName", mailbox.user_principal_name(organization))
        .with_adapted("DisplayName", &*mailbox.name)
        .with_adapted("Department", "")
        .with_adapted("Office", "")
        .with_adapted("RemotePowerShellEnabled", false)
        .with_adapted("WindowsEmailAddress", smtp_address(&mailbox.address(organization)))
        .with_adapted("OrganizationalUnit", mailbox.unit_canonical(organization))
        .with_adapted("RecipientType", enumeration(RECIPIENT_TYPE, ("UserMailbox", 1)))
        .with_adapted(
            "RecipientTypeDetails",
            enumeration(RECIPIENT_TYPE_DETAILS, ("UserMailbox", 1)),
        );
    finish_recipient(organization, context, object, mailbox)
}

/// Get-Recipient.
pub(in crate::cmdlets) fn recipient(
    organization: &Organization,
    context: &Context,
    mailbox: &Mailbox,
) -> Value {
    let object = RECIPIENT
        .object()
        .with_adapted("Alias", &*mailbox.alias)
        .with_adapted("DisplayName", &*mailbox.name)
        .with_adapted("SamAccountName", &*mailbox.sam)
        .with_adapted("Database", organization.database(mailbox).name.as_str())
        .with_adapted("ServerName", server_name(organization, mailbox).to_lowercase())
        .with_adapted("EmailAddresses", addresses(organization, mailbox))
        .with_adapted("PrimarySmtpAddress", smtp_address(&mailbox.address(organization)))
        .with_adapted("HasActiveSyncDevicePartnership", !mailbox.devices.is_empty())
        .with_adapted("OrganizationalUnit", mailbox.unit_canonical(organization))
        .with_adapted("RecipientType", enumeration(RECIPIENT_TYPE, ("UserMailbox", 1)))
        .with_adapted(
            "RecipientTypeDetails",
            enumeration(RECIPIENT_TYPE_DETAILS, ("UserMailbox", 1)),
        );
    finish_recipient(organization, context, object, mailbox)
}

/// Adds the directory part, and in the cloud the id that the other directory knows the user by.
fn finish_recipient(
    organization: &Organization,
    context: &Context,
    object: Object,
    mailbox: &Mailbox,
) -> Value {
    let object = if organization.dialect(context.server).is_hosted() {
        let id = uuid::Uuid::new_v5(&mailbox.guid, b"directory");
        object.with_adapted("ExternalDirectoryObjectId", id.to_string())
    } else {
        object
    };
    finish(organization, context, object, &part(&naming(organization, mailbox), mailbox))
}

const RECIPIENT_TYPE: &str = "Microsoft.Exchange.Data.Directory.Recipient.RecipientType";
const RECIPIENT_TYPE_DETAILS: &str =
    "Microsoft.Exchange.Data.Directory.Recipient.RecipientTypeDetails";

fn naming(organization: &Organization, mailbox: &Mailbox) -> Naming {
    Naming {
        guid: mailbox.guid,
        name: mailbox.name.to_string(),
        distinguished_name: mailbox.distinguished_name(organization),
        canonical: mailbox.canonical(organization),
    }
}

fn part<'a>(naming: &'a Naming, mailbox: &Mailbox) -> DirectoryPart<'a> {
    DirectoryPart {
        naming,
        category: "Person",
        classes: &["top", "person", "organizationalPerson", "user"],
        version: "0.20 (15.0.0.0)",
        created: mailbox.created,
        changed: mailbox.changed,
    }
}

fn addresses(organization: &Organization, mailbox: &Mailbox) -> Value {
    let mut all = vec![format!("SMTP:{}", mailbox.address(organization))];
    if let Some(principal) = &mailbox.principal {
        all.push(format!("smtp:{principal}"));
    }
    let items = all.iter().map(|address| {
        let plain = address.split_once(':').map_or("", |(_, plain)| plain);
        PROXY_ADDRESS
            .object()
            .with_text(address.as_str())
            .with_adapted("SmtpAddress", plain)
            .with_adapted("AddressString", plain)
            .with_adapted("ProxyAddressString", address.as_str())
            .with_adapted("Prefix", "SMTP")
            .with_adapted("IsPrimaryAddress", address.starts_with("SMTP:"))
            .into()
    });
    let items = items.collect();
    Object { content: Content::List(items), ..PROXY_ADDRESSES.object() }.into()
}

fn server_name<'a>(organization: &'a Organization, mailbox: &Mailbox) -> &'a str {
    &organization.server(organization.database(mailbox).server).name
}

fn legacy_dn(organization: &Organization, mailbox: &Mailbox) -> String {
    format!("{}/cn=Recipients/cn={}", administrative_group(organization), mailbox.sam)
}

fn server_legacy_dn(organization: &Organization, mailbox: &Mailbox) -> String {
    let server = server_name(organization, mailbox);
    format!("{}/cn=Configuration/cn=Servers/cn={server}", administrative_group(organization))
}

fn administrative_group(organization: &Organization) -> String {
    format!("/o={}/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)", organization.options().name)
}
