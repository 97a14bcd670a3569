//! What people asked for, and what was decided about it.

use domain::{ActionKind, ActionState, ConnectorId, PersonId, RequestId, Scope, Source, Timestamp};

use super::{Action, MOST_ACTIONS, StateCounts, action::action_values};
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
            let actions = self.actions_of(id, skip, MOST_ACTIONS).await?;
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

    /// The requests of which something was not sent yet, the oldest first.
    pub async fn unsent_requests(&self, scope: &Scope) -> Result<Vec<Request>, Error> {
        let values = vec![Value::Integer(i64::from(MOST_ACTIONS))];
        let found = self.database.query(sql::UNSENT_REQUESTS, values, request).await?;
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

    /// How many actions of a request stand where.
    pub async fn counts_of_request(&self, id: RequestId) -> Result<StateCounts, Error> {
        let decode = |row: &mut Columns<'_>| {
            row.table("action");
            Ok((row.word("state", ActionState::from_word)?, row.count("count")?))
        };
        self.database.query(sql::COUNTS_OF_REQUEST, vec![Value::id(id)], decode).await
    }

    /// Of a request, how many actions failed although their cmdlet was sent, and how many Exchange
    /// took.
    pub async fn tries_of_request(&self, id: RequestId) -> Result<(u64, u64), Error> {
        let decode = |row: &mut Columns<'_>| {
            row.table("action");
            Ok((row.count("failed")?, row.count("taken")?))
        };
        let tries = self.database.query_one(sql::TRIES_OF_REQUEST, vec![Value::id(id)], decode);
        Ok(tries.await?.unwrap_or_default())
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
