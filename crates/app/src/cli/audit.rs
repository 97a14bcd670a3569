//! `gatepost audit`: what was done, by whom, and the proof that nobody touched it.

mod retention;
mod stream;

use std::{
    fs::File,
    io::{self, BufReader, Write as _},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context as _, bail};
use api::{AuditClose, AuditClosed, AuditEntry, AuditList, AuditState, Preview};
use clap::Subcommand;
use domain::audit::Link;
use engine::{Expected, Verified, Verifier, VerifyError};

use super::Exit;
use crate::{
    client::{Client, ServerArguments},
    output::{Format, OutputArguments, Rows, say, stdout, time, visible},
};

#[derive(Debug, Subcommand)]
pub(crate) enum AuditVerb {
    /// Show the latest entries, and with -f those to come
    Tail(TailArguments),
    /// Verify an export without a server; without a file, the audit of the server
    Verify(VerifyArguments),
    /// Write entries to standard output; all of them can be verified
    Export(ExportArguments),
    /// Write old entries into a file beside the database, and keep a signed seal of them
    Close(CloseArguments),
    /// After how many days entries are closed by themselves
    #[command(subcommand)]
    Retention(retention::RetentionVerb),
    /// Where entries are streamed to: a receiver of syslog, or a file
    #[command(subcommand)]
    Stream(stream::StreamVerb),
    /// Print the public key that the audit is signed with
    Key(KeyArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct FilterArguments {
    /// By whom: the beginning of a name, or an id
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    /// What happened, such as connector.added
    #[arg(long, value_name = "EVENT")]
    event: Option<String>,
    /// How it went: done, held, refused or failed
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<String>,
    /// To what: an id, or a part of a name
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// By which way: console, cli, api or engine
    #[arg(long, value_name = "WAY")]
    source: Option<String>,
    /// From then on, such as 2026-03-02T10:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Before then
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// A text anywhere in the entry
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TailArguments {
    #[command(flatten)]
    filter: FilterArguments,
    /// How many of the latest entries
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Go on with what is added, until stopped
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArguments {
    /// An export, as JSON lines
    file: Option<PathBuf>,
    /// Public key to trust, as `audit key` printed it; may be given more than once
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// An entry that is known from elsewhere: its number, a colon and its hash
    #[arg(long, value_name = "NUMBER:HASH")]
    entry: Option<String>,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ExportFormat {
    /// A JSON document in each line
    Jsonl,
    /// Comma-separated values, for a spreadsheet
    Csv,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExportArguments {
    #[command(flatten)]
    filter: FilterArguments,
    /// How to write
    #[arg(short, long, value_enum, default_value = "jsonl", value_name = "FORMAT")]
    output: ExportFormat,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct KeyArguments {
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CloseArguments {
    /// Close the entries that are older than so many days
    #[arg(long, value_name = "DAYS")]
    older_than: u16,
    /// Say what would be closed, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    server: ServerArguments,
}

/// How often new entries are asked for.
const POLL: Duration = Duration::from_secs(1);

/// What a machine reads of an entry.
const COLUMNS: [&str; 11] = [
    "sequence", "at", "actor", "source", "event", "target", "reason", "ticket", "answer",
    "details", "hash",
];

pub(crate) async fn run(verb: AuditVerb) -> anyhow::Result<Exit> {
    match verb {
        AuditVerb::Tail(arguments) => tail(&arguments).await,
        AuditVerb::Verify(arguments) => verify(&arguments).await,
        AuditVerb::Export(arguments) => export(&arguments).await,
        AuditVerb::Close(arguments) => close(&arguments).await,
        AuditVerb::Retention(verb) => retention::run(verb).await,
        AuditVerb::Stream(verb) => stream::run(verb).await,
        AuditVerb::Key(arguments) => {
            let client = Client::connect(&arguments.server)?;
            let state: AuditState = client.get("audit/state", &[]).await?;
            say(&state.key)?;
            Ok(Exit::Done)
        }
    }
}

impl FilterArguments {
    fn query(&self) -> Vec<(&str, &str)> {
        let fields = [
            ("who", &self.who),
            ("event", &self.event),
            ("outcome", &self.outcome),
            ("target", &self.target),
            ("source", &self.source),
            ("from", &self.from),
            ("to", &self.to),
            ("text", &self.text),
        ];
        fields.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?))).collect()
    }
}

async fn tail(arguments: &TailArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let latest = some(&client, arguments, arguments.limit, None).await?;
    let mut seen = latest.last().map_or(0, |entry| entry.sequence);
    let format = arguments.output.output;
    print(&latest, format)?;
    if !arguments.follow {
        return Ok(Exit::Done);
    }
    loop {
        tokio::time::sleep(POLL).await;
        let new = some(&client, arguments, 1000, Some(seen)).await?;
        seen = new.last().map_or(seen, |entry| entry.sequence);
        print(&new, if format == Format::Json { Format::Jsonl } else { format })?;
    }
}

/// The latest entries in the order they were added; all pages of those after a number.
async fn some(
    client: &Client,
    arguments: &TailArguments,
    limit: u16,
    after: Option<u64>,
) -> anyhow::Result<Vec<AuditEntry>> {
    let (limit, after) = (limit.to_string(), after.map(|after| after.to_string()));
    let mut entries = Vec::new();
    let mut cursor = None::<String>;
    loop {
        let mut query = arguments.filter.query();
        query.push(("limit", &limit));
        query.extend(after.as_deref().map(|after| ("after", after)));
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page: AuditList = client.get("audit", &query).await?;
        entries.extend(page.entries);
        cursor = page.next.filter(|_| after.is_some() || entries.is_empty());
        if cursor.is_none() {
            entries.reverse();
            return Ok(entries);
        }
    }
}

fn print(entries: &[AuditEntry], format: Format) -> anyhow::Result<()> {
    if format != Format::Table {
        let mut rows = Rows::new(stdout(), format, COLUMNS.map(str::to_owned).to_vec(), false);
        for entry in entries {
            rows.push(entry)?;
        }
        return rows.finish("");
    }
    let mut out = stdout();
    for entry in entries {
        writeln!(out, "{}", line(entry))?;
    }
    Ok(out.flush()?)
}

/// An entry as a line for people.
fn line(entry: &AuditEntry) -> String {
    let mut line = format!("{}  {:<22}  {}", time(&entry.at), entry.event, entry.actor.name);
    if let Some(target) = &entry.target {
        line.push_str(&format!("  {} {}", target.kind, target.name));
    }
    for (name, text) in
        [("reason", &entry.reason), ("ticket", &entry.ticket), ("answer", &entry.answer)]
    {
        if let Some(text) = text {
            line.push_str(&format!("  {name}: {text}"));
        }
    }
    for (name, text) in entry.details.iter().filter(|(_, text)| !text.is_empty()) {
        line.push_str(&format!("  {name}: {text}"));
    }
    visible(&line)
}

async fn export(arguments: &ExportArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let mut query = arguments.filter.query();
    query.push(("format", if arguments.output == ExportFormat::Csv { "csv" } else { "jsonl" }));
    let mut answer = client.stream("audit/export", &query).await?;
    let mut out = stdout();
    while let Some(chunk) = answer.chunk().await.context("reading the export")? {
        out.write_all(&chunk)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

async fn close(arguments: &CloseArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let asked = AuditClose { older_than_days: arguments.older_than };
    if arguments.dry_run {
        let preview: Preview = client.post("audit/close?dry_run=true", &asked).await?;
        say(&format!("this would {}", preview.would))?;
        return Ok(Exit::Done);
    }
    let AuditClosed { first, last, file } = client.post("audit/close", &asked).await?;
    say(&format!("the entries {first} to {last} are closed; they are in the file audit/{file}"))?;
    Ok(Exit::Done)
}

async fn verify(arguments: &VerifyArguments) -> anyhow::Result<Exit> {
    let keys = arguments.key.iter().map(|key| {
        digits(key).with_context(|| format!("the key {key} is not 64 hexadecimal digits"))
    });
    let expected = Expected {
        keys: keys.collect::<anyhow::Result<_>>()?,
        link: arguments.entry.as_deref().map(link).transpose()?,
    };
    let is_pinned = !expected.keys.is_empty();
    let verified = match &arguments.file {
        Some(path) => {
            let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
            engine::verify(BufReader::with_capacity(1024 * 1024, file), expected)
        }
        None => verify_server(&arguments.server, expected).await?,
    };
    match verified {
        Ok(verified) => told(&verified, is_pinned),
        Err(VerifyError::Broken(broken)) => bail!("the audit is not as it was written: {broken}"),
        Err(error) => Err(error.into()),
    }
}

/// Reads the whole audit of a server, and verifies it here.
async fn verify_server(
    server: &ServerArguments,
    expected: Expected,
) -> anyhow::Result<Result<Verified, VerifyError>> {
    let client = Client::connect(server)?;
    let mut answer = client.stream("audit/export", &[]).await?;
    let mut verifier = Verifier::new(expected);
    let mut rest = Vec::new();
    while let Some(chunk) = answer.chunk().await.context("reading the audit")? {
        rest.extend_from_slice(&chunk);
        let mut done = 0;
        while let Some(end) = rest.iter().skip(done).position(|byte| *byte == b'\n') {
            let end = done + end + 1;
            if let Err(broken) = verifier.line(rest.get(done..end).unwrap_or_default()) {
                return Ok(Err(broken.into()));
            }
            done = end;
        }
        rest.drain(..done);
    }
    if !rest.is_empty()
        && let Err(broken) = verifier.line(&rest)
    {
        return Ok(Err(broken.into()));
    }
    Ok(verifier.finish().map_err(VerifyError::from))
}

fn told(verified: &Verified, is_pinned: bool) -> anyhow::Result<Exit> {
    let Verified { audit, entries, closed, last, checkpoints, signed, is_filtered, .. } = verified;
    let hash = domain::audit::hexadecimal(&last.hash);
    if *is_filtered {
        say(&format!("{entries} entries are as they were written"))?;
        say("it is no whole export: what is missing, and whether anything is, cannot be told")?;
        return Ok(Exit::Done);
    }
    say(&format!("the audit {audit} is as it was written, up to entry {}", last.sequence))?;
    say(&format!("{entries} entries, {closed} more in closed parts, {checkpoints} checkpoints"))?;
    match signed {
        Some((sequence, at)) => say(&format!("signed up to entry {sequence}, at {at}"))?,
        None => say("nothing is signed: anybody could have written this")?,
    }
    say(&format!("the last entry is {}:{hash}", last.sequence))?;
    if !is_pinned {
        let keys: Vec<String> =
            verified.keys.iter().map(|key| domain::audit::hexadecimal(key)).collect();
        let warning = format!(
            "the key was taken from the export itself; give --key {} if that is the one you know",
            keys.join(" --key ")
        );
        drop(io::stderr().write_all(format!("warning: {warning}\n").as_bytes()));
    }
    Ok(Exit::Done)
}

/// `NUMBER:HASH`.
fn link(text: &str) -> anyhow::Result<Link> {
    let parsed = text.split_once(':').and_then(|(number, hash)| {
        Some(Link { sequence: number.parse().ok()?, hash: digits(hash)? })
    });
    parsed.with_context(|| format!("{text} is not the number of an entry, a colon and its hash"))
}

fn digits(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}
