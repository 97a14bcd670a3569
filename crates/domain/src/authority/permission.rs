//! Permissions, named after those of the founding products.

use crate::device::words;

/// What a caller may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Permission {
    /// Add, change and remove connectors, and start their syncs.
    ModifySite,
    /// Change settings, access rules and the default access level.
    ModifyConnectorPolicy,
    /// Users, roles, assignments, other people's tokens, sign-in, notifications, the guard.
    ModifySecurity,
    /// Read the audit.
    ReadAudit,
    /// See connectors, jobs and how everything is.
    Read,
    /// See devices, and read one again.
    ReadResource,
    /// Allow, block, release from quarantine, cancel a wipe.
    ModifyResource,
    /// Wipe the account of a device, forget a partnership.
    DeleteResource,
    /// Erase an entire phone.
    WipeDevice,
    /// Approve what the guard holds and somebody else asked for.
    Approve,
}

words!(Permission {
    ModifySite = "modify-site",
    ModifyConnectorPolicy = "modify-connector-policy",
    ModifySecurity = "modify-security",
    ReadAudit = "read-audit",
    Read = "read",
    ReadResource = "read-resource",
    ModifyResource = "modify-resource",
    DeleteResource = "delete-resource",
    WipeDevice = "wipe-device",
    Approve = "approve",
});

/// What a permission is about: where it can be granted follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PermissionKind {
    /// Connectors: everywhere, or on some of them.
    Site,
    /// Everything at once: only everywhere.
    Security,
    /// Devices: everywhere, of some connectors, or those of collections.
    Collection,
}

impl Permission {
    /// What it is about.
    #[must_use]
    pub const fn kind(self) -> PermissionKind {
        match self {
            Self::ModifySite | Self::ModifyConnectorPolicy => PermissionKind::Site,
            Self::ModifySecurity | Self::ReadAudit => PermissionKind::Security,
            Self::Read
            | Self::ReadResource
            | Self::ModifyResource
            | Self::DeleteResource
            | Self::WipeDevice
            | Self::Approve => PermissionKind::Collection,
        }
    }

    /// As administrators of the founding products know it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::ModifySite => "Site: Modify",
            Self::ModifyConnectorPolicy => "Site: Modify connector policy",
            Self::ModifySecurity => "Security: Modify",
            Self::ReadAudit => "Audit: Read",
            Self::Read => "Collection: Read",
            Self::ReadResource => "Collection: Read resource",
            Self::ModifyResource => "Collection: Modify resource",
            Self::DeleteResource => "Collection: Delete resource",
            Self::WipeDevice => "Collection: Wipe device",
            Self::Approve => "Collection: Approve",
        }
    }

    /// What somebody who has it can do, in one clause.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::ModifySite => "add, change, remove and sync connectors",
            Self::ModifyConnectorPolicy => "change settings, access rules and the default level",
            Self::ModifySecurity => {
                "change users, roles, other people's tokens, sign-in, notifications and the guard"
            }
            Self::ReadAudit => "read and export the audit",
            Self::Read => "see connectors and jobs",
            Self::ReadResource => "see devices and read one again",
            Self::ModifyResource => "allow, block and release devices, and cancel wipes",
            Self::DeleteResource => "erase the mail account on a phone, and forget partnerships",
            Self::WipeDevice => "erase an entire phone",
            Self::Approve => "approve what the guard holds and somebody else asked for",
        }
    }
}

/// A set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u16);

impl Permissions {
    /// Every permission.
    pub const ALL: Self = {
        let (mut bits, mut index) = (0, 0);
        while index < Permission::ALL.len() {
            bits |= bit(Permission::ALL[index]);
            index += 1;
        }
        Self(bits)
    };

    /// Whether it holds a permission.
    #[must_use]
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & bit(permission) != 0
    }

    /// What both hold.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What either holds.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Its permissions, in their order.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.contains(*permission))
    }
}

const fn bit(permission: Permission) -> u16 {
    1 << permission as u16
}

impl<const N: usize> From<[Permission; N]> for Permissions {
    fn from(permissions: [Permission; N]) -> Self {
        permissions.into_iter().collect()
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |bits, permission| bits | bit(permission)))
    }
}
