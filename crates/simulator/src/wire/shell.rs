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
    body::Availability,
    clixml::Value,
    fragment::HEADER_BYTES,
    host::{ChoicePrompt, HostResponse},
    pipeline::{HostInfo, PipelineDescription},
    record::ErrorRecord,
    server::{self, RunspacePool, ServerEvent},
    state::PipelineState,
};
use tokio::sync::Notify;
use uuid::Uuid;
use wsman::fault::Fault;

use super::{Service, locked, refusal, shells::owner_name};
use crate::{
    Account, ReceivedCmdlet,
    cmdlets::{
        Category, Context, Execution, Invocation, Problem, ProblemId, Question, Reply, Step,
        identity_text,
    },
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

struct Inner {
    pool: RunspacePool,
    context: Context,
    pipelines: HashMap<Uuid, Pipeline>,
    last_used: Timestamp,
    idle_timeout: SignedDuration,
    open: bool,
    connected: bool,
    /// The host of the pool, for pipelines that bring none of their own.
    host: HostInfo,
    /// Said by the next pipeline before anything else.
    warning: Option<String>,
}

struct Pipeline {
    /// None before its description arrived, and after it ended.
    execution: Option<Execution>,
    started: Timestamp,
    /// The call of the host that it waits for.
    asked: Option<i64>,
    /// What it may ask.
    host: HostInfo,
    /// Its number in the ledger.
    entry: Option<u64>,
    /// Its final state is sent or queued.
    ended: bool,
}

/// What one Receive gives.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) payloads: Vec<Vec<u8>>,
    /// The command has ended, and this is the last of it.
    pub(super) done: bool,
}

/// How far a pipeline came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Advance {
    /// There is something new to send.
    Spoke,
    /// It waits for the client.
    Waits,
    Ended,
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
            server: service.options.server,
            runspace: service.new_id(),
            account: owner.clone(),
            visible: account.visible.clone(),
            offline: std::collections::BTreeSet::new(),
            truncate_after: None,
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
            warning: None,
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
            entry: None,
            ended: false,
        };
        inner.pipelines.insert(id, pipeline);
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
    pub(super) fn terminate(&self, id: Uuid) {
        let mut inner = locked(&self.inner);
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
    pub(super) fn close(&self) {
        let mut inner = locked(&self.inner);
        inner.open = false;
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

    /// Lets the next pipeline begin with a warning.
    pub(super) fn warn_next(&self, text: String) {
        locked(&self.inner).warning = Some(text);
    }

    fn lock(&self) -> Result<MutexGuard<'_, Inner>, Box<Fault>> {
        let inner = locked(&self.inner);
        if inner.open { Ok(inner) } else { Err(refusal::shell_not_found(&self.id)) }
    }
}

impl Inner {
    /// Takes bytes of the client. Gives the pipelines that they were about.
    fn take(&mut self, service: &Service, payload: &[u8]) -> Result<Vec<Uuid>, Box<Fault>> {
        self.pool.receive(payload).map_err(|error| refusal::malformed(&error.to_string()))?;
        let mut touched = Vec::new();
        while let Some(event) = self.pool.next_event() {
            match event {
                ServerEvent::Opened { id, options } => {
                    self.context.runspace = id;
                    self.host = options.host;
                    self.pool.announce_open(&Value::Nil);
                }
                ServerEvent::CommandsRequested { id, .. } => {
                    let problem = Problem::unknown_cmdlet("Get-Command");
                    self.end(service, id, PipelineState::Failed, Some(&problem));
                    touched.push(id);
                }
                ServerEvent::SetMaxRunspaces { call, .. }
                | ServerEvent::SetMinRunspaces { call, .. }
                | ServerEvent::ResetRunspaceState { call } => {
                    self.pool.availability(call, Availability::Granted(true));
                }
                ServerEvent::GetAvailableRunspaces { call } => {
                    self.pool.availability(call, Availability::Free(1));
                }
                ServerEvent::PipelineRequested { id, description } => {
                    self.begin(service, id, &description);
                    touched.push(id);
                }
                ServerEvent::Input { pipeline, value: Ok(value) } => {
                    self.input(service, pipeline, value);
                    touched.push(pipeline);
                }
                ServerEvent::InputEnded { pipeline } => {
                    if let Some(execution) = self.execution(pipeline) {
                        execution.end_input();
                    }
                    touched.push(pipeline);
                }
                ServerEvent::HostResponse { pipeline, response } => {
                    touched.extend(pipeline);
                    self.answered(service, &response);
                }
                other => tracing::debug!(?other, "message of no consequence"),
            }
        }
        Ok(touched)
    }

    fn execution(&mut self, pipeline: Uuid) -> Option<&mut Execution> {
        self.pipelines.get_mut(&pipeline)?.execution.as_mut()
    }

    fn begin(&mut self, service: &Service, id: Uuid, description: &PipelineDescription) {
        let Some(pipeline) = self.pipelines.get_mut(&id) else { return };
        pipeline.host = description.host.clone();
        if let Some(warning) = self.warning.take() {
            heard(self.pool.warning(id, &warning));
        }
        let is_script = description.commands.iter().any(|command| command.is_script);
        let invocations: Vec<Invocation> = description
            .commands
            .iter()
            .map(|command| Invocation {
                name: command.name.clone(),
                parameters: command
                    .parameters
                    .iter()
                    .map(|parameter| (parameter.name.clone(), parameter.value.clone()))
                    .collect(),
            })
            .collect();
        let mut entry = None;
        for invocation in &invocations {
            let received = received(&self.context.account, invocation);
            let number = service.ledger.record(received);
            entry = entry.or(Some(number));
        }
        self.context.afflict(&service.faults());
        let prepared = if is_script {
            Err(Box::new(Problem::script()))
        } else {
            let organization = service.organization();
            let has_input = !description.no_input;
            Execution::prepare(&invocations, has_input, &organization, &self.context)
        };
        let Some(pipeline) = self.pipelines.get_mut(&id) else { return };
        pipeline.entry = entry;
        match prepared {
            Ok(execution) => pipeline.execution = Some(execution),
            Err(problem) => self.end(service, id, PipelineState::Failed, Some(&problem)),
        }
    }

    fn input(&mut self, service: &Service, id: Uuid, value: Value) {
        let Some(pipeline) = self.pipelines.get_mut(&id) else { return };
        if let Some(entry) = pipeline.entry {
            service.ledger.add_input(entry, identity_text(&value).unwrap_or_default());
        }
        if let Some(execution) = &mut pipeline.execution {
            execution.push_input(value);
        }
    }

    fn answered(&mut self, service: &Service, response: &HostResponse) {
        let waiting = self.pipelines.iter_mut().find(|(_, one)| one.asked == Some(response.id));
        let Some((id, pipeline)) = waiting else { return };
        let id = *id;
        pipeline.asked = None;
        match &response.outcome {
            Ok(value) => {
                // Whatever is no choice is a No.
                let choice = value.as_i64().unwrap_or(2);
                if let Some(execution) = &mut pipeline.execution {
                    execution.answer(choice);
                }
            }
            Err(error) => {
                let problem = no_interaction(&error.message);
                self.end(service, id, PipelineState::Failed, Some(&problem));
            }
        }
    }

    /// Lets a pipeline go on until it says something, waits or ends.
    fn advance(&mut self, service: &Service, id: Uuid) -> Advance {
        let Some(pipeline) = self.pipelines.get_mut(&id) else { return Advance::Ended };
        if pipeline.ended {
            return Advance::Ended;
        }
        let Some(execution) = pipeline.execution.as_mut().filter(|_| pipeline.asked.is_none())
        else {
            return Advance::Waits;
        };
        let step = {
            let mut organization = service.organization();
            let limit = organization.options().habits.operation_limit;
            if service.now().duration_since(pipeline.started) > limit {
                Step::Failed(Box::new(too_long()))
            } else {
                execution.step(&mut organization, &self.context)
            }
        };
        match step {
            Step::Emit(reply) => self.emit(service, id, reply),
            Step::Ask(question) => self.ask(service, id, &question),
            Step::NeedInput => return Advance::Waits,
            Step::Done => self.end(service, id, PipelineState::Completed, None),
            Step::Failed(problem) => self.end(service, id, PipelineState::Failed, Some(&problem)),
        }
        Advance::Spoke
    }

    fn emit(&mut self, service: &Service, id: Uuid, reply: Reply) {
        match reply {
            Reply::Warning(text) => heard(self.pool.warning(id, &text)),
            Reply::Error(problem) => {
                let record = record(service, &problem);
                heard(self.pool.error(id, &record));
            }
            Reply::Object(value) => {
                let (poisoned, fails) = service.count_object();
                heard(match poisoned {
                    true => self.pool.output_xml(id, POISON.as_bytes()),
                    false => self.pool.output(id, &value),
                });
                if fails {
                    let problem = Problem::of_task(
                        "",
                        "Microsoft.Exchange.Configuration.Tasks.Task",
                        "Microsoft.Exchange.Data.Directory.ADTransientException",
                        "Active Directory server is not available. Please retry at a later time."
                            .to_owned(),
                    );
                    self.end(service, id, PipelineState::Failed, Some(&problem));
                }
            }
        }
    }

    fn ask(&mut self, service: &Service, id: Uuid, question: &Question) {
        let Some(pipeline) = self.pipelines.get_mut(&id) else { return };
        let host = if pipeline.host == HostInfo::OfPool { &self.host } else { &pipeline.host };
        if !matches!(host, HostInfo::Own { has_no_interface: false, .. }) {
            let problem = no_interaction(&question.message);
            self.end(service, id, PipelineState::Failed, Some(&problem));
            return;
        }
        let prompt = ChoicePrompt {
            caption: question.caption.clone(),
            ..ChoicePrompt::confirmation(&question.message)
        };
        pipeline.asked = self.pool.host_call(Some(id), prompt.to_call()).ok();
        service.ledger.lock().prompts += 1;
    }

    fn end(
        &mut self,
        service: &Service,
        id: Uuid,
        state: PipelineState,
        problem: Option<&Problem>,
    ) {
        if let Some(pipeline) = self.pipelines.get_mut(&id) {
            pipeline.execution = None;
            pipeline.asked = None;
            pipeline.ended = true;
        }
        let record = problem.map(|problem| record(service, problem));
        heard(self.pool.pipeline_state(id, state, record.as_ref()));
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

fn record(service: &Service, problem: &Problem) -> ErrorRecord {
    let organization = service.organization();
    let place = refusal::Place {
        server: organization.server(service.options.server),
        request: service.new_id(),
        now: service.now(),
    };
    place.record(&organization, problem)
}

fn too_long() -> Problem {
    Problem {
        message: "The operation has timed out.".to_owned(),
        exception: "System.TimeoutException",
        category: Category::OperationTimeout,
        id: ProblemId::PowerShell("OperationTimedOut".to_owned()),
        activity: String::new(),
        target: None,
        terminating: true,
    }
}

fn no_interaction(message: &str) -> Problem {
    Problem {
        message: format!(
            "A command that prompts the user failed because the host program or the command type \
             does not support user interaction. The host was attempting to request confirmation with \
             the following message: {message}"
        ),
        exception: "System.Management.Automation.Host.HostException",
        category: Category::InvalidOperation,
        id: ProblemId::PowerShell("HostFunctionNotImplemented".to_owned()),
        activity: String::new(),
        target: None,
        terminating: true,
    }
}

/// An object that no reader of CLIXML accepts: its elements are never closed.
const POISON: &str = "<Obj RefId=\"0\"><Props><S N=\"Name\">poisoned";

/// A pipeline that the client has terminated in the meantime has nobody who listens.
fn heard(said: Result<(), server::Error>) {
    if let Err(error) = said {
        tracing::debug!(%error, "said to nobody");
    }
}

fn received(account: &str, invocation: &Invocation) -> ReceivedCmdlet {
    let parameters = invocation
        .parameters
        .iter()
        .map(|(name, value)| (name.clone().unwrap_or_default(), printed(value)));
    ReceivedCmdlet {
        account: account.to_owned(),
        name: invocation.name.clone(),
        parameters: parameters.collect(),
        input: Vec::new(),
    }
}

/// A value as the ledger keeps it: `$null`, `{a, b}`, `@{Add={a}; Remove={b}}`, or its text.
fn printed(value: &Value) -> String {
    if let Some(items) = value.items() {
        let items: Vec<String> = items.iter().map(printed).collect();
        return format!("{{{}}}", items.join(", "));
    }
    if let Some(entries) = value.entries() {
        let entries: Vec<String> = entries
            .iter()
            .map(|(key, value)| format!("{}={}", printed(key), printed(value)))
            .collect();
        return format!("@{{{}}}", entries.join("; "));
    }
    value.text().map_or_else(|| "$null".to_owned(), std::borrow::Cow::into_owned)
}
