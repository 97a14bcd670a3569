//! Measurements, all in one run so that their ratios are honest: see `docs/benchmarks.md`.

use crate::process;

/// Builds the measuring program with the release profile and runs it.
pub(crate) fn run(names: &[String]) -> anyhow::Result<()> {
    let mut arguments =
        vec!["run", "--locked", "--release", "--package", "testkit", "--bin", "bench", "--"];
    arguments.extend(names.iter().map(String::as_str));
    process::run("cargo", &arguments)
}
