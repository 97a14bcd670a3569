//! Passes over an organization.

use domain::inventory::Shortfall;
use domain::pass::{Checkpoint, Pass, PassCost, PassCounts, PassKind, PassOutcome};
use domain::{ConnectorId, PassId, Scope, Timestamp};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::connectors::reaches;
use crate::value::{Columns, Value};
use crate::{Error, Store, sql};

impl Store {
    /// Keeps a pass that begins.
    pub async fn begin_pass(&self, pass: &Pass) -> Result<(), Error> {
        let mut values = vec![
            Value::id(pass.id),
            Value::id(pass.connector),
            Value::text(pass.kind.word()),
            Value::time(pass.started),
        ];
        values.extend(state(pass));
        let written = self.database.write(vec![(sql::BEGIN_PASS, values)]).await;
        written.map(drop).map_err(|error| {
            error.or_conflict(|| "the pass has begun, or its connector is gone".to_owned())
        })
    }

    /// Notes how far a pass has come. A full pass that ended complete makes every device of its
    /// connector that is not gone true as of its beginning; the next delta pass asks for what
    /// changed since the last complete one of either kind.
    pub async fn update_pass(&self, pass: &Pass) -> Result<(), Error> {
        let mut values = vec![Value::id(pass.id)];
        values.extend(state(pass));
        let mut steps = vec![(sql::UPDATE_PASS, values)];
        if pass.outcome == Some(PassOutcome::Complete) {
            let values = vec![Value::id(pass.connector), Value::time(pass.started)];
            steps.push(match pass.kind {
                PassKind::Full => (sql::CONFIRM_DEVICES, values),
                PassKind::Delta => (sql::CONFIRM_CHANGES, values),
            });
        }
        let changed = self.database.write(steps).await?;
        if changed.first() == Some(&0) { Err(Error::NotFound("the pass")) } else { Ok(()) }
    }

    /// The latest passes of a connector, latest first.
    pub async fn passes(
        &self,
        scope: &Scope,
        connector: ConnectorId,
        limit: u32,
    ) -> Result<Vec<Pass>, Error> {
        if !reaches(scope, connector) {
            return Ok(Vec::new());
        }
        let values = vec![Value::id(connector), Value::Integer(i64::from(limit))];
        self.database.query(sql::PASSES, values, pass).await
    }

    /// The latest passes of one kind, latest first.
    pub async fn passes_of(
        &self,
        connector: ConnectorId,
        kind: PassKind,
        limit: u32,
    ) -> Result<Vec<Pass>, Error> {
        let values =
            vec![Value::id(connector), Value::text(kind.word()), Value::Integer(i64::from(limit))];
        self.database.query(sql::PASSES_OF, values, pass).await
    }

    /// Forgets passes and jobs that ended before.
    pub async fn forget_history(&self, before: Timestamp) -> Result<(), Error> {
        let before = || vec![Value::time(before)];
        let steps = vec![(sql::FORGET_PASSES, before()), (sql::FORGET_JOBS, before())];
        self.database.write(steps).await.map(drop)
    }

    /// How far the full pass that was cut last has come.
    pub async fn checkpoint(&self, connector: ConnectorId) -> Result<Option<Checkpoint>, Error> {
        let decode = |row: &mut Columns<'_>| row.table("connector").optional_json("checkpoint");
        let values = vec![Value::id(connector)];
        let document = self.database.query_one(sql::CHECKPOINT, values, decode).await?.flatten();
        // One that is not understood is none: the pass then begins anew.
        Ok(document.as_ref().and_then(checkpoint))
    }

    /// Notes how far a full pass has come, and which devices it has seen since it was noted before.
    pub async fn add_checkpoint(
        &self,
        connector: ConnectorId,
        checkpoint: &Checkpoint,
        seen: &[Uuid],
    ) -> Result<(), Error> {
        let guids = seen.iter().flat_map(|guid| *guid.as_bytes()).collect();
        let document = checkpoint_document(checkpoint).to_string();
        let steps = vec![
            (sql::SET_CHECKPOINT, vec![Value::id(connector), Value::text(&document)]),
            (sql::ADD_SEEN, vec![Value::id(connector), Value::Bytes(guids)]),
        ];
        self.database.write(steps).await.map(drop)
    }

    /// The devices that the full pass that was cut has seen.
    pub async fn seen(&self, connector: ConnectorId) -> Result<Vec<Uuid>, Error> {
        let decode = |row: &mut Columns<'_>| row.table("seen").bytes("guids");
        let pages = self.database.query(sql::SEEN, vec![Value::id(connector)], decode).await?;
        let guids = pages.iter().flat_map(|guids| guids.chunks_exact(16));
        Ok(guids.filter_map(|guid| Uuid::from_slice(guid).ok()).collect())
    }

    /// Forgets how far a full pass had come: it has ended, or what it read is of no use any more.
    pub async fn forget_checkpoint(&self, connector: ConnectorId) -> Result<(), Error> {
        let steps = vec![
            (sql::SET_CHECKPOINT, vec![Value::id(connector), Value::Null]),
            (sql::FORGET_SEEN, vec![Value::id(connector)]),
        ];
        self.database.write(steps).await.map(drop)
    }

    /// Passes that have no end yet: after a start, those that a stop cut short.
    pub async fn unfinished_passes(&self) -> Result<Vec<Pass>, Error> {
        self.database.query(sql::UNFINISHED_PASSES, vec![], pass).await
    }
}

/// What changes of a pass while it goes on.
fn state(pass: &Pass) -> [Value; 14] {
    let (counts, cost) = (pass.counts, pass.cost);
    [
        Value::optional_time(pass.finished),
        Value::optional_text(pass.outcome.map(PassOutcome::word)),
        Value::count(counts.devices),
        Value::count(counts.added),
        Value::count(counts.changed),
        Value::count(counts.gone),
        Value::count(counts.poisoned),
        Value::count(counts.mailboxes),
        Value::count(counts.statistics),
        Value::count(counts.skipped),
        Value::count(cost.cmdlets),
        Value::count(cost.delayed_ms),
        Value::count(cost.sessions_lost),
        Value::optional_text(pass.endpoint.as_deref()),
    ]
}

fn checkpoint_document(checkpoint: &Checkpoint) -> Json {
    let Checkpoint { started, list, before, counts, shortfall } = checkpoint;
    json!({
        "started": started.to_string(),
        "list": list,
        "before": before.map(|before| before.to_string()),
        "counts": [counts.devices, counts.added, counts.changed, counts.poisoned, counts.mailboxes, counts.skipped],
        "shortfall": [shortfall.poisoned, shortfall.problems, u64::from(shortfall.is_truncated)],
    })
}

fn checkpoint(document: &Json) -> Option<Checkpoint> {
    let time = |value: &Json| value.as_str()?.parse::<Timestamp>().ok();
    let count = |name: &str, at: usize| document.get(name)?.get(at)?.as_u64();
    Some(Checkpoint {
        started: time(document.get("started")?)?,
        list: usize::try_from(document.get("list")?.as_u64()?).ok()?,
        before: match document.get("before")? {
            Json::Null => None,
            before => Some(time(before)?),
        },
        counts: PassCounts {
            devices: count("counts", 0)?,
            added: count("counts", 1)?,
            changed: count("counts", 2)?,
            poisoned: count("counts", 3)?,
            mailboxes: count("counts", 4)?,
            skipped: count("counts", 5)?,
            ..PassCounts::default()
        },
        shortfall: Shortfall {
            poisoned: count("shortfall", 0)?,
            problems: count("shortfall", 1)?,
            is_truncated: count("shortfall", 2)? > 0,
            is_implausible: false,
        },
    })
}

fn pass(row: &mut Columns<'_>) -> Result<Pass, Error> {
    row.table("pass");
    Ok(Pass {
        id: PassId(row.uuid("id")?),
        connector: ConnectorId(row.uuid("connector")?),
        kind: row.word("kind", PassKind::from_word)?,
        started: row.time("started")?,
        finished: row.optional_time("finished")?,
        outcome: row.optional_word("outcome", PassOutcome::from_word)?,
        counts: PassCounts {
            devices: row.count("devices")?,
            added: row.count("added")?,
            changed: row.count("changed")?,
            gone: row.count("gone")?,
            poisoned: row.count("poisoned")?,
            mailboxes: row.count("mailboxes")?,
            statistics: row.count("statistics")?,
            skipped: row.count("skipped")?,
        },
        cost: PassCost {
            cmdlets: row.count("cmdlets")?,
            delayed_ms: row.count("delayed_ms")?,
            sessions_lost: row.count("sessions_lost")?,
        },
        endpoint: row.optional_text("endpoint")?,
    })
}
