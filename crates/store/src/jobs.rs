//! Durable work: every job is a row until somebody has done it.

use domain::{ConnectorId, JobId, Scope, Timestamp};

use crate::{Error, Store};

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
        todo!("{job:?}")
    }

    /// Takes the job that has waited longest and marks it as running since `now`. No two callers
    /// get the same job; two jobs of one connector do not run at once.
    pub async fn claim_job(&self, now: Timestamp) -> Result<Option<Job>, Error> {
        todo!("{now}")
    }

    /// Notes how far a running job has come.
    pub async fn update_job(&self, id: JobId, progress: &Progress) -> Result<(), Error> {
        todo!("{id}{progress:?}")
    }

    /// Ends a job: `Done` or `Failed`, with one sentence.
    pub async fn finish_job(
        &self,
        id: JobId,
        state: JobState,
        outcome: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        todo!("{id}{state:?}{outcome}{now}")
    }

    /// Puts every running job back among the waiting: at a start nobody works on any.
    pub async fn requeue_jobs(&self) -> Result<u64, Error> {
        todo!()
    }

    /// One job.
    pub async fn job(&self, scope: &Scope, id: JobId) -> Result<Job, Error> {
        todo!("{scope:?}{id}")
    }

    /// The latest jobs, latest first.
    pub async fn jobs(&self, scope: &Scope, limit: u32) -> Result<Vec<Job>, Error> {
        todo!("{scope:?}{limit}")
    }
}
