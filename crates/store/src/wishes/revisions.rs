//! The wishes that hold, what is in care because of them, and drift from them.

use domain::{
    ConnectorId, PersonId, PlanId, Timestamp,
    wish::{Origin, PlanState},
};

use super::Plan;
use crate::value::{Columns, Value};
use crate::{AuditRow, Error, Store, sql};

/// A wish that was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// From 1.
    pub revision: u64,
    /// As it was written.
    pub text: String,
    /// Where it came from.
    pub origin: Origin,
    /// The plan that brought it.
    pub plan: PlanId,
    /// Who had it applied.
    pub person: PersonId,
    /// Their name.
    pub person_name: String,
    /// When.
    pub kept: Timestamp,
}

/// What is kept when a plan was carried out, all at once.
#[derive(Debug)]
pub struct WishApplied<'a> {
    /// The plan, as it stands now.
    pub plan: &'a Plan,
    /// The revision that holds from now on; `None` where that does not change.
    pub revision: Option<Revision>,
    /// Everything that is in care from now on, each as the engine writes it.
    pub care: Vec<String>,
}

impl Store {
    /// The wish of a connector that holds; `None` before the first.
    pub async fn wish(&self, connector: ConnectorId) -> Result<Option<Revision>, Error> {
        let values = vec![Value::id(connector), Value::Integer(1)];
        Ok(self.database.query(sql::WISHES, values, revision).await?.pop())
    }

    /// The latest wishes of a connector, latest first.
    pub async fn wishes(&self, connector: ConnectorId, limit: u32) -> Result<Vec<Revision>, Error> {
        let values = vec![Value::id(connector), Value::Integer(limit.into())];
        self.database.query(sql::WISHES, values, revision).await
    }

    /// Notes that a plan was carried out: its state, the wish that holds, and what is in care.
    pub async fn wish_applied(
        &self,
        applied: &WishApplied<'_>,
        audit: &[AuditRow],
    ) -> Result<(), Error> {
        let connector = applied.plan.connector;
        let mut steps = AuditRow::steps(audit);
        steps.extend(care_steps(connector, &applied.care));
        if let Some(revision) = &applied.revision {
            steps.push((
                sql::ADD_WISH,
                vec![
                    Value::id(connector),
                    Value::Integer(i64::try_from(revision.revision).unwrap_or(i64::MAX)),
                    Value::text(&revision.text),
                    Value::text(revision.origin.word()),
                    Value::id(revision.plan),
                    Value::id(revision.person),
                    Value::text(&revision.person_name),
                    Value::time(revision.kept),
                ],
            ));
        }
        steps.push(Self::plan_change(applied.plan, PlanState::Applying));
        let counts = self.database.write(steps).await?;
        if counts.last() == Some(&0) {
            return Err(Error::Conflict { what: "the plan has moved on meanwhile".to_owned() });
        }
        Ok(())
    }

    /// Everything that is in care at a connector, each as the engine writes it.
    pub async fn care(&self, connector: ConnectorId) -> Result<Vec<String>, Error> {
        let decode = |row: &mut Columns<'_>| row.table("care").text("thing");
        self.database.query(sql::CARE, vec![Value::id(connector)], decode).await
    }

    /// Puts other things into care, in place of what was.
    pub async fn set_care(
        &self,
        connector: ConnectorId,
        things: &[String],
        audit: &[AuditRow],
    ) -> Result<(), Error> {
        let mut steps = AuditRow::steps(audit);
        steps.extend(care_steps(connector, things));
        self.database.write(steps).await.map(drop)
    }

    /// Keeps what Exchange had when it was read.
    pub async fn set_observed(
        &self,
        connector: ConnectorId,
        at: Timestamp,
        document: &serde_json::Value,
    ) -> Result<(), Error> {
        let document = Value::text(&document.to_string());
        let values = vec![Value::id(connector), Value::time(at), document];
        self.database.write(vec![(sql::SET_OBSERVED, values)]).await.map(drop)
    }

    /// What Exchange had when it was read last, and when that was.
    pub async fn observed(
        &self,
        connector: ConnectorId,
    ) -> Result<Option<(Timestamp, serde_json::Value)>, Error> {
        let decode = |row: &mut Columns<'_>| {
            row.table("observed");
            Ok((row.time("at")?, row.json("document")?))
        };
        self.database.query_one(sql::OBSERVED, vec![Value::id(connector)], decode).await
    }

    /// Keeps what a look for drift found.
    pub async fn set_drift(
        &self,
        connector: ConnectorId,
        checked: Timestamp,
        document: &serde_json::Value,
    ) -> Result<(), Error> {
        let values =
            vec![Value::id(connector), Value::time(checked), Value::text(&document.to_string())];
        self.database.write(vec![(sql::SET_DRIFT, values)]).await.map(drop)
    }

    /// What the last look for drift found, and when it was.
    pub async fn drift(
        &self,
        connector: ConnectorId,
    ) -> Result<Option<(Timestamp, serde_json::Value)>, Error> {
        let decode = |row: &mut Columns<'_>| {
            row.table("drift");
            Ok((row.time("checked")?, row.json("document")?))
        };
        self.database.query_one(sql::DRIFT, vec![Value::id(connector)], decode).await
    }
}

fn care_steps(connector: ConnectorId, things: &[String]) -> Vec<(&'static str, Vec<Value>)> {
    let mut steps = vec![(sql::FORGET_CARE, vec![Value::id(connector)])];
    let add = |thing: &String| (sql::ADD_CARE, vec![Value::id(connector), Value::text(thing)]);
    steps.extend(things.iter().map(add));
    steps
}

fn revision(row: &mut Columns<'_>) -> Result<Revision, Error> {
    row.table("wish");
    Ok(Revision {
        revision: row.count("revision")?,
        text: row.text("text")?,
        origin: row.word("origin", Origin::from_word)?,
        plan: PlanId(row.uuid("plan")?),
        person: PersonId(row.uuid("person")?),
        person_name: row.text("person_name")?,
        kept: row.time("kept")?,
    })
}
