//! Assignments: who has which role where.

use axum::{Extension, Json, extract::State, response::Response};
use domain::{
    AssignmentId, Caller, ConnectorName,
    authority::{Assignee, CollectionName, RoleName},
};
use engine::{AssignmentShown, Engine};
use serde::{Deserialize, Serialize};

use super::{Changing, Identified, parsed, valid};
use crate::{
    device::rfc3339,
    parameters::{Body, DryRun, IdempotencyKey, NoParameters, Parameters},
    preview::Preview,
    problem::Problem,
};

/// A role given to somebody, for a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Assignment {
    /// Stable id.
    pub id: String,
    /// Name of the role.
    pub role: String,
    /// The user who has it.
    pub user: Option<String>,
    /// Or the group, as `provider:group`.
    pub group: Option<String>,
    /// Where it holds: everywhere, `connector NAME` or `collection NAME`.
    pub place: String,
    /// Since when.
    pub created: String,
}

impl Assignment {
    /// Every field, in order.
    pub const FIELDS: [&'static str; 6] = ["id", "role", "user", "group", "place", "created"];

    pub(crate) fn of(shown: AssignmentShown) -> Self {
        let (user, group) = match shown.assignment.assignee {
            Assignee::Person(_) => (Some(shown.assignee), None),
            Assignee::Group(_) => (None, Some(shown.assignee)),
        };
        Self {
            id: shown.assignment.id.to_string(),
            role: shown.assignment.role.as_str().to_owned(),
            user,
            group,
            place: shown.place.unwrap_or_else(|| "everywhere".to_owned()),
            created: rfc3339(shown.assignment.created),
        }
    }
}

/// All assignments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AssignmentList {
    /// The assignments, the oldest first.
    pub assignments: Vec<Assignment>,
}

/// A role to be given: to a user or a group; for a connector, a collection or everywhere.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAssignment {
    /// Name of the role.
    pub role: String,
    /// A user by name, provider:name or id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A group as `provider:group`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Only for this connector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connector: Option<String>,
    /// Only for the devices of this collection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
}

/// Lists the assignments.
#[utoipa::path(
    get,
    path = "/api/v1/assignments",
    operation_id = "list_assignments",
    tag = "people",
    responses((status = 200, body = AssignmentList), Problem)
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Extension(caller): Extension<Caller>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<AssignmentList>, Problem> {
    let assignments = engine.people(&caller).assignments().await?;
    Ok(Json(AssignmentList { assignments: assignments.into_iter().map(Assignment::of).collect() }))
}

/// Gives a role to somebody. Giving it twice is giving it once.
#[utoipa::path(
    post,
    path = "/api/v1/assignments",
    operation_id = "assign_role",
    tag = "people",
    params(DryRun, IdempotencyKey),
    request_body = NewAssignment,
    responses(
        (status = 201, body = Assignment),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn add(
    changing: Changing,
    Body(new): Body<NewAssignment>,
) -> Result<Response, Problem> {
    let would = {
        let whom = new.user.as_ref().or(new.group.as_ref()).map_or("nobody", String::as_str);
        format!("give the role {} to {whom}", new.role)
    };
    let new = engine::NewAssignment {
        role: valid(RoleName::parse(&new.role))?,
        user: new.user,
        group: new.group,
        connector: new.connector.as_deref().map(ConnectorName::parse).map(valid).transpose()?,
        collection: new.collection.as_deref().map(CollectionName::parse).map(valid).transpose()?,
    };
    let id = changing.people().assign(new).await?;
    let made = match changing.is_dry_run {
        true => None,
        false => {
            let all = changing.people().assignments().await?;
            all.into_iter().find(|it| it.assignment.id == id).map(Assignment::of)
        }
    };
    Ok(changing.made(would, made))
}

/// Takes a role away.
#[utoipa::path(
    delete,
    path = "/api/v1/assignments/{id}",
    operation_id = "unassign_role",
    tag = "people",
    params(Identified, DryRun, IdempotencyKey),
    responses(
        (status = 204, description = "Taken away"),
        (status = 200, description = "With dry_run=true", body = Preview),
        Problem
    )
)]
pub(crate) async fn remove(
    changing: Changing,
    Identified(id): Identified,
) -> Result<Response, Problem> {
    let lists = "GET /api/v1/assignments lists the assignments there are";
    let id: AssignmentId = parsed(id.parse(), lists)?;
    changing.people().unassign(id).await?;
    Ok(changing.done(format!("take away the assignment {id}")))
}
