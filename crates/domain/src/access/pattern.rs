//! Rules as people write them: exact values, patterns and ranges of versions.
//!
//! ```text
//! iOS 15.4 19E241          the value, to the letter but for its case
//! "Nine*"                  in quotes: the value, whatever stands in it (\" and \\ inside)
//! SM-*   SM-G99?B          a pattern: * is any text, ? any one character, \* an asterisk
//! iOS < 17.4               a range, of operating systems only: <, <=, > and >=, or two of them
//! Android >= 8 < 12
//! ```
//!
//! A range compares versions number by number, `17.4` as `17.4.0`; what follows the version, a build
//! say, is ignored, and what has no version is in no range. Characters that other pattern languages
//! know (`[ ] { } | ^ $ %`) are refused outside of quotes, unless a `\` stands before them: somebody
//! who writes them means more than we would do.

mod glob;
mod parse;
mod version;

use std::fmt;

use super::{AccessLevel, AccessRule, Characteristic, fold};
use glob::Glob;
pub use parse::SelectorError;
use version::Range;

/// A rule as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenRule {
    /// Which values.
    pub selector: Selector,
    /// What happens to devices that have them.
    pub level: AccessLevel,
}

/// Which values of a characteristic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    characteristic: Characteristic,
    values: Values,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Values {
    Exact(String),
    Glob(Glob),
    Range(Range),
}

impl Selector {
    /// Longest selector, in bytes: user agents are long, and nothing else is.
    pub const MAX_LENGTH: usize = 1_024;

    /// One value, whatever stands in it. `None` if it is empty: no device has an empty value.
    #[must_use]
    pub fn exact(characteristic: Characteristic, value: &str) -> Option<Self> {
        let values = Values::Exact(value.to_owned());
        (!value.is_empty()).then_some(Self { characteristic, values })
    }

    /// What a text of a file or a form stands for.
    pub fn parse(characteristic: Characteristic, text: &str) -> Result<Self, SelectorError> {
        parse::values(characteristic, text).map(|values| Self { characteristic, values })
    }

    /// What it looks at.
    #[must_use]
    pub const fn characteristic(&self) -> Characteristic {
        self.characteristic
    }

    /// Whether it is one value, as Exchange's own rules are.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        matches!(self.values, Values::Exact(_))
    }

    /// The value of an exact one.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        match &self.values {
            Values::Exact(value) => Some(value),
            Values::Glob(_) | Values::Range(_) => None,
        }
    }

    /// Whether a value is among those meant, without regard to case.
    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        self.fits(&fold(value))
    }

    /// [`Self::matches`] of a value whose case was folded.
    pub(super) fn fits(&self, folded: &str) -> bool {
        match &self.values {
            Values::Exact(value) => fold(value) == folded,
            Values::Glob(glob) => glob.fits(folded),
            Values::Range(range) => range.fits(folded),
        }
    }

    /// What every folded value among those meant begins with.
    pub(super) fn prefix(&self) -> String {
        match &self.values {
            Values::Exact(value) => fold(value),
            Values::Glob(glob) => glob.prefix(),
            Values::Range(range) => range.prefix().to_owned(),
        }
    }
}

/// The text that [`Selector::parse`] reads back.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.values {
            Values::Exact(value) => {
                let bare = parse::values(self.characteristic, value);
                match bare {
                    Ok(Values::Exact(read)) if read == *value => f.write_str(value),
                    _ => write!(f, "\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
                }
            }
            Values::Glob(glob) => glob.print(f, self.characteristic),
            Values::Range(range) => range.print(f, self.characteristic),
        }
    }
}

/// As a file has it: `os: iOS < 17.4`.
impl fmt::Display for WrittenRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.selector.characteristic, self.selector)
    }
}

impl WrittenRule {
    /// A rule of Exchange's as it would be written. `None` if its value is empty.
    #[must_use]
    pub fn of(rule: &AccessRule) -> Option<Self> {
        let selector = Selector::exact(rule.characteristic, &rule.value)?;
        Some(Self { selector, level: rule.level })
    }
}
