//! Where the devices of a filter are found: in few rows that an index of SQLite names, or in the
//! whole table. PostgreSQL is left to its planner.

use crate::Error;
use crate::database::Database;
use crate::filter::Filter;
use crate::filter::narrow::{Narrow, Rows};
use crate::value::Value;

/// Rows that are read and sorted in some 10 milliseconds. With more in a million, a page is full
/// after passing by as few rows in the order of the list.
const FEW: u64 = 4_000;

/// The end of a statement about devices.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) text: String,
    pub(crate) values: Vec<Value>,
}

impl Database {
    /// Makes what a search in a large inventory needs, if it is large and has none.
    pub(crate) async fn prepare_search(&self, large_from: i64) -> Result<(), Error> {
        match self {
            Self::Sqlite(sqlite) if !sqlite.has_search() => {
                if self.last_row().await? > large_from {
                    sqlite.make_search().await
                } else {
                    Ok(())
                }
            }
            _ => Ok(()),
        }
    }

    async fn last_row(&self) -> Result<i64, Error> {
        let last = "SELECT coalesce(max(sequence), 0) FROM device";
        let last = self.query_one(last, vec![], |row| row.table("device").integer("last")).await?;
        Ok(last.unwrap_or_default())
    }

    /// Rows among which all devices are that are found, if there are few such.
    pub(crate) async fn few(&self, narrow: Narrow) -> Result<Option<Vec<Rows>>, Error> {
        let mut values = Vec::new();
        let counted = narrow.counted().into_iter().enumerate();
        let counted = counted.map(|(number, rows)| {
            let count = count(rows, &mut values);
            format!("SELECT {number} AS number, ({count}) AS count")
        });
        let statement = counted.collect::<Vec<_>>().join(" UNION ALL ");
        if statement.is_empty() {
            return Ok(None);
        }
        let statement = format!("{statement} ORDER BY number");
        let counts = self.query(&statement, values, |row| {
            row.table("device").integer("number")?;
            row.count("count")
        });
        let (count, rows) = narrow.fewest(&mut counts.await?.into_iter());
        Ok((count <= FEW).then_some(rows))
    }
}

impl Source {
    /// A table, passed through.
    pub(crate) fn all(table: &str, filter: &Filter) -> Self {
        let text = format!("FROM {table} WHERE {}", filter.condition);
        Self { text, values: filter.values.clone() }
    }

    /// Few rows.
    pub(crate) fn few(rows: &[Rows], filter: Filter) -> Self {
        let mut values = filter.values;
        let rows = union(rows, &mut values);
        // NOT INDEXED leaves the rows' own key, by which these are looked up in the list's order.
        let text = format!(
            "FROM device d NOT INDEXED WHERE d.sequence IN ({rows}) AND {}",
            filter.condition
        );
        Self { text, values }
    }
}

/// How many rows there are; more than few are not counted to their end.
fn count(rows: &[Rows], values: &mut Vec<Value>) -> String {
    if let [Rows::Trigrams(from, to)] = rows {
        values.extend([from.clone(), to.clone()]);
        let to = values.len();
        return format!(
            "SELECT coalesce(sum(doc), 0) FROM device_terms WHERE term >= ?{} AND term < ?{to}",
            to - 1
        );
    }
    format!("SELECT count(*) FROM ({} LIMIT {})", union(rows, values), FEW + 1)
}

fn union(rows: &[Rows], values: &mut Vec<Value>) -> String {
    if rows.is_empty() {
        return "SELECT sequence FROM device WHERE 1 = 0".to_owned();
    }
    let rows: Vec<_> = rows.iter().map(|rows| select(rows, values)).collect();
    rows.join(" UNION ALL ")
}

fn select(rows: &Rows, values: &mut Vec<Value>) -> String {
    let mut bind = |value: &Value| {
        values.push(value.clone());
        format!("?{}", values.len())
    };
    let (index, condition) = match rows {
        Rows::Without(index) => (index, format!("{} IS NULL", index.key)),
        Rows::Within(index, from, to) => {
            let key = index.key;
            let condition = match (from, to) {
                (None, None) => format!("{key} IS NOT NULL"),
                (Some(from), None) => format!("{key} >= {}", bind(from)),
                (None, Some(to)) => format!("{key} < {}", bind(to)),
                (Some(from), Some(to)) => {
                    format!("{key} >= {} AND {key} < {}", bind(from), bind(to))
                }
            };
            (index, condition)
        }
        Rows::Words(words) => {
            let words = bind(&Value::Text(words.clone()));
            return format!("SELECT rowid FROM device_text WHERE device_text MATCH {words}");
        }
        Rows::Trigrams(from, to) => {
            // Each trigram as a quoted text, joined to a match; no text matches nothing.
            return format!(
                "SELECT rowid FROM device_text WHERE device_text MATCH (SELECT coalesce(\
                 group_concat('\"' || replace(term, '\"', '\"\"') || '\"', ' OR '), '\"\"') \
                 FROM device_terms WHERE term >= {} AND term < {})",
                bind(from),
                bind(to)
            );
        }
    };
    format!("SELECT sequence FROM device INDEXED BY {} WHERE {condition}", index.name)
}
