//! Time zones by name.

use std::fmt;
use std::str::FromStr;

use jiff::tz::{TimeZone, TimeZoneDatabase};

/// A time zone of the IANA database, such as `Europe/Berlin` or `UTC`.
///
/// Looked up in the database inside the program, never on the machine: the same name means the same
/// on every machine, and one without `/usr/share/zoneinfo` will do.
#[derive(Clone, PartialEq, Eq)]
pub struct TimeZoneName(TimeZone);

/// A text that names no time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "time zone {0:?} is not known; write a name of the IANA database, such as Europe/Berlin or UTC"
)]
pub struct UnknownTimeZone(
    /// The text, cut off if it is longer than any name.
    pub String,
);

impl TimeZoneName {
    /// Longest text looked up, in bytes; the longest name has 32.
    pub const MAX_LENGTH: usize = 64;

    /// The time zone a text names; letters of either case.
    pub fn parse(text: &str) -> Result<Self, UnknownTimeZone> {
        let text = text.trim();
        let unknown = || UnknownTimeZone(text.chars().take(Self::MAX_LENGTH).collect());
        if text.len() > Self::MAX_LENGTH {
            return Err(unknown());
        }
        let zone = TimeZoneDatabase::bundled().get(text).map_err(|_| unknown())?;
        // The library also knows a zone for "unknown", which no clock shows.
        if zone.iana_name().is_none() { Err(unknown()) } else { Ok(Self(zone)) }
    }

    /// Coordinated universal time.
    #[must_use]
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The name as the database spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The rules of the zone, to show times in it.
    #[must_use]
    pub fn rules(&self) -> &TimeZone {
        &self.0
    }
}

impl FromStr for TimeZoneName {
    type Err = UnknownTimeZone;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for TimeZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for TimeZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TimeZoneName").field(&self.as_str()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_database_is_read_and_written() {
        let mut count = 0;
        for name in TimeZoneDatabase::bundled().available() {
            let name = name.as_str();
            let zone = TimeZoneName::parse(name).unwrap();
            assert_eq!(zone.as_str(), name);
            assert!(name.len() <= TimeZoneName::MAX_LENGTH);
            count += 1;
        }
        assert!(count > 400, "{count}");
    }

    #[test]
    fn case_and_spaces_around_do_not_matter() {
        assert_eq!(TimeZoneName::parse(" europe/BERLIN ").unwrap().as_str(), "Europe/Berlin");
        assert_eq!(TimeZoneName::parse("utc").unwrap(), TimeZoneName::utc());
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "A".repeat(100_000);
        for text in ["", "Berlin", "Etc/Unknown", "UTC+1", "../../etc/passwd", &long] {
            assert!(TimeZoneName::parse(text).is_err(), "{text:.20}");
        }
        assert_eq!(
            TimeZoneName::parse("Berlin").unwrap_err().to_string(),
            "time zone \"Berlin\" is not known; write a name of the IANA database, such as \
             Europe/Berlin or UTC"
        );
        assert!(TimeZoneName::parse(&long).unwrap_err().0.len() <= TimeZoneName::MAX_LENGTH);
    }
}
