//! Settings: the catalogue, and what an organization has of it.

use axum::{Extension, Json};
use domain::Caller;
use domain::Permission;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Of,
    catalogue::{Setting, SettingList, value},
};
use crate::{
    device::rfc3339,
    parameters::{Name, NoParameters, Parameters},
    problem::Problem,
};

/// Lists every setting that can be written down.
///
/// What it takes, what it is when nobody said, and which of today's clients still obey it.
#[utoipa::path(
    get,
    path = "/api/v1/settings",
    operation_id = "list_settings",
    tag = "wishes",
    responses((status = 200, body = SettingList), Problem)
)]
pub(crate) async fn list(
    Extension(caller): Extension<Caller>,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<SettingList>, Problem> {
    caller.scope(Permission::Read)?;
    let settings = domain::Setting::ALL.iter().copied().map(Setting::of).collect();
    Ok(Json(SettingList { settings }))
}

/// What an organization has of every setting, beside what is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ConnectorSettings {
    /// When Exchange was read.
    pub observed: String,
    /// Name of the policy: that of the wish, else the default one.
    pub policy: String,
    /// `2010`, or `2013` for that and everything newer.
    pub exchange: String,
    /// The settings, in the order they are shown.
    pub settings: Vec<ConnectorSetting>,
}

/// A setting of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ConnectorSetting {
    /// Its group; null for the one that stands alone.
    pub group: Option<String>,
    /// Its name in a file.
    pub name: String,
    /// What Exchange has; null where this Exchange does not know it.
    pub is: Option<Value>,
    /// What is written down; null where nothing is.
    pub written: Option<Value>,
    /// What it is when nobody said.
    pub usual: Value,
}

/// Shows what an organization has of every setting, as Exchange was read last, beside what is written
/// down.
#[utoipa::path(
    get,
    path = "/api/v1/connectors/{name}/settings",
    operation_id = "show_connector_settings",
    tag = "wishes",
    params(Name),
    responses((status = 200, body = ConnectorSettings), Problem)
)]
pub(crate) async fn show(asked: Of) -> Result<Json<ConnectorSettings>, Problem> {
    let Of { engine, caller, name, .. } = &asked;
    let known = engine.known_settings(caller, name).await?.ok_or_else(|| not_read(name))?;
    let generation = known.generation;
    let settings = known.settings.iter().map(|one| ConnectorSetting {
        group: one.setting.group().map(|group| group.word().to_owned()),
        name: one.setting.word().to_owned(),
        is: one.is.as_ref().map(value),
        written: one.written.as_ref().map(value),
        usual: value(&one.setting.usual(generation)),
    });
    Ok(Json(ConnectorSettings {
        observed: rfc3339(known.observed),
        policy: known.policy,
        exchange: generation.word().to_owned(),
        settings: settings.collect(),
    }))
}

/// Nothing is known of an organization's policies and rules yet.
pub(crate) fn not_read(name: &domain::ConnectorName) -> Problem {
    Problem::not_found(
        format_args!("what {name} has of it was not read yet"),
        &format!(
            "it is read every hour after the first full sync, and at once by \
             POST /api/v1/connectors/{name}/wish/import?dry_run=true"
        ),
    )
}
