//! Licences, banned crates and sources of the dependency tree, by cargo-deny.
//!
//! Advisories need a database from the network; `cargo deny check advisories` does that where
//! there is one.

use std::path::PathBuf;

use crate::process;

const VERSION: &str = "0.20.2";

pub(crate) fn run() -> anyhow::Result<()> {
    let program = installed()?;
    process::run(&program.to_string_lossy(), &["check", "bans", "licenses", "sources"])
}

/// cargo-deny of the version above: the one on the path, else one built below `target/tools`.
fn installed() -> anyhow::Result<PathBuf> {
    if process::has("cargo-deny") {
        return Ok(PathBuf::from("cargo-deny"));
    }
    let folder = process::root().join("target/tools");
    let program = folder.join("bin/cargo-deny");
    if !program.exists() {
        process::run(
            "cargo",
            &[
                "install",
                "cargo-deny",
                "--version",
                VERSION,
                "--locked",
                "--root",
                &folder.to_string_lossy(),
            ],
        )?;
    }
    Ok(program)
}
