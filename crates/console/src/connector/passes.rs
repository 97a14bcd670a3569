//! Passes as rows of a table, and how long they took as bars.

use domain::{
    Timestamp,
    pass::{Pass, PassKind, PassOutcome},
};

use crate::words;

pub(super) struct PassRow {
    pub(super) began: String,
    pub(super) kind: &'static str,
    pub(super) outcome: &'static str,
    pub(super) tone: &'static str,
    pub(super) took: String,
    pub(super) counts: Vec<(&'static str, String)>,
}

impl PassRow {
    pub(super) fn new(pass: &Pass, now: Timestamp) -> Self {
        let counts = &pass.counts;
        let (outcome, tone) = match pass.outcome {
            None => ("running", "discovery"),
            Some(PassOutcome::Complete) => ("complete", "allowed"),
            Some(PassOutcome::Incomplete) => ("incomplete", "quarantined"),
            Some(PassOutcome::Failed) => ("failed", "blocked"),
        };
        let took = words::took(milliseconds(pass, now));
        let took = if pass.finished.is_some() { took } else { format!("{took} so far") };
        let delayed = i64::try_from(pass.cost.delayed_ms).unwrap_or(i64::MAX);
        Self {
            began: words::time(Some(pass.started), now, ""),
            kind: pass.kind.word(),
            outcome,
            tone,
            took,
            counts: vec![
                ("Devices", words::number(counts.devices)),
                ("New", words::number(counts.added)),
                ("Changed", words::number(counts.changed)),
                ("Gone", words::number(counts.gone)),
                ("Skipped", words::number(counts.skipped)),
                ("Not understood", words::number(counts.poisoned)),
                ("Statistics", words::number(counts.statistics)),
                ("Cmdlets", words::number(pass.cost.cmdlets)),
                ("Delayed", if delayed > 0 { words::took(delayed) } else { "none".to_owned() }),
            ],
        }
    }
}

fn milliseconds(pass: &Pass, now: Timestamp) -> i64 {
    let until = pass.finished.unwrap_or(now);
    (until.as_millisecond() - pass.started.as_millisecond()).max(0)
}

/// Bars of one width beside each other, the oldest first. Lengths are in units of the drawing.
pub(super) struct Chart {
    pub(super) bars: Vec<Bar>,
    pub(super) width: usize,
    /// The longest, in words.
    pub(super) longest: String,
    pub(super) description: String,
}

pub(super) struct Bar {
    pub(super) x: usize,
    pub(super) y: i64,
    pub(super) height: i64,
    /// `full allowed`: kind and colour.
    pub(super) class: String,
    /// For the pointer; the table says the same.
    pub(super) title: String,
}

/// Height of the drawing.
const HEIGHT: i64 = 96;
/// A bar and the gap after it.
const STEP: usize = 24;
/// Fewer than that are read faster in the table.
const FEWEST: usize = 2;

impl Chart {
    /// `passes` come with the newest first.
    pub(super) fn new(passes: &[Pass], now: Timestamp) -> Option<Self> {
        let ended: Vec<&Pass> =
            passes.iter().rev().filter(|pass| pass.finished.is_some()).collect();
        if ended.len() < FEWEST {
            return None;
        }
        let longest = ended.iter().map(|pass| milliseconds(pass, now)).max().unwrap_or_default();
        let bars = ended.iter().enumerate().map(|(at, pass)| {
            let took = milliseconds(pass, now);
            // The shortest still shows.
            let height = (took * HEIGHT / longest.max(1)).clamp(2, HEIGHT);
            let row = PassRow::new(pass, now);
            Bar {
                x: at * STEP,
                y: HEIGHT - height,
                height,
                class: format!("{} {}", row.kind, row.tone),
                title: format!(
                    "{} sync, {}: {}, {}",
                    words::sentence_start(row.kind),
                    words::relative(pass.started, now),
                    row.outcome,
                    row.took
                ),
            }
        });
        let full = ended.iter().filter(|pass| pass.kind == PassKind::Full).count();
        let description = format!(
            "{} full and {} delta passes, the oldest first; the longest took {}. The table below \
             has the numbers.",
            full,
            ended.len() - full,
            words::took(longest)
        );
        Some(Self {
            bars: bars.collect(),
            width: ended.len() * STEP,
            longest: words::took(longest),
            description,
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        ConnectorId, PassId,
        pass::{PassCost, PassCounts},
    };
    use jiff::SignedDuration;

    use super::*;

    fn pass(kind: PassKind, seconds: i64) -> Pass {
        let started = Timestamp::UNIX_EPOCH;
        Pass {
            id: PassId(Default::default()),
            connector: ConnectorId(Default::default()),
            kind,
            started,
            finished: Some(started + SignedDuration::from_secs(seconds)),
            outcome: Some(PassOutcome::Complete),
            counts: PassCounts::default(),
            cost: PassCost::default(),
            endpoint: None,
        }
    }

    #[test]
    fn bars_are_as_long_as_passes_took() {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1);
        let passes =
            [pass(PassKind::Delta, 0), pass(PassKind::Delta, 50), pass(PassKind::Full, 100)];
        let chart = Chart::new(&passes, now).unwrap();
        let heights: Vec<i64> = chart.bars.iter().map(|bar| bar.height).collect();
        assert_eq!(heights, [HEIGHT, HEIGHT / 2, 2]);
        assert!(chart.bars.iter().all(|bar| bar.y + bar.height == HEIGHT));
        assert_eq!(chart.bars[0].class, "full allowed");
        assert!(chart.description.starts_with("1 full and 2 delta passes"));
        assert!(Chart::new(&passes[..1], now).is_none());
    }
}
