//! One cmdlet after another, an object at a time: nothing is made before it is asked for.

use std::collections::VecDeque;

use psrp::clixml::Value;

use super::{
    Call, Change, Context, Definition, Invocation, Listing, Problem, Question, Reply, Work,
    admin_audit,
};
use crate::organization::{AdminAuditEvent, Organization};

/// The most cmdlets in one pipeline: people write three.
const MAX_STAGES: usize = 16;

/// A pipeline under way.
pub(crate) struct Execution {
    stages: Vec<Stage>,
    inputs: VecDeque<Value>,
    input_ended: bool,
}

/// What a pipeline does next.
#[derive(Debug)]
pub(crate) enum Step {
    Emit(Reply),
    /// Waits for [`Execution::answer`].
    Ask(Question),
    /// Waits for [`Execution::push_input`] or [`Execution::end_input`].
    NeedInput,
    Done,
    Failed(Box<Problem>),
}

/// One cmdlet of a pipeline.
struct Stage {
    call: Call,
    /// The call with the object that it is about now.
    current: Option<Call>,
    /// Begins anew for each object that comes in.
    per_input: bool,
    ended: bool,
    work: VecDeque<Work>,
    /// What happens when the question is answered with yes.
    asked: Option<Change>,
    yes_to_all: bool,
    /// Changes made since somebody asked.
    carried_out: u32,
}

impl Execution {
    /// Finds and binds every cmdlet. `has_input` says that the client will send objects.
    ///
    /// # Errors
    /// What ends a pipeline before it begins: unknown cmdlets and parameters.
    pub(crate) fn prepare(
        invocations: &[Invocation],
        has_input: bool,
        organization: &Organization,
        context: &Context,
    ) -> Result<Self, Box<Problem>> {
        let mut stages = Vec::new();
        for (index, sent) in invocations.iter().take(MAX_STAGES).enumerate() {
            let definition = Definition::find(&sent.name, organization, context)
                .ok_or_else(|| Problem::unknown_cmdlet(&sent.name))?;
            let call = Call::bind(definition, sent, organization, context)?;
            let mut stage = Stage {
                per_input: definition.input.is_some() && (index > 0 || has_input),
                call,
                current: None,
                ended: false,
                work: VecDeque::new(),
                asked: None,
                yes_to_all: false,
                carried_out: 0,
            };
            if !stage.per_input {
                stage.begin(None, organization, context)?;
                stage.ended = true;
            }
            stages.push(stage);
        }
        Ok(Self { stages, inputs: VecDeque::new(), input_ended: !has_input })
    }

    /// An object for the first cmdlet.
    pub(crate) fn push_input(&mut self, value: Value) {
        self.inputs.push_back(value);
    }

    /// No more objects come.
    pub(crate) fn end_input(&mut self) {
        self.input_ended = true;
    }

    /// The answer to the question asked: the number of the choice, of Yes, Yes to All, No and
    /// No to All. Anything else is No.
    pub(crate) fn answer(&mut self, choice: i64) {
        let Some(stage) = self.stages.iter_mut().find(|stage| stage.asked.is_some()) else {
            return;
        };
        let Some(change) = stage.asked.take() else { return };
        match choice {
            0 | 1 => {
                stage.yes_to_all |= choice == 1;
                stage.work.push_front(Work::Do(change));
            }
            3 => stage.work.retain(|work| !matches!(work, Work::Ask(..))),
            _ => {}
        }
    }

    /// How many changes were made since this was asked last.
    pub(crate) fn take_carried_out(&mut self) -> u32 {
        self.stages.iter_mut().map(|stage| std::mem::take(&mut stage.carried_out)).sum()
    }

    /// The list that this is, if it is one and nothing else: it can be given by pages then.
    pub(crate) fn into_listing(mut self) -> Result<Listing, Self> {
        let [stage] = &mut self.stages[..] else { return Err(self) };
        let is_list = stage.ended && matches!(stage.work.front(), Some(Work::Rows { .. }));
        let says_no_more =
            stage.work.iter().skip(1).all(|work| matches!(work, Work::Reply(Reply::Warning(_))));
        if !is_list || !says_no_more {
            return Err(self);
        }
        let takes_size = stage.call.definition.parameters.contains(&"ResultSize")
            && !stage.call.has("ResultSize")
            && !stage.call.has("Identity");
        let mut work = std::mem::take(&mut stage.work).into_iter();
        let Some(Work::Rows { rows, view }) = work.next() else { return Err(self) };
        let warnings = work.filter_map(|work| match work {
            Work::Reply(Reply::Warning(text)) => Some(text),
            _ => None,
        });
        Ok(Listing {
            rows: rows.collect(),
            view,
            warnings: warnings.collect(),
            is_unsized: takes_size,
        })
    }

    /// Goes on until there is something to say.
    pub(crate) fn step(&mut self, organization: &mut Organization, context: &Context) -> Step {
        match self.stages.len().checked_sub(1) {
            Some(last) => self.pull(last, organization, context),
            None => Step::Done,
        }
    }

    fn pull(&mut self, index: usize, organization: &mut Organization, context: &Context) -> Step {
        loop {
            if let Some(step) = self.stages[index].next(organization, context) {
                return step;
            }
            if self.stages[index].ended {
                return Step::Done;
            }
            let input = match index.checked_sub(1) {
                None => match self.inputs.pop_front() {
                    Some(value) => value,
                    None if self.input_ended => {
                        self.stages[index].ended = true;
                        continue;
                    }
                    None => return Step::NeedInput,
                },
                Some(before) => match self.pull(before, organization, context) {
                    Step::Emit(Reply::Object(value)) => value,
                    Step::Done => {
                        self.stages[index].ended = true;
                        continue;
                    }
                    other => return other,
                },
            };
            if let Err(problem) = self.stages[index].begin(Some(input), organization, context) {
                return Step::Failed(problem);
            }
        }
    }
}

impl Stage {
    fn begin(
        &mut self,
        input: Option<Value>,
        organization: &Organization,
        context: &Context,
    ) -> Result<(), Box<Problem>> {
        self.current = input.map(|input| self.call.with_input(input));
        let call = self.current.as_ref().unwrap_or(&self.call);
        let begun = (call.definition.begin)(call, organization, context)?;
        self.work.extend(begun);
        Ok(())
    }

    /// What the administrator audit log is to say of this cmdlet, if it changes something.
    fn event(&self, organization: &Organization, context: &Context) -> Option<AdminAuditEvent> {
        let call = self.current.as_ref().unwrap_or(&self.call);
        call.definition.writes.then(|| admin_audit::event(call, organization, context))
    }

    fn next(&mut self, organization: &mut Organization, context: &Context) -> Option<Step> {
        loop {
            match self.work.pop_front()? {
                Work::Reply(Reply::Error(problem)) if problem.terminating => {
                    return Some(Step::Failed(problem));
                }
                Work::Reply(reply) => {
                    if let (Reply::Error(problem), Some(event)) =
                        (&reply, self.event(organization, context))
                    {
                        let error = Some(problem.message.clone());
                        organization.log(AdminAuditEvent { error, ..event });
                    }
                    return Some(Step::Emit(reply));
                }
                Work::Outcome(reply) => return Some(Step::Emit(reply)),
                Work::Rows { mut rows, view } => {
                    let Some(row) = rows.next() else { continue };
                    let shown = view.show(organization, context, row);
                    self.work.push_front(Work::Rows { rows, view });
                    match shown {
                        Ok(Some(value)) => return Some(Step::Emit(Reply::Object(value))),
                        Ok(None) => {}
                        Err(problem) => return Some(Step::Emit(Reply::Error(Box::new(problem)))),
                    }
                }
                Work::Ask(_, change) if self.yes_to_all => self.work.push_front(Work::Do(change)),
                Work::Ask(question, change) => {
                    self.asked = Some(change);
                    return Some(Step::Ask(question));
                }
                Work::Do(change) => {
                    // What is changed now is changed at the time of the server that does it.
                    organization.skip_to(context.now);
                    let event = self.event(organization, context);
                    let replies = change(organization, context);
                    let error = replies.iter().find_map(|reply| match reply {
                        Reply::Error(problem) => Some(problem.message.clone()),
                        _ => None,
                    });
                    self.carried_out += u32::from(error.is_none());
                    if let Some(event) = event {
                        organization.log(AdminAuditEvent { error, ..event });
                    }
                    for reply in replies.into_iter().rev() {
                        self.work.push_front(Work::Outcome(reply));
                    }
                }
            }
        }
    }
}
