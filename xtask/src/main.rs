//! Every chore of the workspace, in Rust: `cargo xtask` lists them, `cargo xtask ci` runs them all.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to its person")]

mod bench;
mod ci;
mod corpus;
mod deny;
mod e2e;
mod edges;
mod fuzz;
mod interop;
mod process;
mod setup;

use std::{path::PathBuf, process::ExitCode};

const HELP: &str = "\
cargo xtask CHORE

  ci             everything that must hold before a change lands, in this order:
                 setup, fmt, edges, clippy, doc, test, snapshots, deny, corpus, interop, e2e, fuzz
  setup          install the system packages the chores need (Debian, as root)
  fmt            format check
  edges          which of our packages may depend on which
  clippy         lints, warnings denied, default build and `gssapi`
  doc            documentation, warnings denied
  test           all tests (cargo-nextest where it is installed) and the doc tests of `libs`
  snapshots      nothing generated differs from what is checked in
  deny           licences, banned crates, sources
  corpus [DIR]   read every recorded document below DIR without loss (default: ../shared/corpus)
  interop        independent clients and servers against ours
  e2e            the console in a browser
  fuzz [SECONDS] each fuzz target for so long (default 15)
  bench [NAME]   measure, print ratios: docs/benchmarks.md says how to read them
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let chore = arguments.first().map_or("", String::as_str);
    let rest = arguments.get(1..).unwrap_or_default();
    let outcome = match chore {
        "ci" => ci::run(),
        "setup" => setup::run(),
        "fmt" => ci::fmt(),
        "edges" => edges::run(),
        "clippy" => ci::clippy(),
        "doc" => ci::doc(),
        "test" => ci::test(),
        "snapshots" => ci::snapshots(),
        "deny" => deny::run(),
        "corpus" => {
            corpus::run(&rest.first().map_or_else(|| PathBuf::from(ci::CORPUS), PathBuf::from))
        }
        "interop" => interop::run(),
        "e2e" => e2e::run(),
        "fuzz" => fuzz::run(rest.first().map(String::as_str)),
        "bench" => bench::run(rest),
        _ => {
            println!("{HELP}");
            return if chore.is_empty() || chore == "help" {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(2)
            };
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{chore}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
