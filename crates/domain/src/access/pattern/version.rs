//! Ranges of versions: `iOS >= 15 < 16`.

use std::{cmp::Ordering, fmt};

use super::parse::escaped;
use crate::access::{Characteristic, fold};

/// Versions of one operating system between bounds, at least one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    name: String,
    folded_name: String,
    lower: Option<Bound>,
    upper: Option<Bound>,
}

/// One end of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) version: Version,
    pub(super) is_included: bool,
}

/// Numbers with dots between them, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version(Vec<u64>);

impl Version {
    /// Most numbers of a version: more is something else.
    const MOST_PARTS: usize = 8;

    /// The version of a whole text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::leading(text).and_then(|(version, rest)| rest.is_empty().then_some(version))
    }

    /// The version that a text begins with, and what follows. A number with a letter right after it
    /// is a build, not a version.
    fn leading(text: &str) -> Option<(Self, &str)> {
        let mut parts = Vec::new();
        let mut rest = text;
        loop {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (number, after) = rest.split_at(digits);
            parts.push(number.parse().ok()?);
            rest = after;
            let next =
                after.strip_prefix('.').filter(|it| it.starts_with(|c: char| c.is_ascii_digit()));
            match next {
                Some(next) if parts.len() < Self::MOST_PARTS => rest = next,
                Some(_) => return None,
                None => break,
            }
        }
        (!rest.starts_with(char::is_alphanumeric)).then_some((Self(parts), rest))
    }

    /// Number by number; a number that is missing is zero.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let part = |version: &Self, index| version.0.get(index).copied().unwrap_or(0);
        let length = self.0.len().max(other.0.len());
        let orders = (0..length).map(|index| part(self, index).cmp(&part(other, index)));
        orders.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

impl Bound {
    fn admits(&self, order: Ordering, wanted: Ordering) -> bool {
        order == wanted || (self.is_included && order.is_eq())
    }
}

impl Range {
    /// `None` if no version lies between the bounds.
    pub(super) fn new(name: &str, lower: Option<Bound>, upper: Option<Bound>) -> Option<Self> {
        if let (Some(lower), Some(upper)) = (&lower, &upper) {
            let is_one_included = lower.is_included && upper.is_included;
            match lower.version.compare(&upper.version) {
                Ordering::Greater => return None,
                Ordering::Equal if !is_one_included => return None,
                _ => {}
            }
        }
        Some(Self { name: name.to_owned(), folded_name: fold(name), lower, upper })
    }

    pub(super) fn prefix(&self) -> &str {
        &self.folded_name
    }

    /// Whether a folded text is the name with a version between the bounds.
    pub(super) fn fits(&self, text: &str) -> bool {
        let Some(after) = text.strip_prefix(self.folded_name.as_str()) else { return false };
        let rest = after.trim_start();
        // `Windows 1 < 5` is not about Windows 10.
        let is_cut = after.len() == rest.len() && self.name.ends_with(|c: char| c.is_ascii_digit());
        let Some((version, _)) = Version::leading(rest).filter(|_| !is_cut) else { return false };
        let is_admitted = |bound: &Option<Bound>, wanted| {
            bound.as_ref().is_none_or(|it| it.admits(version.compare(&it.version), wanted))
        };
        is_admitted(&self.lower, Ordering::Greater) && is_admitted(&self.upper, Ordering::Less)
    }

    pub(super) fn print(
        &self,
        f: &mut fmt::Formatter<'_>,
        characteristic: Characteristic,
    ) -> fmt::Result {
        for letter in self.name.chars() {
            f.write_str(&escaped(letter, characteristic))?;
        }
        for (sign, bound) in [(">", &self.lower), ("<", &self.upper)] {
            if let Some(Bound { version, is_included }) = bound {
                let or_equal = if *is_included { "=" } else { "" };
                write!(f, " {sign}{or_equal} {version}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(u64::to_string).collect();
        f.write_str(&parts.join("."))
    }
}
