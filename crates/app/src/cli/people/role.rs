//! `gatepost role`: what people may do, and where.

use api::{Assignment, AssignmentList, NewAssignment, NewRole, Role, RoleChange, RoleList};
use clap::Subcommand;
use reqwest::Method;

use super::{print_list, print_one, segment};
use crate::{
    cli::Exit,
    client::{Client, ServerArguments},
    output::{OutputArguments, say, visible},
};

#[derive(Debug, Subcommand)]
pub(crate) enum RoleVerb {
    /// Add a role of your own
    Add(AddArguments),
    /// List roles; with --assignments, who has which where
    List(ListArguments),
    /// Show one role
    Show(ShowArguments),
    /// Change a role of your own
    Set(SetArguments),
    /// Remove a role that nobody has
    Remove(NameArguments),
    /// Give a role to a user or a group
    Assign(AssignArguments),
    /// Take a role away again
    Unassign(UnassignArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddArguments {
    /// Name: 1 to 63 of a-z, 0-9 and -
    name: String,
    /// What it is for
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,
    /// What it permits, such as read-resource,modify-resource
    #[arg(long, value_name = "PERMISSIONS", value_delimiter = ',', required = true)]
    permissions: Vec<String>,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArguments {
    /// Who has which role where
    #[arg(long)]
    assignments: bool,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArguments {
    /// Name of the role
    name: String,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SetArguments {
    /// Name of the role
    name: String,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// What it permits, all of it
    #[arg(long, value_name = "PERMISSIONS", value_delimiter = ',')]
    permissions: Option<Vec<String>>,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct NameArguments {
    /// Name of the role
    name: String,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct AssignArguments {
    /// Name of the role
    role: String,
    #[command(flatten)]
    to: AssigneeArguments,
    #[command(flatten)]
    server: ServerArguments,
}

/// To whom, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct AssigneeArguments {
    /// To a user: name, provider:name or id
    #[arg(long, value_name = "NAME", required_unless_present = "group", conflicts_with = "group")]
    user: Option<String>,
    /// To everybody in a group of a provider
    #[arg(long, value_name = "PROVIDER:GROUP")]
    group: Option<String>,
    /// Only for this connector
    #[arg(long, value_name = "NAME", conflicts_with = "collection")]
    connector: Option<String>,
    /// Only for the devices of this collection
    #[arg(long, value_name = "NAME")]
    collection: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct UnassignArguments {
    /// Name of the role
    role: String,
    #[command(flatten)]
    to: AssigneeArguments,
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) async fn run(verb: RoleVerb) -> anyhow::Result<Exit> {
    match verb {
        RoleVerb::Add(arguments) => {
            let AddArguments { name, description, permissions, server } = arguments;
            let client = Client::connect(&server)?;
            let added: Role =
                client.post("roles", &NewRole { name, description, permissions }).await?;
            said(&added.name, "added")
        }
        RoleVerb::List(arguments) => list(&arguments).await,
        RoleVerb::Show(arguments) => {
            let client = Client::connect(&arguments.server)?;
            let role: Role =
                client.get(&format!("roles/{}", segment(&arguments.name)), &[]).await?;
            print_one(&role, arguments.output, &Role::FIELDS)
        }
        RoleVerb::Set(arguments) => {
            let client = Client::connect(&arguments.server)?;
            let SetArguments { name, description, permissions, .. } = arguments;
            let change = RoleChange { description, permissions };
            client.ask(Method::PATCH, &format!("roles/{}", segment(&name)), &change).await?;
            said(&name, "changed")
        }
        RoleVerb::Remove(arguments) => {
            let client = Client::connect(&arguments.server)?;
            client.delete(&format!("roles/{}", segment(&arguments.name))).await?;
            said(&arguments.name, "removed")
        }
        RoleVerb::Assign(arguments) => assign(arguments).await,
        RoleVerb::Unassign(arguments) => unassign(arguments).await,
    }
}

fn said(name: &str, how: &str) -> anyhow::Result<Exit> {
    say(&format!("role {} {how}", visible(name)))?;
    Ok(Exit::Done)
}

async fn list(arguments: &ListArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    if arguments.assignments {
        let answer: AssignmentList = client.get("assignments", &[]).await?;
        let shown = ["role", "user", "group", "place", "created"];
        let nothing = "no role is assigned yet";
        return print_list(
            &answer.assignments,
            arguments.output,
            &Assignment::FIELDS,
            &shown,
            nothing,
        );
    }
    let answer: RoleList = client.get("roles", &[]).await?;
    let shown = ["name", "description", "built_in"];
    print_list(&answer.roles, arguments.output, &Role::FIELDS, &shown, "no role")
}

async fn assign(arguments: AssignArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let AssigneeArguments { user, group, connector, collection } = arguments.to;
    let new = NewAssignment { role: arguments.role, user, group, connector, collection };
    let made: Assignment = client.post("assignments", &new).await?;
    let whom = made.user.or(made.group).unwrap_or_default();
    say(&format!("{} has the role {}: {}", visible(&whom), made.role, visible(&made.place)))?;
    Ok(Exit::Done)
}

async fn unassign(arguments: UnassignArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let AssigneeArguments { user, group, connector, collection } = arguments.to;
    let place = match (connector, collection) {
        (Some(name), _) => format!("connector {name}"),
        (None, Some(name)) => format!("collection {name}"),
        (None, None) => "everywhere".to_owned(),
    };
    // A user may be named in several ways; the server knows what they are called.
    let user = match user {
        Some(name) => {
            let found: api::User = client.get(&format!("users/{}", segment(&name)), &[]).await?;
            Some(found.name)
        }
        None => None,
    };
    let all: AssignmentList = client.get("assignments", &[]).await?;
    let found = all.assignments.into_iter().find(|it| {
        it.role == arguments.role && it.user == user && it.group == group && it.place == place
    });
    let Some(found) = found else {
        anyhow::bail!(
            "the role {} is not assigned like that; gatepost role list --assignments shows what is",
            visible(&arguments.role)
        );
    };
    client.delete(&format!("assignments/{}", found.id)).await?;
    let whom = found.user.or(found.group).unwrap_or_default();
    say(&format!(
        "{} has the role {} no more: {}",
        visible(&whom),
        found.role,
        visible(&found.place)
    ))?;
    Ok(Exit::Done)
}
