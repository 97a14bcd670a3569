//! `gatepost connector`: organizations connected, looked at and checked.

use std::path::PathBuf;

use anyhow::Context as _;
use api::{CheckReport, Connector, ConnectorList, NewConnector, OnPremises};
use clap::{Subcommand, ValueEnum};
use comfy_table::{Cell, Color};
use domain::ConnectorName;
use serde_json::{Value, json};

use super::Exit;
use crate::{
    client::{Client, ServerArguments},
    output::{
        Card, Format, OutputArguments, Rows, is_coloured, plain_table, say, stdout, visible,
        write_table,
    },
    secret::{self, PasswordArguments},
};

#[derive(Debug, Subcommand)]
pub(crate) enum ConnectorVerb {
    /// Connect an organization, and check that it answers
    Add(Box<AddArguments>),
    /// List connectors
    List(ListArguments),
    /// Show all that is known of one connector
    Show(OneArguments),
    /// Connect now and say what works and what is missing
    Check(OneArguments),
    /// Remove a connector with its inventory; nothing changes in Exchange
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
    /// How to sign in
    #[arg(long, value_enum, default_value_t, value_name = "SCHEME")]
    auth: Scheme,
    /// 'DOMAIN\user' or user@domain
    #[arg(long, value_name = "USER")]
    username: Option<String>,
    #[command(flatten)]
    password: PasswordArguments,
    /// Send Basic credentials over plain HTTP, where anybody on the way can read them
    #[arg(long)]
    allow_basic_without_tls: bool,
    /// Add it at rest: nothing is read until it is resumed or a sync is asked for
    #[arg(long)]
    paused: bool,
    /// Add without checking
    #[arg(long)]
    no_check: bool,
    #[command(flatten)]
    kerberos: KerberosArguments,
    #[command(flatten)]
    network: NetworkArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Kerberos")]
struct KerberosArguments {
    /// Key distribution centre; may be given several times
    #[arg(long, value_name = "HOST:PORT")]
    kdc: Vec<String>,
    /// Keytab on the server's machine, in place of a password
    #[arg(long, value_name = "FILE", conflicts_with_all = ["password_file", "password_stdin"])]
    keytab: Option<String>,
    /// Service principal name, if it is not HTTP/<host of the address>
    #[arg(long, value_name = "SPN")]
    spn: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Network")]
struct NetworkArguments {
    /// Connect to this address in place of the host in the URL
    #[arg(long, value_name = "HOST:PORT")]
    connect_to: Option<String>,
    /// More certificate authorities to trust, PEM
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Trust exactly the certificate with this SHA-256
    #[arg(long, value_name = "SHA256")]
    pin: Option<String>,
    /// HTTP proxy to go through
    #[arg(long, value_name = "HOST:PORT")]
    proxy: Option<String>,
    /// User name for the proxy
    #[arg(long, value_name = "USER", requires = "proxy")]
    proxy_username: Option<String>,
    /// File with the password for the proxy
    #[arg(long, value_name = "FILE", requires = "proxy_username")]
    proxy_password_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Scheme {
    /// The best that the server offers
    #[default]
    Automatic,
    /// Kerberos alone
    Kerberos,
    /// Kerberos where it works, else NTLM
    Negotiate,
    /// NTLM alone
    Ntlm,
    /// Basic
    Basic,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    output: OutputArguments,
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
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) async fn run(verb: ConnectorVerb) -> anyhow::Result<Exit> {
    match verb {
        ConnectorVerb::Add(arguments) => add(*arguments).await,
        ConnectorVerb::List(arguments) => list(&arguments).await,
        ConnectorVerb::Show(arguments) => show(&arguments).await,
        ConnectorVerb::Check(arguments) => check(&arguments).await,
        ConnectorVerb::Remove(arguments) => remove(&arguments).await,
    }
}

#[expect(clippy::print_stderr, reason = "trouble is told apart from the answer")]
async fn add(arguments: AddArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let is_checked = !arguments.no_check;
    let new = arguments.into_new_connector()?;
    let connector: Connector = client.post("connectors", &new).await?;
    let name = &connector.name;
    say(&format!("connector {name} added"))?;
    if !is_checked {
        return Ok(Exit::Done);
    }
    // The connector is there, whatever comes now: trouble is told and does not undo it.
    match client.post::<CheckReport>(&format!("connectors/{name}/check"), &json!({})).await {
        Ok(report) => {
            print_report(&report)?;
            if report.is_ready {
                say(&format!("next: gatepost sync {name} --wait"))?;
            } else {
                eprintln!(
                    "gatepost: {name} was added and does not work yet; mend it, then: gatepost connector check {name}"
                );
            }
        }
        Err(error) => {
            let error = visible(&format!("{error:#}"));
            eprintln!("gatepost: {name} was added; checking it failed: {error}");
            eprintln!("  what to do: gatepost connector check {name} tries again");
        }
    }
    Ok(Exit::Done)
}

impl AddArguments {
    fn into_new_connector(self) -> anyhow::Result<NewConnector> {
        let password = match (&self.username, &self.kerberos.keytab) {
            (Some(username), None) => Some(self.password.read(username)?),
            _ => None,
        };
        let network = self.network;
        let extra_roots_pem = match &network.ca_file {
            Some(file) => Some(
                std::fs::read_to_string(file)
                    .with_context(|| format!("reading {}", file.display()))?,
            ),
            None => None,
        };
        let proxy_password =
            network.proxy_password_file.as_deref().map(secret::from_file).transpose()?;
        let authentication = self.auth.to_possible_value().map(|word| word.get_name().to_owned());
        Ok(NewConnector {
            name: self.name.to_string(),
            on_premises: OnPremises {
                url: self.on_premises,
                connect_to: network.connect_to,
                spn: self.kerberos.spn,
                authentication: authentication.unwrap_or_default(),
                username: self.username,
                kdc: self.kerberos.kdc,
                keytab: self.kerberos.keytab,
                allow_basic_without_tls: self.allow_basic_without_tls,
                extra_roots_pem,
                pinned_sha256: network.pin,
                proxy: network.proxy,
                proxy_username: network.proxy_username,
            },
            paused: self.paused,
            password,
            proxy_password,
        })
    }
}

/// The columns of the list: the connector's fields, with those inside others named by their path.
const COLUMNS: [&str; 6] = ["name", "state", "organization", "url", "last_full_sync", "trouble"];

async fn list(arguments: &ListArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let answer: ConnectorList = client.get("connectors", &[]).await?;
    let columns = COLUMNS.map(str::to_owned).to_vec();
    let mut rows = Rows::new(stdout(), arguments.output.output, columns, is_coloured());
    for connector in answer.connectors {
        rows.push(&json!({
            "name": connector.name,
            "state": connector.state,
            "organization": connector.organization.map(|organization| organization.name),
            "url": connector.on_premises.url,
            "last_full_sync": connector.last_full_sync,
            "trouble": connector.trouble,
        }))?;
    }
    rows.finish("no connector yet: gatepost connector add NAME --on-premises URL")?;
    Ok(Exit::Done)
}

async fn show(arguments: &OneArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let connector: Connector = client.get(&format!("connectors/{}", arguments.name), &[]).await?;
    let fields = flat(&serde_json::to_value(&connector)?);
    if arguments.output.output == Format::Table {
        let mut card = Card::new(is_coloured());
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            card.line(name, value);
        }
        card.print(&mut stdout())?;
    } else {
        let columns = fields.iter().map(|(name, _)| name.clone()).collect();
        let row: Value = fields.into_iter().collect::<serde_json::Map<_, _>>().into();
        let mut rows = Rows::new(stdout(), arguments.output.output, columns, false);
        rows.push(&row)?;
        rows.finish("")?;
    }
    Ok(Exit::Done)
}

/// The fields of a connector on one level: what lies inside another field loses its prefix, the
/// organization excepted, whose names would not stand alone.
fn flat(connector: &Value) -> Vec<(String, Value)> {
    let field = |name: &str| (name.to_owned(), connector.get(name).cloned().unwrap_or_default());
    let mut fields = ["id", "name", "state", "trouble"].map(field).to_vec();
    for part in ["name", "key"] {
        let value = connector.pointer(&format!("/organization/{part}")).cloned();
        let name = if part == "name" { "organization" } else { "organization_key" };
        fields.push((name.to_owned(), value.unwrap_or_default()));
    }
    fields.extend(["created", "last_full_sync"].map(field));
    for name in [
        "url",
        "connect_to",
        "spn",
        "authentication",
        "username",
        "kdc",
        "keytab",
        "allow_basic_without_tls",
        "extra_roots_pem",
        "pinned_sha256",
        "proxy",
        "proxy_username",
    ] {
        let value = connector.pointer(&format!("/on_premises/{name}")).cloned();
        let value = match value.unwrap_or_default() {
            Value::Array(items) if items.is_empty() => Value::Null,
            value => value,
        };
        fields.push((name.to_owned(), value));
    }
    fields
}

async fn check(arguments: &OneArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let path = format!("connectors/{}/check", arguments.name);
    let report: CheckReport = client.post(&path, &json!({})).await?;
    match arguments.output.output {
        Format::Table => print_report(&report)?,
        format => {
            let columns = ["name", "result", "detail"].map(str::to_owned).to_vec();
            let mut rows = Rows::new(stdout(), format, columns, false);
            for step in &report.steps {
                rows.push(step)?;
            }
            rows.finish("")?;
        }
    }
    Ok(if report.is_ready { Exit::Done } else { Exit::Failed })
}

fn print_report(report: &CheckReport) -> anyhow::Result<()> {
    let mut table = plain_table(is_coloured());
    for step in &report.steps {
        let colour = match step.result.as_str() {
            "fine" => Color::Green,
            "missing" => Color::Yellow,
            _ => Color::Red,
        };
        table.add_row([
            Cell::new(&step.result).fg(colour),
            Cell::new(visible(&step.name)),
            Cell::new(visible(step.detail.as_deref().unwrap_or_default())),
        ]);
    }
    write_table(&mut stdout(), &table)
}

async fn remove(arguments: &RemoveArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    client.delete(&format!("connectors/{}", arguments.name)).await?;
    say(&format!(
        "connector {} removed with its inventory; nothing was changed in Exchange",
        arguments.name
    ))?;
    Ok(Exit::Done)
}
