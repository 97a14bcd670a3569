//! A short run of every fuzz target.
//!
//! cargo-fuzz needs a nightly compiler's flags; where only stable is installed, the same flags are
//! unlocked by `RUSTC_BOOTSTRAP`, which is good enough for tests and for nothing else.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::process;

const VERSION: &str = "0.13.2";
const SECONDS: &str = "15";

pub(crate) fn run(seconds: Option<&str>) -> anyhow::Result<()> {
    let limit = format!("-max_total_time={}", seconds.unwrap_or(SECONDS));
    let program = installed()?;
    for target in targets()? {
        let mut fuzz = process::command(&program.to_string_lossy(), &["run", &target]);
        // The second folder holds the inputs we wrote; what the fuzzer finds goes to the first.
        fuzz.args([format!("fuzz/corpus/{target}"), format!("fuzz/seeds/{target}")])
            .args(["--", &limit, "-rss_limit_mb=1024"])
            .env("RUSTC_BOOTSTRAP", "1");
        std::fs::create_dir_all(process::root().join("fuzz/corpus").join(&target))?;
        process::finish(&mut fuzz)?;
    }
    Ok(())
}

fn targets() -> anyhow::Result<Vec<String>> {
    let folder = process::root().join("fuzz/fuzz_targets");
    let entries = std::fs::read_dir(&folder).with_context(|| format!("no {}", folder.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| Some(entry.path().file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Ok(names)
}

fn installed() -> anyhow::Result<PathBuf> {
    if process::has("cargo-fuzz") {
        return Ok(PathBuf::from("cargo-fuzz"));
    }
    let folder = process::root().join("target/tools");
    let program = folder.join("bin/cargo-fuzz");
    if !program.exists() {
        let root = folder.to_string_lossy();
        process::run(
            "cargo",
            &["install", "cargo-fuzz", "--version", VERSION, "--locked", "--root", &root],
        )?;
    }
    Ok(program)
}
