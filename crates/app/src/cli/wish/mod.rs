//! `gatepost import`, `plan`, `apply`, `drift`, `rollback`, `rule` and `settings`: what an organization
//! shall be.

pub(crate) mod apply;
pub(crate) mod drift;
pub(crate) mod import;
pub(crate) mod plan;
pub(crate) mod rollback;
pub(crate) mod rule;
pub(crate) mod settings;
mod shown;

use std::{
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::Serialize;

use super::Exit;
use crate::output::{Format, stdout, visible};

/// The largest file of a wish that is read; the server takes no more.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// A file that somebody named; `-` is the standard input.
fn read(file: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = |reader: &mut dyn io::Read, text: &mut String| {
        reader.take(MAX_FILE_BYTES + 1).read_to_string(text)
    };
    if file == Path::new("-") {
        read(&mut io::stdin().lock(), &mut text).context("reading the standard input")?;
    } else {
        std::fs::File::open(file)
            .and_then(|mut open| read(&mut open, &mut text))
            .with_context(|| format!("reading {}", file.display()))?;
    }
    if text.len() as u64 > MAX_FILE_BYTES {
        anyhow::bail!("{} is larger than a wish may be: {MAX_FILE_BYTES} bytes", file.display());
    }
    Ok(text)
}

/// One line for the person, apart from what is printed for programs. Standard error may be closed.
fn tell(line: &str) {
    drop(writeln!(io::stderr(), "{line}"));
}

/// `wish.yaml:12: what`, or without a file `line 12: what`.
fn problem(file: Option<&PathBuf>, problem: &api::WishProblem) -> String {
    let what = visible(&problem.what);
    match (file, problem.line) {
        (Some(file), Some(line)) => format!("{}:{line}: {what}", file.display()),
        (Some(file), None) => format!("{}: {what}", file.display()),
        (None, Some(line)) => format!("line {line}: {what}"),
        (None, None) => what,
    }
}

/// One thing as JSON. Tables and CSV have rows, and are somebody else's.
fn print_json(thing: &impl Serialize, format: Format) -> anyhow::Result<()> {
    let mut out = stdout();
    match format {
        Format::Jsonl => serde_json::to_writer(&mut out, thing)?,
        _ => serde_json::to_writer_pretty(&mut out, thing)?,
    }
    writeln!(out)?;
    Ok(out.flush()?)
}

/// A value as people read it; nothing for what is not there.
fn value(value: Option<&serde_json::Value>) -> String {
    use serde_json::Value;
    match value {
        None | Some(Value::Null) => "nothing".to_owned(),
        Some(Value::String(text)) => visible(text),
        Some(Value::Array(texts)) if texts.is_empty() => "none".to_owned(),
        Some(Value::Array(texts)) => {
            let texts = texts.iter().map(|text| text.as_str().unwrap_or_default());
            visible(&texts.collect::<Vec<_>>().join(", "))
        }
        Some(other) => other.to_string(),
    }
}
