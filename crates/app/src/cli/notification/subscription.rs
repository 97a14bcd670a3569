//! `gatepost notification subscription`.

use api::{NewSubscription, Preview, Subscription, SubscriptionList};
use clap::Subcommand;
use domain::{
    Permission,
    notification::{Language, Name, Topic},
};
use serde_json::Value;

use super::{Exit, ListArguments, RemoveArguments, print_rows};
use crate::{
    client::{Client, ServerArguments},
    output::{Format, say},
};

#[derive(Debug, Subcommand)]
pub(crate) enum SubscriptionVerb {
    /// Add a subscription
    Add(AddArguments),
    /// Change a subscription: what is left out stays
    Set(SetArguments),
    /// List subscriptions
    List(ListArguments),
    /// Remove a subscription
    Remove(RemoveArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddArguments {
    /// What people will call it
    #[arg(value_parser = Name::parse)]
    name: Name,
    #[command(flatten)]
    wish: WishArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SetArguments {
    /// Name of the subscription
    #[arg(value_parser = Name::parse)]
    name: Name,
    #[command(flatten)]
    wish: WishArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WishArguments {
    /// Channel that messages go out by
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// What is told: device.new, device.quarantined, action.failed, approval.wanted,
    /// connector.trouble, credential.expiring
    #[arg(long, value_name = "TOPIC", value_delimiter = ',', value_parser = topic)]
    topics: Vec<String>,
    /// Only of these connectors
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    connectors: Option<Vec<String>>,
    /// Only of devices that this query finds
    #[arg(long)]
    query: Option<String>,
    /// Language of the messages: en, de or zh-Hant; a user may have chosen another
    #[arg(long, value_parser = language)]
    language: Option<String>,
    /// To whom, by mail; can be given several times
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    to: Option<Vec<String>>,
    /// And to the users with this permission, such as approve, each of what they may see
    #[arg(long, value_name = "PERMISSION", value_parser = permission)]
    audience: Option<String>,
}

fn one_of<T: std::fmt::Display + Copy>(all: &[T], text: &str) -> Result<String, String> {
    let words: Vec<_> = all.iter().map(ToString::to_string).collect();
    let known = words.iter().find(|word| *word == text).cloned();
    known.ok_or_else(|| format!("it is one of {}", words.join(", ")))
}

fn topic(text: &str) -> Result<String, String> {
    one_of(Topic::ALL, text)
}

fn language(text: &str) -> Result<String, String> {
    one_of(Language::ALL, text)
}

fn permission(text: &str) -> Result<String, String> {
    one_of(Permission::ALL, text)
}

impl WishArguments {
    /// What is wished, where nothing is given as it was.
    fn over(self, before: Subscription) -> Subscription {
        let topics = Some(self.topics).filter(|topics| !topics.is_empty());
        Subscription {
            channel: self.channel.unwrap_or(before.channel),
            topics: topics.unwrap_or(before.topics),
            connectors: self.connectors.unwrap_or(before.connectors),
            query: self.query.or(before.query),
            language: self.language.unwrap_or(before.language),
            addresses: self.to.unwrap_or(before.addresses),
            audience: self.audience.or(before.audience),
        }
    }
}

pub(super) async fn run(verb: SubscriptionVerb) -> anyhow::Result<Exit> {
    match verb {
        SubscriptionVerb::Add(arguments) => add(arguments).await,
        SubscriptionVerb::Set(arguments) => set(arguments).await,
        SubscriptionVerb::List(arguments) => list(&arguments).await,
        SubscriptionVerb::Remove(arguments) => remove(&arguments).await,
    }
}

async fn add(arguments: AddArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let nothing = Subscription {
        channel: String::new(),
        topics: Vec::new(),
        connectors: Vec::new(),
        query: None,
        language: Language::default().to_string(),
        addresses: Vec::new(),
        audience: None,
    };
    let name = arguments.name.to_string();
    let new = NewSubscription { name, wish: arguments.wish.over(nothing) };
    drop::<NewSubscription>(client.post("notifications/subscriptions", &new).await?);
    say(&format!("the subscription {} was added", arguments.name))?;
    Ok(Exit::Done)
}

async fn set(arguments: SetArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let path = format!("notifications/subscriptions/{}", arguments.name);
    let before: NewSubscription = client.get(&path, &[]).await?;
    let wish = arguments.wish.over(before.wish);
    drop::<NewSubscription>(client.put(&path, &wish).await?);
    say(&format!("the subscription {} was changed", arguments.name))?;
    Ok(Exit::Done)
}

async fn list(arguments: &ListArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let answer: SubscriptionList = client.get("notifications/subscriptions", &[]).await?;
    let of_table = ["name", "channel", "topics", "connectors", "query", "addresses", "audience"];
    let is_table = arguments.output.output == Format::Table;
    let rows = answer.subscriptions.into_iter().map(|subscription| {
        let mut row = serde_json::to_value(subscription).unwrap_or_default();
        // In a table, a list is read and not parsed.
        for value in row.as_object_mut().into_iter().flat_map(|row| row.values_mut()) {
            let texts = value.as_array().filter(|_| is_table);
            let texts = texts.map(|all| all.iter().filter_map(Value::as_str).collect::<Vec<_>>());
            if let Some(texts) = texts {
                *value = Some(texts.join(", ")).filter(|text| !text.is_empty()).into();
            }
        }
        row
    });
    let nothing = "no subscription yet: nobody is told anything";
    print_rows(arguments.output.output, &NewSubscription::FIELDS, &of_table, rows, nothing)
}

async fn remove(arguments: &RemoveArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let path = format!("notifications/subscriptions/{}", arguments.name);
    if arguments.dry_run {
        let preview: Preview = client.delete_preview(&format!("{path}?dry_run=true")).await?;
        say(&format!("would {}", preview.would))?;
        return Ok(Exit::Done);
    }
    client.delete(&path).await?;
    say(&format!("the subscription {} was removed", arguments.name))?;
    Ok(Exit::Done)
}
