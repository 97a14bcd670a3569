//! Ranges of SQLite's indexes that hold every device that a query finds.
//!
//! Every column that filters compare has an index (migration 1). A range of it may hold few rows or
//! many: that is counted before it is used, so what is here only says which ranges there are.

use domain::query::{Expression, Moment, Term, Text, TextField, TextKind, TimeField};
use domain::{AccessReason, AccessState, ConnectorId, DeviceId, Timestamp, WipeStatus};

use super::ranges::Ranges;
use super::{Connectors, folded, words};
use crate::value::Value;

/// What to read instead of the whole table.
#[derive(Debug)]
pub(crate) enum Narrow {
    /// These rows.
    Rows(Vec<Rows>),
    /// The rows of all of them together.
    Any(Vec<Self>),
    /// The rows of one of them: each holds every device that is found.
    Best(Vec<Self>),
}

/// Rows that lie together in an index.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Rows {
    /// Those with a value from the first up to but without the second; `None` is an open end.
    Within(&'static Index, Option<Value>, Option<Value>),
    /// Those without a value.
    Without(&'static Index),
    /// Those whose words match.
    Words(String),
    /// Those whose words hold a text of less than three characters: from the first trigram up to
    /// but without the second.
    Trigrams(Value, Value),
}

impl Rows {
    /// What is in both, if both are of one index; `Some(None)` if nothing is.
    fn shared(&self, other: &Self) -> Option<Option<Self>> {
        match (self, other) {
            (
                Self::Within(index, ..) | Self::Without(index),
                Self::Within(of, ..) | Self::Without(of),
            ) if index.name != of.name => None,
            (Self::Without(index), Self::Without(_)) => Some(Some(Self::Without(index))),
            (Self::Without(_), Self::Within(..)) | (Self::Within(..), Self::Without(_)) => {
                Some(None)
            }
            (Self::Within(index, from, to), Self::Within(_, other_from, other_to)) => {
                let from = if is_below(from, other_from) { other_from } else { from };
                // An open end is above everything, which `Option` puts below.
                let is_less = other_to.is_some() && (to.is_none() || is_below(other_to, to));
                let to = if is_less { other_to } else { to };
                let is_empty = from.is_some() && to.is_some() && !is_below(from, to);
                Some((!is_empty).then(|| Self::Within(index, from.clone(), to.clone())))
            }
            _ => None,
        }
    }
}

/// Whether a value comes before another in an index; none before all.
fn is_below(value: &Option<Value>, other: &Option<Value>) -> bool {
    match (value, other) {
        (Some(Value::Text(value)), Some(Value::Text(other))) => value < other,
        (Some(Value::Integer(value)), Some(Value::Integer(other))) => value < other,
        (value, other) => value.is_none() && other.is_some(),
    }
}

/// An index and what it orders rows by.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Index {
    pub(crate) name: &'static str,
    pub(crate) key: &'static str,
    /// Whether rows without a value are in it.
    holds_none: bool,
}

const fn index(name: &'static str, key: &'static str) -> Index {
    Index { name, key, holds_none: true }
}

static ID: Index = index("device_by_id", "id");
static CONNECTOR: Index = index("device_by_state", "connector");
static STATE: Index = index("device_by_access", "access_state");
static REASON: Index = index("device_by_reason", "access_reason");
static WIPE: Index = index("device_by_wipe", "wipe_status");
static OBSERVED: Index = index("device_by_observed", "observed");

/// Ranges that are read as one: a statement has at most 500 parts.
const MOST_RANGES: usize = 200;

impl Narrow {
    /// Every set of rows in it, in the order in which [`Self::fewest`] takes their numbers.
    pub(crate) fn counted(&self) -> Vec<&[Rows]> {
        match self {
            Self::Rows(rows) => vec![rows],
            Self::Any(parts) | Self::Best(parts) => parts.iter().flat_map(Self::counted).collect(),
        }
    }

    /// The fewest rows that hold every device that is found, and how many they are.
    pub(crate) fn fewest(self, counts: &mut impl Iterator<Item = u64>) -> (u64, Vec<Rows>) {
        match self {
            Self::Rows(rows) => (counts.next().unwrap_or(u64::MAX), rows),
            Self::Any(parts) => {
                let mut all = (0u64, Vec::new());
                for part in parts {
                    let (count, rows) = part.fewest(counts);
                    all.0 = all.0.saturating_add(count);
                    all.1.extend(rows);
                }
                all
            }
            Self::Best(parts) => {
                // Every part takes its numbers, so all are looked at.
                let parts: Vec<_> = parts.into_iter().map(|part| part.fewest(counts)).collect();
                let fewest = parts.into_iter().min_by_key(|(count, _)| *count);
                fewest.unwrap_or((u64::MAX, Vec::new()))
            }
        }
    }

    /// The same, for devices that are in an access state besides.
    pub(super) fn and_state(narrow: Option<Self>, state: AccessState) -> Option<Self> {
        let state = exactly(&STATE, [state.word()], Sense::Is);
        best(narrow.into_iter().chain([state]).collect())
    }

    /// The words of one or two characters in it.
    pub(crate) fn short_words(&self) -> Vec<String> {
        let words = self.counted().into_iter().flatten().filter_map(|rows| match rows {
            Rows::Trigrams(Value::Text(word), _) => Some(word.clone()),
            _ => None,
        });
        words.collect()
    }

    /// What is left of it if some short words are not looked for; `None` if nothing but the table.
    pub(crate) fn without_short_words(self, words: &[String]) -> Option<Self> {
        match self {
            Self::Rows(rows) => {
                let is_among = |rows: &Rows| matches!(rows, Rows::Trigrams(Value::Text(word), _) if words.contains(word));
                (!rows.iter().any(is_among)).then_some(Self::Rows(rows))
            }
            Self::Any(parts) => {
                let parts = parts.into_iter().map(|part| part.without_short_words(words));
                parts.collect::<Option<_>>().map(Self::Any)
            }
            Self::Best(parts) => {
                best(parts.into_iter().filter_map(|part| part.without_short_words(words)).collect())
            }
        }
    }
}

/// What holds every device of which an expression is true; `None` if nothing but the table does.
pub(super) fn of(root: &Expression, connectors: &Connectors, now: Timestamp) -> Option<Narrow> {
    Compiler { connectors, now }.expression(root, Sense::Is)
}

/// Whether an expression or its opposite is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sense {
    Is,
    IsNot,
}

struct Compiler<'a> {
    connectors: &'a Connectors,
    now: Timestamp,
}

impl Compiler<'_> {
    fn expression(&self, expression: &Expression, sense: Sense) -> Option<Narrow> {
        match (expression, sense) {
            (Expression::Not(part), Sense::Is) => self.expression(part, Sense::IsNot),
            (Expression::Not(part), Sense::IsNot) => self.expression(part, Sense::Is),
            (Expression::All(parts), Sense::Is) | (Expression::Any(parts), Sense::IsNot) => {
                best(parts.iter().filter_map(|part| self.expression(part, sense)).collect())
            }
            (Expression::All(parts), Sense::IsNot) => {
                let parts = parts.iter().map(|part| self.expression(part, sense));
                parts.collect::<Option<_>>().map(Narrow::Any)
            }
            (Expression::Any(parts), Sense::Is) => self.any(expression, parts),
            (Expression::Term(term), _) => self.term(term, sense),
        }
    }

    fn any(&self, expression: &Expression, parts: &[Expression]) -> Option<Narrow> {
        let ranges: Vec<_> = parts.iter().map(|part| self.expression(part, Sense::Is)).collect();
        // What the index of words finds by itself needs no counting.
        let needs_words = ranges.iter().any(Option::is_none);
        if needs_words && words::of_expression(expression, self.connectors).is_some() {
            return None;
        }
        let with_words = ranges.into_iter().zip(parts).map(|(range, part)| {
            range.or_else(|| {
                let words = words::of_expression(part, self.connectors)?;
                Some(Narrow::Rows(vec![Rows::Words(words)]))
            })
        });
        with_words.collect::<Option<_>>().map(Narrow::Any)
    }

    fn term(&self, term: &Term, sense: Sense) -> Option<Narrow> {
        Some(match term {
            Term::Word(word) => return short_word(word, sense),
            Term::Text(TextField::Connector, names) => {
                let fits = |name: &str| names.iter().any(|wanted| wanted.fits(name));
                let found = self.connectors.iter().filter(|connector| fits(&connector.name));
                of_connectors(&found.map(|connector| connector.id).collect::<Vec<_>>(), sense)
            }
            Term::Text(TextField::Name, values) => {
                let of_each = NAMES.iter().map(|index| text(index, values, sense)).collect();
                // One of them has the name; or none of them.
                if sense == Sense::Is { Narrow::Any(of_each) } else { Narrow::Best(of_each) }
            }
            Term::Text(field, values) => text(of_text(*field)?, values, sense),
            Term::State(states) => {
                exactly(&STATE, states.iter().copied().map(AccessState::word), sense)
            }
            Term::Reason(reasons) => {
                exactly(&REASON, reasons.iter().copied().map(AccessReason::word), sense)
            }
            Term::Wipe(states) => {
                exactly(&WIPE, states.iter().copied().map(WipeStatus::word), sense)
            }
            Term::Id(ids) => exactly(&ID, ids.iter().map(DeviceId::to_string), sense),
            Term::Guid(guids) => {
                let connectors = self.connectors.iter();
                let ids = connectors.flat_map(|connector| {
                    guids.iter().map(|guid| DeviceId::of(connector.id, *guid).to_string())
                });
                exactly(&ID, ids, sense)
            }
            Term::Time(field, moments) => return self.time(*field, moments, sense),
        })
    }

    fn time(&self, field: TimeField, moments: &[Moment], sense: Sense) -> Option<Narrow> {
        let mut times = Ranges::new(Vec::new());
        for moment in moments {
            match moment.range(self.now) {
                Some((from, to)) => times
                    .within
                    .push(((from > i64::MIN).then_some(from), (to < i64::MAX).then_some(to))),
                None => times.none = true,
            }
        }
        if sense == Sense::IsNot {
            times = times.opposite();
        }
        if field != TimeField::Observed {
            return rows(of_time(field), times, Value::Integer);
        }
        // A device was observed when its row was or, if that was later, when its connector was.
        let holds = |time: Timestamp| {
            let time = time.as_millisecond();
            times.within.iter().any(|(from, to)| {
                from.is_none_or(|from| from <= time) && to.is_none_or(|to| time < to)
            })
        };
        let connectors = self.connectors.iter();
        let within = connectors.filter(|connector| connector.last_full_sync.is_some_and(holds));
        let within = within.map(|connector| connector.id).collect::<Vec<_>>();
        let connectors = of_connectors(&within, Sense::Is);
        let rows = rows(&OBSERVED, Ranges { none: false, ..times.clone() }, Value::Integer)?;
        Some(Narrow::Any(vec![rows, connectors]))
    }
}

/// Each of the parts holds every device that is found. Ranges of one index become what they share:
/// two that each hold many rows may hold few together, or none.
fn best(parts: Vec<Narrow>) -> Option<Narrow> {
    let mut best: Vec<Narrow> = Vec::new();
    let flat = parts.into_iter().flat_map(|part| match part {
        Narrow::Best(parts) => parts,
        part => vec![part],
    });
    for part in flat {
        let shared = best.iter().enumerate().find_map(|(number, other)| match (&part, other) {
            (Narrow::Rows(rows), Narrow::Rows(others)) => Some((number, shared(rows, others)?)),
            _ => None,
        });
        match shared {
            Some((number, shared)) => best[number] = Narrow::Rows(shared),
            None => best.push(part),
        }
    }
    if best.len() > 1 { Some(Narrow::Best(best)) } else { best.pop() }
}

/// What is in two sets of ranges; `None` if they are not of one index, or would become too many.
fn shared(rows: &[Rows], others: &[Rows]) -> Option<Vec<Rows>> {
    if rows.is_empty() || others.is_empty() || rows.len() * others.len() > MOST_RANGES {
        return None;
    }
    let pairs = rows.iter().flat_map(|one| others.iter().map(move |other| one.shared(other)));
    Some(pairs.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
}

fn rows<T: Ord + Clone>(
    index: &'static Index,
    ranges: Ranges<T>,
    value: fn(T) -> Value,
) -> Option<Narrow> {
    if ranges.none && !index.holds_none {
        return None;
    }
    let within = ranges.within.into_iter();
    let within = within.map(|(from, to)| Rows::Within(index, from.map(value), to.map(value)));
    Some(Narrow::Rows(within.chain(ranges.none.then_some(Rows::Without(index))).collect()))
}

fn of_connectors(ids: &[ConnectorId], sense: Sense) -> Narrow {
    exactly(&CONNECTOR, ids.iter().map(ConnectorId::to_string), sense)
}

fn exactly(
    index: &'static Index,
    texts: impl IntoIterator<Item = impl AsRef<str>>,
    sense: Sense,
) -> Narrow {
    let mut ranges = Ranges::new(Vec::new());
    for text in texts {
        ranges.add_exactly(text.as_ref());
    }
    texts_of(index, ranges, sense)
}

fn text(index: &'static Index, values: &[Text], sense: Sense) -> Narrow {
    let mut ranges = Ranges::new(Vec::new());
    for value in values {
        let text = folded(value);
        match value.kind {
            TextKind::Exact => ranges.add_exactly(&text),
            TextKind::Prefix => ranges.add_beginning_with(&text),
            TextKind::Plain => {
                ranges.add_exactly(&text);
                ranges.add_beginning_with(&format!("{text} "));
            }
        }
    }
    texts_of(index, ranges, sense)
}

fn texts_of(index: &'static Index, mut ranges: Ranges<String>, sense: Sense) -> Narrow {
    if sense == Sense::IsNot {
        ranges = ranges.opposite();
    }
    // INVARIANT: every index of texts holds rows without one.
    rows(index, ranges, Value::Text).unwrap_or(Narrow::Best(Vec::new()))
}

/// Longer words are the index's of words.
fn short_word(word: &Text, sense: Sense) -> Option<Narrow> {
    let text = folded(word);
    let is_short = text.chars().nth(2).is_none();
    if sense == Sense::IsNot || word.kind == TextKind::Prefix || !is_short {
        return None;
    }
    let mut beginning = Ranges::new(Vec::new());
    beginning.add_beginning_with(&text);
    let (from, to) = beginning.within.pop()?;
    Some(Narrow::Rows(vec![Rows::Trigrams(Value::Text(from?), Value::Text(to?))]))
}

/// The indexes of the three names of a device.
static NAMES: [Index; 3] = [
    index(
        "device_by_display_name",
        "lower(coalesce(owner_user, 'unknown') || '_' || coalesce(device_type, 'device'))",
    ),
    index("device_by_friendly_name", "lower(friendly_name)"),
    index("device_by_owner_name", "lower(owner_name)"),
];

/// The index of a text field that stands in one column.
fn of_text(field: TextField) -> Option<&'static Index> {
    static TEXTS: [(TextField, Index); 16] = [
        (TextField::Rule, index("device_by_rule", "lower(access_rule)")),
        (TextField::User, index("device_by_user", "lower(owner_user)")),
        (TextField::Mailbox, index("device_by_mailbox", "lower(owner_mailbox)")),
        (TextField::Type, index("device_by_type", "lower(device_type)")),
        (TextField::Model, index("device_by_model", "lower(model)")),
        (TextField::Os, index("device_by_os", "lower(os)")),
        (TextField::Language, index("device_by_language", "lower(os_language)")),
        (TextField::UserAgent, index("device_by_user_agent", "lower(user_agent)")),
        (TextField::Imei, index("device_by_imei", "lower(imei)")),
        (TextField::Phone, index("device_by_phone", "lower(phone_number)")),
        (TextField::Operator, index("device_by_operator", "lower(operator)")),
        (TextField::Client, index("device_by_client", "lower(client_type)")),
        (TextField::Version, index("device_by_version", "lower(client_version)")),
        (TextField::Policy, index("device_by_policy", "lower(policy)")),
        (TextField::PolicyStatus, index("device_by_policy_status", "lower(policy_status)")),
        (TextField::DeviceId, index("device_by_device_id", "lower(device_id)")),
    ];
    TEXTS.iter().find(|(of, _)| *of == field).map(|(_, index)| index)
}

fn of_time(field: TimeField) -> &'static Index {
    static FIRST_SYNC: Index = index("device_by_first_sync", "first_sync");
    static LAST_SYNC: Index = index("device_by_last_sync", "last_success_sync");
    static LAST_ATTEMPT: Index = index("device_by_last_attempt", "last_sync_attempt");
    static CREATED: Index = index("device_by_created", "when_created");
    static CHANGED: Index = index("device_by_changed", "when_changed");
    static GONE: Index = Index { holds_none: false, ..index("device_gone", "gone_since") };
    match field {
        TimeField::FirstSync => &FIRST_SYNC,
        TimeField::LastSync => &LAST_SYNC,
        TimeField::LastAttempt => &LAST_ATTEMPT,
        TimeField::Created => &CREATED,
        TimeField::Changed => &CHANGED,
        TimeField::Observed => &OBSERVED,
        TimeField::Gone => &GONE,
    }
}
