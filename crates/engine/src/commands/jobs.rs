//! Asking for work, waiting for it, and calling it off.

use domain::{Caller, ConnectorName, JobId, Permission, pass::PassKind};
use store::{Job, JobState, NewJob};
use uuid::Uuid;

use crate::{Engine, Error, worker};

impl Engine {
    /// Asks for a sync. If one of the same kind waits or runs already, that is the answer.
    ///
    /// A full sync reads everything, statistics of every device included. A delta sync reads
    /// statistics only where they are missing or old, and marks no device as gone.
    pub async fn sync(
        &self,
        caller: &Caller,
        name: &ConnectorName,
        kind: PassKind,
    ) -> Result<JobId, Error> {
        let scope = caller.scope(Permission::ModifyConnector)?;
        let connector = self.store().connector(&scope, name).await?;
        let job = NewJob {
            id: JobId(Uuid::now_v7()),
            connector: connector.id,
            kind: worker::job_kind(kind).to_owned(),
            created: self.now(),
        };
        let id = self.store().add_job(&job).await?;
        self.0.work.notify_one();
        Ok(id)
    }

    /// The job, once it has ended.
    pub async fn job_finished(&self, caller: &Caller, id: JobId) -> Result<Job, Error> {
        let scope = caller.scope(Permission::Read)?;
        let mut endings = self.0.endings.subscribe();
        loop {
            endings.mark_unchanged();
            let job = self.store().job(&scope, id).await?;
            if matches!(job.state, JobState::Done | JobState::Failed) {
                return Ok(job);
            }
            if endings.changed().await.is_err() {
                return Err(Error::Unavailable("the server is stopping".to_owned()));
            }
        }
    }

    /// Calls a job off. One that runs is stopped first; one that has ended stays as it is.
    pub async fn cancel_job(&self, caller: &Caller, id: JobId) -> Result<(), Error> {
        let scope = caller.scope(Permission::ModifyConnector)?;
        let job = self.store().job(&scope, id).await?;
        worker::cancel(self, &job, caller).await
    }
}
