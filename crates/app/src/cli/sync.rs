//! `gatepost sync`: one reading of an organization, now.

use api::Job;
use domain::ConnectorName;
use serde_json::json;

use super::{Exit, job};
use crate::{
    client::{Client, ServerArguments},
    output::say,
};

#[derive(Debug, clap::Args)]
pub(crate) struct SyncArguments {
    /// Name of the connector
    #[arg(value_parser = ConnectorName::parse)]
    name: ConnectorName,
    /// Read everything (so far the only kind, and the default)
    #[arg(long)]
    full: bool,
    /// Wait for the end, and fail if the sync failed
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) async fn run(arguments: SyncArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let path = format!("connectors/{}/sync", arguments.name);
    let started: Job = client.post(&path, &json!({"kind": "full"})).await?;
    if arguments.wait {
        return job::wait_for(&client, &started.id).await;
    }
    say(&format!("job {} started; gatepost job wait {0} waits for it", started.id))?;
    Ok(Exit::Done)
}
