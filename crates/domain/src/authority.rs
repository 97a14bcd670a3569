//! Who may do what, and where: a caller, a permission, and the proof that one was checked for the
//! other.

mod assignment;
mod permission;
mod role;

use jiff::Timestamp;

pub use assignment::{
    AssignedPlace, Assignee, Assignment, Authority, Collection, CollectionName, GroupName,
    InvalidCollectionName,
};
pub use permission::{Permission, PermissionKind, Permissions};
pub use role::{BuiltInRole, InvalidRoleName, Role, RoleName};

use crate::{ConnectorId, ConnectorName, Device, PersonId, Query, device::words};

/// Somebody or something that asks, after signing in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who it is, for ever.
    pub person: PersonId,
    /// Name for people and records.
    pub name: String,
    /// By which way the question came.
    pub source: Source,
    /// When: queries of collections that speak of time are true as of then.
    pub asked: Timestamp,
    /// What they may do, and where.
    pub grants: Vec<Grant>,
}

/// By which way somebody asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// A page of the console.
    Console,
    /// The command line.
    CommandLine,
    /// Another client of the REST API.
    Api,
    /// Gatepost itself: schedules, and jobs that go on.
    Engine,
}

words!(Source { Console = "console", CommandLine = "cli", Api = "api", Engine = "engine" });

/// Permissions that hold in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What may be done.
    pub permissions: Permissions,
    /// Where.
    pub place: Place,
}

/// Where a grant holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Everywhere.
    Everywhere,
    /// One connector and its devices.
    Connector(ConnectorId),
    /// The devices of a collection: those that its query finds.
    Collection(Query),
}

impl Caller {
    /// The holder of the token that the server wrote into its data directory: may do everything.
    #[must_use]
    pub fn local_administrator() -> Self {
        Self::of_everything(PersonId::LOCAL_ADMINISTRATOR, "local administrator", Source::Api)
    }

    /// Gatepost itself.
    #[must_use]
    pub fn engine() -> Self {
        Self::of_everything(PersonId::ENGINE, "Gatepost", Source::Engine)
    }

    fn of_everything(person: PersonId, name: &str, source: Source) -> Self {
        let grant = Grant { permissions: Permissions::ALL, place: Place::Everywhere };
        let grants = vec![grant];
        Self { person, name: name.to_owned(), source, asked: Timestamp::UNIX_EPOCH, grants }
    }

    /// The same, asking by another way.
    #[must_use]
    pub fn by(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// The same, asking at a time.
    #[must_use]
    pub fn at(self, asked: Timestamp) -> Self {
        Self { asked, ..self }
    }

    /// The same with no more than these permissions: what a token was made for.
    #[must_use]
    pub fn limited_to(mut self, permissions: Permissions) -> Self {
        for grant in &mut self.grants {
            grant.permissions = grant.permissions.intersection(permissions);
        }
        self
    }

    /// The same within one place only: where a token was made for. `name` tells what a connector is
    /// called, for what can only be said by a query.
    #[must_use]
    pub fn within(
        mut self,
        place: &Place,
        name: impl Fn(ConnectorId) -> Option<ConnectorName>,
    ) -> Self {
        let query = |id: ConnectorId| name(id).map(|name| Query::of_connector(&name));
        let both = |own: Place| {
            Some(match (own, place) {
                (own, Place::Everywhere) => own,
                (Place::Everywhere, place) => place.clone(),
                (Place::Connector(own), Place::Connector(other)) => {
                    Place::Connector((own == *other).then_some(own)?)
                }
                (Place::Connector(id), Place::Collection(part)) => {
                    Place::Collection(query(id)?.and(part.clone()))
                }
                (Place::Collection(part), Place::Connector(id)) => {
                    Place::Collection(query(*id)?.and(part))
                }
                (Place::Collection(own), Place::Collection(other)) => {
                    Place::Collection(own.and(other.clone()))
                }
            })
        };
        self.grants = std::mem::take(&mut self.grants)
            .into_iter()
            .filter_map(|grant| Some(Grant { place: both(grant.place)?, ..grant }))
            .collect();
        self
    }

    /// Whether the caller may do that somewhere.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.scope(permission).is_ok()
    }

    /// The proof that this caller may do what `permission` names, and where.
    pub fn scope(&self, permission: Permission) -> Result<Scope, Denied> {
        let mut is_everywhere = false;
        let (mut connectors, mut collections) = (Vec::new(), Vec::new());
        for grant in self.grants.iter().filter(|grant| grant.permissions.contains(permission)) {
            match &grant.place {
                Place::Everywhere => is_everywhere = true,
                Place::Connector(id) => connectors.push(*id),
                Place::Collection(query) => collections.push(query.clone()),
            }
        }
        let as_of = self.asked;
        let reach = match permission.kind() {
            _ if is_everywhere => Reach::Everywhere,
            // Nothing of the site, of its security or of the audit is within a collection.
            PermissionKind::Security if !is_everywhere => return Err(self.denied(permission)),
            PermissionKind::Site if connectors.is_empty() => return Err(self.denied(permission)),
            PermissionKind::Site => Reach::Parts { connectors, collections: Vec::new() },
            _ if connectors.is_empty() && collections.is_empty() => {
                return Err(self.denied(permission));
            }
            _ => Reach::Parts { connectors, collections },
        };
        Ok(Scope { permission, as_of, reach })
    }

    fn denied(&self, permission: Permission) -> Denied {
        Denied { person: self.person, caller: self.name.clone(), by: self.source, permission }
    }
}

/// Proof that a caller was checked. Only [`Caller::scope`] makes one, and every read of the store
/// takes one, so that a query without authority does not compile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    permission: Permission,
    as_of: Timestamp,
    reach: Reach,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reach {
    Everywhere,
    /// These connectors, and what any of these queries finds in any.
    Parts {
        connectors: Vec<ConnectorId>,
        collections: Vec<Query>,
    },
}

impl Scope {
    /// What the scope was made for.
    #[must_use]
    pub fn permission(&self) -> Permission {
        self.permission
    }

    /// The connectors that are within it whole; `None` means all.
    #[must_use]
    pub fn connectors(&self) -> Option<&[ConnectorId]> {
        match &self.reach {
            Reach::Everywhere => None,
            Reach::Parts { connectors, .. } => Some(connectors),
        }
    }

    /// The queries that find what else is within it. Empty if whole connectors are all there is.
    #[must_use]
    pub fn collections(&self) -> &[Query] {
        match &self.reach {
            Reach::Everywhere => &[],
            Reach::Parts { collections, .. } => collections,
        }
    }

    /// As of when queries of collections that speak of time are true.
    #[must_use]
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// Whether anything of a connector can be within it: its name may be seen.
    #[must_use]
    pub fn touches(&self, connector: ConnectorId) -> bool {
        match &self.reach {
            Reach::Everywhere => true,
            Reach::Parts { connectors, collections } => {
                !collections.is_empty() || connectors.contains(&connector)
            }
        }
    }

    /// Whether a device of the connector of this name is within it.
    #[must_use]
    pub fn holds(&self, device: &Device, connector: &ConnectorName) -> bool {
        match &self.reach {
            Reach::Everywhere => true,
            Reach::Parts { connectors, collections } => {
                connectors.contains(&device.connector)
                    || collections.iter().any(|query| {
                        // Gone or not is no matter of authority.
                        let present = Device { gone_since: None, ..device.clone() };
                        query.matches(device, connector, self.as_of)
                            || query.matches(&present, connector, self.as_of)
                    })
            }
        }
    }
}

/// The caller may not do that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{caller} has no permission {}", permission.title())]
pub struct Denied {
    /// Who asked.
    pub person: PersonId,
    /// The same, as people know them.
    pub caller: String,
    /// By which way they asked.
    pub by: Source,
    /// What was missing.
    pub permission: Permission,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn caller(grants: Vec<Grant>) -> Caller {
        Caller { grants, ..Caller::local_administrator() }
    }

    fn one(permission: Permission, place: Place) -> Grant {
        Grant { permissions: [permission].into(), place }
    }

    #[test]
    fn what_is_of_the_site_is_never_within_a_collection() {
        let query = Query::parse("user:jane").unwrap();
        let help_desk = caller(vec![Grant {
            permissions: Permissions::ALL,
            place: Place::Collection(query.clone()),
        }]);
        for permission in Permission::ALL {
            let is_of_devices = permission.kind() == PermissionKind::Collection;
            assert_eq!(help_desk.may(*permission), is_of_devices, "{permission}");
        }
        let scope = help_desk.scope(Permission::ReadResource).unwrap();
        assert_eq!((scope.connectors(), scope.collections()), (Some(&[][..]), &[query][..]));
    }

    #[test]
    fn a_grant_everywhere_outweighs_all_others() {
        let here = ConnectorId(Uuid::from_u128(1));
        let elsewhere = ConnectorId(Uuid::from_u128(2));
        let mut grants = vec![one(Permission::ModifyResource, Place::Connector(here))];
        let scope = caller(grants.clone()).scope(Permission::ModifyResource).unwrap();
        assert!(scope.touches(here) && !scope.touches(elsewhere));
        grants.push(one(Permission::ModifyResource, Place::Everywhere));
        let scope = caller(grants).scope(Permission::ModifyResource).unwrap();
        assert_eq!(scope.connectors(), None);
    }

    #[test]
    fn a_token_for_a_place_reaches_only_what_is_in_both() {
        let here = ConnectorId(Uuid::from_u128(1));
        let there = ConnectorId(Uuid::from_u128(2));
        let name = |id| ConnectorName::parse(if id == here { "here" } else { "there" }).ok();
        let query = |text: &str| Place::Collection(Query::parse(text).unwrap());
        for (owned, made_for, expected) in [
            (Place::Everywhere, Place::Everywhere, Some(Place::Everywhere)),
            (Place::Everywhere, Place::Connector(here), Some(Place::Connector(here))),
            (Place::Connector(here), Place::Everywhere, Some(Place::Connector(here))),
            (Place::Connector(here), Place::Connector(here), Some(Place::Connector(here))),
            (Place::Connector(there), Place::Connector(here), None),
            (query("os:iOS"), Place::Connector(here), Some(query("connector:\"here\" os:iOS"))),
            (Place::Connector(here), query("a or b"), Some(query("connector:\"here\" (a or b)"))),
            (query("os:iOS"), query("user:jane"), Some(query("os:iOS user:jane"))),
            (query(""), query("user:jane"), Some(query("user:jane"))),
        ] {
            let owner = caller(vec![one(Permission::ReadResource, owned.clone())]);
            let places = owner.within(&made_for, name).grants.into_iter().map(|it| it.place);
            assert_eq!(places.collect::<Vec<_>>(), Vec::from_iter(expected), "{owned:?}");
        }
    }

    #[test]
    fn a_token_may_never_do_more_than_its_owner() {
        let owner = caller(vec![one(Permission::ReadResource, Place::Everywhere)]);
        let token = owner.limited_to([Permission::ReadResource, Permission::WipeDevice].into());
        assert!(token.may(Permission::ReadResource));
        let denied = token.scope(Permission::WipeDevice).unwrap_err();
        assert_eq!(
            denied.to_string(),
            "local administrator has no permission Collection: Wipe device"
        );
    }
}
