//! `gatepost job`: the work that the server does in the background.

use std::{
    io::{IsTerminal as _, stderr},
    time::Duration,
};

use api::{Job, JobList};
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use uuid::Uuid;

use super::Exit;
use crate::{
    client::{Client, ServerArguments},
    output::{Card, Format, OutputArguments, Rows, is_coloured, say, stdout, visible},
};

#[derive(Debug, Subcommand)]
pub(crate) enum JobVerb {
    /// List jobs, the latest first
    List(ListArguments),
    /// Show one job
    Show(ShowArguments),
    /// Wait for the end of a job, and fail if it failed
    Wait(WaitArguments),
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
        JobVerb::Wait(arguments) => {
            let client = Client::connect(&arguments.server)?;
            wait_for(&client, &arguments.id.to_string()).await
        }
    }
}

async fn list(arguments: &ListArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let limit = arguments.limit.to_string();
    let answer: JobList = client.get("jobs", &[("limit", &limit)]).await?;
    let format = arguments.output.output;
    let columns: &[&str] = match format {
        Format::Table => &["kind", "connector", "state", "created", "outcome", "id"],
        _ => &Job::FIELDS,
    };
    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    let mut rows = Rows::new(stdout(), format, columns, is_coloured());
    for job in &answer.jobs {
        rows.push(job)?;
    }
    rows.finish("no job yet")?;
    Ok(Exit::Done)
}

async fn show(arguments: &ShowArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let job: Job = client.get(&format!("jobs/{}", arguments.id), &[]).await?;
    let format = arguments.output.output;
    if format == Format::Table {
        let fields = serde_json::to_value(&job)?;
        let mut card = Card::new(is_coloured());
        for name in Job::FIELDS {
            card.line(name, fields.get(name).unwrap_or_default());
        }
        card.print(&mut stdout())?;
    } else {
        let mut rows = Rows::new(stdout(), format, Job::FIELDS.map(str::to_owned).to_vec(), false);
        rows.push(&job)?;
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
                        Some(expected) => eprintln!("{step}: {} of {expected}", job.done),
                        None if job.done > 0 => eprintln!("{step}: {}", job.done),
                        None => eprintln!("{step}"),
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
