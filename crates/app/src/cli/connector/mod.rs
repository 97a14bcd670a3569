//! `gatepost connector`: organizations connected, looked at, changed and removed.

mod check;
mod health;
mod settings;
mod show;

use std::io::{IsTerminal as _, Write as _, stderr, stdin};

use api::{Connector, ConnectorChange, Preview};
use clap::Subcommand;
use domain::ConnectorName;
use serde_json::{Value, json};

use super::Exit;
use crate::{
    client::{Client, ServerArguments},
    output::{OutputArguments, say, time, visible},
};
use settings::{Ask, Settings};

#[derive(Debug, Subcommand)]
pub(crate) enum ConnectorVerb {
    /// Connect an organization, and check that it answers
    Add(Box<AddArguments>),
    /// List connectors
    List(show::ListArguments),
    /// Show all that is known of one connector
    Show(OneArguments),
    /// Change a connector; what is not given stays, and '' clears a field
    Set(Box<SetArguments>),
    /// Connect now and say what works, what is missing, and how to grant it
    Check(check::CheckArguments),
    /// Print a script for Exchange that gives the account exactly what it needs
    RoleScript(check::RoleScriptArguments),
    /// Let scheduled work rest
    Pause(NameArguments),
    /// Let scheduled work go on
    Resume(NameArguments),
    /// List the addresses of the organization and how they did
    Endpoints(OneArguments),
    /// List the latest status messages
    Messages(health::LatestArguments),
    /// List the latest lines of the component log since the server was started
    Log(health::LatestArguments),
    /// List the latest passes: what each read, changed and cost
    Passes(health::LatestArguments),
    /// Say how many devices are inactive for too long, or let them leave the inventory now
    Ageing(health::AgeingArguments),
    /// Remove a connector; nothing changes in Exchange
    Remove(RemoveArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddArguments {
    /// Name of the connector: a-z, 0-9 and hyphen
    #[arg(value_parser = ConnectorName::parse)]
    name: ConnectorName,
    /// Address of remote PowerShell, such as http://exchange.contoso.com/PowerShell/
    #[arg(long, value_name = "URL")]
    on_premises: String,
    /// Add without checking
    #[arg(long)]
    no_check: bool,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SetArguments {
    /// Name of the connector
    #[arg(value_parser = ConnectorName::parse)]
    name: ConnectorName,
    /// Address of remote PowerShell, such as http://exchange.contoso.com/PowerShell/
    #[arg(long, value_name = "URL")]
    on_premises: Option<String>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct NameArguments {
    /// Name of the connector
    #[arg(value_parser = ConnectorName::parse)]
    name: ConnectorName,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct OneArguments {
    /// Name of the connector
    #[arg(value_parser = ConnectorName::parse)]
    name: ConnectorName,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RemoveArguments {
    /// Name of the connector
    #[arg(value_parser = ConnectorName::parse)]
    name: ConnectorName,
    /// Keep the inventory, to be looked at
    #[arg(long)]
    keep_inventory: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) async fn run(verb: ConnectorVerb) -> anyhow::Result<Exit> {
    match verb {
        ConnectorVerb::Add(arguments) => add(*arguments).await,
        ConnectorVerb::List(arguments) => show::list(&arguments).await,
        ConnectorVerb::Show(arguments) => show::show(&arguments).await,
        ConnectorVerb::Set(arguments) => set(*arguments).await,
        ConnectorVerb::Check(arguments) => check::check(&arguments).await,
        ConnectorVerb::RoleScript(arguments) => check::role_script(&arguments).await,
        ConnectorVerb::Pause(arguments) => pause(&arguments).await,
        ConnectorVerb::Resume(arguments) => resume(&arguments).await,
        ConnectorVerb::Endpoints(arguments) => health::endpoints(&arguments).await,
        ConnectorVerb::Messages(arguments) => health::messages(&arguments).await,
        ConnectorVerb::Log(arguments) => health::log(&arguments).await,
        ConnectorVerb::Passes(arguments) => health::passes(&arguments).await,
        ConnectorVerb::Ageing(arguments) => health::ageing(&arguments).await,
        ConnectorVerb::Remove(arguments) => remove(&arguments).await,
    }
}

async fn add(arguments: AddArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let change = arguments.settings.into_change(Some(arguments.on_premises), Ask::Always)?;
    let connector: Connector = client.post("connectors", &new(&arguments.name, change)?).await?;
    say(&format!("connector {} added", connector.name))?;
    if arguments.no_check {
        say(&what_comes_next(&connector))?;
        return Ok(Exit::Done);
    }
    // The connector is there, whatever comes now: trouble is told and does not undo it.
    check::after_adding(&client, &connector).await?;
    Ok(Exit::Done)
}

/// The body of a connector to be added: the change of one that has nothing yet.
fn new(name: &ConnectorName, mut change: ConnectorChange) -> anyhow::Result<Value> {
    for part in [&mut change.on_premises, &mut change.options].into_iter().flatten() {
        part.retain(|_, value| !value.is_null());
    }
    let mut body = serde_json::to_value(change)?;
    if let Some(fields) = body.as_object_mut() {
        fields.insert("name".to_owned(), name.as_str().into());
    }
    Ok(body)
}

/// What the server does by itself with a connector that works, and how to see it.
fn what_comes_next(connector: &Connector) -> String {
    let name = &connector.name;
    let (what, commands) = if connector.paused {
        let resume = format!("gatepost connector resume {name}");
        let once = format!("gatepost sync {name} --wait");
        ("it rests; to let it read from now on, or once:", [resume, once])
    } else {
        let wait = format!("gatepost sync {name} --full --wait");
        (
            "the first full sync has begun; to wait for it, or to see it:",
            [wait, "gatepost job list".to_owned()],
        )
    };
    format!("{what}\n  {}\n  {}", commands[0], commands[1])
}

#[expect(clippy::print_stderr, reason = "trouble is told apart from the answer")]
async fn set(arguments: SetArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let name = arguments.name;
    let change = arguments.settings.into_change(arguments.on_premises, Ask::IfAccountChanges)?;
    let fields = change.fields();
    if fields.is_empty() {
        eprintln!("gatepost: nothing to change is given");
        eprintln!("  what to do: name it; gatepost connector set --help lists what there is");
        return Ok(Exit::Usage);
    }
    let connector: Connector = client.patch(&format!("connectors/{name}"), &change).await?;
    say(&format!("connector {name} changed: {}", fields.join(", ")))?;
    let is_of_connection = fields.iter().any(|field| {
        field.starts_with("on_premises.") || field.ends_with("password") || field.contains("sites")
    });
    if is_of_connection {
        say(&format!("next: gatepost connector check {name}"))?;
    }
    if connector.paused {
        say(&format!("it rests: gatepost connector resume {name} lets it go on"))?;
    }
    Ok(Exit::Done)
}

async fn pause(arguments: &NameArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let name = &arguments.name;
    client.post::<Connector>(&format!("connectors/{name}/pause"), &json!({})).await?;
    say(&format!("connector {name} rests; gatepost connector resume {name} lets it go on"))?;
    Ok(Exit::Done)
}

async fn resume(arguments: &NameArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let name = &arguments.name;
    let connector: Connector =
        client.post(&format!("connectors/{name}/resume"), &json!({})).await?;
    let next = match (&connector.next_full_sync, &connector.next_delta_sync) {
        (None, None) if connector.organization.is_none() => "it is connected now".to_owned(),
        (None, None) => format!("nothing is scheduled; gatepost sync {name} reads now"),
        (full, delta) => {
            let next = full.iter().chain(delta).min().map(|at| time(at));
            format!("next sync {}", next.unwrap_or_default())
        }
    };
    say(&format!("connector {name} goes on; {next}"))?;
    Ok(Exit::Done)
}

async fn remove(arguments: &RemoveArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let name = &arguments.name;
    let kept = arguments.keep_inventory;
    let path = format!("connectors/{name}?keep_inventory={kept}");
    if !arguments.yes && stdin().is_terminal() {
        let preview: Preview = client.delete_preview(&format!("{path}&dry_run=true")).await?;
        if !is_confirmed(&preview.would)? {
            say("nothing was done")?;
            return Ok(Exit::Failed);
        }
    }
    client.delete(&path).await?;
    let inventory = if kept { "its inventory is kept" } else { "its inventory went with it" };
    say(&format!("connector {name} removed; {inventory}; nothing was changed in Exchange"))?;
    Ok(Exit::Done)
}

#[expect(clippy::print_stderr, reason = "a question is for the person at the terminal")]
fn is_confirmed(would: &str) -> anyhow::Result<bool> {
    eprint!("This will {}. Go on? [y/N] ", visible(would));
    stderr().flush()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
