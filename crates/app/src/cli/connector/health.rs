//! How a connector does: its endpoints, its status messages, its log, its passes, its devices that do nothing any more.

use api::{Aged, Ageing, ComponentLog, EndpointList, MessageList, PassList};
use comfy_table::{Cell, Color};
use domain::{ConnectorName, Timestamp};
use serde::Serialize;
use serde_json::json;

use super::{Exit, OneArguments};
use crate::{
    client::{Client, ServerArguments},
    output::{
        Format, OutputArguments, Rows, counted, is_coloured, say, stdout, time, visible,
        wrapped_table, write_table,
    },
};

#[derive(Debug, clap::Args)]
pub(crate) struct LatestArguments {
    /// Name of the connector
    #[arg(value_parser = ConnectorName::parse)]
    name: ConnectorName,
    /// Stop after so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct AgeingArguments {
    /// Name of the connector
    #[arg(value_parser = ConnectorName::parse)]
    name: ConnectorName,
    /// Let the devices leave the inventory now; they come back when they do something
    #[arg(long, conflicts_with = "output")]
    now: bool,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

const ENDPOINT_COLUMNS: [&str; 8] =
    ["url", "origin", "site", "version", "failures", "rests_until", "last_success", "trouble"];

pub(super) async fn endpoints(arguments: &OneArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let path = format!("connectors/{}/endpoints", arguments.name);
    let answer: EndpointList = client.get(&path, &[]).await?;
    if arguments.output.output != Format::Table {
        return print_rows(arguments.output.output, &ENDPOINT_COLUMNS, &answer.endpoints);
    }
    let columns = ["url", "origin", "site", "version", "answers"];
    let mut rows =
        Rows::new(stdout(), Format::Table, columns.map(str::to_owned).to_vec(), is_coloured());
    for one in &answer.endpoints {
        let answers = match (one.failures, &one.last_success) {
            (0, None) => "not tried yet".to_owned(),
            (0, Some(_)) => "yes".to_owned(),
            (1, _) => "no, once".to_owned(),
            (count, _) => format!("no, {count} times"),
        };
        rows.push(&json!({
            "url": one.url,
            "origin": one.origin,
            "site": one.site,
            "version": one.version,
            "answers": answers,
        }))?;
    }
    rows.finish("no endpoint")?;
    let mut troubles = wrapped_table(is_coloured());
    for one in &answer.endpoints {
        if let Some(trouble) = &one.trouble {
            let rests = one.rests_until.as_deref().map(time);
            let rests = rests.map(|at| format!(" (tried again from {at})")).unwrap_or_default();
            troubles.add_row([visible(&one.url), format!("{}{rests}", visible(trouble))]);
        }
    }
    if !troubles.is_empty() {
        say("")?;
        write_table(&mut stdout(), &troubles)?;
    }
    Ok(Exit::Done)
}

pub(super) async fn messages(arguments: &LatestArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let path = format!("connectors/{}/messages", arguments.name);
    let limit = arguments.limit.to_string();
    let answer: MessageList = client.get(&path, &[("limit", &limit)]).await?;
    if arguments.output.output != Format::Table {
        let columns = ["at", "number", "severity", "event", "text"];
        return print_rows(arguments.output.output, &columns, &answer.messages);
    }
    if answer.messages.is_empty() {
        say("no message yet")?;
        return Ok(Exit::Done);
    }
    let mut table = wrapped_table(is_coloured());
    table.set_header(["AT", "NUMBER", "SEVERITY", "TEXT"]);
    for message in &answer.messages {
        let severity = Cell::new(&message.severity);
        let severity = match message.severity.as_str() {
            "error" => severity.fg(Color::Red),
            "warning" => severity.fg(Color::Yellow),
            _ => severity,
        };
        table.add_row([
            Cell::new(time(&message.at)),
            Cell::new(message.number),
            severity,
            Cell::new(visible(&message.text)),
        ]);
    }
    write_table(&mut stdout(), &table)?;
    Ok(Exit::Done)
}

pub(super) async fn log(arguments: &LatestArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let path = format!("connectors/{}/log", arguments.name);
    let limit = arguments.limit.to_string();
    let answer: ComponentLog = client.get(&path, &[("limit", &limit)]).await?;
    if arguments.output.output != Format::Table {
        let columns = ["at", "is_warning", "phrase", "detail"];
        return print_rows(arguments.output.output, &columns, &answer.lines);
    }
    if answer.lines.is_empty() {
        say("nothing since the server was started")?;
        return Ok(Exit::Done);
    }
    let mut table = wrapped_table(is_coloured());
    table.set_header(["AT", "KIND", "LINE"]);
    for line in &answer.lines {
        let kind = match line.is_warning {
            true => Cell::new("warning").fg(Color::Yellow),
            false => Cell::new("information"),
        };
        let detail = line.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
        let text = visible(&format!("{}{detail}", line.phrase));
        table.add_row([Cell::new(time(&line.at)), kind, Cell::new(text)]);
    }
    write_table(&mut stdout(), &table)?;
    Ok(Exit::Done)
}

const PASS_COLUMNS: [&str; 17] = [
    "id",
    "kind",
    "started",
    "finished",
    "outcome",
    "devices",
    "added",
    "changed",
    "gone",
    "poisoned",
    "skipped",
    "mailboxes",
    "statistics",
    "cmdlets",
    "delayed_ms",
    "sessions_lost",
    "endpoint",
];

pub(super) async fn passes(arguments: &LatestArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let path = format!("connectors/{}/passes", arguments.name);
    let limit = arguments.limit.to_string();
    let answer: PassList = client.get(&path, &[("limit", &limit)]).await?;
    if arguments.output.output != Format::Table {
        return print_rows(arguments.output.output, &PASS_COLUMNS, &answer.passes);
    }
    let columns =
        ["started", "kind", "outcome", "took", "devices", "added", "changed", "gone", "cmdlets"];
    let columns = columns.map(str::to_owned).to_vec();
    let mut rows = Rows::new(stdout(), Format::Table, columns, is_coloured());
    for pass in &answer.passes {
        rows.push(&json!({
            "started": time(&pass.started),
            "kind": pass.kind,
            "outcome": pass.outcome.as_deref().unwrap_or("under way"),
            "took": pass.finished.as_deref().and_then(|end| took(&pass.started, end)),
            "devices": pass.devices,
            "added": pass.added,
            "changed": pass.changed,
            "gone": pass.gone,
            "cmdlets": pass.cmdlets,
        }))?;
    }
    rows.finish("no pass yet")?;
    Ok(Exit::Done)
}

/// The time from one moment to another: `0.4 s`, `75.0 s`.
fn took(start: &str, end: &str) -> Option<String> {
    let moment = |text: &str| text.parse::<Timestamp>().ok();
    let seconds = moment(end)?.duration_since(moment(start)?).as_secs_f64();
    Some(format!("{seconds:.1} s"))
}

pub(super) async fn ageing(arguments: &AgeingArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let name = &arguments.name;
    let path = format!("connectors/{name}/ageing");
    if arguments.now {
        let Aged { left } = client.post(&path, &json!({})).await?;
        let devices = counted(left, "device");
        say(&format!("{devices} left the inventory; nothing was changed in Exchange"))?;
        return Ok(Exit::Done);
    }
    let ageing: Ageing = client.get(&path, &[]).await?;
    if arguments.output.output != Format::Table {
        let columns = ["inactive_days", "would_leave", "have_left"];
        return print_rows(arguments.output.output, &columns, &[ageing]);
    }
    let Ageing { inactive_days, would_leave, have_left } = ageing;
    match inactive_days {
        None => say(&format!(
            "devices never leave for want of activity; to change that: gatepost connector set \
             {name} --inactive-days 90"
        ))?,
        Some(days) => {
            let devices = counted(would_leave, "device");
            say(&format!("inactive for more than {days} days: {devices} would leave now"))?;
        }
    }
    if have_left > 0 {
        say(&format!("{} left before", counted(have_left, "device")))?;
    }
    if would_leave > 0 {
        say(&format!("next: gatepost connector ageing {name} --now"))?;
    }
    Ok(Exit::Done)
}

fn print_rows(format: Format, columns: &[&str], list: &[impl Serialize]) -> anyhow::Result<Exit> {
    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    let mut rows = Rows::new(stdout(), format, columns, false);
    for row in list {
        rows.push(row)?;
    }
    rows.finish("")?;
    Ok(Exit::Done)
}
