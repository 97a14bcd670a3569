//! Collections: device queries with a name.

use domain::{
    CollectionId, Permission, Query,
    audit::{Entry, Event, TargetKind},
    authority::{AssignedPlace, Collection, CollectionName},
};
use store::PeopleWrite;
use uuid::Uuid;

use super::{People, roles::check_description};
use crate::Error;

/// Collections at most: they are read at each request.
const MAX_COLLECTIONS: usize = 500;

/// A collection to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCollection {
    /// What it is called.
    pub name: CollectionName,
    /// What it is for.
    pub description: String,
    /// Finds its devices.
    pub query: Query,
}

impl People<'_> {
    /// Every collection, by name. Whoever sees devices may know them: what they find is within the
    /// reader's own scope.
    pub async fn collections(&self) -> Result<Vec<Collection>, Error> {
        self.caller.scope(Permission::Read)?;
        Ok(self.store().authority().await?.collections)
    }

    /// One collection.
    pub async fn collection(&self, name: &CollectionName) -> Result<Collection, Error> {
        self.caller.scope(Permission::Read)?;
        self.collection_called(name).await
    }

    /// Adds a collection.
    pub async fn add_collection(&self, new: NewCollection) -> Result<CollectionId, Error> {
        self.may_modify()?;
        check_description(&new.description)?;
        let _one_at_a_time = self.one_at_a_time().await;
        let known = self.store().authority().await?.collections;
        if known.iter().any(|known| known.name == new.name) {
            return Err(Error::Conflict(format!("there is a collection {} already", new.name)));
        }
        if known.len() >= MAX_COLLECTIONS {
            return Err(Error::Conflict(format!(
                "there are {MAX_COLLECTIONS} collections; remove some first"
            )));
        }
        let collection = Collection {
            id: CollectionId(Uuid::now_v7()),
            name: new.name,
            description: new.description,
            query: new.query,
            created: self.engine.now(),
        };
        let entry = self.of_collection(&collection, "collection added");
        self.write(&[PeopleWrite::AddCollection(&collection)], entry).await?;
        Ok(collection.id)
    }

    /// Changes a collection. Where roles are scoped to it, they reach the new devices at once.
    pub async fn change_collection(
        &self,
        name: &CollectionName,
        description: Option<String>,
        query: Option<Query>,
    ) -> Result<(), Error> {
        self.may_modify()?;
        let _one_at_a_time = self.one_at_a_time().await;
        let mut collection = self.collection_called(name).await?;
        collection.description = description.unwrap_or(collection.description);
        collection.query = query.unwrap_or(collection.query);
        check_description(&collection.description)?;
        let entry = self.of_collection(&collection, "collection changed");
        self.write(&[PeopleWrite::ChangeCollection(&collection)], entry).await
    }

    /// Removes a collection that nothing is scoped to.
    pub async fn remove_collection(&self, name: &CollectionName) -> Result<(), Error> {
        self.may_modify()?;
        let _one_at_a_time = self.one_at_a_time().await;
        let collection = self.collection_called(name).await?;
        let place = AssignedPlace::Collection(collection.id);
        let assignments = self.store().authority().await?.assignments;
        let assigned = assignments.iter().filter(|it| it.place == place).count();
        let tokens = self.store().tokens(None).await?;
        let tokens = tokens.iter().filter(|it| it.place == place).count();
        if assigned + tokens > 0 {
            return Err(Error::Conflict(format!(
                "{assigned} assignments and {tokens} tokens are scoped to the collection {name}; \
                 take them away first"
            )));
        }
        let entry = self.of_collection(&collection, "collection removed");
        self.write(&[PeopleWrite::RemoveCollection(collection.id)], entry).await
    }

    pub(super) async fn collection_called(
        &self,
        name: &CollectionName,
    ) -> Result<Collection, Error> {
        let authority = self.store().authority().await?;
        let found = authority.collections.into_iter().find(|it| it.name == *name);
        found.ok_or_else(|| Error::NotFound(format!("there is no collection {name}")))
    }

    fn of_collection(&self, collection: &Collection, change: &str) -> Entry {
        let name = collection.name.as_str();
        self.entry(Event::AuthorityChanged)
            .on(TargetKind::Collection, collection.id.to_string(), name)
            .with("change", change)
            .with("query", collection.query.to_string())
    }
}
