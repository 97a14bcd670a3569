//! One shell: a runspace pool with its pipelines.
//!
//! Nothing runs by itself. A pipeline goes on when the client starts it, sends to it or receives
//! from it, and no further than to the next thing to say; so the memory of a long list is that of
//! one answer.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use psrp::{
    fragment::HEADER_BYTES, pipeline::HostInfo, server::RunspacePool, state::PipelineState,
};
use tokio::sync::Notify;
use uuid::Uuid;
use wsman::fault::Fault;

use super::{
    Service, locked,
    pool::{Advance, Inner, Pipeline},
    refusal,
    shells::owner_name,
};
use crate::{
    Account,
    cmdlets::{Category, Context, Problem, ProblemId},
};

/// The largest fragment that Windows makes, with its header: one of these fills a Stream element.
const FRAGMENT_BYTES: usize = 32_768;
/// What an envelope costs around its streams.
const ENVELOPE_OVERHEAD_BYTES: usize = 2_048;
/// What a Stream element costs around its text.
const STREAM_OVERHEAD_BYTES: usize = 160;
/// The smallest rest of an envelope that is worth another Stream element.
const SMALL_ROOM_BYTES: usize = 1_024;

/// One shell of one user.
pub(super) struct Shell {
    pub(super) id: String,
    /// `CONTOSO\gatepost`
    pub(super) owner: String,
    pub(super) peer: SocketAddr,
    /// Wakes everybody who waits in a Receive.
    pub(super) changed: Notify,
    inner: Mutex<Inner>,
}

/// What one Receive gives.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) payloads: Vec<Vec<u8>>,
    /// The command has ended, and this is the last of it.
    pub(super) done: bool,
}

impl Shell {
    /// Opens a shell with the first bytes of its pool.
    pub(super) fn open(
        service: &Service,
        id: String,
        account: &Account,
        peer: SocketAddr,
        idle_timeout: SignedDuration,
        payload: &[u8],
    ) -> Result<Self, Box<Fault>> {
        let owner = owner_name(account);
        let context = Context {
            now: service.now(),
            server: service.options.server,
            runspace: service.new_id(),
            account: owner.clone(),
            visible: account.visible.clone(),
            hidden_parameters: account.hidden_parameters.clone(),
            offline: std::collections::BTreeSet::new(),
            truncate_after: None,
            answers_another: false,
        };
        let mut inner = Inner {
            pool: RunspacePool::new(),
            context,
            pipelines: HashMap::new(),
            last_used: service.now(),
            idle_timeout,
            open: true,
            connected: true,
            host: HostInfo::OfPool,
            shell: id.clone(),
            warning: None,
            is_cut: false,
            refusal: None,
        };
        inner.take(service, payload)?;
        Ok(Self { id, owner, peer, changed: Notify::new(), inner: Mutex::new(inner) })
    }

    /// Starts a command with the first bytes of its pipeline.
    pub(super) fn command(
        &self,
        service: &Service,
        id: Uuid,
        payload: &[u8],
    ) -> Result<(), Box<Fault>> {
        let mut inner = self.lock()?;
        let quota = service.organization().options().habits.commands_per_shell;
        if inner.pipelines.len() >= quota {
            return Err(refusal::too_many_commands(quota));
        }
        let pipeline = Pipeline {
            execution: None,
            started: service.now(),
            asked: None,
            host: HostInfo::OfPool,
            entries: Vec::new(),
            ended: false,
        };
        // A second command of the same id takes the place of the first.
        inner.finish(service, id);
        inner.pipelines.insert(id, pipeline);
        service.ledger.begin_pipeline(&self.owner);
        inner.take(service, payload)?;
        inner.advance(service, id);
        self.changed.notify_waiters();
        Ok(())
    }

    /// Takes what a client sends: input, answers, the rest of a long pipeline.
    pub(super) fn send(&self, service: &Service, payload: &[u8]) -> Result<(), Box<Fault>> {
        let mut inner = self.lock()?;
        let touched = inner.take(service, payload)?;
        for id in touched {
            inner.advance(service, id);
        }
        self.changed.notify_waiters();
        Ok(())
    }

    /// What there is to say now, at most `room` bytes of envelope.
    pub(super) fn receive(
        &self,
        service: &Service,
        command: Option<Uuid>,
        room: usize,
    ) -> Result<Output, Box<Fault>> {
        let mut inner = self.lock()?;
        if !inner.connected {
            return Err(refusal::aborted());
        }
        if let Some(id) = command.filter(|id| !inner.pipelines.contains_key(id)) {
            tracing::debug!(%id, "receive of a command that is not there");
            return Err(refusal::command_not_found());
        }
        let mut room = room.saturating_sub(ENVELOPE_OVERHEAD_BYTES);
        let mut payloads = Vec::new();
        loop {
            let bytes = room.saturating_sub(STREAM_OVERHEAD_BYTES) / 4 * 3;
            let is_full = bytes < SMALL_ROOM_BYTES;
            let next = if is_full {
                None
            } else {
                inner.pool.next_payload(command, bytes.min(FRAGMENT_BYTES))
            };
            if let Some(payload) = next {
                for fragment in fragments(&payload) {
                    let text_bytes = fragment.len().div_ceil(3) * 4;
                    room = room.saturating_sub(text_bytes + STREAM_OVERHEAD_BYTES);
                    payloads.push(fragment.to_vec());
                }
                continue;
            }
            let Some(id) = command.filter(|_| !is_full) else {
                return Ok(Output { payloads, done: false });
            };
            match inner.advance(service, id) {
                Advance::Spoke => {}
                Advance::Waits => return Ok(Output { payloads, done: false }),
                Advance::Ended => return Ok(Output { payloads, done: true }),
            }
        }
    }

    /// Ends a command and frees its place.
    pub(super) fn terminate(&self, service: &Service, id: Uuid) {
        let mut inner = locked(&self.inner);
        inner.finish(service, id);
        inner.pipelines.remove(&id);
        inner.pool.forget(id);
        self.changed.notify_waiters();
    }

    /// Stops a running pipeline, which says so.
    pub(super) fn stop(&self, service: &Service, id: Uuid) {
        let mut inner = locked(&self.inner);
        if inner.pipelines.get(&id).is_some_and(|pipeline| !pipeline.ended) {
            let problem = Problem {
                message: "The pipeline has been stopped.".to_owned(),
                exception: "System.Management.Automation.PipelineStoppedException",
                category: Category::OperationStopped,
                id: ProblemId::PowerShell("PipelineStopped".to_owned()),
                activity: String::new(),
                target: None,
                terminating: true,
            };
            inner.end(service, id, PipelineState::Stopped, Some(&problem));
        }
        self.changed.notify_waiters();
    }

    /// Closes the shell; whoever waits in it is told.
    pub(super) fn close(&self, service: &Service) {
        let mut inner = locked(&self.inner);
        inner.open = false;
        let left: Vec<Uuid> = inner.pipelines.keys().copied().collect();
        for id in left {
            inner.finish(service, id);
        }
        inner.pipelines.clear();
        self.changed.notify_waiters();
    }

    pub(super) fn disconnect(&self, idle_timeout: Option<SignedDuration>) {
        let mut inner = locked(&self.inner);
        inner.connected = false;
        inner.idle_timeout = idle_timeout.unwrap_or(inner.idle_timeout);
        self.changed.notify_waiters();
    }

    pub(super) fn reconnect(&self) {
        locked(&self.inner).connected = true;
    }

    pub(super) fn touch(&self, now: Timestamp) {
        locked(&self.inner).last_used = now;
    }

    pub(super) fn is_idle(&self, now: Timestamp) -> bool {
        let inner = locked(&self.inner);
        now.duration_since(inner.last_used) > inner.idle_timeout
    }

    pub(super) fn idle_timeout(&self) -> Duration {
        locked(&self.inner).idle_timeout.unsigned_abs()
    }

    pub(super) fn state_word(&self) -> &'static str {
        if locked(&self.inner).connected { "Connected" } else { "Disconnected" }
    }

    /// Commands not terminated, and those of them that have not ended.
    pub(super) fn commands(&self) -> (usize, usize) {
        let inner = locked(&self.inner);
        let running = inner.pipelines.values().filter(|pipeline| !pipeline.ended).count();
        (inner.pipelines.len(), running)
    }

    /// Whether the answer to what was asked last is not to be sent; from then on it is again.
    pub(super) fn takes_cut(&self) -> bool {
        std::mem::take(&mut locked(&self.inner).is_cut)
    }

    /// Lets the next pipeline begin with a warning.
    pub(super) fn warn_next(&self, text: String) {
        locked(&self.inner).warning = Some(text);
    }

    /// Lets the next pipeline fail at once.
    pub(super) fn refuse_next(&self, problem: Problem) {
        locked(&self.inner).refusal = Some(Box::new(problem));
    }

    fn lock(&self) -> Result<MutexGuard<'_, Inner>, Box<Fault>> {
        let inner = locked(&self.inner);
        if inner.open { Ok(inner) } else { Err(refusal::shell_not_found(&self.id)) }
    }
}

/// The fragments of a payload, each by itself: Windows puts one into a Stream element, and there
/// are clients that read no more than that.
fn fragments(payload: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = payload;
    std::iter::from_fn(move || {
        // [MS-PSRP] 2.2.4: two ids of eight bytes, a byte of flags, the length of the blob.
        let length: [u8; 4] = rest.get(17..21)?.try_into().ok()?;
        let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
        let (fragment, behind) = rest.split_at_checked(length.checked_add(HEADER_BYTES)?)?;
        rest = behind;
        Some(fragment)
    })
}
