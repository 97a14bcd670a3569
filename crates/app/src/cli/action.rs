//! `gatepost device allow`, `wipe` and the rest: what is asked of devices.

use std::io::Write as _;

use anyhow::bail;
use api::{Action, ActionPage, ActionPreview, ActionRequest, Counted, Job};
use domain::ActionKind;

use super::{Exit, Usage, job};
use crate::{
    client::{Client, ServerArguments},
    output::{
        Format, OutputArguments, Rows, counted, is_coloured, plain_table, say, stdout, visible,
        write_table,
    },
};

#[derive(Debug, clap::Args)]
pub(crate) struct ActionArguments {
    #[command(flatten)]
    of: Devices,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

/// Which devices.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Devices {
    /// Gatepost's ids of the devices, Exchange's GUIDs of them, or device ids that only one has
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// All devices that a query finds, such as 'state:quarantined os:iOS'
    #[arg(long, value_name = "QUERY")]
    query: Option<String>,
}

/// Why, and how carefully.
#[derive(Debug, clap::Args)]
struct Why {
    /// Why, for the record; needed unless it is only a preview
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Number of a ticket
    #[arg(long, value_name = "TICKET")]
    ticket: Option<String>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Do it: without this, what erases or forgets, and whatever is asked by a query, is only
    /// previewed
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// How many devices the preview showed: should it be another number, nothing is done
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Do not wait until Exchange has taken it
    #[arg(long)]
    no_wait: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WipeArguments {
    #[command(flatten)]
    action: ActionArguments,
    /// Erase the mail account on the phone, and nothing else; this is what happens without a choice
    #[arg(long, conflicts_with = "entire_phone")]
    account_only: bool,
    /// Erase the entire phone: mail, photos and everything else
    #[arg(long)]
    entire_phone: bool,
    /// With --entire-phone: the last four characters of the device id
    #[arg(long, value_name = "LAST4", requires = "entire_phone")]
    confirm: Option<String>,
}

pub(crate) async fn wipe(arguments: WipeArguments) -> anyhow::Result<Exit> {
    let kind =
        if arguments.entire_phone { ActionKind::WipeDevice } else { ActionKind::WipeAccount };
    let is_to_be_done = arguments.action.why.yes;
    if arguments.entire_phone && is_to_be_done {
        match (arguments.action.of.ids.as_slice(), &arguments.confirm) {
            ([id], Some(typed)) => confirmed(&arguments.action, id, typed).await?,
            ([_], None) => bail!(Usage(
                "erasing an entire phone needs --confirm with the last four characters of its \
                 device id"
            )),
            // Of many the number is what is typed.
            _ if arguments.action.why.count.is_some() => {}
            _ => bail!(Usage(
                "erasing many entire phones needs --count with their number; the preview says it"
            )),
        }
    }
    run(kind, arguments.action).await
}

/// Makes sure that whoever erases a phone means this one.
async fn confirmed(arguments: &ActionArguments, id: &str, typed: &str) -> anyhow::Result<()> {
    let client = Client::connect(&arguments.server)?;
    let preview = preview(&client, ActionKind::WipeDevice, arguments).await?;
    let Some(device) = preview.first.first() else { bail!("no device has the id {id}") };
    let device: api::DeviceDetail = client.get(&format!("devices/{}", device.id), &[]).await?;
    let device_id = device.device.device_id.unwrap_or_default();
    let start = device_id.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
    let last = device_id.get(start..).unwrap_or_default();
    if last.is_empty() || !last.eq_ignore_ascii_case(typed.trim()) {
        bail!("{} is not the end of this phone's device id; nothing was done", visible(typed));
    }
    Ok(())
}

pub(crate) async fn run(kind: ActionKind, arguments: ActionArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let why = &arguments.why;
    let is_by_query = arguments.of.query.is_some();
    if why.dry_run || ((is_grave(kind) || is_by_query) && !why.yes) {
        let preview = preview(&client, kind, &arguments).await?;
        let missing = (!why.dry_run).then(|| missing(kind, &arguments, &preview));
        return show(&preview, arguments.output.output, missing.as_deref());
    }
    if why.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
        bail!(Usage("it needs --reason with a word why; it stands in the audit"));
    }
    if is_grave(kind) && is_by_query && why.count.is_none() {
        bail!(Usage(
            "what a query finds is only erased or forgotten with --count; the preview says it"
        ));
    }
    let asked: Job = client.post("actions", &request(kind, &arguments)).await?;
    if why.no_wait && asked.state != "held" {
        say(&format!("asked for; to follow it: gatepost job wait {}", asked.id))?;
        return Ok(Exit::Done);
    }
    job::follow(&client, &asked.id, arguments.output.output).await
}

/// Whether it erases or forgets, and is previewed first.
fn is_grave(kind: ActionKind) -> bool {
    kind.is_wipe() || kind == ActionKind::Forget
}

fn request(kind: ActionKind, arguments: &ActionArguments) -> ActionRequest {
    let Devices { ids, query } = &arguments.of;
    ActionRequest {
        action: kind.word().to_owned(),
        devices: (!ids.is_empty()).then(|| ids.clone()),
        query: query.clone(),
        reason: arguments.why.reason.clone().unwrap_or_default(),
        ticket: arguments.why.ticket.clone(),
        expected: arguments.why.count,
    }
}

async fn preview(
    client: &Client,
    kind: ActionKind,
    arguments: &ActionArguments,
) -> anyhow::Result<ActionPreview> {
    client.post("actions?dry_run=true", &request(kind, arguments)).await
}

/// What is still to be said before it is done.
fn missing(kind: ActionKind, arguments: &ActionArguments, preview: &ActionPreview) -> String {
    let (of, why) = (&arguments.of, &arguments.why);
    let mut options = vec!["--yes".to_owned()];
    if why.reason.is_none() {
        options.push("--reason TEXT".to_owned());
    }
    let is_one_whole_phone = kind == ActionKind::WipeDevice && of.ids.len() == 1;
    if is_one_whole_phone {
        options.push("--confirm with the last four characters of its device id".to_owned());
    } else if why.count.is_none()
        && (kind == ActionKind::WipeDevice || is_grave(kind) && of.query.is_some())
    {
        options.push(format!("--count {}", preview.devices));
    }
    match options.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
        None => String::new(),
    }
}

/// Shows a preview, and what is missing to have it done.
fn show(preview: &ActionPreview, format: Format, missing: Option<&str>) -> anyhow::Result<Exit> {
    if format != Format::Table {
        let columns = [
            "action", "devices", "people", "possible", "effects", "warnings", "refusals", "hold",
            "first",
        ];
        let mut rows = Rows::new(stdout(), format, columns.map(str::to_owned).to_vec(), false);
        rows.push(preview)?;
        rows.finish("")?;
        return Ok(Exit::Done);
    }
    let mut out = stdout();
    let ActionPreview { devices, people, possible, .. } = preview;
    let of_people = if *people == 1 { "1 person" } else { &format!("{people} people") };
    let of_devices = counted(*devices, "device");
    writeln!(out, "{}: {possible} of {of_devices} of {of_people}", preview.action)?;
    let mut sentences = |title: &str, all: &[Counted]| -> anyhow::Result<()> {
        for one in all {
            writeln!(out, "  {title} {:>6}  {}", one.devices, visible(&one.text))?;
        }
        Ok(())
    };
    sentences("would  ", &preview.effects)?;
    sentences("know   ", &preview.warnings)?;
    sentences("cannot ", &preview.refusals)?;
    if let Some(hold) = &preview.hold {
        writeln!(out, "  it would wait for a second person: {}", visible(hold))?;
    }
    let mut table = plain_table(is_coloured());
    table.set_header(["DEVICE", "EFFECT", "ID"]);
    for device in &preview.first {
        let effect = match &device.refusal {
            Some(refusal) => format!("cannot: {}", visible(refusal)),
            None => device.effect.clone(),
        };
        table.add_row([visible(&device.name), effect, device.id.clone()]);
    }
    writeln!(out)?;
    write_table(&mut out, &table)?;
    if *devices > preview.first.len() as u64 {
        writeln!(out, "… and {} more", devices - preview.first.len() as u64)?;
    }
    if let Some(missing) = missing {
        writeln!(out, "\nnothing was done; to do it, add {missing}")?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// What became of each device of a job.
pub(crate) async fn print_actions(client: &Client, id: &str, format: Format) -> anyhow::Result<()> {
    let columns = match format {
        Format::Table => ["name", "state", "note"].map(str::to_owned).to_vec(),
        _ => Action::FIELDS.map(str::to_owned).to_vec(),
    };
    let mut rows = Rows::new(stdout(), format, columns, is_coloured());
    let mut cursor = None::<String>;
    loop {
        let mut query = vec![("limit", "1000")];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page: ActionPage = client.get(&format!("jobs/{id}/actions"), &query).await?;
        for action in &page.actions {
            rows.push(action)?;
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    rows.finish("no device")
}
