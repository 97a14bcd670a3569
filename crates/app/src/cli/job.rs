//! `gatepost job`: the work that the server does in the background.

use std::{
    io::{IsTerminal as _, Write as _, stderr},
    time::Duration,
};

use anyhow::Context as _;
use api::{Job, JobList};
use clap::Subcommand;
use comfy_table::{Cell, Color};
use indicatif::{ProgressBar, ProgressStyle};
use uuid::Uuid;

use super::Exit;
use crate::{
    client::{Client, ServerArguments},
    output::{
        Card, Format, OutputArguments, Rows, is_coloured, plain_table, say, stdout, time, visible,
        write_table,
    },
};

#[derive(Debug, Subcommand)]
pub(crate) enum JobVerb {
    /// List jobs, the latest first
    List(ListArguments),
    /// Show one job
    Show(ShowArguments),
    /// Wait for the end of a job, and fail if it failed
    Wait(WaitArguments),
    /// Show what became of each device of a job
    Actions(ShowArguments),
    /// Let a job go on that somebody else asked for
    Approve(ShowArguments),
    /// Refuse a job that somebody else asked for
    Reject(ShowArguments),
    /// Take back what was not sent of a job
    Cancel(ShowArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArguments {
    /// Stop after so many jobs
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArguments {
    /// Id of the job
    id: Uuid,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WaitArguments {
    /// Id of the job
    id: Uuid,
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) async fn run(verb: JobVerb) -> anyhow::Result<Exit> {
    match verb {
        JobVerb::List(arguments) => list(&arguments).await,
        JobVerb::Show(arguments) => show(&arguments).await,
        JobVerb::Actions(arguments) => {
            let client = Client::connect(&arguments.server)?;
            let format = arguments.output.output;
            super::action::print_actions(&client, &arguments.id.to_string(), format).await?;
            Ok(Exit::Done)
        }
        JobVerb::Approve(arguments) => decide(&arguments, "approve").await,
        JobVerb::Reject(arguments) => decide(&arguments, "reject").await,
        JobVerb::Cancel(arguments) => decide(&arguments, "cancel").await,
        JobVerb::Wait(arguments) => {
            let client = Client::connect(&arguments.server)?;
            follow(&client, &arguments.id.to_string(), Format::Table).await
        }
    }
}

/// Decides about a job, and shows it.
async fn decide(arguments: &ShowArguments, verb: &str) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let path = format!("jobs/{}/{verb}", arguments.id);
    let job: Job = client.post(&path, &serde_json::json!({})).await?;
    print(&job, arguments.output.output)
}

/// Waits for a job's end, and shows what became of each device if it has any.
pub(crate) async fn follow(client: &Client, id: &str, format: Format) -> anyhow::Result<Exit> {
    let mut progress = Progress::new();
    let job = loop {
        let job: Job = client.get(&format!("jobs/{id}"), &[]).await?;
        let Some(request) = &job.request else {
            progress.clear();
            return wait_for(client, id).await;
        };
        progress.show(&job);
        let waits_for_phones = !["asked", "approved", "sending"]
            .iter()
            .any(|state| request.states.contains_key(*state));
        if job.state != "running" || waits_for_phones {
            break job;
        }
        tokio::time::sleep(POLL).await;
    };
    progress.clear();
    super::action::print_actions(client, id, format).await?;
    let Some(request) = &job.request else { return Ok(Exit::Done) };
    let failed = request.states.get("failed").copied().unwrap_or_default();
    if job.state == "held" {
        let hold = visible(request.hold.as_deref().unwrap_or_default());
        say(&format!(
            "\nit waits for a second person: {hold}\nwho may approve: gatepost job approve {id}"
        ))?;
        return Ok(Exit::WaitsForApproval);
    }
    Ok(match failed {
        0 => Exit::Done,
        _ if failed == request.devices => Exit::Failed,
        _ => Exit::Partly,
    })
}

async fn list(arguments: &ListArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let limit = arguments.limit.to_string();
    let answer: JobList = client.get("jobs", &[("limit", &limit)]).await?;
    let format = arguments.output.output;
    if format == Format::Table {
        print_list(&answer.jobs)?;
        return Ok(Exit::Done);
    }
    let mut rows = Rows::new(stdout(), format, Job::FIELDS.map(str::to_owned).to_vec(), false);
    for job in &answer.jobs {
        rows.push(job)?;
    }
    rows.finish("")?;
    Ok(Exit::Done)
}

/// A line for each job, and below it how it ended: sentences are too long for a column.
fn print_list(jobs: &[Job]) -> anyhow::Result<()> {
    if jobs.is_empty() {
        return say("no job yet");
    }
    let mut table = plain_table(is_coloured());
    table.set_header(["KIND", "CONNECTOR", "STATE", "CREATED", "ID"]);
    for job in jobs {
        let state = Cell::new(&job.state);
        let state = match job.state.as_str() {
            "done" => state.fg(Color::Green),
            "failed" => state.fg(Color::Red),
            _ => state.fg(Color::Yellow),
        };
        table.add_row([
            Cell::new(visible(&job.kind)),
            Cell::new(job.connector.as_deref().unwrap_or("-")),
            state,
            Cell::new(time(&job.created)),
            Cell::new(&job.id),
        ]);
    }
    let mut text = Vec::new();
    write_table(&mut text, &table)?;
    let text = String::from_utf8(text).context("printing a table")?;
    let outcomes = std::iter::once(None).chain(jobs.iter().map(|job| job.outcome.as_deref()));
    let mut out = stdout();
    for (line, outcome) in text.lines().zip(outcomes) {
        writeln!(out, "{line}")?;
        if let Some(outcome) = outcome {
            writeln!(out, "  {}", visible(outcome))?;
        }
    }
    Ok(out.flush()?)
}

async fn show(arguments: &ShowArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let job: Job = client.get(&format!("jobs/{}", arguments.id), &[]).await?;
    print(&job, arguments.output.output)
}

fn print(job: &Job, format: Format) -> anyhow::Result<Exit> {
    if format == Format::Table {
        let fields = serde_json::to_value(job)?;
        let mut card = Card::new(is_coloured());
        for name in Job::FIELDS.into_iter().filter(|name| *name != "request") {
            card.line(name, fields.get(name).unwrap_or_default());
        }
        let request = fields.get("request").and_then(serde_json::Value::as_object);
        for (name, value) in request.into_iter().flatten().filter(|(name, _)| *name != "states") {
            card.line(name, value);
        }
        card.print(&mut stdout())?;
    } else {
        let mut rows = Rows::new(stdout(), format, Job::FIELDS.map(str::to_owned).to_vec(), false);
        rows.push(job)?;
        rows.finish("")?;
    }
    Ok(Exit::Done)
}

/// How often the server is asked: often enough to look alive, seldom enough to cost nothing.
const POLL: Duration = Duration::from_millis(250);
/// Without a terminal a line is written when the step changes, and every so many polls.
const POLLS_PER_LINE: u32 = 40;

/// Waits for a job's end, shows how far it is, and says how it went.
pub(crate) async fn wait_for(client: &Client, id: &str) -> anyhow::Result<Exit> {
    let mut progress = Progress::new();
    loop {
        let job: Job = client.get(&format!("jobs/{id}"), &[]).await?;
        progress.show(&job);
        let outcome = visible(job.outcome.as_deref().unwrap_or("no more is known"));
        match job.state.as_str() {
            "done" => {
                progress.clear();
                say(&outcome)?;
                return Ok(Exit::Done);
            }
            "failed" => {
                progress.clear();
                anyhow::bail!("the {} failed: {outcome}", job.kind);
            }
            _ => tokio::time::sleep(POLL).await,
        }
    }
}

/// Progress on standard error: a bar on a terminal, lines elsewhere.
enum Progress {
    Bar(ProgressBar),
    Lines { step: String, polls: u32 },
}

impl Progress {
    fn new() -> Self {
        if stderr().is_terminal() {
            Self::Bar(ProgressBar::new_spinner())
        } else {
            Self::Lines { step: String::new(), polls: 0 }
        }
    }

    #[expect(clippy::print_stderr, reason = "progress is for the person who waits")]
    fn show(&mut self, job: &Job) {
        let step = visible(job.step.as_deref().unwrap_or(&job.state));
        match self {
            Self::Bar(bar) => {
                bar.set_style(style(job.expected.is_some()));
                if let Some(expected) = job.expected {
                    bar.set_length(expected.max(job.done));
                }
                bar.set_position(job.done);
                bar.set_message(step);
            }
            Self::Lines { step: shown, polls } => {
                *polls += 1;
                if *shown != step || *polls % POLLS_PER_LINE == 0 {
                    match job.expected {
                        Some(expected) if expected > 0 => {
                            eprintln!("{step}: {} of {expected}", job.done);
                        }
                        _ if job.done > 0 => eprintln!("{step}: {}", job.done),
                        _ => eprintln!("{step}"),
                    }
                    *shown = step;
                }
            }
        }
    }

    fn clear(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn style(is_bounded: bool) -> ProgressStyle {
    let template = if is_bounded {
        "{msg} {wide_bar:.cyan/dim} {human_pos}/{human_len}"
    } else {
        "{spinner} {msg} {human_pos}"
    };
    ProgressStyle::with_template(template)
        .expect("the template is a constant")
        .progress_chars("━╸─")
}
