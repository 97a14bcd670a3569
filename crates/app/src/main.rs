//! The binary: everything it does is in the library beside it, where tests can see it.

use std::process::ExitCode;

/// Many small, short-lived texts are what a sync is made of; mimalloc halves their cost and gives
/// memory back afterwards.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    app::run()
}
