//! Times of the wall clock, as cron writes them.

use std::fmt;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::TimeZoneName;

/// Five fields, minute, hour, day, month and weekday, that match at least once.
///
/// The fields are those of cron: `*`, lists, ranges, steps, names of months and weekdays; besides,
/// `L` for the last day, `15W` for the weekday nearest to the 15th, `MON#1` for the first Monday. A
/// day matches if its date *or* its weekday does, unless one of the two fields is `*`.
#[derive(Clone, PartialEq, Eq)]
pub struct CronExpression {
    /// As it was typed, with single spaces.
    text: String,
    cron: Box<Cron>,
}

/// Why a text is no cron expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCron {
    /// Not five fields; seconds, years and `@daily` are not known.
    #[error(
        "cron expression {0:?} does not have five fields; write minute, hour, day, month and \
         weekday, such as 0 2 * * 1-5"
    )]
    NotFiveFields(String),
    /// A field that says nothing.
    #[error("{field} {text:?} of the cron expression is not understood; write {expected}")]
    Field {
        /// Which field.
        field: &'static str,
        /// What was written there.
        text: String,
        /// What could be written there, with an example.
        expected: &'static str,
    },
    /// A day that no month has.
    #[error(
        "cron expression {0:?} names a day that never comes; write one that does, such as \
         0 2 28 * *"
    )]
    NeverMatches(String),
}

impl CronExpression {
    pub(super) fn from_fields(fields: &[&str]) -> Result<Self, InvalidCron> {
        let text = fields.join(" ");
        if fields.len() != FIELDS.len() {
            return Err(InvalidCron::NotFiveFields(text));
        }
        if let Some((field, text)) = FIELDS.iter().zip(fields).find(|(field, f)| !field.reads(f)) {
            return Err(InvalidCron::Field {
                field: field.name,
                text: (*text).to_owned(),
                expected: field.expected,
            });
        }
        let Ok(cron) = parser().parse(&text) else {
            return Err(InvalidCron::NotFiveFields(text));
        };
        // Dates repeat every 400 years and croner looks 3000 years ahead: if it finds none, none
        // comes.
        if cron.find_next_occurrence(&DateTime::constant(2000, 1, 1, 0, 0, 0, 0), true).is_err() {
            return Err(InvalidCron::NeverMatches(text));
        }
        Ok(Self { text, cron: Box::new(cron) })
    }

    /// The five fields, as they were typed, with single spaces between them.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first run after a time, or none up to the year 5000.
    ///
    /// Each time the wall clock could show is one run: if a clock change skips it, the run is at the
    /// first instant after the gap, together with all others that were skipped; if it comes twice,
    /// the run is at the first of the two. So an expression of many times a day rests for the
    /// repeated hour; whoever wants an even pace takes an interval.
    ///
    /// croner by itself does so only for expressions with a single time of day, not for lists and
    /// steps, and gives up at gaps longer than two hours. So it is asked for dates and times without
    /// a zone only, and the zone is applied here.
    pub(super) fn next_after(&self, zone: &TimeZoneName, after: Timestamp) -> Option<Timestamp> {
        let zone = zone.rules();
        let mut wall = zone.to_datetime(after);
        // Goes round more than once only if `after` lies where the clock shows times again that it
        // showed before: those have had their run.
        loop {
            wall = self.cron.find_next_occurrence(&wall, false).ok()?;
            let run = first_instant(zone, wall)?;
            if run > after {
                return Some(run);
            }
        }
    }
}

/// When a clock first shows a time, or first shows a later one if it never shows this one.
fn first_instant(zone: &TimeZone, wall: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(wall).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(wall).ok(),
        AmbiguousOffset::Gap { after, .. } => {
            // Read with the offset that holds after the change, a skipped time lies just before it.
            let before_change = after.to_timestamp(wall).ok()?;
            zone.following(before_change).next().map(|change| change.timestamp())
        }
    }
}

impl fmt::Display for CronExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for CronExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CronExpression").field(&self.text).finish()
    }
}

fn parser() -> CronParser {
    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build()
}

/// One of the five fields.
struct Field {
    name: &'static str,
    expected: &'static str,
    /// What may stand there in letters. croner would take a weekday for a month.
    words: &'static [&'static str],
    /// The expression with this field alone, before and after it.
    around: (&'static str, &'static str),
}

const FIELDS: [Field; 5] = [
    Field {
        name: "minute",
        expected: "0 to 59, a list such as 0,30 or a step such as */15",
        words: &[],
        around: ("", " * * * *"),
    },
    Field {
        name: "hour",
        expected: "0 to 23, a range such as 8-18 or a step such as */4",
        words: &[],
        around: ("* ", " * * *"),
    },
    Field {
        name: "day",
        expected: "1 to 31, * for every day or L for the last of the month",
        words: &["L", "W", "LW"],
        around: ("* * ", " * *"),
    },
    Field {
        name: "month",
        expected: "1 to 12, a name such as JAN or * for every month",
        words: &[
            "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
        ],
        around: ("* * * ", " *"),
    },
    Field {
        name: "weekday",
        expected: "0 to 7 (Sunday is 0 and 7), a range such as MON-FRI or * for every day",
        words: &["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN", "L"],
        around: ("* * * * ", ""),
    },
];

impl Field {
    fn reads(&self, text: &str) -> bool {
        // croner's sign for "date and weekday" is left out: no other cron knows it.
        let letters = text
            .split(|c: char| !c.is_ascii_alphabetic())
            .filter(|word| !word.is_empty())
            .all(|word| self.words.iter().any(|known| known.eq_ignore_ascii_case(word)));
        let (before, after) = self.around;
        letters && !text.contains('+') && parser().parse(&format!("{before}{text}{after}")).is_ok()
    }
}
