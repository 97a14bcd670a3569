//! When the passes of a connector run.
//!
//! A [`Schedule`] is a rule without a clock: [`Schedule::next`] is told what time it is and when
//! the last pass began, and answers when the next one is due. A time that was missed, because the
//! product was stopped or a pass took long, is made up for once, not once for each miss.

pub mod cron;
pub mod zone;

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

pub use cron::{CronExpression, InvalidCron};
pub use zone::{TimeZoneName, UnknownTimeZone};

/// When a kind of pass runs.
///
/// As text, which is also how it is stored: `24h`, `1h30m`, `cron 0 2 * * 1-5`, `never`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// This much time after the last one began. Elapsed time: a clock change does not move it.
    Every(Interval),
    /// When the wall clock of a time zone shows a time that matches.
    Cron(CronExpression),
    /// Only when somebody asks for it.
    Never,
}

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    /// More than [`Schedule::MAX_LENGTH`] bytes.
    #[error(
        "schedule is longer than {} characters; write 24h, 0 2 * * 1-5 or never",
        Schedule::MAX_LENGTH
    )]
    TooLong,
    /// Neither an interval nor five fields nor `never`.
    #[error(
        "schedule {0:?} is not understood; write an interval such as 24h or 1h30m, five cron fields \
         such as 0 2 * * 1-5, or never"
    )]
    NotUnderstood(String),
    /// An interval shorter or longer than an [`Interval`] may be.
    #[error("interval {0:?} is not from 1 minute to 31 days; write for example 240min, 24h or 7d")]
    IntervalOutOfRange(String),
    /// A cron expression that cannot be used.
    #[error(transparent)]
    Cron(#[from] InvalidCron),
}

impl Schedule {
    /// Longest text, in bytes: a cron expression that lists every minute of the hour fits.
    pub const MAX_LENGTH: usize = 256;

    /// How far ahead of `now` the last run may lie and still be believed. Machines that share a
    /// database differ by less, since Kerberos admits no more.
    pub const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

    /// The schedule a text stands for: an interval of days, hours and minutes (`7d`, `24h`,
    /// `240min`, `1h30m`), a cron expression with or without the word `cron` before it, or `never`.
    pub fn parse(text: &str) -> Result<Self, InvalidSchedule> {
        if text.len() > Self::MAX_LENGTH {
            return Err(InvalidSchedule::TooLong);
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            [word] if word.eq_ignore_ascii_case("never") => Ok(Self::Never),
            [word, fields @ ..] if word.eq_ignore_ascii_case("cron") => {
                Ok(Self::Cron(CronExpression::from_fields(fields)?))
            }
            fields @ [_, _, _, _, _] => Ok(Self::Cron(CronExpression::from_fields(fields)?)),
            _ => Interval::parse(&words.join(" ")).map(Self::Every),
        }
    }

    /// When the next pass is due: never before `now`, and `now` itself if it is due already.
    ///
    /// `last` is when the last pass began; without one, a pass is due now. `None` means that no pass
    /// comes by itself: the schedule is [`Schedule::Never`], or its last time has gone by (cron
    /// expressions are followed up to the year 5000).
    ///
    /// A `last` further ahead of `now` than [`Schedule::CLOCK_TOLERANCE`] was written by a clock
    /// that has been set back since. It says nothing about the time since then, so a pass is due
    /// now; beginning it replaces the wrong time. Otherwise the answer lies after `last`.
    #[must_use]
    pub fn next(
        &self,
        zone: &TimeZoneName,
        last: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let believed = last.filter(|last| last.duration_since(now) <= Self::CLOCK_TOLERANCE);
        let due = match (self, believed) {
            (Self::Never, _) => return None,
            (_, None) => now,
            (Self::Every(interval), Some(last)) => {
                last.checked_add(interval.duration()).unwrap_or(Timestamp::MAX)
            }
            (Self::Cron(expression), Some(last)) => expression.next_after(zone, last)?,
        };
        Some(due.max(now))
    }
}

impl FromStr for Schedule {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(interval) => interval.fmt(f),
            Self::Cron(expression) => write!(f, "cron {expression}"),
            Self::Never => f.write_str("never"),
        }
    }
}

/// A time between two passes: whole minutes, from 1 minute to 31 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    minutes: u32,
}

impl Interval {
    /// Shortest; a pass of the smallest organization takes some seconds.
    pub const MIN: Self = Self { minutes: 1 };
    /// Longest; what is seen less often than once a month is better switched off in so many words.
    pub const MAX: Self = Self { minutes: 31 * MINUTES_PER_DAY };

    /// The interval of so many minutes, if it is from [`Interval::MIN`] to [`Interval::MAX`].
    #[must_use]
    pub fn from_minutes(minutes: u32) -> Option<Self> {
        let interval = Self { minutes };
        (Self::MIN..=Self::MAX).contains(&interval).then_some(interval)
    }

    /// Its length in minutes.
    #[must_use]
    pub fn minutes(self) -> u32 {
        self.minutes
    }

    /// Its length.
    #[must_use]
    pub fn duration(self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.minutes) * 60)
    }

    fn parse(text: &str) -> Result<Self, InvalidSchedule> {
        let minutes =
            read_minutes(text).ok_or_else(|| InvalidSchedule::NotUnderstood(text.to_owned()))?;
        u32::try_from(minutes)
            .ok()
            .and_then(Self::from_minutes)
            .ok_or_else(|| InvalidSchedule::IntervalOutOfRange(text.to_owned()))
    }
}

const MINUTES_PER_HOUR: u32 = 60;
const MINUTES_PER_DAY: u32 = 24 * MINUTES_PER_HOUR;

/// Reads numbers with units, each unit at most once and the greatest first. A number too great to
/// hold counts as the greatest there is.
fn read_minutes(text: &str) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    let (mut total, mut previous, mut rest) = (0_u64, u32::MAX, text);
    while !rest.is_empty() {
        let (digits, tail) = split_while(rest, |c| c.is_ascii_digit());
        let (unit, tail) = split_while(tail.trim_start(), |c| c.is_ascii_alphabetic());
        let unit = match unit.to_ascii_lowercase().as_str() {
            "d" => MINUTES_PER_DAY,
            "h" => MINUTES_PER_HOUR,
            "m" | "min" => 1,
            _ => return None,
        };
        if digits.is_empty() || unit >= previous {
            return None;
        }
        let number: u64 = digits.parse().unwrap_or(u64::MAX);
        total = total.saturating_add(number.saturating_mul(u64::from(unit)));
        (previous, rest) = (unit, tail.trim_start());
    }
    Some(total)
}

fn split_while(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

impl fmt::Display for Interval {
    /// One day is `24h`, as people say it; from two whole days on, days.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.minutes > MINUTES_PER_DAY && self.minutes.is_multiple_of(MINUTES_PER_DAY) {
            return write!(f, "{}d", self.minutes / MINUTES_PER_DAY);
        }
        match (self.minutes / MINUTES_PER_HOUR, self.minutes % MINUTES_PER_HOUR) {
            (0, minutes) => write!(f, "{minutes}min"),
            (hours, 0) => write!(f, "{hours}h"),
            (hours, minutes) => write!(f, "{hours}h{minutes}m"),
        }
    }
}

/// When the passes of one connector run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedules {
    /// Passes that read everything.
    pub full: Schedule,
    /// Passes that read what changed.
    pub delta: Schedule,
    /// Whose wall clock cron expressions mean: the administrator's.
    pub zone: TimeZoneName,
}

impl Default for Schedules {
    /// A full pass every 24 hours, a delta pass every 240 minutes, UTC.
    fn default() -> Self {
        Self {
            full: Schedule::Every(Interval { minutes: MINUTES_PER_DAY }),
            delta: Schedule::Every(Interval { minutes: 240 }),
            zone: TimeZoneName::utc(),
        }
    }
}

#[cfg(test)]
mod tests;
