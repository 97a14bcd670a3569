//! Users.

use axum::{Extension, Json, extract::State, response::Response};
use domain::{Caller, UserName, person::Origin};
use engine::Engine;
use serde::{Deserialize, Serialize};

use super::{Assignment, Called, Changing, valid};
use crate::{
    device::{rfc3339, text},
    parameters::{Body, DryRun, IdempotencyKey, NoParameters, Parameters},
    preview::Preview,
    problem::Problem,
};

/// Somebody who can sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct User {
    /// Stable id.
    pub id: String,
    /// User name; for those whom a provider vouches for, `provider:name`.
    pub name: String,
    /// The provider that vouches for them; null for local users.
    pub provider: Option<String>,
    /// As colleagues know them.
    pub display_name: Option<String>,
    /// Address for mail.
    pub address: Option<String>,
    /// Groups that the provider named at the last sign-in.
    pub groups: Vec<String>,
    /// Whether they are kept out.
    pub disabled: bool,
    /// Whether a password was set.
    pub has_password: bool,
    /// Whether a code is wanted after the password.
    pub has_totp: bool,
    /// Until when too many wrong passwords have locked them.
    pub locked_until: Option<String>,
    /// When they were added, or first came.
    pub created: String,
    /// When they last signed in.
    pub last_sign_in: Option<String>,
    /// Their roles, by name and by groups.
    pub assignments: Vec<Assignment>,
}

impl User {
    /// Every field, in order.
    pub const FIELDS: [&'static str; 13] = [
        "id",
        "name",
        "provider",
        "display_name",
        "address",
        "groups",
        "disabled",
        "has_password",
        "has_totp",
        "locked_until",
        "created",
        "last_sign_in",
        "assignments",
    ];

    pub(crate) fn of(user: engine::User) -> Self {
        let person = user.person;
        Self {
            id: person.id.to_string(),
            name: person.handle(),
            provider: match person.origin {
                Origin::Local => None,
                Origin::Provider { provider, .. } => Some(provider),
            },
            display_name: person.display_name,
            address: person.address,
            groups: person.groups,
            disabled: person.is_disabled,
            has_password: user.has_password,
            has_totp: user.has_totp,
            locked_until: text(user.locked_until),
            created: rfc3339(person.created),
            last_sign_in: text(person.last_sign_in),
            assignments: user.assignments.into_iter().map(Assignment::of).collect(),
        }
    }
}

/// All users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UserList {
    /// The users, by name.
    pub users: Vec<User>,
}

/// A local user to be added.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// What they sign in with.
    pub name: String,
    /// As colleagues know them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Address for mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Their password, at least 12 characters; without one they cannot sign in yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// What is changed of a user; what is left out stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// As colleagues know them; empty takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Address for mail; empty takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Whether they are kept out. Who is, is signed out, and their tokens do not work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

/// Another password.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// At least 12 characters.
    pub password: String,
}

/// Lists the users.
#[utoipa::path(
    get,
    path = "/api/v1/users",
    operation_id = "list_users",
    tag = "people",
    responses((status = 200, body = UserList), Problem)
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<UserList>, Problem> {
    let users = engine.people(&caller).users().await?;
    Ok(Json(UserList { users: users.into_iter().map(User::of).collect() }))
}

/// Adds a local user. What they may do follows from assignments.
#[utoipa::path(
    post,
    path = "/api/v1/users",
    operation_id = "add_user",
    tag = "people",
    params(DryRun, IdempotencyKey),
    request_body = NewUser,
    responses(
        (status = 201, body = User),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn add(changing: Changing, Body(new): Body<NewUser>) -> Result<Response, Problem> {
    let name = valid(UserName::parse(&new.name))?;
    let NewUser { display_name, address, password, .. } = new;
    let new = engine::NewUser { name: name.clone(), display_name, address, password };
    changing.people().add_user(new).await?;
    let added = match changing.is_dry_run {
        true => None,
        false => Some(User::of(changing.people().user(name.as_str()).await?)),
    };
    Ok(changing.made(format!("add the user {name}"), added))
}

/// Shows one user, by name, by provider:name or by id.
#[utoipa::path(
    get,
    path = "/api/v1/users/{name}",
    operation_id = "show_user",
    tag = "people",
    params(Called),
    responses((status = 200, body = User), Problem)
)]
pub(crate) async fn show(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Called(name): Called,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<User>, Problem> {
    Ok(Json(User::of(engine.people(&caller).user(&name).await?)))
}

/// Changes a user, or keeps them out.
#[utoipa::path(
    patch,
    path = "/api/v1/users/{name}",
    operation_id = "change_user",
    tag = "people",
    params(Called, DryRun, IdempotencyKey),
    request_body = UserChange,
    responses(
        (status = 204, description = "Changed"),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn change(
    changing: Changing,
    Called(name): Called,
    Body(change): Body<UserChange>,
) -> Result<Response, Problem> {
    let UserChange { display_name, address, disabled } = change;
    let change = engine::UserChange { display_name, address, is_disabled: disabled };
    changing.people().change_user(&name, change).await?;
    Ok(changing.done(format!("change the user {name}")))
}

/// Removes a user with their tokens, sessions and assignments. The audit keeps their name.
#[utoipa::path(
    delete,
    path = "/api/v1/users/{name}",
    operation_id = "remove_user",
    tag = "people",
    params(Called, DryRun, IdempotencyKey),
    responses(
        (status = 204, description = "Removed"),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn remove(changing: Changing, Called(name): Called) -> Result<Response, Problem> {
    changing.people().remove_user(&name).await?;
    Ok(changing.done(format!("remove the user {name} with their tokens and assignments")))
}

/// Gives a local user another password, and signs them out everywhere.
#[utoipa::path(
    post,
    path = "/api/v1/users/{name}/password",
    operation_id = "set_user_password",
    tag = "people",
    params(Called, DryRun, IdempotencyKey),
    request_body = NewPassword,
    responses(
        (status = 204, description = "Set"),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn set_password(
    changing: Changing,
    Called(name): Called,
    Body(new): Body<NewPassword>,
) -> Result<Response, Problem> {
    changing.people().set_password(&name, &new.password).await?;
    Ok(changing.done(format!("set the password of {name} and end their sessions")))
}

/// Lets a user sign in without a code again: their phone is lost.
#[utoipa::path(
    delete,
    path = "/api/v1/users/{name}/totp",
    operation_id = "remove_user_totp",
    tag = "people",
    params(Called, DryRun, IdempotencyKey),
    responses(
        (status = 204, description = "Removed"),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn remove_totp(
    changing: Changing,
    Called(name): Called,
) -> Result<Response, Problem> {
    changing.people().remove_totp(&name).await?;
    Ok(changing.done(format!("let {name} sign in without a code")))
}

/// Signs a user out everywhere.
#[utoipa::path(
    delete,
    path = "/api/v1/users/{name}/sessions",
    operation_id = "end_user_sessions",
    tag = "people",
    params(Called, DryRun, IdempotencyKey),
    responses(
        (status = 204, description = "Ended"),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn end_sessions(
    changing: Changing,
    Called(name): Called,
) -> Result<Response, Problem> {
    changing.people().end_sessions_of(&name).await?;
    Ok(changing.done(format!("end the sessions of {name}")))
}
