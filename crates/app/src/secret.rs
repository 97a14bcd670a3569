//! Passwords: from a file, from standard input or from a prompt, never from an argument.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail};

use crate::key_source::KEY_VARIABLES;

/// Where the password comes from. Without either, it is asked for on the terminal.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct PasswordArguments {
    /// File with the password; one newline at its end does not belong to it
    #[arg(long, value_name = "FILE", conflicts_with = "password_stdin")]
    password_file: Option<PathBuf>,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
}

impl PasswordArguments {
    /// The password, asked for as that of `whose` if need be.
    pub(crate) fn read(&self, whose: &str) -> anyhow::Result<String> {
        match &self.password_file {
            Some(file) => from_file(file),
            None if self.password_stdin => {
                read(io::stdin().lock()).context("reading the password from standard input")
            }
            None => prompt(whose, "--password-file FILE or --password-stdin"),
        }
    }

    /// The password, if it comes from a file or from standard input.
    pub(crate) fn read_if_given(&self) -> anyhow::Result<Option<String>> {
        let is_given = self.password_file.is_some() || self.password_stdin;
        is_given.then(|| self.read("")).transpose()
    }
}

/// Longest password read. Active Directory's limit is 256 characters; a longer file is some
/// other file.
const MAX_PASSWORD_BYTES: u64 = 4096;

/// The password in a file.
pub(crate) fn from_file(file: &Path) -> anyhow::Result<String> {
    File::open(file)
        .map_err(anyhow::Error::from)
        .and_then(read)
        .with_context(|| format!("reading the password from {}", file.display()))
}

fn read(source: impl Read) -> anyhow::Result<String> {
    let mut text = String::new();
    source.take(MAX_PASSWORD_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_PASSWORD_BYTES {
        bail!("it is longer than {MAX_PASSWORD_BYTES} bytes");
    }
    Ok(without_newline(&text).to_owned())
}

fn without_newline(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

/// The password of `whose`, asked for on the terminal; without one, `flags` are what to give.
#[expect(clippy::print_stderr, reason = "a prompt is for the person at the terminal")]
pub(crate) fn prompt(whose: &str, flags: &str) -> anyhow::Result<String> {
    if !io::stdin().is_terminal() {
        bail!("no password of {whose}: give {flags}");
    }
    eprint!("Password of {whose}: ");
    io::stderr().flush()?;
    echo("-echo")?;
    let mut line = String::new();
    let answer = io::stdin().read_line(&mut line);
    echo("echo")?;
    eprintln!();
    answer.context("reading the password")?;
    Ok(without_newline(&line).to_owned())
}

/// A line that may be seen while it is typed: asked for on the terminal, or the next line of standard
/// input; `instead` is what to give where there is neither.
#[expect(clippy::print_stderr, reason = "a prompt is for the person at the terminal")]
pub(crate) fn line(what: &str, instead: &str) -> anyhow::Result<String> {
    if io::stdin().is_terminal() {
        eprint!("{what}: ");
        io::stderr().flush()?;
    }
    let mut line = String::new();
    io::stdin().read_line(&mut line).with_context(|| format!("reading {what}"))?;
    let line = line.trim();
    if line.is_empty() {
        bail!("{what} is missing: give {instead}");
    }
    Ok(line.to_owned())
}

/// Switches what the terminal shows of typing. `stty` is part of every Unix and saves a
/// dependency that speaks to the terminal in unsafe code.
fn echo(mode: &str) -> anyhow::Result<()> {
    let mut stty = Command::new("stty");
    // Nobody but this process is to see the data key.
    for name in KEY_VARIABLES {
        stty.env_remove(name);
    }
    let status = stty.arg(mode).stdin(Stdio::inherit()).status();
    if !status.context("running stty")?.success() {
        bail!("the terminal cannot hide what is typed; use --password-file FILE");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_newline_is_cut_and_no_more() {
        for (content, password) in [
            ("secret", "secret"),
            ("secret\n", "secret"),
            ("secret\r\n", "secret"),
            ("secret\n\n", "secret\n"),
            (" se cret ", " se cret "),
            ("", ""),
        ] {
            assert_eq!(read(content.as_bytes()).unwrap(), password);
        }
    }

    #[test]
    fn a_file_that_is_no_password_is_refused() {
        let long = "x".repeat(5000);
        assert!(read(long.as_bytes()).unwrap_err().to_string().contains("longer than"));
    }
}
