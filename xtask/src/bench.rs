//! Measurements, all in one run so that their ratios are honest: see `docs/benchmarks.md`.

use crate::process;

/// Builds the product and the measuring program with the release profile, and runs the latter.
pub(crate) fn run(names: &[String]) -> anyhow::Result<()> {
    process::run("cargo", &["build", "--locked", "--release", "--package", "app"])?;
    let mut bench = process::command(
        "cargo",
        &["run", "--locked", "--release", "--package", "testkit", "--bin", "bench", "--"],
    );
    bench.args(names).env("GATEPOST", process::root().join("target/release/gatepost"));
    let python = process::root().join("target/interop/venv/bin/python");
    if python.exists() {
        bench.env("GATEPOST_PYTHON", python);
    }
    process::finish(&mut bench)
}
