//! The runspace pool of a shell: what the client says in it, and how far its pipelines came.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use psrp::{
    body::Availability,
    clixml::Value,
    host::{ChoicePrompt, HostResponse},
    pipeline::{HostInfo, PipelineDescription},
    record::ErrorRecord,
    server::{self, RunspacePool, ServerEvent},
    state::PipelineState,
};
use uuid::Uuid;
use wsman::fault::Fault;

use super::{Service, refusal};
use crate::{
    Faults, Mark, ReceivedCmdlet,
    cmdlets::{
        Category, Context, Execution, Invocation, Problem, ProblemId, Question, Reply, Step,
        identity_text, printed,
    },
};

/// What a shell holds.
pub(super) struct Inner {
    pub(super) pool: RunspacePool,
    pub(super) context: Context,
    pub(super) pipelines: HashMap<Uuid, Pipeline>,
    pub(super) last_used: Timestamp,
    pub(super) idle_timeout: SignedDuration,
    pub(super) open: bool,
    pub(super) connected: bool,
    /// The host of the pool, for pipelines that bring none of their own.
    pub(super) host: HostInfo,
    /// Id of the shell.
    pub(super) shell: String,
    /// Said by the next pipeline before anything else.
    pub(super) warning: Option<String>,
    /// The answer to what is being asked is not to be sent.
    pub(super) is_cut: bool,
    /// Why the next pipeline is not run.
    pub(super) refusal: Option<Box<Problem>>,
}

pub(super) struct Pipeline {
    /// None before its description arrived, and after it ended.
    pub(super) execution: Option<Execution>,
    pub(super) started: Timestamp,
    /// The call of the host that it waits for.
    pub(super) asked: Option<i64>,
    /// What it may ask.
    pub(super) host: HostInfo,
    /// The places of its cmdlets in the ledger.
    pub(super) entries: Vec<u64>,
    /// Its final state is sent or queued.
    pub(super) ended: bool,
}

/// How far a pipeline came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Advance {
    /// There is something new to send.
    Spoke,
    /// It waits for the client.
    Waits,
    Ended,
}

impl Inner {
    /// Takes bytes of the client. Gives the pipelines that they were about.
    pub(super) fn take(
        &mut self,
        service: &Service,
        payload: &[u8],
    ) -> Result<Vec<Uuid>, Box<Fault>> {
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
        let refusal = self.refusal.take();
        self.record(service, id, &invocations, refusal.is_some());
        let denied = |faults: &Faults| {
            let mut names = invocations.iter().map(|one| one.name.as_str());
            names.find(|name| faults.denies(name)).map(Problem::denied).map(Box::new)
        };
        let refusal = refusal.or_else(|| denied(&service.faults()));
        self.context.now = service.time();
        self.context.afflict(&service.faults());
        let prepared = if let Some(refusal) = refusal {
            Err(refusal)
        } else if is_script {
            Err(Box::new(Problem::script()))
        } else {
            let organization = service.organization();
            let has_input = !description.no_input;
            Execution::prepare(&invocations, has_input, &organization, &self.context)
        };
        let Some(pipeline) = self.pipelines.get_mut(&id) else { return };
        match prepared {
            Ok(execution) => pipeline.execution = Some(execution),
            Err(problem) => self.end(service, id, PipelineState::Failed, Some(&problem)),
        }
    }

    /// Writes the cmdlets of a pipeline into the ledger, and into the account's budget.
    fn record(&mut self, service: &Service, id: Uuid, invocations: &[Invocation], refused: bool) {
        let Self { context, shell, pipelines, .. } = self;
        let Some(pipeline) = pipelines.get_mut(&id) else { return };
        service.spend_more(&context.account, invocations.iter().map(|one| one.name.as_str()));
        let began = Mark { at: service.time(), sequence: 0 };
        for invocation in invocations {
            let cmdlet = ReceivedCmdlet {
                account: context.account.clone(),
                shell: shell.clone(),
                began,
                ended: None,
                refused,
                name: invocation.name.clone(),
                parameters: printed_parameters(invocation),
                input: Vec::new(),
            };
            pipeline.entries.push(service.ledger.record(cmdlet));
        }
    }

    fn input(&mut self, service: &Service, id: Uuid, value: Value) {
        let Some(pipeline) = self.pipelines.get_mut(&id) else { return };
        if let Some(entry) = pipeline.entries.first() {
            service.ledger.add_input(*entry, identity_text(&value).unwrap_or_default());
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
    pub(super) fn advance(&mut self, service: &Service, id: Uuid) -> Advance {
        let Some(pipeline) = self.pipelines.get_mut(&id) else { return Advance::Ended };
        if pipeline.ended {
            return Advance::Ended;
        }
        let Some(execution) = pipeline.execution.as_mut().filter(|_| pipeline.asked.is_none())
        else {
            return Advance::Waits;
        };
        let (step, carried_out) = {
            let mut organization = service.organization();
            let limit = organization.options().habits.operation_limit;
            let step = if service.now().duration_since(pipeline.started) > limit {
                Step::Failed(Box::new(too_long()))
            } else {
                execution.step(&mut organization, &self.context)
            };
            (step, execution.take_carried_out())
        };
        self.is_cut |= service.strikes_write(carried_out);
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
        let is_answered = matches!(host, HostInfo::Own { has_no_interface: false, .. });
        if !is_answered && !service.faults().asks_nobody {
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

    /// A pipeline does nothing more, whoever said so.
    pub(super) fn finish(&mut self, service: &Service, id: Uuid) {
        let Some(pipeline) = self.pipelines.get_mut(&id).filter(|one| !one.ended) else { return };
        pipeline.execution = None;
        pipeline.asked = None;
        pipeline.ended = true;
        let at = service.time();
        for entry in &pipeline.entries {
            service.ledger.end(*entry, at);
        }
        service.ledger.end_pipeline(&self.context.account);
    }

    pub(super) fn end(
        &mut self,
        service: &Service,
        id: Uuid,
        state: PipelineState,
        problem: Option<&Problem>,
    ) {
        self.finish(service, id);
        let record = problem.map(|problem| record(service, problem));
        heard(self.pool.pipeline_state(id, state, record.as_ref()));
    }
}

fn record(service: &Service, problem: &Problem) -> ErrorRecord {
    let organization = service.organization();
    let place = refusal::Place {
        server: organization.server(service.options.server),
        dialect: organization.dialect(service.options.server),
        request: service.new_id(),
        now: service.now(),
    };
    place.record(problem)
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

fn printed_parameters(invocation: &Invocation) -> Vec<(String, String)> {
    let all = invocation.parameters.iter();
    all.map(|(name, value)| (name.clone().unwrap_or_default(), printed(value))).collect()
}
