//! How far one page of a list looks in SQLite.
//!
//! What a filter finds may be anywhere in the table. A page, or a count, looks at no more rows than
//! are looked at in some 20 milliseconds, in the order of the list, and says where it stopped: the
//! next one goes on there. So a page may be short, or empty, and not be the last; following the
//! pages finds every device once, whatever is asked for.

use crate::Error;
use crate::database::Database;
use crate::filter::Filter;
use crate::filter::narrow::Narrow;
use crate::source::Source;
use crate::value::Value;

/// What is looked at: a column of a row costs some tenth of a microsecond.
const COLUMNS: usize = 120_000;
/// The same for rows that the index of words names. To look up one of them costs as much as `LOOKUP`
/// columns.
const COLUMNS_OF_CANDIDATES: usize = 150_000;
const LOOKUP: usize = 20;
/// Most rows, however little is compared.
const MOST_ROWS: usize = 20_000;
/// Fewest rows, however much is compared: a list must get on.
const FEWEST: usize = 200;
/// Candidates that are tried first: they fill a page if many of them are found.
const FIRST_CANDIDATES: i64 = 500;
/// Entries in the index of words, should every row be in each of its lists.
const POSTINGS: usize = 8_000_000;

/// Rows that are looked at to see whether a word of one or two characters is a common one, at the
/// end of the table, in the middle and at the beginning: what it takes to count a common one in the
/// index of words is not bounded.
const PROBED_ROWS: i64 = 1_000;
/// Devices among all these that make it one.
const COMMON: u64 = 12;

/// How many rows are looked at, at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach {
    /// Where the table is passed through.
    pub(crate) rows: i64,
    /// Where the index of words names them.
    pub(crate) candidates: i64,
    /// Rows through which the index of words is asked.
    pub(crate) indexed: i64,
}

/// How the devices of a filter are found.
pub(crate) enum Way {
    /// In few rows, or as PostgreSQL's planner likes: all at once.
    Whole(Source),
    /// By passing through the table.
    Walk(Source),
    /// In the rows whose words match.
    Words(Source, String),
}

/// Where devices are looked for at once, and where the rest begins.
pub(crate) struct Part {
    pub(crate) source: Source,
    /// Rows below were not looked at; `None` if there are none.
    pub(crate) rest: Option<i64>,
}

impl Reach {
    pub(crate) fn of(filter: &Filter) -> Self {
        // Each column that the condition names is compared; texts stand among the values.
        let compared = filter.condition.matches("d.").count().max(1);
        let rows = (COLUMNS / compared).clamp(FEWEST, MOST_ROWS);
        let candidates = (COLUMNS_OF_CANDIDATES / (compared + LOOKUP)).max(FEWEST);
        let trigrams = filter.words.as_deref().map_or(0, |words| words.matches('"').count() / 2);
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            rows: number(rows),
            candidates: number(candidates),
            indexed: number(POSTINGS / trigrams.max(1)),
        }
    }

    /// The same by and by, so that a page that is full early is answered early.
    pub(crate) fn steps(self, way: &Way) -> Vec<Self> {
        match way {
            Way::Words(..) if self.candidates > FIRST_CANDIDATES => {
                vec![Self { candidates: FIRST_CANDIDATES, ..self }, self]
            }
            _ => vec![self],
        }
    }
}

impl Database {
    /// The best way to the devices of a filter.
    pub(crate) async fn way(&self, mut filter: Filter) -> Result<Way, Error> {
        let Self::Sqlite(sqlite) = self else {
            return Ok(Way::Whole(Source::all("device d", &filter)));
        };
        let walk = Source::all("device d NOT INDEXED", &filter);
        if !sqlite.has_search() {
            return Ok(Way::Walk(walk));
        }
        if let Some(narrow) = filter.narrow.take()
            && let Some(narrow) = self.without_common(narrow).await?
            && let Some(rows) = self.few(narrow).await?
        {
            return Ok(Way::Whole(Source::few(&rows, filter)));
        }
        Ok(match filter.words {
            Some(words) => Way::Words(walk, words),
            None => Way::Walk(walk),
        })
    }

    /// The rows of a way that lie below a row: all of them, or as many as are looked at at once.
    pub(crate) async fn part(&self, way: &Way, below: i64, reach: Reach) -> Result<Part, Error> {
        let (Way::Whole(source) | Way::Walk(source) | Way::Words(source, _)) = way;
        let Source { mut text, mut values } = source.clone();
        let first = match way {
            Way::Whole(_) => None,
            Way::Walk(_) | Way::Words(..) => self.row_below(below).await?,
        };
        let Some(first) = first else {
            return Ok(Part { source: Source { text, values }, rest: None });
        };
        let end = if let Way::Words(_, words) = way {
            let (candidates, end) = self.candidates(words, first, reach).await?;
            values.push(Value::Text(format!("{candidates:?}")));
            let mark = values.len();
            text += &format!(" AND d.sequence IN (SELECT value FROM json_each(?{mark}))");
            end
        } else {
            let end = first.saturating_sub(reach.rows - 1);
            values.push(Value::Integer(end));
            text += &format!(" AND d.sequence >= ?{}", values.len());
            end
        };
        let rest = self.row_below(end).await?.map(|row| row + 1);
        Ok(Part { source: Source { text, values }, rest })
    }

    /// Rows whose words match, from one downwards, and the row up to which these are all.
    async fn candidates(
        &self,
        words: &str,
        first: i64,
        reach: Reach,
    ) -> Result<(Vec<i64>, i64), Error> {
        let end = first.saturating_sub(reach.indexed - 1);
        let statement = "SELECT rowid FROM device_text WHERE device_text MATCH ?1 \
                         AND rowid <= ?2 AND rowid >= ?3 ORDER BY rowid DESC LIMIT ?4";
        let values = vec![
            Value::Text(words.to_owned()),
            Value::Integer(first),
            Value::Integer(end),
            Value::Integer(reach.candidates),
        ];
        let rows = self.query(statement, values, |row| row.table("device").integer("sequence"));
        let rows = rows.await?;
        let is_cut = i64::try_from(rows.len()).is_ok_and(|count| count == reach.candidates);
        let end = rows.last().copied().filter(|_| is_cut).unwrap_or(end);
        Ok((rows, end))
    }

    /// The next row in the order of the list; rows that were removed leave gaps.
    async fn row_below(&self, row: i64) -> Result<Option<i64>, Error> {
        let statement =
            "SELECT sequence FROM device WHERE sequence < ?1 ORDER BY sequence DESC LIMIT 1";
        let decode = |row: &mut crate::value::Columns<'_>| row.table("device").integer("sequence");
        self.query_one(statement, vec![Value::Integer(row)], decode).await
    }

    /// What is left to choose from without short words that many devices have.
    async fn without_common(&self, narrow: Narrow) -> Result<Option<Narrow>, Error> {
        let mut common = Vec::new();
        for word in narrow.short_words() {
            if self.is_common_word(&word).await? {
                common.push(word);
            }
        }
        Ok(narrow.without_short_words(&common))
    }

    async fn is_common_word(&self, word: &str) -> Result<bool, Error> {
        let Some(last) = self.row_below(i64::MAX).await? else { return Ok(false) };
        let of_each = [last, last / 2, PROBED_ROWS].map(|to| {
            let from = to - PROBED_ROWS;
            format!("SELECT words FROM device_words WHERE sequence > {from} AND sequence <= {to}")
        });
        let statement = format!(
            "SELECT count(*) FROM (SELECT 1 FROM ({}) WHERE instr(words, ?1) > 0 LIMIT {COMMON})",
            of_each.join(" UNION ALL ")
        );
        let values = vec![Value::Text(word.to_owned())];
        let count = self.query_one(&statement, values, |row| row.table("device").count("count"));
        Ok(count.await?.is_some_and(|count| count >= COMMON))
    }
}
