//! The life of a plan.

use crate::device::words;

/// Where a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlanState {
    /// Exchange is being read.
    Reading,
    /// It can be applied.
    Ready,
    /// It cannot be applied; its problems say why.
    Refused,
    /// It is being carried out.
    Applying,
    /// Everything it says is in Exchange.
    Applied,
    /// It was not carried out to its end. What was done is shown, and it can be gone on with.
    Failed,
}

impl PlanState {
    /// Whether something may have been sent to Exchange.
    #[must_use]
    pub const fn has_written(self) -> bool {
        matches!(self, Self::Applying | Self::Applied | Self::Failed)
    }
}

/// Where a wish comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A file.
    File,
    /// The console.
    Console,
    /// The wish that holds already, to mend drift.
    Kept,
    /// Taking back what was applied.
    Rollback,
}

words!(PlanState {
    Reading = "reading",
    Ready = "ready",
    Refused = "refused",
    Applying = "applying",
    Applied = "applied",
    Failed = "failed",
});
words!(Origin { File = "file", Console = "console", Kept = "kept", Rollback = "rollback" });
