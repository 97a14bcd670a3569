//! The entries that somebody looks for, latest first.

use std::time::Duration;

use domain::{
    PersonId, Scope, Timestamp,
    audit::{Event, Outcome},
};
use uuid::Uuid;

use super::{AuditRow, row};
use crate::value::{Columns, Value};
use crate::{Error, Store, sql};

/// What is looked for. Everything that is given must fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// How it went.
    pub outcome: Option<Outcome>,
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
/// Entries are numbered as they are written, and their times grow with their numbers, unless somebody
/// sets the clock back. What lies further off than this is not looked at for a time.
const CLOCK_SET_BACK: Duration = Duration::from_secs(24 * 3600);

impl AuditFilter {
    /// Whether everything fits.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether no index leads from one entry that fits to the next.
    fn must_look(&self) -> bool {
        let by_index = [self.event.is_some(), self.person.is_some(), self.target_id().is_some()];
        [&self.who, &self.source, &self.text].iter().any(|text| text.is_some())
            || self.target.is_some() && self.target_id().is_none()
            || self.outcome.is_some()
            || by_index.iter().filter(|is_used| **is_used).count() > 1
    }

    /// The target, if it is an id and not a part of a name.
    fn target_id(&self) -> Option<Uuid> {
        self.target.as_deref()?.parse().ok()
    }

    /// The conditions, with their values after those that are there already.
    fn conditions(&self, values: &mut Vec<Value>) -> String {
        let mut conditions = String::new();
        if let Some(outcome) = self.outcome {
            let words = Event::ALL.iter().filter(|event| event.outcome() == outcome);
            let words: Vec<_> = words.map(|event| format!("'{}'", event.word())).collect();
            conditions.push_str(&format!(" AND event IN ({})", words.join(", ")));
        }
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
        if let Some(target) = self.target_id() {
            and("target = ", Value::text(&target.to_string()), "");
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
        if let Some(target) = &self.target
            && self.target_id().is_none()
        {
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
        let mut before = before.unwrap_or(u64::MAX).min(head + 1);
        if let Some(to) = filter.to.and_then(|to| to.checked_add(CLOCK_SET_BACK).ok()) {
            before = before.min(self.audit_from(to).await?.unwrap_or(u64::MAX));
        }
        let mut lowest = 0;
        if let Some(from) = filter.from.and_then(|from| from.checked_sub(CLOCK_SET_BACK).ok()) {
            lowest = self.audit_until(from).await?.unwrap_or(0);
        }
        let ends_at = lowest;
        if filter.must_look() {
            lowest = lowest.max(before.saturating_sub(LOOKED_AT));
        }
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
        Ok(AuditPage { rows, next: next.filter(|next| *next > ends_at.max(1)) })
    }

    /// The number of the entry that is the first by time from then on.
    async fn audit_from(&self, time: Timestamp) -> Result<Option<u64>, Error> {
        let number = |row: &mut Columns<'_>| row.table("audit").count("sequence");
        self.database.query_one(sql::AUDIT_FROM, vec![Value::time(time)], number).await
    }

    /// The number of the entry that is the last by time before then.
    async fn audit_until(&self, time: Timestamp) -> Result<Option<u64>, Error> {
        let number = |row: &mut Columns<'_>| row.table("audit").count("sequence");
        self.database.query_one(sql::AUDIT_UNTIL, vec![Value::time(time)], number).await
    }
}
