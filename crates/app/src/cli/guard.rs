//! `gatepost guard`: how many wipes may be sent without a second person.

use api::{Guard, GuardChange, WipesCancelled};
use clap::Subcommand;
use serde_json::json;

use super::Exit;
use crate::{
    client::{Client, ServerArguments},
    output::{Card, Format, OutputArguments, Rows, is_coloured, say, stdout},
};

#[derive(Debug, Subcommand)]
pub(crate) enum GuardVerb {
    /// Show the limits, and whether they are lifted
    Show(PlainArguments),
    /// Change the limits; loosening them takes a second person
    Set(SetArguments),
    /// Lift the limits for a while: the maintenance key, which takes a second person
    Lift(LiftArguments),
    /// Agree to what another person proposed
    Confirm(PlainArguments),
    /// Put the limits back in their place at once
    Restore(PlainArguments),
    /// Take back every wipe that was not sent
    CancelWipes(PlainArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct PlainArguments {
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SetArguments {
    /// Wipes that one person may send within an hour
    #[arg(long, value_name = "N")]
    per_person: Option<u32>,
    /// Wipes that one organization may have within 24 hours
    #[arg(long, value_name = "N")]
    per_organization: Option<u32>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    plain: PlainArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LiftArguments {
    /// For how many minutes; at most 480
    #[arg(long, value_name = "N")]
    minutes: i64,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    plain: PlainArguments,
}

const COLUMNS: [&str; 4] = ["per_person", "per_organization", "lifted_until", "proposal"];

pub(crate) async fn run(verb: GuardVerb) -> anyhow::Result<Exit> {
    let (plain, guard) = match verb {
        GuardVerb::Show(plain) => {
            let guard = Client::connect(&plain.server)?.get("guard", &[]).await?;
            (plain, guard)
        }
        GuardVerb::Set(SetArguments { per_person, per_organization, reason, plain }) => {
            let change = GuardChange { per_person, per_organization, lift_minutes: None, reason };
            let guard = Client::connect(&plain.server)?.post("guard", &change).await?;
            (plain, guard)
        }
        GuardVerb::Lift(LiftArguments { minutes, reason, plain }) => {
            let lift_minutes = Some(minutes);
            let change =
                GuardChange { per_person: None, per_organization: None, lift_minutes, reason };
            let guard = Client::connect(&plain.server)?.post("guard", &change).await?;
            (plain, guard)
        }
        GuardVerb::Confirm(plain) => {
            let guard = Client::connect(&plain.server)?.post("guard/confirm", &json!({})).await?;
            (plain, guard)
        }
        GuardVerb::Restore(plain) => {
            let guard = Client::connect(&plain.server)?.post("guard/restore", &json!({})).await?;
            (plain, guard)
        }
        GuardVerb::CancelWipes(plain) => {
            let client = Client::connect(&plain.server)?;
            let taken: WipesCancelled = client.post("guard/cancel-wipes", &json!({})).await?;
            say(&match taken.cancelled {
                0 => "no wipe was waiting".to_owned(),
                1 => "1 wipe that was not sent was taken back".to_owned(),
                count => format!("{count} wipes that were not sent were taken back"),
            })?;
            return Ok(Exit::Done);
        }
    };
    print(&guard, plain.output.output)?;
    Ok(if guard.proposal.is_some() { Exit::WaitsForApproval } else { Exit::Done })
}

fn print(guard: &Guard, format: Format) -> anyhow::Result<()> {
    if format != Format::Table {
        let mut rows = Rows::new(stdout(), format, COLUMNS.map(str::to_owned).to_vec(), false);
        rows.push(guard)?;
        return rows.finish("");
    }
    let fields = serde_json::to_value(guard)?;
    let mut card = Card::new(is_coloured());
    for name in COLUMNS.into_iter().filter(|name| *name != "proposal") {
        card.line(name, fields.get(name).unwrap_or_default());
    }
    card.print(&mut stdout())?;
    if let Some(proposal) = &guard.proposal {
        let what = match (proposal.lift_minutes, proposal.per_person, proposal.per_organization) {
            (Some(minutes), ..) => format!("no limits for {minutes} minutes"),
            (None, person, organization) => format!(
                "{} wipes an hour for a person, {} a day for an organization",
                person.unwrap_or_default(),
                organization.unwrap_or_default()
            ),
        };
        let (by, reason) = (&proposal.by, &proposal.reason);
        say(&format!(
            "\n{by} proposed {what} ({reason}); a second person agrees with: gatepost guard confirm"
        ))?;
    }
    Ok(())
}
