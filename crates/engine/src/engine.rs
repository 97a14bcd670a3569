//! The engine itself: what everything else is a command of.

use std::{path::PathBuf, sync::Arc};

use domain::{
    Caller, Connector, ConnectorName, JobId, Permission, Scope, Timestamp, audit::Event,
    pass::PassKind,
};
use store::{Job, JobState, NewJob, Store};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use crate::{
    AuditKey, Clock, Error, Fault, actions,
    audit::{self, Audit},
    component::{ComponentLog, Phrase},
    data_key::DataKeys,
    hosted,
    identity_providers::KnownProviders,
    notifications,
    people::Desk,
    secrets::Secrets,
    sessions::Sessions,
    supervisor::{self, QuarantineLane},
    tasks::Tasks,
    wishes, worker,
};

/// Carries out what callers ask for. Cloning gives another handle to the same engine.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

/// What an engine is started with.
#[derive(Clone)]
pub struct Options {
    /// Key that secrets are sealed with; kept outside the database.
    pub data_key: DataKeys,
    /// Token of the local administrator; empty means that nobody can sign in with one.
    pub admin_token: String,
    /// Tells the time.
    pub clock: Clock,
    /// Whether connectors are installed and synchronized on their schedules, or only when asked.
    pub is_supervised: bool,
    /// Devices of one page of a full pass: what a cut may cost.
    pub page_devices: u32,
    /// Where the process is to die, for stories about that; nowhere else.
    pub fault: Fault,
    /// How the audit is kept.
    pub audit: AuditOptions,
}

/// How the audit is kept.
#[derive(Debug, Clone)]
pub struct AuditOptions {
    /// Signs it; kept outside the database.
    pub key: AuditKey,
    /// Where closed parts, and the file of the stream, are written; made when it is needed.
    pub directory: PathBuf,
}

impl Options {
    /// The usual size of a page.
    pub const PAGE_DEVICES: u32 = 5_000;
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("clock", &self.clock).finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) options: Options,
    pub(crate) secrets: Secrets,
    /// Held while the data key is changed: one change at a time.
    pub(crate) key_change: tokio::sync::Mutex<()>,
    pub(crate) lane: actions::Lane,
    pub(crate) gate: actions::Gate,
    pub(crate) audit: Audit,
    pub(crate) tasks: Tasks,
    /// Wakes the workers when there is a new job.
    pub(crate) new_job: Notify,
    /// Counts the jobs that have ended, so that somebody can wait for one.
    pub(crate) ended_jobs: watch::Sender<u64>,
    /// Wakes the supervisor when connectors have changed or a job has ended.
    pub(crate) connectors_changed: Notify,
    pub(crate) people: Desk,
    /// Codes that people were asked to enter.
    pub(crate) people_codes: hosted::Desk,
    pub(crate) sessions: Sessions,
    pub(crate) quarantine: QuarantineLane,
    pub(crate) component_log: ComponentLog,
    pub(crate) notifications: notifications::Desk,
    pub(crate) known_providers: KnownProviders,
    pub(crate) wishes: wishes::Desk,
}

impl Engine {
    /// An engine that does nothing yet.
    pub(crate) fn idle(store: Store, options: Options) -> Self {
        let DataKeys { current, previous, .. } = &options.data_key;
        let secrets = Secrets::new(current, previous.as_ref());
        let inner = Inner {
            store,
            options,
            secrets,
            key_change: tokio::sync::Mutex::default(),
            lane: actions::Lane::default(),
            gate: actions::Gate::default(),
            audit: Audit::default(),
            tasks: Tasks::new(),
            new_job: Notify::new(),
            ended_jobs: watch::Sender::new(0),
            connectors_changed: Notify::new(),
            people: Desk::default(),
            people_codes: hosted::Desk::default(),
            sessions: Sessions::default(),
            quarantine: QuarantineLane::default(),
            component_log: ComponentLog::default(),
            notifications: notifications::Desk::default(),
            known_providers: KnownProviders::default(),
            wishes: wishes::Desk::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Makes sure that secrets open, puts jobs that were cut short back among the waiting, and
    /// begins to work.
    pub async fn start(store: Store, options: Options) -> Result<Self, Error> {
        let engine = Self::idle(store, options);
        engine.take_up_data_key().await?;
        let requeued = engine.store().requeue_jobs().await?;
        if requeued > 0 {
            tracing::info!(jobs = requeued, "jobs that a stop had cut short are done again");
        }
        worker::end_cut_passes(&engine).await?;
        let left = engine.store().shells().await?;
        if !left.is_empty() {
            let giving = engine.clone();
            let given = async move {
                if let Err(error) = Box::pin(giving.give_back(left)).await {
                    tracing::debug!(%error, "sessions of before were not given back");
                }
            };
            engine.inner.tasks.spawn(given).await;
        }
        worker::start(&engine).await;
        actions::start(&engine).await;
        audit::start(&engine).await;
        notifications::start(&engine).await;
        wishes::start(&engine).await?;
        if engine.inner.options.is_supervised {
            supervisor::start(&engine).await;
        }
        Ok(engine)
    }

    /// Stops working: what is under way is put away in good order and is done again at the next
    /// start. Then closes the store.
    pub async fn shutdown(&self) {
        self.inner.tasks.shutdown().await;
        self.close_sessions().await;
        if let Err(error) = self.sign_audit().await {
            tracing::error!(%error, "the end of the audit could not be signed");
        }
        self.store().close().await;
    }

    /// The store, for reads; each takes a scope.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.options.clock.now()
    }

    /// What the engine's own work reads with.
    pub(crate) fn own_scope(&self) -> anyhow::Result<Scope> {
        Ok(Caller::engine().scope(Permission::ReadResource)?)
    }

    /// Asks for a sync. Answers with the job that does it: the one that waits or runs already, if
    /// there is one.
    pub async fn sync(
        &self,
        caller: &Caller,
        name: &ConnectorName,
        kind: PassKind,
    ) -> Result<JobId, Error> {
        let scope = caller.scope(Permission::ModifySite)?;
        let connector = self.store().connector(&scope, name).await?;
        self.must_not_be_removed(&connector)?;
        let entry = self.entry_of(caller, Event::SyncAsked, &connector);
        self.audit(entry.with("kind", kind.to_string())).await?;
        self.say(name, Phrase::Sync(kind, "was asked for"));
        Ok(self.new_job(&connector, worker::job_kind(kind)).await?)
    }

    /// Adds a job, or finds the one that waits or runs already.
    pub(crate) async fn new_job(
        &self,
        connector: &Connector,
        kind: &str,
    ) -> Result<JobId, store::Error> {
        let job = NewJob {
            id: JobId(Uuid::now_v7()),
            connector: connector.id,
            kind: kind.to_owned(),
            created: self.now(),
        };
        let id = self.store().add_job(&job).await?;
        self.inner.new_job.notify_waiters();
        Ok(id)
    }

    /// Adds a job that nobody asked for but the schedule.
    pub(crate) async fn add_job(&self, connector: &Connector, kind: &str) -> anyhow::Result<()> {
        match self.new_job(connector, kind).await {
            // It was removed a moment ago.
            Ok(_) | Err(store::Error::NotFound(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// One job.
    pub async fn job(&self, caller: &Caller, id: JobId) -> Result<Job, Error> {
        Ok(self.store().job(&caller.scope(Permission::Read)?, id).await?)
    }

    /// Waits until a job has ended, and shows it.
    pub async fn job_finished(&self, caller: &Caller, id: JobId) -> Result<Job, Error> {
        let mut ended = self.inner.ended_jobs.subscribe();
        loop {
            ended.borrow_and_update();
            let job = self.job(caller, id).await?;
            if matches!(job.state, JobState::Done | JobState::Failed) {
                return Ok(job);
            }
            if ended.changed().await.is_err() {
                return Err(Error::Unavailable("the engine has stopped".to_owned()));
            }
        }
    }
}
