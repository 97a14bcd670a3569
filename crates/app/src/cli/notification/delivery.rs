//! `gatepost notification delivery`.

use api::{Delivery, DeliveryDetail, DeliveryList};
use clap::Subcommand;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Exit, print_rows};
use crate::{
    client::{Client, ServerArguments},
    output::{Card, Format, OutputArguments, Rows, is_coloured, lines_visible, say, stdout},
};

#[derive(Debug, Subcommand)]
pub(crate) enum DeliveryVerb {
    /// List deliveries, the latest first
    List(ListArguments),
    /// Show one delivery: what it says, and every attempt
    Show(ShowArguments),
    /// Send a delivery that has ended once more, under the same id; or all that failed
    Replay(ReplayArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArguments {
    /// Only those that stand so: waiting, delivered or failed
    #[arg(long)]
    state: Option<String>,
    /// Stop after so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=500))]
    limit: u16,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArguments {
    /// Id of the delivery
    id: Uuid,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArguments {
    /// Id of the delivery
    #[arg(required_unless_present = "failed", conflicts_with = "failed")]
    id: Option<Uuid>,
    /// All that failed
    #[arg(long)]
    failed: bool,
    #[command(flatten)]
    server: ServerArguments,
}

pub(super) async fn run(verb: DeliveryVerb) -> anyhow::Result<Exit> {
    match verb {
        DeliveryVerb::List(arguments) => list(&arguments).await,
        DeliveryVerb::Show(arguments) => show(&arguments).await,
        DeliveryVerb::Replay(arguments) => replay(&arguments).await,
    }
}

async fn replay(arguments: &ReplayArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let again = async |id: &str| {
        let path = format!("notifications/deliveries/{id}/replay");
        client.post::<DeliveryDetail>(&path, &json!({})).await
    };
    if let Some(id) = arguments.id {
        let again = again(&id.to_string()).await?;
        say(&format!("it is sent by {} once more", again.delivery.channel))?;
        return Ok(Exit::Done);
    }
    // Read whole before the first is sent: what fails again at once is not sent in a circle.
    let (mut failed, mut cursor) = (Vec::new(), None);
    loop {
        let mut asked = vec![("state", "failed"), ("limit", "500")];
        asked.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page: DeliveryList = client.get("notifications/deliveries", &asked).await?;
        failed.extend(page.deliveries.into_iter().map(|delivery| delivery.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    for id in &failed {
        again(id).await?;
    }
    say(&match failed.len() {
        0 => "no delivery has failed".to_owned(),
        1 => "one delivery is sent once more".to_owned(),
        count => format!("{count} deliveries are sent once more"),
    })?;
    Ok(Exit::Done)
}

async fn list(arguments: &ListArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let limit = arguments.limit.to_string();
    let mut asked = vec![("limit", limit.as_str())];
    asked.extend(arguments.state.as_deref().map(|state| ("state", state)));
    let answer: DeliveryList = client.get("notifications/deliveries", &asked).await?;
    let of_table =
        ["created", "topic", "channel", "recipient", "state", "attempts", "outcome", "id"];
    let rows = answer.deliveries;
    print_rows(arguments.output.output, &Delivery::FIELDS, &of_table, rows, "no delivery yet")
}

async fn show(arguments: &ShowArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let path = format!("notifications/deliveries/{}", arguments.id);
    let found: DeliveryDetail = client.get(&path, &[]).await?;
    if arguments.output.output != Format::Table {
        let columns = ["delivery", "log", "data", "message"].map(str::to_owned).to_vec();
        let mut rows = Rows::new(stdout(), arguments.output.output, columns, false);
        rows.push(&found)?;
        rows.finish("")?;
        return Ok(Exit::Done);
    }
    let mut card = Card::new(is_coloured());
    let delivery = serde_json::to_value(&found.delivery)?;
    for field in Delivery::FIELDS {
        card.line(field, delivery.get(field).unwrap_or(&Value::Null));
    }
    card.print(&mut stdout())?;
    say("")?;
    let of_table = ["number", "at", "duration_ms", "delivered", "answer"];
    print_rows(Format::Table, &of_table, &of_table, &found.log, "not tried yet")?;
    say(&format!("\n{}\n", found.message.subject))?;
    say(&lines_visible(&found.message.text))?;
    Ok(Exit::Done)
}
