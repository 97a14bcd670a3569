//! The console in a browser: Playwright against the real binary and the simulated organization.

use crate::process;

pub(crate) fn run() -> anyhow::Result<()> {
    process::run("cargo", &["build", "--locked", "--package", "app"])?;
    let folder = process::root().join("e2e");
    let mut install = process::command("npm", &["ci", "--no-audit", "--no-fund"]);
    process::finish(install.current_dir(&folder).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"))?;
    let mut tests = process::command("npx", &["playwright", "test"]);
    process::finish(
        tests.current_dir(&folder).env("GATEPOST", process::root().join("target/debug/gatepost")),
    )
}
