//! One cmdlet that is carried out, and what it came to.

use std::sync::Arc;

use super::{
    Service,
    command::{Caller, Command, Manner},
    failure,
    links::Held,
    pages::Page,
    reply::Reply,
};
use crate::{
    Mark, ReceivedCmdlet,
    cmdlets::{
        Category, Context, Execution, Invocation, MORE_RESULTS, Problem, Reply as Said, Step,
        printed,
    },
};

/// What a cmdlet came to.
struct Outcome {
    held: Held,
    warnings: Vec<String>,
    /// Only one object on the first page.
    is_lone: bool,
}

impl Service {
    pub(super) fn invoke(&self, caller: &Caller, manner: &Manner, command: &Command) -> Reply {
        let mut context = self.context(caller);
        context.afflict(&self.faults());
        if let Some(place) = &manner.place {
            return self.further_page(&context, manner, command, place);
        }
        let Invocation { name, parameters } = &command.invocation;
        let account = caller.id.to_string();
        let cmdlet = ReceivedCmdlet {
            account: account.clone(),
            shell: manner.session.clone(),
            began: Mark { at: context.now, sequence: 0 },
            ended: None,
            refused: false,
            name: name.clone(),
            parameters: parameters
                .iter()
                .map(|(name, value)| (name.clone().unwrap_or_default(), printed(value)))
                .collect(),
            input: Vec::new(),
        };
        let entry = self.ledger.record(cmdlet);
        self.ledger.begin_pipeline(&account);
        let reply = self.run(&context, manner, command);
        self.ledger.end(entry, self.time());
        self.ledger.end_pipeline(&account);
        reply
    }

    fn run(&self, context: &Context, manner: &Manner, command: &Command) -> Reply {
        let name = &command.invocation.name;
        if self.faults().denies(name) {
            return failure::forbidden();
        }
        if let Some(problem) = self.not_there_yet(context.now, &command.invocation) {
            return failure::of_problem(&problem);
        }
        let (outcome, carried_out) = {
            let mut organization = self.organization();
            let prepared = Execution::prepare(
                std::slice::from_ref(&command.invocation),
                false,
                &organization,
                context,
            );
            match prepared {
                Ok(execution) => carry_out(execution, &mut organization, context),
                Err(problem) => (Err(problem), 0),
            }
        };
        let is_cut = self.faults().cut_after(carried_out);
        let mut reply = match outcome {
            Err(problem) => failure::of_problem(&problem),
            Ok(Outcome { held, mut warnings, is_lone }) => {
                if let (true, Held::Values(made)) = (name.starts_with("New-"), &held) {
                    self.remember_made(context.now, made);
                }
                if let Some(delay) = self.faults().hosted.micro_delay {
                    warnings.push(micro_delay(&context.account, delay));
                }
                let held = Arc::new(held);
                let size = if is_lone { 1 } else { manner.page_size };
                self.page(
                    context,
                    manner,
                    &held,
                    &Page { from: 0, size, list: None, warnings },
                    command,
                )
            }
        };
        reply.is_cut |= is_cut;
        reply
    }
}

/// Runs a cmdlet to its end; gives how many changes it made.
fn carry_out(
    execution: Execution,
    organization: &mut crate::Organization,
    context: &Context,
) -> (Result<Outcome, Box<Problem>>, u32) {
    let mut execution = match execution.into_listing() {
        Ok(mut listing) => {
            let is_lone = listing.is_unsized && listing.len() > 1;
            let mut warnings = std::mem::take(&mut listing.warnings);
            if is_lone && warnings.is_empty() {
                warnings.push(MORE_RESULTS.to_owned());
            }
            return (Ok(Outcome { held: Held::Rows(listing), warnings, is_lone }), 0);
        }
        Err(execution) => execution,
    };
    let (mut values, mut warnings) = (Vec::new(), Vec::new());
    let ended = loop {
        match execution.step(organization, context) {
            Step::Emit(Said::Object(value)) => values.push(value),
            Step::Emit(Said::Warning(text)) => warnings.push(text),
            Step::Emit(Said::Error(problem)) | Step::Failed(problem) => break Err(problem),
            Step::Ask(question) => break Err(Box::new(nobody_to_ask(&question.message))),
            Step::Done | Step::NeedInput => break Ok(()),
        }
    };
    let carried_out = execution.take_carried_out();
    let held = Held::Values(values);
    (ended.map(|()| Outcome { held, warnings, is_lone: false }), carried_out)
}

/// A cmdlet that asks has nobody to ask.
fn nobody_to_ask(message: &str) -> Problem {
    let class = "Microsoft.Exchange.Configuration.Tasks.Task";
    Problem {
        category: Category::InvalidOperation,
        ..Problem::of_task(
            "",
            class,
            "System.Management.Automation.PSInvalidOperationException",
            format!(
                "A command that prompts the user failed because there is nobody to answer: {message}"
            ),
        )
    }
}

fn micro_delay(account: &str, delay: std::time::Duration) -> String {
    let millis = delay.as_millis();
    format!(
        "Micro delay applied. Actual delayed: {millis} msecs, Enforced: True, Capped delay: {millis} \
         msecs, Required: False, Additional info: .; PolicyDN: CN=GlobalThrottlingPolicy; Snapshot: \
         Owner: Sid~{account}~PowerShell~false BudgetType: PowerShell ActiveRunspaces: 1/20 Balance: \
         -1608289/2160000/-3000000"
    )
}
