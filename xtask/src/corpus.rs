//! Reads every recorded document below a folder and fails if anything in it is lost.
//!
//! Two kinds are known: CLIXML documents (`*.xml`, `*.clixml`), and exchanges recorded by pypsrp's
//! tests (`*.yml`, `*.yaml`). What is found is compared with a count of the same bytes that shares no
//! code with the readers. The recordings belong to others; nothing of them is kept.

mod document;
mod exchange;
mod plain;
mod report;
mod session;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};

use self::report::Report;

pub(crate) fn run(dir: &Path) -> anyhow::Result<()> {
    ensure!(dir.is_dir(), "there is no folder {}", dir.display());
    let mut report = Report::default();
    for path in files(dir)? {
        let name = path.strip_prefix(dir).unwrap_or(&path).display().to_string();
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        match extension.as_str() {
            "xml" | "clixml" => document::check(&name, &read(&path)?, &mut report),
            "yml" | "yaml" => exchange::check(&name, &read(&path)?, &mut report),
            _ => report.other_files += 1,
        }
    }
    println!("{report}");
    if !report.losses.is_empty() {
        bail!("{} losses", report.losses.len());
    }
    ensure!(report.found_anything(), "there is nothing to read below {}", dir.display());
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("reading {}", path.display()))
}

/// All files below a folder, in order of their paths; links to folders are not followed, so that a
/// circle has an end.
fn files(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(dir) = waiting.pop() {
        let entries =
            std::fs::read_dir(&dir).with_context(|| format!("listing {}", dir.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("listing {}", dir.display()))?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                waiting.push(entry.path());
            } else if entry.path().is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}
