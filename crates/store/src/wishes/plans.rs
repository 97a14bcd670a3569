//! Plans and their steps.

use domain::{
    ConnectorId, PersonId, PlanId, Scope, Source, Timestamp,
    wish::{Origin, PlanState},
};

use crate::value::{Columns, Value};
use crate::{AuditRow, Error, Store, connectors::reaches, sql};

/// A plan. Its document is the engine's.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Its id.
    pub id: PlanId,
    /// Of which connector.
    pub connector: ConnectorId,
    /// Where the wish comes from.
    pub origin: Origin,
    /// Where it stands.
    pub state: PlanState,
    /// The wish, as it was written.
    pub text: String,
    /// What was found.
    pub document: serde_json::Value,
    /// Who asked for it.
    pub person: PersonId,
    /// Their name.
    pub person_name: String,
    /// By which way.
    pub source: Source,
    /// The revision that held when it was made.
    pub revision: u64,
    /// When.
    pub made: Timestamp,
    /// When it last moved on.
    pub changed: Timestamp,
    /// Why it stands as it does.
    pub note: Option<String>,
}

/// One write of an apply.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanStep {
    /// Of which plan.
    pub plan: PlanId,
    /// In the order they were sent, from 0.
    pub position: u32,
    /// How it went.
    pub state: StepState,
    /// What is written. The engine's.
    pub document: serde_json::Value,
    /// What Exchange said.
    pub note: Option<String>,
    /// When it last moved on.
    pub changed: Timestamp,
}

/// How a write went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// It is on its way, or nobody heard the end of it.
    Sending,
    /// Exchange took it.
    Done,
    /// Exchange refused it.
    Failed,
}

impl StepState {
    /// The word used in tables and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Sending, Self::Done, Self::Failed].into_iter().find(|state| state.word() == word)
    }
}

impl Store {
    /// Keeps a new plan.
    pub async fn add_plan(&self, plan: &Plan, audit: &[AuditRow]) -> Result<(), Error> {
        let mut steps = AuditRow::steps(audit);
        steps.push((
            sql::ADD_PLAN,
            vec![
                Value::id(plan.id),
                Value::id(plan.connector),
                Value::text(plan.origin.word()),
                Value::text(plan.state.word()),
                Value::text(&plan.text),
                Value::text(&plan.document.to_string()),
                Value::id(plan.person),
                Value::text(&plan.person_name),
                Value::text(plan.source.word()),
                Value::Integer(i64::try_from(plan.revision).unwrap_or(i64::MAX)),
                Value::time(plan.made),
                Value::time(plan.changed),
                Value::optional_text(plan.note.as_deref()),
            ],
        ));
        self.database.write(steps).await.map(drop)
    }

    /// Moves a plan on, with its audit; only if it still stands as `from`. `Conflict` as well where
    /// another plan of the connector is being applied.
    pub async fn change_plan(
        &self,
        plan: &Plan,
        from: PlanState,
        audit: &[AuditRow],
    ) -> Result<(), Error> {
        let mut steps = AuditRow::steps(audit);
        steps.push(Self::plan_change(plan, from));
        let counts = self.database.write(steps).await?;
        if counts.last() == Some(&0) {
            return Err(Error::Conflict { what: "the plan has moved on meanwhile".to_owned() });
        }
        Ok(())
    }

    pub(super) fn plan_change(plan: &Plan, from: PlanState) -> (&'static str, Vec<Value>) {
        let values = vec![
            Value::id(plan.id),
            Value::text(from.word()),
            Value::text(plan.state.word()),
            Value::text(&plan.document.to_string()),
            Value::time(plan.changed),
            Value::optional_text(plan.note.as_deref()),
        ];
        (sql::CHANGE_PLAN, values)
    }

    /// One plan, if the scope reaches its connector.
    pub async fn plan(&self, scope: &Scope, id: PlanId) -> Result<Plan, Error> {
        let found = self.database.query_one(sql::PLAN, vec![Value::id(id)], plan).await?;
        let found = found.filter(|plan| reaches(scope, plan.connector));
        found.ok_or(Error::NotFound("the plan"))
    }

    /// The latest plans of a connector, latest first.
    pub async fn plans(&self, connector: ConnectorId, limit: u32) -> Result<Vec<Plan>, Error> {
        let values = vec![Value::id(connector), Value::Integer(limit.into())];
        self.database.query(sql::PLANS, values, plan).await
    }

    /// Plans of every connector that a stop cut short.
    pub async fn plans_under_way(&self) -> Result<Vec<Plan>, Error> {
        self.database.query(sql::PLANS_UNDER_WAY, vec![], plan).await
    }

    /// The steps of a plan that were sent, in their order.
    pub async fn plan_steps(&self, id: PlanId) -> Result<Vec<PlanStep>, Error> {
        self.database.query(sql::PLAN_STEPS, vec![Value::id(id)], step).await
    }

    /// The steps of every plan of a connector that was ever applied, in the order they were sent.
    pub async fn steps_of_connector(&self, id: ConnectorId) -> Result<Vec<PlanStep>, Error> {
        self.database.query(sql::STEPS_OF_CONNECTOR, vec![Value::id(id)], step).await
    }

    /// Writes a step: the intent before it is sent, and how it went; with its audit.
    pub async fn write_plan_step(&self, step: &PlanStep, audit: &[AuditRow]) -> Result<(), Error> {
        let mut steps = AuditRow::steps(audit);
        steps.push((
            sql::WRITE_PLAN_STEP,
            vec![
                Value::id(step.plan),
                Value::Integer(step.position.into()),
                Value::text(step.state.word()),
                Value::text(&step.document.to_string()),
                Value::optional_text(step.note.as_deref()),
                Value::time(step.changed),
            ],
        ));
        self.database.write(steps).await.map(drop)
    }
}

fn plan(row: &mut Columns<'_>) -> Result<Plan, Error> {
    row.table("plan");
    Ok(Plan {
        id: PlanId(row.uuid("id")?),
        connector: ConnectorId(row.uuid("connector")?),
        origin: row.word("origin", Origin::from_word)?,
        state: row.word("state", PlanState::from_word)?,
        text: row.text("text")?,
        document: row.json("document")?,
        person: PersonId(row.uuid("person")?),
        person_name: row.text("person_name")?,
        source: row.word("source", Source::from_word)?,
        revision: row.count("revision")?,
        made: row.time("made")?,
        changed: row.time("changed")?,
        note: row.optional_text("note")?,
    })
}

fn step(row: &mut Columns<'_>) -> Result<PlanStep, Error> {
    row.table("plan_step");
    Ok(PlanStep {
        plan: PlanId(row.uuid("plan")?),
        position: u32::try_from(row.count("position")?).map_err(|_| row.corrupt("position"))?,
        state: row.word("state", StepState::from_word)?,
        document: row.json("document")?,
        note: row.optional_text("note")?,
        changed: row.time("changed")?,
    })
}
