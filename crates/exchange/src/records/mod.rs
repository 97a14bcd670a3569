//! From Exchange's objects to the domain's words, for both families of names.
//!
//! Text is kept to the letter. Words of an enum that are not known, and properties that have no
//! field, are kept by name and text: nothing that Exchange says is lost, and nothing it says fails.

mod device;
mod mailbox;
mod server;
mod statistics;

use domain::{DistinguishedName, Timestamp};
use jiff::{civil, tz::TimeZone};

pub use device::device;
pub(crate) use mailbox::PROPERTIES as MAILBOX_PROPERTIES;
pub use mailbox::mailbox;
pub use server::server;
pub use statistics::{satisfies_policy, statistics};

use crate::{Object, Value};

/// Why an object is not what it should be. Such an object fails alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A device that could not be named in a write.
    #[error("device {0} has no GUID")]
    NoGuid(String),
    /// A mailbox or server that nothing can be joined with.
    #[error("{0} has no distinguished name")]
    NoName(String),
}

/// Never kept, and not asked for where that can be helped. A recovery password unlocks a phone, even
/// a masked one is not wanted. Which domain controller happened to answer would make every device
/// look changed. The others say again what another property says, or the same of every object.
const LEFT_OUT: [&str; 11] = [
    "AdminDisplayName",
    "ExchangeVersion",
    "Id",
    "IsValid",
    "Name",
    "ObjectCategory",
    "ObjectClass",
    "ObjectState",
    "OrganizationId",
    "OriginatingServer",
    "RecoveryPassword",
];
/// Of statistics moreover: what the list of devices says of them, and a report that is asked for
/// elsewhere.
const LEFT_OUT_OF_STATISTICS: [&str; 16] = [
    "ClientType",
    "ClientVersion",
    "DeviceAccessControlRule",
    "DeviceAccessState",
    "DeviceAccessStateReason",
    "DeviceActiveSyncVersion",
    "DeviceFriendlyName",
    "DeviceImei",
    "DeviceMobileOperator",
    "DeviceModel",
    "DeviceOS",
    "DeviceOSLanguage",
    "DevicePhoneNumber",
    "DeviceType",
    "DeviceUserAgent",
    "MailboxLogReport",
];

/// Whether anything is made of a property, known or not. What is not wanted need not be sent.
pub(crate) fn is_wanted(kind: Kind, property: &str) -> bool {
    let is_in = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(property));
    match kind {
        Kind::Device => !is_in(&LEFT_OUT),
        Kind::Statistics => !is_in(&LEFT_OUT) && !is_in(&LEFT_OUT_OF_STATISTICS),
    }
}

/// Which record keeps properties that it has no field for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Device,
    Statistics,
}

/// Properties by the first of several spellings.
struct Properties(Object);

impl Properties {
    fn text(&mut self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.0.take(name)?.into_text())
    }

    fn time(&mut self, names: &[&str]) -> Option<Timestamp> {
        names.iter().find_map(|name| {
            let at = self.peek_time(name)?;
            self.0.take(name);
            Some(at)
        })
    }

    /// A time that stays where it is, as what is no time does.
    fn peek_time(&self, name: &str) -> Option<Timestamp> {
        match self.0.get(name)? {
            Value::Time(text) | Value::Text(text) => time(text),
            _ => None,
        }
    }

    /// A time that Exchange tells twice, in UTC and in the server's own zone.
    fn time_of(&mut self, utc: &str, local: &str) -> Option<Timestamp> {
        let (utc, local) = (self.time(&[utc]), self.time(&[local]));
        utc.or(local)
    }

    /// The name of what is referred to: its own, else the first part of its distinguished name,
    /// else the text, which may be a path; see [`last_part`]. Names of rules hold slashes.
    fn name(&mut self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| match self.0.take(name)? {
            Value::Reference(reference) => {
                let name = reference.name.filter(|name| !name.is_empty());
                let first_part = || {
                    DistinguishedName::parse(reference.distinguished_name.as_deref()?)?
                        .first_value()
                };
                name.or_else(first_part).or(reference.text)
            }
            other => other.into_text(),
        })
    }

    fn distinguished_name(&mut self) -> Option<DistinguishedName> {
        if let Some(text) = self.text(&["DistinguishedName"]) {
            return DistinguishedName::parse(&text);
        }
        match self.0.get("Identity") {
            Some(Value::Reference(reference)) => {
                DistinguishedName::parse(reference.distinguished_name.as_deref()?)
            }
            Some(Value::Text(text)) => DistinguishedName::parse(text),
            _ => None,
        }
    }

    /// Everything that is left and wanted, by name and text.
    fn rest(self, kind: Kind) -> Vec<(String, String)> {
        let fields = self.0.fields.into_iter();
        fields
            .filter(
                |(_, value)| !matches!(value, Value::Time(text) if text.starts_with(UNSET_YEAR)),
            )
            .filter(|(name, _)| is_wanted(kind, name))
            .filter_map(|(name, value)| Some((name.to_string(), value.into_text()?)))
            .collect()
    }

    fn what(&self) -> String {
        let named = self.0.first(&["Identity", "Name", "DeviceId", "DeviceID"]);
        named.and_then(Value::text).or_else(|| self.0.text.clone()).unwrap_or_default()
    }
}

/// `Default` of `contoso.com/Configuration/…/Default`.
fn last_part(path: &str) -> &str {
    path.rsplit('/').next().filter(|part| !part.is_empty()).unwrap_or(path)
}

/// A time as Exchange writes it: with an offset, or without one and then in UTC. The year 1 means
/// that there is none.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let at = text.parse::<Timestamp>().ok().or_else(|| {
        let civil: civil::DateTime = text.parse().ok()?;
        civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })?;
    let is_set = at.as_second() > UNSET_BEFORE_SECOND;
    is_set.then_some(at)
}

/// Times of this year say that there is none.
const UNSET_YEAR: &str = "0001-";

/// 0002-01-01: whatever the offset, no time of the year 1 is after it, and no device is older.
const UNSET_BEFORE_SECOND: i64 = -62_104_060_800;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_form() {
        for (text, expected) in [
            ("2021-09-28T09:53:39-07:00", "2021-09-28T16:53:39Z"),
            ("2021-09-28T16:53:39Z", "2021-09-28T16:53:39Z"),
            ("2021-09-28T16:53:39.1234567Z", "2021-09-28T16:53:39.1234567Z"),
            ("2021-09-28T16:53:39", "2021-09-28T16:53:39Z"),
            ("2021-09-28T16:53:39.5+08:00", "2021-09-28T08:53:39.5Z"),
        ] {
            assert_eq!(time(text).unwrap().to_string(), expected, "{text}");
        }
        for none in
            ["0001-01-01T00:00:00", "0001-01-01T00:00:00Z", "", "soon", "10000-01-01T00:00:00"]
        {
            assert_eq!(time(none), None, "{none}");
        }
    }

    #[test]
    fn the_last_part_of_a_path() {
        assert_eq!(last_part("contoso.com/Configuration/Default"), "Default");
        assert_eq!(last_part("Default"), "Default");
        assert_eq!(last_part("odd/"), "odd/");
    }
}
