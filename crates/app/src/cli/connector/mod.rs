//! `gatepost connector`: organizations connected, looked at, changed and removed.

mod check;
mod health;
mod hosted;
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
use settings::{Ask, Place, Settings};

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
    /// Let a person sign in to a hosted organization with a code
    SignIn(NameArguments),
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
    #[arg(long, value_name = "URL", required_unless_present = "hosted", conflicts_with = "hosted")]
    on_premises: Option<String>,
    /// Tenant of an organization in Exchange Online: its id or a domain of it
    #[arg(long, value_name = "TENANT")]
    hosted: Option<String>,
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
    #[arg(long, value_name = "URL", conflicts_with = "hosted")]
    on_premises: Option<String>,
    /// Tenant of an organization in Exchange Online: its id or a domain of it
    #[arg(long, value_name = "TENANT")]
    hosted: Option<String>,
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
        ConnectorVerb::SignIn(arguments) => sign_in(&arguments).await,
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
    let wants_code = arguments.settings.wants_code();
    let place = match arguments.hosted {
        Some(tenant) => Place::Hosted(Some(tenant)),
        None => Place::OnPremises(arguments.on_premises),
    };
    let change = arguments.settings.into_change(place, Ask::Always)?;
    let connector: Connector = client.post("connectors", &new(&arguments.name, change)?).await?;
    say(&format!("connector {} added", connector.name))?;
    if wants_code {
        hosted::sign_in(&client, &connector.name).await?;
    }
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
    let parts = [&mut change.on_premises, &mut change.hosted, &mut change.options];
    for part in parts.into_iter().flatten() {
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
    let wants_code = arguments.settings.wants_code();
    let place = place(&client, &name, arguments.on_premises, arguments.hosted).await?;
    let change = arguments.settings.into_change(place, Ask::IfAccountChanges)?;
    let fields = change.fields();
    if fields.is_empty() {
        eprintln!("gatepost: nothing to change is given");
        eprintln!("  what to do: name it; gatepost connector set --help lists what there is");
        return Ok(Exit::Usage);
    }
    let connector: Connector = client.patch(&format!("connectors/{name}"), &change).await?;
    say(&format!("connector {name} changed: {}", fields.join(", ")))?;
    let is_of_connection = fields.iter().any(|field| {
        ["on_premises.", "hosted.", "certificate", "client_secret"]
            .iter()
            .any(|part| field.starts_with(part))
            || field.ends_with("password")
            || field.contains("sites")
    });
    if wants_code {
        hosted::sign_in(&client, name.as_str()).await?;
    }
    if is_of_connection {
        say(&format!("next: gatepost connector check {name}"))?;
    }
    if connector.paused {
        say(&format!("it rests: gatepost connector resume {name} lets it go on"))?;
    }
    Ok(Exit::Done)
}

/// Where the organization of a connector is: as the flags say, or as it is.
async fn place(
    client: &Client,
    name: &ConnectorName,
    on_premises: Option<String>,
    tenant: Option<String>,
) -> anyhow::Result<Place> {
    if on_premises.is_some() {
        return Ok(Place::OnPremises(on_premises));
    }
    if tenant.is_some() {
        return Ok(Place::Hosted(tenant));
    }
    let connector: Connector = client.get(&format!("connectors/{name}"), &[]).await?;
    Ok(match connector.hosted {
        Some(_) => Place::Hosted(None),
        None => Place::OnPremises(None),
    })
}

async fn sign_in(arguments: &NameArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    hosted::sign_in(&client, arguments.name.as_str()).await?;
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
