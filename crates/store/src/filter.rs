//! A device query as SQL: a condition with bound parameters, and the quickest way to its rows.
//!
//! The condition ([`Filter::condition`]) alone says which devices are found; it is the same text
//! for both databases. PostgreSQL's planner finds its way by itself. For SQLite, where a list is
//! read in its order until the page is full, [`Filter::narrow`] and [`Filter::words`] name ways
//! that do not pass by a million rows for a few; the store counts, and takes the best. Where there is
//! none, [`walk`] bounds how far one page looks.

pub(crate) mod narrow;
mod ranges;
pub(crate) mod walk;
pub(crate) mod words;

use domain::query::{Expression, Moment, Term, Text, TextField, TextKind, TimeField};
use domain::{
    AccessReason, AccessState, ConnectorId, DeviceId, Query, Scope, Timestamp, WipeStatus,
};

use self::narrow::Narrow;
use crate::value::{Value, escape};

/// A device query, compiled.
#[derive(Debug)]
pub(crate) struct Filter {
    /// Condition on `device d`.
    pub(crate) condition: String,
    /// Its parameters, the first being `?1`.
    pub(crate) values: Vec<Value>,
    /// Ranges of indexes that hold what is found, should one of them have few rows.
    pub(crate) narrow: Option<Narrow>,
    /// What to ask the index of words, should none have.
    pub(crate) words: Option<String>,
}

/// What filters must know of a connector: they compare two things that are no columns of a device.
#[derive(Debug)]
pub(crate) struct ConnectorFacts {
    pub(crate) id: ConnectorId,
    pub(crate) name: String,
    pub(crate) last_full_sync: Option<Timestamp>,
}

/// All there are.
pub(crate) type Connectors = Vec<ConnectorFacts>;

impl Filter {
    pub(crate) fn new(
        scope: &Scope,
        query: &Query,
        connectors: &Connectors,
        now: Timestamp,
    ) -> Self {
        let mut compiler = Compiler { values: Vec::new(), connectors, now };
        let mut conditions = Vec::new();
        if !query.names_gone() {
            conditions.push("d.gone_since IS NULL AND d.aged_since IS NULL".to_owned());
        }
        let root = within(scope, query, connectors);
        conditions.extend(root.as_ref().map(|root| compiler.expression(root)));
        if conditions.is_empty() {
            conditions.push("1 = 1".to_owned());
        }
        Self {
            condition: conditions.join(" AND "),
            values: compiler.values,
            narrow: root.as_ref().and_then(|root| narrow::of(root, connectors, now)),
            words: root.as_ref().and_then(|root| words::of_expression(root, connectors)),
        }
    }

    /// Adds one more condition: devices in an access state.
    pub(crate) fn and_state(&mut self, state: AccessState) {
        self.values.push(Value::text(state.word()));
        let condition = format!(" AND d.access_state = ?{}", self.values.len());
        self.condition = format!("({}){condition}", self.condition);
        self.narrow = Narrow::and_state(self.narrow.take(), state);
        let words = self.words.take().into_iter().chain([words::of_state(state)]);
        self.words = Some(words.collect::<Vec<_>>().join(" AND "));
    }
}

struct Compiler<'a> {
    values: Vec<Value>,
    connectors: &'a Connectors,
    now: Timestamp,
}

const NEVER_TRUE: &str = "1 = 0";

impl Compiler<'_> {
    /// A condition that is true where the expression is, and false or null where it is not.
    fn expression(&mut self, expression: &Expression) -> String {
        match expression {
            Expression::Term(term) => self.term(term),
            Expression::All(parts) => self.joined(parts, " AND "),
            Expression::Any(parts) => self.joined(parts, " OR "),
            // Null comes from fields that say nothing: not true, so its opposite is.
            Expression::Not(part) => {
                format!("NOT coalesce({}, {NEVER_TRUE})", self.expression(part))
            }
        }
    }

    fn joined(&mut self, parts: &[Expression], with: &str) -> String {
        let parts: Vec<_> = parts.iter().map(|part| self.expression(part)).collect();
        format!("({})", parts.join(with))
    }

    fn term(&mut self, term: &Term) -> String {
        match term {
            Term::Word(word) => self.word(word),
            Term::Text(TextField::Connector, names) => {
                let fits = |name: &str| names.iter().any(|wanted| wanted.fits(name));
                let found = self.connectors.iter().filter(|connector| fits(&connector.name));
                let ids = found.map(|connector| Value::id(connector.id)).collect::<Vec<_>>();
                self.one_of("d.connector", ids.into_iter())
            }
            Term::Text(field, values) => {
                let columns = columns(*field);
                let mut conditions = Vec::new();
                for value in values {
                    conditions.extend(columns.iter().map(|column| self.compared(column, value)));
                }
                any_of(&conditions)
            }
            Term::State(values) => {
                let words = values.iter().copied().map(AccessState::word);
                self.one_of("d.access_state", words.map(Value::text))
            }
            Term::Reason(values) => {
                let words = values.iter().copied().map(AccessReason::word);
                self.one_of("d.access_reason", words.map(Value::text))
            }
            Term::Wipe(values) => {
                let words = values.iter().copied().map(WipeStatus::word);
                self.one_of("d.wipe_status", words.map(Value::text))
            }
            Term::Id(values) => self.one_of("d.id", values.iter().map(Value::id)),
            // The id is made of connector and GUID, and has the index.
            Term::Guid(values) => {
                let of_one = |guid| {
                    let connectors = self.connectors.iter();
                    connectors.map(move |connector| Value::id(DeviceId::of(connector.id, guid)))
                };
                let ids: Vec<_> = values.iter().copied().flat_map(of_one).collect();
                self.one_of("d.id", ids.into_iter())
            }
            Term::Time(field, moments) => self.time(*field, moments),
        }
    }

    fn word(&mut self, word: &Text) -> String {
        let pattern = match word.kind {
            TextKind::Prefix => format!("{}%", like(&word.text)),
            TextKind::Plain | TextKind::Exact => format!("%{}%", like(&word.text)),
        };
        let pattern = self.bind(Value::Text(pattern));
        let fields = [TextField::Name, TextField::User, TextField::Model, TextField::DeviceId];
        let columns = fields.iter().flat_map(|field| columns(*field));
        let conditions: Vec<_> =
            columns.map(|column| format!("lower({column}) LIKE {pattern} ESCAPE '\\'")).collect();
        any_of(&conditions)
    }

    fn compared(&mut self, column: &str, value: &Text) -> String {
        let text = folded(value);
        match value.kind {
            TextKind::Exact => format!("lower({column}) = {}", self.bind(Value::Text(text))),
            TextKind::Prefix => {
                let pattern = self.bind(Value::Text(format!("{}%", like(&value.text))));
                format!("lower({column}) LIKE {pattern} ESCAPE '\\'")
            }
            TextKind::Plain => {
                let text = self.bind(Value::Text(text));
                let pattern = self.bind(Value::Text(format!("{} %", like(&value.text))));
                format!("(lower({column}) = {text} OR lower({column}) LIKE {pattern} ESCAPE '\\')")
            }
        }
    }

    fn time(&mut self, field: TimeField, moments: &[Moment]) -> String {
        let column = match field {
            TimeField::FirstSync => "d.first_sync",
            TimeField::LastSync => "d.last_success_sync",
            TimeField::LastAttempt => "d.last_sync_attempt",
            TimeField::Created => "d.when_created",
            TimeField::Changed => "d.when_changed",
            TimeField::Observed => {
                "CASE WHEN d.gone_since IS NULL THEN (SELECT CASE WHEN c.last_full_sync > d.observed \
                 THEN c.last_full_sync ELSE d.observed END FROM connector c WHERE c.id = d.connector) \
                 ELSE d.observed END"
            }
            TimeField::Gone => "d.gone_since",
        };
        let mut conditions = Vec::new();
        for moment in moments {
            conditions.push(match moment.range(self.now) {
                None => format!("{column} IS NULL"),
                Some((i64::MIN, to)) => format!("{column} < {}", self.bind(Value::Integer(to))),
                Some((from, i64::MAX)) => {
                    format!("{column} >= {}", self.bind(Value::Integer(from)))
                }
                Some((from, to)) => {
                    let from = self.bind(Value::Integer(from));
                    let to = self.bind(Value::Integer(to));
                    format!("({column} >= {from} AND {column} < {to})")
                }
            });
        }
        any_of(&conditions)
    }

    fn one_of(&mut self, column: &str, values: impl Iterator<Item = Value>) -> String {
        let marks: Vec<_> = values.map(|value| self.bind(value)).collect();
        if marks.is_empty() {
            return NEVER_TRUE.to_owned();
        }
        format!("{column} IN ({})", marks.join(", "))
    }

    fn bind(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("?{}", self.values.len())
    }
}

/// What a query asks for within a scope: a scope is a query too. `None` if it has no condition.
fn within(scope: &Scope, query: &Query, connectors: &Connectors) -> Option<Expression> {
    let scope = scope.connectors().and_then(|whole| {
        let whole = connectors.iter().filter(|connector| whole.contains(&connector.id));
        let names = whole.map(|one| Text { text: one.name.clone(), kind: TextKind::Exact });
        let whole = Expression::Term(Term::Text(TextField::Connector, names.collect()));
        // A collection without a condition holds every device.
        let roots = scope.collections().iter().map(|query| query.root().cloned());
        let mut parts = roots.collect::<Option<Vec<_>>>()?;
        parts.push(whole);
        Some(if parts.len() == 1 { parts.remove(0) } else { Expression::Any(parts) })
    });
    let mut parts: Vec<_> = scope.into_iter().chain(query.root().cloned()).collect();
    if parts.len() > 1 { Some(Expression::All(parts)) } else { parts.pop() }
}

fn any_of(conditions: &[String]) -> String {
    match conditions {
        [one] => one.clone(),
        many => format!("({})", many.join(" OR ")),
    }
}

/// Text as `lower` leaves it.
fn folded(text: &Text) -> String {
    escape(&text.text).to_ascii_lowercase()
}

/// Text for a pattern of `LIKE`, in small letters, with nothing in it that means more than itself.
fn like(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in escape(text).chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c.to_ascii_lowercase());
    }
    pattern
}

/// Where the text of a field stands.
fn columns(field: TextField) -> &'static [&'static str] {
    match field {
        TextField::Name => &[
            "(coalesce(d.owner_user, 'unknown') || '_' || coalesce(d.device_type, 'device'))",
            "d.friendly_name",
            "d.owner_name",
        ],
        TextField::Rule => &["d.access_rule"],
        TextField::User => &["d.owner_user"],
        TextField::Mailbox => &["d.owner_mailbox"],
        TextField::Type => &["d.device_type"],
        TextField::Model => &["d.model"],
        TextField::Os => &["d.os"],
        TextField::Language => &["d.os_language"],
        TextField::UserAgent => &["d.user_agent"],
        TextField::Imei => &["d.imei"],
        TextField::Phone => &["d.phone_number"],
        TextField::Operator => &["d.operator"],
        TextField::Client => &["d.client_type"],
        TextField::Version => &["d.client_version"],
        TextField::Policy => &["d.policy"],
        TextField::PolicyStatus => &["d.policy_status"],
        TextField::DeviceId => &["d.device_id"],
        TextField::Connector => &[],
    }
}
