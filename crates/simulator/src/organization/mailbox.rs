//! A mailbox: the owner side of devices.

use jiff::Timestamp;
use uuid::Uuid;

use super::Organization;

/// Somebody with a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mailbox {
    pub(crate) guid: Uuid,
    pub(crate) exchange_guid: Uuid,
    /// Common name and display name.
    pub(crate) name: Box<str>,
    /// Unique within the domain, at most 20 characters.
    pub(crate) sam: Box<str>,
    /// `given.family`, unique: alias and local part of the address.
    pub(crate) alias: Box<str>,
    /// Sign-in name, where it is not the address.
    pub(crate) principal: Option<Box<str>>,
    /// Index into [`UNITS`].
    pub(super) unit: u8,
    pub(super) database: u16,
    /// Index of the policy it was given; without one it has the default.
    pub(super) policy: Option<u16>,
    pub(crate) active_sync: bool,
    pub(crate) created: Timestamp,
    pub(crate) changed: Timestamp,
    pub(crate) allowed: Vec<String>,
    pub(crate) blocked: Vec<String>,
    /// Indices of the owner's devices.
    pub(crate) devices: Vec<u32>,
}

/// An organizational unit: distinguished name and canonical name below the domain.
pub(super) struct Container {
    dn: &'static str,
    canonical: &'static str,
}

pub(super) const UNITS: &[Container] = &[
    Container { dn: "CN=Users", canonical: "Users" },
    Container { dn: "OU=Berlin,OU=Staff", canonical: "Staff/Berlin" },
    Container { dn: "OU=München,OU=Staff", canonical: "Staff/München" },
    Container { dn: "OU=上海,OU=Staff", canonical: "Staff/上海" },
    Container { dn: r"OU=Sales\, EMEA,OU=Staff", canonical: "Staff/Sales, EMEA" },
    Container { dn: "OU=R&D,OU=Staff", canonical: "Staff/R&D" },
];

/// Which organizational unit a mailbox lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unit(u8);

impl Organization {
    /// The units that a distinguished name, canonical name or name means, with those below it.
    /// None if there is no such unit. The domain itself means all.
    pub(crate) fn units_of(&self, identity: &str) -> Vec<Unit> {
        let wanted = identity.trim_end_matches('/').to_lowercase();
        let (domain, domain_dn) = (&self.options.domain, self.domain_dn());
        let lies_in = |unit: &Container| {
            let dn = format!("{},{domain_dn}", unit.dn).to_lowercase();
            let canonical = format!("{domain}/{}", unit.canonical).to_lowercase();
            dn == wanted
                || dn.strip_suffix(&wanted).is_some_and(|below| below.ends_with(','))
                || canonical.split('/').any(|part| part == wanted)
                || canonical
                    .strip_prefix(&wanted)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let all = (0_u8..).zip(UNITS);
        all.filter(|(_, unit)| lies_in(unit)).map(|(index, _)| Unit(index)).collect()
    }
}

impl Mailbox {
    /// Where it lies.
    pub(crate) const fn unit(&self) -> Unit {
        Unit(self.unit)
    }

    /// Canonical name; a slash in a part would be escaped.
    pub(crate) fn canonical(&self, organization: &Organization) -> String {
        let name = self.name.replace('/', r"\/");
        format!("{}/{name}", self.unit_canonical(organization))
    }

    pub(crate) fn unit_canonical(&self, organization: &Organization) -> String {
        if organization.options.dialect.is_hosted() {
            let (domain, tenant) = (organization.directory_domain(), organization.tenant_domain());
            return format!("{domain}/Microsoft Exchange Hosted Organizations/{tenant}");
        }
        format!("{}/{}", organization.options.domain, UNITS[usize::from(self.unit)].canonical)
    }

    pub(crate) fn distinguished_name(&self, organization: &Organization) -> String {
        if organization.options.dialect.is_hosted() {
            let (name, tenant) = (escaped(&self.name), organization.tenant_domain());
            let units = format!("OU={tenant},OU=Microsoft Exchange Hosted Organizations");
            return format!("CN={name},{units},{}", organization.domain_dn());
        }
        let unit = UNITS[usize::from(self.unit)].dn;
        format!("CN={},{unit},{}", escaped(&self.name), organization.domain_dn())
    }

    /// Gives the mailbox a policy, by its index; none lets it have the default.
    pub(crate) fn assign_policy(&mut self, index: Option<usize>) {
        self.policy = index.and_then(|index| u16::try_from(index).ok());
    }

    /// Whether it was given no policy, and has the default for that reason.
    pub(crate) const fn has_default_policy(&self) -> bool {
        self.policy.is_none()
    }

    /// Primary SMTP address.
    pub(crate) fn address(&self, organization: &Organization) -> String {
        format!("{}@{}", self.alias, organization.options.domain)
    }

    pub(crate) fn user_principal_name(&self, organization: &Organization) -> String {
        match &self.principal {
            Some(principal) => principal.to_string(),
            None => self.address(organization),
        }
    }
}

/// A value as it stands in a distinguished name (RFC 4514, 2.4).
pub(crate) fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    for character in value.chars() {
        if matches!(character, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=') {
            text.push('\\');
        }
        text.push(character);
    }
    text
}
