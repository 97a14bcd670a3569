//! The audit: what was done, by whom, to what and why, in a chain that shows every change.
//!
//! An [`Entry`] is written down once as a document (canonical JSON; the engine's room), and the
//! [`Link`]s chain the documents: the hash of an entry is SHA-256 of the hash before it and the
//! document. Whoever changes, removes or inserts an entry breaks the chain from there on. A
//! [`Checkpoint`] is a link with a signature, a [`Seal`] stands for a part that was closed.

mod kept;
mod stream;

use jiff::Timestamp;
pub use kept::{Checkpoint, Seal, Signature, hexadecimal};
use sha2::{Digest as _, Sha256};
pub use stream::{StreamFile, StreamTarget, Syslog, Transport};
use uuid::Uuid;

use crate::{Caller, PersonId, Source, authority::Denied, device::words};

/// One entry of the audit, before it has a place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// By which way they asked.
    pub source: Source,
    /// What happened.
    pub event: Event,
    /// To what, if to one thing.
    pub target: Option<Target>,
    /// Why, as the actor said.
    pub reason: Option<String>,
    /// Number of a ticket, as the actor said.
    pub ticket: Option<String>,
    /// What Exchange answered, or what was seen.
    pub answer: Option<String>,
    /// Whatever else belongs to it: names with texts, in a fixed order. Never a secret.
    pub details: Vec<(&'static str, String)>,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// For ever.
    pub id: PersonId,
    /// As people know them, at that time.
    pub name: String,
}

/// What something was done to: by stable id and readable name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What kind of thing.
    pub kind: TargetKind,
    /// For ever.
    pub id: String,
    /// As people know it, at that time.
    pub name: String,
}

/// What kind of thing something was done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TargetKind {
    /// A device.
    Device,
    /// A connector.
    Connector,
    /// A request: an action on one device or many.
    Request,
    /// A plan of a written wish.
    Plan,
    /// A person.
    Person,
    /// A role.
    Role,
    /// An assignment of a role.
    Assignment,
    /// An API token.
    Token,
    /// A signed-in browser.
    Session,
    /// A saved query.
    Collection,
    /// A way of signing in.
    IdentityProvider,
    /// A way for notifications.
    Channel,
    /// The guard of wipes.
    Guard,
    /// The audit itself.
    Audit,
    /// The key that secrets are sealed with.
    DataKey,
}

words!(TargetKind {
    Device = "device",
    Connector = "connector",
    Request = "request",
    Plan = "plan",
    Person = "person",
    Role = "role",
    Assignment = "assignment",
    Token = "token",
    Session = "session",
    Collection = "collection",
    IdentityProvider = "identity-provider",
    Channel = "channel",
    Guard = "guard",
    Audit = "audit",
    DataKey = "data-key",
});

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// A connector was added.
    ConnectorAdded,
    /// A connector was changed.
    ConnectorChanged,
    /// A connector was paused, or went on.
    ConnectorPaused,
    /// A connector was removed.
    ConnectorRemoved,
    /// A sync was asked for.
    SyncAsked,
    /// Devices that did nothing for long leave the inventory, as somebody asked.
    AgeingAsked,
    /// The partnership of a device that left the inventory is about to be removed in Exchange.
    PartnershipRemoving,
    /// How that ended.
    PartnershipRemoved,
    /// An action was asked for.
    ActionAsked,
    /// The guard holds a request until a second person approves it.
    ActionHeld,
    /// A second person approved.
    ActionApproved,
    /// A second person refused.
    ActionRejected,
    /// What was not sent was taken back.
    ActionCancelled,
    /// A cmdlet is about to be sent for an action: the intent.
    ActionSending,
    /// Exchange answered.
    ActionAnswered,
    /// An effect was read back.
    ActionObserved,
    /// An action ended without its effect.
    ActionFailed,
    /// A plan was made of a written wish.
    PlanMade,
    /// Somebody had a plan applied.
    PlanApplying,
    /// A step of a plan is about to be sent: the intent.
    PlanSending,
    /// Exchange answered to it.
    PlanAnswered,
    /// Everything a plan says is in Exchange, read back.
    PlanApplied,
    /// A plan was not carried out, or not to its end.
    PlanFailed,
    /// What is in Exchange was taken into Gatepost's care.
    WishAdopted,
    /// Exchange is not as it was written down any more.
    DriftFound,
    /// The guard's limits were changed, or lifted for a while.
    GuardChanged,
    /// Somebody signed in.
    SignedIn,
    /// Somebody could not sign in.
    SignInFailed,
    /// Somebody signed out, or a session was ended.
    SignedOut,
    /// A user was added, changed or removed.
    UserChanged,
    /// A role, an assignment or a collection was added, changed or removed.
    AuthorityChanged,
    /// A token was made or ended.
    TokenChanged,
    /// A way of signing in was added, changed or removed.
    SignInChanged,
    /// A way for notifications was added, changed or removed.
    NotificationsChanged,
    /// The audit was exported, or a part of it was closed.
    AuditKept,
    /// How long the audit is kept, or where it is streamed to, was changed.
    AuditChanged,
    /// Secrets were sealed with another key.
    SecretsRotated,
    /// Somebody was refused for lack of permission.
    Refused,
}

words!(Event {
    ConnectorAdded = "connector.added",
    ConnectorChanged = "connector.changed",
    ConnectorPaused = "connector.paused",
    ConnectorRemoved = "connector.removed",
    SyncAsked = "sync.asked",
    AgeingAsked = "ageing.asked",
    PartnershipRemoving = "partnership.removing",
    PartnershipRemoved = "partnership.removed",
    ActionAsked = "action.asked",
    ActionHeld = "action.held",
    ActionApproved = "action.approved",
    ActionRejected = "action.rejected",
    ActionCancelled = "action.cancelled",
    ActionSending = "action.sending",
    ActionAnswered = "action.answered",
    ActionObserved = "action.observed",
    ActionFailed = "action.failed",
    PlanMade = "plan.made",
    PlanApplying = "plan.applying",
    PlanSending = "plan.sending",
    PlanAnswered = "plan.answered",
    PlanApplied = "plan.applied",
    PlanFailed = "plan.failed",
    WishAdopted = "wish.adopted",
    DriftFound = "drift.found",
    GuardChanged = "guard.changed",
    SignedIn = "sign-in.succeeded",
    SignInFailed = "sign-in.failed",
    SignedOut = "sign-in.ended",
    UserChanged = "user.changed",
    AuthorityChanged = "authority.changed",
    TokenChanged = "token.changed",
    SignInChanged = "sign-in.changed",
    NotificationsChanged = "notifications.changed",
    AuditKept = "audit.kept",
    AuditChanged = "audit.changed",
    SecretsRotated = "secrets.rotated",
    Refused = "refused",
});

/// How what an entry tells of went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was done, or took its next step.
    Done,
    /// A second person must decide.
    Held,
    /// Somebody was not let do it.
    Refused,
    /// It did not work.
    Failed,
}

words!(Outcome { Done = "done", Held = "held", Refused = "refused", Failed = "failed" });

impl Event {
    /// How what happened went.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        match self {
            Self::ActionHeld => Outcome::Held,
            Self::Refused | Self::ActionRejected => Outcome::Refused,
            Self::ActionFailed | Self::PlanFailed | Self::SignInFailed => Outcome::Failed,
            _ => Outcome::Done,
        }
    }
}

impl Entry {
    /// An entry of what a caller did.
    #[must_use]
    pub fn of(caller: &Caller, at: Timestamp, event: Event) -> Self {
        let actor = Actor { id: caller.person, name: caller.name.clone() };
        Self::by(actor, caller.source, at, event)
    }

    /// An entry of what somebody was refused.
    #[must_use]
    pub fn refusal(denied: &Denied, at: Timestamp) -> Self {
        let actor = Actor { id: denied.person, name: denied.caller.clone() };
        Self::by(actor, denied.by, at, Event::Refused).with("permission", denied.permission.word())
    }

    fn by(actor: Actor, source: Source, at: Timestamp, event: Event) -> Self {
        Self {
            at,
            actor,
            source,
            event,
            target: None,
            reason: None,
            ticket: None,
            answer: None,
            details: Vec::new(),
        }
    }

    /// With what it was done to.
    #[must_use]
    pub fn on(self, kind: TargetKind, id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { target: Some(Target { kind, id: id.into(), name: name.into() }), ..self }
    }

    /// With one more detail.
    #[must_use]
    pub fn with(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.details.push((name, text.into()));
        self
    }

    /// With why, as the actor said.
    #[must_use]
    pub fn because(self, reason: Option<String>) -> Self {
        Self { reason, ..self }
    }

    /// With what Exchange answered, or what was seen.
    #[must_use]
    pub fn answered(self, answer: impl Into<String>) -> Self {
        Self { answer: Some(answer.into()), ..self }
    }
}

/// A place in the chain: the number of an entry, and the hash of everything up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The first entry has 1, and there are no gaps.
    pub sequence: u64,
    /// SHA-256.
    pub hash: [u8; 32],
}

impl Link {
    /// What stands before the first entry of the audit with this id.
    #[must_use]
    pub fn before_all(audit: Uuid) -> Self {
        let hash = Sha256::new().chain_update(b"gatepost audit ").chain_update(audit.as_bytes());
        Self { sequence: 0, hash: hash.finalize().into() }
    }

    /// The link of the entry after this one, by its document.
    #[must_use]
    pub fn next(&self, document: &[u8]) -> Self {
        let hash = Sha256::new().chain_update(self.hash).chain_update(document);
        Self { sequence: self.sequence + 1, hash: hash.finalize().into() }
    }
}
