//! `gatepost notification channel`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use api::{
    Channel, ChannelAdded, ChannelList, MailServer, NewChannel, NotificationChannelChange, Preview,
    SecretGiven, TestRequest, Tested, Webhook,
};
use clap::Subcommand;
use domain::notification::{Name, SmtpSecurity};
use serde_json::{Map, Value, json};

use super::{Exit, ListArguments, OneArguments, RemoveArguments, print_rows};
use crate::{
    client::{Client, ServerArguments},
    output::{say, visible},
    secret::PasswordArguments,
};

#[derive(Debug, Subcommand)]
pub(crate) enum ChannelVerb {
    /// Add a mail server; its password is read from a file, standard input or a prompt
    AddMail(AddMailArguments),
    /// Add a receiver of signed webhooks; prints the secret, this once
    AddWebhook(AddWebhookArguments),
    /// List channels
    List(ListArguments),
    /// Change a channel
    Set(SetArguments),
    /// Send a test message by a channel, at once
    Test(TestArguments),
    /// Give a webhook another secret; messages are signed with both until the older is retired
    RotateSecret(OneArguments),
    /// Retire the older of two secrets of a webhook
    RetireSecret(OneArguments),
    /// Remove a channel that no subscription uses
    Remove(RemoveArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddMailArguments {
    /// What people will call it
    #[arg(value_parser = Name::parse)]
    name: Name,
    /// Name or address of the mail server
    #[arg(long, value_name = "HOST")]
    host: String,
    /// Its port [default: the one that is usual with the security]
    #[arg(long)]
    port: Option<u16>,
    /// How the connection is kept from being read: starttls, tls, or none to this machine
    #[arg(long, value_name = "KIND", default_value = "starttls", value_parser = security)]
    security: String,
    /// Account, if the server asks for one
    #[arg(long, value_name = "USER")]
    username: Option<String>,
    #[command(flatten)]
    password: PasswordArguments,
    /// Who the messages are from
    #[arg(long, value_name = "ADDRESS")]
    from: String,
    /// File with certificates (PEM) to trust besides those of the system
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddWebhookArguments {
    /// What people will call it
    #[arg(value_parser = Name::parse)]
    name: Name,
    /// Where messages are posted
    #[arg(long)]
    url: String,
    /// Allow private and loopback addresses, and http://
    #[arg(long)]
    allow_private: bool,
    /// File with certificates (PEM) to trust besides those of the system
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SetArguments {
    /// Name of the channel
    #[arg(value_parser = Name::parse)]
    name: Name,
    /// Name or address of the mail server
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Its port
    #[arg(long)]
    port: Option<u16>,
    /// How the connection is kept from being read: starttls, tls, or none to this machine
    #[arg(long, value_name = "KIND", value_parser = security)]
    security: Option<String>,
    /// Account
    #[arg(long, value_name = "USER")]
    username: Option<String>,
    #[command(flatten)]
    password: PasswordArguments,
    /// Who the messages are from
    #[arg(long, value_name = "ADDRESS")]
    from: Option<String>,
    /// Where messages are posted
    #[arg(long)]
    url: Option<String>,
    /// Whether private and loopback addresses are allowed
    #[arg(long, value_name = "YES")]
    allow_private: Option<bool>,
    /// File with certificates (PEM) to trust besides those of the system
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Whether anything goes out by it
    #[arg(long, value_name = "YES")]
    enabled: Option<bool>,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TestArguments {
    /// Name of the channel
    #[arg(value_parser = Name::parse)]
    name: Name,
    /// To whom, if by mail
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
    #[command(flatten)]
    server: ServerArguments,
}

/// Longest bundle of certificates; the server reads no more.
const MAX_PEM_BYTES: u64 = 512 * 1024;

fn security(text: &str) -> Result<String, String> {
    let words: Vec<_> = SmtpSecurity::ALL.iter().map(|it| it.word()).collect();
    let known = SmtpSecurity::from_word(text);
    known.map(|it| it.to_string()).ok_or_else(|| format!("it is one of {}", words.join(", ")))
}

pub(super) async fn run(verb: ChannelVerb) -> anyhow::Result<Exit> {
    match verb {
        ChannelVerb::AddMail(arguments) => add_mail(arguments).await,
        ChannelVerb::AddWebhook(arguments) => add_webhook(arguments).await,
        ChannelVerb::List(arguments) => list(&arguments).await,
        ChannelVerb::Set(arguments) => set(arguments).await,
        ChannelVerb::Test(arguments) => test(&arguments).await,
        ChannelVerb::RotateSecret(arguments) => rotate(&arguments).await,
        ChannelVerb::RetireSecret(arguments) => retire(&arguments).await,
        ChannelVerb::Remove(arguments) => remove(&arguments).await,
    }
}

async fn add_mail(arguments: AddMailArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let password = match &arguments.username {
        Some(username) => Some(arguments.password.read(username)?),
        None => arguments.password.read_if_given()?,
    };
    let new = NewChannel {
        name: arguments.name.to_string(),
        mail: Some(MailServer {
            host: arguments.host,
            port: arguments.port,
            security: arguments.security,
            username: arguments.username,
            from: arguments.from,
            trusted_ca_pem: arguments.ca_file.as_deref().map(certificates).transpose()?,
        }),
        webhook: None,
        password,
    };
    drop::<ChannelAdded>(client.post("notifications/channels", &new).await?);
    let name = arguments.name;
    say(&format!(
        "the channel {name} was added; to try it: gatepost notification channel test {name} --to \
         ADDRESS"
    ))?;
    Ok(Exit::Done)
}

async fn add_webhook(arguments: AddWebhookArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let new = NewChannel {
        name: arguments.name.to_string(),
        mail: None,
        webhook: Some(Webhook {
            url: arguments.url,
            allow_private: arguments.allow_private,
            trusted_ca_pem: arguments.ca_file.as_deref().map(certificates).transpose()?,
        }),
        password: None,
    };
    let added: ChannelAdded = client.post("notifications/channels", &new).await?;
    say(&format!("the channel {} was added; its secret is shown this once:", arguments.name))?;
    say(&added.secret.unwrap_or_default())?;
    Ok(Exit::Done)
}

async fn list(arguments: &ListArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let answer: ChannelList = client.get("notifications/channels", &[]).await?;
    let rows = answer.channels.into_iter().map(|channel| {
        let to = target(&channel);
        let mut row = serde_json::to_value(channel).unwrap_or_default();
        if let Some(row) = row.as_object_mut() {
            row.insert("to".to_owned(), to.into());
        }
        row
    });
    let of_table = ["name", "kind", "to", "enabled", "trouble"];
    print_rows(arguments.output.output, &Channel::FIELDS, &of_table, rows, "no channel yet")
}

/// Where a channel leads, in a few words.
fn target(channel: &Channel) -> String {
    match (&channel.mail, &channel.webhook) {
        (Some(mail), _) => format!("{}:{}", mail.host, mail.port.unwrap_or_default()),
        (_, Some(webhook)) => webhook.url.clone(),
        _ => String::new(),
    }
}

async fn set(arguments: SetArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let path = format!("notifications/channels/{}", arguments.name);
    let pem = arguments.ca_file.as_deref().map(certificates).transpose()?;
    let is_webhook = arguments.url.is_some() || arguments.allow_private.is_some();
    let certificate_of =
        |is_meant: bool| if is_meant { pem.clone().map(Value::from) } else { None };
    let mail = given([
        ("host", arguments.host.map(Value::from)),
        ("port", arguments.port.map(Value::from)),
        ("security", arguments.security.map(Value::from)),
        ("username", arguments.username.map(Value::from)),
        ("from", arguments.from.map(Value::from)),
        ("trusted_ca_pem", certificate_of(!is_webhook)),
    ]);
    let webhook = given([
        ("url", arguments.url.map(Value::from)),
        ("allow_private", arguments.allow_private.map(Value::from)),
        ("trusted_ca_pem", certificate_of(is_webhook)),
    ]);
    let change = NotificationChannelChange {
        mail,
        webhook,
        password: arguments.password.read_if_given()?,
        enabled: arguments.enabled,
    };
    drop::<Channel>(client.patch(&path, &change).await?);
    say(&format!("the channel {} was changed", arguments.name))?;
    Ok(Exit::Done)
}

/// The fields that are given; `None` if none is.
fn given<const N: usize>(fields: [(&str, Option<Value>); N]) -> Option<Map<String, Value>> {
    let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Some(given.collect::<Map<_, _>>()).filter(|map| !map.is_empty())
}

async fn test(arguments: &TestArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let path = format!("notifications/channels/{}/test", arguments.name);
    let asked = TestRequest { to: arguments.to.clone() };
    let tested: Tested = client.post(&path, &asked).await?;
    let answer = visible(&tested.answer);
    let seconds = f64::from(u32::try_from(tested.duration_ms).unwrap_or(u32::MAX)) / 1000.0;
    if tested.delivered {
        say(&format!("it arrived after {seconds:.1} s: {answer}"))?;
        return Ok(Exit::Done);
    }
    say(&format!("it did not arrive ({seconds:.1} s): {answer}"))?;
    Ok(Exit::Failed)
}

async fn rotate(arguments: &OneArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let path = format!("notifications/channels/{}/rotate-secret", arguments.name);
    let given: SecretGiven = client.post(&path, &json!({})).await?;
    say("messages are signed with both secrets until the older one is retired; the new one, \
         shown this once:")?;
    say(&given.secret)?;
    Ok(Exit::Done)
}

async fn retire(arguments: &OneArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let path = format!("notifications/channels/{}/retire-secret", arguments.name);
    drop::<Channel>(client.post(&path, &json!({})).await?);
    say(&format!("the older secret of {} was retired", arguments.name))?;
    Ok(Exit::Done)
}

async fn remove(arguments: &RemoveArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let path = format!("notifications/channels/{}", arguments.name);
    if arguments.dry_run {
        let preview: Preview = client.delete_preview(&format!("{path}?dry_run=true")).await?;
        say(&format!("would {}", preview.would))?;
        return Ok(Exit::Done);
    }
    client.delete(&path).await?;
    say(&format!("the channel {} was removed", arguments.name))?;
    Ok(Exit::Done)
}

fn certificates(file: &Path) -> anyhow::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(file)
        .and_then(|open| open.take(MAX_PEM_BYTES).read_to_string(&mut text))
        .with_context(|| format!("reading the certificates from {}", file.display()))?;
    Ok(text)
}
