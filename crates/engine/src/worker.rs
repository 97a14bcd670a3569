//! Workers: take a job, do it, note how it ended. Jobs outlive crashes.

use std::time::Duration;

use domain::{
    connector::ConnectorState,
    pass::{PassKind, PassOutcome},
};
use store::{Job, JobState};

use crate::{
    Engine, Error, component, sync,
    tasks::{self, Stop},
};

/// How many jobs run at once; each is of another connector.
const WORKERS: usize = 4;
/// A worker looks for work at least this often, should a wake-up be lost.
const IDLE: Duration = Duration::from_secs(30);

pub(crate) const fn job_kind(kind: PassKind) -> &'static str {
    match kind {
        PassKind::Full => "full sync",
        PassKind::Delta => "delta sync",
    }
}

pub(crate) async fn start(engine: &Engine) {
    for _ in 0..WORKERS {
        let stop = engine.inner.tasks.stop();
        engine.inner.tasks.spawn(work(engine.clone(), stop)).await;
    }
}

/// A pass that a stop cut short did not end; it failed.
pub(crate) async fn end_cut_passes(engine: &Engine) -> Result<(), Error> {
    for mut pass in engine.store().unfinished_passes().await? {
        pass.finished = Some(engine.now());
        pass.outcome = Some(PassOutcome::Failed);
        engine.store().update_pass(&pass).await?;
    }
    Ok(())
}

async fn work(engine: Engine, mut stop: Stop) {
    while !stop.is_set() {
        // Waiting begins before looking, so that a job added in between is not missed.
        let new_job = engine.inner.new_job.notified();
        match engine.store().claim_job(engine.now()).await {
            Ok(Some(job)) => {
                run(&engine, job, &mut stop).await;
                engine.inner.ended_jobs.send_modify(|ended| *ended += 1);
                // Another job of the same connector may wait for this one.
                engine.inner.new_job.notify_waiters();
                continue;
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "looking for work failed"),
        }
        tokio::select! {
            () = new_job => {}
            () = tokio::time::sleep(IDLE) => {}
            () = stop.wait() => {}
        }
    }
}

async fn run(engine: &Engine, job: Job, stop: &mut Stop) {
    let (state, outcome) = match tasks::caught(do_job(engine, &job, stop)).await {
        Some(Ok(Some(outcome))) => (JobState::Done, outcome),
        // Stopped by a shutdown: the job stays as it is and is done again at the next start.
        Some(Ok(None)) => return,
        Some(Err(error)) => (JobState::Failed, format!("{error:#}")),
        None => {
            tracing::error!(job = %job.id, "a job ended in a panic");
            let outcome = "a fault inside Gatepost; the server's log says more";
            (JobState::Failed, outcome.to_owned())
        }
    };
    if let Err(error) = engine.store().finish_job(job.id, state, &outcome, engine.now()).await
        && !matches!(error, store::Error::NotFound(_))
    {
        tracing::error!(%error, job = %job.id, "the end of a job could not be noted");
    }
}

/// Does a job; `None` if a shutdown cut it short.
async fn do_job(engine: &Engine, job: &Job, stop: &mut Stop) -> anyhow::Result<Option<String>> {
    let kind = if job.kind == job_kind(PassKind::Delta) { PassKind::Delta } else { PassKind::Full };
    let scope = engine.own_scope()?;
    let connectors = engine.store().connectors(&scope).await?;
    let Some(connector) = connectors.into_iter().find(|connector| connector.id == job.connector)
    else {
        anyhow::bail!("the connector was removed");
    };
    component::sync(&connector.name, kind, "begins");
    let ended = sync::run(engine, &connector, kind, job, stop).await;
    match &ended {
        Ok(Some(outcome)) => component::sync(&connector.name, kind, &format!("ended: {outcome}")),
        Ok(None) => component::sync(&connector.name, kind, "was put away by a shutdown"),
        Err(error) => {
            component::sync(&connector.name, kind, &format!("failed: {error:#}"));
            tracing::warn!(connector = %connector.name, error = format!("{error:#}"), "a sync failed");
            let trouble = format!("{error:#}");
            engine
                .store()
                .set_connector_state(connector.id, ConnectorState::Trouble, Some(&trouble))
                .await?;
        }
    }
    ended
}
