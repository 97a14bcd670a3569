//! Roles: permissions under a name.

use super::{Permission, Permissions};
use crate::device::words;

/// Permissions under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// What it is called in URLs, files and on the command line.
    pub name: RoleName,
    /// What it is for, in one sentence.
    pub description: String,
    /// What it permits.
    pub permissions: Permissions,
}

/// Name of a role: 1 to 63 characters of `a-z`, `0-9` and `-`, beginning with a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleName(String);

/// Why a text is no name of a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no name of a role: 1 to 63 of a-z, 0-9 and -, beginning with a letter or digit")]
pub struct InvalidRoleName(String);

impl RoleName {
    /// Longest name: a label of DNS, as everybody knows it.
    pub const MAX_LENGTH: usize = 63;

    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, InvalidRoleName> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_name = text.len() <= Self::MAX_LENGTH
            && text.starts_with(is_plain)
            && text.chars().all(|c| is_plain(c) || c == '-');
        if is_name { Ok(Self(text.to_owned())) } else { Err(InvalidRoleName(text.to_owned())) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for RoleName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The roles that are always there and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BuiltInRole {
    /// May do everything.
    FullAdministrator,
    /// Acts on devices, the whole phone included.
    OperationsAdministrator,
    /// Sees devices, lets them in and keeps them out.
    HelpDesk,
    /// Approves what others asked for, and reads the audit.
    SecurityOfficer,
    /// Sees devices.
    ReadOnlyAnalyst,
    /// Sees devices and reads the audit.
    Auditor,
}

words!(BuiltInRole {
    FullAdministrator = "full-administrator",
    OperationsAdministrator = "operations-administrator",
    HelpDesk = "help-desk",
    SecurityOfficer = "security-officer",
    ReadOnlyAnalyst = "read-only-analyst",
    Auditor = "auditor",
});

impl BuiltInRole {
    /// What it permits.
    #[must_use]
    pub fn permissions(self) -> Permissions {
        use Permission::{
            Approve, DeleteResource, ModifyResource, Read, ReadAudit, ReadResource, WipeDevice,
        };
        match self {
            Self::FullAdministrator => Permissions::ALL,
            Self::OperationsAdministrator => {
                [Read, ReadResource, ModifyResource, DeleteResource, WipeDevice].into()
            }
            Self::HelpDesk => [Read, ReadResource, ModifyResource].into(),
            Self::SecurityOfficer => [Read, ReadResource, Approve, ReadAudit].into(),
            Self::ReadOnlyAnalyst => [Read, ReadResource].into(),
            Self::Auditor => [Read, ReadResource, ReadAudit].into(),
        }
    }

    /// What it is for.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::FullAdministrator => "may do everything",
            Self::OperationsAdministrator => "acts on devices, up to erasing an entire phone",
            Self::HelpDesk => "lets devices in and keeps them out, and cancels wipes",
            Self::SecurityOfficer => "approves what the guard holds, and reads the audit",
            Self::ReadOnlyAnalyst => "sees devices, connectors and jobs",
            Self::Auditor => "sees devices, connectors and jobs, and reads the audit",
        }
    }

    /// As a role.
    #[must_use]
    pub fn role(self) -> Role {
        Role {
            name: RoleName(self.word().to_owned()),
            description: self.description().to_owned(),
            permissions: self.permissions(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// Who may do what by a built-in role: changed only on purpose.
    #[test]
    fn the_built_in_roles() {
        let mut matrix = String::new();
        for role in BuiltInRole::ALL {
            let permissions: Vec<_> = role.permissions().iter().map(Permission::word).collect();
            writeln!(matrix, "{role}: {}", permissions.join(" ")).unwrap();
            assert_eq!(RoleName::parse(role.word()).unwrap(), role.role().name);
        }
        assert_eq!(
            matrix,
            "full-administrator: modify-site modify-connector-policy modify-security read-audit \
             read read-resource modify-resource delete-resource wipe-device approve\n\
             operations-administrator: read read-resource modify-resource delete-resource \
             wipe-device\n\
             help-desk: read read-resource modify-resource\n\
             security-officer: read-audit read read-resource approve\n\
             read-only-analyst: read read-resource\n\
             auditor: read-audit read read-resource\n"
        );
    }

    #[test]
    fn names_of_roles() {
        for name in ["a", "help-desk", "2nd-level"] {
            assert_eq!(RoleName::parse(name).unwrap().as_str(), name);
        }
        for name in ["", "-a", "Help desk", "ä", &"a".repeat(64)] {
            assert!(RoleName::parse(name).is_err(), "{name:?}");
        }
    }
}
