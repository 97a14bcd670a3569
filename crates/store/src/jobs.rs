//! Durable work: every job is a row until somebody has done it.

use domain::{ConnectorId, JobId, Scope, Timestamp};

use crate::connectors::reaches;
use crate::value::{Columns, Value};
use crate::{Error, Store, sql};

/// A durable piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Stable id.
    pub id: JobId,
    /// For which connector.
    pub connector: ConnectorId,
    /// What is to be done, in the engine's words: `full sync`, `delta sync`.
    pub kind: String,
    /// Where it stands.
    pub state: JobState,
    /// How far it has come.
    pub progress: Progress,
    /// How it ended, in one sentence.
    pub outcome: Option<String>,
    /// When it was asked for.
    pub created: Timestamp,
    /// When work on it began last.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobState {
    /// Nobody works on it yet.
    Waiting,
    /// Somebody works on it.
    Running,
    /// Ended well.
    Done,
    /// Ended badly; the outcome says why.
    Failed,
}

impl JobState {
    /// The word used in tables, URLs, files and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// The state a word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let all = [Self::Waiting, Self::Running, Self::Done, Self::Failed];
        all.into_iter().find(|state| state.word() == word)
    }
}

/// How far a job has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// What is being done, in one word or two.
    pub step: Option<String>,
    /// How many of it are done.
    pub done: u64,
    /// How many there will be, as far as known.
    pub expected: Option<u64>,
}

/// A piece of work to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Stable id, should the job be a new one.
    pub id: JobId,
    /// For which connector.
    pub connector: ConnectorId,
    /// What is to be done, in the engine's words.
    pub kind: String,
    /// When it was asked for.
    pub created: Timestamp,
}

impl Store {
    /// Adds a job, or finds the one of the same connector and kind that waits or runs already.
    /// The answer is the id of the job that there is now.
    pub async fn add_job(&self, job: &NewJob) -> Result<JobId, Error> {
        // A job that ends between the two statements is the reason for a second try.
        for _ in 0..3 {
            let values = vec![
                Value::id(job.id),
                Value::id(job.connector),
                Value::text(&job.kind),
                Value::time(job.created),
            ];
            let added = self.database.write(vec![(sql::ADD_JOB, values)]).await;
            added.map_err(|error| match error {
                Error::Conflict { .. } => Error::NotFound("the connector"),
                other => other,
            })?;
            let values = vec![Value::id(job.connector), Value::text(&job.kind)];
            let open = self
                .database
                .query_one(sql::OPEN_JOB, values, |row| row.table("job").uuid("id").map(JobId));
            if let Some(id) = open.await? {
                return Ok(id);
            }
        }
        Ok(job.id)
    }

    /// Takes the job that has waited longest and marks it as running since `now`. No two callers
    /// get the same job; two jobs of one connector do not run at once.
    pub async fn claim_job(&self, now: Timestamp) -> Result<Option<Job>, Error> {
        let claimed = self.database.write_returning(sql::CLAIM_JOB, vec![Value::time(now)], decode);
        match claimed.await {
            // Another process began a job of the same connector at the same moment.
            Err(Error::Conflict { .. }) => Ok(None),
            claimed => Ok(claimed?.pop()),
        }
    }

    /// Notes how far a running job has come.
    pub async fn update_job(&self, id: JobId, progress: &Progress) -> Result<(), Error> {
        let values = vec![
            Value::id(id),
            Value::optional_text(progress.step.as_deref()),
            Value::count(progress.done),
            progress.expected.map_or(Value::Null, Value::count),
        ];
        self.write_one(sql::UPDATE_JOB, values, "the running job").await
    }

    /// Ends a job: `Done` or `Failed`, with one sentence.
    pub async fn finish_job(
        &self,
        id: JobId,
        state: JobState,
        outcome: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let values =
            vec![Value::id(id), Value::text(state.word()), Value::text(outcome), Value::time(now)];
        self.write_one(sql::FINISH_JOB, values, "the open job").await
    }

    /// Puts every running job back among the waiting: at a start nobody works on any.
    pub async fn requeue_jobs(&self) -> Result<u64, Error> {
        let changed = self.database.write(vec![(sql::REQUEUE_JOBS, vec![])]).await?;
        Ok(changed.into_iter().sum())
    }

    /// One job.
    pub async fn job(&self, scope: &Scope, id: JobId) -> Result<Job, Error> {
        let found = self.database.query_one(sql::JOB, vec![Value::id(id)], decode).await?;
        let found = found.filter(|job| reaches(scope, job.connector));
        found.ok_or(Error::NotFound("the job"))
    }

    /// The latest jobs, latest first.
    pub async fn jobs(&self, scope: &Scope, limit: u32) -> Result<Vec<Job>, Error> {
        let values = vec![Value::Integer(i64::from(limit))];
        let mut jobs = self.database.query(sql::JOBS, values, decode).await?;
        jobs.retain(|job| reaches(scope, job.connector));
        Ok(jobs)
    }
}

fn decode(row: &mut Columns<'_>) -> Result<Job, Error> {
    row.table("job");
    Ok(Job {
        id: JobId(row.uuid("id")?),
        connector: ConnectorId(row.uuid("connector")?),
        kind: row.text("kind")?,
        state: row.word("state", JobState::from_word)?,
        progress: Progress {
            step: row.optional_text("step")?,
            done: row.count("done")?,
            expected: row
                .optional_integer("expected")?
                .map(u64::try_from)
                .transpose()
                .map_err(|_| row.corrupt("expected"))?,
        },
        outcome: row.optional_text("outcome")?,
        created: row.time("created")?,
        started: row.optional_time("started")?,
        finished: row.optional_time("finished")?,
    })
}
