//! What SQLite's full-text index is asked, to find candidates for a query.
//!
//! The index holds trigrams of the view `device_words` (migration 1), where each field begins with
//! a mark of its own, twice. What is asked here must be true of every device that the query finds;
//! it may be true of others too, for the condition decides.

use domain::query::{Expression, Term, Text, TextField, TextKind};
use domain::{AccessReason, AccessState, ConnectorId};

use super::{Connectors, folded};

/// Trigrams asked for one text: more would not make the candidates fewer by much, and each may be one
/// that every device has.
const MOST_TRIGRAMS: usize = 8;

/// A field in the index: its mark, and how many of its characters are there.
#[derive(Clone, Copy)]
struct Field {
    mark: char,
    length: usize,
}

impl Field {
    const NAME: Self = Self::whole('\u{e000}');
    const MODEL: Self = Self::whole('\u{e001}');
    const DEVICE_ID: Self = Self::whole('\u{e002}');
    const STATE: Self = Self::cut('\u{e003}', 1);
    const REASON: Self = Self::cut('\u{e004}', 1);
    const CONNECTOR: Self = Self::cut('\u{e007}', 4);

    const fn whole(mark: char) -> Self {
        Self { mark, length: usize::MAX }
    }

    const fn cut(mark: char, length: usize) -> Self {
        Self { mark, length }
    }

    fn of(field: TextField) -> Option<Self> {
        Some(match field {
            // The display name begins with the user.
            TextField::Name | TextField::User => Self::NAME,
            TextField::Model => Self::MODEL,
            TextField::DeviceId => Self::DEVICE_ID,
            TextField::Type => Self::cut('\u{e005}', 4),
            TextField::Os => Self::cut('\u{e006}', 8),
            TextField::Connector => Self::CONNECTOR,
            TextField::Mailbox
            | TextField::Rule
            | TextField::Language
            | TextField::UserAgent
            | TextField::Imei
            | TextField::Phone
            | TextField::Operator
            | TextField::Client
            | TextField::Version
            | TextField::Policy
            | TextField::PolicyStatus => return None,
        })
    }

    /// The field begins with a text.
    fn begins_with(self, text: &str) -> String {
        let marked: Vec<char> =
            [self.mark, self.mark].into_iter().chain(text.chars().take(self.length)).collect();
        trigrams(&marked)
    }
}

/// A match for the devices in an access state.
pub(super) fn of_state(state: AccessState) -> String {
    Field::STATE.begins_with(state.word())
}

/// A match for every device of which an expression is true; `None` if the index cannot help.
pub(super) fn of_expression(expression: &Expression, connectors: &Connectors) -> Option<String> {
    match expression {
        Expression::All(parts) => {
            let parts = parts.iter().filter_map(|part| of_expression(part, connectors));
            all_of(&parts.collect::<Vec<_>>())
        }
        Expression::Any(parts) => {
            let parts = parts.iter().map(|part| of_expression(part, connectors));
            parts.collect::<Option<Vec<_>>>().map(any_of)
        }
        Expression::Not(part) => match part.as_ref() {
            // Every device is in a state, so not in some means in one of the others.
            Expression::Term(Term::State(states)) => {
                let others = AccessState::ALL.iter().filter(|state| !states.contains(state));
                Some(any_of(others.copied().map(of_state).collect()))
            }
            _ => None,
        },
        Expression::Term(term) => of_term(term, connectors),
    }
}

fn of_term(term: &Term, connectors: &Connectors) -> Option<String> {
    match term {
        Term::Word(word) => of_word(word),
        Term::Text(TextField::Connector, names) => {
            let fits = |name: &str| names.iter().any(|wanted| wanted.fits(name));
            let found = connectors.iter().filter(|connector| fits(&connector.name));
            Some(of_connectors(&found.map(|connector| connector.id).collect::<Vec<_>>()))
        }
        Term::Text(field, values) => {
            let field = Field::of(*field)?;
            Some(any_of(values.iter().map(|value| field.begins_with(&folded(value))).collect()))
        }
        Term::State(states) => Some(any_of(states.iter().copied().map(of_state).collect())),
        Term::Reason(reasons) => {
            let words = reasons.iter().copied().map(AccessReason::word);
            Some(any_of(words.map(|word| Field::REASON.begins_with(word)).collect()))
        }
        Term::Wipe(_) | Term::Id(_) | Term::Guid(_) | Term::Time(..) => None,
    }
}

fn of_word(word: &Text) -> Option<String> {
    let text = folded(word);
    match word.kind {
        TextKind::Prefix => {
            let fields = [Field::NAME, Field::MODEL, Field::DEVICE_ID];
            Some(any_of(fields.iter().map(|field| field.begins_with(&text)).collect()))
        }
        TextKind::Plain | TextKind::Exact => {
            let characters: Vec<char> = text.chars().collect();
            (characters.len() >= 3).then(|| trigrams(&characters))
        }
    }
}

fn of_connectors(ids: &[ConnectorId]) -> String {
    if ids.is_empty() {
        // No id begins like this, so nothing is found.
        return Field::CONNECTOR.begins_with("-");
    }
    any_of(ids.iter().map(|id| Field::CONNECTOR.begins_with(&id.to_string())).collect())
}

/// Every character stands in one trigram or two: all of them would only take longer.
fn trigrams(characters: &[char]) -> String {
    let last = characters.windows(3).last();
    let step = characters.len().div_ceil(MOST_TRIGRAMS).max(3);
    let quoted = characters.windows(3).step_by(step).chain(last).map(|trigram| {
        let trigram: String = trigram.iter().collect();
        format!("\"{}\"", trigram.replace('"', "\"\""))
    });
    format!("({})", quoted.collect::<Vec<_>>().join(" AND "))
}

fn all_of(parts: &[String]) -> Option<String> {
    (!parts.is_empty()).then(|| format!("({})", parts.join(" AND ")))
}

fn any_of(mut parts: Vec<String>) -> String {
    if parts.is_empty() {
        // `not state:` with every state: nothing is found.
        parts.push(Field::STATE.begins_with("-"));
    }
    format!("({})", parts.join(" OR "))
}
