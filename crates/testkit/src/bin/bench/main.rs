//! What Gatepost costs, measured in one run and printed as ratios.
//!
//! Machines differ and are shared; a ratio of two figures of the same run says more than either.
//! Processor time is read from `/proc`, so this runs on Linux only. `cargo xtask bench` builds
//! everything it needs with the release profile and starts it.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod audit;
mod hosted;
mod measure;
mod parse;
mod programs;
mod rows;
mod sync;
mod what_if;

use anyhow::bail;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A name to ask by, and what is measured.
type Benchmark = (&'static str, fn() -> anyhow::Result<()>);

fn main() -> anyhow::Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let all: [Benchmark; 9] = [
        ("parse", parse::run),
        ("sync", sync::run),
        ("delta", sync::delta),
        ("memory", sync::memory),
        ("upsert", rows::upsert),
        ("list", rows::list),
        ("audit", audit::run),
        ("what-if", what_if::run),
        ("hosted", hosted::run),
    ];
    if let Some(unknown) = wanted.iter().find(|name| all.iter().all(|(known, _)| known != name)) {
        bail!("no benchmark {unknown}; there are: {}", all.map(|(name, _)| name).join(", "));
    }
    for (name, run) in all {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            println!("\n## {name}\n");
            run()?;
        }
    }
    Ok(())
}
