//! Requests and actions: what people asked for, and what became of it on each device.

use domain::action::Baseline;
use domain::{
    ActionId, ActionKind, ActionState, ConnectorId, DeviceId, DistinguishedName, PersonId,
    RequestId, Scope, Source, Timestamp, WipeStatus,
};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::audit::AuditRow;
use crate::connectors::reaches;
use crate::value::{Columns, Value};
use crate::{Error, Store, sql};

/// Something that was asked for, of one device or many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Stable id.
    pub id: RequestId,
    /// What was asked for.
    pub kind: ActionKind,
    /// Who asked.
    pub person: PersonId,
    /// Their name then.
    pub person_name: String,
    /// By which way.
    pub source: Source,
    /// Why.
    pub reason: String,
    /// Number of a ticket.
    pub ticket: Option<String>,
    /// The device query that found the devices, if one did.
    pub query: Option<String>,
    /// When.
    pub asked: Timestamp,
    /// What the client calls it, so that the same request sent twice is one.
    pub repeat_key: Option<String>,
    /// How many devices.
    pub devices: u64,
    /// Why it waits for somebody's approval, or waited.
    pub hold: Option<String>,
    /// Until when somebody may approve.
    pub expires: Option<Timestamp>,
    /// What somebody decided.
    pub decision: Option<Decision>,
}

/// What somebody decided about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What.
    pub verdict: Verdict,
    /// Who.
    pub by: PersonId,
    /// Their name then.
    pub name: String,
    /// When.
    pub at: Timestamp,
}

/// What can be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// A second person lets it go on.
    Approved,
    /// A second person refuses it.
    Rejected,
    /// What was not sent is taken back.
    Cancelled,
    /// Nobody approved in time.
    Expired,
}

impl Verdict {
    const ALL: [Self; 4] = [Self::Approved, Self::Rejected, Self::Cancelled, Self::Expired];

    /// The word used in tables and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.word() == word)
    }
}

impl Request {
    /// Whether it waits for somebody's approval.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.hold.is_some() && self.decision.is_none()
    }

    /// Whether a second person let it go on: the guard does not hold it again.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        self.decision.as_ref().is_some_and(|decision| decision.verdict == Verdict::Approved)
    }
}

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

/// How many actions of a request stand where.
pub type StateCounts = Vec<(ActionState, u64)>;

/// Most actions that are given at once.
pub const MOST_ACTIONS: u32 = 1_000;

impl Store {
    /// Keeps a request with its actions and its audit, all or nothing. `Conflict` if the same person
    /// sent one with the same key before.
    pub async fn add_request(
        &self,
        request: &Request,
        actions: &[Action],
        audit: &[AuditRow],
    ) -> Result<(), Error> {
        let mut steps = AuditRow::steps(audit);
        steps.push((sql::ADD_REQUEST, request_values(request)));
        steps.extend(actions.iter().map(|action| (sql::ADD_ACTION, action_values(action))));
        self.database.write(steps).await.map(drop)
    }

    /// The request that a person sent with a key before.
    pub async fn repeated_request(
        &self,
        person: PersonId,
        key: &str,
    ) -> Result<Option<Request>, Error> {
        let values = vec![Value::id(person), Value::text(key)];
        self.database.query_one(sql::REPEATED_REQUEST, values, request).await
    }

    /// One request, if the scope reaches it.
    pub async fn request(&self, scope: &Scope, id: RequestId) -> Result<Request, Error> {
        let found = self.database.query_one(sql::REQUEST, vec![Value::id(id)], request).await?;
        let found = found.ok_or(Error::NotFound("the request"))?;
        if self.is_within(scope, id).await? {
            Ok(found)
        } else {
            Err(Error::NotFound("the request"))
        }
    }

    /// Whether a scope reaches a request: one of its connectors, or, where collections limit the
    /// scope, every device of it, for the request and its actions name them.
    async fn is_within(&self, scope: &Scope, id: RequestId) -> Result<bool, Error> {
        if scope.connectors().is_none() {
            return Ok(true);
        }
        if !scope.collections().is_empty() {
            return self.reaches_all_of(scope, id).await;
        }
        let connectors = self.connectors_of(id).await?;
        Ok(connectors.iter().any(|connector| reaches(scope, *connector)))
    }

    /// Whether every device of a request is within a scope.
    pub async fn reaches_all_of(&self, scope: &Scope, id: RequestId) -> Result<bool, Error> {
        if scope.connectors().is_none() {
            return Ok(true);
        }
        let mut skip = 0;
        loop {
            let actions = self.actions_of_request(id, skip, MOST_ACTIONS).await?;
            for action in &actions {
                match self.device(scope, action.device).await {
                    Ok(_) => {}
                    Err(Error::NotFound(_)) => return Ok(false),
                    Err(error) => return Err(error),
                }
            }
            skip += actions.len() as u64;
            if actions.len() < MOST_ACTIONS as usize {
                return Ok(true);
            }
        }
    }

    /// The connectors of a request's devices.
    pub async fn connectors_of(&self, id: RequestId) -> Result<Vec<ConnectorId>, Error> {
        let decode = |row: &mut Columns<'_>| row.table("action").uuid("connector").map(ConnectorId);
        self.database.query(sql::CONNECTORS_OF_REQUEST, vec![Value::id(id)], decode).await
    }

    /// The latest requests, latest first.
    pub async fn requests(&self, scope: &Scope, limit: u32) -> Result<Vec<Request>, Error> {
        let values = vec![Value::Integer(i64::from(limit))];
        let found = self.database.query(sql::REQUESTS, values, request).await?;
        self.within(scope, found).await
    }

    /// The requests that wait for somebody's approval, the oldest first.
    pub async fn held_requests(&self, scope: &Scope) -> Result<Vec<Request>, Error> {
        let values = vec![Value::Integer(i64::from(MOST_ACTIONS))];
        let found = self.database.query(sql::HELD_REQUESTS, values, request).await?;
        self.within(scope, found).await
    }

    async fn within(&self, scope: &Scope, found: Vec<Request>) -> Result<Vec<Request>, Error> {
        if scope.connectors().is_none() {
            return Ok(found);
        }
        let mut within = Vec::new();
        for request in found {
            if self.is_within(scope, request.id).await? {
                within.push(request);
            }
        }
        Ok(within)
    }

    /// The requests of which something was not sent yet, the oldest first.
    pub async fn unsent_requests(&self, scope: &Scope) -> Result<Vec<Request>, Error> {
        let values = vec![Value::Integer(i64::from(MOST_ACTIONS))];
        let found = self.database.query(sql::UNSENT_REQUESTS, values, request).await?;
        self.within(scope, found).await
    }

    /// How many actions of a request failed after their cmdlet was sent.
    pub async fn failed_tries(&self, id: RequestId) -> Result<u64, Error> {
        let decode = |row: &mut Columns<'_>| row.table("action").count("count");
        let count = self.database.query_one(sql::FAILED_TRIES, vec![Value::id(id)], decode).await?;
        Ok(count.unwrap_or_default())
    }

    /// How many actions of a request stand where.
    pub async fn counts_of_request(&self, id: RequestId) -> Result<StateCounts, Error> {
        let decode = |row: &mut Columns<'_>| {
            row.table("action");
            Ok((row.word("state", ActionState::from_word)?, row.count("count")?))
        };
        self.database.query(sql::COUNTS_OF_REQUEST, vec![Value::id(id)], decode).await
    }

    /// Actions of a request in their order, after one of them.
    pub async fn actions_of_request(
        &self,
        id: RequestId,
        skip: u64,
        limit: u32,
    ) -> Result<Vec<Action>, Error> {
        let limit = limit.clamp(1, MOST_ACTIONS);
        let values = vec![Value::id(id), Value::Integer(limit.into()), Value::count(skip)];
        self.database.query(sql::ACTIONS_OF_REQUEST, values, action).await
    }

    /// The latest actions on a device, latest first.
    pub async fn actions_of_device(&self, id: DeviceId, limit: u32) -> Result<Vec<Action>, Error> {
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
        let mut found = self.database.query(sql::FAILED_ACTIONS, values, action).await?;
        found.retain(|action| reaches(scope, action.connector));
        Ok(found)
    }

    /// One action.
    pub async fn action(&self, id: ActionId) -> Result<Action, Error> {
        let found = self.database.query_one(sql::ACTION, vec![Value::id(id)], action).await?;
        found.ok_or(Error::NotFound("the action"))
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

    /// Holds a request until somebody approves, with its audit.
    pub async fn hold_request(
        &self,
        id: RequestId,
        hold: &str,
        expires: Timestamp,
        audit: &[AuditRow],
    ) -> Result<(), Error> {
        let mut steps = AuditRow::steps(audit);
        let values = vec![Value::id(id), Value::text(hold), Value::time(expires)];
        steps.push((sql::HOLD_REQUEST, values));
        self.database.write(steps).await.map(drop)
    }

    /// Notes a decision about a request, with its audit. Unless it was approved, what was not sent is
    /// cancelled with it. `Conflict` if somebody has decided that it ends already. How many actions
    /// were cancelled.
    pub async fn decide_request(
        &self,
        id: RequestId,
        decision: &Decision,
        audit: &[AuditRow],
    ) -> Result<u64, Error> {
        let mut steps = AuditRow::steps(audit);
        steps.push((
            sql::DECIDE_REQUEST,
            vec![
                Value::id(id),
                Value::text(decision.verdict.word()),
                Value::id(decision.by),
                Value::text(&decision.name),
                Value::time(decision.at),
            ],
        ));
        if decision.verdict != Verdict::Approved {
            let note = format!("{} by {}", decision.verdict.word(), decision.name);
            let values = vec![Value::id(id), Value::text(&note), Value::time(decision.at)];
            steps.push((sql::CANCEL_UNSENT, values));
        }
        let counts = self.database.write(steps).await?;
        let (decided, rest) = match counts.get(audit.len()..) {
            Some([decided, rest @ ..]) => (*decided, rest.iter().sum()),
            _ => (0, 0),
        };
        if decided == 0 {
            return Err(Error::Conflict { what: "the request has ended already".to_owned() });
        }
        Ok(rest)
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

fn request_values(request: &Request) -> Vec<Value> {
    vec![
        Value::id(request.id),
        Value::text(request.kind.word()),
        Value::id(request.person),
        Value::text(&request.person_name),
        Value::text(request.source.word()),
        Value::text(&request.reason),
        Value::optional_text(request.ticket.as_deref()),
        Value::optional_text(request.query.as_deref()),
        Value::time(request.asked),
        Value::optional_text(request.repeat_key.as_deref()),
        Value::count(request.devices),
        Value::optional_text(request.hold.as_deref()),
        Value::optional_time(request.expires),
    ]
}

fn request(row: &mut Columns<'_>) -> Result<Request, Error> {
    row.table("request");
    Ok(Request {
        id: RequestId(row.uuid("id")?),
        kind: row.word("kind", ActionKind::from_word)?,
        person: PersonId(row.uuid("person")?),
        person_name: row.text("person_name")?,
        source: row.word("source", Source::from_word)?,
        reason: row.text("reason")?,
        ticket: row.optional_text("ticket")?,
        query: row.optional_text("query")?,
        asked: row.time("asked")?,
        repeat_key: row.optional_text("repeat_key")?,
        devices: row.count("devices")?,
        hold: row.optional_text("hold")?,
        expires: row.optional_time("expires")?,
        decision: {
            let verdict = row.optional_word("decision", Verdict::from_word)?;
            let by = row.optional_uuid("decided_by")?.map(PersonId);
            let name = row.optional_text("decided_name")?;
            let at = row.optional_time("decided")?;
            match (verdict, by, name, at) {
                (Some(verdict), Some(by), Some(name), Some(at)) => {
                    Some(Decision { verdict, by, name, at })
                }
                (None, ..) => None,
                _ => return Err(row.corrupt("decision")),
            }
        },
    })
}

fn action_values(action: &Action) -> Vec<Value> {
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
