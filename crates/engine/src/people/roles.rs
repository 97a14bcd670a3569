//! Roles: the built-in ones, and those that an organization makes for itself.

use domain::{
    Permissions,
    audit::{Entry, Event, TargetKind},
    authority::{BuiltInRole, Role, RoleName},
};
use store::PeopleWrite;

use super::People;
use crate::Error;

/// Longest description of a role or a collection, in characters.
pub(super) const MAX_DESCRIPTION: usize = 500;
/// Roles beside the built-in ones: as many as somebody can tell apart, and more.
const MAX_ROLES: usize = 200;

impl People<'_> {
    /// Every role: the built-in ones first.
    pub async fn roles(&self) -> Result<Vec<Role>, Error> {
        self.may_modify()?;
        let built_in = BuiltInRole::ALL.iter().map(|role| role.role());
        Ok(built_in.chain(self.store().authority().await?.roles).collect())
    }

    /// One role.
    pub async fn role(&self, name: &RoleName) -> Result<Role, Error> {
        let found = self.roles().await?.into_iter().find(|role| role.name == *name);
        found.ok_or_else(|| Error::NotFound(format!("there is no role {name}")))
    }

    /// Adds a role.
    pub async fn add_role(&self, role: &Role) -> Result<(), Error> {
        let _one_at_a_time = self.one_at_a_time().await;
        let known = self.roles().await?;
        if known.iter().any(|known| known.name == role.name) {
            return Err(Error::Conflict(format!("there is a role {} already", role.name)));
        }
        if known.len() >= MAX_ROLES {
            return Err(Error::Conflict(format!("there are {MAX_ROLES} roles; remove some first")));
        }
        must_make_sense(role)?;
        self.write(&[PeopleWrite::AddRole(role)], self.of_role(role, "role added")).await
    }

    /// Changes what a role permits and is for. Whoever has it may do the new at once.
    pub async fn change_role(
        &self,
        name: &RoleName,
        description: Option<String>,
        permissions: Option<Permissions>,
    ) -> Result<(), Error> {
        let _one_at_a_time = self.one_at_a_time().await;
        let mut role = self.role(name).await?;
        must_be_own(name)?;
        role.description = description.unwrap_or(role.description);
        role.permissions = permissions.unwrap_or(role.permissions);
        must_make_sense(&role)?;
        self.write(&[PeopleWrite::ChangeRole(&role)], self.of_role(&role, "role changed")).await
    }

    /// Removes a role that nobody has.
    pub async fn remove_role(&self, name: &RoleName) -> Result<(), Error> {
        let _one_at_a_time = self.one_at_a_time().await;
        let role = self.role(name).await?;
        must_be_own(name)?;
        let authority = self.store().authority().await?;
        let count = authority.assignments.iter().filter(|it| it.role == *name).count();
        if count > 0 {
            return Err(Error::Conflict(format!(
                "the role {name} is assigned {count} times; take it away from everybody first"
            )));
        }
        self.write(&[PeopleWrite::RemoveRole(name)], self.of_role(&role, "role removed")).await
    }

    fn of_role(&self, role: &Role, change: &str) -> Entry {
        let words: Vec<_> = role.permissions.iter().map(domain::Permission::word).collect();
        self.entry(Event::AuthorityChanged)
            .on(TargetKind::Role, role.name.as_str(), role.name.as_str())
            .with("change", change)
            .with("permissions", words.join(" "))
    }
}

fn must_be_own(name: &RoleName) -> Result<(), Error> {
    match BuiltInRole::from_word(name.as_str()) {
        Some(_) => Err(Error::Conflict(format!(
            "the role {name} is built in and never changes; add a role of your own"
        ))),
        None => Ok(()),
    }
}

fn must_make_sense(role: &Role) -> Result<(), Error> {
    if role.permissions == Permissions::default() {
        return Err(Error::Invalid(format!(
            "the role {} permits nothing; give it a permission",
            role.name
        )));
    }
    check_description(&role.description)
}

pub(super) fn check_description(text: &str) -> Result<(), Error> {
    if text.chars().count() > MAX_DESCRIPTION || text.chars().any(char::is_control) {
        return Err(Error::Invalid(format!(
            "the description is longer than {MAX_DESCRIPTION} characters or holds control characters"
        )));
    }
    Ok(())
}
