//! The entries that somebody looks for, latest first.

use domain::{PersonId, Scope, Timestamp, audit::Event};

use super::{AuditRow, row};
use crate::value::Value;
use crate::{Error, Store};

/// What is looked for. Everything that is given must fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// By whom: the beginning of a name.
    pub who: Option<String>,
    /// By whom: the id.
    pub person: Option<PersonId>,
    /// What happened.
    pub event: Option<Event>,
    /// To what: an id, or a part of a name.
    pub target: Option<String>,
    /// By which way it was asked for, in its word.
    pub source: Option<String>,
    /// From then on.
    pub from: Option<Timestamp>,
    /// Before then.
    pub to: Option<Timestamp>,
    /// A text anywhere in the entry.
    pub text: Option<String>,
}

/// Entries found, and where looking ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// The entries, latest first.
    pub rows: Vec<AuditRow>,
    /// Where to go on; `None` if there is nothing further.
    pub next: Option<u64>,
}

/// Entries looked at for one page where no index finds them: some tenths of a second.
const LOOKED_AT: u64 = 200_000;

impl AuditFilter {
    /// Whether everything fits.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether documents must be read to know what fits.
    fn reads_documents(&self) -> bool {
        [&self.who, &self.target, &self.source, &self.text].iter().any(|text| text.is_some())
    }

    /// The conditions, with their values after those that are there already.
    fn conditions(&self, values: &mut Vec<Value>) -> String {
        let mut conditions = String::new();
        let mut and = |before: &str, value: Value, after: &str| {
            values.push(value);
            conditions.push_str(&format!(" AND {before}?{}{after}", values.len()));
        };
        if let Some(event) = self.event {
            and("event = ", Value::text(event.word()), "");
        }
        if let Some(person) = self.person {
            and("actor = ", Value::id(person), "");
        }
        if let Some(from) = self.from {
            and("at >= ", Value::time(from), "");
        }
        if let Some(to) = self.to {
            and("at < ", Value::time(to), "");
        }
        // A document begins with its actor, and a quote inside of a text stands behind a backslash.
        let like = "lower(document) LIKE ";
        let escaped = " ESCAPE '!'";
        if let Some(who) = &self.who {
            let id = "_".repeat(uuid::fmt::Hyphenated::LENGTH);
            let pattern = format!("{{\"actor\":{{\"id\":\"{id}\",\"name\":\"{}%", inner(who));
            and(like, Value::text(&pattern), escaped);
        }
        if let Some(target) = &self.target {
            let pattern = format!("%\"target\":{{%{}%", inner(target));
            and(like, Value::text(&pattern), escaped);
        }
        if let Some(source) = &self.source {
            and(like, Value::text(&format!("%\"source\":\"{}\"%", inner(source))), escaped);
        }
        if let Some(text) = &self.text {
            and(like, Value::text(&format!("%{}%", inner(text))), escaped);
        }
        conditions
    }
}

/// A text as it stands in a document, in small letters, with the signs of a pattern taken as such.
fn inner(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let quoted = quoted.trim_matches('"').to_ascii_lowercase();
    quoted.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

impl Store {
    /// Entries before a place in the chain that fit, latest first. One page looks at only so many;
    /// its `next` goes on.
    pub async fn audit_found(
        &self,
        _: &Scope,
        filter: &AuditFilter,
        before: Option<u64>,
        limit: u32,
    ) -> Result<AuditPage, Error> {
        let head = self.audit_head().await?.map_or(0, |link| link.sequence);
        let before = before.unwrap_or(u64::MAX).min(head + 1);
        let lowest = if filter.reads_documents() { before.saturating_sub(LOOKED_AT) } else { 0 };
        let mut values = vec![Value::count(lowest), Value::count(before)];
        let conditions = filter.conditions(&mut values);
        values.push(Value::Integer(i64::from(limit)));
        let statement = format!(
            "SELECT sequence, hash, at, event, actor, target, document FROM audit \
             WHERE sequence >= ?1 AND sequence < ?2{conditions} ORDER BY sequence DESC LIMIT ?{}",
            values.len()
        );
        let rows = self.database.query(&statement, values, row).await?;
        let is_full = rows.len() == usize::try_from(limit).unwrap_or(usize::MAX);
        let next = if is_full { rows.last().map(|row| row.link.sequence) } else { Some(lowest) };
        Ok(AuditPage { rows, next: next.filter(|next| *next > 1) })
    }
}
