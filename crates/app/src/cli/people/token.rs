//! `gatepost token`: what programs sign in with.

use api::{MadeToken, NewToken, Token, TokenList};
use clap::Subcommand;

use super::{print_list, segment};
use crate::{
    cli::Exit,
    client::{Client, ServerArguments},
    output::{OutputArguments, say, visible},
};

#[derive(Debug, Subcommand)]
pub(crate) enum TokenVerb {
    /// Make a token; it is printed once
    Add(AddArguments),
    /// List your tokens
    List(ListArguments),
    /// End a token
    Revoke(RevokeArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddArguments {
    /// What it is for
    name: String,
    /// What it may do at most, such as read,read-resource [default: reading]
    #[arg(long, value_name = "PERMISSIONS", value_delimiter = ',')]
    permissions: Option<Vec<String>>,
    /// Only for this connector
    #[arg(long, value_name = "NAME", conflicts_with = "collection")]
    connector: Option<String>,
    /// Only for the devices of this collection
    #[arg(long, value_name = "NAME")]
    collection: Option<String>,
    /// In how many days it ends, 731 at most [default: 90]
    #[arg(long, value_name = "N")]
    days: Option<u16>,
    /// For another user, who may do at least as much
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArguments {
    /// Everybody's
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RevokeArguments {
    /// Id of the token
    id: String,
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) async fn run(verb: TokenVerb) -> anyhow::Result<Exit> {
    match verb {
        TokenVerb::Add(arguments) => {
            let AddArguments { name, permissions, connector, collection, days, user, server } =
                arguments;
            let client = Client::connect(&server)?;
            let new = NewToken { name, permissions, connector, collection, days, user };
            let made: MadeToken = client.post("tokens", &new).await?;
            // Alone on standard output, so that it can be sent into a file.
            say(&made.token)?;
            Ok(Exit::Done)
        }
        TokenVerb::List(arguments) => {
            let client = Client::connect(&arguments.server)?;
            let address = if arguments.all { "tokens" } else { "me/tokens" };
            let answer: TokenList = client.get(address, &[]).await?;
            let shown = ["name", "owner", "place", "expires", "last_used", "id"];
            print_list(&answer.tokens, arguments.output, &Token::FIELDS, &shown, "no token")
        }
        TokenVerb::Revoke(arguments) => {
            let client = Client::connect(&arguments.server)?;
            client.delete(&format!("tokens/{}", segment(&arguments.id))).await?;
            say(&format!("token {} ended", visible(&arguments.id)))?;
            Ok(Exit::Done)
        }
    }
}
