//! Roles, assignments and collections.

use domain::{
    AssignmentId, CollectionId, ConnectorId, Permission, Permissions, PersonId, Query,
    authority::{
        AssignedPlace, Assignee, Assignment, Authority, Collection, CollectionName, GroupName,
        Role, RoleName,
    },
};

use crate::value::{Columns, Value};
use crate::{Error, Store, sql};

impl Store {
    /// Everything that says who may do what.
    pub async fn authority(&self) -> Result<Authority, Error> {
        Ok(Authority {
            roles: self.database.query(sql::ROLES, vec![], role).await?,
            assignments: self.database.query(sql::ASSIGNMENTS, vec![], assignment).await?,
            collections: self.database.query(sql::COLLECTIONS, vec![], collection).await?,
        })
    }
}

pub(crate) fn permissions_value(permissions: Permissions) -> Value {
    let words: Vec<_> = permissions.iter().map(Permission::word).collect();
    Value::text(&words.join(" "))
}

pub(crate) fn assignee_value(assignee: &Assignee) -> Value {
    Value::text(&match assignee {
        Assignee::Person(id) => format!("person:{id}"),
        Assignee::Group(group) => format!("group:{group}"),
    })
}

pub(crate) fn place_value(place: AssignedPlace) -> Value {
    Value::text(&match place {
        AssignedPlace::Everywhere => "everywhere".to_owned(),
        AssignedPlace::Connector(id) => format!("connector:{id}"),
        AssignedPlace::Collection(id) => format!("collection:{id}"),
    })
}

/// A permission that a newer version wrote is none here.
pub(crate) fn permissions(row: &mut Columns<'_>) -> Result<Permissions, Error> {
    Ok(row.text("permissions")?.split(' ').filter_map(Permission::from_word).collect())
}

pub(crate) fn place(row: &mut Columns<'_>) -> Result<AssignedPlace, Error> {
    let text = row.text("place")?;
    let parsed = match text.split_once(':') {
        None => (text == "everywhere").then_some(AssignedPlace::Everywhere),
        Some(("connector", id)) => id.parse::<ConnectorId>().ok().map(AssignedPlace::Connector),
        Some(("collection", id)) => id.parse::<CollectionId>().ok().map(AssignedPlace::Collection),
        Some(_) => None,
    };
    parsed.ok_or_else(|| row.corrupt("place"))
}

fn role(row: &mut Columns<'_>) -> Result<Role, Error> {
    let name = row.table("role").text("name")?;
    Ok(Role {
        name: RoleName::parse(&name).map_err(|_| row.corrupt("name"))?,
        description: row.text("description")?,
        permissions: permissions(row)?,
    })
}

fn assignment(row: &mut Columns<'_>) -> Result<Assignment, Error> {
    let id = AssignmentId(row.table("assignment").uuid("id")?);
    let role = row.text("role")?;
    let assignee = row.text("assignee")?;
    let parsed = match assignee.split_once(':') {
        Some(("person", id)) => id.parse::<PersonId>().ok().map(Assignee::Person),
        Some(("group", group)) => GroupName::parse(group).map(Assignee::Group),
        _ => None,
    };
    Ok(Assignment {
        id,
        role: RoleName::parse(&role).map_err(|_| row.corrupt("role"))?,
        assignee: parsed.ok_or_else(|| row.corrupt("assignee"))?,
        place: place(row)?,
        created: row.time("created")?,
    })
}

fn collection(row: &mut Columns<'_>) -> Result<Collection, Error> {
    let id = CollectionId(row.table("collection").uuid("id")?);
    let name = row.text("name")?;
    Ok(Collection {
        id,
        name: CollectionName::parse(&name).map_err(|_| row.corrupt("name"))?,
        description: row.text("description")?,
        query: Query::parse(&row.text("query")?).map_err(|_| row.corrupt("query"))?,
        created: row.time("created")?,
    })
}
