//! `gatepost plan`: what is not as it shall be.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use api::{Plan, PlanRequest, Switch};
use domain::ConnectorName;
use serde::{Deserialize, Serialize};

use super::{Exit, read, shown};
use crate::{
    client::{Client, ServerArguments},
    output::OutputArguments,
};

/// Say what is not as it shall be; nothing is written to Exchange
///
/// Ends with 3 if there is something to do, and with 0 if there is nothing.
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArguments {
    /// Name of the connector
    #[arg(value_parser = connector_name)]
    connector: ConnectorName,
    /// File with the wish, or - for the standard input; without it, the wish that holds
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The file goes before what was changed in the console since a file was applied
    #[arg(long, requires = "file")]
    overwrite: bool,
    /// In place of a file: put whoever no rule names into quarantine, and exempt first the devices
    /// that synced within so many days
    #[arg(long, value_name = "DAYS", conflicts_with = "file", value_parser = clap::value_parser!(u32).range(1..=365))]
    switch_to_quarantine: Option<u32>,
    /// Write the plan's id into a file, which `gatepost apply` takes
    #[arg(long, value_name = "PLANFILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

/// The file is named by an option, which is easily forgotten.
fn connector_name(text: &str) -> Result<ConnectorName, String> {
    ConnectorName::parse(text).map_err(|error| match Path::new(text).extension() {
        Some(_) => format!("a file goes with -f: gatepost plan CONNECTOR -f {text}"),
        None => error.to_string(),
    })
}

/// What stands in a plan file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PlanFile {
    pub(super) plan: String,
    connector: String,
    made: String,
}

impl PlanFile {
    /// A plan file has one line; a longer file is some other file.
    const MAX_BYTES: usize = 4096;

    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        let text = read(file)?;
        if text.len() > Self::MAX_BYTES {
            bail!("{} is no plan file: gatepost plan --out writes one", file.display());
        }
        serde_json::from_str(&text).with_context(|| {
            format!("{} is no plan file: gatepost plan --out writes one", file.display())
        })
    }

    fn write(plan: &Plan, file: &Path) -> anyhow::Result<()> {
        let summary = &plan.summary;
        let written = Self {
            plan: summary.id.clone(),
            connector: summary.connector.clone(),
            made: summary.made.clone(),
        };
        let text = format!("{}\n", serde_json::to_string(&written)?);
        std::fs::write(file, text).with_context(|| format!("writing {}", file.display()))
    }
}

pub(crate) async fn run(arguments: PlanArguments) -> anyhow::Result<Exit> {
    let PlanArguments { connector, file, overwrite, switch_to_quarantine, out, output, server } =
        &arguments;
    let text = file.as_deref().map(read).transpose()?;
    let switch = switch_to_quarantine.map(|active_days| Switch { active_days });
    let kept = text.is_none() && switch.is_none();
    let overwrite = *overwrite;
    let request = PlanRequest { text, overwrite, kept, switch, ..PlanRequest::default() };
    let client = Client::connect(server)?;
    let made: Plan = client.post(&format!("connectors/{connector}/plans"), &request).await?;
    let plan = shown::settled(&client, made).await?;
    let is_sound = plan.summary.state == "ready";
    let to_apply = match out {
        Some(out) if is_sound => {
            PlanFile::write(&plan, out)?;
            format!("gatepost apply {}", out.display())
        }
        _ => format!("gatepost apply {}", plan.summary.id),
    };
    shown::show(&plan, file.as_ref(), output.output, &to_apply)
}
