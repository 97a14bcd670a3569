//! The real programs in processes of their own.

use std::{
    ffi::OsString,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, bail};

/// Runs a verb against the server of a folder.
pub(crate) fn run_verb(
    data: &Path,
    arguments: impl FnOnce(&mut Command) -> &mut Command,
) -> anyhow::Result<()> {
    let mut verb = gatepost();
    arguments(&mut verb).arg("--data").arg(data);
    let output = verb.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        bail!("{verb:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// The program that is measured.
pub(crate) fn gatepost() -> Command {
    let binary = std::env::var_os("GATEPOST");
    Command::new(binary.unwrap_or_else(|| OsString::from("target/release/gatepost")))
}

/// A child process that is ended with its owner.
pub(crate) struct Running(Child);

impl Running {
    /// Starts a program and waits for the line with `mark`; the address in that line.
    pub(crate) fn start(command: &mut Command, mark: &str) -> anyhow::Result<(Self, String)> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let output = child.stdout.take().context("no output")?;
        let running = Self(child);
        let mut lines = BufReader::new(output).lines();
        while let Some(line) = lines.next().transpose()? {
            if line.contains(mark) {
                let address = line.split_whitespace().find(|word| word.starts_with("http"));
                let address = address.context("no address in the line")?.to_owned();
                // Keep reading, so that the child never blocks on a full pipe.
                std::thread::spawn(move || lines.for_each(drop));
                return Ok((running, address));
            }
        }
        bail!("{command:?} ended before it listened")
    }

    /// Id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Either fails only if the child has ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
