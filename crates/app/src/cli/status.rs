//! `gatepost status`: how everything is, in a few lines.

use std::io::Write as _;

use api::Status;

use super::Exit;
use crate::{
    client::{Client, ServerArguments},
    output::{Format, OutputArguments, stdout, time, visible},
};

#[derive(Debug, clap::Args)]
pub(crate) struct StatusArguments {
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) async fn run(arguments: StatusArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let status: Status = client.get("status", &[]).await?;
    let mut out = stdout();
    match arguments.output.output {
        Format::Table => write_sentences(&mut out, &status)?,
        Format::Csv => {
            writeln!(out, "connector,state,devices,last_full_sync")?;
            for connector in &status.connectors {
                let last = connector.last_full_sync.as_deref().unwrap_or_default();
                writeln!(
                    out,
                    "{},{},{},{last}",
                    connector.name, connector.state, connector.devices
                )?;
            }
        }
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &status)?;
            writeln!(out)?;
        }
        Format::Jsonl => {
            serde_json::to_writer(&mut out, &status)?;
            writeln!(out)?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn write_sentences(out: &mut impl std::io::Write, status: &Status) -> anyhow::Result<()> {
    writeln!(out, "gatepost {} at {}", status.version, status.time)?;
    let states: Vec<String> = status
        .access_states
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    let states = if states.is_empty() { String::new() } else { format!(": {}", states.join(", ")) };
    writeln!(out, "{} devices{states}", status.devices)?;
    if status.connectors.is_empty() {
        writeln!(out, "no connector yet: gatepost connector add NAME --on-premises URL")?;
    }
    for connector in &status.connectors {
        let organization = match connector.organization.as_deref() {
            Some(organization) => organization,
            None if connector.state == "removed" => "only its inventory is kept",
            None => "not connected yet",
        };
        let last = match &connector.last_full_sync {
            Some(full) => format!("last full sync {}", time(full)),
            None => "never synced".to_owned(),
        };
        let delta = connector.last_delta_sync.as_deref().map(time);
        let delta = delta.map(|delta| format!(", last delta sync {delta}")).unwrap_or_default();
        writeln!(
            out,
            "connector {} ({}): {}{}, {} devices, {last}{delta}",
            connector.name,
            visible(organization),
            connector.state,
            if connector.paused { " and at rest" } else { "" },
            connector.devices
        )?;
        if let Some(trouble) = &connector.trouble {
            writeln!(out, "  {}", visible(trouble))?;
        }
    }
    for trouble in &status.audit_troubles {
        writeln!(out, "audit: {}", visible(trouble))?;
    }
    for job in &status.running {
        let of = job.connector.as_deref().map(|name| format!(" of {name}")).unwrap_or_default();
        let step = job.step.as_deref().map(|step| format!(", {step}")).unwrap_or_default();
        writeln!(out, "job {}: {}{of} {}{step}", job.id, job.kind, job.state)?;
    }
    Ok(())
}
