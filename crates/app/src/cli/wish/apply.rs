//! `gatepost apply`: carrying a plan out, write by write.

use std::{collections::BTreeSet, path::Path};

use api::{ApplyRequest, Plan};
use domain::PlanId;

use super::{Exit, plan::PlanFile, print_json, tell};
use crate::{
    client::{Client, ServerArguments},
    output::{Format, OutputArguments, counted, say, visible},
};

/// Carry a plan out, or go on with it
///
/// It is refused if Exchange is not as it was when the plan was made.
#[derive(Debug, clap::Args)]
pub(crate) struct ApplyArguments {
    /// Id of the plan, or the file that `gatepost plan --out` wrote
    #[arg(value_name = "PLAN")]
    plan: String,
    /// How many devices may change their state, where that is more than the limit of the wish
    #[arg(long, value_name = "N")]
    accept_flips: Option<u64>,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) async fn run(arguments: ApplyArguments) -> anyhow::Result<Exit> {
    let id = match arguments.plan.parse::<PlanId>() {
        Ok(id) => id.to_string(),
        Err(_) => PlanFile::read(Path::new(&arguments.plan))?.plan,
    };
    let client = Client::connect(&arguments.server)?;
    carry_out(&client, &id, arguments.accept_flips, arguments.output.output).await
}

/// Has a plan carried out, says each write as it is done, and in the end what became of it.
pub(super) async fn carry_out(
    client: &Client,
    id: &str,
    accept_flips: Option<u64>,
    format: Format,
) -> anyhow::Result<Exit> {
    let path = format!("plans/{id}/apply?wait=0");
    let mut plan: Plan = client.post(&path, &ApplyRequest { accept_flips }).await?;
    let mut told = BTreeSet::new();
    loop {
        for step in plan.steps.iter().filter(|step| step.state != "sending") {
            if told.insert((step.position, step.state.clone())) {
                let (state, cmdlet, what) = (&step.state, &step.cmdlet, visible(&step.what));
                tell(&format!("{state:<6}  {cmdlet} {what}"));
            }
        }
        if plan.summary.state != "applying" {
            break;
        }
        plan = client.get(&format!("plans/{id}"), &[("wait", "1")]).await?;
    }
    if format != Format::Table {
        print_json(&plan, format)?;
    }
    let is_applied = plan.summary.state == "applied";
    match (is_applied, format) {
        (true, Format::Table) => said(&plan)?,
        (true, _) => {}
        (false, _) => failed(&plan),
    }
    Ok(if is_applied { Exit::Done } else { Exit::Failed })
}

fn said(plan: &Plan) -> anyhow::Result<()> {
    let done = plan.steps.iter().filter(|step| step.state == "done").count();
    let connector = &plan.summary.connector;
    say(&match done {
        0 => format!("applied: {connector} was as written already"),
        done => format!("applied: {}, and {connector} is as written", counted(done, "write")),
    })?;
    let id = &plan.summary.id;
    say(&format!("to take it back: gatepost rollback {connector} --plan {id}"))
}

/// What was done, what was not, and how to go on.
fn failed(plan: &Plan) {
    let note = plan.summary.note.as_deref().unwrap_or("no more is known");
    tell(&format!("gatepost: the plan was not applied to its end: {}", visible(note)));
    let done: BTreeSet<String> = plan
        .steps
        .iter()
        .filter(|step| step.state == "done")
        .map(|step| format!("{} {}", step.cmdlet, step.what))
        .collect();
    if done.is_empty() {
        tell("  nothing was written to Exchange");
    }
    for write in &plan.writes {
        let word = if done.contains(write) { "done    " } else { "not done" };
        tell(&format!("  {word}  {}", visible(write)));
    }
    let (id, connector) = (&plan.summary.id, &plan.summary.connector);
    if plan.summary.state == "failed" {
        tell(&format!(
            "  what to do: gatepost apply {id} goes on, gatepost rollback {connector} --plan {id} \
             takes back what was done"
        ));
    } else {
        tell(&format!("  what to do: make a new plan: gatepost plan {connector}"));
    }
}
