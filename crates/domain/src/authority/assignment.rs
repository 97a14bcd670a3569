//! Who has which role where: assignments, collections, and the grants that follow from them.

use jiff::Timestamp;

use super::{BuiltInRole, Grant, Permissions, Place, Role, RoleName};
use crate::{AssignmentId, CollectionId, ConnectorId, Person, PersonId, Query};

/// A role given to somebody, for a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// For ever.
    pub id: AssignmentId,
    /// Which role.
    pub role: RoleName,
    /// Who has it.
    pub assignee: Assignee,
    /// Where it holds.
    pub place: AssignedPlace,
    /// Since when.
    pub created: Timestamp,
}

/// Who a role is given to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Assignee {
    /// One person.
    Person(PersonId),
    /// Everybody in a group of a provider.
    Group(GroupName),
}

/// A group of a provider, written `provider:group`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GroupName {
    provider: String,
    group: String,
}

impl GroupName {
    /// Longest name of a group, in bytes: a distinguished name in a deep directory.
    pub const MAX_BYTES: usize = 1024;

    /// A group of a provider; `None` if either has no name, or one that cannot be told apart from
    /// the other.
    #[must_use]
    pub fn new(provider: &str, group: &str) -> Option<Self> {
        let fits = !provider.is_empty()
            && !provider.contains(':')
            && !group.is_empty()
            && provider.len() + group.len() < Self::MAX_BYTES;
        fits.then(|| Self { provider: provider.to_owned(), group: group.to_owned() })
    }

    /// Reads `provider:group`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (provider, group) = text.split_once(':')?;
        Self::new(provider, group)
    }

    /// Name of the provider.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }
}

impl std::fmt::Display for GroupName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.provider, self.group)
    }
}

/// Where an assignment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AssignedPlace {
    /// Everywhere.
    Everywhere,
    /// One connector and its devices.
    Connector(ConnectorId),
    /// The devices of a collection.
    Collection(CollectionId),
}

/// A saved device query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// For ever.
    pub id: CollectionId,
    /// What it is called in URLs and on the command line.
    pub name: CollectionName,
    /// What it is for.
    pub description: String,
    /// Finds its devices.
    pub query: Query,
    /// When it was added.
    pub created: Timestamp,
}

/// Name of a collection: 1 to 63 characters of `a-z`, `0-9` and `-`, beginning with a letter or
/// digit, and not `new`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CollectionName(String);

/// Why a text is no name of a collection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no name of a collection: 1 to 63 of a-z, 0-9 and -, beginning with a letter or digit, \
     and not new"
)]
pub struct InvalidCollectionName(String);

impl CollectionName {
    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, InvalidCollectionName> {
        // The same rule as for roles, and one page of the console that stands in the way.
        match RoleName::parse(text) {
            Ok(_) if text != "new" => Ok(Self(text.to_owned())),
            _ => Err(InvalidCollectionName(text.to_owned())),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for CollectionName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Everything that says who may do what: read together, so that it fits together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Authority {
    /// Roles that were added to the built-in ones.
    pub roles: Vec<Role>,
    /// Who has which role where.
    pub assignments: Vec<Assignment>,
    /// Saved queries that roles are scoped to.
    pub collections: Vec<Collection>,
}

impl Authority {
    /// What a role permits; nothing if there is no such role.
    #[must_use]
    pub fn permissions(&self, role: &RoleName) -> Permissions {
        match BuiltInRole::from_word(role.as_str()) {
            Some(built_in) => built_in.permissions(),
            None => self
                .roles
                .iter()
                .find(|own| own.name == *role)
                .map_or_else(Permissions::default, |own| own.permissions),
        }
    }

    /// The assignments that a person has, by name or by a group.
    pub fn of<'a>(&'a self, person: &Person) -> impl Iterator<Item = &'a Assignment> + use<'a> {
        let mut assignees = vec![Assignee::Person(person.id)];
        assignees.extend(person.group_names().map(Assignee::Group));
        self.assignments.iter().filter(move |it| assignees.contains(&it.assignee))
    }

    /// What a person may do, and where.
    #[must_use]
    pub fn grants(&self, person: &Person) -> Vec<Grant> {
        let granted = self.of(person).filter_map(|assignment| {
            let permissions = self.permissions(&assignment.role);
            let place = match assignment.place {
                AssignedPlace::Everywhere => Place::Everywhere,
                AssignedPlace::Connector(id) => Place::Connector(id),
                // A collection that is gone holds nothing.
                AssignedPlace::Collection(id) => {
                    Place::Collection(self.collection(id)?.query.clone())
                }
            };
            Some(Grant { permissions, place })
        });
        granted.collect()
    }

    /// A collection by its id.
    #[must_use]
    pub fn collection(&self, id: CollectionId) -> Option<&Collection> {
        self.collections.iter().find(|collection| collection.id == id)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{Permission, person::Origin};

    fn person(groups: &[&str]) -> Person {
        Person {
            id: PersonId(Uuid::from_u128(7)),
            origin: Origin::Provider { provider: "corp".to_owned(), subject: "s-1".to_owned() },
            name: "jane".to_owned(),
            display_name: None,
            address: None,
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            is_disabled: false,
            created: Timestamp::UNIX_EPOCH,
            last_sign_in: None,
        }
    }

    fn assigned(role: &str, assignee: Assignee, place: AssignedPlace) -> Assignment {
        let id = AssignmentId(Uuid::new_v4());
        let role = RoleName::parse(role).unwrap();
        Assignment { id, role, assignee, place, created: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn grants_come_by_name_and_by_the_groups_of_the_own_provider() {
        let collection = Collection {
            id: CollectionId(Uuid::from_u128(5)),
            name: CollectionName::parse("managers").unwrap(),
            description: String::new(),
            query: Query::parse("name:boss").unwrap(),
            created: Timestamp::UNIX_EPOCH,
        };
        let own = Role {
            name: RoleName::parse("seer").unwrap(),
            description: String::new(),
            permissions: [Permission::ReadResource].into(),
        };
        let group = |text| Assignee::Group(GroupName::parse(text).unwrap());
        let gone = AssignedPlace::Collection(CollectionId(Uuid::from_u128(6)));
        let authority = Authority {
            roles: vec![own],
            assignments: vec![
                assigned("auditor", group("corp:audit"), AssignedPlace::Everywhere),
                assigned("help-desk", group("other:audit"), AssignedPlace::Everywhere),
                assigned(
                    "seer",
                    Assignee::Person(person(&[]).id),
                    AssignedPlace::Collection(collection.id),
                ),
                assigned("help-desk", Assignee::Person(person(&[]).id), gone),
            ],
            collections: vec![collection.clone()],
        };
        let seen = Grant {
            permissions: [Permission::ReadResource].into(),
            place: Place::Collection(collection.query),
        };
        assert_eq!(authority.grants(&person(&["staff"])), std::slice::from_ref(&seen));
        let audit =
            Grant { permissions: BuiltInRole::Auditor.permissions(), place: Place::Everywhere };
        assert_eq!(authority.grants(&person(&["audit"])), [audit, seen]);
    }

    #[test]
    fn a_group_is_told_apart_from_its_provider() {
        let group = GroupName::parse("corp:CN=Help: desk,DC=contoso").unwrap();
        assert_eq!(
            (group.provider(), group.to_string().as_str()),
            ("corp", "corp:CN=Help: desk,DC=contoso")
        );
        for text in ["", "corp", ":group", "corp:"] {
            assert_eq!(GroupName::parse(text), None, "{text}");
        }
    }
}
