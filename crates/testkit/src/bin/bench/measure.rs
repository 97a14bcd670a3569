//! Processor time and memory of a process, from `/proc`.

use std::{fs, time::Duration};

use anyhow::Context as _;

/// What `/proc` counts processor time in: Linux fixes it at a hundredth of a second.
const TICK: Duration = Duration::from_millis(10);

/// Processor time that a process has used, in user and in kernel.
pub(crate) fn processor_time(process: u32) -> anyhow::Result<Duration> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field is the program's name in parentheses and may hold blanks.
    let (_, fields) = text.rsplit_once(')').context("/proc/…/stat has no name")?;
    let ticks: u32 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u32>)
        .sum::<Result<u32, _>>()?;
    Ok(TICK * ticks)
}

/// Most memory a process has held, in bytes, since it began or since [`forget_peak`].
pub(crate) fn peak_memory(process: u32) -> anyhow::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1024)
}

/// Makes [`peak_memory`] of this process start again from what it holds now.
pub(crate) fn forget_peak() -> anyhow::Result<()> {
    Ok(fs::write("/proc/self/clear_refs", "5")?)
}

/// Processor time that this process uses for `work`, and what the work gives.
pub(crate) fn timed<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(Duration, T)> {
    let before = processor_time(std::process::id())?;
    let value = work()?;
    Ok((processor_time(std::process::id())?.saturating_sub(before), value))
}

/// Megabytes (10^6 bytes).
pub(crate) fn megabytes(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a figure for a person")]
    let bytes = bytes as f64;
    bytes / 1e6
}

/// So many per second.
pub(crate) fn per_second(count: u64, time: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a figure for a person")]
    let count = count as f64;
    count / time.as_secs_f64().max(0.001)
}
