//! Passes over an organization.

use domain::pass::{Pass, PassCounts, PassKind, PassOutcome};
use domain::{ConnectorId, PassId, Scope};

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
    /// connector that is not gone true as of its beginning.
    pub async fn update_pass(&self, pass: &Pass) -> Result<(), Error> {
        let mut values = vec![Value::id(pass.id)];
        values.extend(state(pass));
        let mut steps = vec![(sql::UPDATE_PASS, values)];
        if pass.kind == PassKind::Full && pass.outcome == Some(PassOutcome::Complete) {
            let values = vec![Value::id(pass.connector), Value::time(pass.started)];
            steps.push((sql::CONFIRM_DEVICES, values));
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

    /// Passes that have no end yet: after a start, those that a stop cut short.
    pub async fn unfinished_passes(&self) -> Result<Vec<Pass>, Error> {
        self.database.query(sql::UNFINISHED_PASSES, vec![], pass).await
    }
}

/// What changes of a pass while it goes on.
fn state(pass: &Pass) -> [Value; 9] {
    let counts = pass.counts;
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
    ]
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
        },
    })
}
