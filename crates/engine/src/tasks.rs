//! Background work that a shutdown waits for.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
    time::Duration,
};

use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
};

/// How long a shutdown waits. Service managers usually kill after 90 seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// Tasks that run until they end or are told to stop.
#[derive(Debug)]
pub(crate) struct Tasks {
    set: Mutex<JoinSet<()>>,
    stopping: watch::Sender<bool>,
}

impl Tasks {
    pub(crate) fn new() -> Self {
        Self { set: Mutex::default(), stopping: watch::Sender::new(false) }
    }

    /// Becomes ready when the engine stops.
    pub(crate) fn stop(&self) -> Stop {
        Stop(self.stopping.subscribe())
    }

    /// Begins a task. Nothing new is begun once everybody was told to stop: who asks then may be one
    /// of those that the stop waits for.
    pub(crate) async fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut stop = self.stop();
        tokio::select! {
            biased;
            () = stop.wait() => {}
            mut set = self.set.lock() => drop(set.spawn(task)),
        }
    }

    /// Tells everybody to stop and waits until they have, but not for ever: whoever is held up by
    /// a silent server is cut short as by a power cut, which every job survives.
    pub(crate) async fn shutdown(&self) {
        self.stopping.send_replace(true);
        let mut set = self.set.lock().await;
        let ended = async {
            while let Some(ended) = set.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(%error, "a background task ended in a panic");
                }
            }
        };
        if tokio::time::timeout(PATIENCE, ended).await.is_err() {
            tracing::warn!("background work did not end in time and is cut short");
            set.shutdown().await;
        }
    }
}

/// The outcome of a future; `None` if it panicked. A worker survives the fault of one job, and the
/// job does not look as if somebody worked on it still.
pub(crate) async fn caught<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| {
        // INVARIANT: a future that panicked is not polled again, so nobody sees it half changed.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(polled) => polled.map(Some),
            Err(_) => Poll::Ready(None),
        }
    })
    .await
}

/// A step of a loop that goes on whatever happens in it: a panic is an error like others.
pub(crate) async fn step<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    caught(future).await.unwrap_or_else(|| Err(anyhow::anyhow!("a fault inside Gatepost")))
}

/// A signal to stop, and the way to wait for it.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    pub(crate) fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    pub(crate) async fn wait(&mut self) {
        // An error means that the engine is gone: that is a stop too.
        drop(self.0.wait_for(|stopping| *stopping).await);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_shutdown_waits_for_what_was_told_to_stop() {
        let tasks = Tasks::new();
        let (sender, mut ended) = tokio::sync::oneshot::channel();
        let mut stop = tasks.stop();
        tasks
            .spawn(async move {
                stop.wait().await;
                sender.send(()).unwrap();
            })
            .await;
        assert!(ended.try_recv().is_err());
        tasks.shutdown().await;
        assert!(ended.try_recv().is_ok());
    }

    #[tokio::test]
    async fn a_task_that_begins_another_does_not_hold_up_a_shutdown() {
        let tasks = Arc::new(Tasks::new());
        let (sender, mut ended) = tokio::sync::oneshot::channel();
        let (mut stop, same) = (tasks.stop(), Arc::clone(&tasks));
        tasks
            .spawn(async move {
                stop.wait().await;
                same.spawn(async {}).await;
                sender.send(()).unwrap();
            })
            .await;
        tasks.shutdown().await;
        assert!(ended.try_recv().is_ok());
    }

    #[tokio::test]
    async fn a_panic_is_caught_wherever_it_happens() {
        assert_eq!(caught(async { 7 }).await, Some(7));
        assert_eq!(step(async { Ok(7) }).await.unwrap(), 7);
        let wild = async {
            tokio::task::yield_now().await;
            panic!("on purpose")
        };
        assert_eq!(caught::<()>(wild).await, None);
    }
}
