//! Background work that a shutdown waits for.

use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
};

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

    pub(crate) async fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.set.lock().await.spawn(task);
    }

    /// Tells everybody to stop and waits until they have.
    pub(crate) async fn shutdown(&self) {
        self.stopping.send_replace(true);
        let mut set = self.set.lock().await;
        while let Some(ended) = set.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a background task ended in a panic");
            }
        }
    }
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
}
