//! A plan on the screen: deletions first and loud, then every property, then what else is to be known.

use std::{io::Write as _, path::PathBuf};

use api::{Flip, HitGroup, Plan, PlanChange, PlanHits};
use comfy_table::{Cell, Color};
use serde_json::json;

use super::{Exit, print_json, problem, tell, value};
use crate::{
    client::Client,
    output::{Format, Rows, counted, is_coloured, plain_table, stdout, visible, write_table},
};

/// A plan once nothing more happens about it by itself.
pub(super) async fn settled(client: &Client, plan: Plan) -> anyhow::Result<Plan> {
    let mut plan = plan;
    while plan.summary.state == "reading" {
        tell("Exchange is still being read");
        let path = format!("plans/{}", plan.summary.id);
        plan = client.get(&path, &[("wait", "20")]).await?;
    }
    Ok(plan)
}

/// Shows a plan that was made of a file, or of what is kept. `to_apply` is what a person types next.
pub(super) fn show(
    plan: &Plan,
    file: Option<&PathBuf>,
    format: Format,
    to_apply: &str,
) -> anyhow::Result<Exit> {
    match format {
        Format::Table => {}
        Format::Csv => changes(&plan.changes)?,
        Format::Json | Format::Jsonl => print_json(plan, format)?,
    }
    if plan.summary.state != "ready" {
        return Ok(refused(plan, file));
    }
    if format == Format::Table {
        table(plan, to_apply)?;
    }
    Ok(if plan.changes.is_empty() { Exit::Done } else { Exit::Differences })
}

fn refused(plan: &Plan, file: Option<&PathBuf>) -> Exit {
    for one in &plan.problems {
        tell(&problem(file, one));
    }
    if let Some(note) = &plan.summary.note {
        tell(&format!("gatepost: {}", visible(note)));
    }
    Exit::Failed
}

fn table(plan: &Plan, to_apply: &str) -> anyhow::Result<()> {
    let mut out = stdout();
    let connector = &plan.summary.connector;
    if plan.changes.is_empty() {
        writeln!(out, "nothing to do: {connector} is as written")?;
    } else {
        let mut table = plain_table(is_coloured());
        for change in &plan.changes {
            table.add_row(row(change));
        }
        write_table(&mut out, &table)?;
    }
    if !plan.notes.is_empty() {
        writeln!(out)?;
    }
    for note in &plan.notes {
        writeln!(out, "note: {}", visible(note))?;
    }
    if let Some(hits) = &plan.hits {
        write_hits(&mut out, hits)?;
    }
    let removed = plan.changes.iter().filter(|change| change.is_deletion).count();
    if !plan.changes.is_empty() {
        let removed = match removed {
            0 => String::new(),
            count => format!(", {count} REMOVED"),
        };
        let (changes, writes) =
            (counted(plan.changes.len(), "change"), counted(plan.writes.len(), "write"));
        writeln!(out, "\n{changes}{removed}; {writes} to {connector}")?;
        let flips = plan.hits.as_ref().map_or(0, |hits| hits.devices);
        let accepting = match flips > plan.limit_of_flips {
            true => format!(" --accept-flips {flips}"),
            false => String::new(),
        };
        writeln!(out, "to apply it: {to_apply}{accepting}")?;
    }
    Ok(out.flush()?)
}

/// Groups of devices that are shown one by one; all that are kept are in the other formats.
const MOST_GROUPS: usize = 10;

fn write_hits(out: &mut impl std::io::Write, hits: &PlanHits) -> anyhow::Result<()> {
    let devices = |count: u64| counted(count, "device");
    match hits.devices {
        0 => writeln!(out, "\nhits no device that is known")?,
        count => writeln!(out, "\nhits {}:", devices(count))?,
    }
    for flip in &hits.flips {
        let Flip { from, to, people_at_most: people, .. } = flip;
        writeln!(out, "  {} of at most {people} people: {from} → {to}", devices(flip.devices))?;
    }
    if !hits.groups.is_empty() {
        writeln!(out, "the largest groups:")?;
    }
    for HitGroup { what, by, flip } in hits.groups.iter().take(MOST_GROUPS) {
        let (count, what, by) = (flip.devices, visible(what), visible(by));
        writeln!(out, "  {count:>6}  {what}: {} → {} by {by}", flip.from, flip.to)?;
    }
    for flip in &hits.settling {
        let Flip { from, to, .. } = flip;
        let count = devices(flip.devices);
        writeln!(out, "besides, {count} on their way by themselves: {from} → {to}")?;
    }
    for (word, rules) in [("names no device", &hits.dead), ("is overruled", &hits.shadowed)] {
        for rule in rules.iter().take(MOST_GROUPS) {
            writeln!(out, "note: rule {} {word}", visible(rule))?;
        }
        if rules.len() > MOST_GROUPS {
            let more = rules.len() - MOST_GROUPS;
            writeln!(out, "note: and so it is with {more} more")?;
        }
    }
    Ok(())
}

fn row(change: &PlanChange) -> [Cell; 3] {
    let (before, after) = (value(change.before.as_ref()), value(change.after.as_ref()));
    let name = visible(&change.name);
    let is_new = change.before.is_none();
    let (sign, name, becomes, colour) = if change.is_deletion {
        ("-", format!("REMOVE {name}"), format!("{before} → nothing"), Color::Red)
    } else if is_new {
        ("+", name, after, Color::Green)
    } else {
        ("~", name, format!("{before} → {after}"), Color::Yellow)
    };
    [Cell::new(sign).fg(colour), Cell::new(name).fg(colour), Cell::new(becomes)]
}

fn changes(changes: &[PlanChange]) -> anyhow::Result<()> {
    let columns = ["change", "thing", "name", "before", "after"].map(str::to_owned).to_vec();
    let mut rows = Rows::new(stdout(), Format::Csv, columns, false);
    for change in changes {
        let kind = match (&change.before, change.is_deletion) {
            (_, true) => "remove",
            (None, _) => "add",
            (Some(_), _) => "change",
        };
        let text = |found: &Option<serde_json::Value>| found.as_ref().map(|it| value(Some(it)));
        rows.push(&json!({
            "change": kind,
            "thing": change.thing,
            "name": change.name,
            "before": text(&change.before),
            "after": text(&change.after),
        }))?;
    }
    rows.finish("")
}
