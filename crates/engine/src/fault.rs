//! Dying on purpose: how stories find out that a process may be killed anywhere.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::Engine;

/// At which step of an action the process stops for good, as if it had been killed there. The default
/// is never.
#[derive(Debug, Clone)]
pub struct Fault(Arc<AtomicI64>);

impl Default for Fault {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(i64::MAX)))
    }
}

impl Fault {
    /// At the step after so many others.
    #[must_use]
    pub fn after(steps: u32) -> Self {
        Self(Arc::new(AtomicI64::new(steps.into())))
    }

    /// Whether it has happened.
    #[must_use]
    pub fn has_struck(&self) -> bool {
        self.0.load(Ordering::SeqCst) < 0
    }

    /// Never again.
    pub fn heal(&self) {
        self.0.store(i64::MAX, Ordering::SeqCst);
    }
}

impl Engine {
    /// A step at which the process may be killed: between any two of them it may be, too, but nothing
    /// is written or sent there.
    pub(crate) async fn crash_point(&self) {
        if self.inner.options.fault.0.fetch_sub(1, Ordering::SeqCst) <= 0 {
            std::future::pending::<()>().await;
        }
    }
}
