//! `gatepost audit retention`.

use api::{AuditRetention, Preview};
use clap::Subcommand;

use super::Exit;
use crate::{
    client::{Client, ServerArguments},
    output::say,
};

#[derive(Debug, Subcommand)]
pub(crate) enum RetentionVerb {
    /// Say after how many days entries are closed
    Show(ShowArguments),
    /// Set after how many days entries are closed: a number, or never
    Set(SetArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArguments {
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SetArguments {
    /// A number of days, or never
    #[arg(value_parser = days)]
    days: Days,
    /// Say what would change, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    server: ServerArguments,
}

/// After how many days; `None`: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Days(Option<u16>);

fn days(text: &str) -> Result<Days, String> {
    match text {
        "never" => Ok(Days(None)),
        number => number
            .parse()
            .map(|days| Days(Some(days)))
            .map_err(|_| "it is neither a number of days nor the word never".to_owned()),
    }
}

pub(super) async fn run(verb: RetentionVerb) -> anyhow::Result<Exit> {
    let kept = match verb {
        RetentionVerb::Show(arguments) => {
            Client::connect(&arguments.server)?.get("audit/retention", &[]).await?
        }
        RetentionVerb::Set(arguments) => {
            let client = Client::connect(&arguments.server)?;
            let wanted = AuditRetention { days: arguments.days.0 };
            if arguments.dry_run {
                let preview: Preview = client.put("audit/retention?dry_run=true", &wanted).await?;
                say(&format!("this would {}", preview.would))?;
                return Ok(Exit::Done);
            }
            client.put::<AuditRetention>("audit/retention", &wanted).await?
        }
    };
    say(&match kept.days {
        Some(days) => format!("entries are closed by themselves after {days} days"),
        None => "entries are closed when somebody asks for it, never by themselves".to_owned(),
    })?;
    Ok(Exit::Done)
}
