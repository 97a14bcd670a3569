//! `gatepost notification template`.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use api::{MessagePreview, TemplateList, TemplateText};
use clap::Subcommand;
use serde_json::json;

use super::{Exit, ListArguments, print_rows};
use crate::{
    client::{Client, ServerArguments},
    output::{lines_visible, say, visible},
};

#[derive(Debug, Subcommand)]
pub(crate) enum TemplateVerb {
    /// List where words of one's own are used
    List(ListArguments),
    /// Show what a message looks like, of something made up; with a file, before its words are used
    Preview(PreviewArguments),
    /// Use words of one's own: a file whose first line is the subject
    Set(SetArguments),
    /// Go back to the built-in words
    Reset(OneArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct OneArguments {
    /// What the message is about, such as device.quarantined
    topic: String,
    /// Language of the message: en, de or zh-Hant
    language: String,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PreviewArguments {
    /// What the message is about, such as device.quarantined
    topic: String,
    /// Language of the message: en, de or zh-Hant
    language: String,
    /// File with the subject in its first line and the text below, to be tried out
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SetArguments {
    /// What the message is about, such as device.quarantined
    topic: String,
    /// Language of the message: en, de or zh-Hant
    language: String,
    /// File with the subject in its first line and the text below
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    server: ServerArguments,
}

/// The server takes less.
const MAX_FILE_BYTES: u64 = 64 * 1024;

pub(super) async fn run(verb: TemplateVerb) -> anyhow::Result<Exit> {
    match verb {
        TemplateVerb::List(arguments) => list(&arguments).await,
        TemplateVerb::Preview(arguments) => preview(&arguments).await,
        TemplateVerb::Set(arguments) => set(&arguments).await,
        TemplateVerb::Reset(arguments) => {
            let client = Client::connect(&arguments.server)?;
            client.delete(&path(&arguments.topic, &arguments.language)).await?;
            say("the built-in words are used again")?;
            Ok(Exit::Done)
        }
    }
}

async fn list(arguments: &ListArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let answer: TemplateList = client.get("notifications/templates", &[]).await?;
    let rows = answer.templates.into_iter().map(|template| {
        let subject = template.own.as_ref().map(|own| own.subject.clone());
        json!({
            "topic": template.topic,
            "language": template.language,
            "words": if template.own.is_some() { "own" } else { "built-in" },
            "subject": subject,
        })
    });
    let columns = ["topic", "language", "words", "subject"];
    print_rows(arguments.output.output, &columns, &columns, rows, "no topic")
}

async fn preview(arguments: &PreviewArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let path = format!("{}/preview", path(&arguments.topic, &arguments.language));
    let preview = match &arguments.file {
        Some(file) => client.post(&path, &words_of(file)?).await?,
        None => client.get(&path, &[]).await?,
    };
    print(&preview)
}

async fn set(arguments: &SetArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let words = words_of(&arguments.file)?;
    print(&client.put(&path(&arguments.topic, &arguments.language), &words).await?)
}

fn words_of(file: &Path) -> anyhow::Result<TemplateText> {
    let mut text = String::new();
    std::fs::File::open(file)
        .and_then(|open| open.take(MAX_FILE_BYTES).read_to_string(&mut text))
        .with_context(|| format!("reading the words from {}", file.display()))?;
    let Some((subject, body)) = text.split_once('\n') else {
        bail!("{} has no text below its first line, the subject", file.display());
    };
    Ok(TemplateText { subject: subject.trim_end().to_owned(), body: body.trim().to_owned() })
}

fn path(topic: &str, language: &str) -> String {
    format!("notifications/templates/{topic}/{language}")
}

fn print(preview: &MessagePreview) -> anyhow::Result<Exit> {
    say(&visible(&preview.subject))?;
    say("")?;
    say(&lines_visible(&preview.text))?;
    Ok(Exit::Done)
}
