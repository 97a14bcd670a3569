//! `gatepost sync`: one reading of an organization, now.

use api::{Connector, Job, UserSynced};
use domain::ConnectorName;
use serde_json::json;

use super::{Exit, job};
use crate::{
    client::{Client, ServerArguments},
    output::{say, visible},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Without --full, --delta and --user: what changed, if everything was read \
                        before, else everything.")]
pub(crate) struct SyncArguments {
    /// Name of the connector
    #[arg(value_parser = ConnectorName::parse)]
    name: ConnectorName,
    /// Read everything
    #[arg(long, conflicts_with_all = ["delta", "user"])]
    full: bool,
    /// Read what changed since the last sync
    #[arg(long, conflicts_with = "user")]
    delta: bool,
    /// Read the devices of one person, at once: an address or a logon name
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Wait for the end, and fail if the sync failed
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) async fn run(arguments: SyncArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let path = format!("connectors/{}", arguments.name);
    if let Some(user) = &arguments.user {
        let asked = json!({"kind": "user", "user": user});
        let read: UserSynced = client.post(&format!("{path}/sync"), &asked).await?;
        let user = visible(user);
        say(&match read.devices {
            0 => format!("no device of {user} was found; give an address or a logon name"),
            1 => format!("1 device of {user} was read again"),
            count => format!("{count} devices of {user} were read again"),
        })?;
        return Ok(Exit::Done);
    }
    let is_full = arguments.full
        || (!arguments.delta
            && client.get::<Connector>(&path, &[]).await?.last_full_sync.is_none());
    let kind = if is_full { "full" } else { "delta" };
    let started: Job = client.post(&format!("{path}/sync"), &json!({"kind": kind})).await?;
    if arguments.wait {
        return job::wait_for(&client, &started.id).await;
    }
    say(&format!("{kind} sync began; to wait for it: gatepost job wait {}", started.id))?;
    Ok(Exit::Done)
}
