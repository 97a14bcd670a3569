//! Mailboxes: `Get-CASMailbox` and `Get-Mailbox`.

use domain::MailboxFacts;

use super::{Properties, RecordError, last_part};
use crate::{Object, Value};

/// Every property that is looked at.
pub(crate) const PROPERTIES: [&str; 13] = [
    "ActiveSyncAllowedDeviceIDs",
    "ActiveSyncBlockedDeviceIDs",
    "ActiveSyncEnabled",
    "ActiveSyncMailboxPolicy",
    "Alias",
    "DisplayName",
    "DistinguishedName",
    "Guid",
    "Name",
    "PrimarySmtpAddress",
    "SamAccountName",
    "UserPrincipalName",
    "WindowsEmailAddress",
];

/// The facts an object of the mailbox list gives.
///
/// # Errors
/// [`RecordError::NoName`]: no device could be joined with it.
pub fn mailbox(object: Object) -> Result<MailboxFacts, RecordError> {
    let mut object = Properties(object);
    let distinguished_name =
        object.distinguished_name().ok_or_else(|| RecordError::NoName(object.what()))?;
    let mut list = |name: &str| -> Vec<String> {
        let value = object.0.take(name).unwrap_or(Value::Null);
        value.items().iter().filter_map(Value::text).collect()
    };
    let allowed_device_ids = list("ActiveSyncAllowedDeviceIDs");
    let blocked_device_ids = list("ActiveSyncBlockedDeviceIDs");
    Ok(MailboxFacts {
        guid: object.0.get("Guid").and_then(Value::guid),
        distinguished_name,
        display_name: object.text(&["DisplayName", "Name"]),
        alias: object.text(&["Alias"]),
        sam_account_name: object.text(&["SamAccountName"]),
        user_principal_name: object.text(&["UserPrincipalName"]),
        primary_smtp_address: object.text(&["PrimarySmtpAddress", "WindowsEmailAddress"]),
        allowed_device_ids,
        blocked_device_ids,
        policy: object.name(&["ActiveSyncMailboxPolicy"]).map(|name| last_part(&name).to_owned()),
        active_sync_enabled: object.0.get("ActiveSyncEnabled").and_then(Value::bool),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_addresses_are_read() {
        let xml = "<Obj RefId=\"0\"><Props><S N=\"DistinguishedName\">CN=Jane,DC=contoso,DC=com</S>\
                   <S N=\"SamAccountName\">jane</S><B N=\"ActiveSyncEnabled\">false</B><Obj N=\"PrimarySmtpAddress\" RefId=\"1\"><ToString>jane@contoso.com</ToString>\
                   <Props><I32 N=\"Length\">16</I32></Props></Obj><Obj N=\"ActiveSyncAllowedDeviceIDs\" RefId=\"2\">\
                   <LST><S>A</S><S>B</S></LST></Obj><Obj N=\"ActiveSyncBlockedDeviceIDs\" RefId=\"3\"><LST /></Obj></Props></Obj>";
        let read =
            |xml: &str| mailbox(Object::from_clixml(psrp::clixml::read(xml.as_bytes()).unwrap()));
        let facts = read(xml).unwrap();
        assert_eq!(facts.primary_smtp_address.as_deref(), Some("jane@contoso.com"));
        assert_eq!(facts.allowed_device_ids, ["A", "B"]);
        assert!(facts.blocked_device_ids.is_empty());
        assert_eq!(facts.active_sync_enabled, Some(false));
        let nameless = read("<Obj RefId=\"0\"><Props><S N=\"Name\">Jane</S></Props></Obj>");
        assert_eq!(nameless, Err(RecordError::NoName("Jane".to_owned())));
    }
}
