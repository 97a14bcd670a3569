//! Roles.

use axum::{Extension, Json, extract::State, response::Response};
use domain::{
    Caller,
    authority::{BuiltInRole, RoleName},
};
use engine::Engine;
use serde::{Deserialize, Serialize};

use super::{Called, Changing, parsed, permissions, valid, words};
use crate::{
    parameters::{Body, DryRun, IdempotencyKey, NoParameters, Parameters},
    preview::Preview,
    problem::Problem,
};

const LISTS: &str = "GET /api/v1/roles lists the roles there are";

/// Permissions under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it permits.
    pub permissions: Vec<String>,
    /// Whether it is always there and never changes.
    pub built_in: bool,
}

impl Role {
    /// Every field, in order.
    pub const FIELDS: [&'static str; 4] = ["name", "description", "permissions", "built_in"];

    fn of(role: domain::authority::Role) -> Self {
        Self {
            built_in: BuiltInRole::from_word(role.name.as_str()).is_some(),
            name: role.name.as_str().to_owned(),
            description: role.description,
            permissions: words(role.permissions),
        }
    }
}

/// All roles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RoleList {
    /// The roles: the built-in ones first.
    pub roles: Vec<Role>,
}

/// A role to be added.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// Its name: 1 to 63 of a-z, 0-9 and -.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// What it permits, such as `read-resource`.
    pub permissions: Vec<String>,
}

/// What is changed of a role; what is left out stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleChange {
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it permits, all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<String>>,
}

/// Lists the roles.
#[utoipa::path(
    get,
    path = "/api/v1/roles",
    operation_id = "list_roles",
    tag = "people",
    responses((status = 200, body = RoleList), Problem)
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<RoleList>, Problem> {
    let roles = engine.people(&caller).roles().await?;
    Ok(Json(RoleList { roles: roles.into_iter().map(Role::of).collect() }))
}

/// Adds a role.
#[utoipa::path(
    post,
    path = "/api/v1/roles",
    operation_id = "add_role",
    tag = "people",
    params(DryRun, IdempotencyKey),
    request_body = NewRole,
    responses(
        (status = 201, body = Role),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn add(changing: Changing, Body(new): Body<NewRole>) -> Result<Response, Problem> {
    changing.must_administer()?;
    let role = domain::authority::Role {
        name: valid(RoleName::parse(&new.name))?,
        description: new.description,
        permissions: permissions(&new.permissions)?,
    };
    changing.people().add_role(&role).await?;
    let would = format!("add the role {}", role.name);
    Ok(changing.made(would, (!changing.is_dry_run).then(|| Role::of(role))))
}

/// Shows one role.
#[utoipa::path(
    get,
    path = "/api/v1/roles/{name}",
    operation_id = "show_role",
    tag = "people",
    params(Called),
    responses((status = 200, body = Role), Problem)
)]
pub(crate) async fn show(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Called(name): Called,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<Role>, Problem> {
    let name = parsed(RoleName::parse(&name), LISTS)?;
    Ok(Json(Role::of(engine.people(&caller).role(&name).await?)))
}

/// Changes a role. Whoever has it may do the new at once.
#[utoipa::path(
    patch,
    path = "/api/v1/roles/{name}",
    operation_id = "change_role",
    tag = "people",
    params(Called, DryRun, IdempotencyKey),
    request_body = RoleChange,
    responses(
        (status = 204, description = "Changed"),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn change(
    changing: Changing,
    Called(name): Called,
    Body(change): Body<RoleChange>,
) -> Result<Response, Problem> {
    let name = parsed(RoleName::parse(&name), LISTS)?;
    let permissions = change.permissions.as_deref().map(permissions).transpose()?;
    changing.people().change_role(&name, change.description, permissions).await?;
    Ok(changing.done(format!("change the role {name}")))
}

/// Removes a role that nobody has.
#[utoipa::path(
    delete,
    path = "/api/v1/roles/{name}",
    operation_id = "remove_role",
    tag = "people",
    params(Called, DryRun, IdempotencyKey),
    responses(
        (status = 204, description = "Removed"),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn remove(changing: Changing, Called(name): Called) -> Result<Response, Problem> {
    let name = parsed(RoleName::parse(&name), LISTS)?;
    changing.people().remove_role(&name).await?;
    Ok(changing.done(format!("remove the role {name}")))
}
