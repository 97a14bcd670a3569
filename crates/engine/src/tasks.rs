//! Background work that is waited for.

use std::{
    future::Future,
    sync::atomic::{AtomicU64, Ordering},
};

use tokio::sync::watch;

/// Tasks that run in the background. Whoever ends the engine waits for them here.
#[derive(Debug)]
pub(crate) struct Tasks {
    /// Every task holds a receiver: when the last is dropped, the last task has ended.
    open: watch::Sender<()>,
    panics: AtomicU64,
}

impl Tasks {
    pub(crate) fn new() -> Self {
        Self { open: watch::Sender::new(()), panics: AtomicU64::new(0) }
    }

    /// Starts a task. If it panics, that is logged and counted, and `afterwards` runs all the same
    /// with `None`.
    #[expect(clippy::disallowed_methods, reason = "the one place that starts tasks")]
    pub(crate) fn spawn<T, F, A>(
        self: &std::sync::Arc<Self>,
        name: &'static str,
        work: F,
        afterwards: impl FnOnce(Option<T>) -> A + Send + 'static,
    ) where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
        A: Future<Output = ()> + Send + 'static,
    {
        let open = self.open.subscribe();
        let tasks = std::sync::Arc::clone(self);
        let work = tokio::spawn(work);
        tokio::spawn(async move {
            let result = match work.await {
                Ok(result) => Some(result),
                Err(error) => {
                    if error.is_panic() {
                        tasks.panics.fetch_add(1, Ordering::Relaxed);
                        tracing::error!(task = name, "a background task panicked: {error}");
                    }
                    None
                }
            };
            afterwards(result).await;
            drop(open);
        });
    }

    /// Ready when every task has ended.
    pub(crate) async fn ended(&self) {
        self.open.closed().await;
    }

    /// How many tasks have panicked so far. Tests expect none.
    pub(crate) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn the_end_waits_for_every_task_and_counts_panics() {
        let tasks = Arc::new(Tasks::new());
        let (sender, receiver) = tokio::sync::oneshot::channel();
        tasks.spawn("calm", async { 7 }, |result| async move {
            sender.send(result).unwrap();
        });
        tasks.spawn("wild", async { panic!("on purpose") }, |result: Option<()>| async move {
            assert_eq!(result, None);
        });
        tasks.ended().await;
        assert_eq!(receiver.await.unwrap(), Some(7));
        assert_eq!(tasks.panics(), 1);
    }
}
