//! Collections: device queries with a name.

use axum::{Extension, Json, extract::State, response::Response};
use domain::{Caller, Query, authority::CollectionName};
use engine::Engine;
use serde::{Deserialize, Serialize};

use super::{Called, Changing, parsed, valid};
use crate::{
    device::rfc3339,
    parameters::{Body, DryRun, IdempotencyKey, NoParameters, Parameters},
    preview::Preview,
    problem::Problem,
};

const LISTS: &str = "GET /api/v1/collections lists the collections there are";

/// A device query with a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Collection {
    /// Stable id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The device query.
    pub query: String,
    /// When it was added.
    pub created: String,
}

impl Collection {
    /// Every field, in order.
    pub const FIELDS: [&'static str; 5] = ["id", "name", "description", "query", "created"];

    fn of(collection: domain::authority::Collection) -> Self {
        Self {
            id: collection.id.to_string(),
            name: collection.name.as_str().to_owned(),
            description: collection.description,
            query: collection.query.to_string(),
            created: rfc3339(collection.created),
        }
    }
}

/// All collections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CollectionList {
    /// The collections, by name.
    pub collections: Vec<Collection>,
}

/// A collection to be added.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCollection {
    /// Its name: 1 to 63 of a-z, 0-9 and -.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The device query.
    pub query: String,
}

/// What is changed of a collection; what is left out stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectionChange {
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The device query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
}

/// Lists the collections.
#[utoipa::path(
    get,
    path = "/api/v1/collections",
    operation_id = "list_collections",
    tag = "people",
    responses((status = 200, body = CollectionList), Problem)
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<CollectionList>, Problem> {
    let collections = engine.people(&caller).collections().await?;
    Ok(Json(CollectionList { collections: collections.into_iter().map(Collection::of).collect() }))
}

/// Adds a collection.
#[utoipa::path(
    post,
    path = "/api/v1/collections",
    operation_id = "add_collection",
    tag = "people",
    params(DryRun, IdempotencyKey),
    request_body = NewCollection,
    responses(
        (status = 201, body = Collection),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn add(
    changing: Changing,
    Body(new): Body<NewCollection>,
) -> Result<Response, Problem> {
    let name = valid(CollectionName::parse(&new.name))?;
    let query = valid(Query::parse(&new.query))?;
    let would = format!("add the collection {name} of {query}");
    let new = engine::NewCollection { name: name.clone(), description: new.description, query };
    changing.people().add_collection(new).await?;
    let added = match changing.is_dry_run {
        true => None,
        false => Some(Collection::of(changing.people().collection(&name).await?)),
    };
    Ok(changing.made(would, added))
}

/// Shows one collection.
#[utoipa::path(
    get,
    path = "/api/v1/collections/{name}",
    operation_id = "show_collection",
    tag = "people",
    params(Called),
    responses((status = 200, body = Collection), Problem)
)]
pub(crate) async fn show(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Called(name): Called,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<Collection>, Problem> {
    let name = parsed(CollectionName::parse(&name), LISTS)?;
    Ok(Json(Collection::of(engine.people(&caller).collection(&name).await?)))
}

/// Changes a collection. Where roles are scoped to it, they reach the new devices at once.
#[utoipa::path(
    patch,
    path = "/api/v1/collections/{name}",
    operation_id = "change_collection",
    tag = "people",
    params(Called, DryRun, IdempotencyKey),
    request_body = CollectionChange,
    responses(
        (status = 204, description = "Changed"),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn change(
    changing: Changing,
    Called(name): Called,
    Body(change): Body<CollectionChange>,
) -> Result<Response, Problem> {
    let name = parsed(CollectionName::parse(&name), LISTS)?;
    let query = change.query.as_deref().map(Query::parse).map(valid).transpose()?;
    changing.people().change_collection(&name, change.description, query).await?;
    Ok(changing.done(format!("change the collection {name}")))
}

/// Removes a collection that nothing is scoped to.
#[utoipa::path(
    delete,
    path = "/api/v1/collections/{name}",
    operation_id = "remove_collection",
    tag = "people",
    params(Called, DryRun, IdempotencyKey),
    responses(
        (status = 204, description = "Removed"),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn remove(changing: Changing, Called(name): Called) -> Result<Response, Problem> {
    let name = parsed(CollectionName::parse(&name), LISTS)?;
    changing.people().remove_collection(&name).await?;
    Ok(changing.done(format!("remove the collection {name}")))
}
