//! A server of the organization.

use crate::DistinguishedName;

/// What Exchange says about one of its servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// Short name.
    pub name: String,
    /// Name to connect to.
    pub fqdn: Option<String>,
    /// Distinguished name; holds the organization's.
    pub distinguished_name: Option<DistinguishedName>,
    /// Active Directory site, by name.
    pub site: Option<String>,
    /// `Version 15.2 (Build 986.5)`, to the letter.
    pub version: Option<String>,
    /// Roles as Exchange prints them.
    pub role: Option<String>,
    /// Has the Client Access role.
    pub is_client_access: bool,
    /// Has the Mailbox role.
    pub is_mailbox: bool,
    /// Is an Edge server, which knows nothing of devices.
    pub is_edge: bool,
}
