//! The whole of CI is this one local command.

use std::{path::Path, time::Instant};

use anyhow::bail;

use crate::{corpus, deny, e2e, edges, fuzz, interop, process, setup};

/// Where recorded documents of third parties lie, beside the checkout, if they are there at all.
pub(crate) const CORPUS: &str = "../shared/corpus";

type Chore = fn() -> anyhow::Result<()>;

pub(crate) fn run() -> anyhow::Result<()> {
    let steps: &[(&str, Chore)] = &[
        ("setup", setup::run),
        ("fmt", fmt),
        ("edges", edges::run),
        ("clippy", clippy),
        ("doc", doc),
        ("test", test),
        ("snapshots", snapshots),
        ("deny", deny::run),
        ("corpus", corpus_if_present),
        ("interop", interop::run),
        ("e2e", e2e::run),
        ("fuzz", || fuzz::run(None)),
    ];
    let mut times = Vec::new();
    for (name, step) in steps {
        println!("\n=== {name}");
        let begun = now();
        step().map_err(|error| error.context((*name).to_owned()))?;
        times.push(format!("{name} {} s", begun.elapsed().as_secs()));
    }
    println!("\nall chores passed: {}", times.join(", "));
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "how long a chore took is told, never decided upon")]
fn now() -> Instant {
    Instant::now()
}

pub(crate) fn fmt() -> anyhow::Result<()> {
    process::run("cargo", &["fmt", "--all", "--check"])
}

pub(crate) fn clippy() -> anyhow::Result<()> {
    let common = ["clippy", "--locked", "--all-targets"];
    let denied = ["--", "-D", "warnings"];
    let with = |middle: &[&'static str]| [&common[..], middle, &denied[..]].concat();
    process::run("cargo", &with(&["--workspace"]))?;
    process::run("cargo", &with(&["--package", "exchange", "--features", "gssapi"]))
}

pub(crate) fn doc() -> anyhow::Result<()> {
    let mut doc = process::command("cargo", &["doc", "--locked", "--workspace", "--no-deps"]);
    process::finish(doc.env("RUSTDOCFLAGS", "-D warnings"))
}

pub(crate) fn test() -> anyhow::Result<()> {
    if process::has("cargo-nextest") {
        process::run("cargo", &["nextest", "run", "--locked", "--workspace", "--no-fail-fast"])?;
    } else {
        process::run("cargo", &["test", "--locked", "--workspace", "--no-fail-fast"])?;
    }
    process::run("cargo", &["test", "--locked", "--doc", "--package", "psrp", "--package", "wsman"])
}

/// Tests rewrite what they generate (references, OpenAPI, snapshots); a difference is a change
/// that was not looked at.
pub(crate) fn snapshots() -> anyhow::Result<()> {
    let pending = process::output("git", &["ls-files", "--others", "*.snap.new"])?;
    if !pending.is_empty() {
        bail!("snapshots wait to be reviewed: {}", pending.trim().replace('\n', ", "));
    }
    let changed = process::output("git", &["diff", "--name-only", "--", "docs", "*.snap"])?;
    if changed.is_empty() {
        println!("nothing generated has changed");
        Ok(())
    } else {
        bail!(
            "generated files differ from what is checked in: {}",
            changed.trim().replace('\n', ", ")
        )
    }
}

fn corpus_if_present() -> anyhow::Result<()> {
    let folder = process::root().join(CORPUS);
    if Path::new(&folder).is_dir() {
        corpus::run(&folder)
    } else {
        println!("left out: there is no {CORPUS} beside this checkout");
        Ok(())
    }
}
