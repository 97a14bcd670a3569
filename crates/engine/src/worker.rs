//! Workers: take a job, do it, note how it ended. Jobs outlive crashes.

use std::time::Duration;

use domain::{
    Connector,
    connector::ConnectorState,
    notification::Happened,
    pass::{PassKind, PassOutcome},
    status_message::Event,
};
use store::{Job, JobState};

use crate::{
    Engine, Error,
    component::Phrase,
    sessions::Urgency,
    sync,
    tasks::{self, Stop},
};

/// How many jobs run at once; each is of another connector.
const WORKERS: usize = 4;
/// A worker looks for work at least this often, should a wake-up be lost.
const IDLE: Duration = Duration::from_secs(30);

/// The kind of job that connects a connector for the first time.
pub(crate) const INSTALL: &str = "install";

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
                engine.inner.connectors_changed.notify_waiters();
                engine.look_for_news();
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
    let (state, outcome) = match tasks::caught(Box::pin(do_job(engine, &job, stop))).await {
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
    let is_install = job.kind == INSTALL;
    let ended = if is_install {
        install(engine, &connector, stop).await
    } else {
        engine.say(&connector.name, Phrase::Sync(kind, "begins"));
        sync::run(engine, &connector, kind, job, stop).await
    };
    engine.close_sessions_of(&connector).await;
    if matches!(ended, Ok(Some(_))) && connector.state == ConnectorState::Trouble {
        let state = ConnectorState::Installed;
        engine.store().set_connector_state(connector.id, state, None).await?;
    }
    match &ended {
        Ok(Some(_)) if is_install => {}
        Ok(Some(outcome)) => {
            engine.say(&connector.name, Phrase::Sync(kind, &format!("ended: {outcome}")));
        }
        Ok(None) => {
            engine.say(&connector.name, Phrase::Sync(kind, "was put away by a shutdown"));
        }
        Err(error) => {
            failed(engine, &connector, &format!("{error:#}"), (!is_install).then_some(kind))
                .await?;
        }
    }
    ended
}

/// Connects a connector for the first time.
async fn install(
    engine: &Engine,
    connector: &Connector,
    stop: &mut Stop,
) -> anyhow::Result<Option<String>> {
    tokio::select! {
        lease = engine.lease(connector, Urgency::Background) => drop(lease?),
        () = stop.wait() => return Ok(None),
    }
    Ok(Some("connected".to_owned()))
}

/// Notes that a job of a connector failed.
async fn failed(
    engine: &Engine,
    connector: &Connector,
    trouble: &str,
    kind: Option<PassKind>,
) -> anyhow::Result<()> {
    tracing::warn!(connector = %connector.name, error = trouble, "a job failed");
    if let Some(kind) = kind {
        engine.say(&connector.name, Phrase::Sync(kind, &format!("failed: {trouble}")));
        let text = format!("{kind} sync failed: {trouble}");
        engine.record(connector, Event::PassFailed, &text).await;
    }
    let state = ConnectorState::Trouble;
    if connector.state != state {
        let why = trouble.to_owned();
        engine.notify(Happened::ConnectorTrouble { connector: connector.id, why }).await;
    }
    engine.store().set_connector_state(connector.id, state, Some(trouble)).await?;
    if connector.organization.is_none() {
        engine.install_failed(connector, trouble).await?;
    }
    Ok(())
}
