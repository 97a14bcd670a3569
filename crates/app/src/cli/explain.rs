//! `gatepost device explain`: why Exchange lets a device in or not, and what would let it in.

use std::io::Write;

use api::{DeviceDescription, Explanation, ReportedAccess};
use comfy_table::{Cell, Color};
use domain::ConnectorName;

use super::{Exit, Usage};
use crate::{
    client::{Client, ServerArguments},
    output::{
        Format, OutputArguments, Rows, is_coloured, stdout, time, visible, wrapped_table,
        write_table,
    },
};

#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArguments {
    /// Gatepost's id of the device, or Exchange's GUID of it; or describe one
    #[arg(value_name = "ID", required_unless_present = "connector")]
    id: Option<uuid::Uuid>,
    #[command(flatten)]
    described: Described,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

/// A device that need not be there yet.
#[derive(Debug, clap::Args)]
struct Described {
    /// Describe a device that is to sync with this connector's organization
    #[arg(long, value_name = "NAME", value_parser = ConnectorName::parse, conflicts_with = "id")]
    connector: Option<ConnectorName>,
    /// Its type, such as iPhone
    #[arg(long = "type", value_name = "TYPE", requires = "connector")]
    device_type: Option<String>,
    /// Its model
    #[arg(long, value_name = "MODEL", requires = "connector")]
    model: Option<String>,
    /// Its operating system, the exact text, such as 'iOS 18.1 22B83'
    #[arg(long, value_name = "OS", requires = "connector")]
    os: Option<String>,
    /// Its user agent
    #[arg(long, value_name = "TEXT", requires = "connector")]
    user_agent: Option<String>,
    /// Address or logon name of its owner: their lists and policy count
    #[arg(long, value_name = "WHO", requires = "connector")]
    user: Option<String>,
    /// Its device id
    #[arg(long, value_name = "ID", requires = "connector")]
    device_id: Option<String>,
}

/// What is said where nothing of a described device is.
const NOTHING_SAID: Usage = Usage(
    "say something of the device: --type, --model, --os, --user-agent, --user or --device-id",
);

pub(crate) async fn run(arguments: ExplainArguments) -> anyhow::Result<Exit> {
    let ExplainArguments { id, described, output, server } = arguments;
    let client = Client::connect(&server)?;
    let explanation: Explanation = match (id, described.connector) {
        (Some(id), _) => client.get(&format!("devices/{id}/explanation"), &[]).await?,
        (None, Some(connector)) => {
            let description = DeviceDescription {
                device_type: described.device_type,
                model: described.model,
                os: described.os,
                user_agent: described.user_agent,
                user: described.user,
                device_id: described.device_id,
            };
            if description == DeviceDescription::default() {
                return Err(NOTHING_SAID.into());
            }
            client.post(&format!("connectors/{connector}/explain"), &description).await?
        }
        (None, None) => return Err(NOTHING_SAID.into()),
    };
    print(&explanation, output.output)?;
    Ok(Exit::Done)
}

fn print(explanation: &Explanation, format: Format) -> anyhow::Result<()> {
    let mut out = stdout();
    match format {
        Format::Table => tell(explanation, &mut out)?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, explanation)?;
            writeln!(out)?;
        }
        Format::Jsonl => {
            serde_json::to_writer(&mut out, explanation)?;
            writeln!(out)?;
        }
        Format::Csv => {
            let columns = ["step", "outcome", "decides", "detail"].map(str::to_owned).to_vec();
            let mut rows = Rows::new(&mut out, Format::Csv, columns, false);
            for step in &explanation.steps {
                rows.push(step)?;
            }
            rows.finish("")?;
        }
    }
    Ok(out.flush()?)
}

/// The sentence first, then how it came to that, and what would change it.
fn tell(explanation: &Explanation, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "{}", visible(&explanation.sentence))?;
    if !explanation.steps.is_empty() {
        writeln!(out, "\nHow Exchange decides")?;
        let mut table = wrapped_table(is_coloured());
        for step in &explanation.steps {
            let cells = [
                if step.decides { "->" } else { "" },
                &step.outcome.replace('-', " "),
                &step.title,
                &visible(&step.detail),
            ]
            .map(Cell::new);
            table.add_row(cells.map(|cell| match step.decides {
                true => cell.fg(Color::Yellow),
                false => cell,
            }));
        }
        write_table(out, &table)?;
    }
    if let Some(reported) = explanation.reported.as_ref()
        && explanation.agreement.agrees == Some(false)
    {
        writeln!(out, "\nThat is not what Exchange reports: {}", in_short(reported))?;
        list(out, explanation.agreement.causes.iter().map(String::as_str))?;
    }
    if !explanation.remedies.is_empty() {
        writeln!(out, "\nWhat would let it in")?;
        let mut table = wrapped_table(is_coloured());
        for remedy in &explanation.remedies {
            table.add_row(["-", &visible(&remedy.sentence), &format!("touches {}", remedy.reach)]);
        }
        write_table(out, &table)?;
    }
    let as_of = explanation.rules_as_of.as_deref();
    let as_of = as_of.map(|at| format!("Rules, policies and default level as of {}.", time(at)));
    writeln!(out)?;
    list(out, explanation.caveats.iter().map(String::as_str).chain(as_of.as_deref()))
}

/// `blocked by rule "iOS 15.4 (DeviceOS)", as of 2026-11-21 04:00:00Z`.
fn in_short(reported: &ReportedAccess) -> String {
    let reason = reported.reason.as_deref().map(|reason| format!(" by {reason}"));
    let rule = reported.rule.as_deref().map(|rule| format!(" \"{}\"", visible(rule)));
    format!(
        "{}{}{}, as of {}",
        reported.state,
        reason.unwrap_or_default(),
        rule.unwrap_or_default(),
        time(&reported.as_of)
    )
}

fn list<'a>(out: &mut impl Write, sentences: impl Iterator<Item = &'a str>) -> anyhow::Result<()> {
    let mut table = wrapped_table(is_coloured());
    for sentence in sentences {
        table.add_row(["-", &visible(sentence)]);
    }
    write_table(out, &table)
}
