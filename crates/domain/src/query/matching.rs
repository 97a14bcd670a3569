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
        let found = names.iter().chain(&rest).flatten().any(|text| {
            let text = text.to_ascii_lowercase();
            match word.kind {
                TextKind::Plain | TextKind::Exact => text.contains(&wanted),
                TextKind::Prefix => text.starts_with(&wanted),
            }
        });
        found
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
