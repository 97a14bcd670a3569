//! What news are of, as it stands now: what has passed already needs no telling.

use domain::{
    AccessState, ActionId, ActionState, Caller, ConnectorName, Device, DeviceId, Permission,
    RequestId, Scope, notification::Topic,
};
use serde_json::{Map, Value as Json, json};
use store::{Action, News, Request};
use uuid::Uuid;

use super::telling;
use crate::Engine;

/// What one piece of news is of.
pub(super) enum Subject {
    /// A device that is new, or in quarantine.
    Device(Box<Device>),
    /// An action that failed, and its device as long as it is known.
    Action(Box<Action>, Option<Box<Device>>),
    /// A request that waits for somebody.
    Request(Box<Request>),
    /// What is told as it was noted.
    Other(News),
}

impl Subject {
    /// What tells it from others of its topic, where the same can be noted twice.
    pub(super) fn key(&self) -> Option<Uuid> {
        match self {
            Self::Device(device) => Some(device.id.0),
            Self::Action(action, _) => Some(action.id.0),
            Self::Request(request) => Some(request.id.0),
            Self::Other(_) => None,
        }
    }

    pub(super) fn device(&self) -> Option<&Device> {
        match self {
            Self::Device(device) | Self::Action(_, Some(device)) => Some(device),
            Self::Action(_, None) | Self::Request(_) | Self::Other(_) => None,
        }
    }

    /// Whether a device or an action on one is within a scope. An action on a device that is not
    /// known any more is within that of its connector.
    pub(super) fn is_within(&self, scope: &Scope, connector: Option<&ConnectorName>) -> bool {
        match (self, self.device(), connector) {
            (_, Some(device), Some(name)) => scope.holds(device, name),
            (Self::Action(action, _), ..) => {
                scope.connectors().is_none_or(|all| all.contains(&action.connector))
            }
            _ => false,
        }
    }

    /// How it stands in a message.
    pub(super) fn item(&self) -> Map<String, Json> {
        match self {
            Self::Device(device) => telling::of_device(device),
            Self::Action(action, _) => telling::plain_object(json!({
                "id": action.device.to_string(),
                "name": action.name,
                "action": action.kind.word(),
                "request": action.request.to_string(),
                "why": action.note,
            })),
            Self::Request(request) => telling::plain_object(json!({
                "request": request.id.to_string(),
                "action": request.kind.word(),
                "devices": request.devices,
                "requester": request.person_name,
                "reason": request.reason,
            })),
            Self::Other(news) => telling::of_news(news),
        }
    }
}

impl Engine {
    /// What news are of; nothing if it has passed.
    pub(super) async fn subject_of(&self, news: &News) -> anyhow::Result<Option<Subject>> {
        let document: Json = serde_json::from_str(&news.document).unwrap_or_default();
        let id = |field: &str| document.get(field)?.as_str()?.parse::<Uuid>().ok();
        match news.topic {
            Topic::NewDevice | Topic::Quarantined => {
                let device = self.device_of(news.device).await?;
                let device = device.filter(|device| is_still(news.topic, device));
                Ok(device.map(|device| Subject::Device(Box::new(device))))
            }
            Topic::ActionFailed => {
                let Some(id) = id("action") else { return Ok(None) };
                let action = found(self.store().action(&self.own_scope()?, ActionId(id)).await)?;
                let Some(action) = action.filter(|it| it.state == ActionState::Failed) else {
                    return Ok(None);
                };
                let device = self.device_of(Some(action.device)).await?;
                Ok(Some(Subject::Action(Box::new(action), device.map(Box::new))))
            }
            Topic::ApprovalWanted => {
                let Some(id) = id("request") else { return Ok(None) };
                let scope = Caller::engine().scope(Permission::Approve)?;
                let request = found(self.store().request(&scope, RequestId(id)).await)?;
                let request = request.filter(Request::is_held);
                Ok(request.map(|request| Subject::Request(Box::new(request))))
            }
            Topic::ConnectorTrouble | Topic::CredentialExpiring | Topic::Drifted => {
                Ok(Some(Subject::Other(news.clone())))
            }
        }
    }

    async fn device_of(&self, id: Option<DeviceId>) -> anyhow::Result<Option<Device>> {
        let Some(id) = id else { return Ok(None) };
        found(self.store().device(&self.own_scope()?, id).await)
    }
}

/// Whether there is still something to tell of a device.
fn is_still(topic: Topic, device: &Device) -> bool {
    let is_there = device.gone_since.is_none();
    is_there
        && (topic != Topic::Quarantined || device.facts.access_state == AccessState::Quarantined)
}

fn found<T>(read: Result<T, store::Error>) -> anyhow::Result<Option<T>> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(store::Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
