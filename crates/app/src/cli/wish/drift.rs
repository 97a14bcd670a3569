//! `gatepost drift`: what somebody made otherwise than it was written down.

use api::{Drift, Drifted};
use domain::ConnectorName;
use serde_json::json;

use super::{Exit, print_json, problem, tell, value};
use crate::{
    client::{Client, ServerArguments},
    output::{Format, OutputArguments, Rows, counted, say, stdout, time, visible},
};

/// Say what is not as it was written down any more, who changed it, and when
///
/// Ends with 3 if there is something, and with 0 if there is nothing.
#[derive(Debug, clap::Args)]
pub(crate) struct DriftArguments {
    /// Name of the connector
    #[arg(value_parser = ConnectorName::parse)]
    connector: ConnectorName,
    /// Do not ask Exchange: show what the last look found
    #[arg(long)]
    last: bool,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

const COLUMNS: [&str; 8] =
    ["thing", "name", "is", "shall_be", "writer", "written", "since", "sentence"];

pub(crate) async fn run(arguments: DriftArguments) -> anyhow::Result<Exit> {
    let DriftArguments { connector, last, output, server } = &arguments;
    let client = Client::connect(server)?;
    let path = format!("connectors/{connector}/drift");
    let drift: Drift = match last {
        true => client.get(&path, &[]).await?,
        false => client.post(&path, &json!({})).await?,
    };
    match output.output {
        Format::Table => table(connector, &drift)?,
        Format::Csv => rows(&drift.drifted)?,
        format => print_json(&drift, format)?,
    }
    for one in &drift.problems {
        tell(&problem(None, one));
    }
    if let Some(trouble) = &drift.trouble {
        let at = time(&drift.checked);
        tell(&format!("gatepost: Exchange could not be read at {at}: {}", visible(trouble)));
    }
    Ok(match drift.drifted.is_empty() {
        _ if !drift.problems.is_empty() || drift.trouble.is_some() => Exit::Failed,
        true => Exit::Done,
        false => Exit::Differences,
    })
}

fn table(connector: &ConnectorName, drift: &Drift) -> anyhow::Result<()> {
    let at = time(&drift.checked);
    let is_known = drift.problems.is_empty() && drift.trouble.is_none();
    if drift.drifted.is_empty() {
        return match is_known {
            true => say(&format!("{connector} is as it was written down, looked at {at}")),
            false => Ok(()),
        };
    }
    for one in &drift.drifted {
        let since = time(&one.since);
        say(&format!("~ {} (seen since {since})", visible(&one.sentence)))?;
    }
    let count = counted(drift.drifted.len(), "thing");
    let verb = if drift.drifted.len() == 1 { "is" } else { "are" };
    say(&format!("\n{count} {verb} not as written down, looked at {at}"))?;
    say(&format!("to mend it: gatepost plan {connector}, and apply that"))
}

fn rows(drifted: &[Drifted]) -> anyhow::Result<()> {
    let columns = COLUMNS.map(str::to_owned).to_vec();
    let mut rows = Rows::new(stdout(), Format::Csv, columns, false);
    for one in drifted {
        let mut row = serde_json::to_value(one)?;
        row["is"] = value(one.is.as_ref()).into();
        row["shall_be"] = value(one.shall_be.as_ref()).into();
        rows.push(&row)?;
    }
    rows.finish("")
}
