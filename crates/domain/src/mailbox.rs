//! A mailbox: the owner side of a device.

use uuid::Uuid;

use crate::DistinguishedName;

/// What Exchange says about one mailbox that has a partnership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxFacts {
    /// Exchange's GUID of the directory object.
    pub guid: Option<Uuid>,
    /// The join key: a device's owner has this name.
    pub distinguished_name: DistinguishedName,
    /// Name shown to people.
    pub display_name: Option<String>,
    /// Mail alias.
    pub alias: Option<String>,
    /// Logon name of old (`sAMAccountName`).
    pub sam_account_name: Option<String>,
    /// Logon name of today. Need not equal the address.
    pub user_principal_name: Option<String>,
    /// Primary SMTP address.
    pub primary_smtp_address: Option<String>,
    /// Device ids the mailbox admits in any case.
    pub allowed_device_ids: Vec<String>,
    /// Device ids the mailbox refuses in any case.
    pub blocked_device_ids: Vec<String>,
    /// Name of the mailbox policy.
    pub policy: Option<String>,
    /// Whether ActiveSync is on.
    pub active_sync_enabled: Option<bool>,
}
