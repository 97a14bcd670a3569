//! `gatepost key`: the key that secrets are sealed with.

use std::io::Write as _;

use api::{DataKey, DataKeyRotation, Preview};
use clap::Subcommand;
use engine::Engine;
use serde_json::json;
use store::Store;

use super::Exit;
use crate::{
    client::{Client, ServerArguments},
    config::{BootArguments, Config, LogArguments},
    data_directory::DataDirectory,
    key_source::{self, Surroundings},
    output::{Format, OutputArguments, say, stdout, visible},
    serve,
};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyVerb {
    /// Say which key it is, where it comes from, and whether it opens every secret
    Show(ShowArguments),
    /// Make a new key and seal every secret anew with it
    Rotate(RotateArguments),
    /// Go on with another key although the right one is lost; every secret must be given anew
    Abandon(AbandonArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArguments {
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RotateArguments {
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct AbandonArguments {
    /// The lost key is nowhere: I have looked
    #[arg(long, required = true)]
    the_key_is_lost: bool,
    #[command(flatten)]
    boot: BootArguments,
}

pub(crate) async fn run(verb: KeyVerb) -> anyhow::Result<Exit> {
    match verb {
        KeyVerb::Show(arguments) => show(&arguments).await,
        KeyVerb::Rotate(arguments) => rotate(&arguments).await,
        KeyVerb::Abandon(arguments) => abandon(&arguments).await,
    }
}

async fn show(arguments: &ShowArguments) -> anyhow::Result<Exit> {
    let key: DataKey = Client::connect(&arguments.server)?.get("data-key", &[]).await?;
    let mut out = stdout();
    match arguments.output.output {
        Format::Table => writeln!(out, "{}", in_words(&key))?,
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&key)?)?,
        Format::Jsonl => writeln!(out, "{}", serde_json::to_string(&key)?)?,
        Format::Csv => {
            let mut csv = csv::Writer::from_writer(&mut out);
            csv.serialize(&key)?;
            csv.flush()?;
        }
    }
    out.flush()?;
    Ok(if key.unreadable == 0 { Exit::Done } else { Exit::Failed })
}

/// A key in one sentence.
pub(super) fn in_words(key: &DataKey) -> String {
    let DataKey { id, origin, previous, secrets, behind, unreadable, .. } = key;
    let mut text = format!("{id} from {}; secrets sealed: {secrets}", visible(origin));
    if *behind > 0 {
        text.push_str(&format!(", {behind} of them not yet with it; gatepost key rotate goes on"));
    } else if let Some(previous) = previous {
        text.push_str(&format!("; nothing needs the key before it, {previous}, any more"));
    }
    if *unreadable > 0 {
        text.push_str(&format!("; {unreadable} do not open and must be given anew"));
    }
    text
}

async fn rotate(arguments: &RotateArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    if arguments.dry_run {
        let preview: Preview = client.post("data-key/rotate?dry_run=true", &json!({})).await?;
        say(&format!("would {}", visible(&preview.would)))?;
        return Ok(Exit::Done);
    }
    let done: DataKeyRotation = client.post("data-key/rotate", &json!({})).await?;
    say(&format!("the new key is {}; secrets sealed anew: {}", done.to, done.sealed))?;
    if let Some(kept) = &done.kept_in {
        say(&format!(
            "the key before is kept in {kept}; backups of the database from before today need it, \
             and nothing else does: destroy it when you have none of these any more",
            kept = visible(kept)
        ))?;
    }
    if done.unreadable > 0 {
        say(&format!("secrets that did not open and must be given anew: {}", done.unreadable))?;
        return Ok(Exit::Failed);
    }
    Ok(Exit::Done)
}

async fn abandon(arguments: &AbandonArguments) -> anyhow::Result<Exit> {
    let config = Config::load(&arguments.boot, None, &LogArguments::default())?;
    let directory = DataDirectory::at(&config.data).take()?;
    let around = Surroundings::of_this_process();
    let keys = key_source::keys(&config, directory.paths(), &around)?;
    let store = Store::open(serve::target(&config, directory.paths())).await?;
    let report = Engine::abandon_data_key(store, serve::options(&directory, keys)?).await?;
    say(&format!(
        "secrets are sealed with the key {} from now on; {} of {} do not open and must be given anew",
        report.key, report.unreadable, report.secrets
    ))?;
    Ok(Exit::Done)
}
