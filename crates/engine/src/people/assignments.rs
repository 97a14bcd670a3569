//! Assignments: who has which role where.

use domain::{
    AssignmentId, Connector, ConnectorName, Person,
    audit::{Entry, Event, TargetKind},
    authority::{
        AssignedPlace, Assignee, Assignment, Authority, CollectionName, GroupName, RoleName,
    },
};
use store::PeopleWrite;
use uuid::Uuid;

use super::People;
use crate::Error;

/// Assignments at most: they are read at each request.
const MAX_ASSIGNMENTS: usize = 5_000;

/// A role to be given to somebody, in the words of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAssignment {
    /// Which role.
    pub role: RoleName,
    /// A user by name, by provider and name, or by id.
    pub user: Option<String>,
    /// Or a group, as `provider:group`.
    pub group: Option<String>,
    /// Where: a connector.
    pub connector: Option<ConnectorName>,
    /// Or a collection; without either, everywhere.
    pub collection: Option<CollectionName>,
}

/// An assignment in the words of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignmentShown {
    /// The assignment itself.
    pub assignment: Assignment,
    /// Who has the role: a user's name, or `provider:group`.
    pub assignee: String,
    /// Where it holds; `None` is everywhere.
    pub place: Option<String>,
}

/// What assignments are put into words with.
pub(super) struct Words {
    pub(super) authority: Authority,
    people: Vec<Person>,
    connectors: Vec<Connector>,
}

impl Words {
    pub(super) fn shown(&self, assignment: &Assignment) -> AssignmentShown {
        let assignee = match &assignment.assignee {
            Assignee::Person(id) => {
                let found = self.people.iter().find(|person| person.id == *id);
                found.map_or_else(|| id.to_string(), Person::handle)
            }
            Assignee::Group(group) => group.to_string(),
        };
        let place = self.place(assignment.place);
        AssignmentShown { assignment: assignment.clone(), assignee, place }
    }

    /// A place in words; `None` is everywhere.
    pub(super) fn place(&self, place: AssignedPlace) -> Option<String> {
        match place {
            AssignedPlace::Everywhere => None,
            AssignedPlace::Connector(id) => {
                let found = self.connectors.iter().find(|connector| connector.id == id);
                let name = found.map_or("that was removed", |connector| connector.name.as_str());
                Some(format!("connector {name}"))
            }
            AssignedPlace::Collection(id) => {
                let found = self.authority.collection(id);
                let name = found.map_or("that was removed", |collection| collection.name.as_str());
                Some(format!("collection {name}"))
            }
        }
    }
}

impl People<'_> {
    pub(super) async fn words(&self) -> Result<Words, Error> {
        Ok(Words {
            authority: self.store().authority().await?,
            people: self.store().people().await?,
            connectors: self.store().connectors(&self.engine.own_scope()?).await?,
        })
    }

    /// Every assignment, the oldest first.
    pub async fn assignments(&self) -> Result<Vec<AssignmentShown>, Error> {
        self.may_modify()?;
        let words = self.words().await?;
        Ok(words.authority.assignments.iter().map(|it| words.shown(it)).collect())
    }

    /// Gives a role to somebody.
    pub async fn assign(&self, new: NewAssignment) -> Result<AssignmentId, Error> {
        self.may_modify()?;
        self.role(&new.role).await?;
        let _one_at_a_time = self.one_at_a_time().await;
        let assignee = match (&new.user, &new.group) {
            (Some(user), None) => Assignee::Person(self.person_called(user).await?.id),
            (None, Some(group)) => Assignee::Group(GroupName::parse(group).ok_or_else(|| {
                Error::Invalid(format!("{group:?} is no group; write provider:group"))
            })?),
            _ => return Err(Error::Invalid("name either a user or a group".to_owned())),
        };
        let place = self.place_called(new.connector.as_ref(), new.collection.as_ref()).await?;
        let words = self.words().await?;
        let known = &words.authority.assignments;
        let is_same =
            |it: &&Assignment| it.role == new.role && it.assignee == assignee && it.place == place;
        if let Some(known) = known.iter().find(is_same) {
            return Ok(known.id);
        }
        if known.len() >= MAX_ASSIGNMENTS {
            return Err(Error::Conflict(format!(
                "there are {MAX_ASSIGNMENTS} assignments; assign to groups instead"
            )));
        }
        let id = AssignmentId(Uuid::now_v7());
        let created = self.engine.now();
        let assignment = Assignment { id, role: new.role, assignee, place, created };
        let entry = self.of_assignment(&words.shown(&assignment), "role assigned");
        self.write(&[PeopleWrite::AddAssignment(&assignment)], entry).await?;
        Ok(id)
    }

    /// Takes a role away.
    pub async fn unassign(&self, id: AssignmentId) -> Result<(), Error> {
        self.may_modify()?;
        let _one_at_a_time = self.one_at_a_time().await;
        let words = self.words().await?;
        let found = words.authority.assignments.iter().find(|it| it.id == id);
        let Some(found) = found else {
            return Err(Error::NotFound(format!("there is no assignment {id}")));
        };
        self.must_leave_an_administrator(|it| it.id != id).await?;
        let entry = self.of_assignment(&words.shown(found), "role taken away");
        self.write(&[PeopleWrite::RemoveAssignment(id)], entry).await
    }

    /// A place by the names of people; everywhere if there are none.
    pub(super) async fn place_called(
        &self,
        connector: Option<&ConnectorName>,
        collection: Option<&CollectionName>,
    ) -> Result<AssignedPlace, Error> {
        match (connector, collection) {
            (None, None) => Ok(AssignedPlace::Everywhere),
            (Some(name), None) => {
                let scope = self.engine.own_scope()?;
                let found = self.store().connector(&scope, name).await;
                let found = found.map_err(|error| match error {
                    store::Error::NotFound(_) => {
                        Error::NotFound(format!("there is no connector {name}"))
                    }
                    error => error.into(),
                });
                Ok(AssignedPlace::Connector(found?.id))
            }
            (None, Some(name)) => {
                Ok(AssignedPlace::Collection(self.collection_called(name).await?.id))
            }
            (Some(_), Some(_)) => {
                Err(Error::Invalid("name a connector or a collection, not both".to_owned()))
            }
        }
    }

    fn of_assignment(&self, shown: &AssignmentShown, change: &str) -> Entry {
        let id = shown.assignment.id.to_string();
        let role = shown.assignment.role.as_str();
        self.entry(Event::AuthorityChanged)
            .on(TargetKind::Assignment, id, format!("{role} for {}", shown.assignee))
            .with("change", change)
            .with("role", role)
            .with("assignee", &shown.assignee)
            .with("place", shown.place.as_deref().unwrap_or("everywhere"))
    }
}
