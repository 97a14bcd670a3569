//! Independent clients and servers against ours: `interop/` holds them, as Python tests.
//!
//! They drive the real binary, once in its default build and once with `gssapi`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::process;

pub(crate) fn run() -> anyhow::Result<()> {
    let folder = process::root().join("target/interop");
    fs::create_dir_all(&folder)?;
    // The `gssapi` build first, so that the default one is what stays in `target/debug`.
    let gssapi = build(&["--features", "gssapi"], folder.join("gatepost-gssapi"))?;
    let default = build(&[], folder.join("gatepost"))?;
    let python = environment(&folder.join("venv"))?;
    let mut tests =
        process::command(&python.to_string_lossy(), &["-m", "pytest", "-q", "-rs", "interop"]);
    process::finish(
        tests
            .env("GATEPOST", default)
            .env("GATEPOST_GSSAPI", gssapi)
            .env("PYTHONDONTWRITEBYTECODE", "1"),
    )
}

fn build(features: &[&str], to: PathBuf) -> anyhow::Result<PathBuf> {
    let arguments = [&["build", "--locked", "--package", "app"], features].concat();
    process::run("cargo", &arguments)?;
    fs::copy(process::root().join("target/debug/gatepost"), &to)?;
    Ok(to)
}

/// A Python environment with what `interop/requirements.txt` names.
fn environment(folder: &Path) -> anyhow::Result<PathBuf> {
    let python = folder.join("bin/python");
    if !python.exists() {
        process::run("python3", &["-m", "venv", &folder.to_string_lossy()])?;
    }
    let program = python.to_string_lossy();
    process::run(
        &program,
        &["-m", "pip", "install", "--quiet", "--requirement", "interop/requirements.txt"],
    )?;
    Ok(python)
}
