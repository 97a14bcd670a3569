//! The command line described: completions, manual pages and the reference of the guide.

use std::{fmt::Write as _, io, path::PathBuf};

use anyhow::Context as _;
use clap::{Command, CommandFactory as _};

use super::{Cli, Exit};

#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArguments {
    /// Which shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ManArguments {
    /// Write a page for each verb into this directory, in place of printing the first
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

pub(crate) fn completions(arguments: &CompletionsArguments) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "gatepost", &mut script);
    io::Write::write_all(&mut io::stdout().lock(), &script)?;
    Ok(Exit::Done)
}

pub(crate) fn man(arguments: &ManArguments) -> anyhow::Result<Exit> {
    if let Some(directory) = &arguments.directory {
        clap_mangen::generate_to(Cli::command(), directory)
            .with_context(|| format!("writing manual pages into {}", directory.display()))?;
    } else {
        clap_mangen::Man::new(Cli::command()).render(&mut io::stdout().lock())?;
    }
    Ok(Exit::Done)
}

/// The reference of the guide: every verb with its help text, as Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut text = "# Command line\n\n\
        Made from the program itself by a test; `gatepost VERB --help` prints the same.\n\n\
        Every verb that speaks to a server takes `--data DIR` for a server on this machine, or\n\
        `--server URL` with `--token-file FILE`. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 differences\n\
        found (`plan`, `drift`, `rollback`), 4 done for some alone, 5 waits for a second person, 6 refused by\n\
        a guard or for lack of permission.\n"
        .to_owned();
    let mut command = Cli::command().term_width(100);
    command.build();
    describe(&mut text, &mut command, "gatepost");
    text
}

fn describe(text: &mut String, command: &mut Command, path: &str) {
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    // Writing into a String cannot fail.
    let _ = write!(text, "\n## `{path}`\n\n```text\n{}\n```\n", help.join("\n").trim_end());
    for verb in command.get_subcommands_mut().filter(|verb| verb.get_name() != "help") {
        let path = format!("{path} {}", verb.get_name());
        describe(text, verb, &path);
    }
}
