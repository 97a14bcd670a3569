//! What a [`Query`] means, said once in plain code: the database's filters are held against it.

use jiff::Timestamp;

use super::{Expression, Moment, Query, Term, Text, TextField, TextKind, TimeField};
use crate::{ConnectorName, Device};

impl Query {
    /// Whether the query finds a device of the connector of this name.
    #[must_use]
    pub fn matches(&self, device: &Device, connector: &ConnectorName, now: Timestamp) -> bool {
        let subject = Subject { device, connector: connector.as_str(), now };
        let is_shown = device.gone_since.is_none() || self.names_gone();
        is_shown && self.root.as_ref().is_none_or(|root| subject.satisfies(root))
    }
}

struct Subject<'a> {
    device: &'a Device,
    connector: &'a str,
    now: Timestamp,
}

impl Subject<'_> {
    fn satisfies(&self, expression: &Expression) -> bool {
        match expression {
            Expression::All(parts) => parts.iter().all(|part| self.satisfies(part)),
            Expression::Any(parts) => parts.iter().any(|part| self.satisfies(part)),
            Expression::Not(part) => !self.satisfies(part),
            Expression::Term(term) => self.fits(term),
        }
    }

    fn fits(&self, term: &Term) -> bool {
        let facts = &self.device.facts;
        match term {
            Term::Word(word) => self.contains(word),
            Term::Text(field, values) => {
                let texts = self.texts(*field);
                let mut texts = texts.iter().flatten();
                texts.any(|text| values.iter().any(|value| value.fits(text)))
            }
            Term::State(values) => values.contains(&facts.access_state),
            Term::Reason(values) => facts.access_reason.is_some_and(|it| values.contains(&it)),
            Term::Wipe(values) => {
                self.device.statistics.as_ref().is_some_and(|it| values.contains(&it.wipe_status))
            }
            Term::Id(values) => values.contains(&self.device.id),
            Term::Guid(values) => values.contains(&facts.guid),
            Term::Time(field, values) => {
                let time = self.time(*field).map(Timestamp::as_millisecond);
                values.iter().any(|value| self.is_at(time, *value))
            }
        }
    }

    /// A bare word: found in one of the fields it searches.
    fn contains(&self, word: &Text) -> bool {
        let wanted = word.text.to_ascii_lowercase();
        let names = self.texts(TextField::Name);
        let rest = [TextField::User, TextField::Model, TextField::DeviceId]
            .map(|field| self.texts(field)[0].clone());
        names.iter().chain(&rest).flatten().any(|text| {
            let text = text.to_ascii_lowercase();
            match word.kind {
                TextKind::Plain | TextKind::Exact => text.contains(&wanted),
                TextKind::Prefix => text.starts_with(&wanted),
            }
        })
    }

    fn texts(&self, field: TextField) -> [Option<String>; 3] {
        let Device { facts, owner, statistics, .. } = self.device;
        let one = match field {
            TextField::Name => {
                let display_name = Some(self.device.display_name());
                return [display_name, facts.friendly_name.clone(), owner.name.clone()];
            }
            TextField::Rule => &facts.access_rule,
            TextField::User => &owner.user,
            TextField::Mailbox => &owner.mailbox,
            TextField::Type => &facts.device_type,
            TextField::Model => &facts.model,
            TextField::Os => &facts.os,
            TextField::Language => &facts.os_language,
            TextField::UserAgent => &facts.user_agent,
            TextField::Imei => &facts.imei,
            TextField::Phone => &facts.phone_number,
            TextField::Operator => &facts.operator,
            TextField::Client => &facts.client_type,
            TextField::Version => &facts.client_version,
            TextField::Policy => &statistics.as_ref().and_then(|it| it.policy.clone()),
            TextField::PolicyStatus => &statistics.as_ref().and_then(|it| it.policy_status.clone()),
            TextField::Connector => &Some(self.connector.to_owned()),
            TextField::DeviceId => &facts.device_id,
        };
        [one.clone(), None, None]
    }

    fn time(&self, field: TimeField) -> Option<Timestamp> {
        let Device { facts, statistics, .. } = self.device;
        let statistics = statistics.as_ref();
        match field {
            TimeField::FirstSync => facts.first_sync,
            TimeField::LastSync => statistics?.last_success_sync,
            TimeField::LastAttempt => statistics?.last_sync_attempt,
            TimeField::Created => facts.when_created,
            TimeField::Changed => facts.when_changed,
            TimeField::Observed => Some(self.device.observed),
            TimeField::Gone => self.device.gone_since,
        }
    }

    fn is_at(&self, time: Option<i64>, moment: Moment) -> bool {
        match (time, moment.range(self.now)) {
            (None, None) => true,
            (Some(time), Some((from, to))) => (from..to).contains(&time),
            _ => false,
        }
    }
}

impl Text {
    /// Whether the text of a field is what this asks for.
    #[must_use]
    pub fn fits(&self, field: &str) -> bool {
        let field = field.to_ascii_lowercase();
        let wanted = self.text.to_ascii_lowercase();
        match self.kind {
            TextKind::Exact => field == wanted,
            TextKind::Prefix => field.starts_with(&wanted),
            TextKind::Plain => {
                let rest = field.strip_prefix(&wanted);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::device::Owner;
    use crate::{AccessState, ConnectorId, DeviceFacts, DeviceId, DeviceStatistics};

    fn at(text: &str) -> Option<Timestamp> {
        Some(text.parse().unwrap())
    }

    /// A phone of Ann's in quarantine, seen a month ago.
    pub(crate) fn device() -> Device {
        let text = |text: &str| Some(text.to_owned());
        let connector = ConnectorId(Uuid::from_u128(1));
        Device {
            id: DeviceId::of(connector, Uuid::from_u128(2)),
            connector,
            facts: DeviceFacts {
                guid: Uuid::from_u128(2),
                identity: None,
                distinguished_name: None,
                device_id: text("APPL5K3M"),
                friendly_name: text("Work phone"),
                device_type: text("iPhone"),
                model: text("iPhone14C5"),
                os: text("iOS 17.4 21E217"),
                os_language: None,
                user_agent: None,
                imei: None,
                phone_number: None,
                operator: None,
                client_type: text("EAS"),
                client_version: None,
                access_state: AccessState::Quarantined,
                access_reason: None,
                access_rule: None,
                first_sync: None,
                when_created: at("2026-01-31T23:59:59.999Z"),
                when_changed: None,
                other: Vec::new(),
            },
            statistics: Some(DeviceStatistics {
                last_success_sync: at("2026-02-01T00:00:00Z"),
                ..DeviceStatistics::default()
            }),
            owner: Owner { user: text("ann"), name: text("Ann Müller"), ..Owner::default() },
            observed: at("2026-03-01T00:00:00Z").unwrap(),
            statistics_observed: at("2026-03-01T00:00:00Z"),
            gone_since: None,
        }
    }

    fn matches(text: &str, device: &Device) -> bool {
        let now = at("2026-03-03T00:00:00Z").unwrap();
        Query::parse(text).unwrap().matches(device, &ConnectorName::parse("lab").unwrap(), now)
    }

    #[test]
    fn texts_are_compared_as_the_kind_of_value_says() {
        for found in [
            "",
            "user:ann",
            "user:ANN",
            "user:\"ann\"",
            "user:a*",
            "os:iOS",
            "os:\"iOS 17.4\"*",
            "os:\"ios 17.4 21e217\"",
            "os:android,ios",
            "name:ann_iphone",
            "name:work",
            "name:ann",
            "14c",
            "n_iph",
            "müller",
            "\"rk ph\"",
            "appl*",
            "not user:anne",
            "not imei:3",
            "connector:lab",
            "state:allowed,quarantined",
            "wipe:none",
            "not reason:rule",
            "guid:00000000-0000-0000-0000-000000000002",
            "zzz or ann",
        ] {
            assert!(matches(found, &device()), "{found}");
        }
        for missed in [
            "user:an",
            "user:\"an\"",
            "os:\"iOS 17.4\"",
            "os:17.4",
            "phone*",
            "MÜLLER",
            "imei:3",
            "reason:rule",
            "not (user:ann)",
            "ann zzz",
            "connector:la",
            "21E217",
        ] {
            assert!(!matches(missed, &device()), "{missed}");
        }
    }

    #[test]
    fn times_are_compared_with_days_and_ages() {
        for found in [
            "created:2026-01-31",
            "created:<2026-02-01",
            "created:>2026-01-30",
            "lastsync:2026-02-01",
            "lastsync:>2026-01-31",
            "lastsync:2026-02-01T00:00:00Z",
            "lastsync:<31d",
            "lastsync:>29d",
            "not lastsync:<30d",
            "not lastsync:>30d",
            "firstsync:never",
            "not firstsync:<9y",
            "lastattempt:never,<1d",
            "observed:<49h",
        ] {
            assert!(matches(found, &device()), "{found}");
        }
        for missed in [
            "created:>2026-01-31",
            "created:2026-02-01",
            "lastsync:<30d",
            "lastsync:>30d",
            "lastsync:never",
            "firstsync:<9y",
            "firstsync:>1m",
            "observed:<48h",
        ] {
            assert!(!matches(missed, &device()), "{missed}");
        }
    }

    #[test]
    fn gone_devices_are_found_only_by_name() {
        let gone = Device { gone_since: at("2026-03-02T00:00:00Z"), ..device() };
        assert!(!matches("", &gone));
        assert!(!matches("ann or not ann", &gone));
        assert!(matches("gone:<2d", &gone));
        assert!(matches("not gone:never", &gone));
        assert!(!matches("not gone:never", &device()));
    }
}
