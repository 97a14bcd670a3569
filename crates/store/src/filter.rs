//! A device query as SQL: a condition with bound parameters, and the quickest way to its rows.
//!
//! The condition ([`Filter::condition`]) alone says which devices are found; it is the same text
//! for both databases. PostgreSQL's planner finds its way by itself. For SQLite, where a list is
//! read in its order until the page is full, [`Filter::route`] names a way that does not pass by a
//! million rows for a few.

pub(crate) mod words;

use domain::query::{Expression, Moment, Term, Text, TextField, TextKind, TimeField};
use domain::{
    AccessReason, AccessState, ConnectorId, DeviceId, Query, Scope, Timestamp, WipeStatus,
};

use crate::value::{Value, escape};

/// A device query, compiled.
#[derive(Debug)]
pub(crate) struct Filter {
    /// Condition on `device d`.
    pub(crate) condition: String,
    /// Its parameters, the first being `?1`.
    pub(crate) values: Vec<Value>,
    /// Where SQLite is to find candidates.
    pub(crate) route: Route,
    /// A better way, should it have few candidates.
    pub(crate) narrow: Option<Narrow>,
}

/// Where SQLite is to find candidates for the condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// The table in the order of the list.
    Walk,
    /// Rows whose words match, in the order of the list.
    Words(String),
    /// An index that leads to few rows.
    Index(&'static str),
}

/// A range in an index, which may be narrow or not: it must be counted.
#[derive(Debug)]
pub(crate) struct Narrow {
    pub(crate) index: &'static str,
    pub(crate) condition: String,
    pub(crate) values: Vec<Value>,
}

/// What a connector is called: the one thing filters compare that is no column of a device.
pub(crate) type Connectors = Vec<(ConnectorId, String)>;

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
            conditions.push("d.gone_since IS NULL".to_owned());
        }
        if let Some(within) = scope.connectors() {
            conditions.push(compiler.one_of("d.connector", within.iter().map(Value::id)));
        }
        conditions.extend(query.root().map(|root| compiler.expression(root)));
        let words = words::of_query(scope, query, connectors);
        let mut filter = Self {
            condition: conditions.join(" AND "),
            values: compiler.values,
            route: words.map_or(Route::Walk, Route::Words),
            narrow: None,
        };
        if filter.condition.is_empty() {
            "1 = 1".clone_into(&mut filter.condition);
        }
        for term in required(query) {
            filter.improve(term, now);
        }
        filter
    }

    /// Adds one more condition: devices in an access state.
    pub(crate) fn and_state(&mut self, state: AccessState) {
        self.values.push(Value::text(state.word()));
        let condition = format!(" AND d.access_state = ?{}", self.values.len());
        self.condition = format!("({}){condition}", self.condition);
        let state = words::of_state(state);
        match &mut self.route {
            Route::Walk => self.route = Route::Words(state),
            Route::Words(words) => *words = format!("({words}) AND {state}"),
            Route::Index(_) => {}
        }
    }

    /// Takes a better route if a term that must be true shows one.
    fn improve(&mut self, term: &Term, now: Timestamp) {
        match term {
            Term::Id(_) | Term::Guid(_) => self.route = Route::Index("device_by_id"),
            Term::Time(TimeField::Gone, moments) if !moments.contains(&Moment::Never) => {
                // Written out, for the index holds only these.
                self.condition.push_str(" AND d.gone_since IS NOT NULL");
                self.route = Route::Index("device_gone");
            }
            Term::Wipe(states) if !states.contains(&WipeStatus::None) => {
                self.condition.push_str(" AND d.wipe_status <> 'none'");
                self.route = Route::Index("device_wiped");
            }
            Term::Time(TimeField::LastSync, moments) if moments.len() == 1 => {
                let mut compiler = Compiler { values: Vec::new(), connectors: &Vec::new(), now };
                self.narrow = Some(Narrow {
                    index: "device_by_last_sync",
                    condition: compiler.time(TimeField::LastSync, moments),
                    values: compiler.values,
                });
            }
            _ => {}
        }
    }
}

/// The terms that are true of every device found.
fn required(query: &Query) -> Vec<&Term> {
    fn term(expression: &Expression) -> Option<&Term> {
        if let Expression::Term(term) = expression { Some(term) } else { None }
    }
    match query.root() {
        Some(Expression::All(parts)) => parts.iter().filter_map(term).collect(),
        Some(root) => term(root).into_iter().collect(),
        None => Vec::new(),
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
                let connectors = self.connectors.iter();
                let ids = connectors
                    .filter(|(_, name)| names.iter().any(|wanted| wanted.fits(name)))
                    .map(|(id, _)| Value::id(id));
                self.one_of("d.connector", ids.collect::<Vec<_>>().into_iter())
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
                    connectors.map(move |(connector, _)| Value::id(DeviceId::of(*connector, guid)))
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
        let text = escape(&value.text).to_ascii_lowercase();
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

fn any_of(conditions: &[String]) -> String {
    match conditions {
        [one] => one.clone(),
        many => format!("({})", many.join(" OR ")),
    }
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
