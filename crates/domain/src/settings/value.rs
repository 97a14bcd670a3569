//! What a setting takes, and how that is written.

use super::Generation;

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Yes or no.
    Flag,
    /// A whole number.
    Number {
        /// The smallest.
        from: i64,
        /// The largest.
        to: i64,
        /// What else it may be, instead of a number.
        or: Option<InsteadOfNumber>,
    },
    /// A time, or no limit.
    Span {
        /// The shortest, in seconds; the second for Exchange 2010.
        from: [i64; 2],
        /// The longest, in seconds.
        to: i64,
        /// What a number alone means.
        unit: Unit,
    },
    /// A size, or no limit. A number alone means kilobytes.
    Size {
        /// The largest, in bytes; the second for Exchange 2010.
        to: [i64; 2],
        /// Whether Exchange 2010 counts in whole kilobytes.
        is_in_kilobytes_of_old: bool,
    },
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// Several texts, in no order.
    Texts,
}

/// What a number may be instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsteadOfNumber {
    /// No limit.
    Unlimited,
    /// Nothing.
    Unset,
}

/// What a number alone means where a time is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Minutes.
    Minutes,
    /// Hours.
    Hours,
    /// Days of 24 hours.
    Days,
}

/// What a setting is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingValue {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A time in seconds.
    Seconds(i64),
    /// A size in bytes.
    Bytes(i64),
    /// One of the words that the setting takes, or another word of Exchange's.
    Choice(String),
    /// Several texts, sorted, none twice.
    Texts(Vec<String>),
    /// No limit.
    Unlimited,
    /// Nothing.
    Unset,
}

/// Why a text is no value of a setting: what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct InvalidValue {
    /// What was written.
    pub text: String,
    /// What the setting takes.
    pub expected: String,
}

const MOST_TEXTS: usize = 1_000;
const LONGEST_TEXT: usize = 1_024;

impl SettingValue {
    /// Several texts, sorted, none twice.
    #[must_use]
    pub fn texts(mut texts: Vec<String>) -> Self {
        texts.sort_by_key(|text| text.to_lowercase());
        texts.dedup_by(|one, other| one.to_lowercase() == other.to_lowercase());
        Self::Texts(texts)
    }

    /// Whether both mean the same: Exchange compares texts without regard to case.
    #[must_use]
    pub fn means(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Texts(one), Self::Texts(other)) => {
                one.len() == other.len()
                    && one.iter().zip(other).all(|(a, b)| a.to_lowercase() == b.to_lowercase())
            }
            _ => self == other,
        }
    }
}

impl std::fmt::Display for SettingValue {
    /// As it is written in files and forms: `true`, `4`, `15min`, `10MB`, `unlimited`. Several texts
    /// are joined by commas.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let largest = |f: &mut std::fmt::Formatter<'_>, number: i64, units: &[(i64, &str)]| {
            let fits = |unit: &&(i64, &str)| number != 0 && number % unit.0 == 0;
            let (size, unit) = units.iter().find(fits).unwrap_or(&units[units.len() - 1]);
            write!(f, "{}{unit}", number / size)
        };
        match self {
            Self::Flag(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Seconds(seconds) => largest(f, *seconds, &SPANS),
            Self::Bytes(bytes) => largest(f, *bytes, &SIZES),
            Self::Choice(word) => f.write_str(word),
            Self::Texts(texts) => f.write_str(&texts.join(", ")),
            Self::Unlimited => f.write_str(UNLIMITED),
            Self::Unset => f.write_str(UNSET),
        }
    }
}

const UNLIMITED: &str = "unlimited";
const UNSET: &str = "none";
/// Units that are written, the largest first. Another spelling is read.
const SPANS: [(i64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
const SIZES: [(i64, &str); 4] = [(1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB"), (1, "B")];

impl Unit {
    const fn seconds(self) -> i64 {
        match self {
            Self::Minutes => 60,
            Self::Hours => 3_600,
            Self::Days => 86_400,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Minutes => "minutes",
            Self::Hours => "hours",
            Self::Days => "days",
        }
    }
}

impl Kind {
    /// The value a text stands for.
    ///
    /// # Errors
    /// What was expected instead. A value that only one generation of Exchange refuses passes:
    /// see [`Kind::suits`].
    pub fn parse(self, text: &str) -> Result<SettingValue, InvalidValue> {
        let text = text.trim();
        let value = match self {
            Self::Flag => match text {
                "true" => Some(SettingValue::Flag(true)),
                "false" => Some(SettingValue::Flag(false)),
                _ => None,
            },
            Self::Number { or, .. } => match (text, or) {
                (UNLIMITED, Some(InsteadOfNumber::Unlimited)) => Some(SettingValue::Unlimited),
                (UNSET, Some(InsteadOfNumber::Unset)) => Some(SettingValue::Unset),
                _ => text.parse().ok().map(SettingValue::Number),
            },
            Self::Span { .. } | Self::Size { .. } if text == UNLIMITED => {
                Some(SettingValue::Unlimited)
            }
            Self::Span { unit, .. } => {
                measured(text, &SPANS, unit.seconds()).map(SettingValue::Seconds)
            }
            Self::Size { .. } => measured(text, &SIZES, 1 << 10).map(SettingValue::Bytes),
            Self::Choice(words) => words
                .iter()
                .find(|word| word.eq_ignore_ascii_case(text))
                .map(|word| SettingValue::Choice((*word).to_owned())),
            Self::Texts => Some(SettingValue::texts(
                text.split(',')
                    .map(str::trim)
                    .filter(|text| !text.is_empty())
                    .map(str::to_owned)
                    .collect(),
            )),
        };
        let fits = |value: &SettingValue| {
            [Generation::Since2013, Generation::Of2010]
                .into_iter()
                .any(|generation| self.takes(value, generation))
        };
        value.filter(fits).ok_or_else(|| self.invalid(text, None))
    }

    /// Whether a generation of Exchange takes a value.
    ///
    /// # Errors
    /// What it takes.
    pub fn suits(self, value: &SettingValue, generation: Generation) -> Result<(), InvalidValue> {
        if self.takes(value, generation) {
            Ok(())
        } else {
            Err(self.invalid(&value.to_string(), Some(generation)))
        }
    }

    fn takes(self, value: &SettingValue, generation: Generation) -> bool {
        let index = usize::from(generation == Generation::Of2010);
        match (self, value) {
            (Self::Flag, SettingValue::Flag(_)) => true,
            (Self::Number { from, to, .. }, SettingValue::Number(number)) => {
                (from..=to).contains(number)
            }
            (Self::Number { or, .. }, SettingValue::Unlimited) => {
                or == Some(InsteadOfNumber::Unlimited)
            }
            (Self::Number { or, .. }, SettingValue::Unset) => or == Some(InsteadOfNumber::Unset),
            (Self::Span { from, to, .. }, SettingValue::Seconds(seconds)) => {
                (from[index]..=to).contains(seconds)
            }
            (Self::Size { to, is_in_kilobytes_of_old }, SettingValue::Bytes(bytes)) => {
                let counts = !is_in_kilobytes_of_old || index == 0 || bytes % 1_024 == 0;
                (0..=to[index]).contains(bytes) && counts
            }
            (Self::Span { .. } | Self::Size { .. }, SettingValue::Unlimited) => true,
            (Self::Choice(words), SettingValue::Choice(word)) => words.contains(&word.as_str()),
            (Self::Texts, SettingValue::Texts(texts)) => {
                texts.len() <= MOST_TEXTS
                    && texts.iter().all(|text| !text.is_empty() && text.len() <= LONGEST_TEXT)
            }
            _ => false,
        }
    }

    fn invalid(self, text: &str, generation: Option<Generation>) -> InvalidValue {
        let expected = match generation {
            Some(Generation::Of2010) => format!("{}, as Exchange 2010 takes it", self.expected(1)),
            _ => self.expected(0),
        };
        InvalidValue { text: text.to_owned(), expected }
    }

    /// What it takes, in words.
    #[must_use]
    pub fn expectation(self, generation: Generation) -> String {
        self.expected(usize::from(generation == Generation::Of2010))
    }

    fn expected(self, index: usize) -> String {
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Number { from, to, or } => {
                let or = match or {
                    Some(InsteadOfNumber::Unlimited) => " or unlimited",
                    Some(InsteadOfNumber::Unset) => " or none",
                    None => "",
                };
                format!("a number from {from} to {to}{or}")
            }
            Self::Span { from, to, unit } => {
                let (from, to) = (SettingValue::Seconds(from[index]), SettingValue::Seconds(to));
                let unit = unit.name();
                format!("a time from {from} to {to} (a number alone means {unit}) or unlimited")
            }
            Self::Size { to, is_in_kilobytes_of_old } => {
                let whole =
                    if is_in_kilobytes_of_old && index == 1 { "whole kilobytes " } else { "" };
                let to = SettingValue::Bytes(to[index]);
                format!("{whole}up to {to} (a number alone means KB) or unlimited")
            }
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Texts => {
                format!("a list of at most {MOST_TEXTS} texts of at most {LONGEST_TEXT} bytes")
            }
        }
    }
}

/// `15min`, `15 min`, `90d`, or a number alone.
fn measured(text: &str, units: &[(i64, &str)], alone: i64) -> Option<i64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim();
    let size = if unit.is_empty() {
        alone
    } else {
        // A single m cannot be mistaken: nothing here is counted in months.
        let unit = if unit == "m" { "min" } else { unit };
        units.iter().find(|(_, known)| known.eq_ignore_ascii_case(unit))?.0
    };
    number.parse::<i64>().ok()?.checked_mul(size)
}
