//! `gatepost rollback`: what was there before.

use api::{Plan, PlanRequest, RollbackTo};
use domain::{ConnectorName, PlanId};

use super::{Exit, apply, shown};
use crate::{
    client::{Client, ServerArguments},
    output::OutputArguments,
};

/// Bring back what was there before a plan was applied, or before the first
///
/// Without --yes it is only shown, and ends with 3 if there is something to take back.
#[derive(Debug, clap::Args)]
pub(crate) struct RollbackArguments {
    /// Name of the connector
    #[arg(value_parser = ConnectorName::parse)]
    connector: ConnectorName,
    /// Back to before this plan was applied; without it, to before the first
    #[arg(long, value_name = "ID")]
    plan: Option<PlanId>,
    /// Do it, in place of showing what would be done
    #[arg(long)]
    yes: bool,
    /// With --yes: how many devices may change their state, where that is more than the limit
    #[arg(long, value_name = "N", requires = "yes")]
    accept_flips: Option<u64>,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) async fn run(arguments: RollbackArguments) -> anyhow::Result<Exit> {
    let RollbackArguments { connector, plan, yes, accept_flips, output, server } = &arguments;
    let to = plan.map_or(RollbackTo::First(true), |plan| RollbackTo::Plan(plan.to_string()));
    let request = PlanRequest { rollback: Some(to), ..PlanRequest::default() };
    let client = Client::connect(server)?;
    let made: Plan = client.post(&format!("connectors/{connector}/plans"), &request).await?;
    let plan = shown::settled(&client, made).await?;
    let id = &plan.summary.id;
    let is_to_be_done = *yes && plan.summary.state == "ready" && !plan.changes.is_empty();
    if !is_to_be_done {
        return shown::show(&plan, None, output.output, &format!("gatepost apply {id}"));
    }
    apply::carry_out(&client, id, *accept_flips, output.output).await
}
