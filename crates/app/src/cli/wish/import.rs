//! `gatepost import`: what Exchange has now, as a file.

use std::{
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use api::{Import, Imported, Wish};
use domain::ConnectorName;

use super::{Exit, read, tell};
use crate::{
    client::{Client, ServerArguments},
    output::{counted, stdout, visible},
};

/// Write down what Exchange has now, so that the first plan is empty
///
/// The access rules that are written down are adopted: a rule that you take out of the file later is
/// removed from Exchange when the file is applied. Nothing changes in Exchange by an import.
#[derive(Debug, clap::Args)]
pub(crate) struct ImportArguments {
    /// Name of the connector
    #[arg(value_parser = ConnectorName::parse)]
    connector: ConnectorName,
    /// Write into this file, in place of printing; comments of a file that is there are kept, and
    /// what it was before stays beside it as FILE.before
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Adopt nothing: only see what would be written
    #[arg(long)]
    dry_run: bool,
    /// The wish that holds, as it was written, in place of what Exchange has: to take into a file what
    /// was changed in the console
    #[arg(long, conflicts_with = "dry_run")]
    kept: bool,
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) async fn run(arguments: ImportArguments) -> anyhow::Result<Exit> {
    let ImportArguments { connector, file, dry_run, kept, server } = &arguments;
    let client = Client::connect(server)?;
    let before = file.as_deref().filter(|file| file.exists()).map(read).transpose()?;
    let imported: Imported = if *kept {
        let held: Wish = client.get(&format!("connectors/{connector}/wish"), &[]).await?;
        Imported { text: held.text, adopted: 0, left_out: Vec::new() }
    } else {
        let path = format!("connectors/{connector}/wish/import?dry_run={dry_run}");
        client.post(&path, &Import { before: before.clone() }).await?
    };
    match file {
        Some(file) if !dry_run => {
            put(file, before.as_deref(), &imported.text)?;
            let what = if *kept { "shall have by the wish that holds" } else { "has now" };
            tell(&format!("what {connector} {what} is in {}", file.display()));
        }
        _ => {
            let mut out = stdout();
            out.write_all(imported.text.as_bytes())?;
            out.flush()?;
        }
    }
    for what in &imported.left_out {
        tell(&format!("not written down: {}", visible(what)));
    }
    let rules = counted(imported.adopted, "rule");
    match (imported.adopted, dry_run) {
        (0, _) => {}
        (_, true) => tell(&format!("{rules} would be adopted; nothing was, this was a dry run")),
        (_, false) => tell(&format!(
            "{rules} adopted: Gatepost looks after them from now on, and a rule that you take out \
             of the file is removed from Exchange when the file is applied"
        )),
    }
    Ok(Exit::Done)
}

/// Puts a text in the place of a file, whole or not at all. What was there stays beside it.
fn put(file: &Path, before: Option<&str>, text: &str) -> anyhow::Result<()> {
    // A link stays one: what it points to is written anew.
    let target = if file.exists() { file.canonicalize()? } else { file.to_owned() };
    let doing = || format!("writing {}", file.display());
    let directory = match target.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let mode = match target.metadata() {
        Ok(there) => there.permissions(),
        // Less what the person's own mask takes away.
        Err(_) => std::fs::Permissions::from_mode(0o666),
    };
    let mut fresh = tempfile::Builder::new()
        .prefix(".gatepost-")
        .permissions(mode)
        .tempfile_in(&directory)
        .with_context(doing)?;
    fresh.write_all(text.as_bytes()).with_context(doing)?;
    fresh.as_file().sync_all().with_context(doing)?;
    if before.is_some_and(|before| before != text) {
        let mut beside = target.clone().into_os_string();
        beside.push(".before");
        std::fs::copy(&target, &beside).with_context(doing)?;
        tell(&format!("what the file was before is in {}", Path::new(&beside).display()));
    }
    fresh.persist(&target).map(drop).with_context(doing)
}
