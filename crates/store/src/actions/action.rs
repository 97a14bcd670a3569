//! What was asked of one device, and how far it has come.

use domain::action::Baseline;
use domain::{
    ActionId, ActionKind, ActionState, ConnectorId, DeviceId, DistinguishedName, PersonId,
    RequestId, Scope, Timestamp, WipeStatus,
};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::MOST_ACTIONS;
use crate::audit::AuditRow;
use crate::connectors::reaches;
use crate::value::{Columns, Value};
use crate::{Error, Store, sql};

/// Something asked of one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Stable id.
    pub id: ActionId,
    /// What it is part of.
    pub request: RequestId,
    /// In which organization.
    pub connector: ConnectorId,
    /// The device.
    pub device: DeviceId,
    /// Exchange's GUID of the partnership: what a cmdlet names.
    pub guid: Uuid,
    /// The id the client chose, as it was when somebody asked.
    pub device_id: Option<String>,
    /// The owner, as they were when somebody asked.
    pub owner: Option<DistinguishedName>,
    /// What people call the device.
    pub name: String,
    /// What is asked.
    pub kind: ActionKind,
    /// Who asked.
    pub person: PersonId,
    /// How far it has come.
    pub state: ActionState,
    /// Wipes go in batches: this is in which.
    pub batch: u32,
    /// Nothing is done about it before this.
    pub due: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// What stood before the cmdlet was sent.
    pub baseline: Option<Baseline>,
    /// When the intent to send the cmdlet was first put on record.
    pub intended: Option<Timestamp>,
    /// When its effect was first seen.
    pub seen: Option<Timestamp>,
    /// What Exchange answered.
    pub answer: Option<String>,
    /// Why it stands as it does, in one clause.
    pub note: Option<String>,
    /// When it changed last.
    pub changed: Timestamp,
}

impl Store {
    /// Actions of a request in their order, after `skip` of them, if the scope reaches the request.
    pub async fn actions_of_request(
        &self,
        scope: &Scope,
        id: RequestId,
        skip: u64,
        limit: u32,
    ) -> Result<Vec<Action>, Error> {
        self.request(scope, id).await?;
        self.actions_of(id, skip, limit).await
    }

    /// The same for who has seen already that the scope reaches it.
    pub(super) async fn actions_of(
        &self,
        id: RequestId,
        skip: u64,
        limit: u32,
    ) -> Result<Vec<Action>, Error> {
        let limit = limit.clamp(1, MOST_ACTIONS);
        let values = vec![Value::id(id), Value::Integer(limit.into()), Value::count(skip)];
        self.database.query(sql::ACTIONS_OF_REQUEST, values, action).await
    }

    /// The latest actions on a device, latest first, if the scope reaches it.
    pub async fn actions_of_device(
        &self,
        scope: &Scope,
        id: DeviceId,
        limit: u32,
    ) -> Result<Vec<Action>, Error> {
        self.device(scope, id).await?;
        let values = vec![Value::id(id), Value::Integer(i64::from(limit))];
        self.database.query(sql::ACTIONS_OF_DEVICE, values, action).await
    }

    /// The latest actions that failed since a time, latest first.
    pub async fn failed_actions(
        &self,
        scope: &Scope,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Action>, Error> {
        let values = vec![Value::time(since), Value::Integer(i64::from(limit))];
        let found = self.database.query(sql::FAILED_ACTIONS, values, action).await?;
        let mut within = Vec::with_capacity(found.len());
        for action in found {
            if self.reaches_device_of(scope, &action).await? {
                within.push(action);
            }
        }
        Ok(within)
    }

    /// Whether a scope holds the device that an action is of.
    async fn reaches_device_of(&self, scope: &Scope, action: &Action) -> Result<bool, Error> {
        if scope.collections().is_empty() {
            return Ok(reaches(scope, action.connector));
        }
        match self.device(scope, action.device).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// One action, if the scope reaches its device.
    pub async fn action(&self, scope: &Scope, id: ActionId) -> Result<Action, Error> {
        let found = self.database.query_one(sql::ACTION, vec![Value::id(id)], action).await?;
        match found {
            Some(action) if self.reaches_device_of(scope, &action).await? => Ok(action),
            _ => Err(Error::NotFound("the action")),
        }
    }

    /// The actions of a connector that something may be done about, the first to be done first. Of
    /// each device only the earliest that has not ended: what was asked later waits for it.
    pub async fn open_actions(
        &self,
        connector: ConnectorId,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Action>, Error> {
        let values = vec![Value::id(connector), Value::time(now), Value::Integer(i64::from(limit))];
        self.database.query(sql::OPEN_ACTIONS, values, action).await
    }

    /// Wipes of which nobody can say whether they took effect, sent since then, the latest first.
    pub async fn unverifiable_wipes(
        &self,
        connector: ConnectorId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Action>, Error> {
        let limit = Value::Integer(i64::from(limit));
        let values = vec![Value::id(connector), Value::time(since), limit];
        self.database.query(sql::UNVERIFIABLE_WIPES, values, action).await
    }

    /// Connectors with actions that have not ended, and when the next of them is due.
    pub async fn connectors_with_actions(&self) -> Result<Vec<(ConnectorId, Timestamp)>, Error> {
        let decode = |row: &mut Columns<'_>| {
            row.table("action");
            Ok((ConnectorId(row.uuid("connector")?), row.time("due")?))
        };
        self.database.query(sql::CONNECTORS_WITH_ACTIONS, vec![], decode).await
    }

    /// Writes how far an action has come, with its audit; only if it still stands as `from`: whoever
    /// comes second gets a `Conflict`.
    pub async fn change_action(
        &self,
        changed: &Action,
        from: ActionState,
        audit: &[AuditRow],
    ) -> Result<(), Error> {
        let mut steps = AuditRow::steps(audit);
        let baseline = changed.baseline.map(|baseline| document(baseline).to_string());
        steps.push((
            sql::CHANGE_ACTION,
            vec![
                Value::id(changed.id),
                Value::text(from.word()),
                Value::text(changed.state.word()),
                Value::time(changed.due),
                Value::Integer(changed.attempts.into()),
                Value::optional_text(baseline.as_deref()),
                Value::optional_time(changed.intended),
                Value::optional_time(changed.seen),
                Value::optional_text(changed.answer.as_deref()),
                Value::optional_text(changed.note.as_deref()),
                Value::time(changed.changed),
            ],
        ));
        let counts = self.database.write(steps).await?;
        if counts.last() == Some(&0) {
            return Err(Error::Conflict { what: "the action has moved on meanwhile".to_owned() });
        }
        Ok(())
    }

    /// How many wipes a person, and of an organization, were sent since two times, or are about to
    /// be.
    pub async fn recent_wipes(
        &self,
        person: PersonId,
        since: Timestamp,
        connector: ConnectorId,
        since_there: Timestamp,
    ) -> Result<(u64, u64), Error> {
        let values = vec![
            Value::id(person),
            Value::time(since),
            Value::id(connector),
            Value::time(since_there),
        ];
        let decode = |row: &mut Columns<'_>| {
            row.table("action");
            Ok((row.count("by_person")?, row.count("of_organization")?))
        };
        let counts = self.database.query_one(sql::RECENT_WIPES, values, decode).await?;
        Ok(counts.unwrap_or_default())
    }

    /// Wipes that were let through and wait for their turn: of a person, of an organization.
    pub async fn waiting_wipes(
        &self,
        person: PersonId,
        connector: ConnectorId,
    ) -> Result<(u64, u64), Error> {
        let values = vec![Value::id(person), Value::id(connector)];
        let decode = |row: &mut Columns<'_>| {
            row.table("action");
            Ok((row.count("by_person")?, row.count("of_organization")?))
        };
        let counts = self.database.query_one(sql::WAITING_WIPES, values, decode).await?;
        Ok(counts.unwrap_or_default())
    }
}

pub(super) fn action_values(action: &Action) -> Vec<Value> {
    vec![
        Value::id(action.id),
        Value::id(action.request),
        Value::id(action.connector),
        Value::id(action.device),
        Value::id(action.guid),
        Value::optional_text(action.device_id.as_deref()),
        Value::optional_text(action.owner.as_ref().map(DistinguishedName::as_str)),
        Value::text(&action.name),
        Value::text(action.kind.word()),
        Value::id(action.person),
        Value::text(action.state.word()),
        Value::Integer(action.batch.into()),
        Value::time(action.due),
        Value::optional_text(action.note.as_deref()),
        Value::time(action.changed),
    ]
}

fn action(row: &mut Columns<'_>) -> Result<Action, Error> {
    row.table("action");
    Ok(Action {
        id: ActionId(row.uuid("id")?),
        request: RequestId(row.uuid("request")?),
        connector: ConnectorId(row.uuid("connector")?),
        device: DeviceId(row.uuid("device")?),
        guid: row.uuid("guid")?,
        device_id: row.optional_text("device_id")?,
        owner: row.optional_text("owner_dn")?.and_then(|name| DistinguishedName::parse(&name)),
        name: row.text("name")?,
        kind: row.word("kind", ActionKind::from_word)?,
        person: PersonId(row.uuid("person")?),
        state: row.word("state", ActionState::from_word)?,
        batch: number(row, "batch")?,
        due: row.time("due")?,
        attempts: number(row, "attempts")?,
        baseline: {
            let document = row.optional_json("baseline")?;
            let read = document.as_ref().map(baseline);
            read.map(|read| read.ok_or_else(|| row.corrupt("baseline"))).transpose()?
        },
        intended: row.optional_time("intended")?,
        seen: row.optional_time("seen")?,
        answer: row.optional_text("answer")?,
        note: row.optional_text("note")?,
        changed: row.time("changed")?,
    })
}

fn number(row: &mut Columns<'_>, column: &'static str) -> Result<u32, Error> {
    u32::try_from(row.integer(column)?).map_err(|_| row.corrupt(column))
}

fn document(baseline: Baseline) -> Json {
    let requested = baseline.wipe_requested.map(Timestamp::as_microsecond);
    json!({ "wipe": baseline.wipe.word(), "requested": requested })
}

fn baseline(document: &Json) -> Option<Baseline> {
    let requested = match document.get("requested")? {
        Json::Null => None,
        time => Some(Timestamp::from_microsecond(time.as_i64()?).ok()?),
    };
    let wipe = WipeStatus::from_word(document.get("wipe")?.as_str()?)?;
    Some(Baseline { wipe, wipe_requested: requested })
}
