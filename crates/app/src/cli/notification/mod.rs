//! `gatepost notification`: who is told what happened, and by which way.

mod channel;
mod delivery;
mod language;
mod subscription;
mod template;

use clap::Subcommand;
use domain::notification::Name;
use serde::Serialize;

use super::Exit;
use crate::{
    client::ServerArguments,
    output::{Format, OutputArguments, Rows, is_coloured, stdout},
};

#[derive(Debug, Subcommand)]
pub(crate) enum NotificationVerb {
    /// Ways by which notifications go out
    #[command(subcommand)]
    Channel(channel::ChannelVerb),
    /// Who is told what
    #[command(subcommand)]
    Subscription(subscription::SubscriptionVerb),
    /// What went out, and what was answered
    #[command(subcommand)]
    Delivery(delivery::DeliveryVerb),
    /// What messages say
    #[command(subcommand)]
    Template(template::TemplateVerb),
    /// Show or choose the language in which you are told
    Language(language::LanguageArguments),
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
    /// Its name
    #[arg(value_parser = Name::parse)]
    name: Name,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RemoveArguments {
    /// Its name
    #[arg(value_parser = Name::parse)]
    name: Name,
    /// Say what would happen, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) async fn run(verb: NotificationVerb) -> anyhow::Result<Exit> {
    match verb {
        NotificationVerb::Channel(verb) => channel::run(verb).await,
        NotificationVerb::Subscription(verb) => subscription::run(verb).await,
        NotificationVerb::Delivery(verb) => delivery::run(verb).await,
        NotificationVerb::Template(verb) => template::run(verb).await,
        NotificationVerb::Language(arguments) => language::run(arguments).await,
    }
}

/// Rows with these columns; of a table only the first few.
fn print_rows<T: Serialize>(
    format: Format,
    columns: &[&str],
    of_table: &[&str],
    rows: impl IntoIterator<Item = T>,
    nothing: &str,
) -> anyhow::Result<Exit> {
    let columns = if format == Format::Table { of_table } else { columns };
    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
    let mut printed = Rows::new(stdout(), format, columns, is_coloured());
    for row in rows {
        printed.push(&row)?;
    }
    printed.finish(nothing)?;
    Ok(Exit::Done)
}
