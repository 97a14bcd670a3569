//! `gatepost device`: the inventory, read page by page.

use api::{Device, DeviceDetail, DevicePage};
use clap::Subcommand;
use domain::ActionKind;
use serde_json::Value;

use super::{
    Exit,
    action::{self, ActionArguments, WipeArguments},
    explain::{self, ExplainArguments},
};
use crate::{
    client::{Client, ServerArguments},
    output::{Card, Format, OutputArguments, Rows, is_coloured, stdout},
};

#[derive(Debug, Subcommand)]
pub(crate) enum DeviceVerb {
    /// List devices
    List(ListArguments),
    /// Show all that is known of one device
    Show(ShowArguments),
    /// Read one device again from Exchange, and show it
    Refresh(ShowArguments),
    /// Say why Exchange lets a device in or not, and what would let it in
    Explain(ExplainArguments),
    /// Let devices in by a personal exemption
    Allow(ActionArguments),
    /// Keep devices out by a personal exemption
    Block(ActionArguments),
    /// Remove both exemptions of devices: rules and the default access level decide again
    Release(ActionArguments),
    /// Erase the mail account on phones, or entire phones
    Wipe(WipeArguments),
    /// Take back wipes that phones have not fetched
    CancelWipe(ActionArguments),
    /// Forget partnerships; nothing is erased
    Forget(ActionArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArguments {
    /// Which devices, such as 'state:quarantined os:iOS lastsync:<30d'; all without it
    #[arg(default_value = "", hide_default_value = true)]
    query: String,
    /// Stop after so many devices
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Fields to print, in this order
    #[arg(long, value_name = "A,B,…", value_delimiter = ',', value_parser = Device::FIELDS)]
    columns: Vec<String>,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArguments {
    /// Gatepost's id of the device, or Exchange's GUID of it
    id: uuid::Uuid,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

/// What a table shows when nobody chose: who, what, whether it syncs, and the id to go on with.
const TABLE_COLUMNS: [&str; 7] =
    ["user", "model", "os", "client_type", "access_state", "last_success_sync", "id"];

/// As many as the API gives at once.
const PAGE: u64 = 1000;

pub(crate) async fn run(verb: DeviceVerb) -> anyhow::Result<Exit> {
    match verb {
        DeviceVerb::List(arguments) => list(arguments).await,
        DeviceVerb::Show(arguments) => show(&arguments).await,
        DeviceVerb::Refresh(arguments) => refresh(&arguments).await,
        DeviceVerb::Explain(arguments) => explain::run(arguments).await,
        DeviceVerb::Allow(arguments) => action::run(ActionKind::Allow, arguments).await,
        DeviceVerb::Block(arguments) => action::run(ActionKind::Block, arguments).await,
        DeviceVerb::Release(arguments) => action::run(ActionKind::Release, arguments).await,
        DeviceVerb::Wipe(arguments) => action::wipe(arguments).await,
        DeviceVerb::CancelWipe(arguments) => action::run(ActionKind::CancelWipe, arguments).await,
        DeviceVerb::Forget(arguments) => action::run(ActionKind::Forget, arguments).await,
    }
}

async fn list(arguments: ListArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let format = arguments.output.output;
    let columns = match (arguments.columns, format) {
        (columns, _) if !columns.is_empty() => columns,
        (_, Format::Table) => TABLE_COLUMNS.map(str::to_owned).to_vec(),
        _ => Device::FIELDS.map(str::to_owned).to_vec(),
    };
    let mut wanted = arguments.limit.unwrap_or(u64::MAX);
    let mut cursor = None::<String>;
    let mut rows = Rows::new(stdout(), format, columns, is_coloured());
    loop {
        let limit = wanted.min(PAGE).to_string();
        let mut query = vec![("query", arguments.query.as_str()), ("limit", &limit)];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page: DevicePage = client.get("devices", &query).await?;
        for device in &page.devices {
            rows.push(device)?;
        }
        wanted = wanted.saturating_sub(page.devices.len() as u64);
        cursor = page.next;
        if cursor.is_none() || wanted == 0 {
            break;
        }
    }
    rows.finish("no device matches")?;
    Ok(Exit::Done)
}

async fn show(arguments: &ShowArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let device: DeviceDetail = client.get(&format!("devices/{}", arguments.id), &[]).await?;
    print(&device, arguments.output.output)
}

async fn refresh(arguments: &ShowArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let path = format!("devices/{}/refresh", arguments.id);
    let device: DeviceDetail = client.post(&path, &serde_json::json!({})).await?;
    print(&device, arguments.output.output)
}

fn print(device: &DeviceDetail, format: Format) -> anyhow::Result<Exit> {
    match format {
        Format::Table => card(device)?,
        format => {
            let mut columns = Device::FIELDS.map(str::to_owned).to_vec();
            if format != Format::Csv {
                columns.extend(["attributes", "statistics_attributes"].map(str::to_owned));
            }
            let mut rows = Rows::new(stdout(), format, columns, false);
            rows.push(device)?;
            rows.finish("")?;
        }
    }
    Ok(Exit::Done)
}

fn card(device: &DeviceDetail) -> anyhow::Result<()> {
    let mut card = Card::new(is_coloured());
    let fields = serde_json::to_value(&device.device)?;
    for name in Device::FIELDS {
        card.line(name, fields.get(name).unwrap_or(&Value::Null));
    }
    card.print(&mut stdout())?;
    for (title, attributes) in [
        ("More from the directory", &device.attributes),
        ("More from the mailbox", &device.statistics_attributes),
    ] {
        if attributes.is_empty() {
            continue;
        }
        let mut out = stdout();
        std::io::Write::write_all(&mut out, format!("\n{title}\n").as_bytes())?;
        let mut card = Card::new(is_coloured());
        for (name, value) in attributes {
            card.raw_line(name, value);
        }
        card.print(&mut out)?;
    }
    Ok(())
}
