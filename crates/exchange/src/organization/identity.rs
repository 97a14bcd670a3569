//! Which organization it is: by the token of a tenant, or by what the account may see of Exchange's
//! configuration. That is not the same for every account, nor for one whose roles have changed, and one
//! organization has several names for that.

use domain::{DistinguishedName, access::Hosting, connector::OrganizationIdentity};

use super::Organization;
use crate::{Cmdlet, Error, Object, Session, Value};

/// An organization that was recognized, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    /// Exchange's own id of it: the best that the account may see.
    pub identity: OrganizationIdentity,
    /// Whether it is the one that is known by the key that was given.
    pub is_known: bool,
}

impl Identified {
    fn of(identity: OrganizationIdentity, known: Option<&str>) -> Self {
        let is_known = known == Some(identity.key.as_str());
        Self { identity, is_known }
    }
}

impl<S: Session> Organization<S> {
    /// Exchange's own id of the organization, if the account may see any, and whether it is the one
    /// `known` by a key of before. One that is hosted is called by its `tenant` as it was given.
    pub async fn identity(
        &mut self,
        tenant: &str,
        known: Option<&str>,
    ) -> Result<Option<Identified>, Error> {
        if let Some(mut identity) = self.session.organization() {
            if identity.name.eq_ignore_ascii_case(&identity.key) {
                // Given by its id, which says nothing to people.
                let settings = self.collect(Cmdlet::new("Get-OrganizationConfig")).await?;
                let name = settings.objects.first().and_then(|object| object.get("Name")?.text());
                identity.name = name.unwrap_or(identity.name);
            }
            return Ok(Some(Identified::of(identity, known)));
        }
        let mut best = None;
        for cmdlet in ["Get-ActiveSyncOrganizationSettings", "Get-OrganizationConfig"] {
            let settings = self.collect(Cmdlet::new(cmdlet)).await?;
            let Some(object) = settings.objects.first() else { continue };
            if self.session.hosting() == Hosting::Hosted {
                let Some(key) = guid(object) else { continue };
                let identity = OrganizationIdentity { key, name: tenant.to_owned() };
                return Ok(Some(Identified::of(identity, known)));
            }
            let dn = object.get("DistinguishedName").and_then(Value::text);
            let dn = dn.as_deref().and_then(organization_of);
            let name = dn.as_ref().and_then(DistinguishedName::first_value);
            let name = name.or_else(|| object.get("Name")?.text());
            let (Some(key), Some(name)) = (guid(object), name) else { continue };
            let here = OrganizationIdentity { key, name };
            if known == Some(here.key.as_str()) {
                return Ok(Some(Identified { identity: here, is_known: true }));
            }
            let is_known = dn.is_some_and(|dn| known == Some(dn.key().as_str()));
            let identity = best.get_or_insert(here);
            if is_known || known.is_none() {
                return Ok(Some(Identified { identity: identity.clone(), is_known }));
            }
        }
        let mut names = self.servers().await?.into_iter().filter_map(|one| one.distinguished_name);
        if let Some(dn) = names.find_map(|name| organization_of(name.as_str())) {
            let (key, name) = (dn.key(), dn.first_value().unwrap_or_default());
            let is_known = known == Some(key.as_str());
            let identity = best.unwrap_or(OrganizationIdentity { key, name });
            return Ok(Some(Identified { identity, is_known }));
        }
        Ok(best.map(|identity| Identified { identity, is_known: false }))
    }
}

fn guid(object: &Object) -> Option<String> {
    object.get("Guid").and_then(Value::guid).map(|guid| guid.to_string())
}

/// The organization's own name within that of one of its objects: what stands before
/// `CN=Microsoft Exchange,CN=Services`.
fn organization_of(name: &str) -> Option<DistinguishedName> {
    let mut name = DistinguishedName::parse(name)?;
    loop {
        let parent = name.ancestor(1)?;
        let is_root =
            parent.first_value().is_some_and(|v| v.eq_ignore_ascii_case("Microsoft Exchange"));
        if is_root {
            return Some(name);
        }
        name = parent;
    }
}
