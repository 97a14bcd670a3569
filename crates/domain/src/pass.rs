//! A pass: one reading of an organization.

use jiff::Timestamp;

use crate::{ConnectorId, PassId, device::words, inventory::Shortfall};

/// One reading of an organization and how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// Stable id.
    pub id: PassId,
    /// Of which connector.
    pub connector: ConnectorId,
    /// Full or delta.
    pub kind: PassKind,
    /// When it began: what it read is true as of then.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// How it ended; `None` while it runs.
    pub outcome: Option<PassOutcome>,
    /// What it read and changed.
    pub counts: PassCounts,
    /// What it cost Exchange.
    pub cost: PassCost,
    /// Where it was read from, last.
    pub endpoint: Option<String>,
}

/// How much of an organization a pass reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassKind {
    /// Everything.
    Full,
    /// What changed since the last complete pass.
    Delta,
}

words!(PassKind { Full = "full", Delta = "delta" });

/// How a pass ended. Only a complete pass may mark devices as gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassOutcome {
    /// Exchange gave everything and every object was understood.
    Complete,
    /// Something was cut off, skipped or not understood.
    Incomplete,
    /// It could not be finished.
    Failed,
}

words!(PassOutcome { Complete = "complete", Incomplete = "incomplete", Failed = "failed" });

/// What a pass read and changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PassCounts {
    /// Devices read.
    pub devices: u64,
    /// Devices that were not in the inventory before.
    pub added: u64,
    /// Devices whose facts differ from before.
    pub changed: u64,
    /// Devices marked as gone.
    pub gone: u64,
    /// Objects that could not be understood.
    pub poisoned: u64,
    /// Mailboxes read.
    pub mailboxes: u64,
    /// Statistics read.
    pub statistics: u64,
    /// Devices left out: of users that the connector does not look at.
    pub skipped: u64,
}

/// How far a full pass has come, so that one that was cut goes on there in place of beginning anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// When the pass began: what it read before the cut is true as of then.
    pub started: Timestamp,
    /// Which of the connector's lists is being read, from 0 on: there is one for the organization,
    /// or one for each organizational unit.
    pub list: usize,
    /// Its devices that were made before are read; `None`: none is.
    pub before: Option<Timestamp>,
    /// What was counted up to there.
    pub counts: PassCounts,
    /// What fell short up to there.
    pub shortfall: Shortfall,
}

/// What a pass cost Exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PassCost {
    /// Cmdlets sent.
    pub cmdlets: u64,
    /// Milliseconds by which Exchange slowed them down, as far as it says so.
    pub delayed_ms: u64,
    /// Sessions that were lost or refused and opened anew.
    pub sessions_lost: u64,
}
