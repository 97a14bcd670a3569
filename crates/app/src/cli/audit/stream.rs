//! `gatepost audit stream`.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use api::{AuditStream, AuditStreamFile, AuditStreamTarget, AuditSyslog, Preview, Tested};
use clap::Subcommand;
use domain::audit::Transport;

use super::Exit;
use crate::{
    client::{Client, ServerArguments},
    output::{Format, OutputArguments, Rows, say, stdout, time, visible},
};

#[derive(Debug, Subcommand)]
pub(crate) enum StreamVerb {
    /// Say where entries are streamed to, and how far it got
    Show(ShowArguments),
    /// Stream entries somewhere from now on
    Set(SetArguments),
    /// Stream them nowhere; the receiver is told
    Remove(RemoveArguments),
    /// Send a test message at once, to the stream or to another target
    Test(TestArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArguments {
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TargetArguments {
    /// Receiver of syslog messages, such as siem.contoso.com
    #[arg(long, value_name = "HOST", conflicts_with = "file")]
    syslog: Option<String>,
    /// Its port [default: 6514 for tls, 601 for tcp, 514 for udp]
    #[arg(long, requires = "syslog")]
    port: Option<u16>,
    /// How messages get there: tls, tcp, or udp, where some may be lost
    #[arg(long, value_name = "KIND", default_value = "tls", value_parser = transport)]
    transport: String,
    /// File with certificates (PEM) of the authorities to trust in place of the system's
    #[arg(long, value_name = "FILE", requires = "syslog")]
    ca_file: Option<PathBuf>,
    /// The file audit/stream.jsonl of the data directory
    #[arg(long)]
    file: bool,
    /// Begin another file at so many megabytes
    #[arg(long, value_name = "N", default_value_t = 100, requires = "file")]
    size_mb: u16,
    /// Keep so many full files
    #[arg(long, value_name = "N", default_value_t = 10, requires = "file")]
    kept: u16,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SetArguments {
    #[command(flatten)]
    target: TargetArguments,
    /// Begin a new stream with the first entry there is, not with the next
    #[arg(long)]
    from_the_first: bool,
    /// Say what would change, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RemoveArguments {
    /// Say what would change, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TestArguments {
    #[command(flatten)]
    target: TargetArguments,
    #[command(flatten)]
    server: ServerArguments,
}

const COLUMNS: [&str; 7] =
    ["syslog", "file", "position", "behind", "trouble", "troubled_since", "last_sent"];
/// Longest bundle of certificates; the server reads no more.
const MAX_PEM_BYTES: u64 = 512 * 1024;

fn transport(text: &str) -> Result<String, String> {
    let words: Vec<_> = Transport::ALL.iter().map(|it| it.word()).collect();
    let known = Transport::from_word(text);
    known.map(|it| it.to_string()).ok_or_else(|| format!("it is one of {}", words.join(", ")))
}

pub(super) async fn run(verb: StreamVerb) -> anyhow::Result<Exit> {
    match verb {
        StreamVerb::Show(arguments) => {
            let client = Client::connect(&arguments.server)?;
            let stream: AuditStream = client.get("audit/stream", &[]).await?;
            print(&stream, arguments.output.output)
        }
        StreamVerb::Set(arguments) => set(arguments).await,
        StreamVerb::Remove(arguments) => {
            let client = Client::connect(&arguments.server)?;
            if arguments.dry_run {
                let preview: Preview = client.delete_preview("audit/stream?dry_run=true").await?;
                say(&format!("this would {}", preview.would))?;
                return Ok(Exit::Done);
            }
            client.delete("audit/stream").await?;
            say("the audit is streamed nowhere")?;
            Ok(Exit::Done)
        }
        StreamVerb::Test(arguments) => test(&arguments).await,
    }
}

impl TargetArguments {
    fn wanted(&self) -> anyhow::Result<AuditStreamTarget> {
        let syslog = match &self.syslog {
            None => None,
            Some(host) => Some(AuditSyslog {
                host: host.clone(),
                port: self.port,
                transport: self.transport.clone(),
                trusted_ca_pem: self.ca_file.as_deref().map(certificates).transpose()?,
            }),
        };
        let file = self.file.then_some(AuditStreamFile { size_mb: self.size_mb, kept: self.kept });
        Ok(AuditStreamTarget { syslog, file, from_the_first: false })
    }
}

async fn set(arguments: SetArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let wanted = arguments.target.wanted()?;
    if wanted.syslog.is_none() && wanted.file.is_none() {
        bail!("where to? Give --syslog HOST or --file");
    }
    let wanted = AuditStreamTarget { from_the_first: arguments.from_the_first, ..wanted };
    if arguments.dry_run {
        let preview: Preview = client.put("audit/stream?dry_run=true", &wanted).await?;
        say(&format!("this would {}", preview.would))?;
        return Ok(Exit::Done);
    }
    let stream: AuditStream = client.put("audit/stream", &wanted).await?;
    print(&stream, Format::Table)
}

async fn test(arguments: &TestArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let tested: Tested = client.post("audit/stream/test", &arguments.target.wanted()?).await?;
    let answer = visible(&tested.answer);
    if tested.delivered {
        say(&format!("the test message was sent: {answer}"))?;
        return Ok(Exit::Done);
    }
    say(&format!("the test message was not sent: {answer}"))?;
    Ok(Exit::Failed)
}

fn print(stream: &AuditStream, format: Format) -> anyhow::Result<Exit> {
    if format != Format::Table {
        let mut rows = Rows::new(stdout(), format, COLUMNS.map(str::to_owned).to_vec(), false);
        rows.push(stream)?;
        rows.finish("")?;
        return Ok(Exit::Done);
    }
    let to = match (&stream.syslog, &stream.file) {
        (Some(to), _) => {
            let port = to.port.unwrap_or_default();
            format!("{}:{port} by syslog over {}", visible(&to.host), to.transport)
        }
        (None, Some(file)) => {
            format!("audit/stream.jsonl, up to {} MB and {} before it", file.size_mb, file.kept)
        }
        (None, None) => {
            say("the audit is streamed nowhere: gatepost audit stream set --syslog HOST")?;
            return Ok(Exit::Done);
        }
    };
    say(&format!("the audit is streamed to {to}"))?;
    let last = stream.last_sent.as_deref().map(|at| format!(", the last {}", time(at)));
    let last = last.unwrap_or_default();
    say(&format!("received up to entry {}{last}; {} to go", stream.position, stream.behind))?;
    if let (Some(trouble), Some(since)) = (&stream.trouble, &stream.troubled_since) {
        say(&format!("in trouble since {}: {}", time(since), visible(trouble)))?;
    }
    Ok(Exit::Done)
}

fn certificates(file: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    std::fs::File::open(file)
        .and_then(|open| open.take(MAX_PEM_BYTES).read_to_string(&mut text))
        .with_context(|| format!("reading the certificates from {}", file.display()))?;
    Ok(text)
}
