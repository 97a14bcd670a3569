//! `gatepost collection`: device queries with a name.

use api::{Collection, CollectionChange, CollectionList, NewCollection};
use clap::Subcommand;
use reqwest::Method;

use super::{print_list, print_one, segment};
use crate::{
    cli::Exit,
    client::{Client, ServerArguments},
    output::{OutputArguments, say, visible},
};

#[derive(Debug, Subcommand)]
pub(crate) enum CollectionVerb {
    /// Add a collection
    Add(AddArguments),
    /// List collections
    List(ListArguments),
    /// Show one collection
    Show(ShowArguments),
    /// Change a collection; roles scoped to it reach the new devices at once
    Set(SetArguments),
    /// Remove a collection that nothing is scoped to
    Remove(NameArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddArguments {
    /// Name: 1 to 63 of a-z, 0-9 and -
    name: String,
    /// Device query, such as 'os:iOS user:exec*'
    query: String,
    /// What it is for
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArguments {
    /// Name of the collection
    name: String,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SetArguments {
    /// Name of the collection
    name: String,
    /// Device query
    #[arg(long, value_name = "QUERY")]
    query: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct NameArguments {
    /// Name of the collection
    name: String,
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) async fn run(verb: CollectionVerb) -> anyhow::Result<Exit> {
    match verb {
        CollectionVerb::Add(arguments) => {
            let AddArguments { name, query, description, server } = arguments;
            let client = Client::connect(&server)?;
            let new = NewCollection { name, description, query };
            let added: Collection = client.post("collections", &new).await?;
            said(&added.name, "added")
        }
        CollectionVerb::List(arguments) => {
            let client = Client::connect(&arguments.server)?;
            let answer: CollectionList = client.get("collections", &[]).await?;
            let shown = ["name", "query", "description"];
            let nothing = "no collection yet";
            print_list(&answer.collections, arguments.output, &Collection::FIELDS, &shown, nothing)
        }
        CollectionVerb::Show(arguments) => {
            let client = Client::connect(&arguments.server)?;
            let address = format!("collections/{}", segment(&arguments.name));
            let found: Collection = client.get(&address, &[]).await?;
            print_one(&found, arguments.output, &Collection::FIELDS)
        }
        CollectionVerb::Set(arguments) => {
            let SetArguments { name, query, description, server } = arguments;
            let client = Client::connect(&server)?;
            let change = CollectionChange { description, query };
            client.ask(Method::PATCH, &format!("collections/{}", segment(&name)), &change).await?;
            said(&name, "changed")
        }
        CollectionVerb::Remove(arguments) => {
            let client = Client::connect(&arguments.server)?;
            client.delete(&format!("collections/{}", segment(&arguments.name))).await?;
            said(&arguments.name, "removed")
        }
    }
}

fn said(name: &str, how: &str) -> anyhow::Result<Exit> {
    say(&format!("collection {} {how}", visible(name)))?;
    Ok(Exit::Done)
}
